/**
 * Who has how many series: what the gateway says is what a real Prometheus says of itself once it has scraped the gateway. PROMETHEUS_3 names
 * the binary of a newer one; `.ci/prometheus3` gets one and prints where it is.
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

interface Entry {
  readonly name: string;
  readonly value: number;
}

interface Status {
  readonly headStats: { readonly numSeries: number; readonly numLabelPairs: number };
  readonly seriesCountByMetricName: readonly Entry[];
  readonly labelValueCountByLabelName: readonly Entry[];
  readonly memoryInBytesByLabelName: readonly Entry[];
  readonly seriesCountByLabelValuePair: readonly Entry[];
}

async function statusOf(url: string): Promise<Status> {
  const reply = await fetch(`${url}/api/v1/status/tsdb?limit=1000`);
  const { status, data } = (await reply.json()) as { readonly status: string; readonly data: Status };
  expect([reply.status, reply.headers.get('content-type'), status]).toEqual([
    200,
    'application/json',
    'success',
  ]);
  return data;
}

/** What Prometheus adds of each target that it scrapes. */
const own = /^(?:__name__=)?(?:up|scrape_\w+)$/;

/** As long a list as Prometheus has, which may know no limit; in what it has at all the two agree. */
function agreeing(theirs: readonly Entry[], ours: readonly Entry[]): readonly Entry[] {
  const known = new Map(ours.map(({ name, value }) => [name, value]));
  return theirs.map(({ name }) => ({ name, value: known.get(name) ?? Number.NaN }));
}

/** Of the installed one where none is named. */
async function compareWith(binary?: string): Promise<void> {
  const { url } = await startGateway([
    '--by-job',
    '--push.path-labels=add',
    '--push.summaries=sum-and-count',
  ]);
  for (const instance of ['a', 'b', 'c', 'd']) {
    const counters = Array.from(
      { length: 12 },
      (__, i) => `requests_total{path="/${i}",code="${i % 3 === 0 ? 500 : 200}"} 1`,
    );
    const buckets = ['0.5', '1', '2.5', '10', '1e+06', '+Inf'].map(
      (le, i) => `latency_seconds_bucket{kind="x",le="${le}"} ${i}`,
    );
    await push(
      url,
      [
        '# TYPE requests_total counter',
        ...counters,
        '# TYPE latency_seconds histogram',
        ...buckets,
        'latency_seconds_sum{kind="x"} 3',
        'latency_seconds_count{kind="x"} 5',
        '# TYPE sizes summary',
        'sizes{quantile="0.5"} 1',
        'sizes_sum{empty=""} 1',
        'sizes_count{empty=""} 1',
        '# TYPE temperature gauge',
        'temperature{text="a\\"b\\\\c"} 1',
        'untyped_value 1',
      ].join('\n'),
      { path: `job/web/instance/${instance}` },
    );
  }
  const prometheus = await startPrometheus(url, binary === undefined ? {} : { binary });
  const gateway = await statusOf(url);
  const series = gateway.headStats.numSeries;
  expect(series).toBe(4 * (12 + 8 + 2 + 1 + 1 + 2));
  const target = '{__name__=~"up|scrape_.+"}';
  const all = async (): Promise<boolean> =>
    (await prometheus.value('count({__name__!=""})')) ===
    series + ((await prometheus.value(`count(${target})`)) ?? 0);
  await eventually('prometheus to have all series', all, 30_000);
  // Asked for once, as it keeps its answer for half a minute.
  const found = await statusOf(prometheus.url);
  // Its own of the target, whose job and instance are no others' but theirs.
  const added = found.headStats.numSeries - series;
  expect(added).toBeGreaterThanOrEqual(5);
  expect(found.headStats.numLabelPairs).toBe(gateway.headStats.numLabelPairs + added + 2);

  const notOwn = (entries: readonly Entry[]): readonly Entry[] =>
    entries.filter(({ name }) => !own.test(name) && !/^(?:job=gateway|instance=127\.)/.test(name));
  const names = notOwn(found.seriesCountByMetricName);
  expect(names.length).toBeGreaterThanOrEqual(5);
  expect(names).toEqual(agreeing(names, gateway.seriesCountByMetricName));
  const pairs = notOwn(found.seriesCountByLabelValuePair);
  expect(pairs.length).toBeGreaterThanOrEqual(8);
  expect(pairs).toEqual(agreeing(pairs, gateway.seriesCountByLabelValuePair));
  const more: Readonly<Record<string, number>> = { __name__: added, job: 1, instance: 1 };
  const labels = found.labelValueCountByLabelName.map(({ name, value }) => ({
    name,
    value: value - (more[name] ?? 0),
  }));
  expect(labels.map(({ name }) => name).toSorted()).toEqual(
    gateway.labelValueCountByLabelName.map(({ name }) => name).toSorted(),
  );
  expect(labels).toEqual(agreeing(labels, gateway.labelValueCountByLabelName));
  // Older ones count the memory otherwise.
  if (binary === undefined) return;
  const memory = found.memoryInBytesByLabelName.filter(({ name }) => more[name] === undefined);
  expect(memory).toEqual(agreeing(memory, gateway.memoryInBytesByLabelName));
}

test('the installed Prometheus counts as the gateway does', () => compareWith());

test.skipIf(newer === '')(`the newest Prometheus counts as the gateway does (${reason})`, () =>
  compareWith(newer),
);

test('the command of the guide prints what the guide says', async () => {
  program('curl', 'curl');
  const guide = readFileSync(join(repository, 'docs/guides/operating.md'), 'utf8');
  const section = guide.slice(guide.indexOf('## Who has so many series?'));
  const line = /^```sh\n(.*)\n```$/m.exec(section)![1]!;
  const json = /^```json\n([\s\S]*?)^```$/m.exec(section)![1]!;
  const { url } = await startGateway();
  const users = ['ann', 'bob', 'eve', 'joe', 'kim'].map(
    (user, i) => `requests_total{code="${i === 4 ? 500 : 200}",user="${user}"} 1`,
  );
  await push(url, `# TYPE requests_total counter\n${users.join('\n')}`);
  const latency = ['_bucket{le="1"} 1', '_bucket{le="+Inf"} 1', '_sum 1', '_count 1'];
  await push(
    url,
    `# TYPE latency_seconds histogram\n${latency.map((rest) => `latency_seconds${rest}`).join('\n')}`,
  );
  const outcome = await run('/bin/sh', ['-ec', line.replace('http://localhost:9091', url)], {
    env: { ...process.env, no_proxy: '*' },
  });
  expect(outcome.code).toBe(0);
  expect(JSON.parse(outcome.stdout)).toEqual(JSON.parse(json));
});
