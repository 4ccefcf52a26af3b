import type { IncomingMessage } from 'node:http';

import type { Client } from '../gateway/api.ts';
import { senderOf } from './sender.ts';

/** The client of a request. Most pushes never ask: hence getters. */
export class HttpClient implements Client {
  readonly #request: IncomingMessage;

  constructor(request: IncomingMessage) {
    this.#request = request;
  }

  get sender(): string {
    return senderOf(this.#request.socket.remoteAddress);
  }

  get isGone(): boolean {
    return this.#request.socket.destroyed;
  }
}
