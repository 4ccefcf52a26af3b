import fc from 'fast-check';
import { expect, test } from 'vitest';

import { formatFloat64 } from '../../src/primitives/float.ts';
import { floatBytesMax, writeFloat64 } from '../../src/primitives/write-float.ts';
import { runs } from '../support/runs.ts';

function written(value: number): string {
  const bytes = new Uint8Array(floatBytesMax + 2);
  const end = writeFloat64(bytes, 1, value);
  // Nothing before the place it was told, nor past the end.
  expect(bytes[0]).toBe(0);
  expect(bytes.subarray(end).every((byte) => byte === 0)).toBe(true);
  return Buffer.from(bytes.subarray(1, end)).toString('latin1');
}

/** Decimals as senders write them, and their neighbours, where a shortcut would go wrong first. */
const decimal = fc
  .tuple(fc.maxSafeInteger(), fc.nat(17), fc.integer({ min: -3, max: 3 }))
  .map(([digits, places, ulps]) => neighbour(digits / 10 ** places, ulps));

const edge = fc
  .tuple(
    fc.constantFrom(
      0.000001,
      0.0000001,
      1e9 - 1e-6,
      1e9,
      2 ** 31,
      2 ** 32,
      1e15,
      1e16,
      1e21,
      2 ** 53,
      Number.MIN_VALUE,
      Number.MAX_VALUE,
    ),
    fc.integer({ min: -5, max: 5 }),
    fc.boolean(),
  )
  .map(([value, ulps, negative]) => (negative ? -1 : 1) * neighbour(value, ulps));

function neighbour(value: number, ulps: number): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  view.setBigInt64(0, view.getBigInt64(0) + BigInt(value === 0 ? 0 : ulps));
  return view.getFloat64(0);
}

test('a number is written as it is formatted', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.double(), decimal, edge, fc.maxSafeInteger(), fc.double({ min: -2e9, max: 2e9 })),
      (value) => {
        expect(written(value)).toBe(formatFloat64(value));
      },
    ),
    { numRuns: runs(20_000) },
  );
});

test('whole numbers around each power of ten, and every number of thousandths up to ten', () => {
  for (let power = 1; power <= 1e18; power *= 10) {
    for (const value of [power - 1, power, power + 1, 5 * power, -power]) {
      expect(written(value)).toBe(formatFloat64(value));
    }
  }
  for (let i = 0; i <= 10_000; i += 1) expect(written(i / 1000)).toBe(formatFloat64(i / 1000));
  for (const value of [0, -0, NaN, Infinity, -Infinity, 0.1 + 0.2, 999_999_999.999_999]) {
    expect(written(value)).toBe(formatFloat64(value));
  }
});
