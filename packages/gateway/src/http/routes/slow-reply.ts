/** Replies that take long to make, and may be large: written no faster than the client takes them, and not at all once it has gone. */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { finished } from 'node:stream/promises';
import { setImmediate } from 'node:timers/promises';

/** A client, until it has all of its reply. */
export class Waiting {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #gone = new AbortController();

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.#request = request;
    this.#response = response;
    response.once('close', this.#leave);
    // A response that waits for another one on its connection does not hear when that is closed.
    request.socket.once('close', this.#leave);
    if (request.socket.destroyed) this.#leave();
  }

  get isGone(): boolean {
    return this.#gone.signal.aborted;
  }

  end(): void {
    this.#request.socket.off('close', this.#leave);
  }

  /** Writes the body in slices, each of which is short. Rejects when the client has gone. */
  async write(slices: Iterable<string | Uint8Array>): Promise<void> {
    const response = this.#response;
    const { signal } = this.#gone;
    for (const slice of slices) {
      const isTaken = response.write(slice);
      await (isTaken ? setImmediate() : once(response, 'drain', { signal }));
      signal.throwIfAborted();
    }
    response.end();
    await finished(response, { signal });
  }

  readonly #leave = (): void => {
    if (!this.#response.writableFinished) this.#gone.abort();
  };
}
