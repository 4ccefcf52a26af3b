/**
 * The state at one point in time: a copy of the sums, and the lists of rows as they are, which are replaced and never
 * changed. Rows created since the last scrape are sorted in here, in steps, and the order is handed back to the family;
 * likewise the families themselves.
 */
import { isDistribution } from '../model/metric-type.ts';
import type { MetricType } from '../model/metric-type.ts';
import type { FamilyView, ReadView, SampleVisitor, SeriesVisitor } from '../model/read-view.ts';
import type { NumberList } from '../primitives/number-list.ts';
import type { Accumulators } from '../store/accumulators.ts';
import { ViewUndoLog } from '../store/view-undo-log.ts';
import { hasStartTimes, holdsOnlyStartTimes } from '../store/families.ts';
import type { Families, Family } from '../store/families.ts';
import { copyColumn } from '../primitives/pace.ts';
import { atOnce } from '../primitives/turns.ts';
import { isHeld, SeriesRow } from './series-row.ts';
import type { ViewedState } from './series-row.ts';
import { sortInSteps } from './sort-in-steps.ts';
import { mergeTexts, sortTexts } from './sort-texts.ts';
import { prefetchTexts } from './prefetch-texts.ts';
import type { State } from '../state/state.ts';

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
  /** What it takes by now. It grows while what it shows is changed. */
  readonly bytes: number;
  readonly isOpen: boolean;
  /** An exposition of it, which must be closed. Counters and histograms that came after the generation `zeroAfter` are 0 on it. */
  page(zeroAfter?: number): ReadView;
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
  state.hold();
  try {
    return yield* copied(state, () => state.letGo());
  } catch (error) {
    // Without memory for the copy; what is freed must not be held for ever.
    state.letGo();
    throw error;
  }
}

/** The page now, the only one of its view; see OpenView.page. */
export function viewOf(state: State, zeroAfter?: number): ReadView {
  const view = atOnce(openView(state));
  const page = view.page(zeroAfter);
  view.close();
  return page;
}

