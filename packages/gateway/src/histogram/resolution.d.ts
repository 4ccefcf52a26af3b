import type { NativeHistogram } from '../model/native-histogram.ts';
/** The index in schema `to` of the bucket that has all of a bucket of the finer schema `from` in it. */
export declare function reducedIndex(index: number, from: number, to: number): number;
/** The histogram in the given schema, or as it is where that would be a finer one. */
export declare function reduceResolution(histogram: NativeHistogram, schema: number): NativeHistogram;
/** The histogram in the finest schema in which it has at most so many buckets that are not empty, if there is one. */
export declare function reduceToBuckets(
  histogram: NativeHistogram,
  most: number,
): NativeHistogram | undefined;
/** The same, but in the coarsest schema where there is no such one. */
export declare function reduceForPage(histogram: NativeHistogram, most: number): NativeHistogram;
