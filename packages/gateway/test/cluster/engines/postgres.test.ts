/** What of the log on PostgreSQL can be tried without one: its URL, passwords in files, and servers that are none. */
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';

import { parseAddress } from '../../../src/cluster/engines/postgres/address.ts';
import { openPostgresLog } from '../../../src/cluster/engines/postgres/postgres-log.ts';
import { LogUnavailable } from '../../../src/cluster/log/shared-log.ts';
import { StorageProblem } from '../../../src/journal/journal.ts';
import { temporaryFolder } from '../../support/folders.ts';

describe('the URL', () => {
  test('says where, who and which table', async () => {
    const address = parseAddress('postgres://me:s%40e%2Fcret@db.example:6543/metrics?table=ops.gateway_1');
    expect(address).toMatchObject({
      hosts: [{ host: 'db.example', port: 6543 }],
      user: 'me',
      database: 'metrics',
      schema: 'ops',
      table: 'gateway_1',
      tls: false,
      shown: 'db.example:6543/metrics',
    });
    expect(await address.password()).toBe('s@e/cret');
  });

  test('may leave most of it out', () => {
    expect(parseAddress('postgresql://me@')).toMatchObject({
      hosts: [{ host: 'localhost', port: 5432 }],
      database: 'me',
      schema: undefined,
      table: 'gateway_log',
    });
  });

  test('may name several servers, addresses of both kinds and a socket', () => {
    const { hosts } = parseAddress('postgres://me@a:1,10.0.0.2,[::1]:3,%2Frun%2Fpostgresql:4/d');
    expect(hosts).toEqual([
      { host: 'a', port: 1 },
      { host: '10.0.0.2', port: 5432 },
      { host: '::1', port: 3 },
      { host: '/run/postgresql', port: 4 },
    ]);
    expect(parseAddress('postgres:///d?host=/run/postgresql').hosts).toEqual([
      { host: '/run/postgresql', port: 5432 },
    ]);
  });

  test('says how TLS is checked', () => {
    const file = join(temporaryFolder(), 'ca.pem');
    writeFileSync(file, 'a certificate');
    const tls = (query: string) => parseAddress(`postgres://me@h/d?${query}`).tls;
    expect(tls('sslmode=disable')).toBe(false);
    expect(tls('sslmode=require')).toEqual({ rejectUnauthorized: false });
    expect(tls('sslmode=verify-full')).toEqual({ rejectUnauthorized: true });
    expect(tls(`sslrootcert=${file}`)).toEqual({
      rejectUnauthorized: true,
      ca: Buffer.from('a certificate'),
    });
    expect(tls(`sslmode=require&sslrootcert=${file}`)).toMatchObject({ rejectUnauthorized: true });
    expect(tls('sslmode=verify-ca')).toMatchObject({
      rejectUnauthorized: true,
      checkServerIdentity: expect.any(Function),
    });
  });

  test.each([
    ['postgres://me:top/secret@h/d', 'written as %40'],
    ['postgres://me:top@secret@h/d', 'written as %40'],
    ['postgres://me:topsecret%@h/d', 'two hexadecimal digits'],
    ['mysql://me:topsecret@h/d', 'is not valid'],
    ['postgres://me:topsecret@h:99999/d', 'no valid host or port'],
    ['postgres://me:topsecret@h:port/d', 'no valid host or port'],
    ['postgres://me:topsecret@h/d?tabel=x', 'unknown parameter tabel; there are table, sslmode'],
    ['postgres://me:topsecret@h/d?table=Log', 'cannot be "Log"'],
    ['postgres://me:topsecret@h/d?table=a.b.c', 'cannot be "a.b.c"'],
    ['postgres://me:topsecret@h/d?table=a;drop', 'cannot be "a;drop"'],
    [`postgres://me:topsecret@h/d?table=${'x'.repeat(33)}`, 'at most 32'],
    ['postgres://me:topsecret@h/d?table=', 'cannot be ""'],
    ['postgres://me:topsecret@h/d?sslmode=prefer', 'cannot be "prefer": disable, require'],
    [
      'postgres://me:topsecret@h/d?sslrootcert=/no/such/file',
      'sslrootcert of the log, /no/such/file: no such file',
    ],
    ['postgres://me:topsecret@h/d?passfile=/x', 'more than once'],
  ])('%s is refused, and its password not shown', async (url, message) => {
    const error = await openPostgresLog(url).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(StorageProblem);
    const problem = error as StorageProblem;
    expect(problem.kind).toBe('unusable');
    expect(problem.message).toContain(message);
    expect(problem.message).not.toMatch(/topsecret|top|secret@/);
  });
});

