/** All connections that have sent a request: found by their sockets, and looked after while they are open. */
import type { Socket } from 'node:net';

import { Connection } from './connection.ts';
import type { ConnectionRules } from './connection.ts';

export const REPLY_STALL_TIMEOUT_MS = 60_000;

const SWEEP_INTERVAL_MS = 5_000;

export class Connections {
  readonly #rules: ConnectionRules;
  readonly #found = new WeakMap<Socket, Connection>();
  readonly #open = new Set<Connection>();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(rules: ConnectionRules) {
    this.#rules = rules;
  }

  get size(): number {
    return this.#open.size;
  }

  of(socket: Socket): Connection {
    return this.#found.get(socket) ?? this.#add(socket);
  }

  /** Cuts off peers that take nothing of their replies. A timer calls it, by any clock that does not go back. */
  sweep(nowMs: number): void {
    for (const connection of this.#open) connection.sweep(nowMs);
  }

  #add(socket: Socket): Connection {
    const connection = new Connection(socket, this.#rules);
    this.#found.set(socket, connection);
    if (socket.destroyed) return connection;
    this.#open.add(connection);
    this.#timer ??= setInterval(() => this.sweep(performance.now()), SWEEP_INTERVAL_MS).unref();
    socket.once('close', () => {
      connection.closed();
      this.#open.delete(connection);
      if (this.#open.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    });
    return connection;
  }
}
