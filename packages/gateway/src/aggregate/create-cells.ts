/** Makes what a batch brings real: cells, the groups they complete, and their rows. */
import type { Batch } from './batch.ts';
import { CellKind } from './cells.ts';
import type { Cells } from './cells.ts';

/** Cells created in one step: about a millisecond. */
const STEP_CELLS = 2048;

/** Creates the cells that get a number, and those that complete a group; the others are -1 in the result. */
export function* createNeeded(batch: Batch, cells: Cells): Generator<void, Int32Array> {
  const needed = new Uint8Array(batch.fresh.length);
  for (let i = 0; i < batch.length; i += 1) {
    const cell = batch.cells[i]!;
    if (cell < 0 && !Number.isNaN(batch.values[i]!)) needed[~cell] = 1;
  }
  const created = new Int32Array(batch.fresh.length).fill(-1);
  const firstGroup = cells.groups.length;
  for (const { family, count, infinity } of batch.freshGroups) {
    needed[count] = 1;
    if (infinity !== undefined) needed[infinity] = 1;
    family.known!.pending.push(cells.groups.length);
    family.known!.rowCount += 1;
    cells.groups.push({ count: -1, sum: -1, buckets: [] });
  }
  const widened = new Map<number, number[]>();
  for (const [index, fresh] of batch.fresh.entries()) {
    if (needed[index] === 0) continue;
    if (index % STEP_CELLS === STEP_CELLS - 1) yield;
    const family = fresh.family.known!;
    const group = fresh.group === undefined ? -1 : fresh.group >= 0 ? fresh.group : firstGroup + ~fresh.group;
    const kind = family.startTimes && fresh.kind === CellKind.GAUGE ? CellKind.CREATED : fresh.kind;
    const cell = cells.create(fresh.text, { kind, family: family.id, group, bound: fresh.bound });
    created[index] = cell;
    family.cellCount += 1;
    if (group === -1) {
      family.rowCount += 1;
      family.pending.push(cell);
    } else joinGroup(cells, cell, { group, kind, widened });
  }
  const byBound = (a: number, b: number): number => (cells.bound[a]! < cells.bound[b]! ? -1 : 1);
  for (const [group, buckets] of widened) cells.groups[group]!.buckets = buckets.sort(byBound);
  return created;
}

function joinGroup(
  cells: Cells,
  cell: number,
  part: { readonly group: number; readonly kind: CellKind; readonly widened: Map<number, number[]> },
): void {
  const group = cells.groups[part.group]!;
  if (part.kind === CellKind.SUM) group.sum = cell;
  else if (part.kind === CellKind.COUNT) cells.groups[part.group] = { ...group, count: cell };
  else {
    const buckets = part.widened.get(part.group);
    if (buckets === undefined) part.widened.set(part.group, [...group.buckets, cell]);
    else buckets.push(cell);
  }
}
