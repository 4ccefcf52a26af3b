/** Pairs of labels and values in bounded memory. */
import { expect, test } from 'vitest';

import { Distinct } from '../../src/gateway/statistics/distinct.ts';
import { LabelPairs } from '../../src/gateway/statistics/label-pairs.ts';
import type { PairBounds } from '../../src/gateway/statistics/label-pairs.ts';
import { atOnce } from '../../src/primitives/turns.ts';

function pairsOf(bounds: Partial<PairBounds>, { isBounded = true } = {}) {
  const pairs = new LabelPairs({
    pairsMax: 1e6,
    pairBytesMax: 1e9,
    labelsMax: 1e4,
    labelNameCharsMax: 1e6,
    ...bounds,
  });
  let largest = 0;
  const add = (name: string, value: string, series = 1): void => {
    const bytes = Buffer.from(`${name}="${value}"`);
    const { length } = Buffer.from(name);
    pairs.add(bytes, { start: 0, nameEnd: length, end: bytes.length }, series);
    if (isBounded) atOnce(pairs.stayBounded());
    largest = Math.max(largest, pairs.high);
  };
  const all = (): Map<string, number> =>
    new Map(
      Array.from({ length: pairs.high }, (_, entry) => [pairs.textOf(entry, 1e5), pairs.seriesOf(entry)]),
    );
  return { pairs, add, all, largest: () => largest };
}

test('up to its bound each is counted exactly', () => {
  const { pairs, add, all } = pairsOf({ pairsMax: 1000 });
  for (let i = 0; i < 1000; i += 1) add('id', String(i), 1 + (i % 3));
  expect(all().size).toBe(1000);
  expect(all().get('id=5')).toBe(3);
  expect(pairs.labels).toMatchObject([{ name: 'id', values: 1000, distinct: undefined }]);
  expect(pairs.missedSeriesMax).toBe(0);
});

test('past it those with few series are forgotten, wherever the others come', () => {
  const { pairs, add, all, largest } = pairsOf({ pairsMax: 1000 });
  for (let i = 0; i < 20_000; i += 1) {
    add('id', String(i));
    if (i % 4 === 0) add('large', String(i % 12));
    // Known only once the table has been full.
    if (i > 10_000) add('late', 'x');
  }
  expect(largest()).toBeLessThanOrEqual(1001);
  const found = all();
  // Labels with few values keep all of theirs.
  expect(found.get('large=0')).toBe(1667);
  expect(found.get('large=8')).toBe(1666);
  expect(found.get('late=x')).toBe(9_999);
  const [id, large] = pairs.labels;
  expect(id!.distinct!.estimate() / 20_000).toBeGreaterThan(0.88);
  expect(id!.distinct!.estimate() / 20_000).toBeLessThan(1.12);
  expect(large).toMatchObject({ values: 3, distinct: undefined });
  expect(id!.bytes).toBe([...Array(20_000).keys()].reduce((sum, i) => sum + 4 + String(i).length, 0));
});

test('a pair with many series in a label with many values stays, and lacks no more than is said', () => {
  const { pairs, add, all } = pairsOf({ pairsMax: 500 });
  for (let i = 0; i < 30_000; i += 1) {
    add('id', String(i));
    if (i % 3 === 0) add('id', 'often');
  }
  const often = all().get('id=often') ?? 0;
  expect(pairs.missedSeriesMax).toBeGreaterThan(0);
  expect(often).toBeLessThanOrEqual(10_000);
  expect(often + pairs.missedSeriesMax).toBeGreaterThanOrEqual(10_000);
});

test('long values are bounded by their bytes', () => {
  const { pairs, add, all } = pairsOf({ pairBytesMax: 100_000 });
  add('kind', 'x', 7);
  for (let i = 0; i < 2_000; i += 1) add('text', `${i}${'x'.repeat(1_000)}`);
  expect(all().size).toBeLessThan(110);
  expect(all().get('kind=x')).toBe(7);
  expect(pairs.labels[1]!.distinct!.estimate() / 2_000).toBeCloseTo(1, 0);
});

test('label names past their bound are not counted, and that is known', () => {
  const { pairs, add, all } = pairsOf({ labelsMax: 3 });
  for (const name of ['a', 'b', 'c', 'd', 'a', 'e']) add(name, 'x');
  expect(all()).toEqual(
    new Map([
      ['a=x', 2],
      ['b=x', 1],
      ['c=x', 1],
    ]),
  );
  expect(pairs.hasMoreLabels).toBe(true);
});

test('nor are those past the length of all', () => {
  const { pairs, add, all } = pairsOf({ labelNameCharsMax: 100 });
  for (const name of ['a'.repeat(60), 'b'.repeat(60), 'c']) add(name, 'x');
  expect([...all().keys()]).toEqual([`${'a'.repeat(60)}=x`, 'c=x']);
  expect(pairs.hasMoreLabels).toBe(true);
});

test('more than there is space for between two looks are counted as well', () => {
  const { add, all } = pairsOf({}, { isBounded: false });
  for (let i = 0; i < 10_000; i += 1) add('id', String(i % 5_000), 2);
  expect(all().size).toBe(5_000);
  expect(new Set(all().values())).toEqual(new Set([4]));
});

test('a long value is read as far as it is wanted', () => {
  const { pairs, add } = pairsOf({});
  add('a', '\\"\\\\\\nä'.repeat(1_000));
  expect(pairs.textOf(0, 4).slice(0, 6)).toBe('a="\\\nä');
  expect(pairs.textOf(0, 4).length).toBeLessThan(20);
});

test.each([0, 1, 10, 100, 2_000, 100_000])('an estimate of %d', (count) => {
  const distinct = new Distinct();
  let hash = 1;
  for (let i = 0; i < count; i += 1) {
    hash = Math.imul(i + 1, 0x9e3779b1);
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    hash ^= hash >>> 16;
    distinct.add(hash);
    distinct.add(hash);
  }
  expect(Math.abs(distinct.estimate() - count)).toBeLessThanOrEqual(count * 0.05);
});
