import { expect, test } from 'vitest';

import { histogramProblem } from '../../src/histogram/validate.ts';
import type { NativeHistogram } from '../../src/model/native-histogram.ts';

const good: NativeHistogram = {
  schema: 3,
  zeroThreshold: 2 ** -128,
  zeroCount: 1,
  count: 10,
  sum: -4.5,
  positive: { indexes: [-3, 5], counts: [2, 3] },
  negative: { indexes: [0], counts: [4] },
};

test('a good histogram has no problem, whatever its sum', () => {
  for (const sum of [0, Number.POSITIVE_INFINITY, Number.NaN]) {
    expect(histogramProblem({ ...good, sum }, true)).toBeUndefined();
  }
});

test('problems, in words', () => {
  const problems: readonly (readonly [Partial<NativeHistogram>, string])[] = [
    [{ schema: 9 }, 'has the schema 9, which is not from -4 to 8'],
    [{ schema: -53 }, 'has the schema -53, which is not from -4 to 8'],
    [{ schema: 0.5 }, 'has the schema 0.5, which is not from -4 to 8'],
    [{ zeroThreshold: -1 }, 'has the zero threshold -1, which is not a finite number from 0 up'],
    [{ zeroThreshold: Number.NaN }, 'has the zero threshold NaN, which is not a finite number from 0 up'],
    [
      { zeroThreshold: Number.POSITIVE_INFINITY },
      'has the zero threshold +Inf, which is not a finite number from 0 up',
    ],
    [{ zeroCount: -1 }, 'counts -1 in its zero bucket'],
    [{ zeroCount: Number.NaN }, 'counts NaN in its zero bucket'],
    [
      { positive: { indexes: [0, 1], counts: [1, Number.POSITIVE_INFINITY] } },
      'counts +Inf in its positive bucket 1',
    ],
    [{ negative: { indexes: [7], counts: [-2] } }, 'counts -2 in its negative bucket 7'],
    [{ negative: { indexes: [7, 7], counts: [1, 1] } }, 'has the negative bucket 7 out of order'],
    [{ positive: { indexes: [0.5], counts: [1] } }, 'has a positive bucket with the index 0.5'],
    [{ positive: { indexes: [1], counts: [] } }, 'has 1 indexes and 0 counts of positive buckets'],
    [{ positive: { indexes: [9000], counts: [1] } }, 'has the bucket 9000, which no number is in (schema 3)'],
    [
      { negative: { indexes: [-9000], counts: [1] } },
      'has the bucket -9000, which no number is in (schema 3)',
    ],
    [{ count: -1 }, 'has the count -1'],
    [{ count: Number.NaN }, 'has the count NaN'],
  ];
  for (const [fields, problem] of problems) {
    for (const exact of [true, false]) expect(histogramProblem({ ...good, ...fields }, exact)).toBe(problem);
  }
});

test('a count that is not that of the buckets', () => {
  for (const count of [9, 11]) {
    expect(histogramProblem({ ...good, count }, true)).toBe(
      `has the count ${count}, but 10 observations in its buckets`,
    );
    expect(histogramProblem({ ...good, count }, false)).toBeUndefined();
  }
  // Observations that are NaN are in no bucket.
  expect(histogramProblem({ ...good, count: 11, sum: Number.NaN }, true)).toBeUndefined();
  expect(histogramProblem({ ...good, count: 9, sum: Number.NaN }, true)).toBe(
    'has the count 9, but 10 observations in its buckets',
  );
  // As integers, these would be equal.
  const large = { ...good, count: 2 ** 60, positive: { indexes: [0], counts: [2 ** 60 + 2 ** 10] } };
  expect(histogramProblem(large, true)).toBeUndefined();
});
