/**
 * One histogram of several, whose bounds may differ: the buckets of each are taken apart, those of equal bounds added up, and what comes
 * out is cumulative again. So is one whose bounds a rule has changed.
 */
import { PushProblem } from '../../model/errors.ts';
import { formatFloat64 } from '../../primitives/float.ts';
import { shorten } from '../../primitives/quote.ts';
import { exactSum } from './merge-values.ts';

interface At {
  readonly value: number;
  readonly offset: number;
}

/** A bucket as pushed, and the bound that its observations are to have. */
interface PushedBucket extends At {
  readonly series: number;
  readonly bound: number;
  readonly pushedBound: number;
}

/** A histogram as pushed. */
export interface PushedHistogram {
  readonly buckets: PushedBucket[];
  count: At | undefined;
  /** One of its series. */
  readonly series: number;
  readonly offset: number;
}

export interface MergedBucket {
  readonly bound: number;
  readonly cumulative: number;
  readonly offset: number;
}

/** The text of a series, for messages. */
type TextOf = (series: number) => string;

/** By ascending bound, up to infinity, with all of these `bounds`; in steps of one histogram or bound. Throws a PushProblem for a histogram that contradicts itself. */
export function* mergeHistograms(
  histograms: readonly PushedHistogram[],
  textOf: TextOf,
  bounds: readonly number[] = [],
): Generator<void, readonly MergedBucket[]> {
  const parts = new Map<number, { readonly counts: number[]; readonly offset: number }>();
  const offset = histograms[0]?.offset ?? 0;
  for (const bound of bounds) parts.set(bound, { counts: [], offset });
  for (const histogram of histograms) {
    for (const { bound, value, offset } of takenApart(histogram, textOf)) {
      const part = parts.get(bound);
      if (part === undefined) parts.set(bound, { counts: [value], offset });
      else part.counts.push(value);
    }
    yield;
  }
  const merged: MergedBucket[] = [];
  let cumulative = 0;
  for (const [bound, { counts, offset }] of [...parts].toSorted(([a], [b]) => a - b)) {
    cumulative += exactSum(counts);
    merged.push({ bound, cumulative, offset });
    yield;
  }
  return merged;
}

/** What is in each bucket alone. */
function takenApart(
  histogram: PushedHistogram,
  textOf: TextOf,
): readonly (At & { readonly bound: number })[] {
  const { buckets, count, series, offset } = histogram;
  const parts: (At & { readonly bound: number })[] = [];
  let below = 0;
  for (const bucket of buckets.toSorted((a, b) => a.pushedBound - b.pushedBound)) {
    checkCount(bucket, bucket.series, textOf);
    if (bucket.value < below)
      throw problem(
        textOf(bucket.series),
        `is ${formatFloat64(bucket.value)}, less than the bucket below it (${formatFloat64(below)}); buckets must be cumulative`,
        bucket.offset,
      );
    parts.push({ bound: bucket.bound, value: bucket.value - below, offset: bucket.offset });
    below = bucket.value;
  }
  if (count !== undefined) checkCount(count, series, textOf);
  const hasInfinity = buckets.some(({ pushedBound }) => pushedBound === Number.POSITIVE_INFINITY);
  if (count === undefined) {
    if (hasInfinity) return parts;
    throw problem(
      textOf(series),
      'belongs to a histogram with neither a bucket le="+Inf" nor a _count',
      offset,
    );
  }
  if (hasInfinity && count.value !== below)
    throw problem(
      textOf(series),
      `belongs to a histogram whose bucket le="+Inf" (${formatFloat64(below)}) is not its _count (${formatFloat64(count.value)})`,
      offset,
    );
  if (count.value < below)
    throw problem(
      textOf(series),
      `belongs to a histogram whose _count (${formatFloat64(count.value)}) is less than its last bucket (${formatFloat64(below)})`,
      offset,
    );
  if (!hasInfinity)
    parts.push({ bound: Number.POSITIVE_INFINITY, value: count.value - below, offset: count.offset });
  return parts;
}

function checkCount({ value, offset }: At, series: number, textOf: TextOf): void {
  if (value >= 0 && value <= Number.MAX_VALUE) return;
  throw new PushProblem(
    'invalid_value',
    `${shorten(textOf(series))} is ${formatFloat64(value)}; counts must be finite and not negative`,
    offset,
  );
}

function problem(series: string, what: string, offset: number): PushProblem {
  return new PushProblem('invalid_histogram', `${shorten(series)} ${what}`, offset);
}
