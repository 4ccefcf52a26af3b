import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';

import { crc32c } from '../../src/primitives/crc32.ts';
import { decompressSnappyBlock, SnappyProblem } from '../../src/primitives/snappy-block.ts';
import { runs } from '../support/runs.ts';

const decompressed = (block: readonly number[], bytesMax = 100_000): string =>
  Buffer.from(decompressSnappyBlock(Uint8Array.from(block), bytesMax)).toString('latin1');
const ascii = (text: string): readonly number[] => [...Buffer.from(text)];

describe('blocks', () => {
  const x100 = 'x'.repeat(100);
  it.each<[name: string, block: readonly number[], text: string]>([
    ['nothing', [0], ''],
    ['a literal', [3, 2 << 2, ...ascii('abc')], 'abc'],
    ['a literal whose length has a byte of its own', [100, 60 << 2, 99, ...ascii(x100)], x100],
    ['a literal whose length has two', [100, 61 << 2, 99, 0, ...ascii(x100)], x100],
    ['a copy', [7, 2 << 2, ...ascii('abc'), (0 << 2) | 1, 3], 'abcabca'],
    ['a copy with an offset of two bytes', [6, 2 << 2, ...ascii('abc'), (2 << 2) | 2, 3, 0], 'abcabc'],
    ['a copy with an offset of four bytes', [6, 2 << 2, ...ascii('abc'), (2 << 2) | 3, 3, 0, 0, 0], 'abcabc'],
    [
      'a long copy that does not overlap',
      [200, 1, 60 << 2, 99, ...ascii(x100), (63 << 2) | 2, 100, 0, (35 << 2) | 2, 100, 0],
      x100 + x100,
    ],
    ['a copy of what it writes', [11, 0, ...ascii('a'), (6 << 2) | 1, 1], 'aaaaaaaaaaa'],
  ])('%s', (_name, block, text) => expect(decompressed(block)).toBe(text));
});

describe('what is no block', () => {
  it.each<[name: string, block: readonly number[], message: RegExp]>([
    ['empty', [], /is truncated/],
    ['only a length', [3], /is truncated/],
    ['a length without end', [0xff, 0xff, 0xff, 0xff, 0xff, 1], /does not end/],
    ['a length of gigabytes', [0xff, 0xff, 0xff, 0xff, 0x0f], /longer than 100000/],
    ['a literal cut short', [3, 2 << 2, ...ascii('ab')], /is truncated/],
    ['the length of a literal cut short', [100, 61 << 2, 99], /is truncated/],
    ['an offset cut short', [7, 2 << 2, ...ascii('abc'), (2 << 2) | 2, 3], /is truncated/],
    ['a copy from before the beginning', [7, 2 << 2, ...ascii('abc'), 1, 4], /before the beginning/],
    ['a copy from nowhere', [7, 2 << 2, ...ascii('abc'), 1, 0], /before the beginning/],
    ['more than it says', [2, 2 << 2, ...ascii('abc')], /longer than it says/],
    ['a copy of more than it says', [5, 2 << 2, ...ascii('abc'), 1, 3], /longer than it says/],
  ])('%s', (_name, block, message) => expect(() => decompressed(block)).toThrowError(message));

  test('any bytes: a block, or a SnappyProblem', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          expect(decompressSnappyBlock(bytes, 1000).length).toBeLessThanOrEqual(1000);
        } catch (error) {
          expect(error).toBeInstanceOf(SnappyProblem);
        }
      }),
      { numRuns: runs(5_000) },
    );
  });
});

// RFC 3720, appendix B.4.
test('CRC-32C', () => {
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
});
