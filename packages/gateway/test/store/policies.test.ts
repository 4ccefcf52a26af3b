import { expect, test } from 'vitest';

import { isDistribution, metricTypes } from '../../src/model/metric-type.ts';
import { Accumulators } from '../../src/store/accumulators.ts';
import { Pace } from '../../src/primitives/pace.ts';
import { atOnce } from '../../src/primitives/turns.ts';
import {
  AccumulatorKind,
  fits,
  hasBound,
  isAverage,
  isContributed,
  isCounted,
  isDerived,
  isGrouped,
  isNative,
  isNewest,
  isRanked,
  isRemovable,
  isSummed,
  isValue,
  policyOf,
  rowKindOf,
  takesInfinities,
} from '../../src/store/policies.ts';
import { TextScratch } from '../../src/store/text-scratch.ts';

const kinds = Object.values(AccumulatorKind);
const named = (isSo: (kind: AccumulatorKind) => boolean): string[] =>
  Object.entries(AccumulatorKind).flatMap(([name, kind]) => (isSo(kind) ? [name] : []));

const ruled = ['MAXIMUM', 'MINIMUM', 'LAST', 'AVERAGE', 'SOURCES'];

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
    MAXIMUM: 11,
    MINIMUM: 12,
    LAST: 13,
    AVERAGE: 14,
    SOURCES: 15,
  });
  expect(kinds).toEqual(kinds.map((_, index) => index));
});

test('what is asked as bits is what the rows say', () => {
  expect(named(isNative)).toEqual(['NATIVE_BUCKET', 'NATIVE_ZERO', 'NATIVE_COUNT']);
  expect(named(isGrouped)).toEqual(['BUCKET', 'COUNT', 'SUM', ...named(isNative)]);
  expect(named(hasBound)).toEqual(['BUCKET', ...named(isNative)]);
  expect(named(isRemovable)).toEqual(['GAUGE', 'UNTYPED', ...ruled]);
  expect(named(isCounted)).toEqual(['COUNTER', 'BUCKET', 'COUNT', 'SUM', ...ruled]);
  expect(named((kind) => !isSummed(kind))).toEqual(['CREATED', 'MAXIMUM', 'MINIMUM', 'LAST']);
  expect(named((kind) => !isContributed(kind))).toEqual(['CREATED']);
  expect(named(isDerived)).toEqual(['MAXIMUM', 'MINIMUM', 'LAST', 'SOURCES']);
  expect(named(isRanked)).toEqual(['MAXIMUM', 'MINIMUM', 'LAST']);
  expect(named(isNewest)).toEqual(['LAST']);
  expect(named(isAverage)).toEqual(['AVERAGE']);
  expect(named(takesInfinities)).toEqual(['MAXIMUM', 'MINIMUM', 'LAST', 'SOURCES']);
  expect(named((kind) => isValue(kind, Number.NaN))).toEqual(['LAST']);
});

test('each type has a kind for its rows, but for those whose rows are several samples', () => {
  for (const type of metricTypes) expect(rowKindOf({ type }) === undefined, type).toBe(isDistribution(type));
});

test('a kind that no store has yet fits nowhere', () => {
  for (const type of metricTypes) expect(fits(255, type)).toBe(false);
});

test.each(Object.entries(AccumulatorKind).filter(([, kind]) => !isContributed(kind)))(
  '%s is no part of what sources take back',
  (_, kind) => {
    const { unheld, falls, part } = policyOf(kind);
    expect({ unheld, falls, part }).toEqual({ unheld: 'stays', falls: undefined, part: undefined });
  },
);

test.each(Object.entries(AccumulatorKind).filter(([, kind]) => !isSummed(kind) && !isNewest(kind)))(
  '%s, which is no sum, is the same in any order, however often, and NaN says nothing',
  (_, kind) => {
    const values = [3, -1, Number.NaN, 0, 8, -1];
    const total = totalOf(kind, values);
    expect(values).toContain(total);
    expect(totalOf(kind, values.toReversed())).toBe(total);
    expect(totalOf(kind, [...values, ...values])).toBe(total);
  },
);

test('the last is what came last, and may be NaN', () => {
  expect(totalOf(AccumulatorKind.LAST, [3, Number.NaN, 8, -1])).toBe(-1);
  expect(totalOf(AccumulatorKind.LAST, [3, Number.NaN])).toBe(Number.NaN);
});

function totalOf(kind: AccumulatorKind, pushed: readonly number[]): number {
  const accumulators = new Accumulators(1);
  atOnce(accumulators.reserveInSteps(1, new Pace()));
  const shape = { kind, family: 0, composite: -1, bound: Number.NaN, startMs: 0 };
  const accumulator = accumulators.create(new TextScratch(1).write('x'), shape);
  for (const value of pushed) accumulators.combine(accumulator, value);
  return accumulators.sums.get(accumulator);
}
