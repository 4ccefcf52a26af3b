/**
 * Stands between a decoder and the builder of a batch where rules say which series the samples of a push are of. It takes the push as
 * parsed, all of it, as only then is it known which series have become equal; then it is given to the builder, in steps.
 *
 * All that is kept from one push to the next is what the same rules made of the same series keys (placement-memo.ts).
 */
import { newer } from '../../model/exemplar.ts';
import type { Exemplar } from '../../model/exemplar.ts';
import { UNKNOWN } from '../../model/known-series.ts';
import type { KnownSeries } from '../../model/known-series.ts';
import type { Label } from '../../model/labels.ts';
import type { MetricType } from '../../model/metric-type.ts';
import type { NativeHistogram } from '../../model/native-histogram.ts';
import type { Dialect, SampleSink, SeriesKey } from '../../model/sample-sink.ts';
import { viewOf } from '../../primitives/bytes.ts';
import type { State } from '../../state/state.ts';
import type { Batch } from '../../store/batch.ts';
import { Feed } from './feed.ts';
import { Overflow } from './overflow.ts';
import type { OverflowingPush } from './overflow.ts';
import type { Placement, PlacementMemo, PlacementTable } from './placement-memo.ts';
import { SeriesPlacer } from './place-series.ts';
import type { Placed, Trace } from './place-series.ts';
import { PushedFamilies } from './pushed-families.ts';
import { looksAtSeries } from './push-rules.ts';
import type { PushRules } from './push-rules.ts';
import { NONE, RewrittenPush } from './rewritten-push.ts';
import { gaugeRule } from './series-rules.ts';

/** So many rules looked at are as much work as something new in a batch. */
const RULES_LOOKED = 8;
/** And so is one rule with so much of a long text, as its regular expression may go through all of it. */
const CHARS_LOOKED = 64;
/** To write so many characters of a text takes as long as something new. */
const CHARS_WRITTEN = 1024;
/** So are so many samples that were seen before. */
const SAMPLES_KNOWN = 4;

/** What is asked of the state. */
type KnownState = Pick<State, 'families' | 'discards' | 'limits' | 'hashSeed'>;

/** What takes the push in the end. */
interface BatchSink extends SampleSink {
  readonly batch: Batch;
}

export class RewriteSink implements SampleSink, KnownSeries {
  readonly known: KnownSeries = this;
  readonly hashSeed: number;
  readonly guessed: number = UNKNOWN;
  readonly #state: KnownState;
  readonly #push: RewrittenPush;
  readonly #families = new PushedFamilies();
  readonly #placer: SeriesPlacer;
  /** What the state was asked, and what it said. */
  readonly #asked = new Map<string, MetricType | undefined>();
  readonly #memo: PlacementMemo;
  #rules!: PushRules;
  #body: DataView = new DataView(new ArrayBuffer(0));
  /** Undefined where what rules do is told, series by series. */
  #table: PlacementTable | undefined;
  /** Samples that had to be looked at by the rules, and how many times their texts are longer than a short one. */
  #learnt = 0;
  #learntLengths = 0;
  /** Of texts that series become. */
  #writtenChars = 0;
  #dialect: Dialect | undefined;
  #isStrict = false;
  #samples = 0;
  #dropped = 0;
  /** What the sample added last became; undefined where it was dropped. */
  #last: Placed | undefined;
  /** The sample of the last count; NONE where it was dropped. */
  #lastCount = NONE;
  /** What was done to it, if it was asked for. */
  #overflow: Overflow | undefined;

