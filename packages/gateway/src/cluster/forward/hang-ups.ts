/** Which senders close their side of a connection: many requests may wait on one. */
import type { Socket } from 'node:net';

export class HangUps {
  readonly #watched = new WeakMap<Socket, Set<() => void>>();

  /** Calls `then` when the other side is closed, until what is returned is called. */
  watch(socket: Socket, then: () => void): () => void {
    let watchers = this.#watched.get(socket);
    if (watchers === undefined) {
      const all = (watchers = new Set());
      this.#watched.set(socket, all);
      socket.once('end', () => {
        for (const each of all) each();
      });
    }
    const own = watchers;
    own.add(then);
    return () => own.delete(then);
  }
}
