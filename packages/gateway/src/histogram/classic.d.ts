/** Native buckets for those who read only classic ones. */
import type { NativeHistogram } from '../model/native-histogram.ts';
export interface ClassicBuckets {
  /** Strictly ascending; +Infinity is the last. */
  readonly bounds: readonly number[];
  /** How many observations are up to each bound. */
  readonly cumulative: readonly number[];
}
/**
 * The buckets that are not empty, the zero bucket among them, by their upper bounds, and +Infinity with the count. Of a bucket
 * across the zero threshold, only the part outside has observations; so it is shown.
 */
export declare function classicBuckets(histogram: NativeHistogram): ClassicBuckets;
