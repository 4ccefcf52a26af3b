/** What a push would do, series by series: it is read, and not applied. */
import { labelsAsObject } from '../insight/family-page.ts';
import { shownValue } from '../insight/shown-value.ts';
import { sumExactly } from '../../primitives/exact-sums.ts';
import { formatFloat64 } from '../../primitives/float.ts';
import { parseSeriesText } from '../../model/series-text.ts';
import { isStart } from '../../sources/source-starts.ts';
import type { State } from '../../state/state.ts';
import type { Batch } from '../../store/batch.ts';
import { NO_COMPOSITE } from '../../store/pending-series.ts';
import {
  AccumulatorKind,
  isAverage,
  isContributed,
  isDerived,
  isNewest,
  isSummed,
  isValue,
  policyOf,
  restartsAll,
  restartsAlone,
} from '../../store/policies.ts';
import { isPushTime } from '../../store/push-time-names.ts';
import type { PushCommand } from '../../wal/push-command.ts';
import type { ValidatedSeries } from '../insight-api.ts';

/** Series that are shown. */
const SERIES_MAX = 1000;
/** Numbers of a push, and of its source, that are looked at. */
const LOOKED_AT_MAX = 65_536;
const STEP_ENTRIES = 128;

interface WouldBe {
  readonly series: readonly Omit<ValidatedSeries, 'rules'>[];
  /** As the state knows each of them; of a histogram or summary its count. */
  readonly texts: readonly string[];
  readonly truncated: boolean;
  readonly isLate: boolean;
}

/** A series of the push: its entries are one of a single value, or the parts of a histogram or summary. */
interface Row {
  readonly text: string;
  readonly family: string;
  readonly type: string;
  /** -1 where it is new. */
  readonly accumulator: number;
  readonly entries: number[];
}

export function* wouldBe(state: State, push: PushCommand): Generator<void, WouldBe> {
  const { batch } = push;
  const isLate = state.mayBeLate(batch) && (yield* state.isLateInSteps(batch, push));
  const rows = new Map<string | number, Row>();
  const typed = new Map(batch.families.map(({ name, type }) => [name, type]));
  let truncated = batch.length > LOOKED_AT_MAX;
  for (let entry = 0; entry < Math.min(batch.length, LOOKED_AT_MAX); entry += 1) {
    if (entry % STEP_ENTRIES === STEP_ENTRIES - 1) yield;
    const which = rowOf(batch, state, entry);
    const known = rows.get(which);
    if (known !== undefined) known.entries.push(entry);
    else if (rows.size >= SERIES_MAX) truncated = true;
    else {
      const row = newRow(batch, state, entry, typed);
      if (row !== undefined) rows.set(which, row);
    }
  }
  const own = ownOf(state, push);
  const series: Omit<ValidatedSeries, 'rules'>[] = [];
  const texts: string[] = [];
  for (const row of rows.values()) {
    if (series.length % STEP_ENTRIES === STEP_ENTRIES - 1) yield;
    const { text, family, type, accumulator } = row;
    const isNew = accumulator < 0;
    const before = isNew ? undefined : shownValue(state, accumulator);
    const after = isLate ? before : afterOf(row, { batch, state, own, before });
    texts.push(text);
    series.push({
      labels: labelsAsObject(parseSeriesText(text).labels),
      family,
      type,
      isNew,
      before: before === undefined ? null : formatFloat64(before),
      after: after === undefined ? null : formatFloat64(after),
    });
  }
  return { series, texts, truncated, isLate };
}

/** The same for all entries of a series. */
function rowOf(
  { accumulators: named, pendingSeries }: Batch,
  { accumulators }: State,
  entry: number,
): string | number {
  const accumulator = named[entry]!;
  const composite =
    accumulator < 0 ? pendingSeries.composite[~accumulator]! : accumulators.composite[accumulator]!;
  if (accumulator < 0 ? composite === NO_COMPOSITE : composite < 0) return accumulator;
  return composite < 0 ? `new ${~composite}` : `composite ${composite}`;
}

function newRow(
  batch: Batch,
  { accumulators, families }: State,
  entry: number,
  typed: ReadonlyMap<string, string>,
): Row | undefined {
  const { pendingSeries, pendingComposites } = batch;
  const named = batch.accumulators[entry]!;
  const pending = (index: number): Row | undefined => {
    const { name, type } = batch.families[pendingSeries.family[index]!]!;
    if (isPushTime(name)) return undefined;
    return { text: pendingSeries.texts.textOf(index), family: name, type, accumulator: -1, entries: [entry] };
  };
  const known = (accumulator: number): Row | undefined => {
    const { name, type } = families.get(accumulators.family[accumulator]!);
    const ofPush = typed.get(name);
    if (isPushTime(name)) return undefined;
    const text = accumulators.textOf(accumulator);
    return { text, family: name, type: ofPush ?? type, accumulator, entries: [entry] };
  };
  if (named < 0) {
    const composite = pendingSeries.composite[~named]!;
    if (composite === NO_COMPOSITE) return pending(~named);
    if (composite < 0) return pending(pendingComposites[~composite]!.count);
    return known(accumulators.composites[composite]!.count);
  }
  const composite = accumulators.composite[named]!;
  return known(composite < 0 ? named : accumulators.composites[composite]!.count);
}

