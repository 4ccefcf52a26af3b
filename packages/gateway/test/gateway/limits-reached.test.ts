/** At a limit that is just reached, a push may replace: what it takes away in the same step makes room for what it brings. */
import { describe, expect, test } from 'vitest';

import type { EmbeddedOptions } from '../../src/index.ts';
import { RequestError } from '../../src/index.ts';
import { plainText } from '../../src/model/exposition-format.ts';
import { RestartingGateway } from '../support/restarting.ts';

interface Pushed {
  readonly body: string;
  readonly method?: 'PUT' | 'POST';
  readonly path?: string;
}

interface Case {
  readonly options: EmbeddedOptions;
  readonly first: readonly Pushed[];
  /** Taken at the limit. */
  readonly replaces: Pushed;
  readonly page: string;
  /** Refused at the same limit, as it brings one more. */
  readonly grows: Pushed;
  readonly code: string;
}

const gauge = (name: string, ...labels: readonly string[]): string =>
  `# TYPE ${name} gauge\n${labels.map((label) => `${name}{l="${label}"} 1\n`).join('')}`;
const counter = (name: string, ...labels: readonly string[]): string =>
  gauge(name, ...labels).replace('gauge', 'counter');
const histogram = (name: string, bound: string): string =>
  `# TYPE ${name} histogram\n${name}_bucket{le="${bound}"} 1\n${name}_bucket{le="+Inf"} 1\n${name}_sum 1\n${name}_count 1\n`;
const [job, put] = ['job/a', 'PUT'] as const;
const groups: EmbeddedOptions = { byJob: true, pathLabels: 'add', emptyInstance: false, pushTimes: false };

const cases: Readonly<Record<string, Case>> = {
  'families: another type': {
    options: { byJob: true, limits: { familiesMax: 1 } },
    first: [{ body: gauge('x', 'a') }],
    replaces: { body: counter('x', 'a'), method: put },
    page: counter('x', 'a'),
    grows: { body: `${counter('x', 'a')}${counter('y', 'a')}`, method: put },
    code: 'families_limit',
  },
  'families: a histogram of lines that were untyped': {
    options: { limits: { familiesMax: 3 } },
    first: [{ body: 'x_bucket{le="+Inf"} 1\nx_sum 1\nx_count 1\n' }],
    replaces: { body: histogram('x', '1') },
    page: histogram('x', '1').replaceAll(/ 1$/gm, ' 2').replace('le="1"} 2', 'le="1"} 1'),
    grows: { body: 'a 1\nb 1\nc 1\n' },
    code: 'families_limit',
  },
  'families: other gauges of the only source': {
    options: { byJob: true, limits: { familiesMax: 1 } },
    first: [{ body: gauge('x', 'a') }],
    replaces: { body: gauge('y', 'a'), method: put },
    page: gauge('y', 'a'),
    grows: { body: gauge('z', 'a') },
    code: 'families_limit',
  },
  'metadata: another type': {
    options: { byJob: true, limits: { metadataBytesTotalMax: 3000 } },
    first: [{ body: `# HELP x ${'h'.repeat(1000)}\n${gauge('x', 'a')}` }],
    replaces: { body: `# HELP x ${'g'.repeat(1000)}\n${counter('x', 'a')}`, method: put },
    page: `# HELP x ${'g'.repeat(1000)}\n${counter('x', 'a')}`,
    grows: { body: `# HELP y ${'h'.repeat(1000)}\n${gauge('y', 'a')}` },
    code: 'metadata_limit',
  },
  'series: other gauges of the only source': {
    options: { byJob: true, limits: { seriesMax: 2 } },
    first: [{ body: gauge('x', '1', '2') }],
    replaces: { body: gauge('x', '3', '4'), method: put },
    page: gauge('x', '3', '4'),
    grows: { body: gauge('x', '5', '6', '7'), method: put },
    code: 'series_limit',
  },
  'series: what a PUT leaves out stays where it becomes a counter': {
    options: { byJob: true, limits: { seriesMax: 2 } },
    first: [{ body: 'x{l="1"} 1\n' }],
    replaces: { body: counter('x', '2'), method: put },
    page: counter('x', '1', '2'),
    grows: { body: counter('x', '3', '4'), method: put },
    code: 'series_limit',
  },
  'series: gauges that another source has as well stay': {
    options: { byJob: true, limits: { seriesMax: 2 } },
    first: [{ body: gauge('x', '1', '2') }, { body: gauge('x', '1'), path: 'job/b' }],
    replaces: { body: gauge('x', '3'), method: put },
    page: gauge('x', '1', '3'),
    grows: { body: gauge('x', '4', '5'), method: put },
    code: 'series_limit',
  },
  'series: another type': {
    options: { byJob: true, limits: { seriesMax: 4 } },
    first: [{ body: counter('x', '1', '2', '3', '4') }],
    replaces: { body: histogram('x', '1'), method: put },
    page: histogram('x', '1'),
    grows: { body: counter('y', '1'), path: 'job/b' },
    code: 'series_limit',
  },
  'series: a gauge that is NaN': {
    options: { byJob: true, limits: { seriesMax: 2 } },
    first: [{ body: gauge('x', '1', '2') }],
    replaces: { body: `# TYPE x gauge\nx{l="1"} NaN\nx{l="3"} 1\n` },
    page: gauge('x', '2', '3'),
    grows: { body: gauge('x', '4') },
    code: 'series_limit',
  },
  'series: counters and histograms of a group': {
    options: { ...groups, limits: { seriesMax: 5 } },
    first: [{ body: `${counter('c', '1')}${histogram('h', '1')}` }],
    replaces: { body: `${counter('c', '2')}${histogram('i', '1')}`, method: put },
    page: `${counter('c', '2')}${histogram('i', '1')}`
      .replaceAll('{', '{job="a",')
      .replaceAll(/(i_sum|i_count) /g, '$1{job="a"} ')
      .replace('job="a",l="2"', 'job="a",l="2"'),
    grows: { body: `${counter('c', '1', '2', '3')}${histogram('i', '1')}`, method: put },
    code: 'series_limit',
  },
  'series: a family of a group': {
    options: { ...groups, limits: { seriesMax: 2 } },
    first: [{ body: counter('c', '1', '2') }],
    replaces: { body: counter('c', '3', '4') },
    page: counter('c', '3', '4').replaceAll('{', '{job="a",'),
    grows: { body: counter('d', '1') },
    code: 'series_limit',
  },
  'bytes of series: other gauges of the only source': {
    options: { byJob: true, limits: { seriesBytesTotalMax: 2000 } },
    first: [{ body: gauge('x', 'v'.repeat(1000)) }],
    replaces: { body: gauge('x', 'w'.repeat(1000)), method: put },
    page: gauge('x', 'w'.repeat(1000)),
    grows: { body: gauge('x', 'y'.repeat(1000)) },
    code: 'series_limit',
  },
  'bytes of sources: counters of another type': {
    options: { byJob: true, limits: { sourceBytesTotalMax: 180 } },
    first: [{ body: counter('x', '1', '2', '3', '4', '5', '6', '7') }],
    replaces: { body: gauge('x', '1', '2', '3', '4', '5', '6', '7'), method: put },
    page: gauge('x', '1', '2', '3', '4', '5', '6', '7'),
    grows: { body: gauge('y', '1', '2') },
    code: 'sources_limit',
  },
  'bytes of sources: a family of a group': {
    options: { ...groups, limits: { sourceBytesTotalMax: 180 } },
    first: [{ body: counter('x', '1', '2', '3', '4', '5', '6', '7') }],
    replaces: { body: counter('x', 'a', 'b', 'c', 'd', 'e', 'f', 'g') },
    page: counter('x', 'a', 'b', 'c', 'd', 'e', 'f', 'g').replaceAll('{', '{job="a",'),
    grows: { body: counter('y', '1', '2') },
    code: 'sources_limit',
  },
};

