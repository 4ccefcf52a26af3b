/** What becomes of new series beyond a limit with `on_limit: overflow`. */
import { describe, expect, it, test } from 'vitest';

import { Limited, token } from '../support/limited.ts';

const of = (limits: string, more = ''): string =>
  `access:\n  tokens:\n${token('web', limits).replace(', limits', `${more}, limits`)}`;
const counters = (...pages: readonly string[]): string =>
  `# TYPE c counter\n${pages.map((page, i) => `c{page="${page}"} ${i + 1}\n`).join('')}`;

describe('by adding', () => {
  it('adds new series to one that stands for them, whatever labels they have', async () => {
    const limited = await Limited.with(of('series_max: 2, on_limit: overflow'));
    expect(await limited.push(counters('a', 'b', 'x', 'y'), { token: 'web' })).toBe('applied');
    expect(await limited.push('# TYPE c counter\nc{session="1"} 10\n', { token: 'web' })).toBe('applied');
    expect(await limited.lines()).toEqual(['c{page="__overflow__"} 17', 'c{page="a"} 1', 'c{page="b"} 2']);
    // Others have no limit.
    expect(await limited.push(counters('x'))).toBe('applied');
    expect(await limited.lines()).toContain('c{page="x"} 1');
    expect(await limited.push(counters('x'), { token: 'web' })).toBe('applied');
    expect(await limited.lines()).toContain('c{page="x"} 2');
  });

  it('leaves a series without labels alone, and labels that the token sets', async () => {
    const limited = await Limited.with(of('series_max: 1, on_limit: overflow', ', set_labels: {site: s}'));
    expect(await limited.push('# TYPE c counter\nc{page="a",site="x"} 1\nc 2\n', { token: 'web' })).toBe(
      'applied',
    );
    expect(await limited.lines()).toEqual(['c{page="a",site="s"} 1', 'c{site="s"} 2']);
    expect(await limited.push(counters('b'), { token: 'web' })).toMatch(/^series_limit: /);
    await limited.reload(of('series_max: 2, on_limit: overflow', ', set_labels: {site: s}'));
    expect(await limited.push(counters('b', 'd'), { token: 'web' })).toBe('applied');
    expect(await limited.lines()).toContain('c{page="__overflow__",site="s"} 3');
  });

  it('refuses what would need more that stand for others than the limit says again', async () => {
    const limited = await Limited.with(of('series_max: 2, on_limit: overflow'));
    const families = (from: number, to: number): string =>
      Array.from({ length: to - from }, (_, i) => `f${from + i}{l="x"} 1\n`).join('');
    expect(await limited.push(families(0, 4), { token: 'web' })).toBe('applied');
    const before = await limited.page();
    expect(await limited.push(families(4, 5), { token: 'web' })).toBe(
      'series_limit: line 1, column 1: f4 has a new series, and token web has 4 of at most 2 (series_max), and as many again that stand for others',
    );
    expect(await limited.page()).toBe(before);
    expect(await limited.push('f3{l="y"} 1\nf1{l="x"} 5\n', { token: 'web' })).toBe('applied');
    expect(await limited.lines()).toEqual([
      'f0{l="x"} 1',
      'f1{l="x"} 6',
      'f2{l="__overflow__"} 1',
      'f3{l="__overflow__"} 2',
    ]);
  });

  it('folds buckets into those that are there', async () => {
    const limited = await Limited.with('metrics:\n- {match: h, series_max: 5, on_limit: overflow}\n');
    const histogram = (page: string, ...bounds: readonly number[]): string =>
      [
        '# TYPE h histogram',
        ...bounds.map((bound, i) => `h_bucket{page="${page}",le="${bound}"} ${i + 1}`),
        `h_bucket{page="${page}",le="+Inf"} ${bounds.length + 1}`,
        `h_sum{page="${page}"} 0.5`,
        `h_count{page="${page}"} ${bounds.length + 1}`,
        '',
      ].join('\n');
    expect(await limited.push(histogram('a', 1, 2))).toBe('applied');
    expect(await limited.push(histogram('b', 1, 4))).toBe('applied');
    expect(await limited.push(histogram('c', 0.5, 2, 8))).toBe('applied');
    expect((await limited.lines()).filter((line) => line.includes('__overflow__'))).toEqual([
      'h_bucket{page="__overflow__",le="1"} 2',
      'h_bucket{page="__overflow__",le="4"} 4',
      'h_bucket{page="__overflow__",le="+Inf"} 7',
      'h_sum{page="__overflow__"} 1',
      'h_count{page="__overflow__"} 7',
    ]);
  });

  it('has start times go with their counters', async () => {
    const limited = await Limited.with(of('series_max: 3, on_limit: overflow'));
    const started = (...pages: readonly string[]): string =>
      `${counters(...pages)}# TYPE c_created gauge\n${pages.map((page, i) => `c_created{page="${page}"} ${1_700_000_000 - i}\n`).join('')}`;
    expect(await limited.push(started('a', 'b', 'x'), { token: 'web' })).toBe('applied');
    expect(await limited.lines()).toEqual([
      'c{page="__overflow__"} 5',
      'c{page="a"} 1',
      'c_created{page="__overflow__"} 1699999998',
      'c_created{page="a"} 1700000000',
    ]);
  });

  it('leaves what is a number and nothing else alone: NaN of a gauge is no series', async () => {
    const limited = await Limited.with(of('series_max: 1, on_limit: overflow'));
    expect(
      await limited.push('# TYPE g gauge\ng{i="1"} 1\ng{i="2"} NaN\ng{i="3"} 3\n', { token: 'web' }),
    ).toBe('applied');
    expect(await limited.lines()).toEqual(['g{i="1"} 1', 'g{i="__overflow__"} 3']);
  });

  it('is the same for new series in an hour', async () => {
    const limited = await Limited.with(of('new_series_per_hour: 2, on_limit: overflow'));
    expect(await limited.push(counters('a', 'b', 'x'), { token: 'web' })).toBe('applied');
    limited.nowMs += 3_600_000;
    expect(await limited.push(counters('x'), { token: 'web' })).toBe('applied');
    expect(await limited.lines()).toEqual([
      'c{page="__overflow__"} 3',
      'c{page="a"} 1',
      'c{page="b"} 2',
      'c{page="x"} 1',
    ]);
  });
});

