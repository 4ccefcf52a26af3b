import { describe, expect, test } from 'vitest';

import { isDistribution, metricTypes } from '../../src/model/metric-type.ts';
import { Accumulators } from '../../src/store/accumulators.ts';
import { Pace } from '../../src/primitives/pace.ts';
import { atOnce } from '../../src/primitives/turns.ts';
import {
  AccumulatorKind,
  fits,
  hasBound,
  isCounted,
  isGrouped,
  isNative,
  isRemovable,
  isSummed,
  policyOf,
  rowKindOf,
} from '../../src/store/policies.ts';
import { TextScratch } from '../../src/store/text-scratch.ts';

const kinds = Object.values(AccumulatorKind);
const named = (isSo: (kind: AccumulatorKind) => boolean): string[] =>
  Object.entries(AccumulatorKind).flatMap(([name, kind]) => (isSo(kind) ? [name] : []));

test('kinds keep the numbers that stores have', () => {
  expect(AccumulatorKind).toMatchObject({
    FREE: 0,
    COUNTER: 1,
    GAUGE: 2,
    UNTYPED: 3,
    CREATED: 4,
    BUCKET: 5,
    COUNT: 6,
    SUM: 7,
    NATIVE_BUCKET: 8,
    NATIVE_ZERO: 9,
    NATIVE_COUNT: 10,
  });
  expect(kinds).toEqual(kinds.map((_, index) => index));
});

test('what is asked as bits is what the rows say', () => {
  expect(named(isNative)).toEqual(['NATIVE_BUCKET', 'NATIVE_ZERO', 'NATIVE_COUNT']);
  expect(named(isGrouped)).toEqual(['BUCKET', 'COUNT', 'SUM', ...named(isNative)]);
  expect(named(hasBound)).toEqual(['BUCKET', ...named(isNative)]);
  expect(named(isRemovable)).toEqual(['GAUGE', 'UNTYPED']);
  expect(named(isCounted)).toEqual(['COUNTER', 'BUCKET', 'COUNT', 'SUM']);
  expect(named((kind) => !isSummed(kind))).toEqual(['CREATED']);
});

test('each type has a kind for its rows, but for those whose rows are several samples', () => {
  for (const type of metricTypes) expect(rowKindOf({ type }) === undefined, type).toBe(isDistribution(type));
});

test('a kind that no store has yet fits nowhere', () => {
  for (const type of metricTypes) expect(fits(255, type)).toBe(false);
});

describe.each(Object.entries(AccumulatorKind).filter(([, kind]) => !isSummed(kind)))(
  '%s, which is no sum',
  (_, kind) => {
    test('is no part of what sources take back', () => {
      const { unheld, falls, part } = policyOf(kind);
      expect({ unheld, falls, part }).toEqual({ unheld: 'stays', falls: undefined, part: undefined });
    });

    test('is the same in any order, however often, and NaN says nothing', () => {
      const values = [3, -1, Number.NaN, 0, 8, -1];
      const totalOf = (pushed: readonly number[]): number => {
        const accumulators = new Accumulators(1);
        atOnce(accumulators.reserveInSteps(1, new Pace()));
        const shape = { kind, family: 0, composite: -1, bound: Number.NaN, startMs: 0 };
        const accumulator = accumulators.create(new TextScratch(1).write('x'), shape);
        for (const value of pushed) accumulators.combine(accumulator, value);
        return accumulators.sums.get(accumulator);
      };
      const total = totalOf(values);
      expect(values).toContain(total);
      expect(totalOf(values.toReversed())).toBe(total);
      expect(totalOf([...values, ...values])).toBe(total);
    });
  },
);
