/** `--scrape.zero-first`: what is new to a scraper is 0 on one page, so that increase() sees its first value. */
import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';

import { createGateway } from '../../src/create-gateway.ts';
import { defaultGatewayOptions } from '../../src/gateway/options.ts';
import type { GatewayOptions } from '../../src/gateway/options.ts';
import { Gateway } from '../../src/gateway/gateway.ts';
import { emptyGroupingKey } from '../../src/model/labels.ts';
import type { ExpositionFormat } from '../../src/model/exposition-format.ts';
import { systemClock } from '../../src/primitives/clock.ts';
import { silentLog } from '../../src/primitives/log.ts';
import { HeldJournal } from '../support/held-journal.ts';
import { readFamilies } from '../support/read-families.ts';
import { RestartingGateway } from '../support/restarting.ts';

function zeroFirst(options: Partial<GatewayOptions> = {}): Gateway {
  return new Gateway({
    options: { ...defaultGatewayOptions, zeroFirst: true, ...options },
    clock: systemClock,
    log: silentLog,
  });
}

async function push(gateway: Gateway, text: string): Promise<void> {
  await gateway.push({ method: 'POST', key: emptyGroupingKey, body: Buffer.from(text) });
}

async function page(gateway: Gateway, scraper?: string, format?: ExpositionFormat): Promise<string[]> {
  const slices: Uint8Array[] = [];
  for await (const slice of gateway.scrape({ scraper, format })) slices.push(slice);
  return samples(Buffer.concat(slices).toString());
}

