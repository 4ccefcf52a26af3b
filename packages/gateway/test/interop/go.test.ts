/** The Go client, as Debian ships it, in its default format: protobuf. */
import { beforeAll, expect, test } from 'vitest';

import { clientPath, compileGo, programFolder } from '../support/clients.ts';
import { push, scrapeOpenMetrics, scrapeSamples, send } from '../support/http.ts';
import { startGateway } from '../support/process.ts';
import { run } from '../support/programs.ts';

const folder = programFolder();
let everyType = '';
beforeAll(async () => {
  everyType = await compileGo(clientPath('every_type.go'), folder);
});

async function pushes(url: string, shift: string, ...verbs: readonly string[]): Promise<void> {
  const outcome = await run(everyType, [url, shift, ...verbs]);
  expect(outcome).toEqual({ code: 0, stdout: '', stderr: '' });
}

test('without modes, Push and Add of two processes add up', async () => {
  const { url } = await startGateway(['--push.summaries=sum-and-count']);
  await pushes(url, 'early morning', 'push');
  await pushes(url, 'late/night', 'add');
  expect(Object.fromEntries(await scrapeSamples(url))).toEqual({
    answer: 84,
    'files_total{kind="te\\"xt\\\\"}': 6,
    'files_left{kind="text"}': 8,
    'read_seconds_bucket{kind="text",le="0.5"}': 2,
    'read_seconds_bucket{kind="text",le="1"}': 4,
    'read_seconds_bucket{kind="text",le="5"}': 4,
    'read_seconds_bucket{kind="text",le="+Inf"}': 6,
    'read_seconds_sum{kind="text"}': 20,
    'read_seconds_count{kind="text"}': 6,
    'read_bytes_sum{kind="text"}': 20,
    'read_bytes_count{kind="text"}': 6,
  });
});

test('it adds up with text and OpenMetrics', async () => {
  const { url } = await startGateway();
  await push(
    url,
    '# TYPE read_seconds histogram\nread_seconds_bucket{kind="text",le="1.0"} 1\nread_seconds_bucket{kind="text",le="+Inf"} 1\n' +
      'read_seconds_sum{kind="text"} 0.5\nread_seconds_count{kind="text"} 1',
  );
  const openmetrics = '# TYPE files counter\nfiles_total{kind="te\\"xt\\\\"} 4\n# EOF\n';
  const headers = { 'content-type': 'application/openmetrics-text; version=1.0.0' };
  expect((await send(url, openmetrics, { headers })).status).toBe(202);
  await pushes(url, 'late', 'push');
  const page = await scrapeSamples(url);
  expect(page.get('files_total{kind="te\\"xt\\\\"}')).toBe(7);
  expect(page.get('read_seconds_bucket{kind="text",le="0.5"}')).toBe(1);
  expect(page.get('read_seconds_bucket{kind="text",le="1"}')).toBe(3);
  expect(page.get('read_seconds_count{kind="text"}')).toBe(4);
});

test('its exemplars stand on the page of OpenMetrics', async () => {
  const { url } = await startGateway();
  await pushes(url, 'early', 'push');
  const lines = await scrapeOpenMetrics(url);
  const buckets = lines.filter((line) => line.startsWith('read_seconds_bucket'));
  expect(buckets.map((line) => line.replace(/( # .*) [\d.e+]+$/, '$1'))).toEqual([
    'read_seconds_bucket{kind="text",le="0.5"} 1 # {trace_id="abc"} 0.25',
    'read_seconds_bucket{kind="text",le="1.0"} 2 # {trace_id="abc"} 0.75',
    'read_seconds_bucket{kind="text",le="5.0"} 2',
    'read_seconds_bucket{kind="text",le="+Inf"} 3 # {trace_id="abc"} 9',
  ]);
});

test('by job, the newest push of a source counts, sources add up, and Delete takes the gauges', async () => {
  const { url } = await startGateway(['--by-job']);
  await pushes(url, 'early', 'push', 'push', 'add');
  await pushes(url, '', 'add');
  const both = await scrapeSamples(url);
  expect(both.get('files_total{kind="te\\"xt\\\\"}')).toBe(6);
  expect(both.get('files_left{kind="text"}')).toBe(8);
  expect(both.get('read_seconds_count{kind="text"}')).toBe(6);
  await pushes(url, 'early', 'delete');
  const one = await scrapeSamples(url);
  expect(one.get('files_left{kind="text"}')).toBe(4);
  expect(one.get('files_total{kind="te\\"xt\\\\"}')).toBe(6);
});

test('with path labels added, a slash of the grouping arrives as it was, and a space as a plus', async () => {
  const { url } = await startGateway(['--push.path-labels=add']);
  await pushes(url, 'early morning', 'push');
  expect((await scrapeSamples(url)).get('answer{job="reader",path="/var/spool",shift="early+morning"}')).toBe(
    42,
  );
});

test('native histograms without classic buckets, of two resolutions', async () => {
  const { url } = await startGateway();
  const native = await compileGo(clientPath('native.go'), folder);
  for (const factor of ['2', '1.1']) {
    const outcome = await run(native, [url, factor, '0', '0.75', '1.5', '1.5', '6']);
    expect(outcome).toEqual({ code: 0, stdout: '', stderr: '' });
  }
  expect(Object.fromEntries(await scrapeSamples(url))).toEqual({
    'latency_seconds_bucket{le="+Inf"}': 10,
    latency_seconds_sum: 19.5,
    latency_seconds_count: 10,
  });
});
