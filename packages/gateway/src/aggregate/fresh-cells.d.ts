/**
 * The cells that a push brings, as columns: nothing of them is in the state yet. They are found by their text, so that a
 * push of a million new series makes no object for any of them.
 */
import { ByteTable } from '../primitives/byte-table.ts';
import type { CellKind } from './cells.ts';
/** Group of a cell that is part of none. Others are a group of the state, or `~g` for an index into Batch.freshGroups. */
export declare const NO_GROUP: number;
/** What is known of a cell besides its text. */
export interface FreshShape {
  readonly kind: CellKind;
  /** Index into Batch.families. */
  readonly family: number;
  readonly group: number;
  /** NaN for all but buckets. */
  readonly bound: number;
}
export declare class FreshCells {
  #private;
  /** An entry's number is the number of its cell here. */
  readonly texts: ByteTable;
  kind: Uint8Array;
  family: Uint32Array;
  group: Int32Array;
  bound: Float64Array;
  /** 1 when the push has a number for it; cells that complete a group may have none. */
  given: Uint8Array;
  constructor(hashSeed: number);
  get length(): number;
  /** Adds a cell whose text is not here yet; `given` is 0. */
  add(view: DataView, start: number, end: number, hash: number, shape: FreshShape): number;
  clear(): void;
}
