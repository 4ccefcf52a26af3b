/**
 * The state at one point in time: a copy of the sums, and the lists of rows as they are, which are replaced and never
 * changed. Rows created since the last scrape are sorted in here, in steps, and the order is handed back to the family;
 * likewise the families themselves.
 */
import { isDistribution } from '../model/metric-type.ts';
import type { MetricType } from '../model/metric-type.ts';
import type { FamilyView, PageView, SampleVisitor, SeriesVisitor } from '../model/page-view.ts';
import type { NumberList } from '../primitives/number-list.ts';
import type { Cells } from './cells.ts';
import { EarlierDetails } from './earlier-details.ts';
import { hasStartTimes } from './families.ts';
import type { Families, Family } from './families.ts';
import { copyColumn } from './pace.ts';
import { isHeld, SeriesRow } from './series-row.ts';
import type { ViewedState } from './series-row.ts';
import { sortInSteps } from './sort-in-steps.ts';
import { mergeTexts, sortTexts } from './sort-texts.ts';
import { touchTexts } from './touch-texts.ts';
import type { State } from './state.ts';

/** Rows looked up in one step. */
const STEP_ROWS = 16_384;

/** Copies what changes, in steps, during which nobody may change the state. */
export function* openView(state: State, zeroAfter: number, onClose: () => void): Generator<void, PageView> {
  const { cells, families, pace } = state;
  const { high } = cells.texts;
  const sums = yield* copyColumn(pace, cells.sums.rounded, new Float64Array(high), high);
  const listed = families.list();
  const { hashSeed, limits } = state;
  const { nativeBucketsMax } = limits;
  const earlier = new EarlierDetails();
  const { tick } = cells;
  const viewed: ViewedState = { cells, families, sums, earlier, tick, hashSeed, nativeBucketsMax };
  const views: RowsView[] = [];
  for (const family of listed) {
    views.push(new RowsView(family, viewed, zeroAfter));
    if (pace.isFull(1)) yield;
  }
  cells.watch(earlier);
  // What changes from now on has a later version.
  cells.tick += 1;
  let open = true;
  return {
    nativeBucketsMax,
    families: () => sortFamilies(families, listed, views),
    close(): void {
      if (!open) return;
      open = false;
      cells.unwatch(earlier);
      onClose();
    },
  };
}

function* sortFamilies(
  families: Families,
  listed: readonly Family[],
  views: readonly RowsView[],
): Generator<void, FamilyView[]> {
  const sorted = yield* sortInSteps(views, (a, b) => (a.name < b.name ? -1 : 1));
  if (sorted !== views) {
    const order = sorted.map((view) => view.identity);
    families.keepOrder(listed, order);
    yield;
  }
  return sorted.filter((view) => view.rowCount > 0);
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
  readonly once: boolean;
  readonly rowCount: number;
  readonly #state: ViewedState;
  readonly #cells: Cells;
  readonly #sums: Float64Array;
  readonly #pending: NumberList;
  readonly #grouped: boolean;
  /** Rows that came later are shown as 0. */
  readonly #zeroAfter: number;
  #rows: Uint32Array;
  #series: SeriesRow | undefined;

  constructor(family: Family, state: ViewedState, zeroAfter: number) {
    const { cells, sums } = state;
    this.identity = family;
    this.name = family.name;
    this.type = family.type;
    this.help = family.help;
    this.unit = family.unit;
    this.startTimes = family.startTimes;
    this.hasNative = family.hasNative;
    this.once = family.bornAt > zeroAfter && hasStartTimes(family.type);
    this.#zeroAfter = this.once ? zeroAfter : Number.POSITIVE_INFINITY;
    this.quotedNames = family.quotedNames;
    this.version = cells.changedAt[family.id]!;
    this.rowCount = family.sorted.length + family.pending.length;
    this.#state = state;
    this.#cells = cells;
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
    const { texts, groups, group } = this.#cells;
    const added = yield* mapInSteps(pending.between(0, pendingCount), (row) => row);
    if (this.#grouped) {
      // A group goes by the text of its count.
      const known = yield* mapInSteps(sorted, (id) => groups[id]!.count);
      const counts = yield* mapInSteps(added, (id) => groups[id]!.count);
      yield* sortTexts(texts, counts);
      const merged = yield* mergeTexts(texts, known, counts);
      this.#rows = yield* mapInSteps(merged, (cell) => group[cell]!);
    } else {
      yield* sortTexts(texts, added);
      this.#rows = yield* mergeTexts(texts, sorted, added);
    }
    // Unless another view was faster, or rows were taken out meanwhile.
    if (family.sorted !== sorted || family.pending !== pending) return;
    family.sorted = this.#rows;
    family.pending = pending.after(pendingCount);
  }

  visit(from: number, to: number, visitor: SampleVisitor): void {
    const rows = this.#rows;
    if (this.#grouped) {
      for (let row = from; row < to; row += 1) this.#visitGroup(rows[row]!, visitor);
      return;
    }
    touchTexts(this.#cells.texts, rows, from, to);
    const isInfo = this.type === 'info';
    for (let row = from; row < to; row += 1) {
      const cell = rows[row]!;
      const value = this.#isNew(cell) ? 0 : this.#sums[cell]!;
      this.#visitCell(cell, isInfo ? Math.min(value, 1) : value, visitor);
    }
  }

  visitSeries(from: number, to: number, visitor: SeriesVisitor): void {
    const rows = this.#rows;
    this.#series ??= new SeriesRow(this, this.#state);
    const series = this.#series;
    if (!this.#grouped) touchTexts(this.#cells.texts, rows, from, to);
    for (let row = from; row < to; row += 1) {
      if (this.#grouped) series.readGroup(rows[row]!);
      else series.readCell(rows[row]!);
      visitor(series);
    }
  }

  #visitGroup(id: number, visitor: SampleVisitor): void {
    const sums = this.#sums;
    const { buckets, sum, count } = this.#cells.groups[id]!;
    const isNew = this.#isNew(count);
    let cumulative = 0;
    for (const bucket of buckets) {
      if (!isHeld(sums, bucket)) continue;
      if (!isNew) cumulative += sums[bucket]!;
      this.#visitCell(bucket, cumulative, visitor);
    }
    if (sum >= 0 && isHeld(sums, sum)) this.#visitCell(sum, isNew ? 0 : sums[sum]!, visitor);
    const total = buckets.length === 0 && !isNew ? sums[count]! : cumulative;
    this.#visitCell(count, total, visitor);
  }

  #isNew(cell: number): boolean {
    return this.#cells.bornAt[cell]! > this.#zeroAfter;
  }

  #visitCell(cell: number, value: number, visitor: SampleVisitor): void {
    const { texts } = this.#cells;
    const start = texts.offsetOf(cell);
    visitor(texts.chunkOf(cell), start, start + texts.lengthOf(cell), value);
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
