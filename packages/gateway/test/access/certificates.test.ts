/** Certificates: those of the server rotate, and those of clients are held against what the file says, on every connection. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { connect as tcpConnect } from 'node:net';
import { join } from 'node:path';
import { connect } from 'node:tls';

import { describe, expect, it, onTestFinished, test } from 'vitest';

import { namesIn } from '../../src/access/alternative-names.ts';
import { ask, serve } from './serving.ts';
import type { Asking } from './serving.ts';

const SERVER = 'cert_file: server.crt, key_file: server.key';
const plainTls = `tls_server_config: {${SERVER}}`;
const verified = (more: string = ''): string =>
  `tls_server_config: {${SERVER}, client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.crt${more}}`;

function certificate(folder: string, name: string): Asking {
  return {
    cert: readFileSync(join(folder, `${name}.crt`)),
    key: readFileSync(join(folder, `${name}.key`)),
  };
}

const isLetIn = (port: number, asking: Asking): Promise<boolean> =>
  ask(port, asking).then(
    ({ status }) => status === 200,
    () => false,
  );

test('a certificate is replaced without a restart, and connections that are open go on', async () => {
  const { port, folder, file, lines } = await serve(plainTls);
  const ca = readFileSync(join(folder, 'ca.crt'));
  const nameOf = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', ca, servername: 'localhost' }, () => {
        resolve(String(socket.getPeerCertificate().subject.CN));
        socket.destroy();
      }).on('error', reject);
    });
  const open = connect({ port, host: '127.0.0.1', ca, servername: 'localhost' });
  onTestFinished(() => void open.destroy());
  let received = '';
  open.on('data', (part) => (received += String(part)));
  expect(await nameOf()).toBe('server');
  copyFileSync(join(folder, 'renewed.crt'), join(folder, 'server.crt'));
  await file.look();
  expect(lines.at(-2)?.[1]).toMatch(/the key is not that of the certificate/);
  expect(file.report.isSuccess).toBe(false);
  expect(await nameOf()).toBe('server');
  copyFileSync(join(folder, 'renewed.key'), join(folder, 'server.key'));
  await file.look();
  expect(file.report.isSuccess).toBe(true);
  expect(await nameOf()).toBe('renewed');
  open.write('GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  await new Promise((resolve) => open.once('close', resolve));
  expect(received).toMatch(/^HTTP\/1.1 200 OK/);
});

describe('client certificates', () => {
  it.each<[type: string, none: boolean, signed: boolean, stranger: boolean]>([
    ['NoClientCert', true, true, true],
    ['RequestClientCert', true, true, true],
    ['RequireAnyClientCert', false, true, true],
    ['VerifyClientCertIfGiven', true, true, false],
    ['RequireAndVerifyClientCert', false, true, false],
  ])('%s', async (type, none, signed, stranger) => {
    const ca = type === 'NoClientCert' ? '' : ', client_ca_file: ca.crt';
    const { port, folder } = await serve(`tls_server_config: {${SERVER}, client_auth_type: ${type}${ca}}`);
    expect(await isLetIn(port, {})).toBe(none);
    expect(await isLetIn(port, certificate(folder, 'client'))).toBe(signed);
    expect(await isLetIn(port, certificate(folder, 'stranger'))).toBe(stranger);
  });

  it.each([
    ['a DNS name', 'ci.example', true],
    ['an address', 'fd00::1', true],
    ['an address, written out', 'fd00:0:0:0:0:0:0:1', true],
    ['an e-mail address', 'ops@ci.example', true],
    ['a URI', 'spiffe://ci.example/a', true],
    ['another name', 'example', false],
    ['the common name alone', 'client', false],
  ])('need a name of the list: %s', async (_name, san, isIn) => {
    const { port, folder } = await serve(verified(`, client_allowed_sans: ["${san}"]`));
    expect(await isLetIn(port, certificate(folder, 'client'))).toBe(isIn);
  });

  it('are asked for from the reload on, and let nobody in by a session of before', async () => {
    const { port, folder, rewrite } = await serve(verified());
    const shown = certificate(folder, 'client');
    const session = await sessionOf(port, shown);
    await rewrite(verified(', client_allowed_sans: [other.example]'));
    expect(await isLetIn(port, { ...shown, session })).toBe(false);
    await rewrite(plainTls);
    expect(await isLetIn(port, {})).toBe(true);
    await rewrite(verified());
    expect(await isLetIn(port, {})).toBe(false);
    expect((await ask(port, { ...shown, session })).isResumed).toBe(false);
  });
});

/** What a client keeps to resume a session, if it is given any. */
function sessionOf(port: number, asking: Asking): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    let session: Buffer | undefined;
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...asking });
    socket.on('session', (given) => (session = given));
    socket.on('error', reject);
    socket.on('secureConnect', () =>
      socket.end('GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'),
    );
    socket.on('close', () => resolve(session ?? socket.getSession()));
    socket.resume();
  });
}

