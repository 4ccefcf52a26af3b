import { expect, test } from 'vitest';

import { defaultExpositionOptions } from '../../src/exposition/family-writer.ts';
import { ScrapeCache } from '../../src/exposition/scrape-cache.ts';
import { encodeExposition } from '../../src/exposition/page.ts';
import { escapingSchemes, plainText } from '../../src/model/exposition-format.ts';
import type { ExpositionFormat } from '../../src/model/exposition-format.ts';
import type { FamilyView } from '../../src/model/read-view.ts';
import { madeFamily, madeView } from './made-exposition.ts';

const ROWS = 2_000;
/** Of one page, or a little more. */
const PAGE_BYTES = 160 * 1024;

/** One family that never changes, and how many of its rows were written. */
class Large {
  written = 0;
  readonly #whole: FamilyView;
  readonly #identity = {};

  constructor(name = 'large_total') {
    const rows = Array.from({ length: ROWS }, (_, i) => ({
      labels: `text="${String(i).padStart(50, 'x')}"`,
      value: 1,
    }));
    this.#whole = madeFamily({ name, type: 'counter', rows });
  }

  view() {
    const { written: _, ...family } = { ...this.#whole, written: 0 };
    const note = (rows: number): void => void (this.written += rows);
    return madeView([
      {
        ...family,
        identity: this.#identity,
        version: 1,
        visit: (from, to, visitor) => {
          note(to - from);
          this.#whole.visit(from, to, visitor);
        },
      },
    ]);
  }
}

function slicesOf(large: Large, kept: ScrapeCache, format: Partial<ExpositionFormat> = {}) {
  const settings = { kept, options: defaultExpositionOptions, onLeftOut(): void {} };
  return encodeExposition(large.view(), { ...plainText, ...format }, settings);
}

/** Whether the rows were written anew. */
async function isWritten(
  large: Large,
  kept: ScrapeCache,
  format: Partial<ExpositionFormat> = {},
): Promise<boolean> {
  const before = large.written;
  let bytes = 0;
  for await (const slice of slicesOf(large, kept, format)) bytes += slice.length;
  expect(bytes).toBeGreaterThan(ROWS * 50);
  return large.written > before;
}

const formats = (['text', 'openmetrics', 'protobuf'] as const).flatMap((format) =>
  escapingSchemes.map((escaping) => ({ format, escaping })),
);

test('the kept text of all formats and escapings together takes no more than it may', async () => {
  expect(formats).toHaveLength(12);
  const bytesMax = 3 * PAGE_BYTES;
  const kept = new ScrapeCache(bytesMax);
  const large = new Large();
  for (let round = 0; round < 4; round += 1) {
    for (const format of formats) {
      await isWritten(large, kept, format);
      expect(kept.bytes).toBeLessThanOrEqual(bytesMax);
    }
  }
  expect(kept.bytes).toBeGreaterThan(PAGE_BYTES);
});

test('text that nobody asks for any more gives way', async () => {
  const kept = new ScrapeCache(1.5 * PAGE_BYTES);
  const large = new Large();
  expect(await isWritten(large, kept, { format: 'text' })).toBe(true);
  expect(await isWritten(large, kept, { format: 'text' })).toBe(false);
  // Not at once: the other may be asked for in turns with it.
  expect(await isWritten(large, kept, { format: 'openmetrics' })).toBe(true);
  expect(await isWritten(large, kept, { format: 'openmetrics' })).toBe(true);
  expect(await isWritten(large, kept, { format: 'openmetrics' })).toBe(false);
  expect(await isWritten(large, kept, { format: 'text' })).toBe(true);
});

test('two formats in turns, with room for one: that one stays', async () => {
  const kept = new ScrapeCache(1.5 * PAGE_BYTES);
  const large = new Large();
  await isWritten(large, kept, { format: 'text' });
  for (let round = 0; round < 4; round += 1) {
    expect(await isWritten(large, kept, { format: 'openmetrics' })).toBe(true);
    expect(await isWritten(large, kept, { format: 'text' })).toBe(false);
  }
});

test('what is known about families without text counts as well', async () => {
  const kept = new ScrapeCache(20_000);
  const families = Array.from({ length: 5_000 }, (_, i) =>
    madeFamily({ name: `f${i}_total`, type: 'counter', version: 1, rows: [{ value: i }] }),
  );
  for (const format of formats) {
    const settings = { kept, options: defaultExpositionOptions, onLeftOut(): void {} };
    const slices = encodeExposition(madeView(families), { ...plainText, ...format }, settings);
    for await (const _ of slices);
    expect(kept.bytes).toBeLessThanOrEqual(20_000);
  }
});

test('pages that are not read to their end hold no more than may be kept, and give it back', async () => {
  const bytesMax = 2 * PAGE_BYTES;
  const kept = new ScrapeCache(bytesMax);
  const large = new Large();
  const expositions = Array.from({ length: 8 }, () => slicesOf(large, kept));
  // The first slice holds what was written; the next ones are not asked for.
  for (const page of expositions) {
    expect((await page.next()).done).toBe(false);
    expect((await page.next()).done).toBe(false);
    expect(kept.bytes).toBeLessThanOrEqual(bytesMax);
  }
  expect(kept.bytes).toBeGreaterThan(0);
  for (const page of expositions) await page.return();
  expect(kept.bytes).toBe(0);
  // None of that makes the text one that is too long.
  expect(await isWritten(large, kept)).toBe(true);
  expect(await isWritten(large, kept)).toBe(false);
});

test('of pages at the same time the last one takes nothing from the others', async () => {
  const kept = new ScrapeCache(4 * PAGE_BYTES);
  const large = new Large();
  const [early, late] = [slicesOf(large, kept), slicesOf(large, kept)];
  await early.next();
  for await (const _ of late);
  expect(await isWritten(large, kept)).toBe(false);
  for await (const _ of early);
  expect(await isWritten(large, kept)).toBe(false);
});
