/** Who makes up a number: held against what was pushed. */
import { describe, expect, it } from 'vitest';

import { serving } from './serving-insight.ts';

const EXPLAIN = '/api/v1/explain';

describe('by job', () => {
  it('each source has its part', async () => {
    const { ask, gateway } = await serving({ byJob: true });
    for (let i = 1; i <= 150; i += 1)
      await gateway.push(`# TYPE c counter\nc{a="1"} ${i}\nc{a="2"} 1\nother 5\n`, {
        path: `job/x/instance/${i}`,
      });
    const { data } = await ask(`${EXPLAIN}?match[]=c{a="1"}`);
    expect(data).toMatchObject({ exact: true, more: false });
    const [series] = data.series;
    expect(series).toMatchObject({
      labels: { a: '1' },
      family: 'c',
      value: '11325',
      mode: 'by-job',
      since: null,
      error: 0,
      sources: 150,
      added: null,
    });
    expect(series.senders).toHaveLength(100);
    expect(series.senders.map(({ share }: any) => share)).toEqual(
      Array.from({ length: 100 }, (_, i) => 150 - i),
    );
    expect(series.senders[0]).toMatchObject({ path: 'job/x/instance/150', error: 0 });
    // What the others have.
    expect(series.others).toBe((50 * 51) / 2);
  });

  it('histograms are explained by their counts, and values may be negative', async () => {
    const { ask, push } = await serving({ byJob: true });
    const histogram = (n: number): string =>
      `# TYPE h histogram\nh_bucket{le="1"} ${n}\nh_bucket{le="+Inf"} ${2 * n}\nh_sum 1\nh_count ${2 * n}\n# TYPE g gauge\ng ${-n}\n`;
    await push('job/a', histogram(2));
    await push('job/b', histogram(5));
    const { data } = await ask(`${EXPLAIN}?match[]=h&match[]=g`);
    const shares = Object.fromEntries(
      data.series.map(({ family, value, senders }: any) => [
        family,
        [value, ...senders.map(({ share }: any) => share)],
      ]),
    );
    expect(shares).toEqual({ h: ['14', 10, 4], g: ['-7', -5, -2] });
  });

  it('a source with much is looked at in steps', async () => {
    const { ask, gateway } = await serving({ byJob: true });
    const body = Array.from({ length: 30_000 }, (_, i) => `many{i="${i}"} ${i}\n`).join('');
    await gateway.push(body, { path: 'job/large' });
    await gateway.push('many{i="29999"} 1\n', { path: 'job/small' });
    const { data } = await ask(`${EXPLAIN}?match[]=many{i="29999"}`);
    expect(data.series[0].senders.map(({ path, share }: any) => [path, share])).toEqual([
      ['job/large', 29_999],
      ['job/small', 1],
    ]);
    const some = await ask(`${EXPLAIN}?match[]=many&limit=3`);
    expect([some.data.series.length, some.data.more]).toEqual([3, true]);
  });
});

