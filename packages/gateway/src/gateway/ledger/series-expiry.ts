/**
 * Drops series that nobody has named for their ttl, as many at a time as one record lists. Which these are is found by looking through all that
 * may expire, a short time in each turn, while pushes go on. How soon the next one can be due follows from that, so that nothing is
 * looked through in vain.
 */
import { setImmediate } from 'node:timers/promises';

import type { Log } from '../../primitives/log.ts';
import type { TtlRules } from '../../store/ttl-rules.ts';
import { SeriesLook, SourceLook } from './expiry-look.ts';
import type { Look } from './expiry-look.ts';
import type { Ledger } from './ledger.ts';

/** Between two looks: this share of the shortest ttl. */
const INTERVAL_SHARE = 10;
const [INTERVAL_MS_MIN, INTERVAL_MS_MAX] = [250, 60_000];
const [SLEEP_MS_MIN, SLEEP_MS_MAX] = [10, 60_000];

export class SeriesExpiry {
  /** Series that have gone. */
  dropped = 0;
  readonly #ledger: Ledger;
  readonly #log: Log;
  /** By which it was found when the next is due. */
  #rules: TtlRules | undefined;
  /** By the ledger's time: nothing is due before. */
  #dueMs = Number.NEGATIVE_INFINITY;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(ledger: Ledger, log: Log) {
    this.#ledger = ledger;
    this.#log = log;
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

  /** Undefined rules are none, or nothing that may expire. By others than before anything may be due. */
  #followRules(): void {
    const { lastNamed } = this.#ledger.state.accumulators;
    const rules = lastNamed === undefined || lastNamed.size === 0 ? undefined : lastNamed.rules;
    if (rules === this.#rules) return;
    this.#rules = rules;
    this.#dueMs = Number.NEGATIVE_INFINITY;
    this.#lookedMs = Number.NEGATIVE_INFINITY;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Until it is time to look again. */
  #leftMs(): number {
    const shortestMs = this.#rules?.shortestMs ?? Number.POSITIVE_INFINITY;
    const intervalMs = Math.min(Math.max(shortestMs / INTERVAL_SHARE, INTERVAL_MS_MIN), INTERVAL_MS_MAX);
    return Math.max(this.#dueMs, this.#lookedMs + intervalMs) - this.#ledger.nowMs();
  }

  async #dropAll(rules: TtlRules): Promise<void> {
    const { state } = this.#ledger;
    const { shortestMs } = rules;
    this.#lookedMs = this.#ledger.nowMs();
    // What is named from now on is not due before that.
    const nextMs = this.#lookedMs + shortestMs;
    // What anybody has first: with the last of that a series has gone, and need not be looked for among all sources.
    const looks = [
      new SourceLook(state, { nextMs, shortestMs }),
      new SeriesLook(state, { nextMs, of: 'common' }),
      new SeriesLook(state, { nextMs, of: 'all' }),
    ];
    for (const look of looks) if (!(await this.#drop(look, rules))) return;
    this.#dueMs = Math.min(...looks.map((look) => look.nextMs));
  }

  /** Whether it came to the end: what has to wait, or has no room, is still due when it is time again. */
  async #drop(look: Look, rules: TtlRules): Promise<boolean> {
    const ledger = this.#ledger;
    const { accumulators } = ledger.state;
    for (;;) {
      while (ledger.applying !== undefined) await ledger.applying;
      if (this.#isClosed || accumulators.lastNamed?.rules !== rules) return false;
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
