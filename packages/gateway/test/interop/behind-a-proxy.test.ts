/** What docs/guides/operating.md shows to put the gateway behind nginx, held against nginx itself. */
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { eventually } from '../support/eventually.ts';
import { temporaryFolder } from '../support/folders.ts';
import { scrapeSamples } from '../support/http.ts';
import { replaceAllOnce, startNginx, withNginx } from '../support/nginx.ts';
import { startGateway } from '../support/process.ts';
import { findProgram, repository, run } from '../support/programs.ts';
import { freePort } from '../support/prometheus.ts';

const openssl = findProgram('openssl') ?? '';
const without = withNginx || (openssl === '' ? 'needs openssl (apt-get install openssl)' : '');

const page = readFileSync(join(repository, 'docs/guides/operating.md'), 'utf8');

function shown(language: string): string {
  const [, text] = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(page) ?? [];
  if (text === undefined) throw new Error(`the page shows nothing in ${language}`);
  return text;
}

/** Starts nginx as the page has it, but for addresses and the certificate; returns its port. */
async function startShownNginx(gatewayUrl: string): Promise<number> {
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
  await startNginx(
    replaceAllOnce(shown('nginx'), replaced),
    async () => (await statusOf(port, { method: 'GET', from: '127.0.0.9' })) > 0,
  );
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
  context.skip(without !== '', without);
  const gateway = await startGateway(['--web.trusted-proxies=127.0.0.1']);
  const port = await startShownNginx(gateway.url);
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
  context.skip(without !== '', without);
  const gateway = await startGateway(['--web.trusted-proxies=127.0.0.1']);
  const port = await startShownNginx(gateway.url);
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
