/** A real Prometheus scrapes the gateway, and its queries give what was pushed. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';

import { eventually } from '../support/eventually.ts';
import { push, scrape } from '../support/http.ts';
import { startGateway } from '../support/process.ts';
import { program, run } from '../support/programs.ts';
import { startPrometheus } from '../support/prometheus.ts';

const visits = (value: number): string => `# TYPE visits_total counter\nvisits_total{page="start"} ${value}`;

test('increase() and the values over time are those of the pushes', async () => {
  const gateway = await startGateway();
  // A first value of 0 keeps increase() from guessing what was before it.
  await push(gateway.url, visits(0));
  const prometheus = await startPrometheus(gateway.url);
  const shows = (total: number): Promise<boolean> =>
    eventually(
      `visits_total to be ${total}`,
      async () => (await prometheus.value('visits_total')) === total,
      15_000,
    );
  await shows(0);
  let total = 0;
  for (const value of [5, 10, 15]) {
    await push(gateway.url, visits(value));
    total += value;
    await shows(total);
    await sleep(1_100);
  }
  const [raw] = await prometheus.query('visits_total[5m]');
  const values = (raw?.values ?? []).map(([, value]) => Number(value));
  expect([...new Set(values)]).toEqual([0, 5, 15, 30]);
  // Asked at the moment of the last sample, increase() has nothing to extrapolate and is exact.
  const [first, last] = [raw?.values?.at(0)?.[0] ?? 0, raw?.values?.at(-1)?.[0] ?? 0];
  expect(await prometheus.value('increase(visits_total[5m])', last)).toBeCloseTo(30, 9);
  expect(await prometheus.value('resets(visits_total[5m])', last)).toBe(0);
  const [range] = await prometheus.range('visits_total', first, last);
  const steps = (range?.values ?? []).map(([, value]) => Number(value));
  expect(steps).toEqual(steps.toSorted((a, b) => a - b));
  expect(steps.at(0)).toBe(0);
  expect(steps.length).toBeGreaterThanOrEqual(4);
});

test('a group that is deleted goes without a reset, and honor_labels keeps the labels of the path', async () => {
  const gateway = await startGateway(['--by-job', '--push.path-labels=add']);
  const prometheus = await startPrometheus(gateway.url);
  const body =
    '# TYPE done_total counter\ndone_total{instance="i1"} 7\n# TYPE load gauge\nload{instance="i1"} 3';
  await push(gateway.url, body, { path: 'job/backup' });
  const query = 'done_total{job="backup",instance="i1"}';
  await eventually('the counter', async () => (await prometheus.value(query)) === 7, 15_000);
  expect(await prometheus.value('load{job="backup",instance="i1"}')).toBe(3);
  const reply = await fetch(`${gateway.url}/metrics/job/backup`, { method: 'DELETE' });
  expect(reply.status).toBe(202);
  await eventually('the gauge to go', async () => (await prometheus.value('load')) === undefined, 15_000);
  expect(await prometheus.value(query)).toBeUndefined();
  expect(await prometheus.value('resets(done_total[5m])')).toBe(0);
});

test('quantiles of a union of histograms', async () => {
  const gateway = await startGateway();
  const histogram = (buckets: Readonly<Record<string, number>>, count: number): string =>
    [
      '# TYPE wait_seconds histogram',
      ...Object.entries(buckets).map(([le, value]) => `wait_seconds_bucket{le="${le}"} ${value}`),
      `wait_seconds_bucket{le="+Inf"} ${count}`,
      `wait_seconds_sum ${count / 2}`,
      `wait_seconds_count ${count}`,
    ].join('\n');
  await push(gateway.url, histogram({ '0.1': 10, '0.5': 40, '1': 90 }, 100));
  await push(gateway.url, histogram({ '0.25': 50, '1': 95 }, 100));
  const prometheus = await startPrometheus(gateway.url);
  const median = await eventually(
    'the histogram',
    () => prometheus.value('histogram_quantile(0.5, wait_seconds_bucket)'),
    15_000,
  );
  // The 100th of 200 lies between 0.5 (90) and 1 (185).
  expect(median).toBeCloseTo(0.5 + (0.5 * (100 - 90)) / (185 - 90), 9);
  const [scraped] = await prometheus.query('scrape_samples_scraped{job="gateway"}');
  // Five buckets, sum and count.
  expect(Number(scraped?.value?.[1])).toBe(7);
});

test('promtool reads the page, difficult texts included', async () => {
  const gateway = await startGateway(['--push.summaries=sum-and-count']);
  await push(gateway.url, visits(1e21));
  await push(
    gateway.url,
    '# HELP odd_total A \\\\ and a \\n newline.\n# TYPE odd_total counter\nodd_total 1e-9',
  );
  await push(gateway.url, 'path_total{path="C:\\\\temp \\"quoted\\" \\n é 漢"} 2\nuntyped_thing 0.1');
  await push(gateway.url, '# TYPE t gauge\nt{a="1"} -5\n# TYPE empty_total counter');
  await push(gateway.url, '# TYPE s summary\ns{quantile="0.5"} 1\ns_sum 2\ns_count 2');
  await push(gateway.url, '# TYPE h histogram\nh_bucket{le="1"} 1\nh_sum 5\nh_count 3');
  const page = await scrape(gateway.url);
  const outcome = await run(program('promtool', 'prometheus'), ['check', 'metrics'], { input: page });
  // 3 means remarks on style, such as a missing HELP; 1 would mean that the page cannot be read.
  expect([0, 3], `${outcome.stderr}\n${page}`).toContain(outcome.code);
  expect(outcome.stderr).not.toMatch(/error while|parse/i);
});

test("promtool reads the gateway's own metrics", async () => {
  const gateway = await startGateway();
  await push(gateway.url, visits(1));
  const page = await (await fetch(`${gateway.url}/-/metrics`)).text();
  const outcome = await run(program('promtool', 'prometheus'), ['check', 'metrics'], { input: page });
  expect([0, 3], outcome.stderr).toContain(outcome.code);
});
