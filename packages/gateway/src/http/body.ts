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

export type BodyCoding = 'identity' | Compression;

/** Receives bodies under one shared budget. */
export class BodyIntake {
  readonly #limits: BodyLimits;
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
    const encoding = request.headers['content-encoding'];
    const coding = encoding === undefined ? 'identity' : readCoding(encoding);
    const announced = request.headers['content-length'];
    if (announced === undefined) return coding;
    const bytes = Number(announced);
    if (bytes > this.#limits.bodyBytesMax) throw bodyTooLarge(this.#limits.bodyBytesMax);
    if (this.#bytesHeld + bytes > this.#limits.bodiesBytesMax) throw overloaded();
    return coding;
  }

  /**
   * Hands the whole decompressed body to `use` and settles as it does. The body counts against the shared budget until
   * then. Rejects with RequestError, or with ClientGone when the upload breaks off. An uncompressed body that comes in one
   * chunk is not copied.
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
    try {
      const sent = await collect(request, this.#limits.bodyBytesMax, take);
      if (coding === 'identity') return await use(sent);
      const bounds = { bytesMax: this.#limits.bodyBytesMax, take, tooLarge: bodyTooLarge };
      return await use(await decompress(sent, coding, bounds));
    } finally {
      this.#bytesHeld -= bytesTaken;
    }
  }
}

function collect(
  request: IncomingMessage,
  bytesMax: number,
  take: (bytes: number) => void,
): Promise<Uint8Array> {
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
      resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, bytes));
    });
    request.on('error', clientGone);
    request.on('close', clientGone);
    if (request.destroyed || request.readableEnded) clientGone();
  });
}

function readCoding(header: string): BodyCoding {
  switch (header.trim().toLowerCase()) {
    case '':
    case 'identity':
      return 'identity';
    case 'gzip':
    case 'x-gzip':
      return 'gzip';
    case 'deflate':
      return 'deflate';
  }
  const several = header.includes(',') ? ', one at a time' : '';
  throw new RequestError(
    'unsupported_encoding',
    `cannot read Content-Encoding ${JSON.stringify(header)}; send the body as gzip, x-gzip, deflate or identity${several}`,
  );
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