describe('in add mode', () => {
  it('senders are those of the family, by a sketch', async () => {
    const { ask, push } = await serving();
    for (const [job, value] of [
      ['a', 1],
      ['b', 10],
      ['b', 10],
      ['c', 3],
    ] as const)
      await push(`job/${job}`, `# TYPE c counter\nc{x="${job}"} ${value}\n`);
    const { data } = await ask(`${EXPLAIN}?match[]=c{x="a"}`);
    expect(data.exact).toBe(false);
    expect(data.series).toMatchObject([
      {
        labels: { x: 'a' },
        value: '1',
        mode: 'add',
        since: expect.any(Number) as unknown,
        error: 0,
        sources: 0,
      },
    ]);
    expect(data.series[0].senders.map(({ path, share, pushes }: any) => [path, share, pushes])).toEqual([
      ['job/b', 20, 2],
      ['job/c', 3, 1],
      ['job/a', 1, 1],
    ]);
  });

  it('of one series it is who added to it lately, exactly where all pushes were looked at', async () => {
    const { ask, push } = await serving();
    const histogram = (n: number): string =>
      `# TYPE h histogram\nh_bucket{le="1"} ${n}\nh_bucket{le="+Inf"} ${2 * n}\nh_sum 1\nh_count ${2 * n}\n`;
    await push('job/a', '# TYPE c counter\nc{x="1"} 2\nc{x="2"} 50\n');
    await push('job/b', `c{x="1"} 3\n${histogram(4)}`);
    await push('job/b', `c{x="1"} 4\n${histogram(5)}`);
    const { data } = await ask(`${EXPLAIN}?match[]=c&match[]=h`);
    const recent = data.series.map(({ family, labels, recent: { senders, ...rest } }: any) => [
      `${family}${labels.x ?? ''}`,
      senders.map(({ path, share, pushes }: any) => [path, share, pushes]),
      rest,
    ]);
    const rest = { others: 0, since: expect.any(Number) as unknown, until: null, exact: true };
    expect(recent.toSorted(([a]: [string], [b]: [string]) => a.localeCompare(b))).toEqual([
      [
        'c1',
        [
          ['job/b', 7, 2],
          ['job/a', 2, 1],
        ],
        rest,
      ],
      ['c2', [['job/a', 50, 1]], rest],
      ['h', [['job/b', 18, 2]], rest],
    ]);
  });

  it('of one series it is exact as well while its family is watched', async () => {
    const { ask, gateway } = await serving();
    await gateway.push('c{x="0"} 7\n', { path: 'job/before' });
    await ask(`${EXPLAIN}/watch?family=c`, { method: 'POST' });
    for (let i = 0; i < 900; i += 1)
      await gateway.push(`c{x="${i % 2}"} 1\nother 1\n`, { path: `job/${i % 3}` });
    const { data } = await ask(`${EXPLAIN}?match[]=c{x="0"}&match[]=other`);
    const [series, other] = data.series;
    expect(series.recent).toMatchObject({ exact: true, until: expect.any(Number) as unknown });
    expect(series.recent.senders.map(({ path, share }: any) => [path, share]).toSorted()).toEqual([
      ['job/0', 150],
      ['job/1', 150],
      ['job/2', 150],
    ]);
    expect(other.recent).toMatchObject({ exact: false, until: null });
  });

  it('is exact while it is watched, however much is pushed', async () => {
    const { ask, gateway } = await serving();
    const body = '# TYPE h histogram\nh_bucket{le="1"} 1\nh_bucket{le="+Inf"} 3\nh_sum 1\nh_count 3\n';
    await gateway.push(body);
    const { data: watched } = await ask(`${EXPLAIN}/watch?family=h`, { method: 'POST' });
    expect(watched.until).toBeGreaterThan(Date.now() / 1000 + 50);
    for (let i = 0; i < 900; i += 1) await gateway.push(body, { path: `job/${i % 3}` });
    const { data } = await ask(`${EXPLAIN}?match[]=h`);
    expect(data.exact).toBe(true);
    expect(data.series[0].senders.map(({ share, pushes }: any) => [share, pushes])).toEqual([
      [900, 300],
      [900, 300],
      [900, 300],
    ]);
  });

  it('watches so many families and no more', async () => {
    const { ask, push } = await serving();
    await push('', Array.from({ length: 9 }, (_, i) => `f${i} 1\n`).join(''));
    const statuses = [];
    for (let i = 0; i < 9; i += 1)
      statuses.push((await ask(`${EXPLAIN}/watch?family=f${i}`, { method: 'POST' })).status);
    expect(statuses).toEqual([...Array<number>(8).fill(200), 429]);
    expect((await ask(`${EXPLAIN}/watch?family=f0`, { method: 'POST' })).status).toBe(200);
    expect((await ask(`${EXPLAIN}/watch?family=nothing`, { method: 'POST' })).status).toBe(404);
  });
});

it('of senders of both kinds, what was added is beside the sources', async () => {
  const rules = { sources: [{ match: '{job="adds"}', mode: 'add' }] };
  const { ask, push } = await serving({ byJob: true, rules: rules as never });
  await push('job/adds', '# TYPE c counter\nc 5\n');
  await push('job/x', '# TYPE c counter\nc 7\n');
  const { data } = await ask(`${EXPLAIN}?match[]=c`);
  expect(data.series[0]).toMatchObject({ value: '12', mode: 'mixed', sources: 1, exact: false });
  expect(data.series[0].senders).toMatchObject([{ path: 'job/x', share: 7 }]);
  expect(data.series[0].added.senders).toMatchObject([{ path: 'job/adds', share: 5 }]);
});

it.each([
  '',
  '?match[]=',
  '?match[]={}',
  '?match[]=a{',
  '?match[]=a&limit=0',
  '?match[]={a=~"(x{500}){500}"}',
])('nothing is explained by %s', async (query) => {
  const { ask, push } = await serving();
  await push('', 'a 1\n');
  expect((await ask(EXPLAIN + query)).status).toBe(400);
});
