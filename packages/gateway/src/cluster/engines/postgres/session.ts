/** One connection, used for one thing at a time. */
import type { Readable } from 'node:stream';

import pg from 'pg';

import { LogUnavailable } from '../../log/shared-log.ts';
import type { PostgresAddress } from './address.ts';

/** A server that is cut off does not answer it. */
const GOODBYE_MS = 500;

/** Of a statement that must not wait for long, in milliseconds. Of what is set nothing is left after its transaction. */
export function durably(lockMs: number): string {
  return (
    "set_config('synchronous_commit', " +
    "CASE current_setting('synchronous_commit') WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, true) IS NOT NULL " +
    "AND set_config('client_min_messages', 'warning', true) IS NOT NULL " +
    `AND set_config('lock_timeout', '${lockMs}', true) IS NOT NULL`
  );
}

export class Session {
  /** Of the server's log: it grows with each standby that is promoted. */
  timeline = 0;
  readonly #client: pg.Client;
  readonly #warnings: string[] = [];
  #isOpen = true;
  readonly #onEnd: (() => void)[] = [];

  private constructor(client: pg.Client) {
    this.#client = client;
    guard(wireOf(client));
    // Errors of a query are its promise's; without a listener those between two would end the process.
    client.on('error', () => this.#ended());
    client.on('end', () => this.#ended());
    // Committed here, but the wait for standbys was ended: 01000, and 57P01 where the connection goes as well.
    client.on('notice', ({ code, message }) => {
      if (code !== undefined && /^(?:01|57)/.test(code)) this.#warnings.push(message ?? code);
    });
  }

  static async connect(
    address: PostgresAddress,
    { host, port }: PostgresAddress['hosts'][number],
    timeoutMs: number,
  ): Promise<Session> {
    const password = await address.password();
    const session = new Session(
      new pg.Client({
        host,
        port,
        user: address.user,
        database: address.database,
        // Of undefined it would look for one by itself.
        password: password ?? '',
        ssl: address.tls,
        application_name: address.applicationName,
        connectionTimeoutMillis: timeoutMs,
        keepAlive: true,
        keepAliveInitialDelayMillis: timeoutMs,
      }),
    );
    try {
      await session.#client.connect();
    } catch (error) {
      session.destroy();
      throw error;
    }
    return session;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** As the server said when the connection began; a pooler makes one up. */
  get processId(): number | undefined {
    return (this.#client as unknown as { readonly processID: number | null }).processID ?? undefined;
  }

  async query<Row extends object>(text: string, values: readonly unknown[] = []): Promise<readonly Row[]> {
    this.#warnings.length = 0;
    const { rows } = await this.#client.query<Row>(text, [...values]);
    const [warning] = this.#warnings;
    if (warning !== undefined)
      throw new LogUnavailable(`PostgreSQL committed, but maybe not on a standby: ${warning}`);
    return rows;
  }

  /** Rolls back and rejects where `work` does. */
  async transaction<T>(lockMs: number, work: () => Promise<T>): Promise<T> {
    // Whatever the database has as its default: each statement is to see what was committed before it.
    await this.query('BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE');
    try {
      await this.query(`SELECT ${durably(lockMs)}`);
      const result = await work();
      await this.query('COMMIT');
      return result;
    } catch (error) {
      await this.query('ROLLBACK').catch(() => this.destroy());
      throw error;
    }
  }

  onNotification(listener: () => void): void {
    this.#client.on('notification', listener);
  }

  /** Called once, at once where it has ended. */
  onEnd(listener: () => void): void {
    if (this.#isOpen) this.#onEnd.push(listener);
    else listener();
  }

  /** Whatever is under way is rejected. */
  destroy(): void {
    this.#ended();
    wireOf(this.#client).stream.destroy();
  }

  /** Says goodbye, which spares the server a line in its log. */
  async end(): Promise<void> {
    this.#ended();
    const timer = setTimeout(() => this.destroy(), GOODBYE_MS);
    await this.#client.end();
    clearTimeout(timer);
  }

  #ended(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    for (const listener of this.#onEnd) listener();
  }
}

/** What the driver does not show of its connection. */
interface Wire {
  readonly stream: Readable;
  attachListeners(stream: Listening): void;
}

interface Listening {
  on(event: string, listener: (...args: unknown[]) => void): unknown;
}

function wireOf(client: pg.Client): Wire {
  return (client as unknown as { readonly connection: Wire }).connection;
}

/** The driver throws at what is not the protocol, where nobody could catch it and the process would end. */
function guard(wire: Wire): void {
  const attach = wire.attachListeners.bind(wire);
  wire.attachListeners = (stream) => {
    const guarded: Listening['on'] = (event, listener) =>
      stream.on(event, (...args) => {
        try {
          listener(...args);
        } catch (error) {
          wire.stream.destroy(error as Error);
        }
      });
    attach({ on: guarded });
  };
}
