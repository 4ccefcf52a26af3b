/** Histograms are told from the numbers that were observed: adding two is observing all the numbers of both in one. */
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { addHistograms } from '../../src/histogram/add.ts';
import { bucketIndex } from '../../src/histogram/bounds.ts';
import { classicBuckets } from '../../src/histogram/classic.ts';
import { reduceResolution } from '../../src/histogram/resolution.ts';
import { widenZeroBucket } from '../../src/histogram/zero-bucket.ts';
import type { NativeBuckets, NativeHistogram } from '../../src/model/native-histogram.ts';
import { schema } from './arbitraries.ts';
import { runs } from '../support/runs.ts';

const value = fc.oneof(
  fc.integer({ min: -64, max: 64 }).map((each) => each / 8),
  fc.double({ min: -1000, max: 1000, noNaN: true }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);
const values = fc.array(value, { maxLength: 40 });
const threshold = fc.constantFrom(0, 2 ** -128, 0.3, 1, 2);

function observed(
  numbers: readonly number[],
  { schema: each, zeroThreshold }: { readonly schema: number; readonly zeroThreshold: number },
): NativeHistogram {
  const outside = numbers.filter((number) => Math.abs(number) > zeroThreshold);
  return {
    schema: each,
    zeroThreshold,
    zeroCount: numbers.length - outside.length,
    count: numbers.length,
    // Sums of any numbers depend on their order.
    sum: 0,
    positive: tally(outside.filter((number) => number > 0).map((number) => bucketIndex(each, number))),
    negative: tally(outside.filter((number) => number < 0).map((number) => bucketIndex(each, -number))),
  };
}

function tally(places: readonly number[]): NativeBuckets {
  const indexes = [...new Set(places)].sort((a, b) => a - b);
  return { indexes, counts: indexes.map((index) => places.filter((place) => place === index).length) };
}

test('a sum is what all numbers of both make, in the coarser schema', () => {
  fc.assert(
    fc.property(values, values, schema, schema, threshold, (a, b, schemaA, schemaB, zeroThreshold) => {
      const added = addHistograms(
        observed(a, { schema: schemaA, zeroThreshold }),
        observed(b, { schema: schemaB, zeroThreshold }),
      );
      expect(added).toEqual(observed([...a, ...b], { schema: Math.min(schemaA, schemaB), zeroThreshold }));
    }),
    { numRuns: runs(2000) },
  );
});

test('with different zero thresholds, it is what they make with the threshold that comes out', () => {
  fc.assert(
    fc.property(values, values, schema, threshold, threshold, (a, b, each, thresholdA, thresholdB) => {
      const added = addHistograms(
        observed(a, { schema: each, zeroThreshold: thresholdA }),
        observed(b, { schema: each, zeroThreshold: thresholdB }),
      );
      const { zeroThreshold } = added;
      expect(added).toEqual(observed([...a, ...b], { schema: each, zeroThreshold }));
    }),
    { numRuns: runs(2000) },
  );
});

test('less resolution, and a wider zero bucket, are what the numbers make with them', () => {
  fc.assert(
    fc.property(values, schema, schema, threshold, threshold, (numbers, from, to, narrow, asked) => {
      const histogram = observed(numbers, { schema: from, zeroThreshold: narrow });
      const reduced = reduceResolution(histogram, to);
      expect(reduced).toEqual(observed(numbers, { schema: Math.min(from, to), zeroThreshold: narrow }));
      const widened = widenZeroBucket(histogram, asked);
      const { zeroThreshold } = widened;
      expect(zeroThreshold).toBeGreaterThanOrEqual(asked);
      expect(widened).toEqual(observed(numbers, { schema: from, zeroThreshold }));
    }),
    { numRuns: runs(2000) },
  );
});

test('a classic bucket counts the numbers up to its bound', () => {
  // Where doubles are further apart than bounds are, a bound may be rounded up to a number of the next bucket, as in Prometheus.
  const normal = fc.array(
    value.filter((number) => number === 0 || Math.abs(number) >= 2 ** -1022),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(normal, schema, threshold, (numbers, each, zeroThreshold) => {
      const { bounds, cumulative } = classicBuckets(observed(numbers, { schema: each, zeroThreshold }));
      bounds.forEach((bound, i) => {
        // The near bound of a negative bucket is not in it, but in the next one.
        const isIn = (number: number): boolean => (bound < 0 ? number < bound : number <= bound);
        const onBound = numbers.filter((number) => number === bound).length;
        const counted = numbers.filter(isIn).length;
        expect(cumulative[i]).toBeGreaterThanOrEqual(counted);
        expect(cumulative[i]).toBeLessThanOrEqual(counted + (bound < 0 ? onBound : 0));
      });
    }),
    { numRuns: runs(2000) },
  );
});
