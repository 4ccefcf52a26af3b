/**
 * Turns what a decoder reads into a batch, against the state as it is, without changing the state. Samples in a series key that
 * was seen before take the short way (`addKnown`); new ones are routed to their family, checked against its type, and, where
 * they are not written so already, brought to their canonical text.
 */
import type { Exemplar } from '../model/exemplar.ts';
import type { Label } from '../model/labels.ts';
import { isLegacyLabelName, isLegacyMetricName } from '../model/labels.ts';
import { hasBuckets } from '../model/metric-type.ts';
import type { MetricType } from '../model/metric-type.ts';
import type { NativeHistogram } from '../model/native-histogram.ts';
import { UNKNOWN } from '../model/known-series.ts';
import type { KnownSeries, PlainSeries } from '../model/known-series.ts';
import type { Dialect, SampleSink, SeriesKey } from '../model/sample-sink.ts';
import { seriesText } from '../model/series-text.ts';
import { HASH, viewOf } from '../primitives/bytes.ts';
import { formatFloat64 } from '../primitives/float.ts';
import type { Writable } from '../primitives/writable.ts';
import { isSpelled, remember } from './aliases.ts';
import { appendEntry, emptyBatch, reserveColumns, resetBatch } from '../store/batch.ts';
import type { AliasTarget, Batch, PushFamily } from '../store/batch.ts';
import { checkHelp } from './check-limits.ts';
import type { TextAt } from '../store/accumulators.ts';
import { DiscardedLines } from './discarded-lines.ts';
import { beginPush, growCursor, newCursor, pass, readExpected } from './expected-run.ts';
import type { Cursor, ExpectedRun } from './expected-run.ts';
import { ReorderedLabels } from './reordered-labels.ts';
import type { PushedBy, SeriesAdmission } from './series-admission.ts';
import { PushFinish } from './finish-push.ts';
import { KeyFinder } from './key-finder.ts';
import { NO_COMPOSITE } from '../store/pending-series.ts';
import { CompositeAccumulators } from './composite-accumulators.ts';
import { PlainReader } from './plain-reader.ts';
import { PushDetails } from './push-details.ts';
import { PushFamilies } from './push-families.ts';
import { SamplePlacer } from './place-sample.ts';
import { PushComposites } from './push-composites.ts';
import {
  checkSeriesLimits,
  isWithinSeriesLimits,
  duplicateSeries,
  compositeLabels,
  kindOf,
  upperBound,
  noPathLabels,
  withPathLabels,
} from './sample-kinds.ts';
import type { PathLabels } from './sample-kinds.ts';
import { discardedText, readMetadataReference } from '../store/series-cache.ts';
import type { SeriesCache } from '../store/series-cache.ts';
import { StartJudge } from './start-judge.ts';
import type { State } from '../state/state.ts';
import { TextScratch } from '../store/text-scratch.ts';
import { ValueCheck } from './value-check.ts';
import { AccumulatorKind, isGrouped } from '../store/policies.ts';

/** Longer bodies are read in steps. */
const LONG_BYTES = 128 * 1024;
/** To write so many bytes of texts, and to look for them, takes as long as something new. */
const NEW_SERIES_BYTES = 1024;
/** So does looking at so many accumulators. */
const NEW_SERIES_LOOKED = 128;

export class PushBuilder implements SampleSink, KnownSeries {
  readonly known: KnownSeries = this;
  readonly hashSeed: number;
  readonly batch: Batch;
  /** State.epoch when the push began; the batch means nothing once that has changed. */
  epoch = 0;
  guessed: number = UNKNOWN;
  readonly #state: State;
  readonly #families: PushFamilies;
  readonly #plain: PlainReader;
  readonly #values: ValueCheck;
  readonly #placer: SamplePlacer;
  readonly admission: SeriesAdmission;
  readonly #scratch: TextScratch;
  readonly #composites: PushComposites;
  readonly #beside: CompositeAccumulators;
  readonly #keys: KeyFinder;
  readonly #details: PushDetails;
  readonly #discarded: DiscardedLines;
  /** Filled anew for each sample: with a million new series, an object each would keep the garbage collector busy. */
  readonly #at: Writable<TextAt> = { view: new DataView(new ArrayBuffer(0)), start: 0, end: 0, hash: 0 };
  #body: DataView = new DataView(new ArrayBuffer(0));
  #path: PathLabels = noPathLabels;
  /** Of canonical texts that were made, which are longer than the body where the path has labels. */
  #writtenBytes = 0;
  readonly #cursor: Cursor = newCursor();
  /** What lines that are known by other bytes are read into as well. */
  readonly expected: ExpectedRun;
  readonly #reordered: ReorderedLabels;
  #seriesCache: SeriesCache;
  #strict = false;
  readonly #finish: PushFinish;
  /** The reference of the series key after the last one known. */
  #nextSeriesKey = 0;

