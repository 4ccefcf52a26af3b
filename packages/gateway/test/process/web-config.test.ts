/** The real process with a web configuration file. */
import { execFileSync } from 'node:child_process';
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { fileURLToPath } from 'node:url';

import { expect, test } from 'vitest';

import { ask } from '../access/serving.ts';
import { eventually } from '../support/eventually.ts';
import { temporaryFolder } from '../support/folders.ts';
import { runGateway, startGateway } from '../support/process.ts';

const certificates = fileURLToPath(new URL('../access/certificates', import.meta.url));

function webConfig(yaml: string): string {
  const folder = temporaryFolder();
  cpSync(certificates, folder, { recursive: true });
  writeFileSync(join(folder, 'web.yml'), yaml);
  return join(folder, 'web.yml');
}

const TLS = 'tls_server_config: {cert_file: server.crt, key_file: server.key}';

test('a file that cannot be used ends it, with all that is wrong', async () => {
  const path = webConfig('tls_server_config: {cert_file: gone.crt}\nbasic_auth_user: {}\n');
  const { code, stderr } = await runGateway([`--web.config.file=${path}`, '--storage.path=']);
  expect(code).toBe(2);
  expect(
    stderr.split('\n').map((line) => line.replace(path, 'web.yml').replace(/\/.*gone/, '…/gone')),
  ).toEqual([
    'web.yml:1:1: the key of the certificate is missing: key_file, or key',
    'web.yml:1:32: cert_file: …/gone.crt: no such file',
    'web.yml:2:1: unknown key "basic_auth_user"; did you mean basic_auth_users?',
    '',
  ]);
});

test.each(['--web.config.file', '--config.file'])('a pipe as %s ends it at once', async (flag) => {
  const path = join(temporaryFolder(), 'pipe');
  execFileSync('mkfifo', [path]);
  expect(await runGateway([`${flag}=${path}`, '--storage.path='])).toEqual({
    code: 2,
    stdout: '',
    stderr: `${flag}=${path}: is a pipe, not a file; it could not be read again when it changes\n`,
  });
});

test('pushes over TLS, answers who has closed its side, and goes by what the file becomes', async () => {
  const path = webConfig(TLS);
  const gateway = await startGateway([`--web.config.file=${path}`]);
  const port = Number(new URL(gateway.url).port);
  const client = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  client.on('error', () => undefined);
  // Two requests at once, and the sender has closed its side before the first is answered.
  let received = '';
  client.on('data', (part) => (received += String(part)));
  const body = `a{b="${'x'.repeat(300_000)}"} 2\n`.repeat(1) + 'c 1\n';
  client.end(
    `POST /metrics/job/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n${body}` +
      'POST /metrics/job/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nc 2\n',
  );
  await eventually('both replies', () => received.split('HTTP/1.1 ').length === 3);
  expect(received.match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 400', 'HTTP/1.1 202']);
  expect((await ask(port)).text).toBe('# TYPE c untyped\nc 2\n');
  writeFileSync(path, `${TLS}\nrate_limit: {interval: 1h, burst: 0}\n`);
  await eventually('the file to be read again', () =>
    gateway.stderr().includes('web configuration file reloaded'),
  );
  expect((await ask(port)).status).toBe(429);
});

test('a stop lets a push over TLS end that has begun', async () => {
  const path = webConfig(TLS);
  const gateway = await startGateway([`--web.config.file=${path}`]);
  const client = connect({
    port: Number(new URL(gateway.url).port),
    host: '127.0.0.1',
    rejectUnauthorized: false,
  });
  client.on('error', () => undefined);
  let received = '';
  client.on('data', (part) => (received += String(part)));
  client.write(
    'POST /metrics/job/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n',
  );
  await eventually('to be asked for the body', () => received.includes('100 Continue'));
  const stopped = gateway.stop();
  await eventually('the stop', () => gateway.stderr().includes('msg=stopping'));
  client.write('a 1\n');
  expect(await stopped).toBe(0);
  expect(received).toMatch(/HTTP\/1.1 202/);
});
