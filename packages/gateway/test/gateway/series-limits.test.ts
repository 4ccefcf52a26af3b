/** How many series a token, a family, a source or a job may have, and what becomes of a push with more. */
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';

import { Limited, token } from '../support/limited.ts';
import { ways } from '../support/push-ways.ts';
import { runs } from '../support/runs.ts';

const pages = (from: number, to: number): string =>
  `# TYPE c counter\n${Array.from({ length: to - from }, (_, i) => `c{page="${from + i}"} 1\n`).join('')}`;

const histogram = (page: string): string =>
  [
    '# TYPE h histogram',
    `h_bucket{page="${page}",le="1"} 1`,
    `h_bucket{page="${page}",le="+Inf"} 2`,
    `h_sum{page="${page}"} 3`,
    `h_count{page="${page}"} 2`,
    '',
  ].join('\n');

describe.each(['refuse', 'drop'])('series_max of a token, with on_limit: %s', (onLimit) => {
  const file = `access:\n  tokens:\n${token('web', `series_max: 3, on_limit: ${onLimit}`)}${token('other', '')}`;

  it('holds for new series alone', async () => {
    const limited = await Limited.with(file);
    expect(await limited.push(pages(0, 3), { token: 'web' })).toBe('applied');
    const before = await limited.page();
    const outcome = await limited.push(`${pages(0, 3)}c{page="3"} 1\nc{page="4"} 1\n`, { token: 'web' });
    if (onLimit === 'refuse') {
      expect(outcome).toBe(
        'series_limit: line 5, column 1: c has a new series, and token web has 3 of at most 3 (series_max); "page" is the label with the most values, 3 among 3 series of c',
      );
      expect(await limited.page()).toBe(before);
    } else {
      expect(outcome).toBe('applied');
      expect(await limited.lines()).toEqual(['c{page="0"} 2', 'c{page="1"} 2', 'c{page="2"} 2']);
      expect(await limited.push(pages(3, 4), { token: 'web' })).toBe('dropped by limits');
    }
  });

  it('leaves others alone, and counts what a token brought first', async () => {
    const limited = await Limited.with(file);
    expect(await limited.push(pages(0, 10))).toBe('applied');
    expect(await limited.push(pages(10, 20), { token: 'other' })).toBe('applied');
    // They are others', so none of them is of this one.
    expect(await limited.push(pages(0, 20), { token: 'web' })).toBe('applied');
    expect(await limited.push(pages(20, 23), { token: 'web' })).toBe('applied');
    expect(await limited.push(pages(0, 23))).toBe('applied');
    expect(await limited.push(pages(23, 24), { token: 'web' })).toMatch(/^(series_limit|dropped by limits)/);
    expect(await limited.push(pages(23, 24), { token: 'other' })).toBe('applied');
    expect(await limited.push(pages(23, 24), { token: 'web' })).toBe('applied');
  });

  it.each([false, true])('is the same after a restart (from a snapshot: %s)', async (snapshot) => {
    const limited = await Limited.with(file);
    expect(await limited.push(pages(0, 2), { token: 'web' })).toBe('applied');
    expect(await limited.push(pages(2, 9))).toBe('applied');
    await limited.restart({ snapshot });
    expect(await limited.push(pages(9, 10), { token: 'web' })).toBe('applied');
    await limited.restart({ snapshot });
    expect(await limited.push(pages(10, 11), { token: 'web' })).toMatch(/^(series_limit|dropped by limits)/);
    expect(await limited.push(pages(0, 10), { token: 'web' })).toBe('applied');
  });
});

test('what goes makes room, for the token that brought it', async () => {
  const limited = await Limited.with(`access:\n  tokens:\n${token('web', 'series_max: 2')}`, { byJob: true });
  const gauges = (from: number): string => `# TYPE g gauge\ng{i="${from}"} 1\ng{i="${from + 1}"} 1\n`;
  for (let from = 0; from < 10; from += 2) {
    expect(await limited.push(gauges(from), { token: 'web' })).toBe('applied');
    expect(await limited.push('# TYPE g gauge\ng{i="x"} 1\n', { token: 'web' })).toMatch(/^series_limit/);
    expect(await limited.delete('job/x')).toBe(true);
    if (from === 4) await limited.restart({ snapshot: true });
    if (from === 6) await limited.restart();
  }
  expect(await limited.lines()).toEqual([]);
});

