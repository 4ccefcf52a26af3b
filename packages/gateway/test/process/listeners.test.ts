/** The real process on sockets of several kinds. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect, test } from 'vitest';

import { eventually } from '../support/eventually.ts';
import { temporaryFolder } from '../support/folders.ts';
import { killAtTestEnd, runGateway, startGateway } from '../support/process.ts';

function statusOf(at: { readonly socketPath: string }, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request({ ...at, path, agent: false }, (reply) => {
      reply.resume();
      resolve(reply.statusCode!);
    });
    sent.on('error', reject);
    sent.end();
  });
}

/** Node passes no servers on to programs that are not its own. */
function fdOf(server: Server): number {
  return (server as unknown as { readonly _handle: { readonly fd: number } })._handle.fd;
}

test('senders and Prometheus have addresses of their own', async () => {
  const socketPath = join(temporaryFolder(), 'pag.sock');
  const gateway = await startGateway([
    '--web.listen-address=127.0.0.1:0;push',
    `--web.listen-address=unix:${socketPath};scrape,read`,
  ]);
  expect(gateway.stderr()).toContain(';push,unix:');
  const push = await fetch(`${gateway.url}/metrics/job/x`, { method: 'POST', body: 'a 1\n' });
  expect(push.status).toBe(202);
  expect((await fetch(`${gateway.url}/metrics`)).status).toBe(404);
  expect((await fetch(`${gateway.url}/-/healthy`)).status).toBe(404);
  expect(await statusOf({ socketPath }, '/metrics')).toBe(200);
  expect(await statusOf({ socketPath }, '/-/healthy')).toBe(200);
  expect(await gateway.stop()).toBe(0);
});

test('a socket that systemd has opened', async () => {
  const opened = createServer().listen(0, '127.0.0.1');
  await once(opened, 'listening');
  const { port } = opened.address() as AddressInfo;
  const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
  // A shell knows its process number before it becomes the gateway.
  const child = spawn(
    'sh',
    [
      '-c',
      'LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" "$@"',
      process.execPath,
      main,
      '--web.systemd-socket',
      '--storage.path=',
    ],
    { stdio: ['ignore', 'ignore', 'pipe', fdOf(opened)] },
  );
  killAtTestEnd(child);
  let stderr = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  await eventually('it to listen', () => stderr.includes('msg=listening'));
  opened.close();
  expect(stderr).toContain(`address=127.0.0.1:${port}`);
  expect((await fetch(`http://127.0.0.1:${port}/-/ready`)).status).toBe(200);
});

test('no socket of systemd ends it, and says what to do', async () => {
  const { code, stderr } = await runGateway(['--web.systemd-socket', '--storage.path=']);
  expect(code).toBe(1);
  expect(stderr).toContain('systemd has passed no socket to this process');
});

test('a socket in a folder that is not there ends it', async () => {
  const { code, stderr } = await runGateway([
    '--web.listen-address=unix:/nowhere/pag.sock',
    '--storage.path=',
  ]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/cannot listen on unix:\/nowhere\/pag\.sock: .*no such directory/);
});
