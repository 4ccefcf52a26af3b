import type { IncomingMessage } from 'node:http';

import type { Client } from '../gateway/api.ts';
import type { AddressOf } from './client-address.ts';
import { senderOf } from './sender.ts';

/** The client of a request. Most pushes never ask: hence getters. */
export class HttpClient implements Client {
  readonly #request: IncomingMessage;
  readonly #addressOf: AddressOf;

  constructor(request: IncomingMessage, addressOf: AddressOf) {
    this.#request = request;
    this.#addressOf = addressOf;
  }

  get sender(): string {
    return senderOf(this.#addressOf(this.#request));
  }

  get isGone(): boolean {
    return this.#request.socket.destroyed;
  }
}
