import { randomBytes } from 'node:crypto';
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib';

import { describe, expect, it } from 'vitest';

import { RequestError } from '../../src/model/errors.ts';
import { run, waitFor } from './helpers.ts';
import type { SendOptions } from './helpers.ts';

const text = 'http_requests_total 1\n';
const long = Buffer.from(randomBytes(200_000).toString('hex'));

function coded(encoding: string, body: Uint8Array): SendOptions {
  return { headers: { 'Content-Encoding': encoding }, body };
}

describe('bodies that are read', () => {
  const cases: readonly [name: string, sent: SendOptions, body: string][] = [
    ['plain', { body: text }, text],
    ['empty', {}, ''],
    ['chunked', { chunks: ['http_', 'requests', '_total 1\n'] }, text],
    ['gzip', coded('gzip', gzipSync(text)), text],
    ['x-gzip in capitals', coded('X-GZip', gzipSync(text)), text],
    ['identity', coded('identity', Buffer.from(text)), text],
    ['several gzip members', coded('gzip', Buffer.concat([gzipSync(text), gzipSync(text)])), text + text],
    ['deflate with a zlib header', coded('deflate', deflateSync(text)), text],
    ['raw deflate', coded('deflate', deflateRawSync(text)), text],
    ['gzip too large to inflate at once', coded('gzip', gzipSync(long)), long.toString()],
    [
      'several large gzip members',
      coded('gzip', Buffer.concat([gzipSync(long), gzipSync(long)])),
      long.toString() + long.toString(),
    ],
    [
      'small gzip of much',
      coded('gzip', gzipSync(Buffer.alloc(2_000_000, 'a'))),
      Buffer.alloc(2_000_000, 'a').toString(),
    ],
  ];
  it.each(cases)('%s', async (_name, sent, body) => {
    const { gateway, send } = await run();
    const reply = await send('POST', '/metrics/', sent);
    expect([reply.status, reply.text]).toEqual([202, '']);
    expect(gateway.pushes.map((push) => push.body === body)).toEqual([true]);
  });
});

describe('bodies that are refused', () => {
  const gzip = gzipSync(text);
  const largeGzip = gzipSync(long);
  const max = 100_000;
  const cases: readonly [name: string, sent: SendOptions, status: number, code: string][] = [
    ['truncated gzip', coded('gzip', gzip.subarray(0, -5)), 400, 'body_unreadable'],
    ['gzip without a body', coded('gzip', Buffer.alloc(0)), 400, 'body_unreadable'],
    [
      'truncated second member',
      coded('gzip', Buffer.concat([gzip, gzip.subarray(0, -5)])),
      400,
      'body_unreadable',
    ],
    ['garbage', coded('gzip', Buffer.from(text)), 400, 'body_unreadable'],
    ['garbage after gzip', coded('gzip', Buffer.concat([gzip, Buffer.from(text)])), 400, 'body_unreadable'],
    ['zeros after gzip', coded('gzip', Buffer.concat([gzip, Buffer.alloc(8)])), 400, 'body_unreadable'],
    [
      'one byte of a member',
      coded('gzip', Buffer.concat([gzip, Buffer.from([0x1f])])),
      400,
      'body_unreadable',
    ],
    [
      'the magic of a member',
      coded('gzip', Buffer.concat([gzip, Buffer.from([0x1f, 0x8b])])),
      400,
      'body_unreadable',
    ],
    [
      'garbage after deflate',
      coded('deflate', Buffer.concat([deflateSync(text), gzip])),
      400,
      'body_unreadable',
    ],
    ['truncated deflate', coded('deflate', deflateSync(text).subarray(0, -5)), 400, 'body_unreadable'],
    ['brotli', coded('br', gzip), 415, 'unsupported_encoding'],
    ['two encodings', coded('gzip, gzip', gzip), 415, 'unsupported_encoding'],
    ['a bomb', coded('gzip', gzipSync(Buffer.alloc(3_000_000))), 413, 'body_too_large'],
    ['a deflate bomb', coded('deflate', deflateSync(Buffer.alloc(3_000_000))), 413, 'body_too_large'],
    ['too much, announced', { body: long }, 413, 'body_too_large'],
    ['too much, chunked', { chunks: [long] }, 413, 'body_too_large'],
    ['too much gzip', coded('gzip', largeGzip), 413, 'body_too_large'],
  ];
  it.each(cases)('%s', async (_name, sent, status, code) => {
    const { gateway, telemetry, send } = await run({ bodyBytesMax: max });
    const headers = { ...sent.headers, Accept: 'application/json' };
    const reply = await send('POST', '/metrics/job/x', { ...sent, headers });
    expect([reply.status, (JSON.parse(reply.text) as { code: string }).code]).toEqual([status, code]);
    expect(gateway.pushes).toEqual([]);
    expect(telemetry.refused.map((refusal) => refusal[0])).toEqual([code]);
  });

  it.each([
    ['zeros', Buffer.alloc(8)],
    ['garbage', Buffer.from(text)],
    ['one byte of a member', Buffer.from([0x1f])],
  ])('%s after a large gzip', async (_name, tail) => {
    const { send } = await run();
    const reply = await send('POST', '/metrics/', coded('gzip', Buffer.concat([largeGzip, tail])));
    expect(reply.status).toBe(400);
  });
});