test('names of a certificate cannot be smuggled in one of them', () => {
  expect(namesIn('DNS:one, IP Address:FD00:0:0:0:0:0:0:1, email:a@b, URI:"x, DNS:evil"')).toEqual(
    new Set(['one', 'fd00::1', 'a@b', 'x, DNS:evil']),
  );
  expect(namesIn('othername:<unsupported>, DirName:"CN=DNS:evil", Registered ID:1.2.3')).toEqual(new Set());
  expect(namesIn('')).toEqual(new Set());
});

describe('a file that becomes invalid', () => {
  it('keeps the last good one', async () => {
    const { port, rewrite, file, lines } = await serve(
      `${plainTls}\nhttp_server_config: {headers: {X-Frame-Options: deny}}`,
    );
    await rewrite('tls_server_config: {cert_file: gone.crt, key_file: server.key}');
    expect(file.report.isSuccess).toBe(false);
    expect(lines.map(([level]) => level)).toEqual(['error', 'error']);
    expect((await ask(port)).headers['x-frame-options']).toBe('deny');
    await rewrite(plainTls);
    expect(file.report.isSuccess).toBe(true);
    expect((await ask(port)).headers['x-frame-options']).toBeUndefined();
  });

  it('is read again once the file that it names is there', async () => {
    const { rewrite, file, folder } = await serve(plainTls);
    await rewrite('tls_server_config: {cert_file: late.crt, key_file: late.key}');
    expect(file.report.isSuccess).toBe(false);
    for (const ending of ['crt', 'key'])
      copyFileSync(join(folder, `renewed.${ending}`), join(folder, `late.${ending}`));
    await file.look();
    expect(file.report.isSuccess).toBe(true);
  });

  it.each([
    ['a pipe', 'mkfifo', []],
    ['a device', 'ln', ['-s', '/dev/zero']],
    ['a directory', 'mkdir', []],
  ])('is refused at once where it, or one that it names, is %s', async (kind, command, args) => {
    const { port, rewrite, file, folder, lines } = await serve(plainTls);
    execFileSync(command, [...args, join(folder, 'odd')]);
    for (const [cert, key, ca] of [
      ['odd', 'server.key', 'ca.crt'],
      ['server.crt', 'odd', 'ca.crt'],
      ['server.crt', 'server.key', 'odd'],
    ]) {
      const seen = lines.length;
      await rewrite(
        `tls_server_config: {cert_file: ${cert}, key_file: ${key}, client_ca_file: ${ca}, client_auth_type: RequestClientCert}`,
      );
      expect(file.report.isSuccess).toBe(false);
      expect(lines[seen]?.[1]).toContain(`/odd: is ${kind}, not a file`);
    }
    rmSync(join(folder, 'web.yml'));
    execFileSync(command, [...args, join(folder, 'web.yml')]);
    await file.look();
    expect(lines.at(-2)?.[1]).toContain(`/web.yml: is ${kind}, not a file`);
    expect((await ask(port)).status).toBe(200);
  });

  it('does not take TLS away', async () => {
    const { port, rewrite, file } = await serve(plainTls);
    await rewrite('basic_auth_users: {}');
    expect(file.report.isSuccess).toBe(false);
    expect((await ask(port)).status).toBe(200);
  });
});

test('no message shows a secret', async () => {
  const { folder, lines, rewrite } = await serve(plainTls);
  const key = readFileSync(join(folder, 'server.key'), 'utf8');
  const indented = key.replaceAll(/^/gm, '    ');
  for (const yaml of [
    'basic_auth_users: {ann: hunter22}',
    'basic_auth_users: {ann: [hunter22]}',
    'basic_auth_users: {ann: $2y$99$hunter22}',
    'hunter22',
    `tls_server_config:\n  cert_file: server.crt\n  key_file: |\n${indented}`,
    `tls_server_config:\n  cert_file: server.crt\n  key: |\n${indented.replace('PRIVATE', 'PUBLIC')}`,
    key,
  ])
    await rewrite(yaml);
  writeFileSync(join(folder, 'server.key'), 'hunter22');
  await rewrite(`${plainTls}\n`);
  const secret = key.split('\n')[1]!;
  expect(lines.filter(([level]) => level === 'error').length).toBeGreaterThanOrEqual(16);
  expect(JSON.stringify(lines)).not.toContain('hunter22');
  expect(JSON.stringify(lines)).not.toContain(secret.slice(0, 20));
});

test('who never ends a handshake does not hold up a stop', async () => {
  const { port, server } = await serve(plainTls);
  const silent = [tcpConnect(port, '127.0.0.1'), tcpConnect(port, '127.0.0.1')];
  for (const socket of silent) socket.on('error', () => undefined);
  await Promise.all(silent.map((socket) => once(socket, 'connect')));
  // The beginning of a ClientHello.
  silent[0]!.write(Buffer.from([22, 3, 1, 2, 0, 1]));
  const aborted = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  await once(aborted, 'secureConnect');
  aborted.destroy();
  await server.close();
  for (const socket of silent) socket.destroy();
});
