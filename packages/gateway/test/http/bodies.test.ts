import { randomBytes } from 'node:crypto';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import * as zlib from 'node:zlib';

import { describe, expect, it } from 'vitest';

import { hasZstd } from '../../src/http/bodies/decompress.ts';
import { RequestError } from '../../src/model/errors.ts';
import { snappyChunk, snappyIdentifier, snappyStream } from '../support/snappy.ts';
import { run, waitFor } from './helpers.ts';
import type { SendOptions } from './helpers.ts';

const text = 'http_requests_total 1\n';
const long = Buffer.from(randomBytes(200_000).toString('hex'));

/** Written by the Rust library of snappy, for `snappyText`. */
const snappyFixture = Buffer.from(
  '/wYAAHNOYVBwWQBQAACA4pNHiQGIIyBUWVBFIGh0dHBfcmVxdWVzdHNfdG90YWwgY291bnRlcgpKHAA4e2NvZGU9IjIwMCJ9IDEKZiIACDQwNHoiABw1MDAifSAxCg==',
  'base64',
);
const snappyText =
  '# TYPE http_requests_total counter\n' +
  [200, 404, 500].map((code) => `http_requests_total{code="${code}"} 1\n`).join('');
/** 10 kB that do not compress well, many times. */
const repetitive = Buffer.from(randomBytes(5_000).toString('hex').repeat(200));

function coded(encoding: string, body: Uint8Array): SendOptions {
  return { headers: { 'Content-Encoding': encoding }, body };
}