describe('the budget of all bodies', () => {
  it('refuses what goes beyond, and is given back', async () => {
    const { open, send } = await run({ bodiesBytesMax: 1_000 });
    const slow = open();
    slow.write('POST /metrics/ HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n' + 'a'.repeat(800));
    await new Promise((resolve) => setTimeout(resolve, 50));
    const refused = await send('POST', '/metrics/', { body: 'b'.repeat(300) });
    expect([refused.status, refused.headers['retry-after']]).toEqual([503, '1']);
    expect((await send('POST', '/metrics/', { body: 'b'.repeat(100) })).status).toBe(202);
    slow.socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, 50));
    for (let i = 0; i < 5; i += 1) {
      expect((await send('POST', '/metrics/', { body: 'b'.repeat(900) })).status).toBe(202);
    }
  });

  it('is given back after refusals', async () => {
    const { gateway, send } = await run({ bodiesBytesMax: 1_000 });
    gateway.failure = new RequestError('syntax', 'wrong');
    for (let i = 0; i < 5; i += 1) {
      expect((await send('POST', '/metrics/', { chunks: ['b'.repeat(900)] })).status).toBe(400);
    }
  });
});

describe('uploads that break off', () => {
  it('leave nothing, and are not counted', async () => {
    const { gateway, telemetry, open, send } = await run();
    const client = open();
    client.write('POST /metrics/ HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\nabc');
    await new Promise((resolve) => setTimeout(resolve, 50));
    client.socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await send('POST', '/metrics/', { body: text })).status).toBe(202);
    expect([gateway.pushes.length, telemetry.refused]).toEqual([1, []]);
  });

  it('too slow: 408, counted', async () => {
    const { gateway, telemetry, open } = await run({ readTimeoutMs: 200 });
    const client = open();
    client.write('POST /metrics/ HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\nabc');
    await client.until(({ closed }) => closed);
    expect(client.received).toMatch(/^HTTP\/1.1 408 /);
    await waitFor(() => telemetry.refused.length > 0);
    expect([gateway.pushes, telemetry.refused]).toEqual([[], [['request_timeout', 900]]]);
  });
});

describe('Expect: 100-continue', () => {
  const head = (length: number): string =>
    `POST /metrics/ HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\n\r\n`;

  it('is answered before the body', async () => {
    const { gateway, open } = await run();
    const client = open();
    client.write(head(text.length));
    await client.until(({ received }) => received.startsWith('HTTP/1.1 100 '));
    client.write(text);
    await client.until(({ received }) => received.includes('HTTP/1.1 202 '));
    expect(gateway.pushes[0]?.body).toBe(text);
  });

  it('is refused at once when too large', async () => {
    const { open } = await run({ bodyBytesMax: 1_000 });
    const client = open();
    client.write(head(1_001));
    await client.until(({ received }) => received.startsWith('HTTP/1.1 413 '));
    expect(client.received).toMatch(/Connection: close/i);
  });
});
