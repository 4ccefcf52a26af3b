/**
 * Sums and differences of histograms, as Prometheus works them out: zero buckets are brought to one threshold, then the finer
 * schema to the coarser, then counts are added index by index.
 *
 * The order matters. A bucket that went to the zero bucket must be gone before its neighbours become one with it, or it would
 * count twice. A bucket across the threshold is left alone: it holds what lies outside of the zero bucket.
 *
 * Here, and wherever nothing else is said, histograms are without a histogramProblem.
 */
import type { NativeHistogram } from '../model/native-histogram.ts';
import { mergeBuckets } from './buckets.ts';
import { reduceResolution } from './resolution.ts';
import { withSameZeroBucket } from './zero-bucket.ts';

/** All observations of both. Costs one pass over the buckets of both, so parts can be added up one after the other. */
export function addHistograms(a: NativeHistogram, b: NativeHistogram): NativeHistogram {
  return combine(a, b, 1);
}

/** What came on top of `b` to make `a`; counts that went down come out negative. */
export function subtractHistograms(a: NativeHistogram, b: NativeHistogram): NativeHistogram {
  return combine(a, b, -1);
}

function combine(a: NativeHistogram, b: NativeHistogram, sign: number): NativeHistogram {
  const [wideA, wideB] = withSameZeroBucket(a, b);
  const schema = Math.min(a.schema, b.schema);
  const left = reduceResolution(wideA, schema);
  const right = reduceResolution(wideB, schema);
  return {
    schema,
    zeroThreshold: left.zeroThreshold,
    zeroCount: left.zeroCount + sign * right.zeroCount,
    count: left.count + sign * right.count,
    sum: left.sum + sign * right.sum,
    positive: mergeBuckets(left.positive, right.positive, sign),
    negative: mergeBuckets(left.negative, right.negative, sign),
  };
}
