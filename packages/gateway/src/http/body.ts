/**
 * Request bodies: received, decompressed and bounded.
 *
 * Three limits hold at once. One body may not exceed `bodyBytesMax`, neither as sent nor decompressed; all bodies being
 * received or worked on together may not exceed `bodiesBytesMax`; and inflating stops at the first byte too many, so
 * that a small bomb costs no more than a large honest body. Bytes are counted as they come, not as they are announced:
 * a sender who announces much and sends little takes nothing from others.
 */
import type { IncomingMessage } from 'node:http';

import { readContentEncoding } from './content-encoding.ts';
import { decompress } from './decompress.ts';
import type { Compression } from './decompress.ts';
import { BodyBudget, bodyTooLarge, overloaded, ReceivedBody } from './received-body.ts';
import type { BodyLimits } from './received-body.ts';

/** The sender went away before its body was complete. There is nobody to answer. */
export class ClientGone extends Error {
  constructor() {
    super('the client closed the connection before its request was complete');
    this.name = 'ClientGone';
  }
}

/** The compressions to undo, in order; none when the body is as it is. */
export type BodyCoding = readonly Compression[];

/** Receives bodies under one shared budget. */
export class BodyIntake {
  readonly #budget: BodyBudget;

  constructor(limits: BodyLimits) {
    this.#budget = new BodyBudget(limits);
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
    const { limits, bytesHeld } = this.#budget;
    if (bytes > limits.bodyBytesMax) throw bodyTooLarge(limits.bodyBytesMax);
    if (bytesHeld + bytes > limits.bodiesBytesMax) throw overloaded();
    return coding;
  }

  /**
   * The whole body, decompressed, which the caller must release. Rejects with RequestError, or with ClientGone when the upload
   * breaks off.
   */
  receive(request: IncomingMessage, coding: BodyCoding): Promise<ReceivedBody> {
    const announced = Number(request.headers['content-length'] ?? Infinity);
    const received = collect(request, new ReceivedBody(this.#budget, announced));
    return coding.length === 0 ? received : received.then((body) => this.#decompressed(body, coding));
  }

  async #decompressed(body: ReceivedBody, coding: BodyCoding): Promise<ReceivedBody> {
    const bounds = {
      bytesMax: this.#budget.limits.bodyBytesMax,
      take: (bytes: number) => body.take(bytes),
      tooLarge: bodyTooLarge,
    };
    try {
      body.bytes = await decompress(body.bytes, coding, bounds);
      return body;
    } catch (error) {
      body.release();
      throw error;
    }
  }
}

/** The body as it was sent. */
function collect(request: IncomingMessage, body: ReceivedBody): Promise<ReceivedBody> {
  return new Promise((resolve, reject) => {
    let settled = false;
    const fail = (error: unknown): void => {
      settled = true;
      body.release();
      reject(error);
    };
    // Also comes after a good end; an error is made only when there is one, as its stack trace is dear.
    const clientGone = (): void => {
      if (!settled) fail(new ClientGone());
    };
    // After a failure what still comes is dropped, and whoever replies decides how long to listen.
    request.on('data', (chunk: Uint8Array) => {
      if (settled) return;
      try {
        body.add(chunk);
      } catch (error) {
        fail(error);
      }
    });
    request.on('end', () => {
      if (settled) return;
      settled = true;
      body.finish();
      resolve(body);
    });
    request.on('error', clientGone);
    request.on('close', clientGone);
    if (request.destroyed || request.readableEnded) clientGone();
  });
}
