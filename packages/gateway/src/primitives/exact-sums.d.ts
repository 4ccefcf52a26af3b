/**
 * A column of sums that are exact: each is the correctly rounded real sum of everything ever added to it, so neither the
 * order of pushes nor a difference taken back later leaves an error behind.
 *
 *   hi[i] + lo[i]   the sum, as two doubles with hi = the sum rounded       (nearly always enough)
 *   spilled.get(i)  the sum as a longer expansion, when two do not hold it; then lo[i] is NaN and hi[i] the rounded sum
 *
 * Two-sum: Knuth, TAOCP 2, 4.2.2, theorem B. Expansions: Shewchuk, "Adaptive Precision Floating-Point Arithmetic and Fast
 * Robust Geometric Predicates", 1997. Values must be finite, and so small that sums cannot overflow: see `summableMax`.
 */
/** Larger magnitudes are not added up anywhere: 2^124 of these would be needed before a sum overflows. */
export declare const summableMax: number;
type CopyColumn = (
  from: Float64Array<ArrayBuffer>,
  to: Float64Array<ArrayBuffer>,
) => Generator<void, Float64Array<ArrayBuffer>>;
export declare class ExactSums {
  #private;
  /** Makes room for so many rows; `copy` copies a column to the beginning of a larger one, in steps, and returns that. */
  reserve(capacity: number, copy: CopyColumn): Generator<void, void>;
  get(index: number): number;
  /** Replaces the sum by one number, which may be infinite as long as nothing is added to it. */
  set(index: number, value: number): void;
  add(index: number, value: number): void;
  /** The rounded sums. The column is changed, and replaced by `reserve`. */
  get rounded(): Float64Array;
  /** What is to be added to those; NaN where a sum spilled. */
  get rest(): Float64Array;
  /** How many sums two doubles do not hold. */
  get spilledCount(): number;
  /** Those sums as expansions, by row. To be read while nothing is added. */
  spilled(): Iterable<readonly [number, readonly number[]]>;
  /** Puts copied rows in their place, from row `from` on, but for those that spilled. */
  restore(from: number, hi: Float64Array, lo: Float64Array): void;
  /** Whether two doubles do not hold the sum. */
  isSpilled(index: number): boolean;
  /** False where the row is not one that spilled. */
  restoreSpilled(index: number, parts: readonly number[]): boolean;
}
export {};
