/**
 * The state at one point in time: a copy of the sums, and the lists of rows as they are, which are replaced and never
 * changed. Rows created since the last scrape are sorted in here, in steps, and the order is handed back to the family;
 * likewise the families themselves.
 */
import { isDistribution } from '../model/metric-type.ts';
import type { MetricType } from '../model/metric-type.ts';
import { DecoratedFamily } from '../model/decorated-family.ts';
import type { FamilyView, ReadView, SeriesVisitor, TextVisitor } from '../model/read-view.ts';
import type { NumberList } from '../primitives/number-list.ts';
import type { Accumulators } from '../store/accumulators.ts';
import { ViewUndoLog } from '../store/view-undo-log.ts';
import { AccumulatorKind, isAverage } from '../store/policies.ts';
import { hasStartTimes, holdsOnlyStartTimes } from '../store/families.ts';
import type { ExpositionConfig } from '../store/exposition-config.ts';
import type { Families, Family } from '../store/families.ts';
import { copyColumn } from '../primitives/pace.ts';
import { atOnce } from '../primitives/turns.ts';
import { isHeld, SeriesRow } from './series-row.ts';
import type { ViewedState } from './series-row.ts';
import { sortInSteps } from './sort-in-steps.ts';
import { mergeTexts, sortTexts } from './sort-texts.ts';
import { prefetchTexts } from './prefetch-texts.ts';
import type { State } from '../state/state.ts';

/** To look whether an accumulator shows an average is as much work as this share of a row. */
const AVERAGED_ROWS = 1 / 4;
/** Rows looked up in one step. */
const STEP_ROWS = 16_384;

/** Bytes that a view takes for each accumulator: its copied total, and its place in a list of rows that others have replaced since. */
const ACCUMULATOR_BYTES = 12;
/** And for each family: the object that reads its rows, and its places in lists. */
const FAMILY_BYTES = 320;

/** One point in time, for any number of expositions. */
export interface OpenView {
  /** The value of Accumulators.generation when it was opened: it shows what came before. */
  readonly generation: number;
  /** That of the state. */
  readonly epoch: number;
  /** How it is to be shown. */
  readonly exposition: ExpositionConfig;
  /** What it takes by now. It grows while what it shows is changed. */
  readonly bytes: number;
  readonly isOpen: boolean;
  /** What one exposition shows of it, which must be closed. Counters and histograms that came since the epoch `seen` are new to its reader. */
  page(seen?: number): ReadView;
  /** No more expositions are wanted: it closes with the last that is open. */
  close(): void;
}

/** What a view would take, were it opened now. */
export function viewBytes({ accumulators, families }: State): number {
  return accumulators.texts.high * ACCUMULATOR_BYTES + families.size * FAMILY_BYTES;
}

/**
 * The state now, for any number of pages; pushes may go on while they are read, but not before the last step. It must be closed.
 */
export function* openView(state: State): Generator<void, OpenView> {
  state.pace.begin();
  yield* state.cleanFreed();
  state.readers.hold();
  try {
    return yield* copied(state, () => state.readers.letGo());
  } catch (error) {
    // Without memory for the copy; what is freed must not be held for ever.
    state.readers.letGo();
    throw error;
  }
}

/** The page now, the only one of its view; see OpenView.page. */
export function viewOf(state: State, seen?: number): ReadView {
  const view = atOnce(openView(state));
  const page = view.page(seen);
  view.close();
  return page;
}

