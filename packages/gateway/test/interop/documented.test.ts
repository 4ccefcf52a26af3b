/** The clients that docs/reference/formats.md shows, run as they stand there but for the address of the gateway. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { clientText, compileCpp, compileGo, debianPython, programFolder } from '../support/clients.ts';
import { scrapeSamples } from '../support/http.ts';
import { startGateway } from '../support/process.ts';
import { program, run, type Outcome } from '../support/programs.ts';
import { startRecorder } from '../support/recorder.ts';

const folder = programFolder();
const protobuf =
  'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited';

type Runner = (text: string, name: string) => Promise<Outcome>;

const go: Runner = async (text, name) => run(await compileGo(written(text, name), folder), []);
const cpp: Runner = async (text, name) => run(await compileCpp(written(text, name), folder), []);
const node: Runner = (text) => run(process.execPath, ['--input-type=module', '-'], { input: text });
const python: Runner = async (text) =>
  run(await debianPython({ prometheus_client: 'python3-prometheus-client' }), ['-'], { input: text });

function written(text: string, name: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

interface Documented {
  readonly client: string;
  readonly runs: Runner;
  readonly method: string;
  readonly type: string | undefined;
}

test.each<Documented>([
  { client: 'push.go', runs: go, method: 'PUT', type: protobuf },
  // What this client calls push is POST, and what it calls add is PUT.
  { client: 'push.cpp', runs: cpp, method: 'POST', type: 'text/plain; version=0.0.4; charset=utf-8' },
  { client: 'push.py', runs: python, method: 'PUT', type: 'text/plain; version=0.0.4; charset=utf-8' },
  {
    client: 'push_openmetrics.py',
    runs: python,
    method: 'PUT',
    type: 'application/openmetrics-text; version=0.0.1; charset=utf-8',
  },
  { client: 'push.mjs', runs: node, method: 'PUT', type: undefined },
  {
    client: 'push_openmetrics.mjs',
    runs: node,
    method: 'PUT',
    type: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
  },
])('$client', async ({ client, runs, method, type }) => {
  const gateway = await startGateway(['--by-job']);
  const recorder = await startRecorder(gateway.url);
  expect(await runs(clientText(client, recorder.url), client)).toEqual({ code: 0, stdout: '', stderr: '' });
  const [request, ...more] = recorder.requests;
  expect(more).toEqual([]);
  expect(request).toMatchObject({ method, path: '/metrics/job/backup/instance/7' });
  expect(request?.headers['content-type']).toBe(type);
  expect((await scrapeSamples(gateway.url)).get('files_total')).toBe(1);
});

test('push.sh', async () => {
  program('curl', 'curl');
  const gateway = await startGateway(['--by-job']);
  const recorder = await startRecorder(gateway.url);
  const input = `set -e\ncd ${folder}\n${clientText('push.sh', recorder.url).replaceAll('curl ', 'curl --noproxy "*" -sSf ')}`;
  expect(await run('/bin/sh', ['-'], { input })).toEqual({ code: 0, stdout: '', stderr: '' });
  const form = 'application/x-www-form-urlencoded';
  expect(
    recorder.requests.map(({ method, path, headers }) => [
      method,
      path,
      headers['content-type'],
      headers['content-encoding'],
    ]),
  ).toEqual([
    ['POST', '/metrics/job/backup/instance/7', form, undefined],
    ['POST', '/metrics/job/backup/instance/7', form, 'gzip'],
    ['DELETE', '/metrics/job/backup/instance/7', undefined, undefined],
  ]);
  // The second push replaced the first, and a source that is gone leaves what it counted.
  expect((await scrapeSamples(gateway.url)).get('files_total')).toBe(1);
});
