/** Listeners that serve some of all routes, and Unix sockets. */
import { existsSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer as createNetServer } from 'node:net';
import { join } from 'node:path';

import { describe, expect, it, onTestFinished, test } from 'vitest';

import { routeTable } from '../../src/http/routes/routes.ts';
import { roles } from '../../src/model/roles.ts';
import type { Role } from '../../src/model/roles.ts';
import { temporaryFolder } from '../support/folders.ts';
import { run } from './helpers.ts';
import { pathOf } from './path-of.ts';
import type { Reply, Running } from './helpers.ts';

/** Asks where the server listens besides. */
function send(
  at: { readonly port: number } | { readonly socketPath: string },
  method: string,
  path: string,
  headers: Record<string, string> = {},
): Promise<Pick<Reply, 'status' | 'text'>> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', ...at, method, path, headers, agent: false }, (reply) => {
      let text = '';
      reply.on('data', (part) => (text += String(part)));
      reply.on('end', () => resolve({ status: reply.statusCode!, text }));
    });
    sent.on('error', reject);
    sent.end(method === 'POST' || method === 'PUT' ? 'a 1\n' : undefined);
  });
}

async function listening(running: Running, served: readonly Role[]): Promise<{ readonly port: number }> {
  const at = await running.server.listenOn({ host: '127.0.0.1', port: 0, served: new Set(served) });
  return { port: at!.port };
}

describe('a listener', () => {
  it.each(roles)('for %s serves what is of it, and health unless it is for senders', async (role) => {
    const running = await run({ enableAdminApi: true });
    const at = await listening(running, [role]);
    const isForSenders = role === 'push' || role === 'delete';
    for (const { place, methods, handler, role: needed } of routeTable) {
      const isServed =
        handler === 'preflight' ? isForSenders : needed === undefined ? !isForSenders : needed === role;
      for (const method of methods) {
        const { status, text } = await send(at, method, pathOf[place]!);
        const isMissing = method === 'HEAD' ? status === 404 : text.startsWith('not served on this address');
        expect(isMissing, `${method} ${place}: ${status} ${text}`).toBe(!isServed);
        if (isMissing) expect(status).toBe(404);
      }
    }
  });

  it('says what it is for', async () => {
    const running = await run();
    const at = await listening(running, ['push', 'delete']);
    expect(await send(at, 'GET', '/metrics')).toEqual({
      status: 404,
      text: 'not served on this address, which is for push, delete\n',
    });
    expect((await send(at, 'POST', '/metrics/job/x')).status).toBe(202);
    expect((await running.send('GET', '/metrics')).status).toBe(200);
  });

  it.each([
    ['the absolute form', 'http://x/metrics'],
    ['a query', '/metrics?x=/metrics/job/x'],
    ['an escaped letter', '/%6Detrics'],
    ['dots', '/metrics/job/../../metrics'],
    ['two slashes', '//metrics'],
    ['another case', '/Metrics'],
  ])('for push shows nothing by %s', async (_name, path) => {
    const running = await run();
    const at = await listening(running, ['push']);
    for (const method of ['GET', 'HEAD']) {
      const { status, text } = await send(at, method, path);
      expect([404, 405]).toContain(status);
      expect(text).not.toContain('a 1');
    }
    expect(running.gateway.scrapes).toEqual([]);
  });
});

describe('a Unix socket', () => {
  it('takes pushes, and goes with the server', async () => {
    const { server, gateway } = await run();
    const socketPath = join(temporaryFolder(), 'pag.sock');
    expect(await server.listenOn({ path: socketPath })).toBeUndefined();
    expect((await send({ socketPath }, 'POST', '/metrics/job/x')).status).toBe(202);
    expect(gateway.pushes).toHaveLength(1);
    await server.close();
    expect(existsSync(socketPath)).toBe(false);
  });

  it('takes the place of one that a process left behind', async () => {
    const socketPath = join(temporaryFolder(), 'pag.sock');
    await abandon(socketPath);
    const { server } = await run();
    await server.listenOn({ path: socketPath });
    expect((await send({ socketPath }, 'GET', '/-/healthy')).status).toBe(200);
  });

  it('does not take the place of one that is used, or of a file', async () => {
    const folder = temporaryFolder();
    const socketPath = join(folder, 'pag.sock');
    const used = createNetServer().listen(socketPath);
    onTestFinished(() => void used.close());
    const { server } = await run();
    await expect(server.listenOn({ path: socketPath })).rejects.toThrow(/EADDRINUSE/);
    const file = join(folder, 'file');
    writeFileSync(file, 'kept');
    await expect(server.listenOn({ path: file })).rejects.toThrow(/EADDRINUSE/);
    expect(existsSync(file)).toBe(true);
  });
});

/** Leaves a socket on which nobody listens, as a process that was killed does. */
async function abandon(path: string): Promise<void> {
  const { execFileSync } = await import('node:child_process');
  const program = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  expect(() => execFileSync(process.execPath, ['-e', program], { stdio: 'ignore' })).toThrow();
  expect(existsSync(path)).toBe(true);
}

test('a listener that was told nothing serves everything', async () => {
  const { send: ask } = await run();
  for (const path of ['/', '/metrics', '/-/metrics', '/-/healthy'])
    expect((await ask('GET', path)).status).toBe(200);
});