  /** `wallMs` is asked which start times lie in the past. */
  constructor(state: State, wallMs: () => number = () => Number.POSITIVE_INFINITY) {
    this.#state = state;
    this.hashSeed = state.hashSeed;
    const batch = emptyBatch(state.hashSeed);
    const cursor = this.#cursor;
    const families = new PushFamilies(state, batch);
    const values = new ValueCheck(batch, state.accumulators);
    this.batch = batch;
    this.#families = families;
    this.#values = values;
    this.#seriesCache = state.seriesCache.text;
    this.#reordered = new ReorderedLabels(state.accumulators, state.hashSeed);
    this.expected = {
      reordered: this.#reordered,
      withinFamily: false,
      accumulators: state.accumulators,
      batch,
      cursor,
      families,
    };
    this.#placer = new SamplePlacer(state, batch, cursor, values);
    this.admission = this.#placer.admission;
    this.#plain = new PlainReader(families);
    this.#scratch = new TextScratch(state.hashSeed);
    this.#composites = new PushComposites(state, batch, { plain: this.#plain, admission: this.admission });
    this.#beside = new CompositeAccumulators(state.accumulators);
    this.#keys = new KeyFinder(state);
    this.#details = new PushDetails(state, batch, { families, values, admission: this.admission });
    this.#discarded = new DiscardedLines(state, batch, families);
    const starts = new StartJudge({ state, batch, families, cursor, wallMs });
    this.#finish = new PushFinish(state, batch, { families, details: this.#details, starts });
  }

