import type { NativeBuckets, NativeHistogram } from '../model/native-histogram.ts';
/**
 * A sentence part that says what is wrong, such as `has the schema 10, which is not from -4 to 8`. Whether its count is what
 * its buckets hold is looked at only in an `exact` one, of integers: floats are off by rounding. The sum may be anything.
 */
export declare function histogramProblem(histogram: NativeHistogram, exact: boolean): string | undefined;
/** The same for a list of buckets: each index once and in order, and counts that can be counts. */
export declare function bucketsProblem({ indexes, counts }: NativeBuckets, sign: string): string | undefined;
/** The same for the count; `total` is what the buckets hold. */
export declare function countProblem(
  {
    count,
    sum,
  }: {
    readonly count: number;
    readonly sum: number;
  },
  total: number,
  exact: boolean,
): string | undefined;
