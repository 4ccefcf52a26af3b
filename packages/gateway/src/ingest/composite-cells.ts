/** From the count of a histogram or summary to what else it has, without a text being looked at. */
import { UNKNOWN } from '../model/sample-sink.ts';
import { CellKind } from '../store/cells.ts';
import type { Cells } from '../store/cells.ts';

export class CompositeCells {
  readonly #cells: Cells;
  /** Of the last bucket found: the next bound is likely that of the next bucket. */
  #next = 0;

  constructor(cells: Cells) {
    this.#cells = cells;
  }

  /** The sum beside a count, or UNKNOWN. */
  sumOf(count: number): number {
    const cells = this.#cells;
    if (cells.kind[count] !== CellKind.COUNT) return UNKNOWN;
    const { sum } = cells.composites[cells.composite[count]!]!;
    return sum < 0 ? UNKNOWN : sum;
  }

  /** The bucket with an upper bound beside a count, or UNKNOWN. */
  bucketOf(count: number, bound: number): number {
    const cells = this.#cells;
    if (cells.kind[count] !== CellKind.COUNT) return UNKNOWN;
    const { buckets } = cells.composites[cells.composite[count]!]!;
    let low = this.#next;
    if (low < buckets.length && cells.bound[buckets[low]!] === bound) {
      this.#next = low + 1;
      return buckets[low]!;
    }
    low = 0;
    let high = buckets.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (cells.bound[buckets[middle]!]! < bound) low = middle + 1;
      else high = middle;
    }
    if (low === buckets.length || cells.bound[buckets[low]!] !== bound) return UNKNOWN;
    this.#next = low + 1;
    return buckets[low]!;
  }
}