function changed(body: Buffer, at: number): Buffer {
  const bytes = Buffer.from(body);
  bytes[at] = bytes[at]! ^ 0x10;
  return bytes;
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
    ['small gzip of much', coded('gzip', gzipSync(repetitive)), repetitive.toString()],
    [
      'a megabyte of one byte, whatever the ratio',
      coded('br', brotliCompressSync(Buffer.alloc(1 << 20, 'a'))),
      'a'.repeat(1 << 20),
    ],
    ['br', coded('br', brotliCompressSync(text)), text],
    ['br too large to inflate at once', coded('BR', brotliCompressSync(long)), long.toString()],
    ['snappy', coded('snappy', snappyFixture), snappyText],
    ['snappy in several chunks', coded('snappy', snappyStream(long)), long.toString()],
    [
      'snappy with padding, and a second stream',
      coded(
        'snappy',
        Buffer.concat([
          snappyStream(Buffer.from(text)),
          snappyChunk(0xfe, Buffer.alloc(9), Buffer.alloc(0)),
          snappyStream(Buffer.from(text)),
        ]),
      ),
      text + text,
    ],
    ['snappy of nothing', coded('snappy', snappyIdentifier), ''],
    ['identity around it', coded('identity, , GZIP ,identity', gzipSync(text)), text],
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
  const brotli = brotliCompressSync(text);
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
    ['garbage for br', coded('br', Buffer.alloc(20)), 400, 'body_unreadable'],
    ['text for br, which seems to be much', coded('br', Buffer.from(text)), 413, 'body_too_large'],
    ['br without a body', coded('br', Buffer.alloc(0)), 400, 'body_unreadable'],
    ['truncated br', coded('br', brotli.subarray(0, -1)), 400, 'body_unreadable'],
    ['garbage after br', coded('br', Buffer.concat([brotli, Buffer.from('x')])), 400, 'body_unreadable'],
    ['br twice in a row', coded('br', Buffer.concat([brotli, brotli])), 400, 'body_unreadable'],
    ['truncated snappy', coded('snappy', snappyFixture.subarray(0, -1)), 400, 'body_unreadable'],
    ['the head of a snappy chunk', coded('snappy', snappyFixture.subarray(0, 12)), 400, 'body_unreadable'],
    ['snappy without a body', coded('snappy', Buffer.alloc(0)), 400, 'body_unreadable'],
    ['a block of snappy alone', coded('snappy', snappyFixture.subarray(18)), 400, 'body_unreadable'],
    ['snappy with another byte', coded('snappy', changed(snappyFixture, 40)), 400, 'body_unreadable'],
    [
      'a snappy chunk of a kind to come',
      coded('snappy', Buffer.concat([snappyFixture, snappyChunk(2, gzip, gzip)])),
      400,
      'body_unreadable',
    ],
    ['garbage after snappy', coded('snappy', Buffer.concat([snappyFixture, gzip])), 400, 'body_unreadable'],
    ['too much snappy', coded('snappy', snappyStream(Buffer.alloc(max + 1))), 413, 'body_too_large'],
    ['a br bomb', coded('br', brotliCompressSync(Buffer.alloc(3_000_000))), 413, 'body_too_large'],
    [
      'a bomb in a bomb',
      coded('gzip, gzip', gzipSync(gzipSync(Buffer.alloc(3_000_000)))),
      415,
      'unsupported_encoding',
    ],
    ['an unknown encoding', coded('compress', gzip), 415, 'unsupported_encoding'],
    ['an unknown encoding among others', coded('gzip, compress', gzip), 415, 'unsupported_encoding'],
    ['one encoding upon another', coded('gzip, br', brotliCompressSync(gzip)), 415, 'unsupported_encoding'],
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

describe('bodies that grow a thousandfold', () => {
  const megabytes = Buffer.alloc(4 << 20, 'a');
  it.each([
    ['br', brotliCompressSync(megabytes)],
    ['deflate', deflateSync(megabytes)],
    ['deflate', deflateRawSync(megabytes)],
    ['gzip', gzipSync(megabytes)],
  ])('%s', async (encoding, body) => {
    const { send } = await run();
    const reply = await send('POST', '/metrics/', coded(encoding, body));
    expect([reply.status, reply.text]).toEqual([
      413,
      expect.stringMatching(/1000 times its compressed size|the maximum for its compressed size/),
    ]);
  });
});

/** Node's own, where there is one. */
const zstdCompressSync = (zlib as { readonly zstdCompressSync?: (data: Uint8Array) => Buffer })
  .zstdCompressSync;

describe(hasZstd ? 'zstd' : 'zstd, for which Node is too old here', () => {
  it.skipIf(hasZstd)('is refused where Node has none', async () => {
    const { send } = await run();
    const reply = await send('POST', '/metrics/', coded('zstd', Buffer.from(text)));
    expect([reply.status, reply.text]).toEqual([415, expect.stringMatching(/Node 22\.15/)]);
  });

  const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 1, 2]);
  const read: readonly [name: string, body: (frame: Buffer) => Buffer, text: string][] = [
    ['a frame', (frame) => frame, text],
    ['several frames', (frame) => Buffer.concat([frame, skippable, frame]), text + text],
  ];
  it.runIf(hasZstd).each(read)('%s', async (_name, body, expected) => {
    const { gateway, send } = await run();
    const reply = await send('POST', '/metrics/', coded('zstd', body(zstdCompressSync!(Buffer.from(text)))));
    expect([reply.status, gateway.pushes.map((push) => push.body)]).toEqual([202, [expected]]);
  });

  it.runIf(hasZstd)('a large one', async () => {
    const { gateway, send } = await run();
    const reply = await send('POST', '/metrics/', coded('zstd', zstdCompressSync!(long)));
    expect([reply.status, gateway.pushes.map((push) => push.body === long.toString())]).toEqual([
      202,
      [true],
    ]);
  });

  const refused: readonly [name: string, body: (frame: Buffer) => Buffer][] = [
    ['a frame cut short', (frame) => frame.subarray(0, -1)],
    ['half a frame', (frame) => frame.subarray(0, frame.length >> 1)],
    ['a second frame cut short', (frame) => Buffer.concat([frame, frame.subarray(0, -3)])],
    ['garbage after it', (frame) => Buffer.concat([frame, Buffer.from('garbage, long enough')])],
    ['changed bytes', (frame) => changed(frame, 1)],
    ['nothing', () => Buffer.alloc(0)],
    ['only what is skipped', () => skippable],
    ['very many frames', (frame) => Buffer.concat(Array.from({ length: 65 }, () => frame))],
  ];
  it.runIf(hasZstd).each(refused)('refused: %s', async (_name, body) => {
    const { gateway, send } = await run();
    const reply = await send('POST', '/metrics/', coded('zstd', body(zstdCompressSync!(Buffer.from(text)))));
    expect([reply.status, gateway.pushes]).toEqual([400, []]);
  });

  it.runIf(hasZstd)('a window of more than 8 MiB', async () => {
    const { send } = await run();
    const frame = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, (13 << 3) | 1, 1, 0, 0]);
    const reply = await send('POST', '/metrics/', coded('zstd', frame));
    expect([reply.status, reply.text]).toEqual([415, expect.stringMatching(/a window of 9437184 bytes/)]);
  });

  it.runIf(hasZstd)('a bomb', async () => {
    const { send } = await run();
    const reply = await send('POST', '/metrics/', coded('zstd', zstdCompressSync!(Buffer.alloc(8 << 20))));
    expect(reply.status).toBe(413);
  });
});

describe('the budget of all bodies', () => {
  it('refuses the largest that is being received, and is given back', async () => {
    const { open, send } = await run({ bodiesBytesMax: 1_000 });
    const slow = open();
    slow.write('POST /metrics/ HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n' + 'a'.repeat(800));
    await new Promise((resolve) => setTimeout(resolve, 50));
    const refused = await send('POST', '/metrics/', { body: 'b'.repeat(900) });
    expect([refused.status, refused.headers['retry-after']]).toEqual([503, '1']);
    expect((await send('POST', '/metrics/', { body: 'b'.repeat(100) })).status).toBe(202);
    expect(slow.received).toBe('');
    expect((await send('POST', '/metrics/', { body: 'b'.repeat(300) })).status).toBe(202);
    await slow.until(({ received }) => received.includes('among the largest'));
    expect(slow.received).toMatch(/^HTTP\/1\.1 503 .*Retry-After: 1\r\n/s);
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
