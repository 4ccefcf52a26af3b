/** Makes what a batch brings real: cells, the groups they complete, and their rows. */
import type { Writable } from '../primitives/writable.ts';
import type { Batch } from './batch.ts';
import { CellKind } from './cells.ts';
import type { Cells, CellShape, TextAt } from './cells.ts';
import { NO_GROUP } from './fresh-cells.ts';
import { isNative } from './native-cells.ts';

/** Cells created in one step: about a millisecond. */
const STEP_CELLS = 2048;

/**
 * Creates the cells that get a number, and those that complete a group; the others are -1 in the result, which is by the
 * number of the fresh cell. Cells come in the order of the body, so that the next push of the same series finds each
 * after its predecessor.
 */
export function* createNeeded(batch: Batch, cells: Cells, startMs: number): Generator<void, Int32Array> {
  const { fresh, freshGroups } = batch;
  const created = new Int32Array(fresh.length).fill(-1);
  const creation: Creation = {
    batch,
    cells,
    firstGroup: cells.groups.length,
    widened: new Map(),
    native: new Map(),
    text: { view: new DataView(new ArrayBuffer(0)), start: 0, end: 0, hash: 0 },
    shape: { kind: CellKind.FREE, family: 0, group: -1, bound: Number.NaN, startMs },
  };
  for (const { family } of freshGroups) {
    const known = batch.families[family]!.known!;
    known.pending.push(cells.groups.length);
    known.rowCount += 1;
    known.bornAt = cells.tick;
    cells.groups.push({ count: -1, sum: -1, buckets: [], native: [] });
  }
  let done = 0;
  const create = (index: number): void => {
    if (created[index] === -1) created[index] = createCell(creation, index);
    done += 1;
  };
  for (let i = 0; i < batch.length; i += 1) {
    const cell = batch.cells[i]!;
    if (cell >= 0 || Number.isNaN(batch.values[i]!)) continue;
    create(~cell);
    if (done % STEP_CELLS === 0) yield;
  }
  for (const { count, infinity } of freshGroups) {
    create(count);
    if (infinity >= 0) create(infinity);
    if (done % STEP_CELLS === 0) yield;
  }
  const byBound = (a: number, b: number): number => (cells.bound[a]! < cells.bound[b]! ? -1 : 1);
  for (const [group, buckets] of creation.widened) cells.groups[group]!.buckets = buckets.sort(byBound);
  for (const [group, native] of creation.native) cells.groups[group]!.native = native;
  return created;
}

/** Start times or exemplars of a batch, of which some are for cells that were fresh; those of cells that were not needed go. */
export function settleDetails(details: { cell: number }[], created: Int32Array): void {
  let kept = 0;
  for (const detail of details) {
    if (detail.cell < 0) detail.cell = created[~detail.cell]!;
    if (detail.cell < 0) continue;
    details[kept] = detail;
    kept += 1;
  }
  details.length = kept;
}

interface Creation {
  readonly batch: Batch;
  readonly cells: Cells;
  /** Number in the state of the batch's first group. */
  readonly firstGroup: number;
  /** New lists of buckets, by group. */
  readonly widened: Map<number, number[]>;
  /** New lists of native cells, by group. */
  readonly native: Map<number, number[]>;
  /** Filled anew for each cell. */
  readonly text: Writable<TextAt>;
  readonly shape: Writable<CellShape>;
}

function createCell(creation: Creation, index: number): number {
  const { batch, cells, firstGroup } = creation;
  const { fresh } = batch;
  const { texts } = fresh;
  const family = batch.families[fresh.family[index]!]!.known!;
  const freshKind = fresh.kind[index] as CellKind;
  const kind = family.startTimes && freshKind === CellKind.GAUGE ? CellKind.CREATED : freshKind;
  const freshGroup = fresh.group[index]!;
  const group = freshGroup === NO_GROUP ? -1 : freshGroup >= 0 ? freshGroup : firstGroup + ~freshGroup;
  const { text, shape } = creation;
  text.view = texts.viewOf(index);
  text.start = texts.offsetOf(index);
  text.end = text.start + texts.lengthOf(index);
  text.hash = texts.hashOf(index);
  shape.kind = kind;
  shape.family = family.id;
  shape.group = group;
  shape.bound = fresh.bound[index]!;
  const cell = cells.create(text, shape);
  family.cellCount += 1;
  if (group === -1) {
    family.rowCount += 1;
    family.bornAt = cells.tick;
    family.pending.push(cell);
  } else {
    family.hasNative ||= isNative(kind);
    joinGroup(creation, cell, group, kind);
  }
  return cell;
}

function joinGroup({ cells, widened, native }: Creation, cell: number, id: number, kind: CellKind): void {
  const group = cells.groups[id]!;
  if (kind === CellKind.SUM) group.sum = cell;
  else if (kind === CellKind.COUNT) group.count = cell;
  else {
    const [lists, known] = isNative(kind) ? [native, group.native] : [widened, group.buckets];
    const list = lists.get(id);
    if (list === undefined) lists.set(id, [...known, cell]);
    else list.push(cell);
  }
}
