/** What an operator deletes, however much it is: others have their turn meanwhile, and it outlives a restart. */
import { expect, test, vi } from 'vitest';

import { embed } from '../../src/embed.ts';
import type { DeleteRequest } from '../../src/gateway/api.ts';
import type { EmbeddedOptions } from '../../src/index.ts';
import { plainText } from '../../src/model/exposition-format.ts';
import { silentLog } from '../../src/primitives/log.ts';
import { RecordCode } from '../../src/wal/commands.ts';
import { HeldJournal } from '../support/held-journal.ts';
import { KeptJournal } from '../support/kept-journal.ts';
import * as pb from '../support/protobuf.ts';
import { RestartingGateway } from '../support/restarting.ts';
import { turnsDuring } from '../support/turns-during.ts';

const clock = { now: () => 1_700_000_000_000, elapsed: () => 0 };
const all: DeleteRequest = { what: 'all', match: [], isDryRun: false };

function series(...match: string[]): DeleteRequest {
  return { what: 'series', match, isDryRun: false };
}

function lines(name: string, count: number): string {
  return Array.from({ length: count }, (_, i) => `${name}{i="${i}"} 1\n`).join('');
}

async function opened(options: EmbeddedOptions, journal: KeptJournal) {
  const { gateway, embedded } = embed({ clock, ...options }, journal);
  await gateway.open(3_600_000);
  return { gateway, embedded };
}

function codesSince(journal: KeptJournal, from: number): readonly number[] {
  return journal.records.slice(from).map((record) => record[0]!);
}

test.each([
  { name: 'in add mode', options: {}, path: '' },
  { name: 'by job', options: { byJob: true }, path: 'job/a' },
])('pushes go on while 40 000 series are deleted, in many records ($name)', async ({ options, path }) => {
  const journal = new KeptJournal();
  const { gateway, embedded } = await opened(options, journal);
  const rows = 40_000;
  const other = path === '' ? '' : 'job/b';
  await embedded.push(`# TYPE c counter\n${lines('c', rows)}`, { path });
  await embedded.push('# TYPE d counter\nd 1\n', { path: other });
  const before = journal.records.length;
  let isDone = false;
  const deleted = gateway.deleteMany(series('c{i=~"[0-9]+"}')).finally(() => (isDone = true));
  let pushes = 0;
  let most = 0;
  while (!isDone) {
    const records = journal.records.length;
    await embedded.push('# TYPE d counter\nd 1\n', { path: other });
    pushes += 1;
    // How many records a push had to wait for.
    most = Math.max(most, journal.records.length - records);
  }
  expect(await deleted).toMatchObject({ series: rows, sources: 0, firstSources: [] });
  const dropping = codesSince(journal, before).filter((code) => code === RecordCode.DROP_SERIES).length;
  expect(dropping).toBeGreaterThanOrEqual(Math.floor(rows / 8192));
  expect(pushes).toBeGreaterThanOrEqual(dropping / 2);
  expect(most).toBeLessThanOrEqual(4);
  const expected = `# TYPE d counter\nd ${path === '' ? pushes + 1 : 1}\n`;
  expect(await embedded.scrape()).toBe(expected);
  const again = await opened(options, journal.reopened());
  expect(await again.embedded.scrape()).toBe(expected);
});

test('a record lists no more than 8 192 accumulators', async () => {
  const journal = new KeptJournal();
  const { gateway, embedded } = await opened({}, journal);
  const histogram = (i: number): string =>
    `${Array.from({ length: 98 }, (_, le) => `h_bucket{i="${i}",le="${le}"} 1\n`).join('')}h_bucket{i="${i}",le="+Inf"} 1\nh_sum{i="${i}"} 1\nh_count{i="${i}"} 1\n`;
  await embedded.push(`# TYPE h histogram\n${Array.from({ length: 300 }, (_, i) => histogram(i)).join('')}`);
  const before = journal.records.length;
  expect((await gateway.deleteMany(series('h_bucket'))).series).toBe(300);
  const records = journal.records.slice(before).filter(([code]) => code === RecordCode.DROP_SERIES);
  expect(records.length).toBeGreaterThanOrEqual(4);
  expect(await embedded.scrape()).toBe('');
});

test('many selectors are read in turns, as regular expressions take long to compile', async () => {
  let nowMs = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => (nowMs += 10));
  try {
    const run = await RestartingGateway.start({ clock });
    const match = Array.from({ length: 40 }, (_, i) => `x{l=~".*(a|b?)*${i}"}`);
    const looked = run.deleteMany({ what: 'series', match, isDryRun: true });
    expect(await turnsDuring(looked)).toBeGreaterThanOrEqual(30);
  } finally {
    vi.restoreAllMocks();
  }
});

