/** What a push would do, said beforehand: held against what it does. */
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';

import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';

import { runs } from '../support/runs.ts';
import { serving } from './serving-insight.ts';

type Serving = Awaited<ReturnType<typeof serving>>;

async function validated({ ask }: Serving, path: string, body: string, more: object = {}): Promise<any> {
  const url = `/api/v1/validate?path=${encodeURIComponent(`/metrics/${path}`)}`;
  const { status, data, text } = await ask(url, { method: 'POST', body, ...more });
  expect(status, text).toBe(200);
  return data;
}

const histogram = (counts: readonly number[]): string =>
  `# TYPE h histogram\nh_bucket{le="1"} ${counts[0]}\nh_bucket{le="2"} ${counts[1]}\nh_bucket{le="+Inf"} ${counts[2]}\nh_sum 1\nh_count ${counts[2]}\n`;

describe('a push that is good', () => {
  it('is said series by series, and changes nothing', async () => {
    const running = await serving();
    await running.push('job/x', `# TYPE c counter\nc{a="1"} 2.1\n${histogram([1, 2, 3])}`);
    const before = await running.gateway.scrape();
    const data = await validated(
      running,
      'job/x',
      `# TYPE c counter\nc{a="1"} 1.2\nc{a="2"} 5\n${histogram([1, 1, 4])}`,
    );
    expect(data).toEqual({
      wouldBe: 'applied',
      mode: 'add',
      samples: 7,
      series: [
        {
          labels: { a: '1' },
          family: 'c',
          type: 'counter',
          isNew: false,
          before: '2.1',
          after: '3.3',
          rules: [],
        },
        {
          labels: { a: '2' },
          family: 'c',
          type: 'counter',
          isNew: true,
          before: null,
          after: '5',
          rules: [],
        },
        { labels: {}, family: 'h', type: 'histogram', isNew: false, before: '3', after: '7', rules: [] },
      ],
      dropped: [],
      ignored: { nonFinite: 0, sums: 0, summary: 0, byRule: 0, byLimit: 0 },
      errors: [],
      truncated: false,
    });
    expect(await running.gateway.scrape()).toBe(before);
    expect((await running.ask('/api/v1/families')).data.families[0].pushes).toBe(1);
  });

  it('compressed, as OpenMetrics, with PUT', async () => {
    const running = await serving({ byJob: true });
    const { ask } = running;
    const body = gzipSync('# TYPE c counter\nc_total 1\n# EOF\n');
    const headers = {
      'Content-Encoding': 'gzip',
      'Content-Type': 'application/openmetrics-text; version=1.0.0',
    };
    const { data } = await ask('/api/v1/validate?path=job/x&method=put', { method: 'POST', body, headers });
    expect(data).toMatchObject({
      wouldBe: 'applied',
      mode: 'by-job',
      series: [{ family: 'c_total', after: '1' }],
    });
  });

  it('says which rules touch what', async () => {
    const rules = {
      metric_relabel_configs: [
        { source_labels: ['__name__'], regex: 'secret_.*', action: 'drop' },
        { regex: 'pod', action: 'labeldrop' },
      ],
      metrics: [{ match: 'depth', gauge: 'max' }],
    };
    const running = await serving({ rules: rules as never });
    await running.push('', '# TYPE depth gauge\ndepth 5\n');
    const data = await validated(
      running,
      '',
      '# TYPE depth gauge\ndepth{pod="a"} 3\n# TYPE secret_x gauge\nsecret_x 1\nplain 1\n',
    );
    expect(data.dropped).toEqual([
      { series: 'secret_x', rules: [expect.stringContaining('metric_relabel_configs[0]') as unknown] },
    ]);
    const [depth, plain] = data.series;
    expect(depth).toMatchObject({ family: 'depth', before: '5', after: '5' });
    expect(depth.rules).toEqual([
      'pushed as depth{pod="a"}',
      expect.stringContaining('metric_relabel_configs[1]') as unknown,
      expect.stringContaining('metrics[0]') as unknown,
    ]);
    expect(plain.rules).toEqual([]);
    expect(data.ignored.byRule).toBe(1);
  });

  it('may be long', async () => {
    const running = await serving();
    const body = Array.from({ length: 20_000 }, (_, i) => `long_name{number="${i}"} 1\n`).join('');
    const data = await validated(running, '', body);
    expect(data).toMatchObject({ wouldBe: 'applied', samples: 20_000, truncated: true });
    expect(data.series).toHaveLength(1000);
    const wrong = await validated(running, '', `${body}x{\n`);
    expect(wrong).toMatchObject({ wouldBe: 'refused', errors: [{ code: 'syntax', line: 20_001 }] });
  });
});

