/**
 * Metadata, labels and series: what the gateway answers is what a real Prometheus answers once it has scraped the gateway, but for the labels
 * and series that it adds. PROMETHEUS_3 names the binary of a newer one; `.ci/prometheus3` gets one and prints where it is.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { eventually } from '../support/eventually.ts';
import { push } from '../support/http.ts';
import { startGateway } from '../support/process.ts';
import { program, repository, run } from '../support/programs.ts';
import { startPrometheus } from '../support/prometheus.ts';

const newer = process.env['PROMETHEUS_3'] ?? '';
const reason = 'needs PROMETHEUS_3, the path of a Prometheus 3.5 or later; see .ci/prometheus3';

interface Reply {
  readonly status: string;
  readonly data?: unknown;
  readonly errorType?: string;
  readonly error?: string;
  readonly warnings?: readonly string[];
}

async function ask(url: string, path: string, form?: string): Promise<[status: number, reply: Reply]> {
  const init =
    form === undefined
      ? {}
      : { method: 'POST', body: form, headers: { 'Content-Type': 'application/x-www-form-urlencoded' } };
  const reply = await fetch(`${url}/api/v1/${path}`, init);
  expect(reply.headers.get('content-type'), path).toBe('application/json');
  return [reply.status, (await reply.json()) as Reply];
}

/** What Prometheus adds of each target that it scrapes. */
const own = /^(?:up|scrape_\w+)$/;
const ofTarget = new Set(['job', 'instance']);

function inOrder(series: Readonly<Record<string, string>>): unknown {
  return Object.keys(series)
    .toSorted()
    .map((name) => [name, series[name]]);
}

/** In an order that both have. */
function sorted(data: unknown): unknown {
  const entries = (data as unknown[]).map((each) =>
    typeof each === 'string' ? each : JSON.stringify(inOrder(each as Record<string, string>)),
  );
  return entries.toSorted();
}

/** Without what is of the target. */
function notOwn(data: unknown): unknown[] {
  return (data as unknown[]).flatMap((each): unknown[] => {
    if (typeof each === 'string') return own.test(each) || ofTarget.has(each) ? [] : [each];
    const series = each as Record<string, string>;
    if (own.test(series['__name__']!)) return [];
    return [Object.fromEntries(Object.entries(series).filter(([name]) => !ofTarget.has(name)))];
  });
}

const selectors = [
  'requests_total',
  '{code="500"}',
  '{__name__=~"latency.+"}',
  'latency_seconds_bucket{le="+Inf"}',
  'latency_seconds_bucket{le=~"0\\\\.5|2\\\\.5"}',
  '{kind!="",le=""}',
  '{path=~"/1.*",code!~"5.."}',
  '{text="a\\"b\\\\c"}',
  'nothing',
  'sizes',
  'sizes_count',
];

const rest = [
  '# HELP latency_seconds How long it took, "all" of it.\\n',
  '# TYPE latency_seconds histogram',
  ...['0.5', '1', '2.5', '10', '1e+06', '+Inf'].map(
    (le, i) => `latency_seconds_bucket{kind="x",le="${le}"} ${i}`,
  ),
  'latency_seconds_sum{kind="x"} 3',
  'latency_seconds_count{kind="x"} 5',
  '# TYPE sizes summary',
  'sizes{quantile="0.5"} 1',
  'sizes_sum{empty=""} 1',
  'sizes_count{empty=""} 1',
  '# HELP temperature',
  '# TYPE temperature gauge',
  'temperature{text="a\\"b\\\\c"} 1',
  'untyped_value{unit="ä\tb"} 1',
];

async function startBoth(binary: string | undefined) {
  const { url } = await startGateway(['--push.summaries=sum-and-count']);
  const counters = Array.from(
    { length: 12 },
    (__, i) => `requests_total{path="/${i}",code="${i % 3 === 0 ? 500 : 200}"} 1`,
  );
  await push(
    url,
    ['# HELP requests_total All of them.', '# TYPE requests_total counter', ...counters, ...rest].join('\n'),
  );
  const prometheus = await startPrometheus(url, binary === undefined ? {} : { binary });
  const all = async (): Promise<boolean> =>
    (await prometheus.value('count({__name__!="",__name__!~"up|scrape_.+"})')) === 12 + 8 + 2 + 1 + 1;
  await eventually('prometheus to have all series', all, 30_000);
  return { gateway: url, prometheus: prometheus.url };
}