  /**
   * Begins a push of a source, which counts as `sender` says. Labels of the `path` are added to every series and win over its own. Without a `pusher`
   * it is not asked whether it may bring new series.
   */
  begin(
    body: Uint8Array,
    path: PathLabels = noPathLabels,
    source?: string,
    { sender = this.#state.aggregation, pusher }: PushedBy = {},
  ): void {
    resetBatch(this.batch);
    this.batch.source = source;
    this.batch.sender = sender;
    this.admission.begin(pusher);
    if (body.length > LONG_BYTES) reserveColumns(this.batch, body.length);
    this.#plain.begin();
    this.#keys.begin();
    this.#details.begin();
    this.#body = viewOf(body);
    this.#path = path;
    this.#writtenBytes = 0;
    this.#nextSeriesKey = 0;
    this.#seriesCache = this.#state.seriesCache.text;
    this.expected.withinFamily = false;
    this.#strict = false;
    this.epoch = this.#state.epoch;
    const cursor = this.#cursor;
    if (beginPush(cursor, this.#state.accumulators.kind.length)) {
      this.#families.forgetStamps();
      this.#discarded.forgetStamps();
    }
    this.#families.begin(cursor.serial);
    this.#discarded.begin(cursor.serial);
  }

  readAs(dialect: Dialect, { strict }: { readonly strict: boolean }): void {
    this.batch.dialect = dialect;
    this.#seriesCache = this.#state.seriesCache[dialect];
    this.expected.withinFamily = dialect === 'openmetrics';
    this.#strict = strict;
  }

  addExpected(view: DataView, start: number, end: number): number {
    if (this.#families.meaningsChanged || this.#path.labels.length > 0) return start;
    return readExpected(view, start, end, this.expected);
  }

  guess(view: DataView, start: number, end: number): number {
    const isMetadata = view.getUint8(start) === HASH;
    if (this.#families.meaningsChanged || (!isMetadata && this.#path.labels.length > 0)) return -1;
    const { accumulators } = this.#state;
    const seriesCache = this.#seriesCache;
    if (!isMetadata && !this.#cursor.missed) {
      const accumulator = this.#cursor.nextAccumulator;
      let length = accumulators.texts.matchLength(accumulator, view, start, end);
      if (length < 0) length = this.#reordered.matchLength(accumulator, view, start, end);
      if (length >= 0 && accumulators.kind[accumulator] !== AccumulatorKind.FREE) {
        this.guessed = accumulator;
        return start + length;
      }
    }
    const entry = this.#nextSeriesKey;
    const length = seriesCache.matchLength(entry, view, start, end);
    if (length < 0) return -1;
    const target = seriesCache.targetOf(entry);
    if (
      target >= 0 ? accumulators.kind[target] === AccumulatorKind.FREE : this.#knownHere(target) === UNKNOWN
    )
      return -1;
    this.guessed = target;
    this.#nextSeriesKey = seriesCache.used(entry);
    return start + length;
  }

  find(view: DataView, start: number, end: number, hash: number): number {
    if (this.#families.meaningsChanged) return UNKNOWN;
    const { accumulators } = this.#state;
    const seriesCache = this.#seriesCache;
    const ownLabelsOnly = this.#path.labels.length === 0;
    if (ownLabelsOnly) {
      const accumulator = accumulators.texts.find(view, start, end, hash);
      if (accumulator >= 0) return accumulator;
    }
    const entry = seriesCache.find(view, start, end, hash);
    if (entry < 0) return ownLabelsOnly ? this.#reordered.find(view, start, end) : UNKNOWN;
    const target = seriesCache.targetOf(entry);
    this.#nextSeriesKey = seriesCache.used(entry);
    if (target < 0) return this.#knownHere(target);
    // With path labels a sample means another series than its series key says.
    return ownLabelsOnly && accumulators.kind[target] !== AccumulatorKind.FREE ? target : UNKNOWN;
  }

  guessKey(head: DataView, headEnd: number, view: DataView, start: number, end: number): number {
    if (this.#families.meaningsChanged) return UNKNOWN;
    return this.#ofOwnLabels(this.#keys.guess(head, headEnd, view, start, end));
  }

  findKey(view: DataView, start: number, end: number, hash: number): number {
    if (this.#families.meaningsChanged) return UNKNOWN;
    return this.#ofOwnLabels(this.#keys.find(view, start, end, hash));
  }

  findSum(count: number): number {
    return this.#beside.sumOf(count);
  }

  findBucket(count: number, bound: number): number {
    return this.#beside.bucketOf(count, bound);
  }

  addKnown(reference: number, value: number, offset: number): void {
    this.#cursor.missed = false;
    if (reference < 0) {
      this.#addKnownMetadata(reference, offset);
      return;
    }
    const cursor = this.#cursor;
    pass(cursor, reference);
    this.batch.samples += 1;
    const { accumulators } = this.#state;
    if (cursor.seen[reference] === cursor.serial)
      throw duplicateSeries(accumulators.textOf(reference), offset);
    cursor.seen[reference] = cursor.serial;
    const family = accumulators.family[reference]!;
    if (family !== cursor.family) {
      cursor.family = family;
      this.#families.sampleKnown(family);
    }
    appendEntry(
      this.batch,
      reference,
      this.#values.checked(accumulators.kindOf(reference), value, reference, offset),
      offset,
    );
  }

  addPlain(view: DataView, series: PlainSeries, hash: number, value: number): boolean {
    const { start, end } = series;
    if (this.#path.labels.length > 0 || this.#families.isPassing) return false;
    if (!isWithinSeriesLimits(this.#state.limits, series.labelCount, end - start)) return false;
    const route = this.#plain.route(view, series);
    const { family } = route;
    if (family.type === 'summary' || (hasBuckets(family.type) && route.role === 'own')) return false;
    const kind = kindOf(route, family.name, start);
    let bound = Number.NaN;
    let composite: number | undefined = NO_COMPOSITE;
    if (isGrouped(kind)) {
      if (kind === AccumulatorKind.BUCKET) {
        if (series.lastLe < 0) return false;
        bound = this.#plain.bound(view, series.lastLe + 4, end - 2);
        if (Number.isNaN(bound)) return false;
      }
      composite = this.#composites.plain(view, series, family, kind);
      if (composite === undefined) return false;
    } else if (!series.inOrder) return false;
    this.batch.samples += 1;
    const at = this.#at;
    at.view = view;
    at.start = start;
    at.end = end;
    at.hash = hash;
    const placed = this.#placer.place(at, this.#placer.shaped(kind, family, composite, bound), value, start);
    if (placed === undefined) this.#leaveOut(family);
    return true;
  }

  addDiscarded(samples: number): void {
    this.batch.samples += samples;
    this.batch.ignoredSummary += samples;
    this.#details.passed();
  }

  addSample(name: string, labels: readonly Label[], value: number, seriesKey: SeriesKey): void {
    this.batch.samples += 1;
    if (this.#families.passes(name)) {
      this.#discard(name, labels, seriesKey);
      return;
    }
    const route = this.#families.route(name, seriesKey.start);
    const { family, role } = route;
    if (this.#state.discards(family) || (family.type === 'summary' && role === 'own')) {
      const text = this.#discard(name, labels, seriesKey);
      if (text !== undefined) this.#remember(seriesKey, { family, what: 'discarded', text });
      return;
    }
    const merged = withPathLabels(labels, this.#path);
    const kind = kindOf(route, name, seriesKey.start);
    const checkedLabels = isGrouped(kind) ? compositeLabels(route, name, merged, seriesKey.start) : merged;
    const bound = kind === AccumulatorKind.BUCKET ? upperBound(name, merged, seriesKey.start) : Number.NaN;
    const text = seriesText(
      name,
      checkedLabels,
      kind === AccumulatorKind.BUCKET ? formatFloat64(bound) : undefined,
    );
    this.#writtenBytes += text.length;
    checkSeriesLimits(this.#state.limits, merged.length, text, seriesKey.start);
    family.quotedNames ||=
      !isLegacyMetricName(name) || checkedLabels.some((label) => !isLegacyLabelName(label.name));
    const composite = isGrouped(kind)
      ? this.#composites.labelled(family, checkedLabels, seriesKey.start)
      : NO_COMPOSITE;
    if (composite === undefined) return this.#leaveOut(family);
    const at = this.#scratch.write(text);
    const shape = this.#placer.shaped(kind, family, composite, bound);
    const accumulator = this.#placer.place(at, shape, value, seriesKey.start);
    if (accumulator === undefined) return this.#leaveOut(family);
    const { start, end, key } = seriesKey;
    if (key === undefined && this.#reordered.isReordered(this.#body, start, end, at.view, at.end)) return;
    if (accumulator >= 0 || !isSpelled(this.#body, seriesKey, at))
      this.#remember(seriesKey, { target: accumulator });
  }

  /** The sample is of a new series that may not come. */
  #leaveOut(family: PushFamily): void {
    family.leftOut ??= 'all';
    this.batch.ignoredByLimit += 1;
    this.#details.passed();
  }

  /** Returns its text, see `DiscardedLines.add`. */
  #discard(name: string, labels: readonly Label[], { start, isOnlyOne }: SeriesKey): number | undefined {
    this.batch.ignoredSummary += 1;
    this.#details.passed();
    return isOnlyOne === true ? undefined : this.#discarded.add(name, labels, start);
  }

  addType(name: string, type: MetricType, seriesKey: SeriesKey): void {
    this.#plain.begin();
    const family = this.#families.addType(name, type, seriesKey.start);
    if (family !== undefined) this.#remember(seriesKey, { family, what: 'type' });
  }

  addHelp(name: string, help: string, seriesKey: SeriesKey): void {
    // Nothing is said by it, so it may stand twice, and another text may follow.
    if (help === '') return;
    const family = this.#families.addHelp(name, help, seriesKey.start);
    if (family === undefined) return;
    checkHelp(this.#state.limits, family, help, seriesKey.start);
    this.#remember(seriesKey, { family, what: 'help' });
  }

  addFamily(
    name: string,
    is: { readonly type: MetricType; readonly help: string | undefined },
    seriesKey: SeriesKey,
  ): void {
    this.#plain.begin();
    const family = this.#families.addType(name, is.type, seriesKey.start);
    if (family === undefined) return;
    if (is.help !== undefined && is.help !== '') {
      this.#families.addHelp(name, is.help, seriesKey.start);
      checkHelp(this.#state.limits, family, is.help, seriesKey.start);
    }
    this.#remember(seriesKey, { family, what: 'header' });
  }

  returnTo(name: string): void {
    this.#families.returnTo(name);
  }

  /** What is no plain word, as the ABNF of OpenMetrics has units, is left out: it would end its line, or the page. */
  addUnit(name: string, unit: string): void {
    if (unit.length > this.#state.limits.helpBytesMax || /[^a-zA-Z0-9_:]/.test(unit)) return;
    if (this.#families.passes(name)) return;
    if (this.#state.families.find(name)?.unit === undefined) this.#families.addUnit(name, unit);
  }

  addStart(startMs: number): void {
    this.#details.addStart(startMs);
  }

  addStartOf(name: string, labels: readonly Label[], startMs: number): void {
    if (this.#families.passes(name)) return;
    this.#details.addStartOf(seriesText(name, withPathLabels(labels, this.#path)), startMs);
  }

  addExemplar(exemplar: Exemplar, native = false): void {
    if (this.#strict && !native) this.#details.checkExemplar(exemplar);
    this.#details.addExemplar(exemplar, native);
  }

  addNative(histogram: NativeHistogram, offset: number): void {
    this.#details.addNative(histogram, offset);
  }

  /** Completes and checks the batch as a whole; throws a PushProblem when it contradicts itself, the state or a limit. */
  finish(): Batch {
    this.#finish.atOnce(this.#strict);
    return this.batch;
  }

  /** The same in steps; between them others may push what does not disturb it (ingest/disturbs.ts). */
  finishInSteps(): Generator<void, void> {
    return this.#finish.inSteps(this.#strict);
  }

  /** How much of what was read so far is not known to the state, was left out, had to be written anew to be looked for, or made to fit. */
  get newSeries(): number {
    const { pendingSeries, families, aliases, ignoredByLimit } = this.batch;
    return (
      pendingSeries.length +
      ignoredByLimit +
      families.length +
      aliases.length +
      this.#writtenBytes / NEW_SERIES_BYTES +
      this.#details.looked / NEW_SERIES_LOOKED
    );
  }

  /** With path labels a sample means another series than its series key says. */
  #ofOwnLabels(reference: number): number {
    if (reference < 0) return this.#knownHere(reference);
    return this.#path.labels.length > 0 ? UNKNOWN : reference;
  }

  /** A reference below zero; UNKNOWN for a line to be thrown away that is not known to this push. */
  #knownHere(reference: number): number {
    const text = discardedText(reference);
    return text < 0 || this.#discarded.knows(text) ? reference : UNKNOWN;
  }

  #addKnownMetadata(reference: number, offset: number): void {
    const text = discardedText(reference);
    if (text >= 0) {
      const summary = this.#discarded.addKnown(text, offset);
      this.addDiscarded(1);
      // It has no accumulator, so nothing is to be expected after it.
      this.#cursor.family = -1;
      this.#families.sampleKnown(summary);
      return;
    }
    const { family, what } = readMetadataReference(reference);
    if (what === 'type') this.#families.typeKnown(family, offset);
    else if (what === 'help') this.#families.helpKnown(family, offset);
    else this.#families.headerKnown(family, offset);
  }

  /** Whether what was read so far means what it meant then: nothing was created, freed or retyped, or `keepUp` was called for it. */
  isUnchanged(): boolean {
    return this.epoch === this.#state.epoch;
  }

  /** To be called when there is more in the state than there was, none of which disturbs what was read so far (disturbs.ts). */
  keepUp(): void {
    this.epoch = this.#state.epoch;
    growCursor(this.#cursor, this.#state.accumulators.kind.length);
    this.#families.keepUp();
  }

  /** What was read so far means nothing any more: no state is in such an epoch. */
  spoil(): void {
    this.epoch = -1;
  }

  /** See BatchBeingRead. */
  speaksOf(family: string): boolean {
    return this.#families.speaksOf(family);
  }

  /** Whether what was read so far means in the state as it is now what it meant then. */
  *isCurrentInSteps(): Generator<void, boolean> {
    return this.epoch === this.#state.epoch && (yield* this.#finish.hasSignsAsBefore());
  }

  #remember(seriesKey: SeriesKey, alias: AliasTarget): void {
    remember(this.batch, seriesKey, alias, this.#path.labels.length > 0);
  }
}
