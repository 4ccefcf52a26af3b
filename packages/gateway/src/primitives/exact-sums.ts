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
export const summableMax: number = 2 ** 900;

type CopyColumn = (
  from: Float64Array<ArrayBuffer>,
  to: Float64Array<ArrayBuffer>,
) => Generator<void, Float64Array<ArrayBuffer>>;

export class ExactSums {
  #hi = new Float64Array(0);
  #lo = new Float64Array(0);
  /** Lists are replaced, never changed, so that a snapshot may keep them. */
  readonly #spilled = new Map<number, readonly number[]>();

  /** Makes room for so many rows; `copy` copies a column to the beginning of a larger one, in steps, and returns that. */
  *reserve(capacity: number, copy: CopyColumn): Generator<void, void> {
    this.#hi = yield* copy(this.#hi, new Float64Array(capacity));
    this.#lo = yield* copy(this.#lo, new Float64Array(capacity));
  }

  get(index: number): number {
    return this.#hi[index]!;
  }

  /** Numbers whose total is the sum, exactly. */
  parts(index: number): readonly number[] {
    return this.#spilled.get(index) ?? [this.#hi[index]!, this.#lo[index]!];
  }

  /** Replaces the sum by one number, which may be infinite as long as nothing is added to it. */
  set(index: number, value: number): void {
    if (this.#spilled.size > 0) this.#spilled.delete(index);
    this.#hi[index] = value;
    this.#lo[index] = 0;
  }

  add(index: number, value: number): void {
    const hi = this.#hi[index]!;
    const lo = this.#lo[index]!;
    const sum = hi + value;
    const bHi = sum - hi;
    const error = hi - (sum - bHi) + (value - bHi);
    if (error === 0 && lo === 0) {
      // Whole numbers, nearly always.
      this.#hi[index] = sum;
      return;
    }
    const low = lo + error;
    const bLo = low - lo;
    const lost = lo - (low - bLo) + (error - bLo);
    // A spilled sum has NaN in lo, which is not equal to 0 either: one test serves both.
    if (lost === 0) {
      const rounded = sum + low;
      const b = rounded - sum;
      this.#hi[index] = rounded;
      this.#lo[index] = sum - (rounded - b) + (low - b);
    } else {
      this.#addSpilled(index, value);
    }
  }

  /** The rounded sums. The column is changed, and replaced by `reserve`. */
  get rounded(): Float64Array {
    return this.#hi;
  }

  /** What is to be added to those; NaN where a sum spilled. */
  get rest(): Float64Array {
    return this.#lo;
  }

  /** How many sums two doubles do not hold. */
  get spilledCount(): number {
    return this.#spilled.size;
  }

  /** Those sums as expansions, by row. To be read while nothing is added. */
  spilled(): Iterable<readonly [number, readonly number[]]> {
    return this.#spilled;
  }

  /** Puts copied rows in their place, from row `from` on, but for those that spilled. */
  restore(from: number, hi: Float64Array, lo: Float64Array): void {
    this.#hi.set(hi, from);
    this.#lo.set(lo, from);
  }

  /** Whether two doubles do not hold the sum. */
  isSpilled(index: number): boolean {
    return Number.isNaN(this.#lo[index]);
  }

  /** False where the row is not one that spilled. */
  restoreSpilled(index: number, parts: readonly number[]): boolean {
    if (!this.isSpilled(index) || this.#spilled.has(index)) return false;
    this.#spilled.set(index, parts);
    return true;
  }

  #addSpilled(index: number, value: number): void {
    const parts = grownExpansion(this.#spilled.get(index) ?? [this.#lo[index]!, this.#hi[index]!], value);
    if (parts.length > 2) {
      this.#spilled.set(index, parts);
      this.#hi[index] = roundExpansion(parts);
      this.#lo[index] = Number.NaN;
      return;
    }
    this.#spilled.delete(index);
    const hi = parts[1] ?? parts[0] ?? 0;
    const lo = parts.length === 2 ? parts[0]! : 0;
    this.#hi[index] = hi + lo;
    this.#lo[index] = lo - (hi + lo - hi);
  }
}

/** Parts of growing magnitude that do not overlap, and whose total is that of others and a number, exactly. */
function grownExpansion(parts: readonly number[], value: number): readonly number[] {
  const grown: number[] = [];
  let carried = value;
  for (const part of parts) {
    const larger = Math.abs(carried) < Math.abs(part) ? part : carried;
    const smaller = larger === part ? carried : part;
    const sum = larger + smaller;
    const rest = smaller - (sum - larger);
    if (rest !== 0) grown.push(rest);
    carried = sum;
  }
  if (carried !== 0 || grown.length === 0) grown.push(carried);
  return grown;
}

/** The double nearest to the total of the parts, ties to even. */
function roundExpansion(parts: readonly number[]): number {
  let position = parts.length - 1;
  let high = parts[position]!;
  let low = 0;
  while (position > 0) {
    position -= 1;
    const part = parts[position]!;
    const sum = high + part;
    low = part - (sum - high);
    high = sum;
    if (low !== 0) break;
  }
  // Half-way cases: what lies below decides, when it points away from the even neighbour.
  const below = position > 0 ? parts[position - 1]! : 0;
  if ((low < 0 && below < 0) || (low > 0 && below > 0)) {
    const doubled = low * 2;
    const nudged = high + doubled;
    if (doubled === nudged - high) high = nudged;
  }
  return high;
}
