/** What limits of series are not to do to pushes that bring little, and what nobody is to get past them. */
import { expect, test } from 'vitest';

import { ownerParts, readOwners } from '../../src/snapshot/owner-table.ts';
import { encodePart, PartReader } from '../../src/snapshot/parts.ts';
import { atOnce } from '../../src/primitives/turns.ts';
import { WorkingState } from '../state/working-state.ts';
import { Owners, OWNERS_OF_JOBS_MAX } from '../../src/store/owners.ts';
import { AccumulatorKind } from '../../src/store/policies.ts';
import { Limited, token } from '../support/limited.ts';
import { shortenSteps } from '../support/short-steps.ts';
import { turnsDuring } from '../support/turns-during.ts';

test.each(['refuse', 'drop'])('what counts for nothing costs no room, with on_limit: %s', async (onLimit) => {
  const limited = await Limited.with(
    `access:\n  tokens:\n${token('web', `series_max: 4, new_series_per_hour: 5, on_limit: ${onLimit}`)}`,
  );
  const histogram = '# TYPE h histogram\nh_bucket{le="+Inf"} 1\nh_sum NaN\nh_count 1\n';
  const nothing = '# TYPE g gauge\ng NaN\n';
  for (let times = 0; times < 10; times += 1) {
    expect(await limited.push(histogram, { token: 'web' })).toBe('applied');
    expect(await limited.push(nothing, { token: 'web' })).toBe('dropped');
  }
  expect(limited.seriesOf('web')).toBe(2);
  expect(await limited.push('c{i="1"} 1\nc{i="2"} 1\n', { token: 'web' })).toBe('applied');
  // There are as many as may be.
  expect(await limited.push(histogram, { token: 'web' })).toBe('applied');
  expect(await limited.push(`${nothing}c{i="1"} 1\n`, { token: 'web' })).toBe('applied');
  expect(await limited.page()).not.toContain('g NaN');
});

test('known histograms do not widen without end where series are left out', async () => {
  const limited = await Limited.with(
    `access:\n  tokens:\n${token('web', 'series_max: 40, on_limit: drop')}metrics:\n- {match: f, series_max: 2, on_limit: drop}\n`,
    { limits: { bucketsMax: 20 } },
  );
  const widened = (name: string, from: number): string =>
    `# TYPE ${name} histogram\n${Array.from({ length: 8 }, (_, i) =>
      [
        ...Array.from({ length: 5 }, (_at, bound) => `${name}_bucket{i="${i}",le="${from + bound}.5"} 1`),
        `${name}_bucket{i="${i}",le="+Inf"} 1`,
        `${name}_count{i="${i}"} 1\n`,
      ].join('\n'),
    ).join('')}`;
  const outcomes: string[] = [];
  for (const name of ['h', 'f'])
    for (let from = 0; from < 100; from += 5)
      outcomes.push(await limited.push(widened(name, from), { token: 'web' }));
  expect(outcomes).toContainEqual(expect.stringMatching(/^series_limit: .*token web has \d+ of at most 40 /));
  expect(limited.seriesOf('web')).toBeLessThanOrEqual(40 + 20);
  expect(await limited.push('c 1\n', { token: 'web' })).toBe('dropped by limits');
});

test('a histogram of as many buckets as may be is the last one that comes, whole', async () => {
  const limited = await Limited.with(`access:\n  tokens:\n${token('web', 'series_max: 2, on_limit: drop')}`, {
    limits: { bucketsMax: 20 },
  });
  const buckets = Array.from({ length: 19 }, (_, bound) => `h_bucket{le="${bound}.5"} 1\n`).join('');
  const body = `# TYPE h histogram\n${buckets}h_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n`;
  for (let times = 0; times < 2; times += 1)
    expect(await limited.push(body, { token: 'web' })).toBe('applied');
  expect(limited.seriesOf('web')).toBe(22);
});

