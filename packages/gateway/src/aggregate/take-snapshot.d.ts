import type { FrozenChunk } from './contributions.ts';
import type { FrozenFamilies } from './snapshot-families.ts';
import type { Head } from './snapshot-parts.ts';
import type { FrozenSources } from './source-list.ts';
import type { State } from './state.ts';
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
  readonly holders: Uint32Array;
  readonly hi: Float64Array;
  readonly lo: Float64Array;
  readonly spilled: SpilledSums;
  readonly limbo: Uint32Array;
  readonly freeCells: Uint32Array;
  readonly freeFamilies: Uint32Array;
  readonly families: FrozenFamilies;
  readonly sources: FrozenSources;
  readonly chunks: readonly FrozenChunk[];
}
/** Sums that two doubles do not hold, as expansions. */
interface SpilledSums {
  readonly rows: readonly number[];
  readonly parts: readonly (readonly number[])[];
}
/** Memory for what is copied first; for one snapshot. */
export interface SnapshotRoom {
  readonly kind: Uint8Array;
  readonly holders: Uint32Array;
  readonly hi: Float64Array;
  readonly lo: Float64Array;
}
/**
 * Room for a snapshot to be taken soon. It is written to once, in steps: the system gives memory at the first touch, page by page,
 * and that takes longer than the copying, for which pushes have to wait.
 */
export declare function roomForSnapshot(state: State): Promise<SnapshotRoom>;
/** The state as it is now. With a room made before it takes half as long, unless the state has outgrown that. */
export declare function takeSnapshot(state: State, room?: SnapshotRoom): Snapshot;
/** The same; until the last step nobody may change the state. One at a time, and not between the steps of a change. */
export declare function takeSnapshotInSteps(state: State, room?: SnapshotRoom): Generator<void, Snapshot>;
export {};