test('turns are short, however long it takes to look for series', async () => {
  // Whoever looks at the clock finds that he has had his time.
  let nowMs = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => (nowMs += 10));
  try {
    const run = await RestartingGateway.start({ byJob: true, clock });
    await run.gateway.push(`# TYPE c counter\n${lines('c', 30_000)}`, { path: 'job/a' });
    for (const match of ['nothing', 'c'])
      expect(await turnsDuring(run.deleteMany(series(match)))).toBeGreaterThanOrEqual(100);
    expect(await run.page(plainText)).toBe('');
    const long = (i: number): string => `x{i="${i}",l="${'é'.repeat(2000)}"} 1\n`;
    await run.gateway.push(Array.from({ length: 100 }, (_, i) => long(i)).join(''), { path: 'job/a' });
    expect(await turnsDuring(run.deleteMany(series('x{l=~".*a"}')))).toBeGreaterThanOrEqual(12);
    await run.deleteMany(series('x'));
    for (let i = 0; i < 2000; i += 1) await run.gateway.push('a 1\n', { path: `job/${i}` });
    const sources = run.deleteMany({ what: 'sources', match: ['{job=~".+"}'], isDryRun: false });
    expect(await turnsDuring(sources)).toBeGreaterThanOrEqual(6);
    expect((await sources).sources).toBe(2001);
  } finally {
    vi.restoreAllMocks();
  }
});

test('a scrape that began before shows what was there', async () => {
  const journal = new KeptJournal();
  const { gateway, embedded } = await opened({ byJob: true }, journal);
  const body = `# TYPE c counter\n${lines('c', 5000)}# TYPE h histogram\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n`;
  await embedded.push(body, { path: 'job/a' });
  const expected = await embedded.scrape();
  const scrape = gateway.scrape();
  const pages: Buffer[] = [];
  for await (const slice of scrape) {
    if (pages.length === 0) await gateway.deleteMany(all);
    pages.push(Buffer.from(slice));
  }
  expect(Buffer.concat(pages).toString()).toBe(expected);
  expect(await embedded.scrape()).toBe('');
});

test('a dry run leaves no record, and shows the first twenty', async () => {
  const journal = new KeptJournal();
  const { gateway, embedded } = await opened({ byJob: true }, journal);
  for (let i = 0; i < 30; i += 1) await embedded.push(`a{i="${i}"} 1\n`, { path: `job/${i}` });
  await embedded.push('# TYPE h histogram\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n', { path: 'job/h' });
  const [page, before] = [await embedded.scrape(), journal.records.length];
  const would = await gateway.deleteMany({ ...all, isDryRun: true });
  expect([would.series, would.sources]).toEqual([31, 31]);
  expect(would.firstSeries).toEqual(Array.from({ length: 20 }, (_, i) => `a{i="${i}"}`));
  expect(would.firstSources).toHaveLength(20);
  expect(would.firstSources).toContain('{job="0"}');
  expect(await gateway.deleteMany({ ...series('h_sum'), isDryRun: true })).toMatchObject({
    series: 1,
    firstSeries: ['h'],
  });
  expect(journal.records).toHaveLength(before);
  expect(await embedded.scrape()).toBe(page);
});

test('native histograms go, and what comes later is all there is', async () => {
  const journal = new KeptJournal();
  const { gateway, embedded } = await opened({ byJob: true }, journal);
  const native = (count: number): Buffer =>
    pb.family(
      'h',
      { type: 'histogram' },
      pb.histogram(
        { l: 'a' },
        { count, sum: 1, buckets: [] },
        ...pb.nativeFields({
          schema: 0,
          zeroThreshold: 0,
          zeroCount: 0,
          positive: [[0, count]],
          negative: [],
        }),
      ),
    );
  const push = (count: number) => embedded.push(native(count), { path: 'job/a', format: 'protobuf' });
  await push(3);
  expect((await gateway.deleteMany(series('h{l="a"}'))).series).toBe(1);
  expect(gateway.holdings().series).toBe(0);
  await push(5);
  const again = await opened({ byJob: true }, journal.reopened());
  for (const each of [embedded, again.embedded]) expect(await each.scrape()).toContain('h_count{l="a"} 5\n');
});

test('gauge histograms go by the names that OpenMetrics has for their parts', async () => {
  const { gateway, embedded } = await opened({}, new KeptJournal());
  await embedded.push('# TYPE h gaugehistogram\nh_bucket{le="+Inf"} 1\nh_gcount 1\nh_gsum 1\n# EOF\n', {
    format: 'openmetrics',
  });
  expect((await gateway.deleteMany(series('h_gcount'))).series).toBe(1);
});

test('one deletion at a time', async () => {
  const { gateway, embedded } = await opened({}, new KeptJournal());
  await embedded.push(lines('a', 50_000));
  const first = gateway.deleteMany(series('a'));
  await expect(gateway.deleteMany(series('a'))).rejects.toMatchObject({ code: 'overloaded' });
  expect((await first).series).toBe(50_000);
  expect((await gateway.deleteMany(series('a'))).series).toBe(0);
});

