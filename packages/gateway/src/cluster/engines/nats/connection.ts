/** A connection to NATS that comes back by itself, and what the errors of its requests mean. */
import { setTimeout as sleep } from 'node:timers/promises';

import { JetStreamApiCodes, JetStreamApiError, jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream';
import { connect, errors } from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/transport-node';

import { StorageProblem } from '../../../journal/journal.ts';
import { LogUnavailable } from '../../log/shared-log.ts';
import type { NatsTarget } from './url.ts';

const DIAL_TIMEOUT_MS = 3_000;
/** Two that are not answered, and the connection is given up. */
const PING_INTERVAL_MS = 1_500;
const RECONNECT_DELAY_MS = 50;
const RECONNECT_DELAY_MS_MAX = 2_000;
const RETRY_DELAY_MS = 50;
const RETRY_DELAY_MS_MAX = 250;

/** Of NATS: more than one replica is asked for, and there is no cluster. */
export const NOT_CLUSTERED = 10_074;

export interface AskOptions {
  readonly withinMs?: number;
  /** False where others are under way that have to keep their order. */
  readonly again?: boolean;
}

export class Connection {
  readonly nc: NatsConnection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  readonly requestTimeoutMs: number;
  readonly #shown: string;
  #isConnected = true;
  #isClosed = false;
  /** What the servers said last that was wrong. */
  #trouble = '';
  readonly #whenLost = new Set<() => void>();
  readonly #whenBack = new Set<() => void>();

  constructor(nc: NatsConnection, jsm: JetStreamManager, target: NatsTarget, requestTimeoutMs: number) {
    this.nc = nc;
    this.js = jetstream(nc, { timeout: requestTimeoutMs });
    this.jsm = jsm;
    this.#shown = target.shown;
    this.requestTimeoutMs = requestTimeoutMs;
    void this.#watch();
  }

  /** Calls back when the connection is lost, or closed: what was asked of it may never be answered. Returns what ends that. */
  onLost(callback: () => void): () => void {
    this.#whenLost.add(callback);
    return () => this.#whenLost.delete(callback);
  }

  /**
   * Asks when there is a connection, again after an error of which it is certain that nothing was done, until so many milliseconds are over.
   * Rejects with LogUnavailable for what may pass, with other errors as they are.
   */
  async ask<T>(
    what: string,
    request: (timeoutMs: number) => Promise<T>,
    { withinMs = this.requestTimeoutMs, again = true }: AskOptions = {},
  ): Promise<T> {
    const end = performance.now() + withinMs;
    const left = (): number => end - performance.now();
    for (let attempt = 0; ; attempt += 1) {
      await this.#whenConnected(what, left());
      try {
        return await this.#unlessLost(request(Math.max(left(), 1)));
      } catch (error) {
        if (!isTransient(error)) throw error;
        const delayMs = Math.min(RETRY_DELAY_MS * 2 ** attempt, RETRY_DELAY_MS_MAX);
        if (!again || !isUndone(error) || left() < delayMs) throw this.unavailable(what, error);
        await sleep(delayMs);
      }
    }
  }

  unavailable(what: string, error: unknown): LogUnavailable {
    return new LogUnavailable(`NATS at ${this.#shown}: ${what}: ${describe(error)}`, { cause: error });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#lose();
    for (const callback of this.#whenBack) callback();
    await this.nc.close();
  }

  async #unlessLost<T>(answer: Promise<T>): Promise<T> {
    let forget = (): void => {};
    const lost = new Promise<never>((_, reject) => {
      const onLost = (): void => reject(new errors.ConnectionError('connection lost'));
      forget = this.onLost(onLost);
      if (!this.#isConnected) onLost();
    });
    try {
      return await Promise.race([answer, lost]);
    } finally {
      forget();
    }
  }

  /** What is published without a connection would be kept by the client, and sent when nobody wants it any more. */
  async #whenConnected(what: string, withinMs: number): Promise<void> {
    if (this.#isConnected) return;
    if (!this.#isClosed) {
      await new Promise<void>((resolve) => {
        const onBack = (): void => {
          clearTimeout(timer);
          this.#whenBack.delete(onBack);
          resolve();
        };
        const timer = setTimeout(onBack, withinMs);
        this.#whenBack.add(onBack);
      });
    }
    if (!this.#isConnected) throw this.unavailable(what, this.#isClosed ? 'closed' : this.#whyLost());
  }

  #whyLost(): string {
    return this.#trouble === '' ? 'no connection' : `no connection: ${this.#trouble}`;
  }

  #lose(): void {
    this.#isConnected = false;
    for (const callback of this.#whenLost) callback();
  }

  async #watch(): Promise<void> {
    for await (const status of this.nc.status()) {
      if (status.type === 'disconnect') {
        this.#lose();
      } else if (status.type === 'reconnect') {
        this.#trouble = '';
        this.#isConnected = !this.#isClosed;
        for (const callback of this.#whenBack) callback();
      } else if (status.type === 'error') {
        this.#trouble = status.error.message;
      }
    }
  }
}

/** Rejects with StorageProblem for what waiting does not change, with LogUnavailable when there is no connection in time. */
export async function connectTo(
  target: NatsTarget,
  withinMs: number,
  requestTimeoutMs: number,
): Promise<Connection> {
  const end = performance.now() + withinMs;
  for (let attempt = 0; ; attempt += 1) {
    try {
      const nc = await connect({ ...optionsOf(target), servers: [...target.servers] });
      const jsm = await jetstreamManager(nc, { timeout: requestTimeoutMs, checkAPI: false });
      return new Connection(nc, jsm, target, requestTimeoutMs);
    } catch (error) {
      const reason = refusal(error);
      if (reason !== undefined) throw new StorageProblem('unusable', `NATS at ${target.shown}: ${reason}`);
      const delayMs = reconnectDelay(attempt);
      if (performance.now() + delayMs > end) {
        throw new LogUnavailable(`NATS at ${target.shown} cannot be reached: ${describe(error)}`, {
          cause: error,
        });
      }
      await sleep(delayMs);
    }
  }
}

function optionsOf({ authenticator, tls, name }: NatsTarget): Parameters<typeof connect>[0] {
  let attempts = 0;
  let lastAttemptAt = 0;
  return {
    name: `prom-aggregation-gateway ${name}`,
    timeout: DIAL_TIMEOUT_MS,
    pingInterval: PING_INTERVAL_MS,
    maxPingOut: 2,
    reconnect: true,
    maxReconnectAttempts: -1,
    // A password may be changed on the servers first, and in the file later.
    ignoreAuthErrorAbort: true,
    reconnectDelayHandler: () => {
      const now = performance.now();
      attempts = now - lastAttemptAt > 2 * RECONNECT_DELAY_MS_MAX ? 0 : attempts + 1;
      lastAttemptAt = now;
      return reconnectDelay(attempts >> 2);
    },
    ...(authenticator === undefined ? {} : { authenticator }),
    ...(tls === undefined ? {} : { tls: { ...tls } }),
  };
}

/** Longer each time, and not the same for all clients of a server that went. */
function reconnectDelay(attempt: number): number {
  const delayMs = Math.min(RECONNECT_DELAY_MS * 2 ** attempt, RECONNECT_DELAY_MS_MAX);
  return delayMs * (0.5 + Math.random() / 2);
}

/** Why a connection will not be had however often it is tried. */
function refusal(error: unknown): string | undefined {
  for (const cause of causes(error)) {
    const { code } = cause as NodeJS.ErrnoException;
    if (
      cause instanceof errors.AuthorizationError ||
      cause instanceof errors.UserAuthenticationExpiredError
    ) {
      return `the credentials are refused (${cause.message}): correct user, password, token or creds file`;
    }
    if (/CERT|SSL|TLS|SIGNATURE/.test(code ?? '') || /\btls\b|certificate/i.test(cause.message)) {
      return `TLS failed (${cause.message}): name the authority with ca=…, or use the name that the certificate is for`;
    }
    if (/credentials|nkey|jwt/i.test(cause.message))
      return `the credentials cannot be used: ${cause.message}`;
  }
  return undefined;
}

function causes(error: unknown): Error[] {
  const found: Error[] = [];
  for (let at = error; at instanceof Error && found.length < 10; at = at.cause) found.push(at);
  return found;
}

/** Elections, servers that are away, and what is short for the moment. */
function isTransient(error: unknown): boolean {
  if (error instanceof JetStreamApiError) {
    return (error.status >= 500 && error.code !== NOT_CLUSTERED) || [408, 429].includes(error.status);
  }
  if (isForbidden(error)) return false;
  return causes(error).some(
    (cause) =>
      cause instanceof errors.TimeoutError ||
      cause instanceof errors.ConnectionError ||
      cause instanceof errors.ClosedConnectionError ||
      cause instanceof errors.RequestError ||
      cause.name === 'JetStreamNotEnabled',
  );
}

export function isForbidden(error: unknown): boolean {
  return causes(error).some((cause) => cause instanceof errors.PermissionViolationError);
}

/** The servers have answered: that nobody is there for it, or that they will not. */
export function isUnderstood(error: unknown): boolean {
  return error instanceof JetStreamApiError || isUndone(error);
}

/** Nobody was there to do it. An answer that is late or lost says nothing. */
function isUndone(error: unknown): boolean {
  if (error instanceof JetStreamApiError) return error.status === 503 || error.status === 429;
  return causes(error).some(
    (cause) => cause.name === 'JetStreamNotEnabled' || cause instanceof errors.NoRespondersError,
  );
}

export function isWrongSequence(error: unknown): boolean {
  return (
    error instanceof JetStreamApiError &&
    (error.code === JetStreamApiCodes.StreamWrongLastSequence ||
      error.code === JetStreamApiCodes.StreamWrongLastSequenceUnknown)
  );
}

export function isStreamGone(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound;
}

export function describe(error: unknown): string {
  if (typeof error === 'string') return error;
  const chain = causes(error);
  // The client says so also while a cluster elects.
  if (chain.some(({ name }) => name === 'JetStreamNotEnabled')) {
    return 'JetStream does not answer: it elects a leader, has no majority, or is not enabled on the servers or for the account';
  }
  return [...new Set(chain.map(({ message }) => message).filter((message) => message !== ''))].join(': ');
}