test('a histogram is let in whole or not at all', async () => {
  const limited = await Limited.with(`access:\n  tokens:\n${token('web', 'series_max: 5, on_limit: drop')}`);
  // Of four numbers; of the second, two fit, so the limit is passed by it.
  expect(await limited.push(histogram('a'), { token: 'web' })).toBe('applied');
  expect(await limited.push(histogram('b'), { token: 'web' })).toBe('dropped by limits');
  expect(await limited.push('c 1\n', { token: 'web' })).toBe('applied');
  expect(await limited.push(histogram('a') + '# TYPE d counter\nd 1\n', { token: 'web' })).toBe('applied');
  expect(await limited.lines()).toEqual([
    'c 1',
    'h_bucket{page="a",le="1"} 2',
    'h_bucket{page="a",le="+Inf"} 4',
    'h_sum{page="a"} 6',
    'h_count{page="a"} 4',
  ]);
  expect(await limited.page()).not.toContain('TYPE d');
});

describe('in every format, and however it is read,', () => {
  it.each(Object.entries(ways))('what is new is left out or refused: %s', async (_name, way) => {
    for (const onLimit of ['refuse', 'drop']) {
      const limited = await Limited.with(
        `access:\n  tokens:\n${token('web', `series_max: 20, on_limit: ${onLimit}`)}`,
        { openmetrics: 'lenient' },
      );
      const known = way([
        { name: 'depth', series: [{ page: 'a' }] },
        { name: 'seconds', bounds: [1] },
      ]);
      const all = way([
        {
          name: 'depth',
          series: [{ page: 'a' }, ...Array.from({ length: 30 }, (_, i) => ({ page: `n${i}` }))],
        },
        { name: 'seconds', bounds: [1] },
      ]);
      const push = ({ body, format }: typeof known) => limited.push(body, { token: 'web', format });
      expect(await push(known)).toBe('applied');
      const outcome = await push(all);
      expect(outcome).toMatch(onLimit === 'drop' ? /^applied$/ : /^series_limit: /);
      for (let times = 0; times < 3; times += 1) expect(await push(known)).toBe('applied');
      const lines = await limited.lines();
      // With those of the histogram.
      expect(lines).toHaveLength(onLimit === 'drop' ? 20 : 5);
      expect(lines[0]).toBe(`depth{page="a"} ${onLimit === 'drop' ? 5 : 4}`);
    }
  });
});

test('new_series_per_hour: as many at once, and then as time goes by', async () => {
  const limited = await Limited.with(`access:\n  tokens:\n${token('web', 'new_series_per_hour: 60')}`);
  expect(await limited.push(pages(0, 60), { token: 'web' })).toBe('applied');
  expect(await limited.push(pages(0, 60), { token: 'web' })).toBe('applied');
  expect(await limited.push(pages(60, 61), { token: 'web' })).toMatch(
    /^too_many_requests: .*token web may bring 60 new ones an hour \(new_series_per_hour\)/,
  );
  limited.nowMs += 120_000;
  expect(await limited.push(pages(60, 63), { token: 'web' })).toMatch(/^too_many_requests/);
  // What was refused has cost nothing.
  expect(await limited.push(pages(60, 62), { token: 'web' })).toBe('applied');
});

test.each(['refuse', 'drop'])('series_max of families, with %s', async (onLimit) => {
  const limited = await Limited.with(
    `metrics:\n- {match: '{__name__=~"c|h"}', series_max: 4, on_limit: ${onLimit}}\n`,
  );
  expect(await limited.push(pages(0, 4))).toBe('applied');
  expect(await limited.push(histogram('a'))).toBe('applied');
  expect(await limited.push(`free{page="1"} 1\nfree{page="2"} 1\n`)).toBe('applied');
  const beyond = await limited.push(`${pages(0, 6)}free{page="3"} 1\n`);
  expect(beyond).toMatch(
    onLimit === 'drop' ? /^applied$/ : /^series_limit: .*c has 4 of at most 4 \(series_max\)/,
  );
  expect(await limited.push(histogram('b'))).toMatch(/^(series_limit|dropped by limits)/);
  expect((await limited.lines()).filter((line) => !line.startsWith('h'))).toEqual(
    [0, 1, 2, 3]
      .map((i) => `c{page="${i}"} ${onLimit === 'drop' ? 2 : 1}`)
      .concat('free{page="1"} 1', 'free{page="2"} 1', onLimit === 'drop' ? ['free{page="3"} 1'] : []),
  );
});

test.each(['refuse', 'drop'])('limits of sources and jobs, with %s', async (onLimit) => {
  const limited = await Limited.with(
    `sources:\n- {match: '{job=~"a|b"}', series_max: 2, job_series_max: 3, on_limit: ${onLimit}}\n`,
    { byJob: true },
  );
  const beyond = /^(series_limit|dropped by limits)/;
  const push = (path: string, from: number, to: number) => limited.push(pages(from, to), { path });
  expect(await push('job/a/instance/1', 0, 2)).toBe('applied');
  expect(await push('job/a/instance/1', 2, 3)).toMatch(beyond);
  expect(await push('job/a/instance/2', 2, 3)).toBe('applied');
  expect(await push('job/a/instance/2', 3, 4)).toMatch(beyond);
  expect(await push('job/b/instance/1', 3, 5)).toBe('applied');
  expect(await push('job/c/instance/1', 5, 50)).toBe('applied');
  await limited.restart({ snapshot: true });
  expect(await push('job/a/instance/3', 50, 51)).toMatch(beyond);
  await limited.restart();
  expect(await push('job/b/instance/2', 50, 51)).toBe('applied');
  expect(await push('job/b/instance/2', 51, 52)).toMatch(beyond);
});

