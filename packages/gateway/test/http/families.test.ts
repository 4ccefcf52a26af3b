/** Families and who pushes, over HTTP: what is listed, page by page. */
import { describe, expect, it } from 'vitest';

import { serving } from './serving-insight.ts';
import type { Answer } from './serving-insight.ts';

type Ask = Awaited<ReturnType<typeof serving>>['ask'];

/** All pages of a list. */
async function allOf(ask: Ask, path: string, list: string): Promise<any[]> {
  const all: any[] = [];
  for (let after = '', pages = 0; pages < 1000; pages += 1) {
    const { data, status, text }: Answer = await ask(`${path}&after=${encodeURIComponent(after)}`);
    expect(status, text).toBe(200);
    all.push(...data[list]);
    if (data.next === undefined) return all;
    after = data.next;
  }
  throw new Error('the pages do not end');
}

const FAMILIES = '/api/v1/families';

describe('families', () => {
  it('are listed with what is known of them', async () => {
    const { ask, push } = await serving({ rules: { metrics: [{ match: 'depth', gauge: 'max' }] } as never });
    expect((await ask(FAMILIES)).data).toEqual({ families: [], total: 0 });
    await push('job/x', '# HELP c Counts.\n# TYPE c counter\nc{a="1"} 1\nc{a="2"} 2\n');
    await push('job/y', '# TYPE depth gauge\ndepth{q="a"} 1\n');
    await push('job/y', 'c{a="1"} 1\n');
    const { data } = await ask(FAMILIES);
    const time = expect.any(Number) as unknown;
    expect(data).toEqual({
      families: [
        {
          name: 'c',
          type: 'counter',
          help: 'Counts.',
          unit: '',
          series: 2,
          senders: 2,
          pushes: 2,
          lastChange: time,
          rate: null,
        },
        {
          name: 'depth',
          type: 'gauge',
          help: '',
          unit: '',
          series: 1,
          senders: 1,
          pushes: 1,
          lastChange: time,
          rate: null,
        },
      ],
      total: 2,
    });
    expect((await ask(`${FAMILIES}/depth`)).data).toMatchObject({
      name: 'depth',
      rules: [{ index: 'metrics[0]', entry: '{match: depth, gauge: max}' }],
      samples: [{ labels: { q: 'a' }, value: '1' }],
      senders: [{ path: 'job/y', token: null, address: '127.0.0.1', share: 1, error: 0, pushes: 1 }],
    });
  });

  it.each(['name', 'series', 'pushes', 'last_change'])('come in pages by %s, each once', async (sort) => {
    const { ask, push } = await serving();
    for (let i = 0; i < 23; i += 1) {
      const series = Array.from({ length: 1 + (i % 4) }, (_, k) => `f${i}{k="${k}"} 1\n`);
      await push('', series.join(''));
    }
    const all = await allOf(ask, `${FAMILIES}?limit=4&sort=${sort}`, 'families');
    expect(new Set(all.map(({ name }) => name)).size).toBe(23);
    expect(all).toHaveLength(23);
    const keys: Record<string, string> = { series: 'series', pushes: 'pushes', last_change: 'lastChange' };
    const key = keys[sort];
    if (key === undefined)
      for (let i = 1; i < all.length; i += 1) expect(all[i].name > all[i - 1].name).toBe(true);
    else expect(all.map((one) => one[key])).toEqual(all.map((one) => one[key]).sort((a, b) => b - a));
  });

  it.each([
    ['search=req', ['requests_total', 'unrequited']],
    ['search=req+total', ['requests_total']],
    ['search=code%3D50', ['requests_total']],
    ['search=code%3D50+unre', []],
    ['search=code%3D5.', []],
    ['search=le%3D1', ['latency']],
    ['match[]={code="200"}', ['requests_total', 'unrequited']],
    ['match[]=latency_sum&match[]=unrequited', ['latency', 'unrequited']],
    ['match[]={code="200"}&search=code%3D500', ['requests_total']],
    ['search=%22%7D%5C', []],
    ['search=a.b%3Dx', ['requests_total']],
  ])('are found by %s', async (query, names) => {
    const { ask, push } = await serving();
    await push(
      '',
      'requests_total{code="200"} 1\nrequests_total{code="500","a.b"="x"} 1\nunrequited{code="200"} 1\n# TYPE latency histogram\nlatency_bucket{le="1"} 1\nlatency_bucket{le="+Inf"} 1\nlatency_sum 1\nlatency_count 1\n',
    );
    const { data, text } = await ask(`${FAMILIES}?${query}`);
    expect(
      data.families.map(({ name }: { name: string }) => name),
      text,
    ).toEqual(names);
  });

  it.each([
    ['sort=size', 'sort is'],
    ['limit=0', 'limit is'],
    ['limit=1001', 'limit is'],
    ['after=x', 'after is'],
    ['match[]=%7B', 'match[]'],
    [`search=${'x'.repeat(1025)}`, 'search is longer'],
    [`search=${'x+'.repeat(17)}`, 'search has 17 words'],
  ])('are not listed by %s', async (query, message) => {
    const { ask, push } = await serving();
    await push('', 'a 1\n');
    const { status, text } = await ask(`${FAMILIES}?${query}`);
    expect([status, text]).toEqual([400, expect.stringContaining(message) as unknown]);
  });
});

