/**
 * Native histograms as Prometheus adds them up: all vectors of its model/histogram tests that are of exponential buckets.
 *
 * There is no deviation in what comes out. Three things differ in how it is said:
 *  - buckets have no spans here, so that spans are compared only where they are what is tested (compacting);
 *  - hints of resets are not read, as no format of today carries them;
 *  - errors have words of their own; a table says which belong together.
 *
 * Beyond the vectors, a bucket is refused that no number can be in. Its offsets may not fit into a span, and its bounds cannot be
 * told from those of its neighbours.
 */
import { describe, expect, test } from 'vitest';

import { addHistograms, subtractHistograms } from '../../src/histogram/add.ts';
import { hasReset } from '../../src/histogram/resets.ts';
import { reduceResolution } from '../../src/histogram/resolution.ts';
import { spansOf } from '../../src/histogram/spans.ts';
import { histogramProblem } from '../../src/histogram/validate.ts';
import type { NativeHistogram } from '../../src/model/native-histogram.ts';
import { casesOf, fieldsOf, isCustom, nativeOf, negativeOf, positiveOf, read, spansFrom } from './vectors.ts';
import type { RawFields, RawHistogram } from './vectors.ts';

interface Operation {
  readonly name: string;
  readonly in1: RawHistogram;
  readonly in2: RawHistogram;
  readonly expected: RawHistogram;
}

interface Validation {
  readonly name: string;
  readonly h: RawFields;
  readonly errMsg?: string;
  readonly skipFloat?: boolean;
}

interface Reduction {
  readonly name: string;
  readonly origin: RawFields;
  readonly targetSchema: number;
  readonly target?: RawFields;
  readonly errorMsg?: string;
}

let withCustomBuckets = 0;

function exponential<Case>(
  cases: readonly Case[],
  of: (each: Case) => readonly RawHistogram[],
): readonly Case[] {
  const kept = cases.filter((each) => !of(each).some((histogram) => isCustom(histogram)));
  withCustomBuckets += cases.length - kept.length;
  return kept;
}

function operations(file: string): readonly Operation[] {
  return exponential(casesOf<Operation>(file), ({ in1, in2 }) => [in1, in2]);
}

const additions = operations('float_histogram_add');
const subtractions = operations('float_histogram_sub');
const compactions =
  casesOf<readonly [name: string, RawHistogram, filled: number, RawHistogram]>('float_histogram_compact');
const copies = exponential(
  casesOf<readonly [name: string, schema: number, RawHistogram, RawHistogram]>(
    'float_histogram_copy_to_schema',
  ),
  ([, , from, to]) => [from, to],
);
const reductions = casesOf<Reduction>('float_histogram_reduce_resolution');
const resets = exponential(
  casesOf<readonly [name: string, before: RawHistogram, now: RawHistogram, isReset: boolean]>(
    'float_histogram_detect_reset',
  ),
  ([, before, now]) => [before, now],
);
const validations = exponential(casesOf<Validation>('histogram_validation'), ({ h }) => [h]);

/** The end of a message of Prometheus, and what it is here. */
const reasons: readonly (readonly [theirs: string, ours: RegExp])[] = [
  ['different number of buckets than provided', /^has \d+ buckets, but spans for (?:more|\d+)$/],
  ['a span whose offset is negative', /^has a span with the offset -1|^has the bucket -1,/],
  ['a bucket whose observation count is negative', /^counts -1 in its (?:negative|positive) bucket -1$/],
  ['observations found in the buckets (in absence of NaN)', /^has the count \d, but \d observations in/],
  ['-53 for custom buckets, got schema 10', /^has the schema 10,/],
  ['-53 for custom buckets, got schema -10', /^has the schema -10,/],
];

function reasonFor(message: string): RegExp {
  const found = reasons.find(([theirs]) => message.endsWith(theirs));
  if (found === undefined) throw new Error(`no words for: ${message}`);
  return found[1];
}

