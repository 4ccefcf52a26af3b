/** What is known of pushes: how many are looked at, and what looks through much costs others. */
import { describe, expect, it, test } from 'vitest';

import { Gateway } from '../../src/gateway/gateway.ts';
import { defaultGatewayOptions } from '../../src/gateway/options.ts';
import { emptyGroupingKey } from '../../src/model/labels.ts';
import { systemClock } from '../../src/primitives/clock.ts';
import { silentLog } from '../../src/primitives/log.ts';
import { listFamilies } from '../../src/gateway/insight/family-list.ts';
import { LookRate } from '../../src/gateway/insight/look-rate.ts';
import { PushNotes } from '../../src/gateway/insight/push-notes.ts';
import { Places, SENDERS_MAX, SenderSketch } from '../../src/gateway/insight/sender-sketch.ts';
import type { Sender } from '../../src/gateway/insight/sender-sketch.ts';
import { History } from '../../src/gateway/insight/history.ts';
import { listSources } from '../../src/gateway/insight/source-pages.ts';
import { Random } from '../support/random.ts';
import { ScrapeDesk } from './scrape-desk.ts';

describe('pushes are looked at', () => {
  /** Looks at pushes of some seconds, so many in each; which were looked at, and for how many they stand. */
  function looks(perSecond: number, seconds: number): { readonly at: number[]; readonly sum: number } {
    let nowMs = 0;
    const rate = new LookRate(() => nowMs);
    const at: number[] = [];
    let sum = 0;
    for (let i = 0; i < perSecond * seconds; i += 1) {
      nowMs += 1000 / perSecond;
      if (!rate.isDue()) continue;
      sum += rate.begin();
      at.push(i);
    }
    return { at, sum };
  }

  it('all where they are few', () => {
    expect(looks(10, 10).at).toHaveLength(100);
  });

  it.each([1_000, 100_000])('some of %i a second, and no more for more', (perSecond) => {
    const { at, sum } = looks(perSecond, 10);
    expect(at.length).toBeGreaterThan(100);
    expect(at.length).toBeLessThan(1000);
    expect(sum).toBeLessThanOrEqual(perSecond * 10);
    expect(sum).toBeGreaterThan(perSecond * 9);
  });

  it('at random, so that senders in turn are all seen', () => {
    const { at } = looks(64 * 16, 30);
    expect(new Set(at.map((i) => i % 16)).size).toBe(16);
  });

  it('again at once, when many were pushed and few are', () => {
    let nowMs = 0;
    const rate = new LookRate(() => nowMs);
    for (let i = 0; i < 100_000; i += 1) {
      nowMs += 0.01;
      if (rate.isDue()) rate.begin();
    }
    expect(rate.isSparse).toBe(true);
    // As a clock does.
    for (let i = 0; i < 2; i += 1) {
      nowMs += 500;
      rate.lookAtNext();
      expect(rate.isDue()).toBe(true);
      rate.begin();
    }
    nowMs += 500;
    rate.lookAtNext();
    for (let i = 0; i < 5; i += 1) {
      nowMs += 500;
      expect(rate.isDue()).toBe(true);
      rate.begin();
    }
  });

  it('all for a time, where somebody asks for it', () => {
    let nowMs = 0;
    const rate = new LookRate(() => nowMs);
    let [sum, seen] = [0, 0];
    for (let i = 1; i <= 20_000; i += 1) {
      nowMs += 1;
      if (i === 10_000) rate.lookAtAll(5_000);
      if (!rate.isDue()) continue;
      const weight = rate.begin();
      sum += weight;
      if (i >= 10_000 && i < 15_000) seen += 1;
    }
    expect(seen).toBe(5_000);
    expect(sum).toBeGreaterThan(19_900);
    expect(sum).toBeLessThanOrEqual(20_000);
  });
});

describe('a sketch of senders', () => {
  const senderOf = (i: number): Sender => ({ path: `job/${i}`, token: undefined, address: undefined });

  it('misses none that has more than its share, and says how wrong it may be', () => {
    const random = new Random(7);
    const sketch = new SenderSketch(0, new Places(1000));
    const exact = new Map<string, number>();
    let total = 0;
    for (let i = 0; i < 20_000; i += 1) {
      // Few with much, many with little.
      const sender = senderOf(Math.floor(1000 / (1 + random.below(1000))));
      sketch.add(sender, { value: 1, pushes: 1, nowMs: i });
      exact.set(sender.path, (exact.get(sender.path) ?? 0) + 1);
      total += 1;
    }
    const shares = new Map(sketch.shares.map((share) => [share.sender.path, share]));
    expect(shares.size).toBe(SENDERS_MAX);
    for (const [path, count] of exact)
      if (count > total / SENDERS_MAX) expect(shares.has(path), path).toBe(true);
    for (const [path, { value, error }] of shares) {
      expect(value).toBeGreaterThanOrEqual(exact.get(path)!);
      expect(value - error).toBeLessThanOrEqual(exact.get(path)!);
    }
    expect(sketch.error).toBeLessThanOrEqual(total / SENDERS_MAX);
  });

  it('takes no more places than there are, and gives them back', () => {
    const places = new Places(20);
    const sketches = [new SenderSketch(0, places), new SenderSketch(0, places)];
    for (const sketch of sketches)
      for (let i = 0; i < 50; i += 1) sketch.add(senderOf(i), { value: 1, pushes: 1, nowMs: i });
    expect(sketches.map(({ shares }) => shares.length)).toEqual([16, 4]);
    sketches[0]!.clear(1);
    expect(places.take()).toBe(true);
  });
});

test('lists are made in steps, however many families and sources there are', async () => {
  const desk = new ScrapeDesk({}, { byJob: true });
  for (let i = 0; i < 3_000; i += 1) desk.push(`f${i} 1\n`, `[["job","${i}"]]`, 'PUT');
  const { state } = desk.ledger;
  const notes = new PushNotes(() => 0);
  const history = new History(desk.ledger);
  const known = { state, notes, wallOffsetMs: 0, nowMs: 0, history };
  const page = { limit: 1000, after: undefined, parts: ['1'] };
  const families = listFamilies(known, { ...page, names: undefined, sort: 'series' });
  const sources = listSources(known, page);
  for (const steps of [families, sources]) {
    let count = 0;
    while (steps.next().done !== true) count += 1;
    expect(count).toBeGreaterThan(50);
  }
});

test('a look that fails is no matter of the push', async () => {
  const errors: string[] = [];
  const log = { ...silentLog, error: (message: string) => errors.push(message) };
  const gateway = new Gateway({ options: defaultGatewayOptions, clock: systemClock, log });
  gateway.insight.notes.pushed = () => {
    throw new Error('out of order');
  };
  for (let i = 0; i < 3; i += 1)
    expect(await gateway.push({ method: 'POST', key: emptyGroupingKey, body: Buffer.from('a 1\n') })).toBe(
      'applied',
    );
  expect(gateway.holdings()).toMatchObject({ pushes: 3, series: 1 });
  expect(errors).toEqual(['a look at a push failed']);
  await gateway.close();
});
