/** The script of docs/guides/durability.md that sends a push again until it is answered. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

import { program, repository, run } from '../support/programs.ts';

const page = readFileSync(join(repository, 'docs/guides/durability.md'), 'utf8');
const [, script = ''] = /<!-- A test runs this script. -->\n\n```sh\n([\s\S]*?)^```$/m.exec(page) ?? [];

/** A server that answers one status after the other; the last one again and again. */
async function answering(...statuses: readonly number[]): Promise<{ url: string; keys: Set<unknown> }> {
  const keys = new Set<unknown>();
  let requests = 0;
  const server = createServer((request, response) => {
    keys.add(request.headers['idempotency-key']);
    request.resume();
    response.writeHead(statuses[Math.min(requests, statuses.length - 1)]!).end('the reason\n');
    requests += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => server.close().closeAllConnections());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, keys };
}

async function runScript(url: string): Promise<unknown> {
  program('curl', 'curl');
  const folder = mkdtempSync(join(tmpdir(), 'retry-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'metrics.txt'), 'a 1\n');
  const input = script.replace('http://localhost:9091', url).replace('$(uuidgen)', 'a-key');
  return run('/bin/sh', ['-'], {
    input: `cd ${folder}\n${input.replaceAll('curl ', 'curl --noproxy "*" ')}`,
  });
}

test('goes on until it is answered, under one key', async () => {
  const { url, keys } = await answering(503, 503, 202);
  expect(await runScript(url)).toEqual({ code: 0, stdout: '', stderr: '' });
  expect([...keys]).toEqual(['a-key']);
});

test('stops where the push is refused, and says why', async () => {
  const { url } = await answering(503, 400);
  expect(await runScript(url)).toEqual({ code: 1, stdout: '', stderr: 'the reason\n' });
});
