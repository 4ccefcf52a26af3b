import { expect, test } from 'vitest';

import { defaultExpositionOptions } from '../../src/exposition/family-writer.ts';
import { ScrapeCache } from '../../src/exposition/scrape-cache.ts';
import { encodeExposition } from '../../src/exposition/page.ts';
import { plainText } from '../../src/model/exposition-format.ts';
import type { FamilyView } from '../../src/model/read-view.ts';
import { madeSeries } from './made-exposition.ts';

const ROWS = 20_000;
const series = madeSeries({ labels: 'code="200"', value: 0 });
const PAGE_BYTES = ROWS * 'busy_total{code="200"} 1\n'.length;

/** One large family on page after page; `c` is a page before which it has changed. Answers `w` where it was written anew. */
async function expositions(changes: string, bytesMax: number): Promise<string> {
  const kept = new ScrapeCache(bytesMax);
  const identity = {};
  let version = 1;
  let answer = '';
  for (const change of changes) {
    if (change === 'c') version += 1;
    let written = 0;
    const value = version;
    const family: FamilyView = {
      name: 'busy_total',
      type: 'counter',
      help: undefined,
      unit: undefined,
      hasNative: false,
      startTimes: false,
      once: false,
      quotedNames: false,
      identity,
      version,
      rowCount: ROWS,
      sort: () => [],
      visit(from, to, visitor) {
        written += to - from;
        for (let i = from; i < to; i += 1) visitor({ ...series, value });
      },
    };
    const view = {
      nativeBucketsMax: 160,
      nativeAsClassic: false,
      // oxlint-disable-next-line require-yield -- there is nothing to sort
      *families(): Generator<void, readonly FamilyView[]> {
        return [family];
      },
      close(): void {},
    };
    let bytes = 0;
    const settings = { kept, options: defaultExpositionOptions, onLeftOut(): void {} };
    for await (const slice of encodeExposition(view, plainText, settings)) bytes += slice.length;
    expect(bytes).toBe('# TYPE busy_total counter\n'.length + PAGE_BYTES);
    expect([0, ROWS]).toContain(written);
    answer += written > 0 ? 'w' : '-';
  }
  return answer;
}

test.each([
  ['what does not change is written once', '....', 'w---'],
  ['what changes now and then is written when it has changed', '.c..c.c.', 'ww--w-w-'],
  ['what changes all the time is not kept before it was the same twice', '.cccc...', 'wwwwww--'],
])('%s', async (_name, changes, written) => {
  expect(await expositions(changes, 2 * PAGE_BYTES)).toBe(written);
});

test.each([
  ['is far too long', PAGE_BYTES / 4],
  ['is a little too long', PAGE_BYTES - 1_000],
])('what %s for the room is written each time', async (_name, bytesMax) => {
  expect(await expositions('..c..', bytesMax)).toBe('wwwww');
});
