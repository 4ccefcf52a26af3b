/** What docs/guides/operating.md shows to put the gateway behind nginx, held against nginx itself. */
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { eventually } from '../support/eventually.ts';
import { temporaryFolder } from '../support/folders.ts';
import { scrapeSamples } from '../support/http.ts';
import { killAtTestEnd, startGateway } from '../support/process.ts';
import { findProgram, repository, run } from '../support/programs.ts';

const [nginx = '', openssl = ''] = ['nginx', 'openssl'].map(findProgram);
const withNginx =
  nginx === '' || openssl === '' ? 'needs nginx and openssl (apt-get install nginx openssl)' : '';

const page = readFileSync(join(repository, 'docs/guides/operating.md'), 'utf8');

function shown(language: string): string {
  const [, text] = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(page) ?? [];
  if (text === undefined) throw new Error(`the page shows nothing in ${language}`);
  return text;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Starts nginx as the page has it, but for addresses and the certificate; returns its port. */
async function startNginx(gatewayUrl: string): Promise<number> {
  const folder = temporaryFolder();
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
  const wanted = 'req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=metrics.example';
  const files = ['-keyout', key, '-out', certificate];
  const made = await run(openssl, [...wanted.split(' '), ...files]);
  expect(made.code).toBe(0);
  const port = await freePort();
  const replaced: readonly (readonly [was: string, is: string])[] = [
    ['listen 443 ssl', `listen 127.0.0.1:${port} ssl`],
    ['/etc/ssl/metrics.example.pem', certificate],
    ['/etc/ssl/metrics.example.key', key],
    ['http://127.0.0.1:9091', gatewayUrl],
  ];
  const shownServer = replaced.reduce((text, [was, is]) => {
    expect(text.split(was)).toHaveLength(2);
    return text.replace(was, is);
  }, shown('nginx'));
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${join(folder, name)};`,
  );
  const around = `daemon off; master_process off; pid ${join(folder, 'pid')}; error_log stderr; events {}`;
  const config = join(folder, 'nginx.conf');
  writeFileSync(config, `${around}\nhttp {\naccess_log off;\n${temporary.join('\n')}\n${shownServer}}\n`);
  const server = spawn(nginx, ['-p', folder, '-c', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  killAtTestEnd(server);
  let stderr = '';
  server.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  await eventually('nginx to listen', async () => {
    if (server.exitCode !== null) throw new Error(stderr);
    return (await statusOf(port, { method: 'GET', from: '127.0.0.9' }).catch(() => 0)) > 0;
  });
  return port;
}

/** Whatever is in 127.0.0.0/8 is this machine, so each client can have an address of its own. */
function statusOf(
  port: number,
  { method, from, body = '' }: { readonly method: string; readonly from: string; readonly body?: string },
): Promise<number> {
  return new Promise((resolve, reject) => {
    const options = {
      port,
      method,
      path: '/metrics/job/shop',
      localAddress: from,
      rejectUnauthorized: false,
    };
    const sent = request({ ...options, host: '127.0.0.1', servername: 'metrics.example' }, (reply) => {
      reply.resume().once('end', () => resolve(reply.statusCode ?? 0));
    });
    sent.setHeader('Host', 'metrics.example');
    sent.once('error', reject).end(body);
  });
}

test('nginx lets pushes through and nothing else, and says who sent them', async (context) => {
  context.skip(withNginx !== '', withNginx);
  const gateway = await startGateway(['--web.trusted-proxies=127.0.0.1']);
  const port = await startNginx(gateway.url);
  const from = '127.0.0.2';
  expect(await statusOf(port, { method: 'POST', from, body: 'a_total 1\n' })).toBe(202);
  expect((await scrapeSamples(gateway.url)).get('a_total')).toBe(1);
  for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS'])
    expect([method, await statusOf(port, { method, from })]).toEqual([method, 403]);
  const large = `# ${'x'.repeat(65 * 1024)}\n`;
  expect(await statusOf(port, { method: 'POST', from, body: large })).toBe(413);
  expect(await statusOf(port, { method: 'POST', from, body: 'a_total x\n' })).toBe(400);
  await eventually('the refusal to be logged', () => gateway.stderr().includes('push refused'));
  expect(gateway.stderr()).toContain(`remote=${from}`);
});

test('nginx bounds what one address may push', async (context) => {
  context.skip(withNginx !== '', withNginx);
  const gateway = await startGateway(['--web.trusted-proxies=127.0.0.1']);
  const port = await startNginx(gateway.url);
  const pushes = Array.from({ length: 200 }, () =>
    statusOf(port, { method: 'POST', from: '127.0.0.3', body: 'a_total 1\n' }),
  );
  const statuses = await Promise.all(pushes);
  const taken = statuses.filter((status) => status === 202).length;
  expect(new Set(statuses)).toEqual(new Set([202, 503]));
  expect(taken).toBeGreaterThanOrEqual(21);
  expect((await scrapeSamples(gateway.url)).get('a_total')).toBe(taken);
  expect(await statusOf(port, { method: 'POST', from: '127.0.0.4', body: 'a_total 1\n' })).toBe(202);
});
