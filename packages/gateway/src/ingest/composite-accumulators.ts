/** From the count of a histogram or summary to what else it has, without a text being looked at. */
import { UNKNOWN } from '../model/known-series.ts';
import type { Accumulators } from '../store/accumulators.ts';
import { AccumulatorKind } from '../store/policies.ts';

export class CompositeAccumulators {
  readonly #accumulators: Accumulators;
  /** Of the last bucket found: the next bound is likely that of the next bucket. */
  #next = 0;

  constructor(accumulators: Accumulators) {
    this.#accumulators = accumulators;
  }

  /** The sum beside a count, or UNKNOWN. */
  sumOf(count: number): number {
    const accumulators = this.#accumulators;
    if (accumulators.kind[count] !== AccumulatorKind.COUNT) return UNKNOWN;
    const { sum } = accumulators.composites[accumulators.composite[count]!]!;
    return sum < 0 ? UNKNOWN : sum;
  }

  /** The bucket with an upper bound beside a count, or UNKNOWN. */
  bucketOf(count: number, bound: number): number {
    const accumulators = this.#accumulators;
    if (accumulators.kind[count] !== AccumulatorKind.COUNT) return UNKNOWN;
    const { buckets } = accumulators.composites[accumulators.composite[count]!]!;
    let low = this.#next;
    if (low < buckets.length && accumulators.bound[buckets[low]!] === bound) {
      this.#next = low + 1;
      return buckets[low]!;
    }
    low = 0;
    let high = buckets.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (accumulators.bound[buckets[middle]!]! < bound) low = middle + 1;
      else high = middle;
    }
    if (low === buckets.length || accumulators.bound[buckets[low]!] !== bound) return UNKNOWN;
    this.#next = low + 1;
    return buckets[low]!;
  }
}