function samples(text: string): string[] {
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

const counter = (name: string): string => `# TYPE ${name} counter\n${name} 5\n`;

test('a counter born since the last scrape is shown once as 0, and then as it is', async () => {
  const gateway = zeroFirst();
  await push(gateway, counter('a_total'));
  expect(await page(gateway, 'one')).toEqual(['a_total 5']);
  await push(gateway, counter('b_total') + 'a_total 1\n');
  expect(await page(gateway, 'one')).toEqual(['a_total 6', 'b_total 0']);
  await push(gateway, counter('b_total'));
  expect(await page(gateway, 'one')).toEqual(['a_total 6', 'b_total 10']);
  expect(await page(gateway, 'one')).toEqual(['a_total 6', 'b_total 10']);
});

test('so is a new series of a known family, and a whole histogram, but no gauge and no new bucket', async () => {
  const gateway = zeroFirst();
  const histogram = (le: string, labels = ''): string =>
    `# TYPE h histogram\nh_bucket{${labels}le="${le}"} 1\nh_bucket{${labels}le="+Inf"} 2\nh_sum{${labels}} 3\n`;
  await push(gateway, `${counter('a_total')}${histogram('1')}`);
  await page(gateway, 'one');
  await push(gateway, 'a_total{x="1"} 5\n# TYPE g gauge\ng 5\n');
  await push(gateway, histogram('2'));
  await push(gateway, histogram('1', 'x="1",'));
  expect(await page(gateway, 'one')).toEqual([
    'a_total 5',
    'a_total{x="1"} 0',
    'g 5',
    'h_bucket{le="1"} 1',
    'h_bucket{le="2"} 2',
    'h_bucket{le="+Inf"} 4',
    'h_sum 6',
    'h_count 4',
    'h_bucket{x="1",le="1"} 0',
    'h_bucket{x="1",le="+Inf"} 0',
    'h_sum{x="1"} 0',
    'h_count{x="1"} 0',
  ]);
  expect(await page(gateway, 'one')).toContain('h_count{x="1"} 2');
});

test('each scraper sees its own zero; one that is new, or is not known, sees all as it is', async () => {
  const gateway = zeroFirst();
  await page(gateway, 'one');
  await page(gateway, 'two');
  await push(gateway, counter('a_total'));
  expect(await page(gateway, 'one')).toEqual(['a_total 0']);
  expect(await page(gateway, 'one')).toEqual(['a_total 5']);
  expect(await page(gateway, 'three')).toEqual(['a_total 5']);
  expect(await page(gateway)).toEqual(['a_total 5']);
  expect(await page(gateway, 'two')).toEqual(['a_total 0']);
  expect(await page(gateway, 'two')).toEqual(['a_total 5']);
});

test('a scrape that breaks off has shown nothing', async () => {
  const gateway = zeroFirst();
  await page(gateway, 'one');
  await push(gateway, counter('a_total'));
  const slices = gateway.scrape({ scraper: 'one' })[Symbol.asyncIterator]();
  await slices.next();
  await slices.return?.();
  await setImmediate();
  expect(await page(gateway, 'one')).toEqual(['a_total 0']);
  expect(await page(gateway, 'one')).toEqual(['a_total 5']);
});

test('OpenMetrics shows when counting began instead, where that is asked for', async () => {
  const gateway = zeroFirst({ openmetricsCreated: true });
  const format = { format: 'openmetrics', escaping: 'allow-utf-8', version: '1.0.0' } as const;
  await page(gateway, 'one', format);
  await push(gateway, counter('a_total'));
  expect(await page(gateway, 'one', format)).toEqual(['a_total 5', expect.stringMatching(/^a_created /)]);
});

test('without the flag nothing is shown as 0', async () => {
  const gateway = zeroFirst({ zeroFirst: false });
  await page(gateway, 'one');
  await push(gateway, counter('a_total'));
  expect(await page(gateway, 'one')).toEqual(['a_total 5']);
});

test('the zero is on the page while others are kept: text kept from before is not shown in its place', async () => {
  const gateway = zeroFirst();
  await page(gateway, 'one');
  await push(gateway, counter('a_total'));
  expect(await page(gateway, 'two')).toEqual(['a_total 5']);
  expect(await page(gateway, 'one')).toEqual(['a_total 0']);
  expect(await page(gateway, 'two')).toEqual(['a_total 5']);
});

test('protobuf shows no 0, and is no page that text is compared with', async () => {
  const gateway = createGateway({ zeroFirst: true });
  await gateway.scrape({ scraper: 'one' });
  await gateway.push(counter('a_total'));
  expect(readFamilies(await gateway.scrapeBytes({ scraper: 'one', format: 'protobuf' }))).toMatchObject([
    { name: 'a_total', metric: [{ counter: { value: 5 } }] },
  ]);
  expect(await gateway.scrape({ scraper: 'one' })).toContain('\na_total 0\n');
});

test('what is pushed during a scrape is new to the next one', async () => {
  const gateway = zeroFirst();
  await push(gateway, counter('a_total'));
  for await (const _ of gateway.scrape({ scraper: 'one' })) await push(gateway, counter('b_total'));
  expect(await page(gateway, 'one')).toEqual(['a_total 5', 'b_total 0']);
});

test('of many scrapers those that stayed away longest are new again', async () => {
  const gateway = zeroFirst();
  for (let i = 0; i < 100; i += 1) await page(gateway, String(i));
  await push(gateway, counter('a_total'));
  expect(await page(gateway, '0')).toEqual(['a_total 5']);
  expect(await page(gateway, '99')).toEqual(['a_total 0']);
});

test('series that meet once their names are escaped are 0 where all of them are new', async () => {
  const gateway = zeroFirst();
  const format = { format: 'text', escaping: 'underscores', version: '0.0.4' } as const;
  await push(gateway, '# TYPE a_b counter\na_b{l="old"} 1\n');
  await page(gateway, 'one', format);
  await push(gateway, '# TYPE "a.b" counter\n{"a.b",l="old"} 2\n{"a.b",l="new"} 3\n');
  expect(await page(gateway, 'one', format)).toEqual(['a_b{l="old"} 3', 'a_b{l="new"} 0']);
  expect(await page(gateway, 'one', format)).toEqual(['a_b{l="old"} 3', 'a_b{l="new"} 3']);
});

test('a scraper is known after a restart, and what came before a crash is new to it if it did not see it', async () => {
  const run = await RestartingGateway.start({ zeroFirst: true });
  const scrape = async (scraper: string): Promise<string[]> => samples(await run.gateway.scrape({ scraper }));
  await run.gateway.push(counter('a_total'));
  await scrape('one');
  for (const [name, fromSnapshot] of [
    ['b_total', false],
    ['c_total', true],
  ] as const) {
    await run.gateway.push(counter(name));
    if (fromSnapshot) await run.takeSnapshot();
    await run.restart();
    expect(await scrape('one')).toContain(`${name} 0`);
    expect(await scrape('one')).toContain(`${name} 5`);
    await run.restart();
    expect(await scrape('one')).toContain(`${name} 5`);
    expect(await scrape(`another for ${name}`)).toContain(`${name} 5`);
  }
  // Without the flag for a while, nobody knows what it has seen.
  await run.restart({ zeroFirst: false });
  await run.gateway.push(counter('d_total'));
  await run.restart({ zeroFirst: true });
  expect(await scrape('one')).toContain('d_total 5');
});

test('what a scraper has seen is committed before it is shown more', async () => {
  const journal = new HeldJournal();
  const gateway = new Gateway({
    options: { ...defaultGatewayOptions, zeroFirst: true },
    clock: systemClock,
    log: silentLog,
    journal,
    scrapes: { scrapesMax: 2 },
  });
  await gateway.open(3_600_000);
  journal.commit();
  await page(gateway, 'one');
  const pushed = push(gateway, counter('a_total'));
  journal.commit();
  await pushed;
  // All are of one view, which is read until the end of the test.
  const first = page(gateway, 'one');
  const reading = gateway.scrape()[Symbol.asyncIterator]();
  const begun = reading.next();
  let isShown = false;
  const second = page(gateway, 'one').finally(() => (isShown = true));
  expect(await first).toEqual(['a_total 0']);
  await begun;
  for (let turns = 0; turns < 50; turns += 1) await setImmediate();
  expect(isShown).toBe(false);
  journal.commit();
  expect(await second).toEqual(['a_total 5']);
  await reading.return?.();
});
