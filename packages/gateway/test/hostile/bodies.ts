/**
 * Attacks with request bodies, against a gateway at a port of this machine: bombs in every encoding, bodies that are dear to read, and
 * bodies that hold memory. Each returns what it sent and how it was answered; who calls looks at the gateway's memory and turns meanwhile.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';

import { MIB, brotliBomb, hiddenBrotliBomb, snappyBomb, zstdBomb } from './attackers/bodies.ts';

export interface BodyFigures {
  readonly what: string;
  readonly requests: number;
  readonly bytesSent: number;
  readonly seconds: number;
  /** Replies by status; those that never came have no entry. */
  readonly replies: Readonly<Record<string, number>>;
}

/** Blocks of raw deflate that each bring tables of their own and nothing else: half a millisecond to read for each 4 KiB. */
function dearDeflate(blocks: number): Buffer {
  const bits: number[] = [];
  const put = (value: number, count: number): void => {
    for (let i = 0; i < count; i += 1) bits.push((value >>> i) & 1);
  };
  const order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1];
  for (let block = 0; block < blocks; block += 1) {
    put(block === blocks - 1 ? 1 : 0, 1);
    put(2, 2);
    put(0, 10);
    put(order.length - 4, 4);
    for (const symbol of order) put(symbol === 18 || symbol === 1 ? 1 : 0, 3);
    // 97 unused symbols, one, 158 unused ones, the end of a block, and one distance; then the end.
    for (const [value, count] of [
      [1, 1],
      [86, 7],
      [0, 1],
      [1, 1],
      [127, 7],
      [1, 1],
      [9, 7],
      [0, 1],
      [0, 1],
      [1, 1],
    ] as const) {
      put(value, count);
    }
  }
  const bytes = Buffer.alloc(Math.ceil(bits.length / 8));
  bits.forEach((bit, i) => (bytes[i >>> 3]! |= bit << (i & 7)));
  return bytes;
}

/** Bombs of each encoding, hundreds pipelined on one connection each, all at once. */
export async function sendBombs(port: number): Promise<readonly BodyFigures[]> {
  const kinds: readonly [what: string, encoding: string, count: number, body: Buffer][] = [
    ['br', 'br', 500, brotliBomb(64 * MIB, 'a')],
    ['br that hides its length', 'br', 200, await hiddenBrotliBomb(64 * MIB, '\n')],
    ['gzip', 'gzip', 56, gzipSync(Buffer.alloc(64 * MIB, '\n'), { level: 9 })],
    ['gzip that lies about its length', 'gzip', 500, lying(gzipSync(Buffer.alloc(MIB, '\n')))],
    ['deflate of nothing but tables', 'deflate', 50, dearDeflate(1_000)],
    ['zstd', 'zstd', 200, zstdBomb(64 * MIB, '\n')],
    ['snappy', 'snappy', 8, snappyBomb(64 * MIB, '\n')],
  ];
  return Promise.all(
    kinds.map(async ([what, encoding, count, body]) =>
      pipeline(port, `${count} x ${what}`, count, request(body, encoding)),
    ),
  );
}

/** The length at the end of gzip made to look small. */
function lying(gzip: Buffer): Buffer {
  gzip.writeUInt32LE(100, gzip.length - 4);
  return gzip;
}

/** Bodies in HTTP chunks of one byte, each of which Node hands over as a buffer of its own. */
export async function sendTinyChunks(port: number, senders = 20): Promise<BodyFigures> {
  const head = 'POST /metrics/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n';
  const body = Buffer.from(`${head}${'1\r\n\n\r\n'.repeat(MIB)}0\r\n\r\n`);
  const all = await Promise.all(Array.from({ length: senders }, () => pipeline(port, '', 1, body)));
  return together(`${senders} bodies of 1 MiB in chunks of one byte`, all);
}

/** Bodies that stop short of their end and stay so, while an honest sender pushes; its replies are in the figures. */
export async function stallBodies(port: number, senders = 40, pushes = 100): Promise<BodyFigures> {
  const whole = request(Buffer.alloc(16_000_000, '\n'));
  const sockets = Array.from({ length: senders }, () => open(port, '127.0.0.2'));
  for (const socket of sockets) socket.write(whole.subarray(0, -1));
  // What those leave, small ones take.
  const small = request(Buffer.alloc(60_000, '\n'));
  const smallSockets = Array.from({ length: 20 * senders }, () => open(port, '127.0.0.2'));
  for (const socket of smallSockets) socket.write(small.subarray(0, -1));
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  try {
    const text = Buffer.from('honest_total 1\n'.padEnd(2_000, '\n'));
    const honest = await pipeline(port, '', pushes, request(text));
    return together(`${pushes} small pushes while ${senders} bodies of 16 MB stall`, [honest]);
  } finally {
    for (const socket of [...sockets, ...smallSockets]) socket.destroy();
  }
}

function request(body: Uint8Array, encoding?: string): Buffer {
  const coding = encoding === undefined ? '' : `Content-Encoding: ${encoding}\r\n`;
  const head = `POST /metrics/ HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n${coding}\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}

/** From an address of this machine, as senders are told apart by it. */
function open(port: number, localAddress = '127.0.0.1'): Socket {
  const socket = connect({ port, host: '127.0.0.1', localAddress });
  socket.on('error', () => {});
  return socket;
}

const REPLIES_TIMEOUT_MS = 60_000;

/** The same request so many times on one connection, without waiting for replies. */
async function pipeline(port: number, what: string, count: number, bytes: Buffer): Promise<BodyFigures> {
  const socket = open(port);
  const started = performance.now();
  const replies: Record<string, number> = {};
  let [answered, rest] = [0, ''];
  socket.setTimeout(REPLIES_TIMEOUT_MS, () => socket.destroy());
  socket.on('data', (data: Buffer) => {
    const text = rest + data.toString('latin1');
    for (const [, status] of text.matchAll(/HTTP\/1\.1 (\d{3}) /g)) {
      replies[status!] = (replies[status!] ?? 0) + 1;
      answered += 1;
    }
    // Of a head that is cut, without what was counted.
    rest = text.slice(-11).replace(/HTTP\/1\.1 \d{3} /, '');
    if (answered >= count) socket.destroy();
  });
  const closed = once(socket, 'close');
  for (let i = 0; i < count && !socket.destroyed; i += 1) {
    if (!socket.write(bytes)) await Promise.race([once(socket, 'drain').catch(() => {}), closed]);
  }
  await closed;
  const seconds = (performance.now() - started) / 1_000;
  return { what, requests: count, bytesSent: count * bytes.length, seconds, replies };
}

function together(what: string, all: readonly BodyFigures[]): BodyFigures {
  const replies: Record<string, number> = {};
  for (const each of all) {
    for (const [status, count] of Object.entries(each.replies))
      replies[status] = (replies[status] ?? 0) + count;
  }
  return {
    what,
    requests: all.reduce((sum, { requests }) => sum + requests, 0),
    bytesSent: all.reduce((sum, { bytesSent }) => sum + bytesSent, 0),
    seconds: Math.max(...all.map(({ seconds }) => seconds)),
    replies,
  };
}
