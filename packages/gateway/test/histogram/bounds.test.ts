import fc from 'fast-check';
import { expect, test } from 'vitest';

import { bucketBound, bucketIndex, isReachable } from '../../src/histogram/bounds.ts';
import { reducedIndex } from '../../src/histogram/resolution.ts';
import { schema } from './arbitraries.ts';
import { runs } from '../support/runs.ts';

const minNormal = 2 ** -1022;

/** Schemas, and indexes of buckets that end at a double of full precision. */
const place = schema.chain((each) =>
  fc.record({
    schema: fc.constant(each),
    index: fc.integer({ min: Math.ceil(-1022 * 2 ** each), max: 1024 * 2 ** each }),
  }),
);

const positive = fc.double({ min: Number.MIN_VALUE, max: Number.MAX_VALUE, noNaN: true });

function nextUp(value: number): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  view.setBigUint64(0, view.getBigUint64(0) + 1n);
  return view.getFloat64(0);
}

test('known bounds', () => {
  const bounds: readonly (readonly [schema: number, index: number, bound: number])[] = [
    [0, 0, 1],
    [0, 1, 2],
    [0, -1, 0.5],
    [1, 1, Math.SQRT2],
    [2, -3, 0.5946035575013605],
    [3, 9, 2.1810154653305154],
    [8, 1, 1.0027112750502025],
    [8, -227, 0.5408428074966075],
    [-1, 1, 4],
    [-4, -1, 2 ** -16],
    [-4, 63, 2 ** 1008],
    [-4, 64, Number.MAX_VALUE],
    [-4, 65, Number.POSITIVE_INFINITY],
    [0, 1024, Number.MAX_VALUE],
    [0, 1025, Number.POSITIVE_INFINITY],
    [8, 1024 * 256, Number.MAX_VALUE],
    [8, 1024 * 256 + 1, Number.POSITIVE_INFINITY],
    [0, -1074, Number.MIN_VALUE],
    [0, -1075, 0],
    [-4, -67, 2 ** -1072],
    [-4, -68, 0],
    [8, 2 ** 31 - 1, Number.POSITIVE_INFINITY],
    [8, -(2 ** 31), 0],
  ];
  for (const [each, index, bound] of bounds) expect(bucketBound(each, index)).toBe(bound);
});

test('known buckets', () => {
  const values: readonly (readonly [schema: number, value: number, index: number])[] = [
    [0, 1, 0],
    [0, 1.5, 1],
    [0, 2, 1],
    [1, 1.5, 2],
    [-1, 2, 1],
    [-4, 1, 0],
    [0, Number.MIN_VALUE, -1074],
    [8, Number.MIN_VALUE, -1074 * 256],
    [-4, Number.MIN_VALUE, -67],
    [0, 3 * Number.MIN_VALUE, -1072],
    [0, Number.MAX_VALUE, 1024],
    [8, Number.MAX_VALUE, 1024 * 256],
    [-4, Number.MAX_VALUE, 64],
  ];
  for (const [each, value, index] of values) expect(bucketIndex(each, value)).toBe(index);
});

test('a bound is within one unit in the last place or two of the real power', () => {
  for (let step = 0; step < 256; step += 1) {
    expect(Math.abs(bucketBound(8, step) / 2 ** (step / 256) - 1)).toBeLessThanOrEqual(4 * 2 ** -53);
  }
});

test('a bound is in the bucket that ends there, and the next number is not', () => {
  fc.assert(
    fc.property(place, ({ schema: each, index }) => {
      const bound = bucketBound(each, index);
      expect(bucketIndex(each, bound)).toBe(index);
      if (bound < Number.MAX_VALUE) expect(bucketIndex(each, nextUp(bound))).toBe(index + 1);
    }),
    { numRuns: runs(5000) },
  );
});

test('a number is above the bound below its bucket, and up to the bound of it', () => {
  fc.assert(
    fc.property(schema, positive, (each, value) => {
      const index = bucketIndex(each, value);
      expect(value).toBeLessThanOrEqual(bucketBound(each, index));
      if (value >= minNormal) expect(value).toBeGreaterThan(bucketBound(each, index - 1));
      expect(isReachable(each, index)).toBe(true);
    }),
    { numRuns: runs(5000) },
  );
});

test('the bounds of a coarser schema are bounds of a finer one', () => {
  fc.assert(
    fc.property(place, schema, ({ schema: each, index }, finer) => {
      fc.pre(finer >= each);
      expect(bucketBound(finer, index * 2 ** (finer - each))).toBe(bucketBound(each, index));
    }),
  );
});

test('a number is in the reduced bucket of its bucket', () => {
  fc.assert(
    fc.property(schema, schema, positive, (a, b, value) => {
      const [from, to] = [Math.max(a, b), Math.min(a, b)];
      expect(reducedIndex(bucketIndex(from, value), from, to)).toBe(bucketIndex(to, value));
    }),
    { numRuns: runs(2000) },
  );
});

test('buckets at both ends are reachable, and none beyond', () => {
  for (let each = -4; each <= 8; each += 1) {
    const first = Math.ceil(-1074 * 2 ** each);
    const last = 1024 * 2 ** each + 1;
    expect([first - 1, first, last, last + 1].map((index) => isReachable(each, index))).toEqual([
      false,
      true,
      true,
      false,
    ]);
  }
});
