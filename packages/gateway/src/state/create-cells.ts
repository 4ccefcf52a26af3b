/** Makes what a batch brings real: cells, the groups they complete, and their rows. */
import type { Writable } from '../primitives/writable.ts';
import type { Batch } from '../store/batch.ts';
import { CellKind } from '../store/cells.ts';
import type { Cells, CellShape, TextAt } from '../store/cells.ts';
import { NO_COMPOSITE } from '../store/pending-series.ts';
import { isNative } from '../store/native-cells.ts';
import { rowsOfText } from '../primitives/pace.ts';
import type { Pace } from '../primitives/pace.ts';

/** Creating a cell is as much work as so many rows of others. */
const CREATED_ROWS = 2;

/**
 * Creates the cells that get a number, and those that complete a group; the others are -1 in the result, which is by the
 * number of the pending series. Cells come in the order of the body, so that the next push of the same series finds each
 * after its predecessor.
 */
export function* createNeeded(
  batch: Batch,
  cells: Cells,
  { startMs, pace }: { readonly startMs: number; readonly pace: Pace },
): Generator<void, Int32Array> {
  const { pendingSeries, pendingComposites } = batch;
  yield* cells.reserveInSteps(pendingSeries.length, pace);
  const created = new Int32Array(pendingSeries.length).fill(-1);
  const creation: Creation = {
    batch,
    cells,
    firstComposite: cells.composites.length,
    widened: new Map(),
    native: new Map(),
    text: { view: new DataView(new ArrayBuffer(0)), start: 0, end: 0, hash: 0 },
    shape: { kind: CellKind.FREE, family: 0, composite: -1, bound: Number.NaN, startMs },
    copied: 0,
  };
  for (const { family } of pendingComposites) {
    const known = batch.families[family]!.known!;
    known.pending.push(cells.composites.length);
    known.rowCount += 1;
    known.createdGeneration = cells.generation;
    cells.composites.push({ count: -1, sum: -1, buckets: [], native: [] });
    if (pace.isFull(1)) yield;
  }
  const create = (index: number): void => {
    if (created[index] === -1) created[index] = createCell(creation, index);
  };
  for (let i = 0; i < batch.length; i += 1) {
    const cell = batch.cells[i]!;
    if (cell >= 0 || Number.isNaN(batch.values[i]!)) continue;
    create(~cell);
    if (pace.isFull(CREATED_ROWS + rowsOfText(pendingSeries.texts.lengthOf(~cell)) + copiedRows(creation)))
      yield;
  }
  for (const { count, infinity } of pendingComposites) {
    create(count);
    if (infinity >= 0) create(infinity);
    if (pace.isFull((CREATED_ROWS + rowsOfText(pendingSeries.texts.lengthOf(count))) * 2)) yield;
  }
  yield* settleComposites(creation, pace);
  return created;
}

/** Gives groups their new lists, and buckets their order. */
function* settleComposites(
  { cells, firstComposite, widened, native }: Creation,
  pace: Pace,
): Generator<void, void> {
  const { bound, composites } = cells;
  const byBound = (a: number, b: number): number => (bound[a]! < bound[b]! ? -1 : 1);
  for (let composite = firstComposite; composite < composites.length; composite += 1) {
    const { buckets } = composites[composite]!;
    if (buckets.length > 1) composites[composite]!.buckets = buckets.toSorted(byBound);
    if (pace.isFull(1 + buckets.length)) yield;
  }
  for (const [composite, buckets] of widened) {
    composites[composite]!.buckets = buckets.sort(byBound);
    if (pace.isFull(buckets.length)) yield;
  }
  for (const [composite, cellsOf] of native) {
    composites[composite]!.native = cellsOf;
    if (pace.isFull(1)) yield;
  }
}