test('what takes the place of another is nothing new', async () => {
  const limited = await Limited.with(
    `access:\n  tokens:\n${token('web', 'new_series_per_hour: 3')}${token('other', '')}`,
  );
  expect(await limited.push('u{i="1"} 1\nu{i="2"} 1\nu{i="3"} 1\n', { token: 'other' })).toBe('applied');
  expect(await limited.push('# TYPE u gauge\nu{i="1"} 1\nu{i="2"} 1\nu{i="3"} 1\n', { token: 'web' })).toBe(
    'applied',
  );
  expect(await limited.push('c{i="1"} 1\nc{i="2"} 1\nc{i="3"} 1\n', { token: 'web' })).toBe('applied');
});

test.each(['refuse', 'drop'])(
  'push times are no reason to refuse a push, with on_limit: %s',
  async (onLimit) => {
    const limited = await Limited.with(
      `access:\n  tokens:\n${token('web', `series_max: 3, on_limit: ${onLimit}`)}metrics:\n- {match: c, without: [instance]}\n`,
      { byJob: true, pushTimes: true, pathLabels: 'add' },
    );
    const push = (instance: number, body = '# TYPE c counter\nc 1\n') =>
      limited.push(body, { token: 'web', path: `job/x/instance/${instance}` });
    for (let instance = 0; instance < 5; instance += 1) expect(await push(instance)).toBe('applied');
    // Nor do refused ones get past the limit.
    expect(await push(2, 'c x\n')).toMatch(/^syntax/);
    expect(limited.seriesOf('web')).toBe(3);
    expect(await limited.lines()).toEqual([
      'c{instance="",job="x"} 5',
      expect.stringMatching(/^push_failure_time_seconds\{instance="0",job="x"\} /),
      expect.stringMatching(/^push_time_seconds\{instance="0",job="x"\} /),
    ]);
  },
);

test('what comes late brings nothing', async () => {
  const limited = await Limited.with(`access:\n  tokens:\n${token('web', 'new_series_per_hour: 8')}`, {
    byJob: true,
    jobCounterResets: 'accumulate',
  });
  const push = (start: number, series: readonly string[]) => {
    const lines = series.map((name) => `c_total{i="${name}"} 5\nc_created{i="${name}"} ${start}\n`);
    const body = `# TYPE c counter\n${lines.join('')}# EOF\n`;
    return limited.push(body, { token: 'web', path: 'job/x', format: 'openmetrics' });
  };
  expect(await push(1_600_000_009, ['1'])).toBe('applied');
  for (let times = 0; times < 5; times += 1) expect(await push(1_600_000_000, ['1', '2', '3'])).toBe('late');
  expect(await push(1_600_000_009, ['1', '2', '3', '4', '5', '6', '7', '8'])).toBe('applied');
});

test('a refusal says what is so now, of whichever family', async () => {
  const limited = await Limited.with(
    `access:\n  tokens:\n${token('web', 'series_max: 4')}${token('other', '')}`,
  );
  const push = (body: string) => limited.push(body, { token: 'web' });
  expect(await push('c{a="1"} 1\nc{a="2"} 1\nd{b="1"} 1\nd{b="2"} 1\n')).toBe('applied');
  for (let times = 0; times < 2; times += 1) {
    expect(await push('c{a="3"} 1\n')).toMatch(/; "a" is the label with the most values, 2 among 2 /);
    expect(await push('d{b="3"} 1\n')).toMatch(/; "b" is the label with the most values, 2 among 2 /);
  }
  expect(await limited.push('c{z="1"} 1\nc{z="2"} 1\nc{z="3"} 1\n', { token: 'other' })).toBe('applied');
  expect(await push('c{a="3"} 1\n')).toMatch(/; "z" is the label with the most values, 3 among 5 /);
});

