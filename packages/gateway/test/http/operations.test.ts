/** What operators ask: who scrapes, who had what go, what is nearly full, which rules hold. */
import { createHash } from 'node:crypto';

import { describe, expect, it, test } from 'vitest';

import { waitFor } from './helpers.ts';
import { serving } from './serving-insight.ts';

const digestOf = (token: string): string => createHash('sha256').update(token).digest('hex');

test('scrapers are listed with what they took', async () => {
  const { ask, push } = await serving();
  await push('', 'a 1\n');
  for (let i = 0; i < 3; i += 1) await ask('/metrics', { headers: { 'User-Agent': 'Prometheus/3' } });
  await ask('/-/metrics', { headers: { 'User-Agent': `<script>${'x'.repeat(5000)}` } });
  await ask('/metrics', { method: 'HEAD' });
  const { data } = await ask('/api/v1/scrapers');
  const number = expect.any(Number) as unknown;
  expect(data.scrapers).toMatchObject([
    {
      target: 'own',
      userAgent: expect.stringMatching(/^<script>x+…$/) as unknown,
      scrapes: 1,
      intervalSeconds: null,
    },
    {
      target: 'aggregate',
      address: '127.0.0.1',
      userAgent: 'Prometheus/3',
      last: number,
      intervalSeconds: number,
      bytes: 21,
      format: 'text',
      seconds: number,
      scrapes: 3,
    },
  ]);
  for (let i = 0; i < 80; i += 1) await ask('/metrics', { headers: { 'User-Agent': `one ${i}` } });
  expect((await ask('/api/v1/scrapers')).data.scrapers).toHaveLength(64);
});

describe('what was asked for', () => {
  it('is listed with who asked, also where it was refused', async () => {
    const tokens = [
      { name: 'ops', sha256: digestOf('ops'), may: ['admin', 'read', 'delete', 'push'] },
      { name: 'weak', sha256: digestOf('weak'), may: ['push'] },
    ];
    const { ask } = await serving({
      byJob: true,
      enableAdminApi: true,
      rules: { access: { anonymous: [], tokens } },
    } as never);
    const ops = { headers: { Authorization: 'Bearer ops' } };
    await ask('/metrics/job/x', { method: 'POST', body: 'a 1\n', ...ops });
    await ask('/metrics/job/x', { method: 'DELETE', ...ops });
    await ask('/api/v1/admin/tsdb/delete_series?match[]=a&dry_run=true', { method: 'POST', ...ops });
    await ask('/api/v1/admin/tsdb/delete_series?match[]=a', { method: 'POST', ...ops });
    await ask('/api/v1/admin/wipe', { method: 'POST', headers: { Authorization: 'Bearer weak' } });
    const { data, text } = await ask('/api/v1/audit', ops);
    const who = { name: 'token ops', address: '127.0.0.1' };
    expect(data.entries, text).toMatchObject([
      { what: 'wipe', who: { name: 'token weak' }, outcome: 'forbidden' },
      { what: 'delete_series', who, detail: 'a', outcome: '0 series, 0 sources' },
      { what: 'delete', who, detail: '/metrics/job/x', outcome: 'retired' },
    ]);
  });

  it('does not push out what is rare', async () => {
    const { ask } = await serving({ enableAdminApi: true } as never);
    await ask('/api/v1/admin/wipe', { method: 'POST' });
    for (let i = 0; i < 300; i += 1) await ask(`/metrics/job/x${i}`, { method: 'DELETE' });
    const { data } = await ask('/api/v1/audit');
    expect(data.entries).toHaveLength(256);
    expect(data.entries.at(-1).what).toBe('wipe');
  });
});

test('limits are listed', async () => {
  const { ask, push } = await serving();
  await push('', 'a 1\nb 1\n');
  const { data } = await ask('/api/v1/limits');
  const names = data.limits.map(({ name }: { name: string }) => name);
  expect(names).toEqual([
    'series',
    'series_bytes',
    'families',
    'metadata_bytes',
    'sources',
    'source_bytes',
    'exemplars',
  ]);
  expect(data.limits[0]).toEqual({
    name: 'series',
    scope: 'gateway',
    of: null,
    onLimit: null,
    used: 2,
    max: 5_000_000,
    perHour: null,
    secondsUntilFull: null,
  });
});