  constructor(state: KnownState, memo: PlacementMemo) {
    this.#state = state;
    this.hashSeed = state.hashSeed;
    this.#memo = memo;
    this.#push = new RewrittenPush(state.hashSeed);
    this.#placer = new SeriesPlacer({
      push: this.#push,
      families: this.#families,
      limits: state.limits,
      hashSeed: state.hashSeed,
      typeOf: (name) => this.#typeOf(name),
    });
  }

  begin(body: Uint8Array, rules: PushRules, trace?: (trace: Trace) => void): void {
    this.clear();
    this.#body = viewOf(body);
    this.#rules = rules;
    this.#table = trace === undefined ? this.#memo.tableFor(rules, 'text') : undefined;
    this.#learnt = 0;
    this.#learntLengths = 0;
    this.#writtenChars = 0;
    this.#placer.begin(rules, trace);
  }

  addExpected(_view: DataView, start: number): number {
    return start;
  }

  guess(): number {
    return UNKNOWN;
  }

  guessKey(): number {
    return UNKNOWN;
  }

  findKey(view: DataView, start: number, end: number, hash: number): number {
    const found = this.find(view, start, end, hash);
    // What is kept of a count (see #remember) is not for this way.
    return found === UNKNOWN || this.#table!.get(found)!.role === '' ? found : UNKNOWN;
  }

  findSum(): number {
    return UNKNOWN;
  }

  findBucket(): number {
    return UNKNOWN;
  }

  addDiscarded(): void {
    throw new Error('BUG: no summary is known as a whole');
  }

  addPlain(): boolean {
    return false;
  }

  /** Lets go of the push. */
  clear(): void {
    this.#push.clear();
    this.#families.clear();
    this.#placer.clear();
    this.#asked.clear();
    this.#dialect = undefined;
    this.#isStrict = false;
    this.#samples = 0;
    this.#dropped = 0;
    this.#last = undefined;
    this.#lastCount = NONE;
    this.#overflow = undefined;
  }

  /** How much work it was so far, as `PushBuilder.newSeries` has it. */
  get newSeries(): number {
    const rules = looksAtSeries(this.#rules) + this.#rules.metrics.length;
    return (
      this.#samples / SAMPLES_KNOWN +
      this.#learnt * (1 + rules / RULES_LOOKED) +
      this.#learntLengths * rules +
      this.#writtenChars / CHARS_WRITTEN
    );
  }

  readAs(dialect: Dialect, { strict }: { readonly strict: boolean }): void {
    this.#dialect = dialect;
    this.#isStrict = strict;
    if (this.#table !== undefined) this.#table = this.#memo.tableFor(this.#rules, dialect);
  }

  addSample(name: string, labels: readonly Label[], value: number, seriesKey: SeriesKey): void {
    const { start, isOnlyOne = false } = seriesKey;
    const placement = this.#placer.placementOf(name, labels, start);
    this.#learnt += 1;
    this.#writtenChars += placement.text.length;
    this.#learntLengths += Math.floor(placement.pushed.length / CHARS_LOOKED);
    this.#add(placement, value, { offset: start, isOnlyOne });
    if (seriesKey.repeatable && !isOnlyOne) this.#remember(placement, seriesKey);
  }

  find(view: DataView, start: number, end: number, hash: number): number {
    const table = this.#table;
    if (table === undefined) return UNKNOWN;
    const found = table.keys.find(view, start, end, hash);
    const placement = found < 0 ? undefined : table.get(found);
    return placement !== undefined && this.#placer.isAsBefore(placement, start) ? found : UNKNOWN;
  }

  addKnown(reference: number, value: number, offset: number): void {
    this.#add(this.#table!.get(reference)!, value, { offset });
  }

  #add(
    placement: Placement,
    value: number,
    at: { readonly offset: number; readonly isOnlyOne?: boolean },
  ): void {
    this.#samples += 1;
    const placed = this.#placer.place(placement, at);
    this.#last = placed;
    if (placed === undefined) {
      this.#dropped += 1;
      if (placement.name.endsWith('_count')) this.#lastCount = NONE;
      return;
    }
    const { series, group, pushedBound } = placed;
    const sample = this.#push.addSample(series, { value, offset: at.offset }, group, pushedBound);
    if (this.#push.roleOf[series] === '_count') this.#lastCount = sample;
  }

  /** Of protobuf, one key is of all samples of a histogram or summary: it leads to the count. Here these are parsed each time. */
  #remember(placement: Placement, { start, end, key }: SeriesKey): void {
    if (key === undefined) this.#table?.remember(this.#body, start, end, placement);
    else if (placement.role === '' || placement.role === '_count')
      this.#table?.remember(key.view, key.start, key.end, placement);
  }

  addType(name: string, type: MetricType, seriesKey: SeriesKey): void {
    this.#families.addType(name, type, seriesKey.start);
  }

  addHelp(name: string, help: string, seriesKey: SeriesKey): void {
    if (help !== '') this.#families.addHelp(name, help, seriesKey.start);
  }

  addFamily(
    name: string,
    is: { readonly type: MetricType; readonly help: string | undefined },
    seriesKey: SeriesKey,
  ): void {
    this.addType(name, is.type, seriesKey);
    if (is.help !== undefined) this.addHelp(name, is.help, seriesKey);
  }

  /** Families are known by their names here. */
  returnTo(): void {}

  addUnit(name: string, unit: string): void {
    this.#families.addUnit(name, unit);
  }

  addStart(startMs: number): void {
    if (this.#last === undefined) return;
    const { series, group } = this.#last;
    const of = group === NONE ? series : ~this.#push.compositeOf[group]!;
    this.#push.starts.set(of, Math.min(this.#push.starts.get(of) ?? startMs, startMs));
  }

  addStartOf(name: string, labels: readonly Label[], startMs: number): void {
    const text = this.#placer.textOf(name, labels);
    if (text === undefined) return;
    const { startsByText } = this.#push;
    startsByText.set(text, Math.min(startsByText.get(text) ?? startMs, startMs));
  }

  addExemplar(exemplar: Exemplar, native = false): void {
    if (this.#last === undefined) return;
    const { series, group } = this.#last;
    const { exemplars, nativeExemplars, compositeOf } = this.#push;
    if (!native) {
      exemplars.set(series, newer(exemplars.get(series), exemplar));
      return;
    }
    const composite = compositeOf[group]!;
    const known = nativeExemplars.get(composite);
    if (known === undefined) nativeExemplars.set(composite, [exemplar]);
    else known.push(exemplar);
  }

  addNative(histogram: NativeHistogram): void {
    if (this.#lastCount !== NONE) this.#push.natives.set(this.#lastCount, copied(histogram));
  }

  /** Adds what there is no room for to series that stand for it; to be called before it is given to the builder, if at all. */
  *overflow(state: State, by: OverflowingPush): Generator<void, void> {
    const overflow = new Overflow(
      this.#push,
      state,
      by,
      ({ name, type, typeByRule }) => type ?? this.#typeOf(name) ?? typeByRule ?? 'untyped',
    );
    yield* overflow.steps();
    this.#overflow = overflow;
  }

  /** Gives all of it to the builder, which must have been begun without labels of the path. Throws a PushProblem, as that does. */
  *feed(builder: BatchSink): Generator<void, void> {
    const push = this.#push;
    if (this.#dialect !== undefined)
      builder.readAs(this.#dialect, { strict: this.#isStrict && !this.#cutsHistograms() });
    const feed = new Feed(push, builder, {
      rules: this.#rules.rules,
      policyOf: (name, labels) => gaugeRule({ name, labels }, this.#rules)?.gauge ?? 'sum',
      typeOf: (name) => this.#typeOf(name),
      discards: (family) => this.#state.discards(family),
      withoutSamples: this.#families.withoutSamples(),
      mayDeclare: (name) => this.#rules.allowed?.metrics.mayMatch(name) !== false,
    });
    const { batch } = builder;
    const { samples } = batch;
    yield* feed.steps();
    batch.samples = samples + this.#samples;
    batch.ignoredByRule = this.#dropped;
    batch.overflowed = this.#overflow?.moved ?? 0;
    batch.ignoredLimit ??= this.#overflow?.limit;
    batch.ignoredNonFinite += feed.merged.nonFinite;
    batch.ignoredSums += feed.merged.sums;
    batch.ignoredSummary += feed.merged.summary;
  }

  /** Whether the state would give the answers that it gave. */
  isUnchanged(): boolean {
    for (const [name, type] of this.#asked) if (this.#lookUp(name) !== type) return false;
    return true;
  }

  #typeOf(name: string): MetricType | undefined {
    if (this.#asked.has(name)) return this.#asked.get(name);
    const type = this.#lookUp(name);
    this.#asked.set(name, type);
    return type;
  }

  #lookUp(name: string): MetricType | undefined {
    const type = this.#state.families.find(name)?.type;
    // Of a summary that is discarded nothing is to be known to those who do not declare it.
    return type === undefined || this.#state.discards({ name, type }) ? undefined : type;
  }

  /** Whether a histogram or summary has lost a part, so that it cannot be as OpenMetrics wants it. */
  #cutsHistograms(): boolean {
    const { cutBy, compositeOf } = this.#push;
    for (const group of cutBy.keys()) if (compositeOf[group] !== NONE) return true;
    return false;
  }
}

/** The lists may be filled anew once it was added. */
function copied(histogram: NativeHistogram): NativeHistogram {
  const { positive, negative } = histogram;
  return {
    ...histogram,
    positive: { indexes: [...positive.indexes], counts: [...positive.counts] },
    negative: { indexes: [...negative.indexes], counts: [...negative.counts] },
  };
}
