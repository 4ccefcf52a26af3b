import { crc32 as ofNode } from 'node:zlib';

import fc from 'fast-check';
import { expect, test } from 'vitest';

import { crc32, crc32ByTable } from '../../src/primitives/crc32.ts';
import { runs } from '../support/runs.ts';

test('the check value of the polynomial', () => {
  expect(crc32ByTable(Buffer.from('123456789'))).toBe(0xcbf43926);
  expect(crc32(Buffer.from('123456789'))).toBe(0xcbf43926);
});

test('the table gives what Node gives, in one piece or several', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ maxLength: 200 }), (a, b) => {
      const whole = Buffer.concat([a, b]);
      const expected = crc32(whole);
      if (typeof ofNode === 'function') expect(expected).toBe(ofNode(whole));
      expect(crc32ByTable(whole)).toBe(expected);
      expect(crc32ByTable(b, crc32ByTable(a))).toBe(expected);
      expect(crc32(b, crc32(a))).toBe(expected);
    }),
    { numRuns: runs(500) },
  );
});
