/**
 * Connections to whichever server takes writes, each used for one thing at a time. No state of a session is relied upon, as a pooler may
 * give each transaction another one; so what a statement needs set, it sets for itself.
 *
 * Deadlines are kept here: `statement_timeout` does not end the wait for a standby. A connection past its deadline is thrown away, and what
 * was asked may still be carried out.
 */
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

import { StorageProblem } from '../../../journal/journal.ts';
import { LogUnavailable } from '../../log/shared-log.ts';
import type { PostgresAddress } from './address.ts';
import { explained, isConflict, isSurelyUndone, NotSent } from './problems.ts';
import { Session } from './session.ts';

const CONNECTIONS_MAX = 8;
const BACKOFF_MS_MIN = 50;
const BACKOFF_MS_MAX = 2000;
/** After one server has answered. */
const OTHERS_MS = 200;
const VERSION_MIN = 130_000;
/** So often a statement is tried that was rolled back for another's sake. */
const ATTEMPTS_MAX = 10;

interface Task {
  session: Session | undefined;
  isLate: boolean;
}

export class Connections {
  readonly address: PostgresAddress;
  readonly timeoutMs: number;
  /** Asked of each new connection before it is used. */
  check: (session: Session) => Promise<void> = async () => {};
  readonly #idle: Session[] = [];
  readonly #open = new Set<Session>();
  readonly #waiting: (() => void)[] = [];
  readonly #closing = new AbortController();
  #inUse = 0;
  #failures = 0;
  #notBefore = 0;
  #lastFailure: string | undefined;
  /** Of the server that was promoted last, as far as this process knows. */
  #timeline = 0;

