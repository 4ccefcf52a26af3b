/** With `zeroFirst`, a counter or histogram that a scraper has not seen before is 0 on the first page of text that has it. */
import { expect, test } from 'vitest';

import { createGateway, embed } from '../../src/embed.ts';
import type { EmbeddedGateway } from '../../src/embed.ts';
import { memoryJournal } from '../../src/journal/memory.ts';
import { plainText } from '../../src/model/page-format.ts';
import { readFamilies } from '../support/read-families.ts';

const counter = (labels: string, value: number): string =>
  `# TYPE done_total counter\ndone_total${labels} ${value}\n`;

/** A gateway whose page was seen by these scrapers while it was empty. */
async function seenEmptyBy(...scrapers: readonly string[]): Promise<EmbeddedGateway> {
  const gateway = createGateway({ zeroFirst: true });
  for (const scraper of scrapers) expect(await gateway.scrape({ scraper })).toBe('');
  return gateway;
}

test('a new counter is 0 once for each scraper, and then what it is', async () => {
  const gateway = await seenEmptyBy('a', 'b');
  await gateway.push(counter('', 7));
  expect(await gateway.scrape({ scraper: 'a' })).toBe(counter('', 0));
  expect(await gateway.scrape({ scraper: 'a' })).toBe(counter('', 7));
  expect(await gateway.scrape({ scraper: 'b' })).toBe(counter('', 0));
  await gateway.push(counter('', 1));
  expect(await gateway.scrape({ scraper: 'b' })).toBe(counter('', 8));
  expect(await gateway.scrape({ scraper: 'a' })).toBe(counter('', 8));
});

test('a new series of a known family is 0 beside those that are known', async () => {
  const gateway = await seenEmptyBy('a');
  await gateway.push(counter('{kind="x"}', 1));
  await gateway.scrape({ scraper: 'a' });
  await gateway.push(counter('{kind="x"}', 1) + 'done_total{kind="y"} 5\n');
  expect(await gateway.scrape({ scraper: 'a' })).toBe(counter('{kind="x"}', 2) + 'done_total{kind="y"} 0\n');
  expect(await gateway.scrape({ scraper: 'a' })).toBe(counter('{kind="x"}', 2) + 'done_total{kind="y"} 5\n');
});

test('a new histogram is 0 in all its parts', async () => {
  const gateway = await seenEmptyBy('a');
  const histogram = (le: number, count: number, sum: number): string =>
    `# TYPE wait histogram\nwait_bucket{le="1"} ${le}\nwait_bucket{le="+Inf"} ${count}\nwait_sum ${sum}\nwait_count ${count}\n`;
  await gateway.push(histogram(2, 3, 4.5));
  expect(await gateway.scrape({ scraper: 'a' })).toBe(histogram(0, 0, 0));
  expect(await gateway.scrape({ scraper: 'a' })).toBe(histogram(2, 3, 4.5));
});

test('gauges and untyped samples are never 0 that are not', async () => {
  const gateway = await seenEmptyBy('a');
  await gateway.push('# TYPE queue gauge\nqueue 3\n# TYPE other untyped\nother 4\n');
  const page = await gateway.scrape({ scraper: 'a' });
  expect(page).toContain('queue 3\n');
  expect(page).toContain('other 4\n');
});

test('a scraper that is new, and one without a name, see all as it is', async () => {
  const gateway = await seenEmptyBy('a');
  await gateway.push(counter('', 7));
  expect(await gateway.scrape({ scraper: 'b' })).toBe(counter('', 7));
  expect(await gateway.scrape()).toBe(counter('', 7));
  expect(await gateway.scrape({ scraper: 'a' })).toBe(counter('', 0));
});

test('other formats show no 0, and are not the page that text is compared with', async () => {
  const gateway = await seenEmptyBy('a');
  await gateway.push(counter('', 7));
  expect(await gateway.scrape({ scraper: 'a', format: 'openmetrics' })).toContain('\ndone_total 7\n');
  const [family] = readFamilies(await gateway.scrapeBytes({ scraper: 'a', format: 'protobuf' }));
  expect(family).toMatchObject({ name: 'done_total', metric: [{ counter: { value: 7 } }] });
  expect(await gateway.scrape({ scraper: 'a' })).toBe(counter('', 0));
});

test('a scrape that broke off does not count', async () => {
  const { gateway, embedded } = embed({ zeroFirst: true }, memoryJournal());
  await embedded.scrape({ scraper: 'a' });
  await embedded.push(counter('', 7));
  for await (const slice of gateway.scrape({ format: plainText, scraper: 'a' })) {
    expect(Buffer.from(slice).toString()).toBe(counter('', 0));
    break;
  }
  expect(await embedded.scrape({ scraper: 'a' })).toBe(counter('', 0));
  expect(await embedded.scrape({ scraper: 'a' })).toBe(counter('', 7));
});

test('a push during a scrape is new to the next one', async () => {
  const { gateway, embedded } = embed({ zeroFirst: true }, memoryJournal());
  await embedded.push(counter('{kind="x"}', 1));
  for await (const _ of gateway.scrape({ scraper: 'a' })) await embedded.push(counter('{kind="y"}', 5));
  expect(await embedded.scrape({ scraper: 'a' })).toBe(counter('{kind="x"}', 1) + 'done_total{kind="y"} 0\n');
});

test('without the option nothing is 0 first', async () => {
  const gateway = createGateway();
  await gateway.scrape({ scraper: 'a' });
  await gateway.push(counter('', 7));
  expect(await gateway.scrape({ scraper: 'a' })).toBe(counter('', 7));
});

test('of many scrapers the ones that stayed away longest are new again', async () => {
  const gateway = await seenEmptyBy(...Array.from({ length: 100 }, (_, i) => String(i)));
  await gateway.push(counter('', 7));
  expect(await gateway.scrape({ scraper: '0' })).toBe(counter('', 7));
  expect(await gateway.scrape({ scraper: '99' })).toBe(counter('', 0));
});