/** Copies what changes, in steps, during which nobody may change the state. */
function* copied(state: State, onClose: () => void): Generator<void, OpenView> {
  const { accumulators, families, pace } = state;
  const bytesAtFirst = viewBytes(state);
  const { high } = accumulators.texts;
  const sums = yield* copyColumn(pace, accumulators.sums.rounded, new Float64Array(high), high);
  if (state.gaugeRules.has(AccumulatorKind.AVERAGE)) yield* averageIn(sums, state);
  const listed = families.list();
  const { hashSeed, epoch } = state;
  const exposition = state.showing.config;
  const { nativeBucketsMax } = exposition;
  const undoLog = new ViewUndoLog();
  const { generation } = accumulators;
  const viewed: ViewedState = { accumulators, families, sums, undoLog, hashSeed, nativeBucketsMax };
  const views: RowsView[] = [];
  for (const family of listed) {
    views.push(new RowsView(family, viewed));
    if (pace.isFull(1)) yield;
  }
  accumulators.watch(undoLog);
  // What changes from now on has a later version.
  accumulators.generation += 1;
  // The opener counts as one.
  let users = 1;
  const leave = onceOnly(() => {
    users -= 1;
    if (users > 0) return;
    accumulators.unwatch(undoLog);
    onClose();
  });
  return {
    generation,
    epoch,
    exposition,
    get bytes() {
      return bytesAtFirst + undoLog.bytes;
    },
    get isOpen() {
      return users > 0;
    },
    page(seen = Number.POSITIVE_INFINITY) {
      if (users === 0) throw new Error('BUG: a page of a view that is closed');
      users += 1;
      return {
        nativeBucketsMax,
        nativeAsClassic: exposition.nativeAsClassic,
        families: () => shown(sortFamilies(families, listed, views), seen),
        close: leave(),
      };
    },
    close: leave(),
  };
}

/** Sums are kept, and averages shown. */
function* averageIn(sums: Float64Array, { accumulators, pace }: State): Generator<void, void> {
  const { kind } = accumulators;
  for (let accumulator = 0; accumulator < sums.length; accumulator += 1) {
    if (isAverage(kind[accumulator]!)) sums[accumulator] = accumulators.averageOf(accumulator);
    if (pace.isFull(AVERAGED_ROWS)) yield;
  }
}

/** Makes functions that do something once each, however often they are called. */
function onceOnly(act: () => void): () => () => void {
  return () => {
    let done = false;
    return () => {
      if (done) return;
      done = true;
      act();
    };
  };
}

/** The families with rows, in order, as an exposition shows them. */
function* shown(
  sorting: Generator<void, readonly RowsView[]>,
  seen: number,
): Generator<void, readonly FamilyView[]> {
  const sorted = yield* sorting;
  const all = sorted.filter((view) => view.rowCount > 0);
  if (seen === Number.POSITIVE_INFINITY) return all;
  return all.map((view) => (view.isNewSince(seen) ? new NewToReader(view, seen) : view));
}

function* sortFamilies(
  families: Families,
  listed: readonly Family[],
  views: readonly RowsView[],
): Generator<void, readonly RowsView[]> {
  const sorted = yield* sortInSteps(views, (a, b) => (a.name < b.name ? -1 : 1));
  if (sorted !== views) {
    const order = sorted.map((view) => view.identity);
    families.keepOrder(listed, order);
    yield;
  }
  return sorted;
}

class RowsView implements FamilyView {
  readonly identity: Family;
  readonly name: string;
  readonly type: MetricType;
  readonly help: string | undefined;
  readonly unit: string | undefined;
  readonly quotedNames: boolean;
  readonly version: number;
  readonly hasNative: boolean;
  readonly startTimes: boolean;
  readonly once: boolean = false;
  readonly rowCount: number;
  readonly #state: ViewedState;
  readonly #accumulators: Accumulators;
  readonly #pending: NumberList;
  readonly #grouped: boolean;
  readonly #createdEpoch: number;
  #rows: Uint32Array;
  #series: SeriesRow | undefined;

  constructor(family: Family, state: ViewedState) {
    const { accumulators } = state;
    this.identity = family;
    this.name = family.name;
    this.type = family.type;
    this.help = family.help;
    this.unit = family.unit;
    this.startTimes = holdsOnlyStartTimes(family);
    this.hasNative = family.hasNative;
    this.#createdEpoch = family.createdEpoch;
    this.quotedNames = family.quotedNames;
    this.version = accumulators.changedAt[family.id]!;
    this.rowCount = family.sorted.length + family.pending.length;
    this.#state = state;
    this.#accumulators = accumulators;
    this.#pending = family.pending;
    this.#grouped = isDistribution(family.type);
    this.#rows = family.sorted;
  }

