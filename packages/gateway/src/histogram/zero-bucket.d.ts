/**
 * Zero buckets of different widths. The narrower one can only be widened where a bucket ends: what lies in a populated bucket
 * cannot be told apart, so a threshold inside of one moves on to its far bound.
 *
 *   threshold asked for           |
 *   buckets            [  2  ][   3   ][  1  ]
 *   threshold reached                  |            5 more in the zero bucket
 */
import type { NativeHistogram } from '../model/native-histogram.ts';
/**
 * Both with the same zero threshold, the smallest that serves both. It takes few rounds: a threshold that a histogram was
 * moved to is a bound of its schema, and the bounds of the coarser schema are bounds of the finer one as well.
 */
export declare function withSameZeroBucket(
  a: NativeHistogram,
  b: NativeHistogram,
): readonly [NativeHistogram, NativeHistogram];
/** The histogram with a zero bucket that reaches to the threshold, or further where it must; as it is where it does already. */
export declare function widenZeroBucket(histogram: NativeHistogram, threshold: number): NativeHistogram;