describe('limits of tokens and rules', () => {
  const limitsOf = (data: { readonly limits: readonly any[] }, scope: string) =>
    data.limits
      .filter((limit) => limit.scope === scope)
      .map(({ name, of, onLimit, used, max }) => [name, of, onLimit, Math.round(used), max]);

  it('are listed, of each kind those that are fullest first', async () => {
    const limits = {
      series_max: 10,
      new_series_per_hour: 100,
      pushes_per_second: 1,
      burst: 50,
      bytes_per_second: 1,
    };
    const rules = {
      sources: [
        { match: '{job="small",zone="a"}', series_max: 2, job_series_max: 8, on_limit: 'drop' },
        { match: '{job="small"}', series_max: 5 },
        { series_max: 50, job_series_max: 40 },
      ],
      metrics: [
        { match: 'wide_total', series_max: 4, on_limit: 'overflow' },
        { match: '{__name__=~".*_total"}', series_max: 100 },
      ],
      access: {
        anonymous: ['read', 'push'],
        tokens: [
          { name: 'ci', sha256: digestOf('a'), may: ['push'], limits: { ...limits, on_limit: 'drop' } },
          { name: 'app', sha256: digestOf('b'), may: ['push'], limits: { series_max: 10 } },
          { name: 'free', sha256: digestOf('c'), may: ['push'] },
        ],
      },
    };
    const { ask, push } = await serving({ byJob: true, rules });
    const as = (token: string) => ({ authorization: `Bearer ${token}` });
    await push('job/small/zone/a', 'a_total 1\n', as('a'));
    await push('job/small/zone/b', 'wide_total{x="1"} 1\nwide_total{x="2"} 1\n', as('b'));
    await push('job/large', 'a_total 1\nc 1\n');
    const { data } = await ask('/api/v1/limits');
    expect(limitsOf(data, 'token')).toEqual([
      ['series_max', 'app', 'refuse', 2, 10],
      ['series_max', 'ci', 'drop', 1, 10],
      // How much of these is used depends on the time.
      ['pushes_per_second', 'ci', 'refuse', expect.any(Number), 50],
      ['bytes_per_second', 'ci', 'refuse', expect.any(Number), 10],
      ['new_series_per_hour', 'ci', 'drop', 1, 100],
    ]);
    expect(limitsOf(data, 'job')).toEqual([
      ['job_series_max', 'small', 'drop', 1, 8],
      // That of its path without a zone, whose series were not there yet.
      ['job_series_max', 'large', 'refuse', 1, 40],
    ]);
    expect(limitsOf(data, 'source')).toEqual([
      ['series_max', 'job/small/zone/a', 'drop', 1, 2],
      ['series_max', 'job/small/zone/b', 'refuse', 2, 5],
      ['series_max', 'job/large', 'refuse', 2, 50],
    ]);
    expect(limitsOf(data, 'family')).toEqual([
      ['series_max', 'wide_total', 'overflow', 2, 4],
      ['series_max', 'a_total', 'refuse', 1, 100],
    ]);
  });

  it('are not more of one kind than so many', async () => {
    const rules = {
      sources: [{ match: '{job=~"1.*"}', series_max: 20 }, { series_max: 100 }],
      metrics: [{ match: '{__name__=~"m.*"}', series_max: 1000 }],
    };
    const { ask, push } = await serving({ byJob: true, rules });
    for (let i = 0; i < 300; i += 1)
      await push(`job/${i}`, Array.from({ length: 1 + (i % 15) }, (_, k) => `m${i}{k="${k}"} 1\n`).join(''));
    const { data } = await ask('/api/v1/limits');
    const parts = Array.from(
      { length: 300 },
      (_, i) => (1 + (i % 15)) / (String(i).startsWith('1') ? 20 : 100),
    );
    const fullest = parts.toSorted((a, b) => b - a).slice(0, 20);
    const sources = data.limits.filter(({ scope }: any) => scope === 'source');
    expect(sources.map(({ used, max }: any) => used / max)).toEqual(fullest);
    const families = data.limits.filter(({ scope }: any) => scope === 'family');
    expect(families.map(({ used }: any) => used)).toEqual(Array.from({ length: 20 }, () => 15));
  });
});

