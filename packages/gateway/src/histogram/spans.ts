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
import { BucketList } from './buckets.ts';

export interface BucketSpan {
  /** Of the first span: the index that it begins with. Of others: how many buckets are left out before it. */
  readonly offset: number;
  readonly length: number;
}

export interface SpannedBuckets {
  readonly spans: readonly BucketSpan[];
  readonly counts: readonly number[];
}

const indexMin = -(2 ** 31);
const indexMax = 2 ** 31 - 1;

/** The spans with as few buckets as possible, but gaps of up to `filled` empty ones are not worth a span of their own. */
export function spansOf(buckets: NativeBuckets, filled = 2): SpannedBuckets {
  const spans: { readonly offset: number; length: number }[] = [];
  const counts: number[] = [];
  let next = 0;
  buckets.indexes.forEach((index, i) => {
    const count = buckets.counts[i]!;
    if (count === 0) return;
    const gap = index - next;
    const last = spans.at(-1);
    if (last === undefined || gap > filled) {
      spans.push({ offset: gap, length: 1 });
    } else {
      for (let empty = 0; empty < gap; empty += 1) counts.push(0);
      last.length += gap + 1;
    }
    counts.push(count);
    next = index + 1;
  });
  return { spans, counts };
}

/** The buckets that are not empty; or, in place of them, a sentence part that says what is wrong with the spans. */
export function bucketsOf(
  spans: readonly BucketSpan[],
  counts: readonly number[],
  bucketsMax: number,
): NativeBuckets | string {
  if (counts.length > bucketsMax) return `has ${counts.length} buckets, more than ${bucketsMax}`;
  const buckets = new BucketList();
  let next = 0;
  let used = 0;
  for (const [i, { offset, length }] of spans.entries()) {
    if (i > 0 && offset < 0) return `has a span with the offset ${offset} that is not the first`;
    if (used + length > counts.length) return `has ${counts.length} buckets, but spans for more`;
    next += offset;
    if (next < indexMin || next + length - 1 > indexMax) return 'has spans that leave the range of indexes';
    for (let place = 0; place < length; place += 1) buckets.add(next + place, counts[used + place]!);
    next += length;
    used += length;
  }
  if (used < counts.length) return `has ${counts.length} buckets, but spans for ${used}`;
  return buckets;
}
