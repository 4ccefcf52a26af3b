/**
 * Request bodies: received, decompressed and bounded.
 *
 * Three limits hold at once. One body may not exceed `bodyBytesMax`, neither as sent nor decompressed; all bodies being
 * received or worked on together may not exceed `bodiesBytesMax`; and inflating stops at the first byte too many, so
 * that a small bomb costs no more than a large honest body. Bytes are counted as they come, not as they are announced:
 * a sender who announces much and sends little takes nothing from others.
 */
import type { IncomingMessage } from 'node:http';

import { RequestError } from '../model/errors.ts';
import { readContentEncoding } from './content-encoding.ts';
import { decompress } from './decompress.ts';
import type { Compression } from './decompress.ts';

/** The sender went away before its body was complete. There is nobody to answer. */
export class ClientGone extends Error {
  constructor() {
    super('the client closed the connection before its request was complete');
    this.name = 'ClientGone';
  }
}

export interface BodyLimits {
  readonly bodyBytesMax: number;
  readonly bodiesBytesMax: number;
}

/** Bodies in several chunks are put together in buffers of at least this size, which are used again. */
const BUFFER_BYTES_MIN = 1 << 20;
/** What waits to be used again: so many buffers, none larger than this. */
const IDLE_BUFFERS_MAX = 4;
const IDLE_BUFFER_BYTES_MAX = 4 << 20;

/** Fresh memory for each large body costs the system calls and page faults of it, and garbage collections. */
class BufferPool {
  readonly #idle: Buffer[] = [];

  /** A buffer of at least `bytes`, with anything in it. */
  take(bytes: number): Buffer {
    const found = this.#idle.findIndex((buffer) => buffer.length >= bytes);
    const [buffer] = found === -1 ? [] : this.#idle.splice(found, 1);
    return buffer ?? Buffer.allocUnsafeSlow(Math.max(bytes, BUFFER_BYTES_MIN));
  }

  /** Nobody may hold the buffer any more. */
  give(buffer: Buffer): void {
    if (buffer.length > IDLE_BUFFER_BYTES_MAX || this.#idle.length >= IDLE_BUFFERS_MAX) return;
    this.#idle.push(buffer);
  }
}

/** The compressions to undo, in order; none when the body is as it is. */
export type BodyCoding = readonly Compression[];

/** Receives bodies under one shared budget. */
export class BodyIntake {
  readonly #limits: BodyLimits;
  readonly #buffers = new BufferPool();
  #bytesHeld = 0;

  constructor(limits: BodyLimits) {
    this.#limits = limits;
  }

  /** Bytes of all bodies now being received or used. */
  get bytesHeld(): number {
    return this.#bytesHeld;
  }

  /**
   * Everything the headers alone can be refused for. Returns how the body is coded. Comes before `receive`, and before
   * `100 Continue` is sent.
   */
  check(request: IncomingMessage): BodyCoding {
    const coding = readContentEncoding(request.headers['content-encoding']);
    const announced = request.headers['content-length'];
    if (announced === undefined) return coding;
    const bytes = Number(announced);
    if (bytes > this.#limits.bodyBytesMax) throw bodyTooLarge(this.#limits.bodyBytesMax);
    if (this.#bytesHeld + bytes > this.#limits.bodiesBytesMax) throw overloaded();
    return coding;
  }

  /**
   * Hands the whole decompressed body to `use` and settles as it does. The body counts against the shared budget until
   * then, and belongs to `use` only that long. Rejects with RequestError, or with ClientGone when the upload breaks off. An
   * uncompressed body that comes in one chunk is not copied.
   */
  async receive<T>(
    request: IncomingMessage,
    coding: BodyCoding,
    use: (body: Uint8Array) => Promise<T>,
  ): Promise<T> {
    let bytesTaken = 0;
    const take = (bytes: number): void => {
      if (this.#bytesHeld + bytes > this.#limits.bodiesBytesMax) throw overloaded();
      bytesTaken += bytes;
      this.#bytesHeld += bytes;
    };
    let buffer: Buffer | undefined;
    try {
      const chunks = await collect(request, this.#limits.bodyBytesMax, take);
      if (chunks.length > 1) buffer = this.#buffers.take(bytesTaken);
      const sent = buffer === undefined ? (chunks[0] ?? noBytes) : joined(chunks, buffer);
      if (coding.length === 0) return await use(sent);
      const bounds = { bytesMax: this.#limits.bodyBytesMax, take, tooLarge: bodyTooLarge };
      return await use(await decompress(sent, coding, bounds));
    } finally {
      this.#bytesHeld -= bytesTaken;
      if (buffer !== undefined) this.#buffers.give(buffer);
    }
  }
}

const noBytes = new Uint8Array(0);

/** The chunks one after the other, at the beginning of the buffer; they are let go. */
function joined(chunks: Uint8Array[], buffer: Buffer): Uint8Array {
  let length = 0;
  for (const chunk of chunks) {
    buffer.set(chunk, length);
    length += chunk.length;
  }
  chunks.length = 0;
  return buffer.subarray(0, length);
}

/** The body as it was sent, chunk by chunk; an empty body has none. */
function collect(
  request: IncomingMessage,
  bytesMax: number,
  take: (bytes: number) => void,
): Promise<Uint8Array[]> {
  return new Promise((resolve, reject) => {
    let chunks: Uint8Array[] = [];
    let bytes = 0;
    let settled = false;
    const fail = (error: unknown): void => {
      settled = true;
      chunks = [];
      reject(error);
    };
    // Also comes after a good end; an error is made only when there is one, as its stack trace is dear.
    const clientGone = (): void => {
      if (!settled) fail(new ClientGone());
    };
    // After a failure what still comes is dropped, and whoever replies decides how long to listen.
    request.on('data', (chunk: Uint8Array) => {
      if (settled) return;
      bytes += chunk.length;
      try {
        if (bytes > bytesMax) throw bodyTooLarge(bytesMax);
        take(chunk.length);
        chunks.push(chunk);
      } catch (error) {
        fail(error);
      }
    });
    request.on('end', () => {
      if (settled) return;
      settled = true;
      resolve(chunks);
    });
    request.on('error', clientGone);
    request.on('close', clientGone);
    if (request.destroyed || request.readableEnded) clientGone();
  });
}

function bodyTooLarge(bytesMax: number): RequestError {
  return new RequestError(
    'body_too_large',
    `the body is larger than ${bytesMax} bytes, as sent or decompressed; push less at a time, or raise --web.max-body-size`,
  );
}

function overloaded(): RequestError {
  return new RequestError(
    'overloaded',
    'too many bodies are being received at once; send this push again a little later',
  );
}