/** Copies what changes, in steps, during which nobody may change the state. */
function* copied(state: State, onClose: () => void): Generator<void, OpenView> {
  const { accumulators, families, pace } = state;
  const bytesAtFirst = viewBytes(state);
  const { high } = accumulators.texts;
  const sums = yield* copyColumn(pace, accumulators.sums.rounded, new Float64Array(high), high);
  const listed = families.list();
  const { hashSeed, limits } = state;
  const { nativeBucketsMax } = limits;
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
    get bytes() {
      return bytesAtFirst + undoLog.bytes;
    },
    get isOpen() {
      return users > 0;
    },
    page(zeroAfter = Number.POSITIVE_INFINITY) {
      if (users === 0) throw new Error('BUG: a page of a view that is closed');
      users += 1;
      return {
        nativeBucketsMax,
        families: () => shown(sortFamilies(families, listed, views), zeroAfter),
        close: leave(),
      };
    },
    close: leave(),
  };
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
  zeroAfter: number,
): Generator<void, readonly FamilyView[]> {
  const sorted = yield* sorting;
  const all = sorted.filter((view) => view.rowCount > 0);
  if (zeroAfter === Number.POSITIVE_INFINITY) return all;
  return all.map((view) => (view.isNewAfter(zeroAfter) ? new RowsAtZero(view, zeroAfter) : view));
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
  readonly #sums: Float64Array;
  readonly #pending: NumberList;
  readonly #grouped: boolean;
  readonly #createdGeneration: number;
  #rows: Uint32Array;
  #series: SeriesRow | undefined;

  constructor(family: Family, state: ViewedState) {
    const { accumulators, sums } = state;
    this.identity = family;
    this.name = family.name;
    this.type = family.type;
    this.help = family.help;
    this.unit = family.unit;
    this.startTimes = holdsOnlyStartTimes(family);
    this.hasNative = family.hasNative;
    this.#createdGeneration = family.createdGeneration;
    this.quotedNames = family.quotedNames;
    this.version = accumulators.changedAt[family.id]!;
    this.rowCount = family.sorted.length + family.pending.length;
    this.#state = state;
    this.#accumulators = accumulators;
    this.#sums = sums;
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

  /** Whether it has a counter or histogram that came after this generation. */
  isNewAfter(generation: number): boolean {
    return this.#createdGeneration > generation && hasStartTimes(this.type);
  }

  visit(from: number, to: number, visitor: SampleVisitor): void {
    this.visitAtZero(from, to, visitor, Number.POSITIVE_INFINITY);
  }

  /** The same, with what came after the generation `zeroAfter` as 0. */
  visitAtZero(from: number, to: number, visitor: SampleVisitor, zeroAfter: number): void {
    const rows = this.#rows;
    if (this.#grouped) {
      for (let row = from; row < to; row += 1) this.#visitComposite(rows[row]!, visitor, zeroAfter);
      return;
    }
    prefetchTexts(this.#accumulators.texts, rows, from, to);
    const { createdGeneration } = this.#accumulators;
    const isInfo = this.type === 'info';
    for (let row = from; row < to; row += 1) {
      const accumulator = rows[row]!;
      const value = createdGeneration[accumulator]! > zeroAfter ? 0 : this.#sums[accumulator]!;
      this.#visitAccumulator(accumulator, isInfo ? Math.min(value, 1) : value, visitor);
    }
  }

  visitSeries(from: number, to: number, visitor: SeriesVisitor): void {
    const rows = this.#rows;
    this.#series ??= new SeriesRow(this, this.#state);
    const series = this.#series;
    if (!this.#grouped) prefetchTexts(this.#accumulators.texts, rows, from, to);
    for (let row = from; row < to; row += 1) {
      if (this.#grouped) series.readComposite(rows[row]!);
      else series.readAccumulator(rows[row]!);
      visitor(series);
    }
  }

  #visitComposite(id: number, visitor: SampleVisitor, zeroAfter: number): void {
    const sums = this.#sums;
    const { buckets, sum, count } = this.#accumulators.composites[id]!;
    const isNew = this.#accumulators.createdGeneration[count]! > zeroAfter;
    let cumulative = 0;
    for (const bucket of buckets) {
      if (!isHeld(sums, bucket)) continue;
      if (!isNew) cumulative += sums[bucket]!;
      this.#visitAccumulator(bucket, cumulative, visitor);
    }
    if (sum >= 0 && isHeld(sums, sum)) this.#visitAccumulator(sum, isNew ? 0 : sums[sum]!, visitor);
    const total = buckets.length === 0 && !isNew ? sums[count]! : cumulative;
    this.#visitAccumulator(count, total, visitor);
  }

  #visitAccumulator(accumulator: number, value: number, visitor: SampleVisitor): void {
    const { texts } = this.#accumulators;
    const start = texts.offsetOf(accumulator);
    visitor(texts.chunkOf(accumulator), start, start + texts.lengthOf(accumulator), value);
  }
}

/** A family with what is new to one reader as 0. */
class RowsAtZero implements FamilyView {
  readonly identity: object;
  readonly name: string;
  readonly type: MetricType;
  readonly help: string | undefined;
  readonly unit: string | undefined;
  readonly quotedNames: boolean;
  readonly version: number;
  readonly hasNative: boolean;
  readonly startTimes: boolean;
  readonly once: boolean = true;
  readonly rowCount: number;
  readonly #rows: RowsView;
  readonly #zeroAfter: number;

  constructor(rows: RowsView, zeroAfter: number) {
    this.identity = rows.identity;
    this.name = rows.name;
    this.type = rows.type;
    this.help = rows.help;
    this.unit = rows.unit;
    this.quotedNames = rows.quotedNames;
    this.version = rows.version;
    this.hasNative = rows.hasNative;
    this.startTimes = rows.startTimes;
    this.rowCount = rows.rowCount;
    this.#rows = rows;
    this.#zeroAfter = zeroAfter;
  }

  sort(): Iterable<void> {
    return this.#rows.sort();
  }

  visit(from: number, to: number, visitor: SampleVisitor): void {
    this.#rows.visitAtZero(from, to, visitor, this.#zeroAfter);
  }

  /** Only text shows what is new as 0. */
  visitSeries(from: number, to: number, visitor: SeriesVisitor): void {
    this.#rows.visitSeries(from, to, visitor);
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
