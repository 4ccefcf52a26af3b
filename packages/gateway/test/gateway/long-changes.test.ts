/** Changes that touch many rows, however short the request: others have the event loop meanwhile, and nobody sees half of a change. */
import { beforeEach, expect, test } from 'vitest';

import type { EmbeddedOptions } from '../../src/index.ts';
import { plainText } from '../../src/model/exposition-format.ts';
import { RestartingGateway } from '../support/restarting.ts';
import { shortenSteps } from '../support/short-steps.ts';
import { turnsDuring } from '../support/turns-during.ts';

const ROWS = 3_000;
/** They have the steps of so many times as many. */
const STEPS_TIMES = 10;
/** A turn has one or two steps where the clock runs as it does here. */
const TURNS_MIN = 4;

beforeEach(() => shortenSteps(STEPS_TIMES));

function lines(name: string, value: number | string = 1): string {
  return Array.from({ length: ROWS }, (_, i) => `${name}{i="${i}"} ${value}\n`).join('');
}

const gauges = `# TYPE g gauge\n${lines('g')}`;
/** Nothing grows old, however often somebody looks at the clock. */
const clock = { now: () => 1_700_000_000_000, elapsed: () => 0 };
const add = { clock } as const;
const byJob = { byJob: true, clock } as const;

interface Case {
  readonly name: string;
  readonly options: EmbeddedOptions;
  readonly before: string;
  readonly change: (run: RestartingGateway) => Promise<unknown>;
  /** Lines that are on the page before, and must all go. */
  readonly goes: RegExp;
}