  *sort(): Generator<void, void> {
    const family = this.identity;
    const sorted = this.#rows;
    const pending = this.#pending;
    const pendingCount = this.rowCount - sorted.length;
    if (pendingCount === 0) return;
    const { texts, composites, composite } = this.#accumulators;
    const added = yield* mapInSteps(pending.between(0, pendingCount), (row) => row);
    if (this.#grouped) {
      // A composite series goes by the text of its count.
      const known = yield* mapInSteps(sorted, (id) => composites[id]!.count);
      const counts = yield* mapInSteps(added, (id) => composites[id]!.count);
      yield* sortTexts(texts, counts);
      const merged = yield* mergeTexts(texts, known, counts);
      this.#rows = yield* mapInSteps(merged, (accumulator) => composite[accumulator]!);
    } else {
      yield* sortTexts(texts, added);
      this.#rows = yield* mergeTexts(texts, sorted, added);
    }
    // Unless another view was faster, or rows were taken out meanwhile.
    if (family.sorted !== sorted || family.pending !== pending) return;
    family.sorted = this.#rows;
    family.pending = pending.after(pendingCount);
  }

  /** Whether it may have a counter or histogram that came in this epoch or later. */
  isNewSince(epoch: number): boolean {
    return this.#createdEpoch >= epoch && hasStartTimes(this.type);
  }

  visit(from: number, to: number, visitor: SeriesVisitor): void {
    this.visitFor(Number.POSITIVE_INFINITY, from, to, visitor);
  }

  /** For a reader who has seen what came before an epoch. */
  visitFor(seen: number, from: number, to: number, visitor: SeriesVisitor): void {
    const rows = this.#rows;
    this.#series ??= new SeriesRow(this, this.#state);
    const series = this.#series;
    series.seen = seen;
    this.#prefetch(from, to);
    for (let row = from; row < to; row += 1) {
      if (this.#grouped) series.readComposite(rows[row]!);
      else series.readAccumulator(rows[row]!);
      visitor(series);
    }
  }

  visitTexts(from: number, to: number, visitor: TextVisitor): void {
    const rows = this.#rows;
    if (this.#grouped) {
      for (let row = from; row < to; row += 1) this.#visitComposite(rows[row]!, visitor);
      return;
    }
    this.#prefetch(from, to);
    const { sums } = this.#state;
    const isInfo = this.type === 'info';
    for (let row = from; row < to; row += 1) {
      const accumulator = rows[row]!;
      const value = sums[accumulator]!;
      this.#visitText(accumulator, isInfo ? Math.min(value, 1) : value, visitor);
    }
  }

  #visitComposite(id: number, visitor: TextVisitor): void {
    const { sums, undoLog } = this.#state;
    const { sum, count, buckets: now } = this.#accumulators.composites[id]!;
    const buckets = undoLog.bucketsOf(id) ?? now;
    let cumulative = 0;
    let hasBuckets = false;
    for (const bucket of buckets) {
      if (!isHeld(sums, bucket)) continue;
      hasBuckets = true;
      cumulative += sums[bucket]!;
      this.#visitText(bucket, cumulative, visitor);
    }
    if (sum >= 0 && isHeld(sums, sum)) this.#visitText(sum, sums[sum]!, visitor);
    this.#visitText(count, hasBuckets ? cumulative : sums[count]!, visitor);
  }

  #visitText(accumulator: number, value: number, visitor: TextVisitor): void {
    const { texts } = this.#accumulators;
    const start = texts.offsetOf(accumulator);
    visitor(texts.chunkOf(accumulator), start, start + texts.lengthOf(accumulator), value);
  }

  /** The labels of a composite series are those of its count. */
  #prefetch(from: number, to: number): void {
    const { texts, composites } = this.#accumulators;
    const rows = this.#rows;
    if (!this.#grouped) return prefetchTexts(texts, rows, from, to);
    const counts = rows.subarray(from, to).map((id) => composites[id]!.count);
    prefetchTexts(texts, counts, 0, to - from);
  }
}

/** A family some of whose series are new to a reader. */
class NewToReader extends DecoratedFamily {
  override readonly once: boolean = true;
  readonly #rows: RowsView;
  readonly #seen: number;

  constructor(rows: RowsView, seen: number) {
    super(rows);
    this.#rows = rows;
    this.#seen = seen;
  }

  override visit(from: number, to: number, visitor: SeriesVisitor): void {
    this.#rows.visitFor(this.#seen, from, to, visitor);
  }
}

function* mapInSteps(rows: Uint32Array, of: (row: number) => number): Generator<void, Uint32Array> {
  const mapped = new Uint32Array(rows.length);
  for (let i = 0; i < rows.length; i += 1) {
    mapped[i] = of(rows[i]!);
    if (i % STEP_ROWS === STEP_ROWS - 1) yield;
  }
  return mapped;
}
