/**
 * Where pushes and deletes wait that cannot be done at once: fairly between senders and, within a sender, between sources; bounded in
 * number and in time. One at a time is at work. Those whose client has gone are dropped before they begin.
 */
import { setImmediate } from 'node:timers/promises';

import { ClientGone } from '../../model/client-gone.ts';
import { RequestError } from '../../model/errors.ts';
import { FairQueue } from '../../primitives/fair-queue.ts';
import { TURN_MS } from '../../primitives/turns.ts';
import type { Client } from '../api.ts';

export interface QueueBounds {
  /** Beyond, one is refused as `overloaded`: the newest of whoever waits with the most. */
  readonly waitingMax: number;
  /** Who has waited for so long is refused as `overloaded`; its client would soon give up. */
  readonly waitMsMax: number;
  /** For all that begins in one turn of the event loop; the last piece of work may go beyond. */
  readonly turnMs: number;
  readonly now: () => number;
}

export const defaultQueueBounds: QueueBounds = {
  waitingMax: 4096,
  waitMsMax: 10_000,
  turnMs: TURN_MS,
  now: () => performance.now(),
};

/** Whose turn it is. `source` is the text of the grouping key, see GroupingKey. */
export interface QueuePlace {
  readonly client: Client | undefined;
  readonly source: string;
  /** By QueueBounds.now, since when it waits; perhaps in another queue before. */
  readonly sinceMs: number;
}

interface Waiting {
  readonly client: Client | undefined;
  readonly sinceMs: number;
  readonly begin: () => Promise<void> | undefined;
  readonly refuse: (error: Error) => void;
}

export class PushQueue {
  readonly #bounds: QueueBounds;
  readonly #busy: () => Promise<unknown> | undefined;
  readonly #waiting: FairQueue<Waiting>;
  #isAtWork = false;
  /** Resolves when that is over. */
  #underWay: Promise<unknown> | undefined;
  #isClosed = false;

  /** Nothing begins while `busy` returns a promise; it is asked in the same turn in which the work begins. */
  constructor(busy: () => Promise<unknown> | undefined, bounds: QueueBounds = defaultQueueBounds) {
    this.#busy = busy;
    this.#bounds = bounds;
    this.#waiting = new FairQueue(bounds.waitingMax);
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Whether `run` would begin in this turn. */
  get isFree(): boolean {
    return this.isIdle && this.#busy() === undefined;
  }

  /** The same, as far as this queue is concerned. */
  get isIdle(): boolean {
    return !this.#isAtWork && this.#waiting.size === 0;
  }

  /**
   * Settles as `work` does, which is called when its turn has come: in this turn of the event loop if there is nothing to wait for.
   * Rejects with RequestError, `overloaded` or `shutting_down`, or with ClientGone, when it was not called.
   */
  run<T>({ client, source, sinceMs }: QueuePlace, work: () => T | Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const begin = (): Promise<void> | undefined => {
        try {
          const result = work();
          if (result instanceof Promise) return result.then(resolve, reject);
          resolve(result);
        } catch (error) {
          reject(error as Error);
        }
        return undefined;
      };
      if (this.#isClosed) {
        reject(stopped());
      } else if (this.isFree) {
        this.#beginAtOnce(begin);
      } else {
        const waiting = { client, sinceMs, begin, refuse: reject };
        this.#waiting.push(client?.sender ?? '', waiting, source)?.refuse(tooManyWait());
        this.#startWork();
      }
    });
  }

  /**
   * Refuses clients that wait, and whoever comes from now on; resolves when nothing is under way. Those who wait without a client are
   * served first.
   */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { refuse } of this.#waiting.drop(({ client }) => client !== undefined)) refuse(stopped());
    while (!this.isIdle) await this.#underWay;
  }

  #beginAtOnce(begin: Waiting['begin']): void {
    const work = begin();
    if (work === undefined) return;
    this.#isAtWork = true;
    this.#underWay = work.then(() => {
      this.#isAtWork = false;
      this.#startWork();
    });
  }

  #startWork(): void {
    if (!this.#isAtWork && this.#waiting.size > 0) this.#underWay = this.#workOff();
  }

  async #workOff(): Promise<void> {
    this.#isAtWork = true;
    while (this.#waiting.size > 0) {
      // Whoever waits for the state outside of this queue, as a scrape does, has its turn between two of those who wait here.
      await setImmediate();
      this.#turnAway();
      await this.#oneTurn();
    }
    this.#isAtWork = false;
  }

  async #oneTurn(): Promise<void> {
    const { now, turnMs } = this.#bounds;
    const sinceMs = now();
    do {
      for (let busy = this.#busy(); busy !== undefined; busy = this.#busy()) await busy;
      const work = this.#waiting.shift()?.begin();
      if (work !== undefined) await work;
    } while (this.#waiting.size > 0 && now() - sinceMs < turnMs);
  }

  /** Those who have gone, and those who have waited for too long. */
  #turnAway(): void {
    const beforeMs = this.#bounds.now() - this.#bounds.waitMsMax;
    const gone = this.#waiting.drop(
      ({ client, sinceMs }) => client !== undefined && (client.isGone || sinceMs < beforeMs),
    );
    for (const { client, refuse } of gone) {
      refuse(client?.isGone === true ? new ClientGone() : waitedTooLong(this.#bounds.waitMsMax));
    }
  }
}

function tooManyWait(): RequestError {
  return new RequestError('overloaded', 'too many pushes are waiting; retry later');
}

function waitedTooLong(waitMsMax: number): RequestError {
  return new RequestError(
    'overloaded',
    `this push has waited ${waitMsMax / 1000} s for its turn; retry later`,
  );
}

function stopped(): RequestError {
  return new RequestError('shutting_down', 'the gateway is shutting down; retry later');
}