describe('by job', () => {
  const file = 'sources:\n- {series_max: 2, on_limit: overflow}\n';
  const gauges = (...all: readonly string[]): string =>
    `# TYPE g gauge\n${all.map((i, value) => `g{i="${i}"} ${value + 1}\n`).join('')}`;

  test.each([false, true])(
    'what a source has there stays there (restart from a snapshot: %s)',
    async (snapshot) => {
      const limited = await Limited.with(file, { byJob: true });
      const push = (body: string, path = 'job/x'): Promise<string> =>
        limited.push(body, { path, method: 'PUT' });
      expect(await push(counters('a', 'b', 'x'))).toBe('applied');
      expect(await limited.lines()).toEqual(['c{page="__overflow__"} 3', 'c{page="a"} 1', 'c{page="b"} 2']);
      await limited.restart({ snapshot });
      await limited.reload('metrics: []\n');
      expect(await push(counters('a', 'b', 'x'))).toBe('applied');
      // Others have them by themselves.
      expect(await push(counters('x'), 'job/y')).toBe('applied');
      expect(await push(counters('a', 'b', 'x', 'y'))).toBe('applied');
      expect(await limited.lines()).toEqual([
        'c{page="__overflow__"} 7',
        'c{page="a"} 1',
        'c{page="b"} 2',
        'c{page="x"} 1',
      ]);
      await limited.deleteSeries('{page="__overflow__"}');
      expect(await push(counters('a', 'b', 'x', 'y'))).toBe('applied');
      expect(await limited.lines()).toEqual([
        'c{page="a"} 1',
        'c{page="b"} 2',
        'c{page="x"} 4',
        'c{page="y"} 4',
      ]);
    },
  );

  it('lets gauges go from there as from elsewhere', async () => {
    const limited = await Limited.with(file, { byJob: true });
    expect(await limited.push(gauges('a', 'b', 'x', 'y'), { method: 'PUT' })).toBe('applied');
    expect(await limited.lines()).toEqual(['g{i="__overflow__"} 7', 'g{i="a"} 1', 'g{i="b"} 2']);
    expect(await limited.push(gauges('a'), { method: 'PUT' })).toBe('applied');
    expect(await limited.lines()).toEqual(['g{i="a"} 1']);
    expect(await limited.push(gauges('a', 'x'), { method: 'PUT' })).toBe('applied');
    expect(await limited.lines()).toEqual(['g{i="a"} 1', 'g{i="x"} 2']);
    expect(await limited.delete('job/x')).toBe(true);
    expect(await limited.lines()).toEqual([]);
  });

  it('counts nothing twice where its source pushes while a long push is read', async () => {
    const limited = await Limited.with('metrics:\n- {match: c, series_max: 2, on_limit: overflow}\n', {
      byJob: true,
    });
    expect(await limited.push(counters('a'))).toBe('applied');
    // There is room for b when the long one begins, and none once d has come.
    const long = limited.push(`${counters('a', 'b')}${'\n'.repeat(4_000_000)}`);
    const short = limited.push(counters('a', 'd', 'b'));
    expect(await Promise.all([long, short])).toEqual(['applied', 'applied']);
    expect(await limited.lines()).toEqual(['c{page="__overflow__"} 2', 'c{page="a"} 1', 'c{page="d"} 2']);
  });

  it('has push times beside it', async () => {
    const limited = await Limited.with('sources:\n- {series_max: 4, on_limit: overflow}\n', {
      byJob: true,
      pathLabels: 'add',
      pushTimes: true,
    });
    const all = ['1', '2', '3', '4'].map((l) => `a{l="${l}"} ${l}\n`).join('');
    for (const _ of [1, 2]) {
      expect(await limited.push(all)).toBe('applied');
      expect((await limited.lines()).map((line) => line.replace(/ \d{10}.*/, ' T'))).toEqual([
        'a{instance="",job="x",l="1"} 1',
        'a{instance="",job="x",l="2"} 2',
        'a{instance="__overflow__",job="__overflow__",l="__overflow__"} 7',
        'push_failure_time_seconds{instance="",job="x"} 0',
        'push_time_seconds{instance="",job="x"} T',
      ]);
    }
  });
});