describe('a family', () => {
  it('has all of its series, page by page, and histograms their buckets', async () => {
    const { ask, push } = await serving();
    await push('', Array.from({ length: 250 }, (_, i) => `many{i="${i}",odd="${i % 2}"} ${i}\n`).join(''));
    const all = await allOf(ask, `${FAMILIES}/many?limit=100`, 'samples');
    expect(new Set(all.map(({ labels }) => labels.i)).size).toBe(250);
    expect(all.every(({ labels, value }) => labels.i === value)).toBe(true);
    const odd = await allOf(ask, `${FAMILIES}/many?limit=100&selector={odd="1"}`, 'samples');
    expect(odd).toHaveLength(125);
    await push('', '# TYPE h histogram\nh_bucket{le="1"} 2\nh_bucket{le="+Inf"} 3\nh_sum 4.5\nh_count 3\n');
    const { data } = await ask(`${FAMILIES}/h`);
    expect(data.samples).toEqual([
      {
        labels: {},
        value: '3',
        start: expect.any(Number) as unknown,
        sum: '4.5',
        buckets: [
          ['1.0', '2'],
          ['+Inf', '3'],
        ],
        native: false,
      },
    ]);
  });

  it('may be called anything', async () => {
    const { ask, push } = await serving();
    const name = 'a/b <script>"ü\u2028';
    await push('', `{"${name.replaceAll('"', '\\"')}","__proto__"="x",constructor="y"} 1\n`);
    const { data, text } = await ask(`${FAMILIES}/${encodeURIComponent(name)}`);
    expect(data.name, text).toBe(name);
    expect(JSON.stringify(data.samples[0].labels)).toBe('{"__proto__":"x","constructor":"y"}');
  });

  it('that is not there is not found', async () => {
    const { ask } = await serving();
    expect((await ask(`${FAMILIES}/nothing`)).status).toBe(404);
    expect((await ask(`${FAMILIES}/%E0%A4%A`)).status).toBe(400);
    expect((await ask(`${FAMILIES}/a?after=-1`)).status).toBe(404);
  });
});

describe('sources', () => {
  it('by job are listed, those that pushed last first', async () => {
    const { ask, push } = await serving({ byJob: true });
    await push('job/a/instance/1', 'x 1\n');
    await push(
      'job/a/instance/2',
      'x 1\ny{z="1"} 1\n# TYPE h histogram\nh_bucket{le="+Inf"} 3\nh_sum 4.5\nh_count 3\n',
    );
    await push('job/a/instance/1', 'x{ 1\n');
    const { data } = await ask('/api/v1/sources');
    const number = expect.any(Number) as unknown;
    const rest = { mode: 'by-job', lastPush: number, ageSeconds: number, token: null, address: '127.0.0.1' };
    expect(data).toEqual({
      sources: [
        { groupingKey: { job: 'a', instance: '2' }, samples: 5, series: 3, pushes: 1, refused: 0, ...rest },
        { groupingKey: { job: 'a', instance: '1' }, samples: 1, series: 1, pushes: 1, refused: 1, ...rest },
      ],
      total: 2,
    });
    expect((await ask('/api/v1/sources?search=instance%3D2')).data.total).toBe(1);
    expect((await ask('/api/v1/sources?after=1')).status).toBe(400);
    expect((await ask('/api/v1/sources', { method: 'DELETE' })).status).toBe(403);
  });

  it('that add are listed as far as they are remembered', async () => {
    const { ask, push } = await serving();
    await push('job/a', 'x 1\ny 1\n');
    await push('job/b', 'x{ 1\n');
    const { data } = await ask('/api/v1/sources');
    expect(data.sources).toMatchObject([
      { groupingKey: { job: 'a' }, mode: 'add', samples: 2, pushes: 1, refused: 0 },
      { groupingKey: { job: 'b' }, mode: 'add', lastPush: null, ageSeconds: null, refused: 1 },
    ]);
  });

  it('come in pages, each once, also where they pushed at the same time', async () => {
    const { ask, gateway } = await serving({ byJob: true });
    for (let i = 0; i < 500; i += 1) await gateway.push('x 1\n', { path: `job/a/instance/${i}` });
    const all = await allOf(ask, '/api/v1/sources?limit=37', 'sources');
    expect(new Set(all.map(({ groupingKey }) => groupingKey.instance)).size).toBe(500);
    expect(all).toHaveLength(500);
  });
});
