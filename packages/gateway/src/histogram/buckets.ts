/**
 * Lists of buckets, as they are added up: merged by index, and without the empty ones, which say nothing in this form. All
 * that is made here is free of them.
 */
import type { NativeBuckets } from '../model/native-histogram.ts';

/** The buckets of both lists; those of the second count `sign` times, which is 1 or -1. */
export function mergeBuckets(left: NativeBuckets, right: NativeBuckets, sign: number): NativeBuckets {
  const merged = new BucketList();
  const { length: leftLength } = left.indexes;
  const { length: rightLength } = right.indexes;
  let l = 0;
  let r = 0;
  while (l < leftLength || r < rightLength) {
    const leftIndex = l < leftLength ? left.indexes[l]! : Number.POSITIVE_INFINITY;
    const rightIndex = r < rightLength ? right.indexes[r]! : Number.POSITIVE_INFINITY;
    let count = 0;
    if (leftIndex <= rightIndex) {
      count = left.counts[l]!;
      l += 1;
    }
    if (rightIndex <= leftIndex) {
      count += sign * right.counts[r]!;
      r += 1;
    }
    merged.add(Math.min(leftIndex, rightIndex), count);
  }
  return merged;
}

/** The buckets under other indexes, which must not descend; those that come under the same index become one. */
export function renumber(buckets: NativeBuckets, indexOf: (index: number) => number): NativeBuckets {
  const renumbered = new BucketList();
  let current = Number.NaN;
  let total = 0;
  buckets.indexes.forEach((index, i) => {
    const next = indexOf(index);
    if (next !== current) {
      renumbered.add(current, total);
      current = next;
      total = 0;
    }
    total += buckets.counts[i]!;
  });
  renumbered.add(current, total);
  return renumbered;
}

export function totalCount({ counts }: NativeBuckets): number {
  return counts.reduce((total, count) => total + count, 0);
}

export function populated({ counts }: NativeBuckets): number {
  return counts.reduce((total, count) => (count === 0 ? total : total + 1), 0);
}

/** Whether some bucket of the one holds more than the same bucket of the other. */
export function anyExceeds(some: NativeBuckets, other: NativeBuckets): boolean {
  return mergeBuckets(some, other, -1).counts.some((count) => count > 0);
}

/** Buckets in the making; they must come by ascending index. */
export class BucketList implements NativeBuckets {
  readonly indexes: number[] = [];
  readonly counts: number[] = [];

  add(index: number, count: number): void {
    if (count === 0) return;
    this.indexes.push(index);
    this.counts.push(count);
  }
}
