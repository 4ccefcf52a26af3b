/** What people type. The lines of the README are taken from it, so that they cannot go stale. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

import { scrapeSamples } from '../support/http.ts';
import { startGateway } from '../support/process.ts';
import { program, repository, run, type Outcome } from '../support/programs.ts';

/** Runs a shell line; curl then ends with an error for each reply from 400 up, and still prints its body. */
function shell(line: string, files: Readonly<Record<string, string>> = {}): Promise<Outcome> {
  program('curl', 'curl');
  const home = mkdtempSync(join(tmpdir(), 'gateway-curl-'));
  onTestFinished(() => rmSync(home, { recursive: true }));
  writeFileSync(join(home, '.curlrc'), 'fail-with-body\nsilent\nshow-error\nnoproxy = "*"\n');
  for (const [name, text] of Object.entries(files)) writeFileSync(join(home, name), text);
  return run('/bin/sh', ['-ec', `cd '${home}'\n${line}`], { env: { ...process.env, CURL_HOME: home } });
}

/** The lines with `curl` of the fenced blocks of the README that speak to a gateway on this machine. */
function readmeLines(): readonly string[] {
  const readme = readFileSync(join(repository, 'README.md'), 'utf8');
  const blocks = [...readme.matchAll(/^```(?:sh|bash|shell|console)\n([\s\S]*?)^```/gm)].map(
    (match) => match[1],
  );
  return blocks
    .flatMap((block) => (block ?? '').replaceAll('\\\n', ' ').split('\n'))
    .map((line) => line.replace(/^\$ /, ''))
    .filter((line) => /\bcurl\b/.test(line) && line.includes('localhost:9091'));
}

test('a line through a pipe, pushed twice', async () => {
  const { url } = await startGateway();
  const line = `echo 'http_requests_total{method="post",code="200"} 1027' | curl --data-binary @- ${url}/metrics/`;
  for (let i = 0; i < 2; i += 1) expect(await shell(line)).toEqual({ code: 0, stdout: '', stderr: '' });
  const { stdout } = await shell(`curl ${url}/metrics`);
  expect(stdout).toMatch(/^http_requests_total\{.*\} 2054$/m);
});

test('every curl line of the README works', async () => {
  const { url } = await startGateway();
  const lines = readmeLines();
  expect(lines.some((line) => line.includes('--data-binary @-'))).toBe(true);
  for (const line of lines) {
    const outcome = await shell(
      line.replaceAll('http://localhost:9091', url).replaceAll('localhost:9091', url),
    );
    expect({ line, ...outcome }).toMatchObject({ line, code: 0 });
  }
  expect((await scrapeSamples(url)).size).toBeGreaterThan(0);
});

test('curl -d strips the newlines of a file, and is told what to use', async () => {
  const { url } = await startGateway();
  const body = '# TYPE a_total counter\na_total 1\nb_total 2\n';
  const typed = await shell(`curl -d @body ${url}/metrics`, { body });
  expect(typed.code).toBe(22);
  expect(typed.stdout).toContain('--data-binary');
  const untyped = await shell(`curl -d @body ${url}/metrics`, { body: 'a_total 1\nb_total 2\nc_total 3\n' });
  expect(untyped.code).toBe(22);
  expect(untyped.stdout).toContain('--data-binary');
  expect((await scrapeSamples(url)).size).toBe(0);
});

test('curl -d with one line is taken', async () => {
  const { url } = await startGateway();
  expect(await shell(`curl -d 'a_total 1' ${url}/metrics`)).toMatchObject({ code: 0 });
  expect((await scrapeSamples(url)).get('a_total')).toBe(1);
});

test('curl -T - sends chunks with Expect: 100-continue', async () => {
  const { url } = await startGateway();
  const line = `printf 'a_total 1\\nb_total 2\\n' | curl -T - ${url}/metrics`;
  expect(await shell(line)).toMatchObject({ code: 0, stdout: '' });
  expect(await shell(`${line}/`)).toMatchObject({ code: 0, stdout: '' });
  expect(Object.fromEntries(await scrapeSamples(url))).toEqual({ a_total: 2, b_total: 4 });
});

test('a body of 2 MiB, which curl announces with Expect: 100-continue', async () => {
  const { url } = await startGateway();
  const body = Array.from({ length: 40_000 }, (_, i) => `rows_total{row="${i}",pad="${'x'.repeat(30)}"} 1\n`);
  expect(await shell(`curl --data-binary @body ${url}/metrics`, { body: body.join('') })).toMatchObject({
    code: 0,
  });
  expect((await scrapeSamples(url)).size).toBe(40_000);
});

test('a gzip page, asked for with --compressed', async () => {
  const { url } = await startGateway();
  await shell(`curl -d 'a_total 1' ${url}/metrics`);
  const { stdout } = await shell(`curl -D - --compressed ${url}/metrics`);
  expect(stdout.toLowerCase()).toContain('content-encoding: gzip');
  expect(stdout).toMatch(/^a_total 1$/m);
});

test('curl -X DELETE', async () => {
  const { url } = await startGateway(['--by-job']);
  await shell(`printf '# TYPE load gauge\\nload 1\\n' | curl --data-binary @- ${url}/metrics/job/a`);
  expect(await shell(`curl -X DELETE ${url}/metrics/job/a`)).toMatchObject({ code: 0 });
  expect((await scrapeSamples(url)).has('load')).toBe(false);
});