describe('a push that is not', () => {
  it('has all of its errors, with their lines', async () => {
    const running = await serving();
    const body = '# TYPE c counter\nc{a="1" 1\nb 1\nc{a="2"} -5\nx{y="ü…"} z\nb 2\n';
    const data = await validated(running, 'job/x', body);
    expect(data.wouldBe).toBe('refused');
    expect(data.errors.map(({ code, line }: any) => [code, line])).toEqual([
      ['syntax', 2],
      ['invalid_value', 4],
      ['syntax', 5],
      ['duplicate_series', 6],
    ]);
    expect(data.errors[0].excerpt).toBe('c{a="1" 1');
    expect(await running.gateway.scrape()).toBe('');
  });

  it('has no more of them than so many, and cuts lines', async () => {
    const running = await serving();
    const data = await validated(running, '', `{${'ä'.repeat(1000)}\n`.repeat(50));
    expect(data.errors).toHaveLength(20);
    expect(data.truncated).toBe(true);
    for (const { excerpt } of data.errors) expect(excerpt.length).toBeLessThan(130);
  });

  it('for its path or its limits', async () => {
    const running = await serving({ byJob: true, limits: { seriesMax: 2 } } as never);
    expect((await validated(running, '', 'a 1\n')).errors).toMatchObject([
      { code: 'job_missing', line: null },
    ]);
    expect((await validated(running, 'job/x', 'a{b="1"} 1\na{b="2"} 1\na{b="3"} 1\n')).errors[0].code).toBe(
      'series_limit',
    );
  });

  it.each([
    ['?path=/metrics/job', 400],
    ['?path=job/x&method=GET', 400],
    ['?path=%2Fmetrics%2F%2F', 400],
  ])('asked for by %s is no question', async (query, status) => {
    const { ask } = await serving();
    const reply = await ask(`/api/v1/validate${query}`, { method: 'POST', body: 'a 1\n' });
    expect([reply.status, JSON.parse(reply.text).status]).toEqual([status, 'error']);
  });
});

test('rights are those of who asks', async () => {
  const sha256 = createHash('sha256').update('secret').digest('hex');
  const tokens = [
    { name: 'web', sha256, may: ['push'], sources: '{job="web"}', metrics: '{__name__=~"web_.*"}' },
  ];
  const { ask } = await serving({ rules: { access: { anonymous: [], tokens } } as never });
  const headers = { Authorization: 'Bearer secret' };
  const send = (path: string, body: string) =>
    ask(`/api/v1/validate?path=${path}`, { method: 'POST', body, headers });
  expect((await send('job/web', 'web_a 1\n')).data.wouldBe).toBe('applied');
  expect((await send('job/web', 'other 1\n')).data.errors[0].code).toBe('forbidden');
  expect((await send('job/other', 'web_a 1\n')).status).toBe(403);
  expect((await ask('/api/v1/validate', { method: 'POST', body: 'a 1\n' })).status).toBe(401);
});

const sample = fc.record({
  name: fc.constantFrom('c', 'g', 'm', 'n', 'l', 'a', 'k', 'u'),
  label: fc.constantFrom('', '{x="1"}', '{x="2"}'),
  value: fc.constantFrom('0', '1', '2.5', '1e16', '0.1', '7'),
});
const push = fc.record({
  job: fc.constantFrom('p', 'q'),
  samples: fc.uniqueArray(sample, { maxLength: 6, selector: ({ name, label }) => name + label }),
  counts: fc.array(fc.nat(5), { minLength: 3, maxLength: 3 }),
});

test.each([
  ['add', {}],
  ['by-job', { byJob: true }],
  ['by-job, accumulated', { byJob: true, jobCounterResets: 'accumulate' }],
])('%s: what is said is what comes, wherever it is said', async (_name, options) => {
  const metrics = [
    { match: 'm', gauge: 'max' },
    { match: 'n', gauge: 'min' },
    { match: 'l', gauge: 'last' },
    ...('byJob' in options
      ? [
          { match: 'a', gauge: 'avg' },
          { match: 'k', gauge: 'count' },
        ]
      : []),
  ];
  await fc.assert(
    fc.asyncProperty(fc.array(push, { minLength: 1, maxLength: 8 }), async (pushes) => {
      const running = await serving({ ...options, rules: { metrics } } as never);
      for (const { job, samples, counts } of pushes) {
        const lines = samples.map(({ name, label, value }) => `${name}${label} ${value}\n`);
        const types =
          '# TYPE c counter\n# TYPE g gauge\n# TYPE m gauge\n# TYPE n gauge\n# TYPE l gauge\n# TYPE a gauge\n# TYPE k gauge\n';
        const sums = counts.map((_, i) => counts.slice(0, i + 1).reduce((sum, count) => sum + count, 0));
        const body = types + lines.join('') + histogram(sums);
        const data = await validated(running, `job/${job}`, body);
        expect(data.errors).toEqual([]);
        await running.gateway.push(body, { path: `job/${job}` });
        const page = await running.gateway.scrape();
        for (const { labels, family, after } of data.series) {
          if (after === null) continue;
          const x = labels.x === undefined ? '' : `{x="${labels.x}"}`;
          const name = family === 'h' ? 'h_count' : family;
          expect(page, body).toContain(`\n${name}${x} ${after}\n`);
        }
      }
      await running.gateway.close();
    }),
    { numRuns: runs(40) },
  );
});
