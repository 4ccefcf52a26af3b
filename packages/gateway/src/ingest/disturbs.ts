/**
 * Which changes a long push must not see while it is read: those by which what was read so far would have been read otherwise. All that
 * changes only totals, or brings series that the long push has not spoken of, can go on.
 */
import type { Batch } from '../store/batch.ts';
import { CellKind, isGrouped, isRemovable } from '../store/cells.ts';
import { isNative } from '../store/native-cells.ts';
import { isStart } from '../sources/source-starts.ts';
import type { PushOrigin, State } from '../state/state.ts';

/** What is read of a long push. */
export interface BatchBeingRead {
  readonly batch: Batch;
  /** Whether it depends on there being no family of this name. */
  speaksOf(family: string): boolean;
}

/** Of a source: where it has more, it is not looked at what might go. */
const LOOKED_AT_MAX = 4096;

/**
 * Whether a push, once applied, might change what another one that is being read is made of. May say so where it would not. The other
 * way round it must not, but for what goes: `State.losses` tells.
 */
export function disturbs(
  state: State,
  { batch, origin }: { readonly batch: Batch; readonly origin: Pick<PushOrigin, 'source' | 'method'> },
  read: BatchBeingRead,
): boolean {
  return (
    // Any push might have what is about to go.
    read.batch.leaving.length > 0 ||
    changesKnown(batch) ||
    collides(batch, read) ||
    mayTakeBack(state, batch, origin) ||
    (read.batch.signDependent.length > 0 && hasUntyped(state, batch))
  );
}

/** Whether a batch brings anything that is not there yet. */
export function bringsNewSeries({ pendingSeries, families }: Batch): boolean {
  return pendingSeries.length > 0 || families.some(({ known, sampled }) => known === undefined && sampled);
}

/** Whether cells may go when a source is removed. */
export function mayGoWith(state: State, source: string): boolean {
  return mayLose(state, source);
}

function changesKnown({ families, leaving, turned }: Batch): boolean {
  if (turned.length > 0 || leaving.length > 0) return true;
  return families.some(
    ({ known, changed, replaces }) => replaces.length > 0 || (changed && known !== undefined),
  );
}

/** Whether something new is what the other push found to be new as well. */
function collides({ families, pendingSeries, pendingComposites }: Batch, read: BatchBeingRead): boolean {
  // The cells of native buckets are named by the number that their histogram is going to have.
  if (read.batch.native && pendingComposites.length > 0) return true;
  const { texts } = pendingSeries;
  const own = read.batch.pendingSeries.texts;
  for (let index = 0; index < pendingSeries.length; index += 1) {
    if (read.batch.native && isNative(pendingSeries.kind[index] as CellKind)) return true;
    const start = texts.offsetOf(index);
    const end = start + texts.lengthOf(index);
    if (own.find(texts.viewOf(index), start, end, texts.hashOf(index)) >= 0) return true;
  }
  return families.some(({ name, known, sampled }) => known === undefined && sampled && read.speaksOf(name));
}

/** Whether cells may go that nobody holds any more: only where a source takes something back. */
function mayTakeBack(
  state: State,
  batch: Batch,
  { source, method }: Pick<PushOrigin, 'source' | 'method'>,
): boolean {
  if (!state.aggregation.byJob) return false;
  const { list, contributions } = state.sources;
  const known = list.find(source);
  if (known < 0) return false;
  contributions.open(known);
  const { cells, cellsAt, length } = contributions;
  let isSame = length === batch.length + batch.began.length;
  for (let i = 0; i < batch.length; i += 1) {
    if (Number.isNaN(batch.values[i]!)) return true;
    isSame &&= cells[cellsAt + i] === batch.cells[i];
  }
  const replaces = method === 'PUT' || batch.grouped || state.aggregation.composites === true;
  return !isSame && replaces && mayLose(state, source, batch);
}

/** Whether a source alone has what goes with it, and a batch has not. */
function mayLose(state: State, source: string, batch?: Batch): boolean {
  const { list, contributions } = state.sources;
  const known = list.find(source);
  if (known < 0) return false;
  contributions.open(known);
  const { cells, cellsAt, length } = contributions;
  if (length > LOOKED_AT_MAX) return true;
  const stays = new Set(batch?.cells.subarray(0, batch.length));
  for (let at = cellsAt; at < cellsAt + length; at += 1) {
    const cell = cells[at]!;
    if (isStart(cell)) break;
    if (!stays.has(cell) && state.cells.contributors[cell]! <= 1 && mayGo(state, cell)) return true;
  }
  return false;
}

function mayGo({ cells, families, aggregation }: State, cell: number): boolean {
  const kind = cells.kindOf(cell);
  if (aggregation.composites === true || isRemovable(kind) || isNative(kind)) return true;
  return isGrouped(kind) && families.get(cells.family[cell]!).type === 'gaugehistogram';
}

/** Whether a total changes by whose sign it was decided what an untyped series can be. */
function hasUntyped({ cells }: State, batch: Batch): boolean {
  for (let i = 0; i < batch.length; i += 1) if (cells.kind[batch.cells[i]!] === CellKind.UNTYPED) return true;
  return false;
}
