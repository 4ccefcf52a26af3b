import { ByteTable } from '../primitives/byte-table.ts';
/** The rings, by the rows of their anchors. */
export declare const Ring: {
  readonly LIVE: 0;
  readonly PRUNED: 1;
};
export type Ring = (typeof Ring)[keyof typeof Ring];
/** The sources at one point in time. */
export interface FrozenSources {
  readonly liveCount: number;
  readonly prunedCount: number;
  /** Sources have smaller numbers than this. */
  readonly numbers: number;
  /** From the one silent for longest on. */
  inOrder(ring: Ring): Iterable<number>;
  lastPushMs(source: number): number;
  key(source: number): {
    readonly table: ByteTable;
    readonly entry: number;
  };
}
export declare class SourceList {
  #private;
  constructor(hashSeed: number);
  /** How many sources are in a ring. */
  sizeOf(ring: Ring): number;
  /** The number of a source, or -1. */
  find(key: string): number;
  /** The number of a source, new or not, which is now the newest of the live ones. */
  touch(key: string, nowMs: number): number;
  /** Adds a source by the bytes of its key, as the newest of a ring; -1 when there is one of that key. */
  restore(bytes: Uint8Array, lastPushMs: number, ring: Ring): number;
  /** Makes a source the newest of the pruned ones. */
  prune(source: number): void;
  remove(source: number): void;
  lastPushMs(source: number): number;
  /** The source of a ring that has been silent for longest, or -1. */
  oldest(ring: Ring): number;
  /** The source of a ring that pushed last, or -1. */
  newest(ring: Ring): number;
  /** The next older source of the same ring, or -1. */
  olderThan(source: number): number;
  /** The sources as they are now, to be read while they go on changing; call `thaw` when it has been read. */
  freeze(): FrozenSources;
  thaw(): void;
}
