/** What a histogram must be like to be added to others. Clients make no other ones, so what is found here is a mistake. */
import { NATIVE_SCHEMA_MAX, NATIVE_SCHEMA_MIN } from '../model/native-histogram.ts';
import type { NativeBuckets, NativeHistogram } from '../model/native-histogram.ts';
import { formatFloat64 } from '../primitives/float.ts';
import { isReachable } from './bounds.ts';
import { totalCount } from './buckets.ts';

/**
 * A sentence part that says what is wrong, such as `has the schema 10, which is not from -4 to 8`. Whether its count is what
 * its buckets hold is looked at only in an `exact` one, of integers: floats are off by rounding. The sum may be anything.
 */
export function histogramProblem(histogram: NativeHistogram, exact: boolean): string | undefined {
  const { schema, zeroThreshold, zeroCount, positive, negative } = histogram;
  if (!Number.isInteger(schema) || schema < NATIVE_SCHEMA_MIN || schema > NATIVE_SCHEMA_MAX) {
    return `has the schema ${formatFloat64(schema)}, which is not from ${NATIVE_SCHEMA_MIN} to ${NATIVE_SCHEMA_MAX}`;
  }
  if (!isCount(zeroThreshold)) {
    return `has the zero threshold ${formatFloat64(zeroThreshold)}, which is not a finite number from 0 up`;
  }
  if (!isCount(zeroCount)) return `counts ${formatFloat64(zeroCount)} in its zero bucket`;
  return (
    bucketsProblem(positive, 'positive') ??
    bucketsProblem(negative, 'negative') ??
    reachProblem(schema, positive) ??
    reachProblem(schema, negative) ??
    countProblem(histogram, zeroCount + totalCount(positive) + totalCount(negative), exact)
  );
}

/** The same for a list of buckets: each index once and in order, and counts that can be counts. */
function bucketsProblem({ indexes, counts }: NativeBuckets, sign: string): string | undefined {
  if (indexes.length !== counts.length) {
    return `has ${indexes.length} indexes and ${counts.length} counts of ${sign} buckets`;
  }
  for (const [i, index] of indexes.entries()) {
    if (!Number.isInteger(index)) return `has a ${sign} bucket with the index ${formatFloat64(index)}`;
    if (i > 0 && index <= indexes[i - 1]!) return `has the ${sign} bucket ${index} out of order`;
    const count = counts[i]!;
    if (!isCount(count)) return `counts ${formatFloat64(count)} in its ${sign} bucket ${index}`;
  }
  return undefined;
}

/** The same for the count; `total` is what the buckets hold. */
function countProblem(
  { count, sum }: { readonly count: number; readonly sum: number },
  total: number,
  exact: boolean,
): string | undefined {
  if (!isCount(count)) return `has the count ${formatFloat64(count)}`;
  // Beyond this, numbers were rounded when they were read.
  if (!exact || Math.min(count, total) > Number.MAX_SAFE_INTEGER) return undefined;
  // Observations that are NaN are in no bucket, and make the sum NaN.
  if (Number.isNaN(sum) ? total <= count : total === count) return undefined;
  return `has the count ${formatFloat64(count)}, but ${formatFloat64(total)} observations in its buckets`;
}

/** A bucket that no number is in would have bounds that cannot be told from those of its neighbours. */
function reachProblem(schema: number, { indexes }: NativeBuckets): string | undefined {
  const beyond = [indexes[0], indexes.at(-1)].find(
    (index) => index !== undefined && !isReachable(schema, index),
  );
  return beyond === undefined
    ? undefined
    : `has the bucket ${beyond}, which no number is in (schema ${schema})`;
}

function isCount(value: number): boolean {
  return value >= 0 && value < Number.POSITIVE_INFINITY;
}