test('a rule that renames series does so before they are counted', async () => {
  const limited = await Limited.with(
    `metric_relabel_configs: [{action: labeldrop, regex: pod}]\naccess:\n  tokens:\n${token('web', 'series_max: 1, on_limit: drop')}`,
  );
  for (let pod = 0; pod < 20; pod += 1)
    expect(await limited.push(`# TYPE c counter\nc{pod="${pod}"} 1\n`, { token: 'web' })).toBe('applied');
  expect(await limited.push('# TYPE c counter\nc{pod="1",page="2"} 1\n', { token: 'web' })).toBe(
    'dropped by limits',
  );
  expect(await limited.lines()).toEqual(['c 20']);
});

test('buckets that fold stay whose they were', async () => {
  const file = `access:\n  tokens:\n${token('web', 'series_max: 4')}`;
  const limited = await Limited.with(file);
  expect(await limited.push(histogram('a'), { token: 'web' })).toBe('applied');
  expect(await limited.push('c 1\n', { token: 'web' })).toMatch(/^series_limit/);
  await limited.reload(`${file}metrics: [{match: h, buckets: [5]}]\n`);
  // Of four numbers there are four: a bucket was made in the place of another.
  expect(await limited.push('c 1\n', { token: 'web' })).toMatch(/^series_limit/);
  await limited.reload(`${file}metrics: [{match: h, buckets: [0.5]}]\n`);
  expect(await limited.push('c 1\n', { token: 'web' })).toBe('applied');
  await limited.restart();
  expect(await limited.push('d 1\n', { token: 'web' })).toMatch(/^series_limit/);
});

interface Series {
  readonly owner: string;
  readonly sources: Set<string>;
}

/** Gauges of sources, each of which goes with its last source. */
class NaiveGauges {
  readonly max: number;
  readonly series = new Map<string, Series>();

  constructor(max: number) {
    this.max = max;
  }

  push(owner: string, source: string, names: readonly string[]): void {
    for (const name of names) {
      const known = this.series.get(name);
      if (known !== undefined) known.sources.add(source);
      else if (this.countOf(owner) < this.max) this.series.set(name, { owner, sources: new Set([source]) });
    }
  }

  delete(source: string): void {
    for (const [name, { sources }] of this.series)
      if (sources.delete(source) && sources.size === 0) this.series.delete(name);
  }

  countOf(owner: string): number {
    return [...this.series.values()].filter((each) => each.owner === owner).length;
  }

  lines(): readonly string[] {
    return [...this.series].map(([name, { sources }]) => `g{i="${name}"} ${sources.size}`).sort();
  }
}

const owners = ['a', 'b', 'c'];
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      owner: fc.constantFrom(...owners),
      source: fc.constantFrom('1', '2', '3'),
      names: fc.uniqueArray(fc.integer({ min: 0, max: 30 }).map(String), { minLength: 1, maxLength: 8 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ deleted: fc.constantFrom('1', '2', '3') }) },
  { weight: 1, arbitrary: fc.record({ snapshot: fc.boolean() }) },
);

test('the page and what tokens have are those of a model, whatever is pushed, deleted and restarted', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 6 }),
      fc.array(step, { maxLength: 30, size: 'max' }),
      async (max, steps) => {
        const tokens = owners.map((name) => token(name, `series_max: ${max}, on_limit: drop`)).join('');
        const limited = await Limited.with(`access:\n  tokens:\n${tokens}`, { byJob: true });
        const model = new NaiveGauges(max);
        for (const each of steps) {
          if ('snapshot' in each) await limited.restart(each);
          else if ('deleted' in each) {
            await limited.delete(`job/x/instance/${each.deleted}`);
            model.delete(each.deleted);
          } else {
            const { owner, source, names } = each;
            const body = `# TYPE g gauge\n${names.map((name) => `g{i="${name}"} 1\n`).join('')}`;
            await limited.push(body, { token: owner, path: `job/x/instance/${source}` });
            model.push(owner, source, names);
          }
          expect([...(await limited.lines())].sort()).toEqual(model.lines());
          for (const owner of owners) expect(limited.seriesOf(owner)).toBe(model.countOf(owner));
        }
      },
    ),
    { numRuns: runs(60) },
  );
});