test('of histograms a refusal counts series, not buckets', async () => {
  const limited = await Limited.with(`access:\n  tokens:\n${token('web', 'series_max: 450')}`);
  const bounds = Array.from({ length: 99 }, (_, bound) => bound);
  const histogram = (page: number): string =>
    `${bounds.map((bound) => `h_bucket{page="${page}",path="/",le="${bound}"} 1\n`).join('')}h_bucket{page="${page}",path="/",le="+Inf"} 1\nh_sum{page="${page}",path="/"} 1\nh_count{page="${page}",path="/"} 1\n`;
  const body = `# TYPE h histogram\n${[1, 2, 3, 4, 5].map(histogram).join('')}`;
  expect(await limited.push(body, { token: 'web' })).toMatch(
    /; "page" is the label with the most values, 5 among 5 series of h$/,
  );
});

test('jobs that are made up leave room for tokens', () => {
  const owners = new Owners();
  for (let job = 0; job < OWNERS_OF_JOBS_MAX; job += 1)
    owners.give(job, owners.numberOf({ token: '', job: `${job}` }));
  expect(owners.hasRoomFor({ token: '', job: 'another' })).toBe(false);
  expect(owners.hasRoomFor({ token: 'web', job: '7' })).toBe(false);
  expect(owners.hasRoomFor({ token: 'web', job: '' })).toBe(true);
  owners.give(OWNERS_OF_JOBS_MAX, owners.numberOf({ token: 'web', job: '' }));
  expect(owners.ofToken('web')).toBe(1);
  expect(owners.numberOf({ token: '', job: 'another' })).toBe(0);
});

test('a restored state has all owners again, though it meets them in another order', () => {
  const before = new Owners();
  const jobs = Array.from({ length: OWNERS_OF_JOBS_MAX }, (_, job) =>
    before.numberOf({ token: '', job: `${job}` }),
  );
  // The tokens came last, and have the accumulators that are read first.
  before.give(0, before.numberOf({ token: 'a', job: '' }));
  before.give(1, before.numberOf({ token: 'b', job: '' }));
  for (const [i, number] of jobs.entries()) before.give(2 + i, number);
  const count = 2 + jobs.length;
  const { state } = new WorkingState({ byJob: false }, 1);
  const { accumulators } = state;
  const view = new DataView(new ArrayBuffer(8));
  for (let i = 0; i < count; i += 1) {
    view.setFloat64(0, i);
    accumulators.texts.insert(view, 0, 8, accumulators.texts.hash(view, 0, 8));
  }
  accumulators.restoreFamilyColumns(0);
  accumulators.kind.fill(AccumulatorKind.COUNTER);
  for (const part of ownerParts(before.freeze(), accumulators.kind))
    atOnce(readOwners(new PartReader(encodePart(part)), state));
  expect(accumulators.owners.size).toBe(count);
  expect(accumulators.owners.ofJob(`${OWNERS_OF_JOBS_MAX - 1}`)).toBe(1);
});

test('what is left out is work, so that others have their turn where it is much', async () => {
  const limited = await Limited.with(`access:\n  tokens:\n${token('web', 'series_max: 1, on_limit: drop')}`);
  expect(await limited.push('z 1\n', { token: 'web' })).toBe('applied');
  const lines = Array.from({ length: 5000 }, (_, i) => `c{ i="${i}"} 1\n`).join('');
  // However fast the machine is.
  shortenSteps(1);
  const pushed = limited.push(`# TYPE c counter\n${lines}`, { token: 'web' });
  expect(await turnsDuring(pushed)).toBeGreaterThan(3);
  expect(await pushed).toBe('dropped by limits');
});

test('a snapshot of few series that are somebody has, among many, is made in steps', () => {
  const owners = new Owners();
  const kind = new Uint8Array(2 ** 20).fill(AccumulatorKind.COUNTER);
  const given = [7, 2 ** 20 - 1];
  for (const accumulator of given)
    owners.give(accumulator, owners.numberOf({ token: 'web', job: `${accumulator}` }));
  const parts = [...ownerParts(owners.freeze(), kind)];
  expect(parts.length).toBeGreaterThan(4);
  expect(parts.flatMap(({ columns }) => [...(columns[0] as Uint32Array)])).toEqual(given);
  expect(parts.map(({ from }) => from)).toEqual(parts.map((_, i) => (i === 0 ? 0 : 1)));
});
