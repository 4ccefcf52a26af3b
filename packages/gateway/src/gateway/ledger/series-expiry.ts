/**
 * Has go what time takes: series that nobody has named for their ttl, and what is over of windows, as many at a time as one record lists. Which
 * these are is found by looking through all that may expire, a short time in each turn, while pushes go on. How soon the next one can
 * be due follows from that, so that nothing is looked through in vain.
 */
import { setImmediate } from 'node:timers/promises';

import type { Log } from '../../primitives/log.ts';
import type { State } from '../../state/state.ts';
import type { Command } from '../../wal/commands.ts';
import type { Ledger } from './ledger.ts';

const [SLEEP_MS_MIN, SLEEP_MS_MAX] = [10, 60_000];

export interface Look {
  /** When the next of those may be due that were looked at and are not due. */
  readonly nextMs: number;
  /** One record can list no more. */
  readonly isFull: boolean;
  /** There is no more to look at. */
  readonly isDone: boolean;
  /** Looks on for a short time. */
  step(nowMs: number): void;
  /** Has what was found since this was last called go, as far as it is still due. */
  take(nowMs: number): Command<number> | undefined;
}

/** One kind of what expires. */
export interface Expiring<Rules extends object> {
  /** Undefined where nothing can be due. By other rules than before anything may be. */
  rulesOf(state: State): Rules | undefined;
  /** What is pushed from now on is not due before that time has passed. */
  soonestMs(rules: Rules): number;
  /** Between two looks. */
  intervalMs(rules: Rules): number;
  /** `nextMs` is when that time has passed that is `shortestMs`. */
  looks(state: State, times: { readonly nextMs: number; readonly shortestMs: number }): readonly Look[];
}

export class SeriesExpiry<Rules extends object> {
  /** Series that have gone. */
  dropped = 0;
  readonly #ledger: Ledger;
  readonly #log: Log;
  readonly #expiring: Expiring<Rules>;
  /** By which it was found when the next is due. */
  #rules: Rules | undefined;
  /** By the ledger's time: nothing is due before. */
  #dueMs = Number.NEGATIVE_INFINITY;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(ledger: Ledger, log: Log, expiring: Expiring<Rules>) {
    this.#ledger = ledger;
    this.#log = log;
    this.#expiring = expiring;
  }

  /** Drops what is due by now, unless that was done a short time ago. */
  async run(): Promise<void> {
    this.#followRules();
    if (this.#rules === undefined || this.#leftMs() > 0) return;
    this.#running ??= this.#dropAll(this.#rules).finally(() => {
      this.#running = undefined;
    });
    await this.#running;
  }

  /** Sees to it that `run` comes when something may be due. To be called after each push, and when rules change. */
  wake(): void {
    this.#followRules();
    if (this.#timer !== undefined || this.#isClosed || this.#rules === undefined) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.run().then(
          () => this.wake(),
          (error: unknown) => this.#log.error('expiry of series failed', { error: String(error) }),
        );
      },
      Math.min(Math.max(this.#leftMs() + 1, SLEEP_MS_MIN), SLEEP_MS_MAX),
    );
    this.#timer.unref();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #followRules(): void {
    const rules = this.#expiring.rulesOf(this.#ledger.state);
    if (rules === this.#rules) return;
    this.#rules = rules;
    this.#dueMs = Number.NEGATIVE_INFINITY;
    this.#lookedMs = Number.NEGATIVE_INFINITY;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Until it is time to look again. */
  #leftMs(): number {
    if (this.#rules === undefined) return Number.POSITIVE_INFINITY;
    const againMs = this.#lookedMs + this.#expiring.intervalMs(this.#rules);
    return Math.max(this.#dueMs, againMs) - this.#ledger.nowMs();
  }

  async #dropAll(rules: Rules): Promise<void> {
    const shortestMs = this.#expiring.soonestMs(rules);
    this.#lookedMs = this.#ledger.nowMs();
    const times = { nextMs: this.#lookedMs + shortestMs, shortestMs };
    const looks = this.#expiring.looks(this.#ledger.state, times);
    for (const look of looks) if (!(await this.#drop(look, rules))) return;
    this.#dueMs = Math.min(...looks.map((look) => look.nextMs));
  }

  /** Whether it came to the end: what has to wait, or has no room, is still due when it is time again. */
  async #drop(look: Look, rules: Rules): Promise<boolean> {
    const ledger = this.#ledger;
    for (;;) {
      while (ledger.applying !== undefined) await ledger.applying;
      if (this.#isClosed || this.#expiring.rulesOf(ledger.state) !== rules) return false;
      look.step(ledger.nowMs());
      const command = look.isFull || look.isDone ? look.take(ledger.nowMs()) : undefined;
      if (command !== undefined) {
        const committed = ledger.commit(command);
        if (committed === undefined) return false;
        this.dropped += await committed.result;
      }
      if (look.isDone) return true;
      await setImmediate();
    }
  }
}
