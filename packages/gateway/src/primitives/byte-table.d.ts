import { NumberList } from './number-list.ts';
type CopyEntries = <T extends Uint32Array | Uint16Array>(from: T, to: T) => Generator<void, T>;
export declare class ByteTable {
  #private;
  /** Entry numbers run from 0 to here; freed ones among them. */
  high: number;
  /** Keys held. */
  size: number;
  constructor(seed: number);
  /** Numbers that columns beside this table must have room for. */
  get capacity(): number;
  hash(view: DataView, start: number, end: number): number;
  /** The entry of a key, or -1. `hash` must come from this table's seed. */
  find(view: DataView, start: number, end: number, hash: number): number;
  /**
   * The length of an entry's key when the bytes at `start` begin with it, else -1. Also -1 for what is not an entry. Cheaper
   * than `find`, for callers that can guess which key comes.
   */
  matchLength(entry: number, view: DataView, start: number, end: number): number;
  /** Whether an entry's key is the first `headEnd` bytes of one view and those from `start` to `end` of another. */
  isInTwo(
    entry: number,
    head: DataView,
    headEnd: number,
    view: DataView,
    start: number,
    end: number,
  ): boolean;
  /** Adds a key that is not in the table and returns its entry. The bytes are copied, at most 65,535 of them. */
  insert(view: DataView, start: number, end: number, hash: number): number;
  /**
   * Makes room for so many more keys, so that the next ones are inserted without a pause. `copy` copies a column to the beginning of a
   * larger one, in steps, and returns that.
   */
  makeRoom(keys: number, copy: CopyEntries): Generator<void, void>;
  /** Entry numbers below `high` that are to be given out again, the next one last. */
  get freeEntries(): NumberList;
  /**
   * Gives an empty table the numbering of another: its keys must then come back through `insertAt`, and the numbers below
   * `high` that are to be given out again through `release`, in the order of `freeEntries`.
   */
  restoreNumbering(high: number): void;
  /** Like `insert`, with the number that the key had. */
  insertAt(entry: number, view: DataView, start: number, end: number, hash: number): void;
  /**
   * Takes a key out, so that it is no longer found. Its number and bytes stay readable until `release`, for readers that
   * still hold the number.
   */
  remove(entry: number): void;
  /** Lets the number and the bytes of a removed entry be used again. */
  release(entry: number): void;
  /** Forgets all keys, and lets go of what many of them made grow. */
  clear(): void;
  /** The bytes of an entry: its chunk (as a view, too), and where in it. The chunk must not be written to. */
  chunkOf(entry: number): Uint8Array;
  viewOf(entry: number): DataView;
  offsetOf(entry: number): number;
  lengthOf(entry: number): number;
  hashOf(entry: number): number;
  /** Writes the bytes of an entry and returns where they end. */
  copyTo(entry: number, to: DataView, at: number): number;
  textOf(entry: number): string;
}
export {};
