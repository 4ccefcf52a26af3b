/**
 * Lists of buckets, as they are added up: merged by index, and without the empty ones, which say nothing in this form. All
 * that is made here is free of them.
 */
import type { NativeBuckets } from '../model/native-histogram.ts';
/** The buckets of both lists; those of the second count `sign` times, which is 1 or -1. */
export declare function mergeBuckets(left: NativeBuckets, right: NativeBuckets, sign: number): NativeBuckets;
/** The buckets under other indexes, which must not descend; those that come under the same index become one. */
export declare function renumber(buckets: NativeBuckets, indexOf: (index: number) => number): NativeBuckets;
export declare function totalCount({ counts }: NativeBuckets): number;
export declare function populated({ counts }: NativeBuckets): number;
/** Whether some bucket of the one holds more than the same bucket of the other. */
export declare function anyExceeds(some: NativeBuckets, other: NativeBuckets): boolean;
/** Buckets in the making; they must come by ascending index. */
export declare class BucketList implements NativeBuckets {
  readonly indexes: number[];
  readonly counts: number[];
  add(index: number, count: number): void;
}
