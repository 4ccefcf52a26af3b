/** One gateway for senders of both kinds, as an operator runs it: reloads, restarts, sources that fall silent. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { eventually } from '../support/eventually.ts';
import { temporaryFolder } from '../support/folders.ts';
import { push, scrape, send } from '../support/http.ts';
import { startGateway } from '../support/process.ts';
import type { GatewayProcess } from '../support/process.ts';

const senders = `
sources:
  - match: '{job=~"worker|api"}'
    mode: by-job
    counter_resets: accumulate
    prune_after: 90s
    forget_after: 1d
    path_labels: [job]
    metric_relabel_configs:
      - {action: labeldrop, regex: zone}
  - match: '{job="web"}'
    mode: add

metric_relabel_configs:
  - {action: labeldrop, regex: instance|pod}
  - {source_labels: [__name__], regex: 'debug_.*', action: drop}
`;
const metrics = `
metrics:
  - match: '{__name__=~".*_last_success_timestamp_seconds"}'
    gauge: max
    ttl: 2h
  - match: 'queue_depth{job!="batch"}'
    gauge: last
  - match: 'http_request_duration_seconds'
    buckets: [0.1, 0.5, 1, 5]
    without: [pod]
  - match: 'cron_runs'
    type: counter
presets: [timestamps, info, process_start_time]
`;

interface Running extends GatewayProcess {
  reload(text: string): Promise<{ readonly status: number; readonly text: string }>;
}

async function start(file: string, flags: readonly string[] = []): Promise<Running> {
  const gateway = await startGateway([`--config.file=${file}`, '--web.enable-lifecycle', ...flags]);
  return {
    ...gateway,
    async reload(text) {
      writeFileSync(file, text);
      const reply = await fetch(`${gateway.url}/-/reload`, { method: 'POST' });
      return { status: reply.status, text: await reply.text() };
    },
  };
}

const worker = (done: number, depth: number, at: number): string =>
  [
    '# TYPE done_total counter',
    `done_total{pod="w-${at}",zone="a"} ${done}`,
    '# TYPE queue_depth gauge',
    `queue_depth ${depth}`,
    '# TYPE job_last_success_timestamp_seconds gauge',
    `job_last_success_timestamp_seconds ${at}`,
    'debug_heap_bytes 17',
  ].join('\n');

const web = (done: number, depth: number): string =>
  [
    '# TYPE done_total counter',
    `done_total{pod="web-1",job="worker"} ${done}`,
    '# TYPE queue_depth gauge',
    `queue_depth{job="worker"} ${depth}`,
    '# TYPE http_request_duration_seconds histogram',
    'http_request_duration_seconds_bucket{pod="x",le="0.05"} 1',
    'http_request_duration_seconds_bucket{pod="x",le="0.5"} 2',
    'http_request_duration_seconds_bucket{pod="x",le="+Inf"} 3',
    'http_request_duration_seconds_sum{pod="x"} 9',
    'http_request_duration_seconds_count{pod="x"} 3',
    'cron_runs 1',
  ].join('\n');

const histogram = (times: number): string =>
  [
    '# TYPE http_request_duration_seconds histogram',
    `http_request_duration_seconds_bucket{le="0.1"} ${times}`,
    `http_request_duration_seconds_bucket{le="0.5"} ${2 * times}`,
    `http_request_duration_seconds_bucket{le="+Inf"} ${3 * times}`,
    `http_request_duration_seconds_sum ${9 * times}`,
    `http_request_duration_seconds_count ${3 * times}`,
    '',
  ].join('\n');

const page = (done: number, depth: number, at: number, times: number): string =>
  `# TYPE cron_runs counter\ncron_runs ${times}\n# TYPE done_total counter\ndone_total{job="worker"} ${done}\n${histogram(times)}` +
  `# TYPE job_last_success_timestamp_seconds gauge\njob_last_success_timestamp_seconds{job="worker"} ${at}\n` +
  `# TYPE queue_depth gauge\nqueue_depth{job="worker"} ${depth}\n`;

test('the page, after reloads and restarts as well', async () => {
  const folder = temporaryFolder();
  const file = join(folder, 'gateway.yaml');
  writeFileSync(file, senders + metrics);
  // Otherwise series of senders by job would not be those of the others, as labels of the path are added.
  const storage = [`--storage.path=${join(folder, 'data')}`, '--push.empty-instance=false'];
  let gateway = await start(file, storage);
  expect(gateway.stderr()).toContain(' mode=mixed ');
  await push(gateway.url, worker(100, 7, 1000), { path: 'job/worker/instance/1' });
  await push(gateway.url, worker(30, 5, 900), { path: 'job/worker/instance/2' });
  await push(gateway.url, web(2, 3), { path: 'job/web' });
  await push(gateway.url, web(2, 4), { path: 'job/web' });
  // A restart of the first, whose counter goes on from what it had.
  await push(gateway.url, worker(1, 6, 1100), { path: 'job/worker/instance/1' });
  expect(await scrape(gateway.url)).toBe(page(135, 6, 1100, 2));

  const others = metrics
    .replace('gauge: last', 'gauge: max')
    .replace('gauge: max\n    ttl: 2h', 'gauge: min');
  expect(await gateway.reload(senders + others)).toMatchObject({ status: 200 });
  expect(await scrape(gateway.url)).toBe(page(135, 6, 900, 2));

  const refused = await gateway.reload(
    senders.replace('mode: by-job', 'mode: add').replace(/^ {4}(counter|prune|forget)_.*\n/gm, '') + others,
  );
  expect(refused.status).toBe(500);
  expect(refused.text).toContain('by the new ones 2 known sources would add');
  expect(gateway.stderr()).toContain('by the new ones 2 known sources would add');
  const metric = 'prom_aggregation_gateway_config_last_reload_successful 0\n';
  expect(await (await fetch(`${gateway.url}/-/metrics`)).text()).toContain(metric);
  await push(gateway.url, worker(31, 5, 950), { path: 'job/worker/instance/2' });
  expect(await scrape(gateway.url)).toBe(page(136, 6, 950, 2));

  writeFileSync(file, senders + others);
  await gateway.stop('SIGKILL');
  gateway = await start(file, storage);
  expect(await scrape(gateway.url)).toBe(page(136, 6, 950, 2));
  await push(gateway.url, worker(32, 8, 950), { path: 'job/worker/instance/2' });
  await push(gateway.url, web(1, 4), { path: 'job/web' });
  expect(await scrape(gateway.url)).toBe(page(138, 8, 950, 3));
  expect(await gateway.stop()).toBe(0);
});

test('of max over three sources, the highest falls silent, is pruned, and the next is shown within a second', async () => {
  const file = join(temporaryFolder(), 'gateway.yaml');
  writeFileSync(
    file,
    `sources: [{match: '{job="worker"}', mode: by-job, prune_after: 1s}]\nmetrics: [{match: queue_depth, gauge: max}]\n`,
  );
  const { url } = await start(file);
  const depth = (value: number): string => `# TYPE queue_depth gauge\nqueue_depth ${value}`;
  const pushed = (instance: number): Promise<void> =>
    push(url, depth(10 * instance), { path: `job/worker/instance/${instance}` });
  for (const instance of [1, 2, 3]) await pushed(instance);
  const silentSince = performance.now();
  expect(await scrape(url)).toBe(`${depth(30)}\n`);
  const shown = await eventually('another maximum', async () => {
    for (const instance of [1, 2]) await pushed(instance);
    const text = await scrape(url);
    return text === `${depth(30)}\n` ? undefined : text;
  });
  expect(shown).toBe(`${depth(20)}\n`);
  const silentMs = performance.now() - silentSince;
  expect(silentMs).toBeGreaterThan(900);
  expect(silentMs).toBeLessThan(2000);
});

test('a DELETE of a sender that adds says that there was nothing to delete, and the start page says how senders count', async () => {
  const file = join(temporaryFolder(), 'gateway.yaml');
  writeFileSync(file, `sources: [{match: '{job="worker"}', mode: by-job}]\n`);
  const { url } = await start(file);
  await push(url, 'a 1', { path: 'job/worker' });
  await push(url, 'a 1', { path: 'job/web' });
  const remove = async (path: string): Promise<readonly [number, string]> => {
    const reply = await fetch(`${url}/metrics/${path}`, { method: 'DELETE' });
    return [reply.status, await reply.text()];
  };
  expect(await remove('job/worker')).toEqual([202, '']);
  const [status, text] = await remove('job/web');
  expect(status).toBe(202);
  expect(text).toMatch(/^nothing was deleted: pushes to this path are added/);
  const reply = await send(url, 'a 1\n', { path: 'job/web' });
  expect(reply.status).toBe(202);
  expect(await (await fetch(url)).text()).toMatch(
    /latest pushes of some senders and of all pushes of the others/,
  );
  expect(await scrape(url)).toBe('# TYPE a untyped\na 2\n');
});

test('flags for senders by job are said to have no effect only where there are none', async () => {
  const file = join(temporaryFolder(), 'gateway.yaml');
  const flag = '--job-prune-duration=90s';
  const unused = `${flag.slice(0, flag.indexOf('='))} has no effect`;
  writeFileSync(file, `sources: [{match: '{job="worker"}', mode: by-job}]\n`);
  expect((await start(file, [flag])).stderr()).not.toContain(unused);
  writeFileSync(file, '');
  expect((await start(file, [flag])).stderr()).toContain(unused);
});