/** What the source has, by accumulator; undefined where it is too much to look at, or the sender adds. */
function ownOf({ sources }: State, { batch, source }: PushCommand): ReadonlyMap<number, number> | undefined {
  const own = new Map<number, number>();
  if (!batch.sender.byJob) return own;
  const number = sources.list.find(source);
  if (number < 0) return own;
  const { contributions } = sources;
  if (contributions.lengthOf(number) > LOOKED_AT_MAX) return undefined;
  contributions.open(number);
  const { length, accumulators, accumulatorsAt, values, valuesAt } = contributions;
  for (let i = 0; i < length; i += 1) {
    const accumulator = accumulators[accumulatorsAt + i]!;
    if (!isStart(accumulator)) own.set(accumulator, values[valuesAt + i]!);
  }
  return own;
}

interface Moment {
  readonly batch: Batch;
  readonly state: State;
  readonly own: ReadonlyMap<number, number> | undefined;
  /** Undefined for a new series. */
  readonly before: number | undefined;
}

/** Undefined where it cannot be said without applying it. */
function afterOf({ accumulator, entries }: Row, moment: Moment): number | undefined {
  const { batch, state, own, before } = moment;
  const kinds = entries.map((entry) => kindAt(batch, state, entry));
  if (kinds.some((kind) => policyOf(kind).part !== undefined)) return countAfter(entries, kinds, moment);
  const [entry = 0] = entries;
  const [kind = AccumulatorKind.GAUGE] = kinds;
  const value = batch.values[entry]!;
  const { byJob } = batch.sender;
  // That there is no value withdraws the one before; what others have stays.
  const isGiven = isValue(kind, value);
  if (before === undefined) return isGiven ? valueAlone(kind, value) : undefined;
  if (!byJob || !isContributed(kind)) {
    if (!isGiven) return before;
    if (isDerived(kind) && state.aggregation.byJob) return undefined;
    if (!isSummed(kind)) return policyOf(kind).combine!(before, value);
    return sumExactly([...state.accumulators.sums.parts(accumulator), value]);
  }
  if (own === undefined) return undefined;
  const held = own.get(accumulator);
  if (isDerived(kind) || isAverage(kind))
    return derivedAfter(kind, isGiven ? value : undefined, { accumulator, held, state, before });
  const isRestart =
    batch.sender.counterResets !== 'overwrite' && held !== undefined && value < held && restartsAlone(kind);
  const parts = [...state.accumulators.sums.parts(accumulator)];
  if (held !== undefined && !isRestart) parts.push(-held);
  if (isGiven) parts.push(value);
  return sumExactly(parts);
}

function kindAt(
  { accumulators: named, pendingSeries }: Batch,
  { accumulators }: State,
  entry: number,
): AccumulatorKind {
  const accumulator = named[entry]!;
  return accumulator < 0
    ? (pendingSeries.kind[~accumulator]! as AccumulatorKind)
    : accumulators.kindOf(accumulator);
}

/** How many sources there are is 1. */
function valueAlone(kind: AccumulatorKind, value: number): number {
  return kind === AccumulatorKind.SOURCES ? 1 : value;
}

/** Where the total is no sum of what sources have. */
function derivedAfter(
  kind: AccumulatorKind,
  value: number | undefined,
  at: {
    readonly accumulator: number;
    readonly held: number | undefined;
    readonly state: State;
    readonly before: number;
  },
): number | undefined {
  const { accumulator, held, state, before } = at;
  const { accumulators } = state;
  if (value === undefined) return held === undefined ? before : undefined;
  if (isNewest(kind)) return value;
  if (kind === AccumulatorKind.SOURCES) return before + (held === undefined ? 1 : 0);
  if (isAverage(kind)) {
    const contributors = accumulators.contributors[accumulator]! + (held === undefined ? 1 : 0);
    const parts = [...accumulators.sums.parts(accumulator), value];
    return sumExactly(held === undefined ? parts : [...parts, -held]) / contributors;
  }
  const isBeyond = kind === AccumulatorKind.MAXIMUM ? value >= before : value <= before;
  if (isBeyond) return value;
  // What others have would have to be looked at.
  return held === before ? undefined : before;
}

/** The count of a histogram or summary; that of one with buckets is what these hold. */
function countAfter(
  entries: readonly number[],
  kinds: readonly AccumulatorKind[],
  { batch, own, before }: Moment,
): number | undefined {
  const hasBuckets = kinds.includes(AccumulatorKind.BUCKET);
  const counted = hasBuckets ? AccumulatorKind.BUCKET : AccumulatorKind.COUNT;
  const values: number[] = [];
  const held: number[] = [];
  const accumulate = batch.sender.byJob && batch.sender.counterResets !== 'overwrite';
  let isRestart = false;
  for (const [place, entry] of entries.entries()) {
    const value = batch.values[entry]!;
    if (Number.isNaN(value)) continue;
    const accumulator = batch.accumulators[entry]!;
    const had = batch.sender.byJob && accumulator >= 0 ? own?.get(accumulator) : undefined;
    if (accumulate && had !== undefined && value < had && restartsAll(kinds[place]!)) isRestart = true;
    if (kinds[place] !== counted) continue;
    values.push(value);
    if (had !== undefined) held.push(-had);
  }
  if (batch.sender.byJob && own === undefined) return undefined;
  return sumExactly([before ?? 0, ...values, ...(isRestart ? [] : held)]);
}
