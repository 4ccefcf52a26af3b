import fc from 'fast-check';
import { expect, test } from 'vitest';

import { addHistograms, subtractHistograms } from '../../src/histogram/add.ts';
import { classicBuckets } from '../../src/histogram/classic.ts';
import { hasReset } from '../../src/histogram/resets.ts';
import { reduceResolution, reduceToBuckets } from '../../src/histogram/resolution.ts';
import { histogramProblem } from '../../src/histogram/validate.ts';
import { widenZeroBucket } from '../../src/histogram/zero-bucket.ts';
import { noNativeBuckets } from '../../src/model/native-histogram.ts';
import type { NativeHistogram } from '../../src/model/native-histogram.ts';
import { extremeHistogram, histogram, histogramWith, observations, schema } from './arbitraries.ts';
import { runs } from '../support/runs.ts';

const tries = { numRuns: runs(2000) };
const either = fc.oneof(histogram, extremeHistogram);

/** Three histograms that have one zero threshold. */
const alike = fc
  .constantFrom(0, 2 ** -128, 0.3, 2)
  .chain((threshold) => fc.array(histogramWith(fc.constant(threshold)), { minLength: 3, maxLength: 3 }));

test('what is made up here is valid', () => {
  fc.assert(
    fc.property(either, (each) => {
      expect(histogramProblem(each, true)).toBeUndefined();
    }),
    tries,
  );
});

test('adding does not mind the order, and what comes out is valid', () => {
  fc.assert(
    fc.property(either, either, (a, b) => {
      const added = addHistograms(a, b);
      expect(addHistograms(b, a)).toEqual(added);
      expect(histogramProblem(added, true)).toBeUndefined();
    }),
    tries,
  );
});

test('with one zero threshold, adding does not mind in which order parts come', () => {
  fc.assert(
    fc.property(alike, (parts) => {
      const [a, b, c] = parts as [NativeHistogram, NativeHistogram, NativeHistogram];
      expect(addHistograms(addHistograms(a, b), c)).toEqual(addHistograms(a, addHistograms(b, c)));
    }),
    tries,
  );
});

test('with one zero threshold, reducing and adding change places', () => {
  fc.assert(
    fc.property(alike, schema, (parts, to) => {
      const [a, b] = parts as [NativeHistogram, NativeHistogram];
      const reducedFirst = addHistograms(reduceResolution(a, to), reduceResolution(b, to));
      expect(reduceResolution(addHistograms(a, b), to)).toEqual(reducedFirst);
    }),
    tries,
  );
});

test('no observation is lost or comes up twice', () => {
  fc.assert(
    fc.property(either, either, schema, (a, b, to) => {
      const added = addHistograms(a, b);
      expect(observations(added)).toBe(observations(a) + observations(b));
      expect(added.count).toBe(a.count + b.count);
      expect(added.schema).toBe(Math.min(a.schema, b.schema));
      expect(added.zeroThreshold).toBeGreaterThanOrEqual(Math.max(a.zeroThreshold, b.zeroThreshold));
      const reduced = reduceResolution(a, to);
      expect(observations(reduced)).toBe(observations(a));
      expect(reduced.schema).toBe(Math.min(a.schema, to));
    }),
    tries,
  );
});

test('an empty histogram of the finest schema changes nothing', () => {
  const nothing: NativeHistogram = {
    schema: 8,
    zeroThreshold: 0,
    zeroCount: 0,
    count: 0,
    sum: 0,
    positive: noNativeBuckets,
    negative: noNativeBuckets,
  };
  fc.assert(
    fc.property(either, (each) => {
      expect(addHistograms(each, nothing)).toEqual(each);
    }),
  );
});

test('what was added can be subtracted, where it was not changed to be added', () => {
  fc.assert(
    fc.property(alike, (parts) => {
      const [a, b] = parts as [NativeHistogram, NativeHistogram];
      const to = Math.min(a.schema, b.schema);
      expect(subtractHistograms(addHistograms(a, b), b)).toEqual(reduceResolution(a, to));
    }),
    tries,
  );
});

test('a bucket that went to the zero bucket is not in its reduced neighbour as well', () => {
  // Of schema 1: 3 up to the square root of 2, 4 from there to 2. The other one asks for a zero bucket that ends between them.
  const fine = histogramOf({ schema: 1, positive: { indexes: [1, 2], counts: [3, 4] } });
  const coarse = histogramOf({ schema: 0, zeroThreshold: Math.SQRT2, zeroCount: 5 });
  const added = addHistograms(fine, coarse);
  expect(added).toEqual(
    histogramOf({
      schema: 0,
      zeroThreshold: Math.SQRT2,
      zeroCount: 8,
      positive: { indexes: [1], counts: [4] },
    }),
  );
});

test('a zero bucket is widened to the threshold, or to the end of the bucket that it is in', () => {
  const base = histogramOf({
    positive: { indexes: [0, 2, 5], counts: [1, 2, 3] },
    negative: { indexes: [1, 4], counts: [4, 5] },
  });
  const widened = (threshold: number): readonly [number, number] => {
    const { zeroThreshold, zeroCount } = widenZeroBucket(base, threshold);
    return [zeroThreshold, zeroCount];
  };
  expect(widened(0)).toEqual([0, 0]);
  expect(widened(0.5)).toEqual([0.5, 0]);
  expect(widened(0.6)).toEqual([1, 1]);
  expect(widened(1)).toEqual([1, 1]);
  expect(widened(1.5)).toEqual([2, 5]);
  expect(widened(3)).toEqual([4, 7]);
  expect(widened(5)).toEqual([5, 7]);
  expect(widened(9)).toEqual([16, 12]);
  expect(widened(100)).toEqual([100, 15]);
});

