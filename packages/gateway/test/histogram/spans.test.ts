import fc from 'fast-check';
import { expect, test } from 'vitest';

import { bucketsOf, spansOf } from '../../src/histogram/spans.ts';
import type { BucketSpan } from '../../src/histogram/spans.ts';
import { buckets } from './arbitraries.ts';
import { runs } from '../support/runs.ts';

const most = 1000;

test('buckets come back from their spans', () => {
  fc.assert(
    fc.property(buckets, fc.nat({ max: 4 }), (each, filled) => {
      const { spans, counts } = spansOf(each, filled);
      expect(bucketsOf(spans, counts, most)).toEqual(each);
      // Gaps that are long enough for a span of their own, and no others.
      expect(spans.slice(1).every(({ offset }) => offset > filled)).toBe(true);
      expect(spans.reduce((sum, { length }) => sum + length, 0)).toBe(counts.length);
    }),
    { numRuns: runs(2000) },
  );
});

test('a gap of two is filled, one of three is not', () => {
  expect(spansOf({ indexes: [-3, 0, 4], counts: [5, 6, 7] })).toEqual({
    spans: [
      { offset: -3, length: 4 },
      { offset: 3, length: 1 },
    ],
    counts: [5, 0, 0, 6, 7],
  });
});

test('the first span begins where its bucket is, near 0 or not', () => {
  expect(spansOf({ indexes: [2], counts: [1] }).spans).toEqual([{ offset: 2, length: 1 }]);
  expect(spansOf({ indexes: [-2], counts: [1] }).spans).toEqual([{ offset: -2, length: 1 }]);
  expect(spansOf({ indexes: [], counts: [] })).toEqual({ spans: [], counts: [] });
});

test('empty spans only move on', () => {
  const spans: readonly BucketSpan[] = [
    { offset: 0, length: 0 },
    { offset: 2, length: 1 },
    { offset: 1, length: 0 },
    { offset: 1, length: 1 },
  ];
  expect(bucketsOf(spans, [1, 2], most)).toEqual({ indexes: [2, 5], counts: [1, 2] });
});

test('spans that cannot be', () => {
  const problems: readonly (readonly [string, readonly BucketSpan[], readonly number[]])[] = [
    ['has 2 buckets, but spans for 1', [{ offset: 0, length: 1 }], [1, 2]],
    ['has 1 buckets, but spans for more', [{ offset: 0, length: 4_294_967_295 }], [1]],
    [
      'has a span with the offset -1 that is not the first',
      [
        { offset: 0, length: 1 },
        { offset: -1, length: 1 },
      ],
      [1, 2],
    ],
    [
      'has spans that leave the range of indexes',
      [
        { offset: 2 ** 31 - 2, length: 1 },
        { offset: 1, length: 1 },
      ],
      [1, 2],
    ],
    ['has spans that leave the range of indexes', [{ offset: -(2 ** 31) - 1, length: 1 }], [1]],
  ];
  for (const [problem, spans, counts] of problems) expect(bucketsOf(spans, counts, most)).toBe(problem);
  expect(bucketsOf([{ offset: 0, length: 3 }], [1, 1, 1], 2)).toBe('has 3 buckets, more than 2');
  expect(bucketsOf([{ offset: 2 ** 31 - 2, length: 2 }], [1, 2], most)).toEqual({
    indexes: [2 ** 31 - 2, 2 ** 31 - 1],
    counts: [1, 2],
  });
});
