/** Requests as bytes over plain sockets: a hostile client need not read, nor keep to one request at a time. Nothing but 127.0.0.1 is attacked. */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { ReplyReader } from './reply-reader.ts';

export class Target {
  sent = 0;
  closed = 0;
  readonly replies: Record<string, number> = {};
  readonly port: number;

  constructor(url: string) {
    const { hostname, port } = new URL(url);
    if (hostname !== '127.0.0.1') throw new Error(`attacks go to 127.0.0.1 only, not to ${hostname}`);
    this.port = Number(port);
  }

  noteReply(status: string): void {
    this.replies[status] = (this.replies[status] ?? 0) + 1;
  }
}

export function requestBytes(
  line: string,
  headers: Readonly<Record<string, string>> = {},
  body: Uint8Array | string = '',
): Buffer {
  const bytes = Buffer.from(body);
  const length = bytes.length > 0 || !line.startsWith('GET') ? [`Content-Length: ${bytes.length}`] : [];
  const lines = [
    `${line} HTTP/1.1`,
    'Host: 127.0.0.1',
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ...length,
  ];
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), bytes]);
}

export type Reading =
  | 'all'
  /** Not one byte. */
  | 'nothing'
  /** So many bytes a second. */
  | number;

export interface Conversation {
  readonly requests: readonly Buffer[];
  readonly reading?: Reading;
  /** Closes the connection after so long, answered or not. */
  readonly holdMs: number;
  /** Writes so many bytes a second, all at once when left out. */
  readonly writeBytesPerSecond?: number;
}

/** Resolves when all requests were answered, the gateway has closed, or the time is over. Never rejects. */
export async function converse(target: Target, conversation: Conversation): Promise<void> {
  const { requests, reading = 'all', holdMs, writeBytesPerSecond } = conversation;
  const socket = connect({ host: '127.0.0.1', port: target.port });
  await new Promise<void>((resolve) => {
    let isOurs = false;
    const done = (): void => {
      isOurs = true;
      resolve();
    };
    const timer = setTimeout(done, holdMs);
    socket.on('error', () => resolve());
    socket.on('close', () => {
      clearTimeout(timer);
      if (!isOurs) target.closed += 1;
      resolve();
    });
    socket.on('connect', () => {
      if (reading === 'nothing') socket.pause();
      else {
        let left = requests.length;
        const replies = new ReplyReader((status) => {
          target.noteReply(status);
          left -= 1;
          if (left === 0) done();
        });
        socket.on('data', (chunk: Buffer) => replies.read(chunk));
      }
      if (typeof reading === 'number') readSlowly(socket, reading);
      void write(target, socket, requests, writeBytesPerSecond);
    });
  });
  socket.destroy();
}

async function write(
  target: Target,
  socket: Socket,
  requests: readonly Buffer[],
  bytesPerSecond: number | undefined,
): Promise<void> {
  const stepMs = 250;
  for (const request of requests) {
    const step = bytesPerSecond === undefined ? request.length : Math.ceil((bytesPerSecond * stepMs) / 1000);
    for (let from = 0; from < request.length; from += step) {
      if (socket.destroyed) return;
      const isTaken = socket.write(request.subarray(from, from + step));
      if (bytesPerSecond !== undefined) await sleep(stepMs);
      else if (!isTaken && socket.writableLength > 2 ** 20) await drained(socket);
    }
    target.sent += 1;
  }
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once('drain', resolve);
    socket.once('close', resolve);
  });
}

function readSlowly(socket: Socket, bytesPerSecond: number): void {
  const stepMs = 250;
  let left = 0;
  socket.on('data', (chunk: Buffer) => {
    left -= chunk.length;
    if (left <= 0) socket.pause();
  });
  const timer = setInterval(() => {
    left += (bytesPerSecond * stepMs) / 1000;
    if (left > 0) socket.resume();
  }, stepMs);
  socket.once('close', () => clearInterval(timer));
}
