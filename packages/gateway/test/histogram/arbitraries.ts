/** Histograms made up by fast-check: with few different indexes, so that they meet, and with integer counts, so that sums are exact. */
import fc from 'fast-check';

import type { NativeBuckets, NativeHistogram } from '../../src/model/native-histogram.ts';

export const schema: fc.Arbitrary<number> = fc.integer({ min: -4, max: 8 });

function bucketsBetween(min: number, max: number): fc.Arbitrary<NativeBuckets> {
  return fc
    .dictionary(fc.integer({ min, max }).map(String), fc.integer({ min: 1, max: 1000 }), { maxKeys: 12 })
    .map((counts) => {
      const indexes = Object.keys(counts)
        .map(Number)
        .sort((a, b) => a - b);
      return { indexes, counts: indexes.map((index) => counts[String(index)]!) };
    });
}

export const buckets: fc.Arbitrary<NativeBuckets> = bucketsBetween(-40, 40);

const sum = fc.integer({ min: -(2 ** 30), max: 2 ** 30 });

/** Thresholds on bounds, inside of buckets, and beside everything. */
const threshold = fc.oneof(
  fc.constantFrom(0, 2 ** -128, 0.25, Math.SQRT1_2, 1, 1.3, 2, 5, 1000),
  fc.double({ min: 0, max: 50, noNaN: true }),
);

export const histogramWith = (zeroThreshold: fc.Arbitrary<number>): fc.Arbitrary<NativeHistogram> =>
  fc
    .record({
      schema,
      zeroThreshold,
      zeroCount: fc.nat({ max: 1000 }),
      sum,
      positive: buckets,
      negative: buckets,
    })
    .map((made) => ({ ...made, count: observations({ ...made, count: 0 }) }));

/** -0 would be told from 0. */
export const histogram: fc.Arbitrary<NativeHistogram> = histogramWith(threshold.map((each) => each + 0));

/** At the ends of the range of doubles as well. */
export const extremeHistogram: fc.Arbitrary<NativeHistogram> = fc
  .tuple(histogram, schema)
  .chain(([base, each]) => {
    const low = Math.ceil(-1074 * 2 ** each);
    const high = 1024 * 2 ** each + 1;
    const end = fc.oneof(
      bucketsBetween(low, low + 20),
      bucketsBetween(high - 20, high),
      bucketsBetween(low, high),
    );
    return fc
      .record({
        positive: end,
        negative: end,
        zeroThreshold: fc.oneof(
          fc.constantFrom(0, Number.MIN_VALUE, 2 ** -1022, 1, 2 ** 1023, Number.MAX_VALUE),
          fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
        ),
      })
      .map((ends) => {
        const made = { ...base, ...ends, schema: each };
        return { ...made, count: observations(made) };
      });
  });

export function total({ counts }: NativeBuckets): number {
  return counts.reduce((sumOfCounts, count) => sumOfCounts + count, 0);
}

/** How many observations are in some bucket. */
export function observations({ zeroCount, positive, negative }: NativeHistogram): number {
  return zeroCount + total(positive) + total(negative);
}
