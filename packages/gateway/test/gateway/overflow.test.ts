/** What becomes of new series beyond a limit with `on_limit: overflow`. */
import { describe, expect, it, test, vi } from 'vitest';

import { ByteTable } from '../../src/primitives/byte-table.ts';
import { RewriteSink } from '../../src/ingest/rewrite/rewrite-sink.ts';
import { SeriesLimits } from '../../src/ingest/series-limits.ts';
import { Limited, token } from '../support/limited.ts';
import { turnsDuring } from '../support/turns-during.ts';

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

  it('gives others their turns while families of one series each are gone through', async () => {
    const limited = await Limited.with(of('series_max: 3000, on_limit: overflow'));
    const families = Array.from({ length: 4000 }, (_, i) => `f${i}{l="x"} 1\n`).join('');
    const spy = vi.spyOn(performance, 'now');
    let nowMs = 0;
    spy.mockImplementation(() => (nowMs += 10));
    try {
      expect(await turnsDuring(limited.push(families, { token: 'web' }))).toBeGreaterThanOrEqual(320);
    } finally {
      spy.mockRestore();
    }
    expect(limited.seriesOf('web')).toBe(4000);
  });

  it('gives others their turns while histograms are brought together', async () => {
    const limited = await Limited.with(of('series_max: 5, on_limit: overflow'));
    const histogram = (i: number): string =>
      `h_bucket{i="${i}",le="+Inf"} 2\nh_sum{i="${i}"} 3\nh_count{i="${i}"} 2\n`;
    const histograms = Array.from({ length: 2000 }, (_, i) => histogram(i)).join('');
    const spy = vi.spyOn(performance, 'now');
    let nowMs = 0;
    spy.mockImplementation(() => (nowMs += 10));
    try {
      const push = limited.push(`# TYPE h histogram\n${histograms}`, { token: 'web' });
      expect(await turnsDuring(push)).toBeGreaterThanOrEqual(330);
    } finally {
      spy.mockRestore();
    }
    expect(await limited.lines()).toContain('h_count{i="__overflow__"} 3998');
  });

  it('goes no further through a push than to what there is no room for besides', async () => {
    const limited = await Limited.with(of('series_max: 2, on_limit: overflow'));
    const families = Array.from({ length: 1000 }, (_, i) => `f${i}{l="x"} 1\n`).join('');
    const looked = vi.spyOn(SeriesLimits.prototype, 'exceeded');
    try {
      expect(await limited.push(families, { token: 'web' })).toMatch(/^series_limit: line 5, column 1: f4 /);
      expect(looked.mock.calls.length).toBeLessThan(100);
    } finally {
      looked.mockRestore();
    }
  });

  it('does not look at each series that others push with such values', async () => {
    const limited = await Limited.with(of('series_max: 1, on_limit: overflow'));
    await limited.push(counters('a', 'b'), { token: 'web' });
    const theirs = Array.from({ length: 2000 }, (_, i) => `c{i="__overflow__",j="${i}"} 1\n`).join('');
    expect(await limited.push(`# TYPE c counter\n${theirs}`)).toBe('applied');
    const read = vi.spyOn(ByteTable.prototype, 'textOf');
    try {
      expect(await limited.push(counters('a', 'd'), { token: 'web' })).toBe('applied');
      expect(read.mock.calls.length).toBeLessThan(200);
    } finally {
      read.mockRestore();
    }
    expect(await limited.lines()).toContain('c{page="__overflow__"} 4');
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

  it('does not begin anew when a histogram with other bounds comes to those that are added up', async () => {
    const limited = await Limited.with('metrics:\n- {match: h, series_max: 6, on_limit: overflow}\n', {
      byJob: true,
      jobCounterResets: 'accumulate-by-value',
    });
    const histogram = (i: number, ...bounds: readonly number[]): string =>
      [
        ...bounds.map((bound) => `h_bucket{i="${i}",le="${bound}"} 1`),
        `h_bucket{i="${i}",le="+Inf"} 2\nh_sum{i="${i}"} 3\nh_count{i="${i}"} 2\n`,
      ].join('\n');
    const push = async (path: string, ...histograms: readonly string[]): Promise<void> =>
      expect(await limited.push(`# TYPE h histogram\n${histograms.join('')}`, { path })).toBe('applied');
    await push('job/a', histogram(1, 1, 2, 4));
    await push('job/b', histogram(2, 0.5, 1, 2));
    await push('job/a', histogram(1, 1, 2, 4), histogram(3, 1, 2));
    await push('job/a', histogram(1, 1, 2, 4), histogram(3, 1, 2), histogram(4, 0.5, 1));
    expect((await limited.lines()).filter((line) => line.includes('__overflow__'))).toEqual([
      'h_bucket{i="__overflow__",le="0.5"} 2',
      'h_bucket{i="__overflow__",le="1"} 3',
      'h_bucket{i="__overflow__",le="2"} 3',
      'h_bucket{i="__overflow__",le="+Inf"} 6',
      'h_sum{i="__overflow__"} 9',
      'h_count{i="__overflow__"} 6',
    ]);
  });

  it('counts once what another gateway pushes that has such series itself', async () => {
    const limited = await Limited.with(file, { byJob: true });
    const push = async (...series: readonly string[]): Promise<void> =>
      expect(await limited.push(`# TYPE c counter\n${series.join('')}`, { method: 'PUT' })).toBe('applied');
    const theirs = 'c{i="__overflow__",j="0"} 1\n';
    await push(theirs, 'c{i="1"} 2\n', 'c{k="3"} 4\n');
    await push(theirs, 'c{i="1"} 2\n', 'c{k="3"} 5\n', 'c{i="4"} 6\n');
    expect(await limited.lines()).toEqual([
      'c{i="1"} 2',
      'c{i="__overflow__",j="0"} 1',
      'c{k="__overflow__"} 11',
    ]);
  });

  it('leaves alone without limits what is beside such series of another gateway', async () => {
    const limited = await Limited.with('', { byJob: true });
    await limited.push('# TYPE c counter\nc{i="__overflow__"} 1\n');
    expect(await limited.push('# TYPE c counter\nc{i="__overflow__"} 1\nc{i="a"} 2\n')).toBe('applied');
    expect(await limited.lines()).toEqual(['c{i="__overflow__"} 1', 'c{i="a"} 2']);
  });

  it('reads what another gateway pushes as other pushes, as long as nothing of it is new', async () => {
    const limited = await Limited.with(file, { byJob: true });
    const push = async (body: string): Promise<void> =>
      expect(await limited.push(body, { method: 'PUT' })).toBe('applied');
    const theirs = '# TYPE c counter\nc{i="__overflow__"} 1\nc{i="a"} 2\n';
    await push(theirs);
    const rewritten = vi.spyOn(RewriteSink.prototype, 'begin');
    try {
      await push(theirs);
      expect(rewritten).not.toHaveBeenCalled();
      await push(`${theirs}c{i="b"} 4\n`);
      expect(rewritten).toHaveBeenCalled();
    } finally {
      rewritten.mockRestore();
    }
    expect(await limited.lines()).toEqual(['c{i="__overflow__"} 5', 'c{i="a"} 2']);
  });

  it('counts once what a long push of a source without limits brings beside one that overflows', async () => {
    const limited = await Limited.with(
      `access:\n  tokens:\n${token('a', '')}${token('b', 'series_max: 1, on_limit: overflow')}`,
      { byJob: true },
    );
    const comments = Array.from({ length: 1000 }, () => `# ${'x'.repeat(1000)}\n`).join('');
    const all = counters('1', '2', '3');
    const long = limited.push(`${comments}${all}${comments}`, { token: 'a' });
    expect(await limited.push(all, { token: 'b' })).toBe('applied');
    expect(await long).toBe('applied');
    expect(await limited.lines()).toEqual(['c{page="1"} 1', 'c{page="__overflow__"} 5']);
  });

  it('knows of a restart by start times that stand before what they are of', async () => {
    const limited = await Limited.with(file, {
      byJob: true,
      jobCounterResets: 'accumulate',
      openmetrics: 'lenient',
    });
    const push = async (startSeconds: number, value: number): Promise<void> => {
      const series = ['1', '2', '3', '4'].map(
        (i) => `c_created{i="${i}"} ${startSeconds}\nc_total{i="${i}"} ${value}\n`,
      );
      const body = `# TYPE c counter\n${series.join('')}# EOF\n`;
      expect(await limited.push(body, { format: 'openmetrics' })).toBe('applied');
    };
    await push(1_600_000_000, 5);
    await push(1_600_000_100, 9);
    expect(await limited.lines()).toEqual([
      'c_total{i="1"} 14',
      'c_total{i="2"} 14',
      'c_total{i="__overflow__"} 28',
    ]);
  });

  it('takes back what a gauge there was when all that its source has there is NaN', async () => {
    const limited = await Limited.with(file, { byJob: true });
    const push = async (...values: readonly string[]): Promise<void> => {
      const series = values.map((value, i) => `g{i="${i}"} ${value}\n`).join('');
      expect(await limited.push(`# TYPE g gauge\n${series}`)).toBe('applied');
    };
    await push('1', '2', '3', '4');
    await push('1', '2', 'NaN', '5');
    expect(await limited.lines()).toEqual(['g{i="0"} 1', 'g{i="1"} 2', 'g{i="__overflow__"} 5']);
    await push('1', '2', 'NaN', 'NaN');
    expect(await limited.lines()).toEqual(['g{i="0"} 1', 'g{i="1"} 2']);
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
