/** Native buckets for those who read only classic ones. */
import type { NativeHistogram } from '../model/native-histogram.ts';
import { bucketBound } from './bounds.ts';

interface ClassicBuckets {
  /** Strictly ascending; +Infinity is the last. */
  readonly bounds: readonly number[];
  /** How many observations are up to each bound. */
  readonly cumulative: readonly number[];
}

/**
 * The buckets that are not empty, the zero bucket among them, by their upper bounds, and +Infinity with the count. Of a bucket
 * across the zero threshold, only the part outside has observations; so it is shown.
 */
export function classicBuckets(histogram: NativeHistogram): ClassicBuckets {
  const { schema, zeroThreshold, zeroCount, count, positive, negative } = histogram;
  const bounds: number[] = [];
  const cumulative: number[] = [];
  let total = 0;
  const add = (bound: number, held: number): void => {
    if (held === 0) return;
    // Added floats can come to a little more than the count.
    total = Math.min(total + held, count);
    if (bounds.at(-1) === bound) {
      cumulative[cumulative.length - 1] = total;
    } else {
      bounds.push(bound);
      cumulative.push(total);
    }
  };
  for (let i = negative.indexes.length - 1; i >= 0; i -= 1) {
    const nearBound = bucketBound(schema, negative.indexes[i]! - 1);
    // 0 - x, as the mirrored bound of 0 is 0 and not -0.
    add(0 - Math.max(nearBound, zeroThreshold), negative.counts[i]!);
  }
  add(zeroThreshold, zeroCount);
  positive.indexes.forEach((index, i) => {
    add(Math.max(bucketBound(schema, index), zeroThreshold), positive.counts[i]!);
  });
  if (bounds.at(-1) !== Number.POSITIVE_INFINITY) bounds.push(Number.POSITIVE_INFINITY);
  // Not the total: where NaN was observed, no bucket has it.
  cumulative[bounds.length - 1] = count;
  return { bounds, cumulative };
}
