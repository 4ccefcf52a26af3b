/** The health command beside real gateways, and beside what is none. */
import { once } from 'node:events';
import { cpSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect, onTestFinished, test } from 'vitest';

import { argumentsOfContainer } from '../../src/health-command.ts';
import { temporaryFolder } from '../support/folders.ts';
import { runGateway, startGateway } from '../support/process.ts';

const certificates = fileURLToPath(new URL('../access/certificates', import.meta.url));

function addressOf({ url }: { readonly url: string }): string {
  return new URL(url).host;
}

test('a gateway that runs is healthy, and one that has stopped is not', async () => {
  const gateway = await startGateway();
  const flag = `--web.listen-address=${addressOf(gateway)}`;
  expect(await runGateway(['health', flag])).toEqual({
    code: 0,
    stdout: `${addressOf(gateway)}: healthy\n`,
    stderr: '',
  });
  // As in a container, where flags may come from the environment.
  const env = { PAG_WEB_LISTEN_ADDRESS: addressOf(gateway) };
  expect((await runGateway(['health'], env)).code).toBe(0);
  await gateway.stop();
  expect(await runGateway(['health', flag])).toEqual({
    code: 1,
    stdout: '',
    stderr: `${addressOf(gateway)}: connection refused\n`,
  });
});

test('it is asked on a Unix socket, where pushes have an address of their own, below the prefix', async () => {
  const socket = join(temporaryFolder(), 'pag.sock');
  const flags = [`--web.listen-address=unix:${socket};scrape,read`, '--web.route-prefix=/gateway'];
  const pushes = '--web.listen-address=127.0.0.1:0;push';
  await startGateway([pushes, ...flags]);
  const { code, stdout } = await runGateway(['health', pushes, ...flags]);
  expect([code, stdout]).toEqual([0, `unix:${socket};scrape,read: healthy\n`]);
});

test.each([
  ['', ''],
  ['TLS', 'tls_server_config: {cert_file: server.crt, key_file: server.key}'],
  [
    'TLS with a password',
    'tls_server_config: {cert_file: server.crt, key_file: server.key}\nbasic_auth_users: {a: $2b$04$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW}',
  ],
  [
    'TLS with client certificates',
    'tls_server_config: {cert_file: server.crt, key_file: server.key, client_ca_file: ca.crt, client_auth_type: RequireAndVerifyClientCert}',
  ],
  [
    'TLS 1.2 with client certificates',
    'tls_server_config: {cert_file: server.crt, key_file: server.key, client_ca_file: ca.crt, client_auth_type: RequireAndVerifyClientCert, max_version: TLS12}',
  ],
])('with a web configuration file: %s', async (_, yaml) => {
  const folder = temporaryFolder();
  cpSync(certificates, folder, { recursive: true });
  writeFileSync(join(folder, 'web.yml'), yaml);
  const flag = `--web.config.file=${join(folder, 'web.yml')}`;
  const gateway = await startGateway([flag]);
  const { code, stderr } = await runGateway(['health', flag, `--web.listen-address=${addressOf(gateway)}`]);
  expect([code, stderr]).toEqual([0, '']);
});

test('what answers with an error is not healthy', async () => {
  const other = createServer((_, response) => response.writeHead(503).end()).listen(0, '127.0.0.1');
  onTestFinished(() => void other.close());
  await once(other, 'listening');
  const address = `127.0.0.1:${(other.address() as AddressInfo).port}`;
  const { code, stderr } = await runGateway(['health', `--web.listen-address=${address}`]);
  expect([code, stderr]).toEqual([1, `${address}: answered 503\n`]);
});

test.each([
  [['--web.listen-address=127.0.0.1:0'], 1, 'health: the address is not known'],
  [['--web.systemd-socket'], 1, 'health: the address is not known'],
  [['--web.listen-adress=:1'], 2, 'did you mean --web.listen-address'],
  [['localhost:9091'], 2, 'health: unexpected argument "localhost:9091"'],
])('health %j', async (flags, code, message) => {
  const outcome = await runGateway(['health', ...flags]);
  expect([outcome.code, outcome.stdout]).toEqual([code, '']);
  expect(outcome.stderr).toContain(message);
});

test.each([
  ['node /app/main.js --web.listen-address :80', ['--web.listen-address', ':80']],
  ['/sbin/init -- node /app/main.js --by-job', ['--by-job']],
  ['node /app/main.js', []],
  ['node /app/other.js --by-job', []],
  ['', []],
])('the first process is %j', (line, expected) => {
  const path = join(temporaryFolder(), 'cmdline');
  writeFileSync(path, line === '' ? '' : `${line.replaceAll(' ', '\0')}\0`);
  expect(argumentsOfContainer('/app/main.js', path)).toEqual(expected);
});

test('a first process that cannot be seen has no arguments', () => {
  expect(argumentsOfContainer('/app/main.js', join(temporaryFolder(), 'gone'))).toEqual([]);
});
