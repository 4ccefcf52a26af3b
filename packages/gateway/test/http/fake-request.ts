/** A request whose body comes when a test says so, with no socket. */
import { Readable } from 'node:stream';
import type { IncomingMessage } from 'node:http';

import { trustedProxies } from '../../src/http/senders/client-address.ts';
import { HttpClient } from '../../src/http/senders/http-client.ts';

export class FakeRequest extends Readable {
  readonly headers: Record<string, string>;
  readonly socket: { remoteAddress: string; destroyed: boolean };
  complete = false;

  constructor(headers: Record<string, string> = {}, remoteAddress = '192.0.2.1') {
    super({ read() {} });
    this.headers = headers;
    this.socket = { remoteAddress, destroyed: false };
  }

  override _read(): void {}

  get message(): IncomingMessage {
    return this as unknown as IncomingMessage;
  }

  get client(): HttpClient {
    return new HttpClient(this.message, trustedProxies([]).addressOf);
  }

  /** Some of the body. */
  send(bytes: Uint8Array | string): this {
    this.push(bytes);
    return this;
  }

  finish(): this {
    this.complete = true;
    this.push(null);
    return this;
  }

  /** The client closes the connection. */
  leave(): void {
    this.socket.destroyed = true;
    this.destroy();
  }
}

/** Lets everything that waits for nothing but a turn of the event loop happen. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