test('rules are listed as entries of the file, but for who may do what', async () => {
  const rules = {
    sources: [{ match: '{job="x"}', path_labels: 'add' }],
    metric_relabel_configs: [{ regex: 'pod', action: 'labeldrop' }],
    metrics: [{ match: '{__name__=~"de.*"}', gauge: 'max' }, { without: ['pod'] }],
    access: {
      anonymous: ['push', 'read'],
      tokens: [{ name: 'secretive', sha256: digestOf('a'), may: ['push'] }],
    },
  };
  const { ask, push } = await serving({ rules: rules as never });
  await push('', 'depth 1\nother 1\n');
  const { data, text } = await ask('/api/v1/rules');
  expect(data).toEqual({
    rules: [
      {
        text: `{match: '{job="x"}', path_labels: add}`,
        kind: 'sources',
        index: 'sources[0]',
        catches: [],
        count: null,
      },
      {
        text: '{action: labeldrop, regex: pod}',
        kind: 'metric_relabel_configs',
        index: 'metric_relabel_configs[0]',
        catches: [],
        count: null,
      },
      {
        text: `{match: '{__name__=~"de.*"}', gauge: max}`,
        kind: 'metrics',
        index: 'metrics[0]',
        catches: ['depth'],
        count: 1,
      },
      {
        text: '{without: [pod]}',
        kind: 'metrics',
        index: 'metrics[1]',
        catches: ['depth', 'other'],
        count: 2,
      },
    ],
    file: null,
  });
  expect(text).not.toContain('secretive');
});

test('the last hour begins with the first push', async () => {
  const { ask, push } = await serving();
  await push('', '# TYPE g gauge\ng{a="1"} 4\n');
  let data: any;
  await waitFor(() => {
    void ask('/api/v1/history?family=g').then((answer) => (data = answer.data));
    const { points = [] } = data ?? {};
    return points.at(-1) === 4;
  });
  expect(data).toMatchObject({ stepSeconds: 15, kind: 'value', begin: expect.any(Number) as unknown });
  expect(Math.abs(data.begin + 239 * 15 - Date.now() / 1000)).toBeLessThan(40);
  const series = await ask('/api/v1/history?series=g{a="1"}');
  const { points } = series.data;
  expect(points.at(-1)).toBe(4);
  expect((await ask('/api/v1/history?family=nothing')).status).toBe(404);
  expect((await ask('/api/v1/history?series=nothing')).status).toBe(404);
  expect((await ask('/api/v1/history?series={')).status).toBe(400);
  expect((await ask('/api/v1/history')).status).toBe(400);
});

describe('all metrics, as Pushgateway has them', () => {
  const histogram = '# TYPE h histogram\nh_bucket{le="1"} 1\nh_bucket{le="+Inf"} 3\nh_sum 4.5\nh_count 3\n';

  it('are by group', async () => {
    const { ask, push } = await serving({ byJob: true });
    await push('job/x/instance/1', `# HELP c Counts.\n# TYPE c counter\nc{a="1"} 5\n${histogram}`);
    await push('job/x/instance/2', 'c{a="1"} 7\n');
    await push('job/x/instance/2', 'c{ 7\n');
    const { data } = await ask('/api/v1/metrics');
    const time_stamp = expect.stringMatching(/^20.*Z$/) as unknown;
    expect(data.sort((a: any, b: any) => a.labels.instance - b.labels.instance)).toEqual([
      {
        labels: { job: 'x', instance: '1' },
        last_push_successful: true,
        c: { time_stamp, type: 'COUNTER', help: 'Counts.', metrics: [{ labels: { a: '1' }, value: '5' }] },
        h: {
          time_stamp,
          type: 'HISTOGRAM',
          metrics: [{ labels: {}, buckets: { '1.0': '1', '+Inf': '3' }, count: '3', sum: '4.5' }],
        },
      },
      {
        labels: { job: 'x', instance: '2' },
        last_push_successful: false,
        c: { time_stamp, type: 'COUNTER', help: 'Counts.', metrics: [{ labels: { a: '1' }, value: '7' }] },
      },
    ]);
  });

  it('are one group where they are added', async () => {
    const { ask, push } = await serving();
    await push('job/x', `c 5\n${histogram}`);
    await push('job/y', `c 5\n`);
    const { data } = await ask('/api/v1/metrics');
    expect(data).toMatchObject([
      {
        labels: {},
        c: { type: 'UNTYPED', metrics: [{ value: '10' }] },
        h: { metrics: [{ count: '3', sum: '4.5' }] },
      },
    ]);
  });

  it('are cut where they are too large', async () => {
    const { ask, gateway } = await serving({ byJob: true });
    const body = (prefix: string): string =>
      Array.from({ length: 30_000 }, (_, i) => `${prefix}{i="${i}",x="${'y'.repeat(100)}"} 1\n`).join('');
    await gateway.push(body('a'), { path: 'job/a' });
    await gateway.push(body('b'), { path: 'job/b' });
    const { data, text } = await ask('/api/v1/metrics');
    expect(data).toHaveLength(1);
    expect(text).toContain('"warnings":["results truncated');
  });
});
