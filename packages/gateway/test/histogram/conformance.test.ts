/**
 * Native histograms as Prometheus adds them up: all vectors of its model/histogram tests that are here.
 *
 * There is no deviation in what comes out. Three things are told in another way:
 *  - buckets have no spans here, so that spans are compared only where they are what is tested (compacting);
 *  - custom buckets are a type of their own, with no place for a zero bucket or negative buckets, nor has the other type one for
 *    bounds: what Prometheus refuses when it validates ('must have zero count of 0', 'must not have custom bounds') cannot be
 *    read into them in the first place;
 *  - errors have words of their own; a table says which belong together.
 *
 * Beyond the vectors, a bucket is refused that no number can be in. Its offsets may not fit into a span, and its bounds cannot be
 * told from those of its neighbours.
 */
import { describe, expect, test } from 'vitest';

import {
  addCustomHistograms,
  combineHistograms,
  customHistogramProblem,
  hasCustomReset,
  subtractCustomHistograms,
} from '../../src/histogram/custom.ts';
import type { CustomHistogram } from '../../src/histogram/custom.ts';
import { addHistograms, subtractHistograms } from '../../src/histogram/add.ts';
import { mergeHints } from '../../src/histogram/reset-hint.ts';
import { hasReset } from '../../src/histogram/resets.ts';
import { reduceResolution } from '../../src/histogram/resolution.ts';
import { spansOf } from '../../src/histogram/spans.ts';
import { histogramProblem } from '../../src/histogram/validate.ts';
import type { NativeHistogram } from '../../src/model/native-histogram.ts';
import {
  casesOf,
  customOf,
  fieldsOf,
  hintOf,
  histogramOf,
  isCustom,
  nativeOf,
  negativeOf,
  positiveOf,
  read,
  spansFrom,
} from './vectors.ts';
import type { RawFields, RawHistogram } from './vectors.ts';

type AnyHistogram = NativeHistogram | CustomHistogram;

