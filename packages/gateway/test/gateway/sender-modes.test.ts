/** Senders that push by job and senders that add, by the rules for them, in one gateway. */
import { beforeEach, describe, expect, test } from 'vitest';

import type { EmbeddedOptions } from '../../src/index.ts';
import { createGateway } from '../../src/index.ts';
import { plainText } from '../../src/model/exposition-format.ts';
import { collectingLog } from '../support/collecting-log.ts';
import { RestartingGateway } from '../support/restarting.ts';
import { shortenSteps } from '../support/short-steps.ts';

const counter = (value: number): string => `# TYPE c counter\nc ${value}\n`;
const gauge = (value: number): string => `# TYPE g gauge\ng ${value}\n`;
const both = (value: number): string => `${counter(value)}${gauge(value)}`;

const modes = (...sources: readonly (readonly [job: string, mode: string, more?: object])[]): object => ({
  sources: sources.map(([job, mode, more]) => ({ match: `{job=~"${job}"}`, mode, ...more })),
});

const refusing = { acceptModeChange: false };

async function holding(
  options: EmbeddedOptions,
  pushes: readonly (readonly [job: string, body: string])[],
): Promise<RestartingGateway> {
  const run = await RestartingGateway.start(options);
  for (const [job, body] of pushes) await run.gateway.push(body, { path: `job/${job}` });
  return run;
}

describe.each([
  ['a rule says who pushes by job', { rules: modes(['worker', 'by-job']) }],
  ['a rule says who adds', { byJob: true, rules: modes(['web', 'add']) }],
  [
    'rules say it of all',
    { rules: { sources: [{ match: '{job="web"}', mode: 'add' }, { mode: 'by-job' }] } },
  ],
])('where %s', (_, options: EmbeddedOptions) => {
  test('the pushes of some replace each other, those of others add up, and both share a series', async () => {
    const run = await holding(options, [
      ['worker', both(5)],
      ['web', both(10)],
      ['worker', both(7)],
      ['web', both(10)],
    ]);
    const page = both(27);
    expect(await run.page(plainText)).toBe(page);
    await run.restart();
    expect(await run.page(plainText)).toBe(page);
    await run.takeSnapshot();
    await run.restart();
    expect(await run.page(plainText)).toBe(page);
    await run.gateway.push(both(1), { path: 'job/worker' });
    await run.gateway.push(both(1), { path: 'job/web' });
    expect(await run.page(plainText)).toBe(both(22));
    await run.gateway.delete('job/web');
    await run.gateway.delete('job/worker');
    expect(await run.page(plainText)).toBe(`${counter(22)}${gauge(21)}`);
  });
});

test('what is for sources is asked of senders by job alone', async () => {
  const limits = { sourcesMax: 1 };
  const gateway = createGateway({ limits, rules: modes(['worker.*', 'by-job'], ['', 'by-job']) });
  await gateway.push(counter(1), { path: 'job/worker' });
  await expect(gateway.push(counter(1), { path: 'job/worker2' })).rejects.toMatchObject({
    code: 'sources_limit',
  });
  await expect(gateway.push(counter(1), { path: 'instance/1' })).rejects.toMatchObject({
    code: 'job_missing',
  });
  for (const job of ['a', 'b', 'c']) await gateway.push(counter(1), { path: `job/${job}` });
  expect(await gateway.scrape()).toBe(counter(4));
  await gateway.close();
});

test('averages are of senders by job; others are refused, and the rule is named', async () => {
  const rules = { ...modes(['worker.*', 'by-job']), metrics: [{ match: 'g', gauge: 'avg' }] };
  const gateway = createGateway({ rules });
  await gateway.push(gauge(1), { path: 'job/worker1' });
  await gateway.push(gauge(2), { path: 'job/worker2' });
  await expect(gateway.push(gauge(9), { path: 'job/web' })).rejects.toThrow(/avg/);
  expect(await gateway.scrape()).toBe(gauge(1.5));
  await gateway.close();
});

test('counters that fall are what the rule of their sender says', async () => {
  const rules = modes(
    ['a', 'by-job', { counter_resets: 'accumulate' }],
    ['b', 'by-job', { counter_resets: 'overwrite' }],
  );
  const run = await holding({ jobCounterResets: 'accumulate-by-value', rules }, [
    ['a', counter(10)],
    ['a', counter(1)],
    ['b', counter(200)],
    ['b', counter(100)],
  ]);
  expect(await run.page(plainText)).toBe(counter(111));
  await run.restart();
  expect(await run.page(plainText)).toBe(counter(111));
});