test('the finest schema with few enough buckets', () => {
  fc.assert(
    fc.property(either, fc.nat({ max: 30 }), (each, most) => {
      const size = ({ positive, negative }: NativeHistogram): number =>
        positive.indexes.length + negative.indexes.length;
      const reduced = reduceToBuckets(each, most);
      if (reduced === undefined) {
        expect(size(reduceResolution(each, -4))).toBeGreaterThan(most);
        return;
      }
      expect(size(reduced)).toBeLessThanOrEqual(most);
      expect(reduced).toEqual(reduceResolution(each, reduced.schema));
      if (reduced.schema < each.schema) {
        expect(size(reduceResolution(each, reduced.schema + 1))).toBeGreaterThan(most);
      }
    }),
    tries,
  );
});

test('more observations are no reset, fewer are one', () => {
  fc.assert(
    fc.property(alike, (parts) => {
      const [a, b] = parts as [NativeHistogram, NativeHistogram];
      const added = addHistograms(a, b);
      expect(hasReset(a, a)).toBe(false);
      expect(hasReset(a, added)).toBe(false);
      expect(hasReset(added, reduceResolution(a, added.schema))).toBe(b.count > 0);
    }),
    tries,
  );
});

test('a zero bucket that could not have been widened so is a reset, whatever it counts', () => {
  const before = histogramOf({ zeroThreshold: 0.5, zeroCount: 1, positive: { indexes: [2], counts: [3] } });
  const later = (zeroThreshold: number): NativeHistogram =>
    histogramOf({ zeroThreshold, zeroCount: 100, positive: { indexes: [2], counts: [100] } });
  expect(hasReset(before, later(0.4))).toBe(true);
  expect(hasReset(before, later(0.5))).toBe(false);
  expect(hasReset(before, later(2))).toBe(false);
  expect(hasReset(before, later(3))).toBe(true);
  expect(hasReset(before, later(4))).toBe(false);
  expect(hasReset(before, { ...later(0.5), schema: 1 })).toBe(true);
});

test('classic buckets ascend and end at the count', () => {
  fc.assert(
    fc.property(either, fc.nat({ max: 5 }), (each, notANumber) => {
      const withNaN = { ...each, count: each.count + notANumber };
      const { bounds, cumulative } = classicBuckets(withNaN);
      expect(cumulative).toHaveLength(bounds.length);
      expect(bounds.at(-1)).toBe(Number.POSITIVE_INFINITY);
      expect(cumulative.at(-1)).toBe(withNaN.count);
      for (let i = 1; i < bounds.length; i += 1) {
        expect(bounds[i]).toBeGreaterThan(bounds[i - 1]!);
        expect(cumulative[i]).toBeGreaterThanOrEqual(cumulative[i - 1]!);
      }
      expect(bounds.some((bound) => Object.is(bound, -0))).toBe(false);
    }),
    tries,
  );
});

test('classic buckets by hand', () => {
  expect(classicBuckets(histogramOf({ zeroThreshold: 0.1 }))).toEqual({
    bounds: [Number.POSITIVE_INFINITY],
    cumulative: [0],
  });
  const both = histogramOf({
    zeroThreshold: 0.3,
    zeroCount: 5,
    // Of bucket -1, from 0.25 to 0.5, only the part above 0.3 is left; of those up to 0.25, nothing.
    positive: { indexes: [-1, 0, 3], counts: [1, 2, 3] },
    negative: { indexes: [-1, 2], counts: [4, 6] },
  });
  expect(classicBuckets(both)).toEqual({
    bounds: [-2, -0.3, 0.3, 0.5, 1, 8, Number.POSITIVE_INFINITY],
    cumulative: [6, 10, 15, 16, 18, 21, 21],
  });
  const infinite = histogramOf({
    positive: { indexes: [1024, 1025], counts: [1, 2] },
    negative: { indexes: [1025], counts: [3] },
  });
  expect(classicBuckets(infinite)).toEqual({
    bounds: [-Number.MAX_VALUE, Number.MAX_VALUE, Number.POSITIVE_INFINITY],
    cumulative: [3, 4, 6],
  });
  // A float count that is a little less than what the buckets add up to.
  const rounded = { ...histogramOf({ positive: { indexes: [1, 2], counts: [0.1, 0.2] } }), count: 0.3 };
  expect(classicBuckets(rounded).cumulative).toEqual([0.1, 0.3, 0.3]);
});

function histogramOf(fields: Partial<NativeHistogram>): NativeHistogram {
  const made = {
    schema: 0,
    zeroThreshold: 0,
    zeroCount: 0,
    count: 0,
    sum: 0,
    positive: noNativeBuckets,
    negative: noNativeBuckets,
    ...fields,
  };
  return { ...made, count: observations(made) };
}