const cases: readonly Case[] = [
  {
    name: 'a DELETE',
    options: byJob,
    before: gauges,
    change: ({ gateway }) => gateway.delete('job/a'),
    goes: /^g\{/gm,
  },
  {
    name: 'a PUT of less',
    options: byJob,
    before: gauges,
    change: ({ gateway }) => gateway.push('left 1\n', { method: 'PUT', path: 'job/a' }),
    goes: /^g\{/gm,
  },
  {
    name: 'a line that makes strays of untyped series',
    options: add,
    before: lines('x'),
    change: ({ gateway }) => gateway.push('# TYPE x histogram\nx_bucket{le="+Inf"} 1\n'),
    goes: /^x\{/gm,
  },
];

test.each(cases)('$name: others have their turn, and see all of it or nothing', async (each) => {
  const run = await RestartingGateway.start(each.options);
  await run.gateway.push(each.before, { path: 'job/a' });
  expect((await run.page(plainText)).match(each.goes)).toHaveLength(ROWS);
  const change = each.change(run);
  // These come when it has begun.
  const page = run.page(plainText);
  const push = run.gateway.push('# TYPE n counter\nn 1\n', { path: 'job/b' });
  expect(await turnsDuring(change)).toBeGreaterThanOrEqual(TURNS_MIN);
  expect((await page).match(each.goes)).toBeNull();
  await push;
  const expected = await run.page(plainText);
  expect(expected).toContain('n 1\n');
  // Records say the same, and are read in turns as well.
  expect(await turnsDuring(run.restart())).toBeGreaterThanOrEqual(TURNS_MIN);
  expect(await run.page(plainText)).toBe(expected);
});

test('a record of many new series: health is answered while it is read', async () => {
  const run = await RestartingGateway.start(add);
  await run.gateway.push(`# TYPE c counter\n${lines('c')}`);
  expect(await turnsDuring(run.restart())).toBeGreaterThanOrEqual(TURNS_MIN);
  expect((await run.page(plainText)).match(/^c\{/gm)).toHaveLength(ROWS);
});

test('a start by other rules goes in turns, and only then pushes are taken', async () => {
  const run = await RestartingGateway.start(byJob);
  await run.gateway.push(gauges, { path: 'job/a' });
  await run.takeSnapshot();
  expect(await turnsDuring(run.restart(add))).toBeGreaterThanOrEqual(TURNS_MIN);
  await run.gateway.push('# TYPE n counter\nn 1\n');
  const expected = await run.page(plainText);
  expect(expected).toBe('# TYPE n counter\nn 1\n');
  await run.restart();
  expect(await run.page(plainText)).toBe(expected);
});

test('silent sources are reset in turns, and the page that does it shows nothing of them', async () => {
  let nowMs = 1_000_000;
  const ticking = { now: () => nowMs };
  const run = await RestartingGateway.start({ ...byJob, jobPruneDurationMs: 1_000, clock: ticking });
  await run.gateway.push(gauges, { path: 'job/a' });
  await run.gateway.push('# TYPE c counter\nc 1\n', { path: 'job/b' });
  nowMs += 2_000;
  const page = run.page(plainText);
  expect(await turnsDuring(page)).toBeGreaterThanOrEqual(TURNS_MIN);
  expect(await page).toBe('# TYPE c counter\nc 1\n');
});

test('a snapshot with many sums that spilled is of one point in time', async () => {
  const run = await RestartingGateway.start(add);
  for (const value of ['1e200', '1', '1e-200'])
    await run.gateway.push(`# TYPE g gauge\n${lines('g', value)}`);
  const expected = await run.page(plainText);
  const snapshot = run.takeSnapshot();
  const push = run.gateway.push(`# TYPE g gauge\n${lines('g', '-1e200')}`);
  await snapshot;
  await push;
  const later = await run.page(plainText);
  expect(later).not.toBe(expected);
  await run.restart();
  expect(await run.page(plainText)).toBe(later);
});

test('a long push that is read while a short one changes much is counted once', async () => {
  const run = await RestartingGateway.start(add);
  await run.gateway.push(lines('x'));
  const long = run.gateway.push(`# TYPE y counter\n${lines('y')}x{i="1"} 1\n`);
  const short = run.gateway.push('# TYPE x counter\nx{i="0"} 1\n');
  await Promise.all([long, short]);
  const page = await run.page(plainText);
  expect(page).toContain('# TYPE x counter\n');
  expect(page).toContain('x{i="0"} 2\n');
  expect(page).toContain('x{i="1"} 2\n');
  expect(page.match(/^y\{/gm)).toHaveLength(ROWS);
  await run.restart();
  expect(await run.page(plainText)).toBe(page);
});

test('closing waits for a change that is under way', async () => {
  const run = await RestartingGateway.start(byJob);
  await run.gateway.push(gauges, { path: 'job/a' });
  const gone = run.gateway.delete('job/a');
  await run.gateway.close();
  await gone;
  await run.restart();
  expect(await run.page(plainText)).toBe('');
});

test.each(['POST', 'PUT'] as const)(
  'whether there is room for what a large source would have more is counted in turns (%s)',
  async (method) => {
    const run = await RestartingGateway.start({ ...byJob, limits: { sourceBytesTotalMax: 52_000 } });
    await run.gateway.push(gauges, { path: 'job/a' });
    const known = run.gateway.push('g{i="1"} 2\n', { method, path: 'job/a' });
    expect(await turnsDuring(known)).toBeGreaterThanOrEqual(TURNS_MIN);
    const more = run.gateway.push(`# TYPE n gauge\n${lines('n')}`, { path: 'job/b' });
    if (method === 'PUT') await more;
    else await expect(more).rejects.toMatchObject({ code: 'sources_limit' });
    expect(await run.page(plainText)).toContain('g{i="1"} 2\n');
    await run.gateway.close();
  },
);

test('long labels of the path count as what is read', async () => {
  const run = await RestartingGateway.start({ ...add, pathLabels: 'add' });
  const path = `job/a/b/${'x'.repeat(14_000)}`;
  const body = Array.from({ length: 300 }, (_, i) => `n${i} 1\n`).join('');
  expect(await turnsDuring(run.gateway.push(body, { path }))).toBeGreaterThanOrEqual(TURNS_MIN);
  // They are written once; after that their series are known.
  await run.gateway.push(body, { path });
  expect(await run.page(plainText)).toContain('"} 2\n');
});
