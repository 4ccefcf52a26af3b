/** Rows looked at or changed in one step of a change: well under a millisecond. */
export declare const STEP_ROWS = 4096;
/**
 * Says where a change that goes in steps ends one: after so many rows, through however many loops. A change with fewer rows has one
 * step. Belongs to one state, and counts for one change at a time.
 */
export declare class Pace {
  #private;
  /** Rows that a loop goes through before it asks again. */
  readonly rows: number;
  constructor(rows?: number);
  begin(): void;
  /** Counts rows; true when it is time for the next step. */
  isFull(rows: number): boolean;
}
type Column = Uint8Array | Uint16Array | Uint32Array | Int32Array | Float64Array;
/** Copies the first `length` numbers of a column to the beginning of another; returns that. */
export declare function copyColumn<T extends Column>(
  pace: Pace,
  from: T,
  to: T,
  length?: number,
): Generator<void, T>;
/** Numbers by size, by radix; many are not sorted in place. */
export declare function sortNumbers(pace: Pace, numbers: Uint32Array): Generator<void, Uint32Array>;
export {};
