/**
 * Request bodies: received, decompressed and bounded.
 *
 * One body may not exceed `bodyBytesMax`, neither as sent nor decompressed, and inflating stops at the first byte too many. All
 * bodies together may not take more than `bodiesBytesMax` of memory (`BodyMemory`), nor their decoders more than
 * `decodersBytesMax` (`Decoders`). Bytes are counted as they come, not as they are announced: a sender who announces
 * much and sends little takes nothing from others.
 */
import type { IncomingMessage } from 'node:http';

import type { Client } from '../../gateway/api.ts';
import { RequestError } from '../../model/errors.ts';
import { BodyBuffer } from './body-buffer.ts';
import { BodyMemory } from './body-memory.ts';
import type { BodyShare } from './body-memory.ts';
import { ClientGone } from '../../model/client-gone.ts';
import { readContentEncoding } from './content-encoding.ts';
import { Decoders } from './decoders.ts';
import { decompress } from './decompress.ts';
import type { Compression } from './decompress.ts';
import { bodyReadBefore } from './parsed-body.ts';
import { Turns } from './turns.ts';

export interface BodyLimits {
  readonly bodyBytesMax: number;
  readonly bodiesBytesMax: number;
  readonly decodersBytesMax: number;
}

/** The compression to undo; undefined when the body is as it is. */
type BodyCoding = Compression | undefined;

interface ReceivedBody {
  readonly coding: BodyCoding;
  /** Whose share of memory and decoders it takes. */
  readonly client: Client;
}

/** Receives bodies under shared budgets. */
export class BodyIntake {
  readonly #limits: BodyLimits;
  readonly #memory: BodyMemory;
  readonly #decoders: Decoders;
  readonly #turns = new Turns();

  constructor(limits: BodyLimits) {
    this.#limits = limits;
    this.#memory = new BodyMemory({ bytesMax: limits.bodiesBytesMax });
    this.#decoders = new Decoders({ bytesMax: limits.decodersBytesMax });
  }

  /** Of all bodies now being received or used. */
  get bytesHeld(): number {
    return this.#memory.bytesHeld;
  }

  /** Of the decoders now at work. */
  get decoderBytesHeld(): number {
    return this.#decoders.bytesHeld;
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
    this.#memory.checkAnnounced(bytes);
    return coding;
  }

  /**
   * Hands the whole decompressed body to `use` and settles as it does. The body counts against the shared budget until
   * then, and belongs to `use` only that long. Rejects with RequestError, or with ClientGone when the upload breaks off. An
   * uncompressed body that comes in one chunk is not copied.
   */
  async receive<T>(
    request: IncomingMessage,
    { coding, client }: ReceivedBody,
    use: (body: Uint8Array) => Promise<T>,
  ): Promise<T> {
    const { bodyBytesMax } = this.#limits;
    const readBefore = bodyReadBefore(request);
    if (readBefore !== undefined) {
      if (readBefore.length > bodyBytesMax) throw bodyTooLarge(bodyBytesMax);
      return use(readBefore);
    }
    const share = this.#memory.share(client.sender);
    const sent = new BodyBuffer(share, lengthMax(request, bodyBytesMax));
    let inflated: BodyBuffer | undefined;
    try {
      await collect(request, { sent, share, bytesMax: bodyBytesMax });
      share.checkWaiting();
      if (coding === undefined) return await use(sent.bytes());
      inflated = new BodyBuffer(share, bodyBytesMax);
      const body = {
        sent: sent.bytes(),
        compression: coding,
        sender: share.sender,
        isGone: () => client.isGone,
        bytesMax: bodyBytesMax,
        tooLarge: bodyTooLarge,
        output: inflated,
      };
      await decompress(body, { decoders: this.#decoders, turns: this.#turns });
      sent.free();
      return await use(inflated.bytes());
    } finally {
      sent.free();
      inflated?.free();
    }
  }
}

function lengthMax(request: IncomingMessage, bytesMax: number): number {
  const announced = request.headers['content-length'];
  return announced === undefined ? bytesMax : Math.min(Number(announced), bytesMax);
}

interface Collecting {
  readonly sent: BodyBuffer;
  readonly share: BodyShare;
  readonly bytesMax: number;
}

/** Fills `sent` with the body as it was sent. Meanwhile, when it does not come at once, it may have to give way. */
function collect(request: IncomingMessage, { sent, share, bytesMax }: Collecting): Promise<void> {
  return new Promise((resolve, reject) => {
    let settled = false;
    const fail = (error: Error): void => {
      settled = true;
      share.endReceiving();
      sent.free();
      reject(error);
    };
    // Also comes after a good end; an error is made only when there is one, as its stack trace is dear.
    const clientGone = (): void => {
      if (!settled) fail(new ClientGone());
    };
    // After a failure what still comes is dropped, and whoever replies decides how long to listen.
    request.on('data', (chunk: Uint8Array) => {
      if (settled) return;
      if (!request.complete && !share.isReceiving) share.startReceiving(fail);
      try {
        if (sent.length + chunk.length > bytesMax) throw bodyTooLarge(bytesMax);
        sent.keep(chunk);
      } catch (error) {
        fail(error as Error);
      }
    });
    request.on('end', () => {
      if (settled) return;
      settled = true;
      share.endReceiving();
      resolve();
    });
    request.on('error', clientGone);
    request.on('close', clientGone);
    if (request.destroyed || request.readableEnded) clientGone();
  });
}

function bodyTooLarge(bytesMax: number): RequestError {
  return new RequestError(
    'body_too_large',
    `the body is larger than ${bytesMax} bytes, compressed or decompressed; push less at once, or raise --web.max-body-size`,
  );
}