interface Operation {
  readonly name: string;
  readonly in1: RawHistogram;
  readonly in2: RawHistogram;
  readonly expected?: RawHistogram;
  readonly expErrMsg?: string;
  readonly expCounterResetCollision?: boolean;
  readonly expNHCBBoundsReconciled?: boolean;
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

const additions = casesOf<Operation>('float_histogram_add');
const subtractions = casesOf<Operation>('float_histogram_sub');
const compactions =
  casesOf<readonly [name: string, RawHistogram, filled: number, RawHistogram]>('float_histogram_compact');
const copies = casesOf<
  readonly [name: string, schema: number | 'CustomBucketsSchema', RawHistogram, RawHistogram]
>('float_histogram_copy_to_schema');
const reductions = casesOf<Reduction>('float_histogram_reduce_resolution');
const resets = casesOf<readonly [name: string, before: RawHistogram, now: RawHistogram, isReset: boolean]>(
  'float_histogram_detect_reset',
);
const validations = casesOf<Validation>('histogram_validation');

/** The end of a message of Prometheus, and what it is here. */
const reasons: readonly (readonly [theirs: string, ours: RegExp])[] = [
  ['different number of buckets than provided', /^has \d+ buckets, but spans for (?:more|\d+)$/],
  ['a span whose offset is negative', /^has a span with the offset -1|^has the bucket -1,/],
  ['a bucket whose observation count is negative', /^counts -1 in its (?:negative|positive) bucket -1$/],
  ['observations found in the buckets (in absence of NaN)', /^has the count \d, but \d observations in/],
  ['custom bounds are too few', /^has the bucket \d, but \d bounds$|^no place for a zero bucket/],
  ['must not have custom bounds', /^no place for bounds$/],
  ['must have zero count of 0', /^no place for a zero bucket/],
  ['must be in strictly increasing order', /^has the bound 0 out of order$/],
  ['custom bounds must be finite', /^has the bound \+Inf$/],
  ['custom bounds must not be NaN', /^has the bound NaN$/],
  ['-53 for custom buckets, got schema 10', /^has the schema 10,/],
  ['-53 for custom buckets, got schema -10', /^has the schema -10,/],
];

function reasonFor(message: string): RegExp {
  const found = reasons.find(([theirs]) => message.endsWith(theirs));
  if (found === undefined) throw new Error(`no words for: ${message}`);
  return found[1];
}

/** Sums to a few units in the last place, all else to the bit. */
function expectSame(actual: AnyHistogram, expected: AnyHistogram): void {
  expect({ ...actual, sum: 0 }).toEqual({ ...expected, sum: 0 });
  expect(Math.abs(actual.sum - expected.sum)).toBeLessThanOrEqual(1e-14 * Math.abs(expected.sum));
}

function boundsOf(histogram: AnyHistogram): readonly number[] {
  return 'bounds' in histogram ? histogram.bounds : [];
}

function runOperation(each: Operation, operation: 'add' | 'subtract'): void {
  const a = histogramOf(each.in1);
  const b = histogramOf(each.in2);
  const { hint, collides } = mergeHints(hintOf(each.in1), hintOf(each.in2));
  expect(collides).toBe(each.expCounterResetCollision ?? false);
  if (each.expErrMsg !== undefined && each.expErrMsg !== '') {
    expect(each.expErrMsg).toContain('mix of exponential and custom');
    expect(() => combineHistograms(a, b, operation)).toThrow(/custom and with exponential/);
    return;
  }
  const result = combineHistograms(a, b, operation);
  const areSame = JSON.stringify(boundsOf(a)) === JSON.stringify(boundsOf(b));
  expect(!areSame).toBe(each.expNHCBBoundsReconciled ?? false);
  // Without an expectation, only the hints are tested; the histograms are empty.
  if (each.expected === undefined) expect(collides).toBe(true);
  else {
    expectSame(result, histogramOf(each.expected));
    expect(hint).toBe(hintOf(each.expected));
  }
  if (isCustom(each.in1)) {
    const typed = operation === 'add' ? addCustomHistograms : subtractCustomHistograms;
    expect(typed(customOf(each.in1), customOf(each.in2))).toEqual(result);
  } else {
    const typed = operation === 'add' ? addHistograms : subtractHistograms;
    expect(typed(nativeOf(each.in1), nativeOf(each.in2))).toEqual(result);
  }
  if (operation === 'add') expectSame(combineHistograms(b, a, 'add'), result);
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
  return 'positive' in histogram
    ? histogramProblem(histogram, exact)
    : customHistogramProblem(histogram, exact);
}

describe("vectors of Prometheus' histograms", () => {
  test('all 131 of them are here', () => {
    const counts = {
      additions: additions.length,
      subtractions: subtractions.length,
      compactions: compactions.length,
      copies: copies.length,
      reductions: reductions.length,
      resets: resets.length,
      validations: validations.length,
    };
    expect(counts).toEqual({
      additions: 24,
      subtractions: 6,
      compactions: 24,
      copies: 3,
      reductions: 4,
      resets: 42,
      validations: 28,
    });
    expect(Object.values(counts).reduce((total, count) => total + count, 0)).toBe(131);
  });

  test.each(additions)('add: $name', (each) => {
    runOperation(each, 'add');
  });

  test.each(subtractions)('subtract: $name', (each) => {
    runOperation(each, 'subtract');
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
    if (schema === 'CustomBucketsSchema') {
      // There is nothing to do, and no function to do it with: bounds change only when histograms are added.
      expect(customOf(from)).toEqual(customOf(to));
    } else expect(reduceResolution(nativeOf(from), schema)).toEqual(nativeOf(to));
  });

  test.each(reductions)('reduce resolution: $name', ({ origin, targetSchema, target, errorMsg }) => {
    const histogram = read(origin);
    if (errorMsg !== undefined) expect(histogram).toMatch(reasonFor(errorMsg));
    else expect(reduceResolution(nativeOf(origin), targetSchema)).toEqual(nativeOf(target!));
  });

  test.each(resets)('detect reset: %s', (_name, before, now, isReset) => {
    // No vector has the zero value of an exponential histogram with a custom one, so either kind knows its partner.
    const found = isCustom(before)
      ? hasCustomReset(customOf(before), customOf(now))
      : hasReset(nativeOf(before), nativeOf(now));
    expect(found).toBe(isReset);
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
