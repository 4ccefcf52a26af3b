/**
 * What each source contributes: two columns, cells and values, packed into chunks, so that a contribution costs its twelve
 * bytes and little more, whether the sources are few and large or many and small.
 *
 *   chunk   [ block | block | gap | block | … unused ]    512 KiB, in slots of 8 bytes
 *   block   [ owner, length | value … | cell, cell … ]    one slot, `length` slots, half as many
 *
 * A block is exactly as long as what it holds, so it gives up its place when that number changes. The gaps are won back by moving
 * what is left in the emptiest chunk to the end of the newest: at most one chunk with each change, a fraction of a
 * millisecond, and so often that gaps never come to more than a quarter of the blocks, and two chunks.
 */
import type { Pace } from './pace.ts';
export interface FrozenBlock {
  readonly owner: number;
  readonly length: number;
  readonly valuesAt: number;
  readonly cellsAt: number;
}
/** As many of both as `length`, or more. */
export interface Columns {
  readonly cells: Int32Array;
  readonly values: Float64Array;
  readonly length: number;
}
/** A chunk at one point in time. */
export interface FrozenChunk {
  /** `length` of `values` from `valuesAt`, of `cells` from `cellsAt`. */
  blocks(): Iterable<FrozenBlock>;
  readonly values: Float64Array;
  readonly cells: Int32Array;
  /** To be called when it has been read, so that it need not be copied any more. */
  done(): void;
}
export declare class Contributions {
  #private;
  /** The columns of the owner last opened: `length` of `values` from `valuesAt`, of `cells` from `cellsAt`. */
  length: number;
  values: Float64Array;
  valuesAt: number;
  cells: Int32Array;
  cellsAt: number;
  constructor();
  /** Bytes held for blocks and gaps. */
  get bytes(): number;
  /** Points the public fields at what the owner has. They hold until the next `openToWrite` or `replace`. */
  open(owner: number): void;
  /** The same, and values may be written. */
  openToWrite(owner: number): void;
  /** The same for an owner who may have much. */
  openToWriteInSteps(owner: number, pace: Pace): Generator<void, void>;
  /**
   * All chunks as they are now, to be read while owners go on: memory for it is at most one copy of each chunk, made when a
   * block in it is first changed or given up before it has been read. New blocks lie behind those that are read.
   */
  freeze(): FrozenChunk[];
  /** What the owner has becomes the first `length` entries of these columns, and is open then. None is to have nothing. */
  replace(owner: number, { cells, values, length }: Columns, pace: Pace): Generator<void, void>;
}
