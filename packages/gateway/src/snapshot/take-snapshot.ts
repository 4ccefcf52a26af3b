/**
 * Takes a snapshot of the state at one point in time, while pushes go on.
 *
 *   what changes     sums, kind, contributors, lists          copied first, about 21 bytes an accumulator, while pushes wait
 *   what does not    text, family, composite, bound           read when its part is made; `hold` keeps freed accumulators as they are
 *   what changes little   start, exemplars                    likewise, and what they were is noted before they change (view-undo-log.ts)
 *   by-job           links of sources, contributions          copied page by page, chunk by chunk, when first written to
 *   with ttl         when series were last named              likewise
 *   mixed            what senders that add have               copied first as well: a bit, and 20 bytes where it is a number of their own
 *   with windows     what they hold                           as when series were last named
 *   with owners      whose series are                         read when their part is made, as what does not change; who they are, copied first
 *
 * So the memory for it is bounded by 21 bytes an accumulator, and a second copy of the contributions (12 bytes each) and of the
 * columns of sources (20 bytes each), should pushes change all of them before they are read; beside that the keys of sources
 * and texts of accumulators that go meanwhile, and one part. What is copied first takes a few milliseconds for a million accumulators, and is
 * copied in steps. Of sums that spilled, which are rare, the lists are kept, as these are replaced and never changed.
 */
import { setImmediate } from 'node:timers/promises';

import { atOnce } from '../primitives/turns.ts';
import type { FrozenChunk } from '../sources/contributions.ts';
import { freezeFamilies, familyParts } from './family-table.ts';
import type { FrozenFamilies } from './family-table.ts';
import { copyColumn } from '../primitives/pace.ts';
import { accumulatorParts } from './accumulator-table.ts';
import { encodePart, headFields, numberParts, Tag, VERSION } from './parts.ts';
import type { Head, Part } from './parts.ts';
import { contributionParts } from './contribution-table.ts';
import { commonParts, freezeCommon } from './common-table.ts';
import type { FrozenCommon } from './common-table.ts';
import { freezeLeftOut, leftOutParts } from './left-out-table.ts';
import type { FrozenLeftOut } from './left-out-table.ts';
import { lastNamedParts } from './last-named-table.ts';
import type { FrozenTimes } from '../store/last-named.ts';
import { sourceParts } from './source-table.ts';
import { freezeSpilled, spilledParts } from './spilled-table.ts';
import type { SpilledSums } from './spilled-table.ts';
import type { FrozenSources } from '../sources/source-list.ts';
import type { State } from '../state/state.ts';
import { noWindows } from '../store/windows.ts';
import type { FrozenWindows } from '../store/windows.ts';
import { freezeCreated } from './created-table.ts';
import { ownerParts } from './owner-table.ts';
import { ViewUndoLog } from '../store/view-undo-log.ts';
import type { FrozenOwners } from '../store/owners.ts';
import { windowParts } from './window-table.ts';

export interface Snapshot {
  /** To be read once, one after another; each is of its own memory. Yields to the event loop before each, about a millisecond apart. */
  readonly parts: AsyncIterable<Uint8Array>;
  /** Ends the snapshot, read to the end or not. The state may want recycling then. */
  close(): void;
}

/** What is kept of the state as it was. */
export interface Moment {
  readonly head: Head;
  readonly kind: Uint8Array;
  readonly contributors: Uint32Array;
  readonly hi: Float64Array;
  readonly lo: Float64Array;
  readonly spilled: SpilledSums;
  readonly pendingFree: Uint32Array;
  readonly freeAccumulators: Uint32Array;
  readonly freeComposites: Uint32Array;
  readonly freeFamilies: Uint32Array;
  readonly families: FrozenFamilies;
  readonly sources: FrozenSources;
  readonly chunks: readonly FrozenChunk[];
  readonly lastNamed: readonly FrozenTimes[];
  readonly leftOut: readonly FrozenLeftOut[];
  readonly common: FrozenCommon;
  readonly commonNamed: readonly FrozenTimes[];
  readonly windows: FrozenWindows;
  readonly owners: FrozenOwners;
  /** By accumulator: 1 where the number may be given out again. Empty where there are none. */
  readonly isFree: Uint8Array;
  readonly undoLog: ViewUndoLog;
  /** By accumulator; undefined where it is not noted. */
  readonly createdEpoch: Uint32Array | undefined;
}

