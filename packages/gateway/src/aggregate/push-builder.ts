/**
 * Turns what a decoder reads into a batch, against the state as it is, without changing the state. Samples in a spelling that
 * was seen before take the short way (`addKnown`); all others are routed to their family, checked against its type, and
 * brought to their canonical text.
 */
import type { Label } from '../model/labels.ts';
import { isLegacyLabelName, isLegacyMetricName } from '../model/labels.ts';
import { PushProblem } from '../model/errors.ts';
import type { MetricType } from '../model/metric-type.ts';
import { UNKNOWN } from '../model/sample-sink.ts';
import type { SampleSink, Spelling } from '../model/sample-sink.ts';
import { seriesText } from '../model/series-text.ts';
import { summableMax } from '../primitives/exact-sums.ts';
import { formatFloat64, parseFloat64 } from '../primitives/float.ts';
import { appendEntry, emptyBatch, resetBatch } from './batch.ts';
import type { Batch, metadataKinds, PushFamily } from './batch.ts';
import { CellKind, isGrouped } from './cells.ts';
import { PushFamilies } from './push-families.ts';
import type { Route } from './push-families.ts';
import { settleHistograms, shorten, shownText } from './settle.ts';
import { readMetadataReference } from './spellings.ts';
import type { State } from './state.ts';

const SERIAL_MAX = 2 ** 32 - 1;

export class PushBuilder implements SampleSink {
  readonly hashSeed: number;
  readonly batch: Batch = emptyBatch();
  /** State.epoch when the push began; the batch means nothing once that has changed. */
  epoch = 0;
  readonly #state: State;
  readonly #families: PushFamilies;
  readonly #freshByText = new Map<string, number>();
  readonly #freshGroupsByText = new Map<string, number>();
  #body: Uint8Array = new Uint8Array(0);
  #pathLabels: readonly Label[] = [];
  #serial = 0;
  #seen = new Uint32Array(0);
  #family = -1;

  constructor(state: State) {
    this.#state = state;
    this.hashSeed = state.hashSeed;
    this.#families = new PushFamilies(state.families, this.batch);
  }

