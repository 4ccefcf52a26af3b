/**
 * Zero buckets of different widths. The narrower one can only be widened where a bucket ends: what lies in a populated bucket
 * cannot be told apart, so a threshold inside of one moves on to its far bound.
 *
 *   threshold asked for           |
 *   buckets            [  2  ][   3   ][  1  ]
 *   threshold reached                  |            5 more in the zero bucket
 */
import type { NativeBuckets, NativeHistogram } from '../model/native-histogram.ts';
import { bucketBound, bucketIndex } from './bounds.ts';
import { totalCount } from './buckets.ts';

/**
 * Both with the same zero threshold, the smallest that serves both. It takes few rounds: a threshold that a histogram was
 * moved to is a bound of its schema, and the bounds of the coarser schema are bounds of the finer one as well.
 */
export function withSameZeroBucket(
  a: NativeHistogram,
  b: NativeHistogram,
): readonly [NativeHistogram, NativeHistogram] {
  let left = a;
  let right = b;
  while (left.zeroThreshold !== right.zeroThreshold) {
    left = widenZeroBucket(left, right.zeroThreshold);
    right = widenZeroBucket(right, left.zeroThreshold);
  }
  return [left, right];
}

/** The histogram with a zero bucket that reaches to the threshold, or further where it must; as it is where it does already. */
export function widenZeroBucket(histogram: NativeHistogram, threshold: number): NativeHistogram {
  const { schema, zeroThreshold, zeroCount, positive, negative } = histogram;
  if (threshold <= zeroThreshold) return histogram;
  // Both signs have the same bounds, so one bucket decides for both.
  const last = bucketIndex(schema, threshold);
  const isInside = holds(positive, last) || holds(negative, last);
  const cutPositive = firstAbove(positive, last);
  const cutNegative = firstAbove(negative, last);
  return {
    ...histogram,
    zeroThreshold: isInside ? bucketBound(schema, last) : threshold,
    zeroCount:
      zeroCount + totalCount(slice(positive, 0, cutPositive)) + totalCount(slice(negative, 0, cutNegative)),
    positive: slice(positive, cutPositive),
    negative: slice(negative, cutNegative),
  };
}

function holds({ indexes, counts }: NativeBuckets, index: number): boolean {
  const place = indexes.indexOf(index);
  return place >= 0 && counts[place] !== 0;
}

function firstAbove({ indexes }: NativeBuckets, index: number): number {
  const place = indexes.findIndex((each) => each > index);
  return place < 0 ? indexes.length : place;
}

function slice({ indexes, counts }: NativeBuckets, start: number, end?: number): NativeBuckets {
  return { indexes: indexes.slice(start, end), counts: counts.slice(start, end) };
}
