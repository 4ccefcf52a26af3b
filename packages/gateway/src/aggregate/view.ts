/**
 * The state at one point in time: a copy of the sums, and the lists of rows as they are, which are replaced and never
 * changed. Rows created since the last scrape are sorted in here, in steps, and the order is handed back to the family.
 */
import type { FamilyView, PageView, SampleVisitor } from '../model/page-view.ts';
import { RIGHT_BRACE } from '../primitives/bytes.ts';
import type { ByteTable } from '../primitives/byte-table.ts';
import type { Cells } from './cells.ts';
import type { Family } from './families.ts';
import type { State } from './state.ts';

/** Rows sorted or merged in one step: about a millisecond. */
const STEP_ROWS = 2048;

export function openView(state: State, onClose: () => void): PageView {
  const { cells } = state;
  const sums = cells.sums.snapshot(cells.texts.high);
  const shown = [...state.families].filter((family) => family.rowCount > 0);
  shown.sort((a, b) => (a.name < b.name ? -1 : 1));
  let open = true;
  return {
    families: shown.map((family) => viewFamily(family, cells, sums)),
    close(): void {
      if (open) onClose();
      open = false;
    },
  };
}

function viewFamily(family: Family, cells: Cells, sums: Float64Array): FamilyView {
  const grouped = family.type === 'histogram' || family.type === 'summary';
  const sorted = family.sorted;
  const pending = family.pending;
  const pendingCount = pending.length;
  let rows = sorted;
  return {
    name: family.name,
    type: family.type,
    help: family.help,
    quotedNames: family.quotedNames,
    rowCount: sorted.length + pendingCount,
    *sort(): Iterable<void> {
      if (pendingCount === 0) return;
      const compare = rowComparison(cells, grouped);
      const added = yield* sortInSteps(Uint32Array.from(pending.slice(0, pendingCount)), compare);
      rows = yield* mergeInSteps(sorted, added, compare);
      // Unless another view was faster, or rows were taken out meanwhile.
      if (family.sorted !== sorted || family.pending !== pending) return;
      family.sorted = rows;
      family.pending = pending.slice(pendingCount);
    },
    visit: grouped
      ? (row, visitor): void => visitGroup({ cells, sums, id: rows[row]! }, visitor)
      : (row, visitor): void => visitCell(cells, rows[row]!, sums[rows[row]!]!, visitor),
  };
}

function visitCell(cells: Cells, cell: number, value: number, visitor: SampleVisitor): void {
  const { texts } = cells;
  const start = texts.offsetOf(cell);
  visitor(texts.chunkOf(cell), start, start + texts.lengthOf(cell), value);
}

function visitGroup(
  group: { readonly cells: Cells; readonly sums: Float64Array; readonly id: number },
  visitor: SampleVisitor,
): void {
  const { cells, sums, id } = group;
  const { buckets, sum, count } = cells.groups[id]!;
  let cumulative = 0;
  for (const bucket of buckets) {
    const value = sums[bucket];
    // Bounds that came after this view was opened have no sum in it.
    if (value === undefined) continue;
    cumulative += value;
    visitCell(cells, bucket, cumulative, visitor);
  }
  if (sum >= 0 && sums[sum] !== undefined) visitCell(cells, sum, sums[sum], visitor);
  visitCell(cells, count, buckets.length === 0 ? sums[count]! : cumulative, visitor);
}

type RowComparison = (a: number, b: number) => number;

function rowComparison(cells: Cells, grouped: boolean): RowComparison {
  const { groups } = cells;
  return grouped
    ? (a, b) => compareTexts(cells.texts, groups[a]!.count, groups[b]!.count)
    : (a, b) => compareTexts(cells.texts, a, b);
}

/** By bytes, but a series comes before those that have more labels after the same ones. */
function compareTexts(texts: ByteTable, left: number, right: number): number {
  const a = texts.chunkOf(left);
  const b = texts.chunkOf(right);
  const aStart = texts.offsetOf(left);
  const bStart = texts.offsetOf(right);
  const shared = Math.min(texts.lengthOf(left), texts.lengthOf(right));
  for (let i = 0; i < shared; i += 1) {
    const aByte = a[aStart + i]!;
    const bByte = b[bStart + i]!;
    if (aByte !== bByte) return aByte === RIGHT_BRACE ? -1 : bByte === RIGHT_BRACE ? 1 : aByte - bByte;
  }
  return texts.lengthOf(left) - texts.lengthOf(right);
}

/** Merge sort from the bottom up, in place of one long call to sort. */
function* sortInSteps(rows: Uint32Array, compare: RowComparison): Generator<void, Uint32Array> {
  for (let from = 0; from < rows.length; from += STEP_ROWS) {
    rows.subarray(from, from + STEP_ROWS).sort(compare);
    if (from + STEP_ROWS < rows.length) yield;
  }
  let sorted = rows;
  for (let width = STEP_ROWS; width < rows.length; width *= 2) {
    const next = new Uint32Array(rows.length);
    for (let from = 0; from < rows.length; from += width * 2) {
      const left = sorted.subarray(from, from + width);
      const right = sorted.subarray(from + width, from + width * 2);
      next.set(yield* mergeInSteps(left, right, compare), from);
    }
    sorted = next;
  }
  return sorted;
}

function* mergeInSteps(
  left: Uint32Array,
  right: Uint32Array,
  compare: RowComparison,
): Generator<void, Uint32Array> {
  if (left.length === 0) return right;
  if (right.length === 0) return left;
  const merged = new Uint32Array(left.length + right.length);
  let l = 0;
  let r = 0;
  for (let at = 0; at < merged.length; at += 1) {
    const fromLeft = r === right.length || (l < left.length && compare(left[l]!, right[r]!) <= 0);
    merged[at] = fromLeft ? left[l]! : right[r]!;
    if (fromLeft) l += 1;
    else r += 1;
    if (at % STEP_ROWS === STEP_ROWS - 1) yield;
  }
  return merged;
}