describe('the password', () => {
  test('is in a file of its own, read each time', async () => {
    const file = join(temporaryFolder(), 'password');
    writeFileSync(file, 'first: \\ \n');
    const address = parseAddress('postgres://me@h/d', file);
    expect(await address.password()).toBe('first: \\ ');
    writeFileSync(file, 'second');
    expect(await address.password()).toBe('second');
    await expect(parseAddress('postgres://me@h/d', '/no/such/file').password()).rejects.toThrow(
      '/no/such/file: no such file',
    );
  });

  test('is in the first line of a passfile that fits', async () => {
    const file = join(temporaryFolder(), 'pgpass');
    const lines = [
      '# h:*:*:me:comment',
      'h:5432:other:me:of another database',
      'h:5433:d:me:of another port',
      'x:*:*:me:of another host',
      'h:*:d:you:of another user',
      'h:5432:d:me:a\\:b\\\\c d',
      '*:*:*:*:of all',
    ];
    writeFileSync(file, lines.join('\r\n'));
    const of = (url: string) => parseAddress(`${url}?passfile=${encodeURIComponent(file)}`).password();
    expect(await of('postgres://me@h/d')).toBe('a:b\\c d');
    expect(await of('postgres://me@h:1/d')).toBe('of all');
    expect(await of('postgres://you@h/d')).toBe('of another user');
    writeFileSync(file, 'h:1:d:me:no');
    expect(await of('postgres://me@h/d')).toBeUndefined();
  });
});

describe('a server that is none', () => {
  async function serverThat(act: (socket: Socket) => void): Promise<string> {
    const server = createServer((socket) => act(socket.on('error', () => {})));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    return `postgres://me:topsecret@127.0.0.1:${(server.address() as AddressInfo).port}/d`;
  }

  async function problemOf(url: string, timeoutMs = 300): Promise<Error> {
    const error = await openPostgresLog(url, { timeoutMs }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Error);
    expect((error as Error).message).not.toContain('topsecret');
    return error as Error;
  }

  test.each([
    ['says nothing', () => {}],
    ['hangs up', (socket: Socket) => void socket.destroy()],
    [
      'speaks HTTP',
      (socket: Socket) => void socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n'),
    ],
    ['sends anything', (socket: Socket) => void socket.end(Buffer.alloc(1000, 'R\0\0\0\x08\0\0\0\x63'))],
    [
      'sends what is too long',
      (socket: Socket) => void socket.write(Buffer.from('R\x7f\xff\xff\xff\0\0\0\0', 'latin1')),
    ],
  ])('%s: it is unavailable', async (_, act) => {
    expect(await problemOf(await serverThat(act))).toBeInstanceOf(LogUnavailable);
  });

  test('is not there', async () => {
    const error = await problemOf('postgres://me:topsecret@127.0.0.1:1/d', 2000);
    expect(error).toBeInstanceOf(LogUnavailable);
    expect(error.message).toMatch(/127\.0\.0\.1:1\/d.*ECONNREFUSED/);
    expect(await problemOf('postgres://me:topsecret@host.invalid/d')).toBeInstanceOf(LogUnavailable);
  });

  test('has no TLS', async () => {
    const url = await serverThat((socket) => socket.once('data', () => socket.write('N')));
    const error = await problemOf(`${url}?sslmode=require`, 60_000);
    expect(error).toBeInstanceOf(StorageProblem);
    expect(error.message).toContain('it has no TLS');
  });
});
