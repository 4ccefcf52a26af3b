import { expect, test } from 'vitest';

import type { Refusal } from '../src/lib/types.ts';
import { FeedLog, readEvent } from '../src/views/pushes-feed.ts';
import { lastBuckets } from '../src/views/history.tsx';
import { isGone } from '../src/views/scrapers.tsx';
import { pathOf } from '../src/parts/spark.tsx';

test('of pushes the newest are kept, and the rate is that of the last seconds', () => {
  const log = new FeedLog();
  for (let i = 0; i < 1_000; i += 1) log.add({ seconds: i }, i === 999 ? 5 : 0, i / 100);
  expect(log.entries).toHaveLength(200);
  expect(log.entries[0]).toEqual({ id: 999, seconds: 999 });
  expect(log.seen).toBe(1_005);
  expect(log.rate(10)).toBeCloseTo(100.4);
  expect(log.rate(100)).toBe(0);
});

test('what was pushed before does not count as new', () => {
  const log = new FeedLog();
  const refusal = { time: 1.5, path: '/x' } as Refusal;
  log.add({ seconds: 2, refusal: { ...refusal, time: 2 } }, 0, 2);
  for (const seconds of [1, 3, 0.5]) log.addPast({ seconds });
  for (let i = 0; i < 2; i += 1) log.addPast({ seconds: 1.5, refusal });
  log.addPast({ seconds: 2, refusal: { ...refusal, time: 2 } });
  expect(log.entries.map(({ seconds }) => seconds)).toEqual([3, 2, 1.5, 1, 0.5]);
  expect([log.seen, log.rate(2)]).toEqual([1, 0.1]);
});

test('events that a newer gateway may send are passed over', () => {
  expect(readEvent('new', '{}')).toBeUndefined();
  expect(readEvent('push', '{"time":12.5}')).toMatchObject({ seconds: 12.5 });
  expect(readEvent('refusal', '{"time":"1970-01-01T00:00:12.500Z"}')).toMatchObject({ seconds: 12.5 });
});

test('a line has gaps, and a point alone is a dot', () => {
  expect(pathOf([])).toBe('');
  expect(pathOf([null, null])).toBe('');
  expect(pathOf([1, null, 2]).match(/M/g)).toHaveLength(2);
  expect(pathOf([0, 1, 2])).toMatch(/^M1\.0 22\.0L48\.0 12\.0L95\.0 2\.0$/);
});

test('of buckets the newest that is known', () => {
  const buckets = [
    { le: '1', points: [1, 2, null] },
    { le: '2', points: [1, 5, null] },
    { le: '+Inf', points: [null, null, null] },
  ];
  expect(lastBuckets({ buckets })).toEqual([
    { le: '1', count: 2 },
    { le: '2', count: 5 },
  ]);
});

test('a scraper is gone after three intervals, and after five minutes at least', () => {
  const scraper = {
    address: '',
    userAgent: '',
    target: 'aggregate',
    last: 0,
    bytes: 0,
    format: '',
    seconds: 0,
  };
  expect(isGone({ ...scraper, intervalSeconds: 15 }, 299)).toBe(false);
  expect(isGone({ ...scraper, intervalSeconds: 15 }, 301)).toBe(true);
  expect(isGone({ ...scraper, intervalSeconds: 600 }, 1_700)).toBe(false);
});
