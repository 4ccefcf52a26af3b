/**
 * Turns the cumulative buckets of a push into one count per bucket, and refuses histograms that contradict themselves.
 * Buckets may stand in any order and anywhere in the body; the usual order costs one pass.
 */
import { PushProblem } from '../model/errors.ts';
import { formatFloat64 } from '../primitives/float.ts';
import { appendEntry } from './batch.ts';
import type { Batch } from './batch.ts';
import { CellKind, isGrouped } from './cells.ts';
import type { Cells } from './cells.ts';

export function settleHistograms(batch: Batch, cells: Cells): void {
  const entries = groupedEntries(batch, cells);
  if (entries === undefined) return;
  let from = 0;
  while (from < entries.length) {
    const group = groupAt(batch, cells, entries[from]!);
    let to = from + 1;
    while (to < entries.length && groupAt(batch, cells, entries[to]!) === group) to += 1;
    settleOne({ batch, cells, group, entries, from, to });
    from = to;
  }
}

/** Numbers of the entries that belong to groups: each group in one run, its buckets by ascending bound. */
function groupedEntries(batch: Batch, cells: Cells): number[] | undefined {
  const entries: number[] = [];
  const seen = new Set<number>();
  let regular = true;
  let lastGroup: number | undefined;
  let lastBound = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < batch.length; i += 1) {
    const kind = kindAt(batch, cells, i);
    if (!isGrouped(kind)) continue;
    entries.push(i);
    const group = groupAt(batch, cells, i);
    if (group !== lastGroup) {
      if (seen.has(group)) regular = false;
      seen.add(group);
      lastGroup = group;
      lastBound = Number.NEGATIVE_INFINITY;
    }
    if (kind !== CellKind.BUCKET) continue;
    const bound = boundAt(batch, cells, i);
    if (bound < lastBound) regular = false;
    lastBound = bound;
  }
  if (entries.length === 0) return undefined;
  if (!regular) {
    entries.sort((a, b) => {
      const byGroup = groupAt(batch, cells, a) - groupAt(batch, cells, b);
      return byGroup === 0 ? compareBounds(boundAt(batch, cells, a), boundAt(batch, cells, b)) : byGroup;
    });
  }
  return entries;
}

/** Sums and counts have no bound (NaN) and go first. */
function compareBounds(a: number, b: number): number {
  if (Number.isNaN(a)) return Number.isNaN(b) ? 0 : -1;
  if (Number.isNaN(b)) return 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

interface Run {
  readonly batch: Batch;
  readonly cells: Cells;
  readonly group: number;
  readonly entries: readonly number[];
  readonly from: number;
  readonly to: number;
}

function settleOne(run: Run): void {
  const { batch, cells, group, entries, from, to } = run;
  const infinityCell = infinityOf(run);
  if (infinityCell === undefined) return;
  let cumulative = 0;
  let infinity: number | undefined;
  let count: number | undefined;
  for (let at = from; at < to; at += 1) {
    const entry = entries[at]!;
    const kind = kindAt(batch, cells, entry);
    const value = batch.values[entry]!;
    if (kind === CellKind.COUNT) count = value;
    if (kind !== CellKind.BUCKET) continue;
    if (value < cumulative) {
      throw problemAt(
        run,
        entry,
        `holds ${formatFloat64(value)}, less than the bucket below it (${formatFloat64(cumulative)}); buckets are cumulative`,
      );
    }
    batch.values[entry] = value - cumulative;
    cumulative = value;
    if (boundAt(batch, cells, entry) === Number.POSITIVE_INFINITY) infinity = value;
  }
  const first = entries[from]!;
  if (infinity === undefined) {
    if (count === undefined) {
      throw problemAt(run, first, 'belongs to a histogram with neither a bucket le="+Inf" nor a _count');
    }
    if (count < cumulative) {
      throw problemAt(
        run,
        first,
        `belongs to a histogram whose _count (${formatFloat64(count)}) is less than its last bucket (${formatFloat64(cumulative)})`,
      );
    }
    appendEntry(batch, infinityCell, count - cumulative, batch.offsets[first]!);
  } else if (count === undefined) {
    const cell = group >= 0 ? cells.groups[group]!.count : ~batch.freshGroups[~group]!.count;
    appendEntry(batch, cell, infinity, batch.offsets[first]!);
  } else if (count !== infinity) {
    throw problemAt(
      run,
      first,
      `belongs to a histogram whose bucket le="+Inf" (${formatFloat64(infinity)}) is not its _count (${formatFloat64(count)})`,
    );
  }
}

/** The `+Inf` bucket of the run's group, or undefined for a summary. */
function infinityOf({ batch, cells, group }: Run): number | undefined {
  if (group >= 0) return cells.groups[group]!.buckets.at(-1);
  const infinity = batch.freshGroups[~group]!.infinity;
  return infinity === undefined ? undefined : ~infinity;
}

function problemAt({ batch, cells }: Run, entry: number, message: string): PushProblem {
  return new PushProblem(
    'invalid_histogram',
    `${shownText(batch, cells, batch.cells[entry]!)} ${message}`,
    batch.offsets[entry]!,
  );
}

/** The series of a cell as shown in a message: cut where it is long. */
export function shownText(batch: Batch, cells: Cells, cell: number): string {
  return shorten(cell < 0 ? batch.fresh[~cell]!.text : cells.textOf(cell));
}

export function shorten(text: string): string {
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}

function kindAt(batch: Batch, cells: Cells, entry: number): CellKind {
  const cell = batch.cells[entry]!;
  return cell < 0 ? batch.fresh[~cell]!.kind : cells.kindOf(cell);
}

function groupAt(batch: Batch, cells: Cells, entry: number): number {
  const cell = batch.cells[entry]!;
  return cell < 0 ? batch.fresh[~cell]!.group! : cells.group[cell]!;
}

function boundAt(batch: Batch, cells: Cells, entry: number): number {
  const cell = batch.cells[entry]!;
  return cell < 0 ? batch.fresh[~cell]!.bound : cells.bound[cell]!;
}