/** Puts the numbers of cells that were fresh in their place in a batch. */
export function* nameCreated(batch: Batch, created: Int32Array, pace: Pace): Generator<void, void> {
  // Samples of nothing at all (a gauge first heard of as NaN) have no cell; the gaps they leave are closed.
  let kept = 0;
  for (let i = 0; i < batch.length; i += 1) {
    if (pace.isFull(1)) yield;
    const named = batch.cells[i]!;
    const cell = named < 0 ? created[~named]! : named;
    if (cell < 0) continue;
    batch.cells[kept] = cell;
    batch.values[kept] = batch.values[i]!;
    kept += 1;
  }
  batch.length = kept;
  for (const alias of batch.aliases) {
    if (pace.isFull(1)) yield;
    if ('target' in alias && alias.target < 0) alias.target = created[~alias.target]!;
  }
  yield* nameDetails(batch.starts, created, pace);
  yield* nameDetails(batch.began, created, pace);
  yield* nameDetails(batch.exemplars, created, pace);
}

/** Those of cells that were not needed go. */
function* nameDetails(details: { cell: number }[], created: Int32Array, pace: Pace): Generator<void, void> {
  let kept = 0;
  for (const detail of details) {
    if (pace.isFull(1)) yield;
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
  readonly firstComposite: number;
  /** New lists of buckets, by group; of groups that were there before. */
  readonly widened: Map<number, number[]>;
  /** The same of native cells. */
  readonly native: Map<number, number[]>;
  /** Filled anew for each cell. */
  readonly text: Writable<TextAt>;
  readonly shape: Writable<CellShape>;
  /** Buckets of lists that were copied since this was last asked for. */
  copied: number;
}

/** To copy a bucket and put it in order again is as much work as this share of a row. */
const COPIED_BUCKETS = 4;

function copiedRows(creation: Creation): number {
  const rows = creation.copied / COPIED_BUCKETS;
  creation.copied = 0;
  return rows;
}

function createCell(creation: Creation, index: number): number {
  const { batch, cells, firstComposite } = creation;
  const { pendingSeries } = batch;
  const { texts } = pendingSeries;
  const family = batch.families[pendingSeries.family[index]!]!.known!;
  const pendingKind = pendingSeries.kind[index] as CellKind;
  const isEarlierStart = !batch.judgesStartTimes && family.allStartTimes && pendingKind === CellKind.GAUGE;
  const kind = isEarlierStart ? CellKind.CREATED : pendingKind;
  const pendingComposite = pendingSeries.composite[index]!;
  const composite =
    pendingComposite === NO_COMPOSITE
      ? -1
      : pendingComposite >= 0
        ? pendingComposite
        : firstComposite + ~pendingComposite;
  const { text, shape } = creation;
  text.view = texts.viewOf(index);
  text.start = texts.offsetOf(index);
  text.end = text.start + texts.lengthOf(index);
  text.hash = texts.hashOf(index);
  shape.kind = kind;
  shape.family = family.id;
  shape.composite = composite;
  shape.bound = pendingSeries.bound[index]!;
  const cell = cells.create(text, shape);
  family.cellCount += 1;
  if (composite === -1) {
    family.rowCount += 1;
    if (kind === CellKind.CREATED) family.startTimeRows += 1;
    family.createdGeneration = cells.generation;
    family.pending.push(cell);
  } else {
    family.hasNative ||= isNative(kind);
    joinComposite(creation, cell, composite, kind);
  }
  return cell;
}

function joinComposite(creation: Creation, cell: number, id: number, kind: CellKind): void {
  const composite = creation.cells.composites[id]!;
  if (kind === CellKind.SUM) composite.sum = cell;
  else if (kind === CellKind.COUNT) composite.count = cell;
  else {
    const known = (isNative(kind) ? composite.native : composite.buckets) as number[];
    if (id >= creation.firstComposite) {
      // Nobody has seen the lists of a new group yet.
      known.push(cell);
      return;
    }
    const lists = isNative(kind) ? creation.native : creation.widened;
    const list = lists.get(id);
    if (list === undefined) {
      lists.set(id, [...known, cell]);
      creation.copied += known.length;
    } else list.push(cell);
  }
}
