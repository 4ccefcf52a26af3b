/**
 * Which changes a long push must not see while it is read: those by which what was read so far would have been read otherwise. All that
 * changes only totals, or brings series that the long push has not spoken of, can go on.
 */
import type { Batch } from '../store/batch.ts';
import { isStart } from '../sources/source-starts.ts';
import type { PushOrigin, State } from '../state/state.ts';
import { isNative } from '../store/policies.ts';

/** What is read of a long push. */
export interface BatchBeingRead {
  readonly batch: Batch;
  /** Whether it depends on there being no family of this name. */
  speaksOf(family: string): boolean;
}

/** Of a source: where it has more, it is not looked at what might go. */
const LOOKED_AT_MAX = 4096;
const nothing = new Int32Array(0);

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
    changesKnown(batch) ||
    collides(batch, read) ||
    mayTakeBack(state, batch, origin) ||
    mayOverflowOtherwise({ batch, origin }, read)
  );
}

/** Whether what a source pushes may change which of its series go to one that stands for them (rewrite/overflow.ts). */
export function mayOverflowOtherwise(
  { batch, origin }: { readonly batch: Batch; readonly origin: Pick<PushOrigin, 'source'> },
  read: BatchBeingRead,
): boolean {
  if (!batch.sender.byJob || origin.source !== read.batch.source) return false;
  return read.batch.mayOverflow || batch.overflowed > 0;
}

/** Whether a push, once applied, might change the total of one of these accumulators. */
export function touches(
  state: State,
  { batch, origin }: { readonly batch: Batch; readonly origin: Pick<PushOrigin, 'source'> },
  accumulators: ReadonlySet<number>,
): boolean {
  if (accumulators.size === 0) return false;
  for (let i = 0; i < batch.length; i += 1) if (accumulators.has(batch.accumulators[i]!)) return true;
  return batch.sender.byJob && contributesTo(state, origin.source, accumulators);
}

/** Whether a source has a contribution that it may take back from the total of one of these accumulators. */
export function contributesTo(state: State, source: string, to: ReadonlySet<number>): boolean {
  if (to.size === 0) return false;
  const own = contributionsOf(state, source);
  return own.length > LOOKED_AT_MAX || own.some((accumulator) => to.has(accumulator));
}

/** Whether a batch brings anything that is not there yet. */
export function bringsNewSeries({ pendingSeries, families }: Batch): boolean {
  return pendingSeries.length > 0 || families.some(({ known, sampled }) => known === undefined && sampled);
}

function changesKnown({ families, leaving, turned }: Batch): boolean {
  if (turned.length > 0 || leaving.length > 0) return true;
  return families.some(
    ({ known, changed, replaces }) => replaces.length > 0 || (changed && known !== undefined),
  );
}

/** Whether something new is what the other push found to be new as well. */
function collides({ families, pendingSeries, pendingComposites }: Batch, read: BatchBeingRead): boolean {
  // The accumulators of native buckets are named by the number that their histogram is going to have.
  if (read.batch.native && pendingComposites.length > 0) return true;
  const { texts } = pendingSeries;
  const own = read.batch.pendingSeries.texts;
  for (let index = 0; index < pendingSeries.length; index += 1) {
    if (read.batch.native && isNative(pendingSeries.kind[index]!)) return true;
    const start = texts.offsetOf(index);
    const end = start + texts.lengthOf(index);
    if (own.find(texts.viewOf(index), start, end, texts.hashOf(index)) >= 0) return true;
  }
  return families.some(({ name, known, sampled }) => known === undefined && sampled && read.speaksOf(name));
}

/** Whether accumulators may go that nobody holds any more: only where a source takes something back. */
function mayTakeBack(
  state: State,
  batch: Batch,
  { source, method }: Pick<PushOrigin, 'source' | 'method'>,
): boolean {
  const own = batch.sender.byJob ? contributionsOf(state, source) : nothing;
  if (own.length === 0) return false;
  let isSame = own.length === batch.length + batch.began.length;
  for (let i = 0; i < batch.length; i += 1) {
    if (Number.isNaN(batch.values[i]!)) return true;
    isSame &&= own[i] === batch.accumulators[i];
  }
  const replaces = method === 'PUT' || batch.grouped || state.aggregation.groups === true;
  return !isSame && replaces && mayLose(state, source, batch);
}

/** Whether a source alone has what may go when it is removed, or when a batch takes the place of what it has. */
export function mayLose(state: State, source: string, batch?: Batch): boolean {
  const own = contributionsOf(state, source);
  if (own.length > LOOKED_AT_MAX) return true;
  const stays = new Set(batch?.accumulators.subarray(0, batch.length));
  const { contributors } = state.accumulators;
  return own.some(
    (accumulator) =>
      !isStart(accumulator) &&
      !stays.has(accumulator) &&
      contributors[accumulator]! <= 1 &&
      state.sources.mayGoWithLast(accumulator),
  );
}

/** Accumulators that a source contributes to, start times behind them; none where it is not known. Valid until another one is looked at. */
function contributionsOf({ sources }: State, source: string): Int32Array {
  const known = sources.list.find(source);
  if (known < 0) return nothing;
  const { contributions } = sources;
  contributions.open(known);
  const { accumulators, accumulatorsAt, length } = contributions;
  return accumulators.subarray(accumulatorsAt, accumulatorsAt + length);
}
