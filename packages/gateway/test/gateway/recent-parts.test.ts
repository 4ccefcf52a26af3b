/** Who added lately to which series, held against all that was pushed. */
import { describe, expect, it } from 'vitest';

import { decodeText } from '../../src/exposition/text/decode.ts';
import { RecentPartsRing } from '../../src/gateway/insight/recent-parts.ts';
import type { Sender } from '../../src/gateway/insight/sender-sketch.ts';
import { PushBuilder } from '../../src/ingest/push-builder.ts';
import { atOnce } from '../../src/primitives/turns.ts';
import { TextScratch } from '../../src/store/text-scratch.ts';
import { ScrapeDesk } from './scrape-desk.ts';

/** Pushes that are seen and not applied, at times that a test sets. */
class Watcher {
  nowMs = 0;
  readonly ring: RecentPartsRing = new RecentPartsRing(() => this.nowMs);
  readonly #state = new ScrapeDesk().ledger.state;
  readonly #builder = new PushBuilder(this.#state);
  readonly #scratch = new TextScratch(this.#state.hashSeed);
  readonly #senders = new Map<string, Sender>();

  push(path: string, text: string): void {
    const body = Buffer.from(text);
    this.#builder.begin(body);
    decodeText(body, 0, body.length, this.#builder);
    const sender = this.#senders.get(path) ?? { path, token: undefined, address: undefined };
    this.#senders.set(path, sender);
    this.ring.pushed(sender, this.#builder.finish(), { state: this.#state, weight: 1, nowMs: this.nowMs });
  }

  find(series: string) {
    const { hash } = this.#scratch.write(series);
    const { bySeries, sinceMs, isExact } = atOnce(this.ring.find(new Set([hash])));
    const shares = (bySeries.get(hash)?.shares ?? []).map(({ sender, value, pushes }) => [
      sender.path,
      value,
      pushes,
    ]);
    return { shares, others: bySeries.get(hash)?.others ?? 0, sinceMs, isExact };
  }
}

describe('who added lately to a series', () => {
  it('is known exactly while pushes are few', () => {
    const watcher = new Watcher();
    for (let i = 0; i < 100; i += 1) {
      watcher.push(`job/${i % 2}`, `a{x="${i % 4}"} ${i}\n`);
      watcher.nowMs += 1000;
    }
    expect(watcher.find('a{x="3"}')).toMatchObject({
      shares: [['job/1', 1275, 25]],
      sinceMs: 0,
      isExact: true,
    });
    expect(watcher.find('b')).toMatchObject({ shares: [], sinceMs: 0, isExact: true });
    expect(new Watcher().find('a')).toMatchObject({ shares: [], sinceMs: undefined, isExact: true });
  });

  it('is about right where they are many', () => {
    const watcher = new Watcher();
    for (let i = 0; i < 200_000; i += 1) {
      watcher.push(`job/${i % 10 === 0 ? 'often' : 'seldom'}`, `a ${i % 10 === 0 ? 90 : 1}\n`);
      watcher.nowMs += 1;
    }
    const { shares, isExact } = watcher.find('a');
    expect(isExact).toBe(false);
    const byPath = new Map(shares.map(([path, value]) => [path, Number(value)]));
    const [often, seldom] = [byPath.get('job/often')!, byPath.get('job/seldom')!];
    // 1.8 million and 180,000.
    expect(often / 1_800_000).toBeGreaterThan(0.6);
    expect(often / 1_800_000).toBeLessThan(1.4);
    expect(seldom / 180_000).toBeGreaterThan(0.8);
    expect(seldom / 180_000).toBeLessThan(1.2);
  });

  it('is known of each series of a push that has many, about', () => {
    const watcher = new Watcher();
    const body = Array.from({ length: 2_000 }, (_, i) => `a{i="${i}"} 1\n`).join('');
    for (let i = 0; i < 300; i += 1) {
      watcher.push('job/x', body);
      watcher.nowMs += 1000;
    }
    for (const series of ['a{i="0"}', 'a{i="1999"}', 'a{i="1000"}']) {
      const { shares, isExact } = watcher.find(series);
      const [[, value, pushes]] = shares as [[string, number, number]];
      expect(isExact).toBe(false);
      expect(value).toBe(pushes);
      expect(value).toBeGreaterThan(150);
      expect(value).toBeLessThan(450);
    }
  });

  it('is forgotten after so many, the oldest first', () => {
    const watcher = new Watcher();
    watcher.push('job/old', 'old 1\n');
    for (let i = 0; i < 40_000; i += 1) {
      watcher.nowMs += 1000;
      watcher.push('job/new', 'a 1\n');
    }
    expect(watcher.find('old').shares).toEqual([]);
    const { shares, sinceMs } = watcher.find('a');
    expect(shares).toEqual([['job/new', 32_768, 32_768]]);
    expect(sinceMs).toBe((40_000 - 32_768 + 1) * 1000);
  });

  it('and sooner where pushes are large', () => {
    const watcher = new Watcher();
    const body = Array.from({ length: 512 }, (_, i) => `a{i="${i}"} 1\n`).join('');
    for (let i = 0; i < 1000; i += 1) {
      watcher.nowMs += 1000;
      watcher.push('job/x', body);
    }
    expect(watcher.find('a{i="7"}')).toMatchObject({
      shares: [['job/x', 512, 512]],
      sinceMs: 489_000,
      isExact: true,
    });
  });

  it('is told of so many senders, and what the others have', () => {
    const watcher = new Watcher();
    for (let i = 1; i <= 3_000; i += 1) {
      watcher.push(`job/${i}`, `a ${i}\n`);
      watcher.nowMs += 1000;
    }
    const { shares, others } = watcher.find('a');
    expect(shares).toEqual(Array.from({ length: 20 }, (_, i) => [`job/${3_000 - i}`, 3_000 - i, 1]));
    expect(others).toBe((2_980 * 2_981) / 2);
  });

  it('is looked for in steps, while others push', () => {
    const watcher = new Watcher();
    const body = Array.from({ length: 512 }, (_, i) => `a{i="${i}"} 1\n`).join('');
    const push = (): void => {
      watcher.nowMs += 1000;
      watcher.push('job/x', body);
    };
    for (let i = 0; i < 600; i += 1) push();
    const steps = watcher.ring.find(new Set([1]));
    let count = 0;
    for (let step = steps.next(); step.done !== true; step = steps.next()) {
      count += 1;
      for (let i = 0; i < 40; i += 1) push();
    }
    expect(count).toBeGreaterThan(5);
  });
});
