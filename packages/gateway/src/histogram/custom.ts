/**
 * Native histograms whose buckets have bounds of their own, as classic ones have. Histograms with different bounds are brought
 * to the bounds that both have: a bucket goes to the first of them that is not below its own, and no observation below it.
 *
 *   1 2 3 +Inf   and   2 4 +Inf      become      2 +Inf
 */
import type { NativeBuckets, NativeHistogram } from '../model/native-histogram.ts';
import { formatFloat64 } from '../primitives/float.ts';
import { addHistograms, subtractHistograms } from './add.ts';
import { anyExceeds, mergeBuckets, renumber, totalCount } from './buckets.ts';
import { bucketsProblem, countProblem } from './validate.ts';

export const CUSTOM_SCHEMA = -53;

export interface CustomHistogram {
  readonly schema: typeof CUSTOM_SCHEMA;
  /** Strictly ascending, without +Infinity. */
  readonly bounds: readonly number[];
  readonly count: number;
  readonly sum: number;
  /** Index i is of the bucket up to `bounds[i]`; the one after the last has all above. */
  readonly buckets: NativeBuckets;
}

/** All observations of both. */
export function addCustomHistograms(a: CustomHistogram, b: CustomHistogram): CustomHistogram {
  return combine(a, b, 1);
}

export function subtractCustomHistograms(a: CustomHistogram, b: CustomHistogram): CustomHistogram {
  return combine(a, b, -1);
}

/** Adds, or subtracts, two of one kind. Buckets of the other kind cannot be found in either: a RangeError. */
export function combineHistograms<Kind extends NativeHistogram | CustomHistogram>(
  a: Kind,
  b: Kind,
  operation: 'add' | 'subtract',
): NativeHistogram | CustomHistogram {
  if (isCustom(a) && isCustom(b)) return combine(a, b, operation === 'add' ? 1 : -1);
  if (isCustom(a) || isCustom(b)) {
    throw new RangeError(`cannot ${operation} histograms with custom and with exponential buckets`);
  }
  return operation === 'add' ? addHistograms(a, b) : subtractHistograms(a, b);
}

/** As hasReset of exponential ones. */
export function hasCustomReset(before: CustomHistogram, now: CustomHistogram): boolean {
  if (now.count < before.count) return true;
  const bounds = sharedBounds(before.bounds, now.bounds);
  return anyExceeds(rebucket(before, bounds), rebucket(now, bounds));
}

/** As histogramProblem of exponential ones. */
export function customHistogramProblem(histogram: CustomHistogram, exact: boolean): string | undefined {
  const { bounds, buckets } = histogram;
  for (const [i, bound] of bounds.entries()) {
    if (Number.isNaN(bound) || bound === Number.POSITIVE_INFINITY) {
      return `has the bound ${formatFloat64(bound)}`;
    }
    if (i > 0 && bound <= bounds[i - 1]!) return `has the bound ${formatFloat64(bound)} out of order`;
  }
  const beyond = [buckets.indexes[0], buckets.indexes.at(-1)].find(
    (index) => index !== undefined && (index < 0 || index > bounds.length),
  );
  if (beyond !== undefined) return `has the bucket ${beyond}, but ${bounds.length} bounds`;
  return bucketsProblem(buckets, 'custom') ?? countProblem(histogram, totalCount(buckets), exact);
}

function combine(a: CustomHistogram, b: CustomHistogram, sign: number): CustomHistogram {
  const bounds = sharedBounds(a.bounds, b.bounds);
  return {
    schema: CUSTOM_SCHEMA,
    bounds,
    count: a.count + sign * b.count,
    sum: a.sum + sign * b.sum,
    buckets: mergeBuckets(rebucket(a, bounds), rebucket(b, bounds), sign),
  };
}

function isCustom(histogram: NativeHistogram | CustomHistogram): histogram is CustomHistogram {
  return histogram.schema === CUSTOM_SCHEMA;
}

function sharedBounds(a: readonly number[], b: readonly number[]): readonly number[] {
  const known = new Set(b);
  return a.filter((bound) => known.has(bound));
}

/** The buckets on bounds that are some of those of the histogram. */
function rebucket({ bounds, buckets }: CustomHistogram, onto: readonly number[]): NativeBuckets {
  if (onto.length === bounds.length) return buckets;
  let target = 0;
  return renumber(buckets, (index) => {
    const bound = bounds[index] ?? Number.POSITIVE_INFINITY;
    while (target < onto.length && onto[target]! < bound) target += 1;
    return target;
  });
}