/** Sums to a few units in the last place, all else to the bit. */
function expectSame(actual: NativeHistogram, expected: NativeHistogram): void {
  expect({ ...actual, sum: 0 }).toEqual({ ...expected, sum: 0 });
  expect(Math.abs(actual.sum - expected.sum)).toBeLessThanOrEqual(1e-14 * Math.abs(expected.sum));
}

function runOperation(
  { in1, in2, expected }: Operation,
  operation: (a: NativeHistogram, b: NativeHistogram) => NativeHistogram,
): void {
  const [a, b] = [nativeOf(in1), nativeOf(in2)];
  expectSame(operation(a, b), nativeOf(expected));
  if (operation === addHistograms) expectSame(operation(b, a), nativeOf(expected));
}

/** The counts of integer histograms come as differences to the bucket before. */
function undelta(fields: RawFields): RawFields {
  const counts = (deltas: readonly number[] = []): readonly number[] => {
    let count = 0;
    return deltas.map((delta) => (count += delta));
  };
  return {
    ...fields,
    PositiveBuckets: counts(fields.PositiveBuckets),
    NegativeBuckets: counts(fields.NegativeBuckets),
  };
}

function problemOf(fields: RawFields, exact: boolean): string | undefined {
  const histogram = read(fields);
  if (typeof histogram === 'string') return histogram;
  return histogramProblem(histogram, exact);
}

describe("vectors of Prometheus' histograms", () => {
  test('all 131 of them are here, but for those that no format that is read can bring', () => {
    const counts = {
      additions: additions.length,
      subtractions: subtractions.length,
      compactions: compactions.length,
      copies: copies.length,
      reductions: reductions.length,
      resets: resets.length,
      validations: validations.length,
      'with custom buckets': withCustomBuckets,
    };
    expect(counts).toEqual({
      additions: 13,
      subtractions: 2,
      compactions: 24,
      copies: 2,
      reductions: 4,
      resets: 28,
      validations: 15,
      'with custom buckets': 43,
    });
    expect(Object.values(counts).reduce((total, count) => total + count, 0)).toBe(131);
  });

  test.each(additions)('add: $name', (each) => {
    runOperation(each, addHistograms);
  });

  test.each(subtractions)('subtract: $name', (each) => {
    runOperation(each, subtractHistograms);
  });

  test.each(compactions)('compact: %s', (_name, from, filled, to) => {
    for (const side of ['Positive', 'Negative'] as const) {
      const buckets = side === 'Positive' ? positiveOf(fieldsOf(from)) : negativeOf(fieldsOf(from));
      if (typeof buckets === 'string') throw new Error(buckets);
      expect(spansOf(buckets, filled)).toEqual({
        spans: spansFrom(fieldsOf(to)[`${side}Spans`]),
        counts: fieldsOf(to)[`${side}Buckets`] ?? [],
      });
    }
  });

  test.each(copies)('copy to schema: %s', (_name, schema, from, to) => {
    expect(reduceResolution(nativeOf(from), schema)).toEqual(nativeOf(to));
  });

  test.each(reductions)('reduce resolution: $name', ({ origin, targetSchema, target, errorMsg }) => {
    const histogram = read(origin);
    if (errorMsg !== undefined) expect(histogram).toMatch(reasonFor(errorMsg));
    else expect(reduceResolution(nativeOf(origin), targetSchema)).toEqual(nativeOf(target!));
  });

  test.each(resets)('detect reset: %s', (_name, before, now, isReset) => {
    expect(hasReset(nativeOf(before), nativeOf(now))).toBe(isReset);
  });

  test.each(validations)('validate: $name', ({ h, errMsg, skipFloat = false }) => {
    const fields = undelta(h);
    const problems = [problemOf(fields, true), ...(skipFloat ? [] : [problemOf(fields, false)])];
    for (const problem of problems) {
      if (errMsg === undefined) expect(problem).toBeUndefined();
      else expect(problem).toMatch(reasonFor(errMsg));
    }
  });
});