async function outcome(
  run: RestartingGateway,
  { body, method = 'POST', path = job }: Pushed,
): Promise<string> {
  try {
    return await run.gateway.push(body, { method, path });
  } catch (error) {
    if (error instanceof RequestError) return error.code;
    throw error;
  }
}

describe.each(Object.entries(cases))('%s', (_, { options, first, replaces, page, grows, code }) => {
  /** As a long push, which goes in steps, it has the same outcome. */
  const padded = (pushed: Pushed): Pushed => ({ ...pushed, body: `${pushed.body}${'\n'.repeat(200_000)}` });

  test.each([
    ['short', (pushed: Pushed): Pushed => pushed],
    ['long', padded],
  ])('%s', async (__, made) => {
    const run = await RestartingGateway.start({ ...options });
    for (const pushed of first) expect(await outcome(run, pushed)).toBe('applied');
    const before = await run.page(plainText);
    expect(await outcome(run, made(grows))).toBe(code);
    expect(await run.page(plainText)).toBe(before);
    expect(await outcome(run, made(replaces))).toBe('applied');
    expect(await run.page(plainText)).toBe(page);
    await run.restart();
    expect(await run.page(plainText)).toBe(page);
    await run.gateway.close();
  });
});

test('where series go and come at the limit of bytes, one push after the other is taken', async () => {
  const run = await RestartingGateway.start({ byJob: true, limits: { seriesBytesTotalMax: 2000 } });
  for (let i = 0; i < 50; i += 1)
    expect(await outcome(run, { body: gauge('x', `${i}${'v'.repeat(1000)}`), method: put })).toBe('applied');
  await run.gateway.close();
});