/** Memory for what is copied first; for one snapshot. */
export interface SnapshotBuffers {
  readonly kind: Uint8Array;
  readonly contributors: Uint32Array;
  readonly hi: Float64Array;
  readonly lo: Float64Array;
}

/** Numbers written before the event loop has its turn: less than a millisecond. */
const STEP_NUMBERS = 1 << 16;

/**
 * Buffers for a snapshot to be taken soon. They are written to once, in steps: the system gives memory at the first touch, page by page,
 * and that takes longer than the copying, for which pushes have to wait.
 */
export async function buffersForSnapshot(state: State): Promise<SnapshotBuffers> {
  const { high } = state.accumulators.texts;
  const buffers = newBuffers(high + Math.ceil(high / 16));
  for (const column of [buffers.kind, buffers.contributors, buffers.hi, buffers.lo]) {
    for (let at = 0; at < column.length; at += STEP_NUMBERS) {
      column.fill(0, at, at + STEP_NUMBERS);
      await setImmediate();
    }
  }
  return buffers;
}

function newBuffers(accumulators: number): SnapshotBuffers {
  return {
    kind: new Uint8Array(accumulators),
    contributors: new Uint32Array(accumulators),
    hi: new Float64Array(accumulators),
    lo: new Float64Array(accumulators),
  };
}

/** The state as it is now. With buffers made before it takes half as long, unless the state has outgrown that. */
export function takeSnapshot(state: State, buffers?: SnapshotBuffers): Snapshot {
  return atOnce(takeSnapshotInSteps(state, buffers));
}

/** The same; until the last step nobody may change the state. One at a time, and not between the steps of a change. */
export function* takeSnapshotInSteps(state: State, buffers?: SnapshotBuffers): Generator<void, Snapshot> {
  const frozen = yield* freezeParts(state, buffers);
  let open = true;
  return {
    parts: {
      async *[Symbol.asyncIterator]() {
        for (const part of frozen.parts) {
          if (!open) throw new Error('BUG: a snapshot is read after it was closed');
          yield encodePart(part);
          await setImmediate();
        }
      },
    },
    close(): void {
      if (open) frozen.close();
      open = false;
    },
  };
}

/** What a snapshot is made of, before it is bytes. Columns of a part are valid until the next one. */
interface FrozenParts {
  readonly parts: Generator<Part, void>;
  /** To be called once. */
  close(): void;
}

/** As `takeSnapshotInSteps`. */
export function* freezeParts(state: State, buffers?: SnapshotBuffers): Generator<void, FrozenParts> {
  const { high } = state.accumulators.texts;
  const moment = yield* freeze(
    state,
    buffers !== undefined && buffers.kind.length >= high ? buffers : newBuffers(high),
  );
  return {
    parts: partsOf(state, moment),
    close(): void {
      state.accumulators.unwatch(moment.undoLog);
      for (const chunk of moment.chunks) chunk.done();
      state.accumulators.lastNamed?.thaw();
      state.accumulators.common.named?.thaw();
      state.accumulators.windows?.thaw();
      state.sources.list.thaw();
      state.readers.letGo();
    },
  };
}