  /** Begins a push. `pathLabels` are added to every series and win over its own. */
  begin(body: Uint8Array, pathLabels: readonly Label[]): void {
    resetBatch(this.batch);
    this.#freshByText.clear();
    this.#freshGroupsByText.clear();
    this.#body = body;
    this.#pathLabels = pathLabels;
    this.#family = -1;
    this.epoch = this.#state.epoch;
    this.#serial += 1;
    // The stamps have 32 bits: a day's worth of pushes at the highest rates.
    if (this.#serial > SERIAL_MAX) {
      this.#serial = 1;
      this.#seen.fill(0);
      this.#families.forgetStamps();
    }
    const capacity = this.#state.cells.kind.length;
    if (capacity > this.#seen.length) this.#seen = new Uint32Array(capacity);
    this.#families.begin(this.#serial);
  }

  find(bytes: Uint8Array, start: number, end: number, hash: number): number {
    if (this.#families.meaningsChanged) return UNKNOWN;
    if (this.#pathLabels.length > 0) return this.#state.findMetadata(bytes, start, end, hash);
    return this.#state.find(bytes, start, end, hash);
  }

  addKnown(reference: number, value: number, offset: number): void {
    if (reference < 0) {
      this.#addKnownMetadata(reference, offset);
      return;
    }
    this.batch.samples += 1;
    const { cells } = this.#state;
    if (this.#seen[reference] === this.#serial) throw this.#duplicate(cells.textOf(reference), offset);
    this.#seen[reference] = this.#serial;
    const family = cells.family[reference]!;
    if (family !== this.#family) {
      this.#family = family;
      this.#families.sampleKnown(family);
    }
    appendEntry(
      this.batch,
      reference,
      this.#checked(cells.kindOf(reference), value, reference, offset),
      offset,
    );
  }

  addSample(name: string, labels: readonly Label[], value: number, spelling: Spelling): void {
    this.batch.samples += 1;
    const route = this.#families.route(name, spelling.start);
    const { family, role } = route;
    if (this.#state.discards(family.type) || (family.type === 'summary' && role === 'own')) {
      this.batch.ignoredSummary += 1;
      this.#remember(spelling, { family, what: 'discarded' });
      return;
    }
    const merged = this.#withPathLabels(labels);
    const kind = this.#kindOf(route, name, spelling.start);
    const checkedLabels = isGrouped(kind) ? this.#groupLabels(route, name, merged, spelling.start) : merged;
    const bound = kind === CellKind.BUCKET ? upperBound(name, merged, spelling.start) : Number.NaN;
    const text = seriesText(name, checkedLabels, kind === CellKind.BUCKET ? formatFloat64(bound) : undefined);
    this.#checkLimits(merged, text, spelling.start);
    family.quotedNames ||=
      !isLegacyMetricName(name) || checkedLabels.some((label) => !isLegacyLabelName(label.name));
    const group = isGrouped(kind) ? this.#group(family, checkedLabels, spelling.start) : undefined;
    const cell = this.#cell({ text, family, kind, group, bound });
    if (cell >= 0) {
      if (this.#seen[cell] === this.#serial) throw this.#duplicate(text, spelling.start);
      this.#seen[cell] = this.#serial;
    } else {
      const fresh = this.batch.fresh[~cell]!;
      if (fresh.given) throw this.#duplicate(text, spelling.start);
      fresh.given = true;
    }
    if (cell >= 0 || !this.#isSpelled(spelling, text)) this.#remember(spelling, { target: cell });
    appendEntry(this.batch, cell, this.#checked(kind, value, cell, spelling.start), spelling.start);
  }

  addType(name: string, type: MetricType, spelling: Spelling): void {
    const family = this.#families.addType(name, type, spelling.start);
    this.#remember(spelling, { family, what: 'type' });
  }

  addHelp(name: string, help: string, spelling: Spelling): void {
    const family = this.#families.addHelp(name, help, spelling.start);
    this.#remember(spelling, { family, what: 'help' });
  }

  /** Completes and checks the batch as a whole; throws a PushProblem when it contradicts itself, the state or a limit. */
  finish(): Batch {
    const { batch } = this;
    settleHistograms(batch, this.#state.cells);
    this.#families.finish();
    this.#state.checkLimits(batch);
    return batch;
  }

  #addKnownMetadata(reference: number, offset: number): void {
    const { family, what } = readMetadataReference(reference);
    if (what === 'type') this.#families.typeKnown(family, offset);
    else if (what === 'help') this.#families.helpKnown(family, offset);
    else {
      this.batch.samples += 1;
      this.batch.ignoredSummary += 1;
      this.#families.sampleKnown(family);
    }
  }

  /** What of a value is added up, NaN for nothing. Throws when the value cannot stand for its kind. */
  #checked(kind: CellKind, value: number, cell: number, offset: number): number {
    switch (kind) {
      case CellKind.COUNTER:
      case CellKind.BUCKET:
      case CellKind.COUNT:
        if (value >= 0 && value <= summableMax) return value;
        throw this.#unfit(cell, value, offset, 'counts are zero or more, and finite');
      case CellKind.SUM:
        if (value >= -summableMax && value <= summableMax) return value;
        throw this.#unfit(cell, value, offset, 'a sum that is not finite would spoil the total for ever');
      case CellKind.GAUGE:
      case CellKind.UNTYPED:
      case CellKind.CREATED:
        if (value >= -summableMax && value <= summableMax) return value;
        this.batch.ignoredNonFinite += 1;
        return Number.NaN;
      case CellKind.FREE:
        throw new Error('BUG: a freed cell was found');
    }
  }

  #unfit(cell: number, value: number, offset: number, advice: string): PushProblem {
    const text = shownText(this.batch, this.#state.cells, cell);
    return new PushProblem('invalid_value', `${text} is ${formatFloat64(value)}; ${advice}`, offset);
  }

  #kindOf({ family, role }: Route, name: string, offset: number): CellKind {
    switch (family.type) {
      case 'counter':
        return CellKind.COUNTER;
      case 'gauge':
        return family.known?.startTimes === true ? CellKind.CREATED : CellKind.GAUGE;
      case 'untyped':
        return CellKind.UNTYPED;
      case 'histogram':
      case 'summary':
        if (role === '_bucket') return CellKind.BUCKET;
        if (role !== 'own') return role === '_sum' ? CellKind.SUM : CellKind.COUNT;
        throw new PushProblem(
          'type_conflict',
          `${name} is a histogram; its samples are ${name}_bucket, ${name}_sum and ${name}_count`,
          offset,
        );
    }
  }

  #withPathLabels(labels: readonly Label[]): readonly Label[] {
    if (this.#pathLabels.length === 0) return labels;
    const own = labels.filter((label) => !this.#pathLabels.some((path) => path.name === label.name));
    return [...own, ...this.#pathLabels];
  }

  /** The labels that the samples of one histogram or summary share. */
  #groupLabels(
    { family, role }: Route,
    name: string,
    labels: readonly Label[],
    offset: number,
  ): readonly Label[] {
    const reserved = family.type === 'histogram' ? 'le' : 'quantile';
    const stray = labels.some((label) => label.name === reserved && label.value !== '');
    if (role === '_bucket') {
      if (!stray)
        throw new PushProblem('invalid_histogram', `${name} is a bucket without a label le`, offset);
      return labels.filter((label) => label.name !== 'le');
    }
    if (stray) {
      throw new PushProblem('invalid_histogram', `the label ${reserved} may not stand on ${name}`, offset);
    }
    return labels;
  }

  #group(family: PushFamily, labels: readonly Label[], offset: number): number {
    const { cells } = this.#state;
    const countText = seriesText(`${family.name}_count`, labels);
    const known = cells.findText(countText);
    if (known >= 0 && cells.kindOf(known) === CellKind.COUNT && cells.family[known] === family.known?.id) {
      return cells.group[known]!;
    }
    const fresh = this.#freshGroupsByText.get(countText);
    if (fresh !== undefined) return ~fresh;
    const { freshGroups } = this.batch;
    const group = ~freshGroups.length;
    const part = { family, group, given: false };
    const count = this.#addFresh({ ...part, text: countText, kind: CellKind.COUNT, bound: Number.NaN });
    let infinity: number | undefined;
    if (family.type === 'histogram') {
      const text = seriesText(`${family.name}_bucket`, labels, '+Inf');
      infinity = this.#addFresh({ ...part, text, kind: CellKind.BUCKET, bound: Number.POSITIVE_INFINITY });
      this.#checkLimits([], text, offset);
    }
    freshGroups.push({ family, count, infinity });
    this.#freshGroupsByText.set(countText, freshGroups.length - 1);
    return group;
  }

  /** The cell of a canonical text: known, fresh before, or fresh now. */
  #cell(wanted: Omit<Batch['fresh'][number], 'given'>): number {
    const { text, family, kind } = wanted;
    const { cells } = this.#state;
    const known = cells.findText(text);
    // In a push that changes types, a cell of the same text may be a stray that is about to go.
    if (known >= 0 && cells.family[known] === family.known?.id && this.#state.survives(known, family, kind))
      return known;
    const fresh = this.#freshByText.get(text) ?? this.#addFresh({ ...wanted, given: false });
    return ~fresh;
  }

  #addFresh(cell: Batch['fresh'][number]): number {
    const index = this.batch.fresh.push(cell) - 1;
    this.#freshByText.set(cell.text, index);
    return index;
  }

  #checkLimits(labels: readonly Label[], text: string, offset: number): void {
    const { labelsMax, seriesBytesMax } = this.#state.limits;
    if (labels.length > labelsMax) {
      throw new PushProblem(
        'labels_limit',
        `the series has ${labels.length} labels, more than ${labelsMax}`,
        offset,
      );
    }
    if (text.length * 3 > seriesBytesMax && Buffer.byteLength(text) > seriesBytesMax) {
      throw new PushProblem(
        'labels_limit',
        `name and labels of the series are longer than ${seriesBytesMax} bytes`,
        offset,
      );
    }
  }

  #remember(
    spelling: Spelling,
    alias: { target: number } | { family: PushFamily; what: (typeof metadataKinds)[number] },
  ): void {
    if (!spelling.repeatable) return;
    if (this.#pathLabels.length > 0 && !('what' in alias && alias.what !== 'discarded')) return;
    this.batch.aliases.push({ start: spelling.start, end: spelling.end, ...alias });
  }

  /** Whether the sender wrote the canonical text itself. */
  #isSpelled(spelling: Spelling, text: string): boolean {
    if (spelling.end - spelling.start !== text.length) return false;
    for (let i = 0; i < text.length; i += 1) {
      if (this.#body[spelling.start + i] !== text.charCodeAt(i)) return false;
    }
    return true;
  }

  #duplicate(text: string, offset: number): PushProblem {
    return new PushProblem(
      'duplicate_series',
      `${shorten(text)} stands twice in this push; write each series once`,
      offset,
    );
  }
}

function upperBound(name: string, labels: readonly Label[], offset: number): number {
  const text = labels.find((label) => label.name === 'le')!.value;
  const bound = parseFloat64(text);
  if (bound !== undefined && !Number.isNaN(bound)) return bound === 0 ? 0 : bound;
  throw new PushProblem(
    'invalid_histogram',
    `the label le of ${name} is ${JSON.stringify(text)}, not a number`,
    offset,
  );
}
