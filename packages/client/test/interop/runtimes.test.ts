/**
 * The client in other runtimes, as their npm packages carry them: Deno, Bun, and workerd, which is what Cloudflare runs. The first reply is lost, so that
 * each of them has to retry. What cannot be had here is skipped, and the reason is printed.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { TestContext } from 'vitest';

import { programFolder } from '../../../gateway/test/support/clients.ts';
import { eventually } from '../../../gateway/test/support/eventually.ts';
import { killAtTestEnd } from '../../../gateway/test/support/process.ts';
import { run } from '../../../gateway/test/support/programs.ts';
import { AgedGateway, bundled, listening, Network, originOf } from '../support/site.ts';

const folder = programFolder();
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')));

/** Its program; where it cannot be had or does not run here, the test is skipped. */
async function installed(name: string, { skip }: TestContext): Promise<string> {
  const into = join(folder, name);
  mkdirSync(into);
  writeFileSync(join(into, 'package.json'), '{ "private": true }');
  const flags = ['--no-audit', '--no-fund', '--prefer-offline'];
  const install = await run('npm', ['install', ...flags, name], { env, cwd: into, timeoutMs: 110_000 });
  const path = join(into, 'node_modules/.bin', name);
  const outcome = install.code === 0 ? await run(path, ['--version'], { env, timeoutMs: 60_000 }) : install;
  if (outcome.code === 0) return path;
  const reason = `${name} cannot be had here: ${outcome.stderr.trim().split('\n').slice(0, 2).join(' ')}`;
  console.log(`skipped: ${reason}`);
  return skip(reason);
}

/** A gateway whose first reply is lost, and the client as one file beside the program. */
async function network(): Promise<{ gateway: AgedGateway; url: string; requests: readonly string[] }> {
  const gateway = new AgedGateway();
  await gateway.start();
  const between = new Network(gateway);
  const server = await listening((request, response) => {
    between.weather = between.requests.length === 0 ? 'replies lost' : 'fine';
    between.handle(request, response);
  });
  writeFileSync(join(folder, 'client.js'), await bundled('index'));
  return { gateway, url: originOf(server), requests: between.requests };
}

const program = (url: string): string => `
import { gateway } from './client.js';
const metrics = gateway('${url}', { onDrop: (drop) => console.log(drop) });
const calls = metrics.counter({ name: 'calls_total', help: 'Calls.', labelNames: ['runtime'] });
calls.inc({ runtime: 'this' }, 3);
const once = await metrics.flush();
calls.inc({ runtime: 'this' });
console.log(once, await metrics.flush(20_000));
`;

test.for([
  ['node', []],
  ['deno', ['run', '--allow-net']],
  ['bun', ['run']],
] as const)('%s', async ([name, args], context) => {
  const path = name === 'node' ? process.execPath : await installed(name, context);
  const { gateway, url, requests } = await network();
  const script = join(folder, `${name}.mjs`);
  writeFileSync(script, program(url));
  const outcome = await run(path, [...args, script], { env, timeoutMs: 60_000 });
  expect(outcome).toMatchObject({ code: 0, stdout: 'false true\n' });
  expect(await gateway.sumOf('calls_total')).toBe(4);
  // Lost, sent again, and what came meanwhile.
  expect(requests.length).toBe(3);
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test('workerd', async (context) => {
  const path = await installed('workerd', context);
  const { gateway, url } = await network();
  writeFileSync(
    join(folder, 'worker.js'),
    `import { gateway } from './client.js';
export default {
  async fetch(request, env, context) {
    const metrics = gateway('${url}', { onDrop: (drop) => console.log(drop) });
    metrics.counter({ name: 'calls_total', help: 'Calls.' }).inc();
    if (request.url.endsWith('/waits')) return new Response(String(await metrics.flush(20_000)));
    context.waitUntil(metrics.flush(20_000));
    return new Response('later');
  },
};
`,
  );
  const port = await freePort();
  writeFileSync(
    join(folder, 'worker.capnp'),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "internet", network = (allow = ["public", "private", "local"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [
    (name = "worker.js", esModule = embed "worker.js"),
    (name = "client.js", esModule = embed "client.js"),
  ],
  compatibilityDate = "2024-09-23",
);
`,
  );
  const child = spawn(path, ['serve', join(folder, 'worker.capnp')], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  killAtTestEnd(child);
  const ask = async (at: string): Promise<string> => (await fetch(`http://127.0.0.1:${port}${at}`)).text();
  expect(await eventually('workerd', () => ask('/waits').catch(() => undefined), 60_000)).toBe('true');
  expect(await ask('/later')).toBe('later');
  await eventually('both calls', async () => (await gateway.sumOf('calls_total')) === 2, 60_000);
});