function* freeze(state: State, buffers: SnapshotBuffers): Generator<void, Moment> {
  const { accumulators, families, sources, pace } = state;
  const { high } = accumulators.texts;
  const frozenSources = sources.list.freeze();
  state.readers.hold();
  pace.begin();
  const moment = {
    kind: yield* copyColumn(pace, accumulators.kind, buffers.kind.subarray(0, high), high),
    contributors: yield* copyColumn(
      pace,
      accumulators.contributors,
      buffers.contributors.subarray(0, high),
      high,
    ),
    hi: yield* copyColumn(pace, accumulators.sums.rounded, buffers.hi.subarray(0, high), high),
    lo: yield* copyColumn(pace, accumulators.sums.rest, buffers.lo.subarray(0, high), high),
    spilled: yield* freezeSpilled(state),
    pendingFree: accumulators.pendingFree.between(0, accumulators.pendingFree.length).slice(),
    freeAccumulators: accumulators.texts.freeEntries
      .between(0, accumulators.texts.freeEntries.length)
      .slice(),
    freeComposites: accumulators.freeComposites.between(0, accumulators.freeComposites.length).slice(),
    freeFamilies: Uint32Array.from(families.freeIds),
    families: yield* freezeFamilies(families, pace),
    sources: frozenSources,
    chunks: sources.contributions.freeze(),
    lastNamed: accumulators.lastNamed?.freeze() ?? [],
    leftOut: yield* freezeLeftOut(state),
    common: yield* freezeCommon(state),
    commonNamed: accumulators.common.named?.freeze() ?? [],
    windows: accumulators.windows?.freeze() ?? noWindows,
    owners: accumulators.owners.freeze(),
    isFree: yield* freezeFree(state),
    undoLog: new ViewUndoLog(),
    createdEpoch: yield* freezeCreated(state),
  };
  accumulators.watch(moment.undoLog);
  const head: Head = {
    epoch: state.epoch,
    families: families.size,
    familyIds: families.byId.length,
    freeFamilies: moment.freeFamilies.length,
    sourcesLive: frozenSources.liveCount,
    sourcesPruned: frozenSources.prunedCount,
    accumulators: accumulators.size,
    accumulatorNumbers: high,
    composites: accumulators.composites.length,
    spilled: moment.spilled.rows.length,
    pendingFree: moment.pendingFree.length,
    freeAccumulators: moment.freeAccumulators.length,
    freeComposites: moment.freeComposites.length,
    order: sources.order,
    owned: accumulators.owners.size,
  };
  return { head, ...moment };
}

/** Those that are only pending stay what they were as long as the state is held. */
function* freezeFree({ accumulators, pace }: State): Generator<void, Uint8Array> {
  const { freeEntries, high } = accumulators.texts;
  const isFree = new Uint8Array(freeEntries.length === 0 ? 0 : high);
  for (const accumulator of freeEntries) {
    isFree[accumulator] = 1;
    if (pace.isFull(1)) yield;
  }
  return isFree;
}

/** Contributions come early, so that chunks need not be copied for long. */
function* partsOf(state: State, moment: Moment): Generator<Part, void> {
  const { head } = moment;
  const fields = Float64Array.from(headFields, (field) => head[field]);
  yield { tag: Tag.HEAD, from: VERSION, rows: fields.length, columns: [fields] };
  yield* familyParts(moment.families);
  yield* numberParts(Tag.FREE_FAMILIES, moment.freeFamilies);
  // Contributions name their source by its place in the order.
  const places = new Int32Array(moment.sources.numbers);
  yield* sourceParts(moment.sources, places);
  const contributed = yield* contributionParts(moment.chunks, places);
  yield* accumulatorParts(state.accumulators, moment);
  yield* spilledParts(moment.spilled);
  yield* numberParts(Tag.PENDING_FREE, moment.pendingFree);
  yield* numberParts(Tag.FREE_ACCUMULATORS, moment.freeAccumulators);
  yield* numberParts(Tag.FREE_COMPOSITES, moment.freeComposites);
  yield* lastNamedParts(Tag.LAST_NAMED, moment.lastNamed);
  yield* leftOutParts(moment.leftOut, places);
  yield* commonParts(moment.common);
  yield* lastNamedParts(Tag.COMMON_NAMED, moment.commonNamed);
  yield* windowParts(moment.windows);
  yield* ownerParts(moment.owners, moment.kind);
  if (moment.createdEpoch !== undefined) yield* numberParts(Tag.CREATED, moment.createdEpoch);
  yield { tag: Tag.END, from: 0, rows: 1, columns: [Float64Array.of(contributed)] };
}
