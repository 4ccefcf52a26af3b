/**
 * Buckets as they go over the wire: runs of neighbours as spans, and all counts in one list.
 *
 *   buckets      -2:1  -1:4  2:3  9:7
 *   spans        {offset -2, length 5}  {offset 6, length 1}      an offset counts from the end of the span before
 *   counts       1 4 0 0 3  7                                     a short gap is filled, as a span costs more than two zeros
 *
 * https://prometheus.io/docs/specs/native_histograms/#spans
 */
import type { NativeBuckets } from '../model/native-histogram.ts';
export interface BucketSpan {
  /** Of the first span: the index that it begins with. Of others: how many buckets are left out before it. */
  readonly offset: number;
  readonly length: number;
}
export interface SpannedBuckets {
  readonly spans: readonly BucketSpan[];
  readonly counts: readonly number[];
}
/** The spans with as few buckets as possible, but gaps of up to `filled` empty ones are not worth a span of their own. */
export declare function spansOf(buckets: NativeBuckets, filled?: number): SpannedBuckets;
/** The buckets that are not empty; or, in place of them, a sentence part that says what is wrong with the spans. */
export declare function bucketsOf(
  spans: readonly BucketSpan[],
  counts: readonly number[],
  bucketsMax: number,
): NativeBuckets | string;
