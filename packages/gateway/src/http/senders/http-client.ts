import type { IncomingMessage } from 'node:http';

import type { Client } from '../../gateway/api.ts';
import type { AddressOf } from './client-address.ts';
import { senderOf } from './sender.ts';

/** The client of a request. */
export class HttpClient implements Client {
  readonly #request: IncomingMessage;
  readonly #addressOf: AddressOf;
  #sender: string | undefined;

  constructor(request: IncomingMessage, addressOf: AddressOf) {
    this.#request = request;
    this.#addressOf = addressOf;
  }

  get sender(): string {
    // Asked for again where a push waits, when the connection may have gone and its address with it.
    return (this.#sender ??= senderOf(this.#addressOf(this.#request)));
  }

  get isGone(): boolean {
    return this.#request.socket.destroyed;
  }
}