test('whoever hangs up stops it; what has gone stays gone, and it may be asked for again', async () => {
  const warnings: object[] = [];
  const log = { ...silentLog, warn: (message: string, fields = {}) => warnings.push({ message, ...fields }) };
  const { gateway, embedded } = await opened({ log }, new KeptJournal());
  await embedded.push(lines('a', 50_000));
  const client = {
    sender: '10.0.0.1',
    get isGone() {
      return gateway.holdings().series < 50_000;
    },
  };
  await expect(gateway.deleteMany({ ...series('a'), client, remote: '10.0.0.1' })).rejects.toThrow();
  const left = gateway.holdings().series;
  expect(left).toBeGreaterThan(0);
  expect(left).toBeLessThan(50_000);
  expect(warnings).toEqual([
    {
      message: 'an admin request was not finished',
      what: 'series',
      match: 'a',
      series: 50_000 - left,
      sources: 0,
      remote: '10.0.0.1',
    },
  ]);
  expect((await gateway.deleteMany(series('a'))).series).toBe(left);
});

test('a gateway that closes stops it, and waits until it has stopped', async () => {
  const journal = new KeptJournal();
  const { gateway, embedded } = await opened({}, journal);
  await embedded.push(lines('a', 50_000));
  const deleted = gateway.deleteMany(series('a'));
  const refused = expect(deleted).rejects.toMatchObject({ code: 'shutting_down' });
  while (gateway.holdings().series === 50_000) await new Promise((resolve) => setImmediate(resolve));
  await gateway.close();
  const records = journal.records.length;
  await refused;
  expect(journal.records).toHaveLength(records);
});

test('it is answered once it is committed', async () => {
  const journal = new HeldJournal();
  const { gateway, embedded } = await opened({}, journal);
  const push = embedded.push('a 1\n');
  journal.commit();
  await push;
  let isAnswered = false;
  const deleted = gateway.deleteMany(series('a')).then(() => (isAnswered = true));
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  expect(gateway.holdings().series).toBe(0);
  expect(isAnswered).toBe(false);
  journal.commit();
  await deleted;
});

test('it is counted, and logged with who asked', async () => {
  const logged: object[] = [];
  const log = { ...silentLog, info: (message: string, fields = {}) => logged.push({ message, ...fields }) };
  const { gateway, embedded } = await opened({ byJob: true, log }, new KeptJournal());
  await embedded.push('# TYPE c counter\nc{l="a"} 1\nc{l="b"} 1\nc{l="c"} 1\n', { path: 'job/a' });
  await gateway.deleteMany({ ...series('c{l="a"}', 'c{l="b"}'), remote: '10.0.0.1' });
  await gateway.deleteMany(all);
  expect(logged).toEqual([
    {
      message: 'deleted by an admin request',
      what: 'series',
      match: 'c{l="a"} c{l="b"}',
      series: 2,
      sources: 0,
      remote: '10.0.0.1',
    },
    { message: 'deleted by an admin request', what: 'all', match: undefined, series: 1, sources: 1 },
  ]);
  const page = (await gateway.telemetry?.page())?.body ?? '';
  expect(page).toContain('prom_aggregation_gateway_deleted_series_total{request="delete_series"} 2\n');
  expect(page).toContain('prom_aggregation_gateway_deleted_series_total{request="wipe"} 1\n');
});

test('sources of which the key is kept as a hash are wiped, and match no selector', async () => {
  const { gateway, embedded } = await opened({ byJob: true }, new KeptJournal());
  await embedded.push('a 1\n', { path: `job/a/b/${'x'.repeat(2000)}` });
  expect(await gateway.deleteMany({ ...all, what: 'sources', match: ['{job="a"}'] })).toMatchObject({
    sources: 0,
  });
  expect(await gateway.deleteMany(all)).toMatchObject({ series: 1, sources: 1 });
});

test('selectors have limits, and are asked for something', async () => {
  const { gateway } = await opened({}, new KeptJournal());
  const refused = (match: readonly string[], message: RegExp): Promise<void> =>
    expect(gateway.deleteMany(series(...match))).rejects.toMatchObject({
      code: 'invalid_parameter',
      message: expect.stringMatching(message) as unknown,
    });
  await refused(
    Array.from({ length: 65 }, () => 'a'),
    /^match\[\] is given 65 times; the maximum is 64/,
  );
  await refused([`a{b="${'x'.repeat(4096)}"}`], /^a match\[\] is 4103 characters long; the maximum is 4096/);
  await refused(['a{b=~"("}'], /^match\[\] ".*", character 6: the regular expression is not RE2/);
  await refused(['sum(a)'], /a series selector is expected/);
});
