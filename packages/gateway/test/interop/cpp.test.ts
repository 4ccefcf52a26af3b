/** The C++ client, prometheus-cpp, as Debian ships it. */
import { beforeAll, expect, test } from 'vitest';

import { clientPath, compileCpp, programFolder } from '../support/clients.ts';
import { scrapeSamples } from '../support/http.ts';
import { startGateway } from '../support/process.ts';
import { run } from '../support/programs.ts';

const folder = programFolder();
let everyType = '';
beforeAll(async () => {
  everyType = await compileCpp(clientPath('every_type.cpp'), folder);
});

async function pushes(url: string, shift: string, ...verbs: readonly string[]): Promise<void> {
  const { hostname, port } = new URL(url);
  const outcome = await run(everyType, [hostname, port, shift, ...verbs]);
  expect(outcome).toEqual({ code: 0, stdout: '', stderr: '' });
}

test('without modes, Push and PushAdd of two processes add up', async () => {
  const { url } = await startGateway(['--push.summaries=sum-and-count']);
  await pushes(url, 'early', 'push');
  await pushes(url, 'late', 'add');
  expect(Object.fromEntries(await scrapeSamples(url))).toEqual({
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

test('by job, the newest push of a source counts, sources add up, and DeleteForInstance takes the gauges', async () => {
  const { url } = await startGateway(['--by-job']);
  await pushes(url, 'early', 'push', 'add', 'push');
  await pushes(url, 'late', 'push');
  const both = await scrapeSamples(url);
  expect(both.get('files_left{kind="text"}')).toBe(8);
  expect(both.get('files_total{kind="te\\"xt\\\\"}')).toBe(6);
  await pushes(url, 'early', 'delete');
  const page = await scrapeSamples(url);
  expect(page.get('files_left{kind="text"}')).toBe(4);
  expect(page.get('files_total{kind="te\\"xt\\\\"}')).toBe(6);
});