/** Of the installed one where none is named. */
async function compareWith(binary?: string): Promise<void> {
  const { gateway, prometheus } = await startBoth(binary);
  const times = `start=0&end=${Math.ceil(Date.now() / 1_000) + 60}`;
  let found = 0;
  const compare = async (path: string, form?: string): Promise<void> => {
    const [ours, theirs] = await Promise.all([ask(gateway, path, form), ask(prometheus, path, form)]);
    expect([ours[0], ours[1].status], `${path} ${form}`).toEqual([theirs[0], theirs[1].status]);
    const data = sorted(ours[1].data);
    expect(data, `${path} ${form}`).toEqual(sorted(notOwn(theirs[1].data)));
    found += (data as unknown[]).length;
  };
  for (const query of [undefined, ...selectors]) {
    const match = query === undefined ? '' : `match[]=${encodeURIComponent(query)}`;
    for (const path of [
      'labels',
      ...['__name__', 'path', 'code', 'kind', 'le', 'text', 'unit', 'other'].map(
        (label) => `label/${label}/values`,
      ),
    ])
      await compare(`${path}?${match}`);
    if (query === undefined) continue;
    await compare(`series?${match}&${times}`);
    await compare('series', `${match}&${times}`);
    await compare(`labels?${times}`, match);
  }
  await compare(`series?match[]=temperature&match[]=sizes_sum`);
  expect(found).toBeGreaterThan(200);
  await compareMetadata(gateway, prometheus);
  await compareErrors(gateway, prometheus);
}

/** Without the suffix of counters, which Prometheus does not have where it scraped OpenMetrics. */
async function compareMetadata(gateway: string, prometheus: string): Promise<void> {
  const bare = (data: unknown): unknown =>
    Object.fromEntries(
      Object.entries(data as object)
        .filter(([name]) => !own.test(name))
        .map(([name, entries]) => [name.replace(/_total$/, ''), entries as unknown]),
    );
  const metadata = async (url: string, query: string): Promise<unknown> => {
    const [status, reply] = await ask(url, `metadata${query}`);
    expect([status, reply.status], query).toEqual([200, 'success']);
    return bare(reply.data);
  };
  const ours = await metadata(gateway, '');
  expect(Object.keys(ours as object)).toHaveLength(5);
  expect(ours).toEqual(await metadata(prometheus, ''));
  for (const query of ['?metric=latency_seconds', '?metric=none', '?limit=0', '?limit_per_metric=1'])
    expect(await metadata(gateway, query), query).toEqual(await metadata(prometheus, query));
}

async function compareErrors(gateway: string, prometheus: string): Promise<void> {
  for (const path of [
    'series',
    'series?match[]={',
    'series?match[]={}',
    'series?match[]={a=~".*"}',
    'labels?match[]={a=""}',
    'label/a/values?match[]=a{b=~"("}',
    'metadata?limit=x',
  ]) {
    const [ours, theirs] = await Promise.all([ask(gateway, path), ask(prometheus, path)]);
    const [status, { status: word, errorType }] = ours;
    expect([status, word, errorType], path).toEqual([theirs[0], theirs[1].status, theirs[1].errorType]);
    expect([status, errorType], path).toEqual([400, 'bad_data']);
    expect(ours[1].error, path).not.toBe('');
  }
}

test('the installed Prometheus answers as the gateway does', () => compareWith());

test.skipIf(newer === '')(`the newest Prometheus answers as the gateway does (${reason})`, async () => {
  await compareWith(newer);
});