test('as with path labels by flag, series of senders by job get an empty instance, and push times', async () => {
  const run = await holding({ pathLabels: 'add', rules: modes(['worker', 'by-job']) }, [
    ['worker', counter(1)],
    ['web', counter(2)],
  ]);
  const page = await run.page(plainText);
  expect(page).toContain('# TYPE c counter\nc{instance="",job="worker"} 1\nc{job="web"} 2\n');
  expect(page).toMatch(/^push_time_seconds\{instance="",job="worker"\} /m);
  expect(page).not.toMatch(/^push_time_seconds\{job="web"/m);
});

describe('a reload by which a known source would add', () => {
  const options = { byJob: true, rules: {} };
  const pushes = [
    ['a', both(1)],
    ['b', both(2)],
    ['c', both(4)],
  ] as const;

  test.each([
    ['2 known sources', modes(['a|b', 'add'])],
    ['1 known source', { sources: [{ match: '{job!="a"}', mode: 'by-job' }, { mode: 'add' }] }],
    ['3 known sources', { sources: [{ mode: 'add' }] }],
  ])('is refused with their number: %s', async (number, rules) => {
    const run = await holding(options, pushes);
    await expect(run.gateway.setRules(rules)).rejects.toMatchObject({
      code: 'reload_failed',
      text: expect.stringContaining(`by the new ones ${number} would add`),
    });
    await run.gateway.push(both(3), { path: 'job/a' });
    expect(await run.page(plainText)).toBe(both(9));
  });

  test('is taken once they are gone', async () => {
    const run = await holding(options, pushes);
    await run.gateway.delete('job/a');
    await run.setRules(modes(['a', 'add']));
    await run.gateway.push(both(1), { path: 'job/a' });
    expect(await run.page(plainText)).toBe(`${counter(8)}${gauge(7)}`);
  });

  test('is taken where that is accepted: their gauges go, and all else stays', async () => {
    const { log, lines } = collectingLog();
    const run = await holding({ ...options, log }, pushes);
    await run.restart();
    await run.setRules(modes(['a|b', 'add']));
    expect(await run.page(plainText)).toBe(`${counter(7)}${gauge(4)}`);
    expect(run.sources).toBe(1);
    expect(lines).toContainEqual([
      'warn',
      'the mode of known sources has changed; their gauges are removed, and their next totals count in full',
      { sources: 2 },
    ]);
    await run.gateway.push(both(1), { path: 'job/a' });
    expect(await run.page(plainText)).toBe(`${counter(8)}${gauge(5)}`);
    await run.restart({ ...options, log }, refusing).catch(() => {});
    expect(await run.page(plainText)).toBe(`${counter(8)}${gauge(5)}`);
  });
});

describe('a start with other rules', () => {
  const mixed = { rules: modes(['a|b', 'by-job']) };
  const pushes = [
    ['a', both(1)],
    ['b', both(2)],
    ['web', both(4)],
  ] as const;

  test.each([
    [
      'that have a source add',
      { rules: modes(['a', 'by-job']) },
      'the store was written with other rules for sources: 1 source would be forgotten, and senders of totals would add them in full with each push. Start with the previous rules for sources to continue as before',
    ],
    [
      'without any',
      {},
      'the store was written in by-job mode, but the gateway is now in add mode: 2 sources',
    ],
    [
      'with which all push by job',
      { ...mixed, byJob: true },
      'the store was written in add mode for senders of which no rule says it, but the gateway is now in by-job mode: senders of totals would add them in full once more, and each push of senders that reset would replace their previous one. Start without --by-job',
    ],
  ])('%s, is refused', async (_, options, message) => {
    const run = await holding(mixed, pushes);
    await expect(run.restart(options, refusing)).rejects.toMatchObject({
      kind: 'other_mode',
      message: expect.stringContaining(message),
    });
    await run.restart(mixed, refusing);
    expect(await run.page(plainText)).toBe(both(7));
  });

  test('is as a reload where it is accepted', async () => {
    const run = await holding(mixed, pushes);
    await run.restart({ rules: modes(['a', 'by-job']) });
    expect(await run.page(plainText)).toBe(`${counter(7)}${gauge(5)}`);
    expect(run.sources).toBe(1);
    await run.restart({ rules: modes(['a', 'by-job']) }, refusing);
  });

  test('by which some that added push by job loses nothing, and says what that means', async () => {
    const { log, lines } = collectingLog();
    const run = await holding({}, [['a', both(1)]]);
    await run.restart({ ...mixed, log }, refusing);
    const warning = [
      'warn',
      'what senders added that push by job by the new rules stays in the totals, and their next totals count beside it',
      {},
    ];
    expect(lines).toEqual([warning]);
    await run.gateway.push(both(2), { path: 'job/a' });
    await run.gateway.push(both(3), { path: 'job/a' });
    expect(await run.page(plainText)).toBe(both(4));
    await run.setRules(modes(['a|b|d', 'by-job']));
    expect(lines).toEqual([warning, warning]);
  });
});

describe('a push that is under way when the mode of its sender changes', () => {
  beforeEach(() => shortenSteps(20));
  const pad = 'x'.repeat(130);
  const long = `# TYPE c counter\n${Array.from({ length: 1200 }, (_, i) => `c{i="${i}",pad="${pad}"} 1\n`).join('')}`;
  const sumOf = (page: string): number =>
    page.split('\n').reduce((sum, line) => sum + (line.startsWith('c{') ? Number(line.split(' ')[1]) : 0), 0);

  test('counts as the rules in force say', async () => {
    const run = await RestartingGateway.start({ rules: modes(['other', 'by-job']) });
    const path = 'job/a';
    const first = run.gateway.push(long, { path });
    await run.setRules(modes(['other|a', 'by-job']));
    await first;
    await run.gateway.push(long, { path });
    expect(sumOf(await run.page(plainText))).toBe(1200);
    expect(run.sources).toBe(1);
  });

  test('does not become a source that adds from then on', async () => {
    const run = await RestartingGateway.start({ rules: modes(['other|a', 'by-job']) });
    const path = 'job/a';
    const first = run.gateway.push(long, { path });
    await run.setRules(modes(['other', 'by-job']));
    await first;
    await run.gateway.push(long, { path });
    expect(sumOf(await run.page(plainText))).toBe(2400);
    expect(run.sources).toBe(0);
  });
});