  constructor(address: PostgresAddress, timeoutMs: number) {
    this.address = address;
    this.timeoutMs = timeoutMs;
    setMaxListeners(0, this.#closing.signal);
  }

  /** Does it with a connection, within the deadline; anew where it was rolled back for another's sake. Rejects as `explained` says. */
  use<T>(work: (session: Session) => Promise<T>, timeoutMs: number = this.timeoutMs): Promise<T> {
    const task: Task = { session: undefined, isLate: false };
    return new Promise<T>((resolve, reject) => {
      const end = (): void => {
        task.isLate = true;
        const Kind = task.session === undefined ? NotSent : LogUnavailable;
        const why = this.#lastFailure === undefined ? '' : `; ${this.#lastFailure}`;
        const what = this.#isClosed ? 'the log was closed' : `no answer within ${timeoutMs} ms${why}`;
        task.session?.destroy();
        // Those that wait to be used may be as dead, and each would take as long to be found out.
        if (task.session !== undefined) for (const idle of this.#idle) idle.destroy();
        reject(new Kind(`PostgreSQL at ${this.address.shown}: ${what}`));
      };
      const timer = setTimeout(end, timeoutMs);
      this.#closing.signal.addEventListener('abort', end, { once: true });
      if (this.#isClosed) end();
      this.#run(work, task)
        .then(resolve, (error: unknown) => reject(explained(error, this.address)))
        .finally(() => {
          clearTimeout(timer);
          this.#closing.signal.removeEventListener('abort', end);
        });
    });
  }

  /** One for a use of its own, that counts as none of the others. */
  async dedicated(): Promise<Session> {
    try {
      return await this.#connectOnce();
    } catch (error) {
      throw explained(error, this.address);
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled([...this.#open].map((session) => session.end()));
  }

  get #isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  async #run<T>(work: (session: Session) => Promise<T>, task: Task): Promise<T> {
    while (this.#inUse >= CONNECTIONS_MAX) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#inUse += 1;
    try {
      const session = await this.#session(task);
      try {
        return await attempted(work, session);
      } catch (error) {
        // After an error that the server stands by it could be used on; but it may be a standby by now, or about to end.
        if (!isSurelyUndone(error) || isOfServer(error)) session.destroy();
        throw error;
      } finally {
        if (session.isOpen && !this.#isClosed) this.#idle.push(session);
      }
    } finally {
      this.#inUse -= 1;
      this.#waiting.shift()?.();
    }
  }

  async #session(task: Task): Promise<Session> {
    for (;;) {
      if (task.isLate) throw new NotSent('too late');
      const session = this.#idle.pop();
      if (session?.isOpen === true) {
        task.session = session;
        return session;
      }
      if (session !== undefined) continue;
      const pauseMs = this.#notBefore - performance.now();
      if (pauseMs > 0) {
        await sleep(pauseMs, undefined, { signal: this.#closing.signal }).catch(() => {});
        continue;
      }
      try {
        this.#idle.push(await this.#connectOnce());
      } catch (error) {
        // Waiting does not help.
        const known = explained(error, this.address);
        if (!(known instanceof LogUnavailable) || known.cause instanceof StorageProblem) throw known;
      }
    }
  }

  async #connectOnce(): Promise<Session> {
    try {
      const session = await this.#connectAny();
      this.#failures = 0;
      this.#lastFailure = undefined;
      return session;
    } catch (error) {
      const mostMs = Math.min(BACKOFF_MS_MIN * 2 ** this.#failures, BACKOFF_MS_MAX);
      this.#failures += 1;
      this.#notBefore = performance.now() + mostMs * (0.5 + Math.random() / 2);
      this.#lastFailure = explained(error, this.address).message;
      throw error;
    }
  }

  /**
   * All at once, as one that is cut off answers nothing. Of several that take writes, an old one was left running by a failover; the one
   * that was promoted last has the highest timeline, and those that were seen to be older are not gone back to.
   */
  async #connectAny(): Promise<Session> {
    const attempts = this.address.hosts.map((host) => this.#connectTo(host));
    const first = await Promise.any(attempts).catch((error: unknown) => {
      throw mostTelling((error as AggregateError).errors, this.address);
    });
    const found = [first];
    const all = attempts.map((attempt) =>
      attempt.then((session) => void found.push(session)).catch(() => {}),
    );
    if (attempts.length > 1) await Promise.race([Promise.allSettled(all), sleep(OTHERS_MS)]);
    const newest = found.reduce((best, each) => (each.timeline > best.timeline ? each : best));
    for (const attempt of attempts)
      attempt.then((session) => (session === newest ? undefined : session.end())).catch(() => {});
    if (this.#isClosed) {
      await newest.end();
      throw new NotSent(`PostgreSQL at ${this.address.shown}: the log was closed`);
    }
    if (newest.timeline < this.#timeline) {
      await newest.end();
      throw new NotSent(
        `PostgreSQL at ${this.address.shown} is on timeline ${newest.timeline}, and ${this.#timeline} was seen: ` +
          'it was replaced by a standby that was promoted. Where it is the right one all the same, restart the gateway',
      );
    }
    this.#timeline = newest.timeline;
    for (const session of this.#open) if (session.timeline < this.#timeline) session.destroy();
    return newest;
  }

  async #connectTo(host: PostgresAddress['hosts'][number]): Promise<Session> {
    const session = await Session.connect(this.address, host, this.timeoutMs);
    this.#open.add(session);
    session.onEnd(() => this.#open.delete(session));
    const timer = setTimeout(() => session.destroy(), this.timeoutMs);
    try {
      await refuseUnsafe(session, this.address);
      session.timeline = await timelineOf(session);
      await this.check(session);
      return session;
    } catch (error) {
      session.destroy();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }
}

async function attempted<T>(work: (session: Session) => Promise<T>, session: Session): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work(session);
    } catch (error) {
      if (!isConflict(error) || attempt === ATTEMPTS_MAX) throw error;
    }
  }
}

/** It may be a standby by now, or be read only, or be ending, or have no space: another connection may lead elsewhere. */
function isOfServer(error: unknown): boolean {
  return /^(?:25006|53|57P|58|XX)/.test((error as { readonly code?: string }).code ?? '');
}

/** Of a server that is a standby less is to be learned than of one that refuses the password, and of one that is not there least. */
function mostTelling(errors: readonly unknown[], address: PostgresAddress): unknown {
  const known = errors.map((error) => explained(error, address));
  return (
    known.find((each) => !(each instanceof LogUnavailable) || each.cause instanceof StorageProblem) ??
    known.find((each) => each instanceof NotSent) ??
    known[0]
  );
}

/** 0 where it does not say: services that are like PostgreSQL have no such log. */
async function timelineOf(session: Session): Promise<number> {
  try {
    const [is] = await session.query<{ file: string }>(
      'SELECT pg_walfile_name(pg_current_wal_insert_lsn()) AS file',
    );
    return Number.parseInt(is?.file.slice(0, 8) ?? '0', 16);
  } catch (error) {
    if (isSurelyUndone(error)) return 0;
    throw error;
  }
}

async function refuseUnsafe(session: Session, { shown }: PostgresAddress): Promise<void> {
  const [server] = await session.query<Record<'standby' | 'version' | 'fsync' | 'commit', string>>(
    "SELECT pg_is_in_recovery()::text AS standby, current_setting('server_version_num') AS version, " +
      "current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS commit",
  );
  const refuse = (why: string): never => {
    throw new StorageProblem('unusable', `PostgreSQL at ${shown} ${why}`);
  };
  if (server === undefined) throw new LogUnavailable(`PostgreSQL at ${shown} says nothing of itself`);
  if (Number(server.version) < VERSION_MIN)
    refuse(`is too old: version 13 or newer is needed, and it has ${server.version}`);
  if (server.standby === 'true')
    throw new NotSent(`PostgreSQL at ${shown} is a standby; the log needs the server that takes writes`);
  if (server.fsync !== 'on')
    refuse('has fsync = off: what was acknowledged would be lost with its machine; set it on');
  if (server.commit === 'off')
    refuse(
      'has synchronous_commit = off: what was acknowledged could be lost; set it on, for the server, the database or the user',
    );
}
