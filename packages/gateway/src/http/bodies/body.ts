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
  /** Of the body, where less is allowed than of others. */
  readonly bytesMax?: number | undefined;
}

/** The bytes of a body, until they are freed. */
interface HeldBody {
  bytes(): Uint8Array;
  /** May be called several times. */
  free(): void;
}

/** Receives bodies under shared budgets. */
export class BodyIntake {
  readonly #limits: BodyLimits;
  readonly #memory: BodyMemory;
  readonly #decoders: Decoders;
  readonly #turns = new Turns();
  readonly #tooLarge = (bytesMax: number): RequestError => bodyTooLarge(bytesMax, this.#limits.bodyBytesMax);

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
  check(request: IncomingMessage, bytesMax: number = Infinity): BodyCoding {
    const coding = readContentEncoding(request.headers['content-encoding']);
    const announced = request.headers['content-length'];
    if (announced === undefined) return coding;
    const bytes = Number(announced);
    const most = Math.min(bytesMax, this.#limits.bodyBytesMax);
    if (bytes > most) throw this.#tooLarge(most);
    this.#memory.checkAnnounced(bytes);
    return coding;
  }

  /**
   * The whole body, decompressed. It counts against the shared budget until it is freed, and must not be used after. Rejects with
   * RequestError, or with ClientGone when the upload breaks off; nothing is held then. An uncompressed body that comes in one chunk is
   * not copied.
   */
  receive(
    request: IncomingMessage,
    { coding, client, bytesMax = Infinity }: ReceivedBody,
  ): Promise<HeldBody> {
    const bodyBytesMax = Math.min(bytesMax, this.#limits.bodyBytesMax);
    const readBefore = bodyReadBefore(request);
    if (readBefore !== undefined) {
      if (readBefore.length > bodyBytesMax) throw this.#tooLarge(bodyBytesMax);
      return Promise.resolve({ bytes: () => readBefore, free: () => {} });
    }
    const share = this.#memory.share(client.sender);
    const tooLarge = this.#tooLarge;
    const collected = collect(request, { share, bytesMax: bodyBytesMax, tooLarge });
    return coding === undefined
      ? collected
      : this.#decompressed(collected, { coding, client, share, bodyBytesMax });
  }

  async #decompressed(
    collected: Promise<BodyBuffer>,
    {
      coding,
      client,
      share,
      bodyBytesMax,
    }: {
      readonly coding: Compression;
      readonly client: Client;
      readonly share: BodyShare;
      readonly bodyBytesMax: number;
    },
  ): Promise<BodyBuffer> {
    const sent = await collected;
    const output = new BodyBuffer(share, bodyBytesMax);
    const body = {
      sent: sent.bytes(),
      compression: coding,
      sender: share.sender,
      isGone: () => client.isGone,
      bytesMax: bodyBytesMax,
      tooLarge: this.#tooLarge,
      output,
    };
    try {
      await decompress(body, { decoders: this.#decoders, turns: this.#turns });
      return output;
    } catch (error) {
      output.free();
      throw error;
    } finally {
      sent.free();
    }
  }
}

/** Resolves with the body as it was sent. Meanwhile, when it does not come at once, it may have to give way. */
function collect(
  request: IncomingMessage,
  {
    share,
    bytesMax,
    tooLarge,
  }: {
    readonly share: BodyShare;
    readonly bytesMax: number;
    readonly tooLarge: (bytesMax: number) => RequestError;
  },
): Promise<BodyBuffer> {
  const announced = Number(request.headers['content-length'] ?? Infinity);
  const sent = new BodyBuffer(share, Math.min(announced, bytesMax));
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
      const length = sent.length + chunk.length;
      // Nearly all come in one chunk, and then there is nothing to wait for.
      if (length < announced && !request.complete && !share.isReceiving) share.startReceiving(fail);
      try {
        if (length > bytesMax) throw tooLarge(bytesMax);
        sent.keep(chunk);
      } catch (error) {
        fail(error as Error);
      }
    });
    request.on('end', () => {
      if (settled) return;
      try {
        share.endReceiving();
        share.checkWaiting();
        settled = true;
        resolve(sent);
      } catch (error) {
        fail(error as Error);
      }
    });
    request.on('error', clientGone);
    request.on('close', clientGone);
    if (request.destroyed || request.readableEnded) clientGone();
  });
}

/** `ofFlag` is what others may send. */
function bodyTooLarge(bytesMax: number, ofFlag: number): RequestError {
  const raise = bytesMax < ofFlag ? 'limits.body of the token' : '--web.max-body-size';
  return new RequestError(
    'body_too_large',
    `the body is larger than ${bytesMax} bytes, compressed or decompressed; push less at once, or raise ${raise}`,
  );
}