test.skipIf(newer === '')(`limits, and names that are not legacy names, as well (${reason})`, async () => {
  const { url: gateway } = await startGateway();
  await push(gateway, '{"http.requests","the.path"="/"} 1\nb{x="1"} 1\nc{x="2"} 1\n');
  const { url: prometheus, value } = await startPrometheus(gateway, { binary: newer }).then((started) => ({
    url: started.url,
    value: (query: string) => started.value(query),
  }));
  await eventually('prometheus to have all', async () => (await value('count(c)')) === 1, 30_000);
  for (const path of [
    'label/the.path/values',
    'label/U__the_2e_path/values',
    'series?match[]={"http.requests"}',
    'series?match[]={"the.path"="/"}',
    'labels?match[]={"http.requests"}',
  ]) {
    const [ours, theirs] = await Promise.all([ask(gateway, path), ask(prometheus, path)]);
    expect((ours[1].data as unknown[]).length, path).toBeGreaterThan(0);
    expect([ours[0], sorted(ours[1].data)], path).toEqual([theirs[0], sorted(notOwn(theirs[1].data))]);
  }
  for (const path of ['label/x/values?limit=1', 'series?match[]=b&match[]=c&limit=1', 'labels?limit=2']) {
    const [ours, theirs] = await Promise.all([ask(gateway, path), ask(prometheus, path)]);
    expect((ours[1].data as unknown[]).length, path).toBe((theirs[1].data as unknown[]).length);
    expect(ours[1].warnings, path).toEqual(theirs[1].warnings);
  }
  for (const path of [
    'label/x/values?limit=-1',
    'labels?limit=x',
    'series?match[]=b&limit=-1',
    'metadata?limit_per_metric=x',
  ]) {
    const [ours, theirs] = await Promise.all([ask(gateway, path), ask(prometheus, path)]);
    expect([ours[0], ours[1].errorType], path).toEqual([theirs[0], theirs[1].errorType]);
  }
});

test('promtool reads them', async () => {
  const { url } = await startGateway();
  await push(url, 'a{x="1"} 1\na{x="2",y="ä"} 1\nb{x="3"} 1');
  const query = async (...rest: string[]): Promise<readonly string[]> => {
    const outcome = await run(program('promtool', 'prometheus'), ['query', ...rest], {
      env: { ...process.env, no_proxy: '*' },
    });
    expect(outcome.code, outcome.stderr).toBe(0);
    return outcome.stdout.trim().split('\n');
  };
  expect(await query('labels', url, 'x')).toEqual(['1', '2', '3']);
  expect(await query('labels', '--match=a', url, 'x')).toEqual(['1', '2']);
  expect(await query('labels', url, '__name__')).toEqual(['a', 'b']);
  const series = await query('series', '--match=a', '--match={x=~"3|4"}', url);
  // Names are in no order of their own.
  expect(series.map((each) => each.replaceAll(/[{}]/g, '').split(', ').toSorted().join())).toEqual([
    '__name__="a",x="1"',
    '__name__="a",x="2",y="ä"',
    '__name__="b",x="3"',
  ]);
});

test('the commands of the guide print what the guide says', async () => {
  program('curl', 'curl');
  const guide = readFileSync(join(repository, 'docs/guides/operating.md'), 'utf8');
  const section = guide.slice(guide.indexOf('## Which metrics and labels are there?'));
  const linesOf = (language: string): string[] =>
    new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)\\n\`\`\`$`, 'm').exec(section)![1]!.split('\n');
  const { url } = await startGateway();
  const users = ['ann', 'bob', 'eve', 'joe', 'kim'].map(
    (user, i) => `requests_total{code="${i === 4 ? 500 : 200}",user="${user}"} 1`,
  );
  await push(url, `# TYPE requests_total counter\n${users.join('\n')}`);
  const replies: unknown[] = [];
  for (const line of linesOf('sh')) {
    const outcome = await run('/bin/sh', ['-ec', line.replace('http://localhost:9091', url)], {
      env: { ...process.env, no_proxy: '*' },
    });
    expect(outcome.code).toBe(0);
    replies.push(JSON.parse(outcome.stdout));
  }
  expect(replies).toEqual(linesOf('json').map((line): unknown => JSON.parse(line)));
  expect(replies).toHaveLength(2);
});
