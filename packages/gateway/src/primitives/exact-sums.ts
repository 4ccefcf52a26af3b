/**
 * A column of sums that are exact: each is the correctly rounded real sum of everything ever added to it, so neither the
 * order of pushes nor a difference taken back later leaves an error behind.
 *
 *   hi[i] + lo[i]   the sum, as two doubles with hi = the sum rounded       (nearly always enough)
 *   spilled.get(i)  the sum as a longer expansion, when two do not hold it; then lo[i] is NaN and hi[i] the rounded sum. Or as a
 *                   whole number (wide-sum.ts) while it is near the largest double, or beyond; beyond, hi[i] is infinite
 *
 * Two-sum: Knuth, TAOCP 2, 4.2.2, theorem B. Expansions: Shewchuk, "Adaptive Precision Floating-Point Arithmetic and Fast
 * Robust Geometric Predicates", 1997. Both are exact unless they overflow, which ends in NaN or an infinity and so is found out.
 * Values must be finite.
 */
import { copyNonZero } from './pace.ts';
import { doubleOf, expansionOf, finitePartsOf, packUnits, unitsOf, unpackUnits } from './wide-sum.ts';

/** Sums come back from whole numbers where they are so far from an overflow that they do not soon go there again. */
const EXPANSION_MAX = 2 ** 1020;

type Spilled = readonly number[] | bigint;

type CopyColumn = (
  from: Float64Array<ArrayBuffer>,
  to: Float64Array<ArrayBuffer>,
) => Generator<void, Float64Array<ArrayBuffer>>;

export class ExactSums {
  #hi = new Float64Array(0);
  #lo = new Float64Array(0);
  /** Lists are replaced, never changed, so that a snapshot may keep them. */
  readonly #spilled = new Map<number, Spilled>();

  /**
   * Makes room for so many rows; `copy` copies a column to the beginning of a larger one, in steps, and returns that; `copyRest` does
   * so where nearly all is 0.
   */
  *reserve(capacity: number, copy: CopyColumn, copyRest: CopyColumn = copy): Generator<void, void> {
    this.#hi = yield* copy(this.#hi, new Float64Array(capacity));
    this.#lo = yield* copyRest(this.#lo, new Float64Array(capacity));
  }

  get(index: number): number {
    return this.#hi[index]!;
  }

  isExactly(index: number, value: number): boolean {
    return this.#hi[index] === value && this.#lo[index] === 0;
  }

  /** Numbers whose total is the sum, exactly. */
  parts(index: number): readonly number[] {
    const spilled = this.#spilled.get(index);
    if (typeof spilled === 'bigint') return finitePartsOf(spilled);
    return spilled ?? [this.#hi[index]!, this.#lo[index]!];
  }

  /** Replaces the sum by one number, which may be infinite as long as nothing is added to it. */
  set(index: number, value: number): void {
    if (this.#spilled.size > 0) this.#spilled.delete(index);
    this.#hi[index] = value;
    // As long as all are whole numbers nothing is written here, and so it takes no memory.
    if (this.#lo[index] !== 0) this.#lo[index] = 0;
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
    const rounded = sum + low;
    if (lost === 0 && rounded - rounded === 0) {
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

  /** Those sums, by row, as `packSpilled` takes them. To be read while nothing is added. */
  spilled(): Iterable<readonly [number, Spilled]> {
    return this.#spilled;
  }

  /** Puts copied rows in their place, from row `from` on, but for those that spilled. */
  restore(from: number, hi: Float64Array, lo: Float64Array): void {
    this.#hi.set(hi, from);
    copyNonZero(lo, this.#lo, from);
  }

  /** Whether two doubles do not hold the sum. */
  isSpilled(index: number): boolean {
    return Number.isNaN(this.#lo[index]);
  }

  /** False where the row is not one that spilled. */
  restoreSpilled(index: number, packed: readonly number[]): boolean {
    if (!this.isSpilled(index) || this.#spilled.has(index)) return false;
    const sum = Number.isNaN(packed[0]) ? unpackUnits(packed) : packed;
    if (sum === undefined) return false;
    this.#spilled.set(index, sum);
    return true;
  }

  #addSpilled(index: number, value: number): void {
    const known = this.#spilled.get(index) ?? [this.#lo[index]!, this.#hi[index]!];
    if (typeof known === 'bigint') this.#keepUnits(index, known + unitsOf(value));
    else if (!this.#keepParts(index, grownExpansion(known, value)))
      this.#keepUnits(
        index,
        known.reduce((sum, part) => sum + unitsOf(part), unitsOf(value)),
      );
  }

  /** False where something overflowed. */
  #keepParts(index: number, parts: readonly number[]): boolean {
    const rounded = roundExpansion(parts);
    if (!Number.isFinite(rounded)) return false;
    this.#hi[index] = rounded;
    if (parts.length > 2) {
      this.#spilled.set(index, parts);
      this.#lo[index] = Number.NaN;
      return true;
    }
    this.#spilled.delete(index);
    // The higher part is mostly the rounded sum, but not always.
    const high = parts.at(-1)!;
    const low = parts.length === 2 ? parts[0]! : 0;
    this.#lo[index] = low - (rounded - high);
    return true;
  }

  #keepUnits(index: number, units: bigint): void {
    const rounded = doubleOf(units);
    if (Math.abs(rounded) <= EXPANSION_MAX) {
      this.#keepParts(index, expansionOf(units));
      return;
    }
    this.#spilled.set(index, units);
    this.#hi[index] = rounded;
    this.#lo[index] = Number.NaN;
  }
}

/** The double nearest to the total of some numbers, whatever their order. */
export function sumExactly(values: readonly number[]): number {
  if (!values.every(Number.isFinite)) return values.reduce((sum, value) => sum + value, 0);
  let parts: readonly number[] = [0];
  for (const value of values) parts = grownExpansion(parts, value);
  const rounded = roundExpansion(parts);
  return Number.isFinite(rounded) ? rounded : values.reduce((sum, value) => sum + value, 0);
}

/** A sum that spilled as numbers for a snapshot; see `restoreSpilled`. */
export function packSpilled(sum: Spilled): readonly number[] {
  return typeof sum === 'bigint' ? packUnits(sum) : sum;
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
