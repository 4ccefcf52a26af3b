import { describe, expect, test } from 'vitest';

import type { SeriesCache } from '../../src/store/series-cache.ts';
import { seriesCachesFor } from '../../src/store/series-cache.ts';
import { viewOf } from '../../src/primitives/bytes.ts';
import { hashBytes } from '../../src/primitives/hash.ts';

const SEED = 5;
const KIB = 1024;

function learn(seriesCache: SeriesCache, texts: Iterable<string>, target = 1): void {
  for (const text of texts) {
    const bytes = Buffer.from(text);
    seriesCache.learn(viewOf(bytes), 0, bytes.length, target);
  }
}

/** How many are known, as a push would ask for them. */
function use(seriesCache: SeriesCache, texts: Iterable<string>): number {
  let known = 0;
  for (const text of texts) {
    const bytes = Buffer.from(text);
    const view = viewOf(bytes);
    const reference = seriesCache.find(view, 0, bytes.length, hashBytes(SEED, view, 0, bytes.length));
    if (reference < 0) continue;
    known += 1;
    seriesCache.used(reference);
  }
  return known;
}

function* respellings(count: number, prefix = 'attack'): Generator<string> {
  for (let i = 0; i < count; i += 1) yield `${prefix} ${i}`.padEnd(1000, '.');
}

const honest = Array.from({ length: 100 }, (_, i) => `honest{b="${i}",a="1"}`);

describe('bounded in bytes, of both dialects together', () => {
  test('whoever learns, and whatever is used again', () => {
    const bytesMax = 100 * KIB;
    const { text, openmetrics } = seriesCachesFor(SEED, bytesMax);
    let most = 0;
    for (let round = 0; round < 50; round += 1) {
      const seriesCache = round % 3 === 0 ? openmetrics : text;
      const texts = [...respellings(30, `round ${round}`)];
      for (const seriesKey of texts) {
        learn(seriesCache, [seriesKey]);
        most = Math.max(most, text.bytes + openmetrics.bytes);
        if (round % 2 === 0) use(seriesCache, texts);
        most = Math.max(most, text.bytes + openmetrics.bytes);
      }
    }
    expect(most).toBeLessThanOrEqual(bytesMax);
    expect(most).toBeGreaterThan(bytesMax / 2);
  });

  test('one dialect may have what the other does not need, and gives it back', () => {
    const { text, openmetrics } = seriesCachesFor(SEED, 100 * KIB);
    learn(text, respellings(90));
    expect(text.bytes).toBeGreaterThan(90 * 1000);
    learn(openmetrics, respellings(40));
    expect(use(openmetrics, respellings(40))).toBe(40);
  });

  test('where there is room for none, none is known', () => {
    const { text } = seriesCachesFor(SEED, 1);
    learn(text, honest);
    expect([use(text, honest), text.bytes]).toEqual([0, 0]);
  });
});

describe('what is used again stays', () => {
  test('however much is spelled once by others', () => {
    const { text } = seriesCachesFor(SEED, 100 * KIB);
    learn(text, honest);
    expect(use(text, honest)).toBe(100);
    for (let round = 0; round < 20; round += 1) learn(text, respellings(100, `round ${round}`));
    expect(use(text, honest)).toBe(100);
  });

  test('and however much others spell twice, if it is used now and then', () => {
    const { text } = seriesCachesFor(SEED, 100 * KIB);
    learn(text, honest);
    for (let round = 0; round < 40; round += 1) {
      expect(use(text, honest)).toBe(100);
      learn(text, respellings(20, `round ${round}`));
      use(text, respellings(20, `round ${round}`));
    }
  });

  test('with the meaning that was learnt last', () => {
    const { text } = seriesCachesFor(SEED, 100 * KIB);
    learn(text, honest, 3);
    use(text, honest);
    learn(text, honest, 4);
    const bytes = viewOf(Buffer.from(honest[7]!));
    const hash = hashBytes(SEED, bytes, 0, bytes.byteLength);
    expect(text.targetOf(text.find(bytes, 0, bytes.byteLength, hash))).toBe(4);
  });
});

test('what was learnt from one push is found one after the other, before and after it is used again', () => {
  const { text } = seriesCachesFor(SEED, 100 * KIB);
  learn(text, honest);
  for (let push = 0; push < 3; push += 1) {
    const first = viewOf(Buffer.from(honest[0]!));
    let next = text.find(first, 0, first.byteLength, hashBytes(SEED, first, 0, first.byteLength));
    for (const seriesKey of honest) {
      const bytes = viewOf(Buffer.from(seriesKey));
      expect(text.matchLength(next, bytes, 0, bytes.byteLength)).toBe(bytes.byteLength);
      next = text.used(next);
    }
  }
});
