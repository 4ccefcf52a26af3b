/**
 * Drops series that nobody has named for their ttl, as many at a time as one record lists. Which these are is found by looking through all that
 * may expire, a short time in each turn, while pushes go on. How soon the next one can be due follows from that, so that nothing is
 * looked through in vain.
 */
import { setImmediate } from 'node:timers/promises';

import type { Log } from '../../primitives/log.ts';
import { NumberList } from '../../primitives/number-list.ts';
import { ShortTime } from '../../primitives/turns.ts';
import type { State } from '../../state/state.ts';
import { expiresAtMs } from '../../state/series-expiry.ts';
import { isGrouped } from '../../store/policies.ts';
import type { TtlRules } from '../../store/ttl-rules.ts';
import { DropSeries } from '../../wal/commands.ts';
import type { Ledger } from './ledger.ts';

/** Accumulators of what one record lists. */
const NUMBERS_MAX = 8192;
/** Between two looks: this share of the shortest ttl. */
const INTERVAL_SHARE = 10;
const [INTERVAL_MS_MIN, INTERVAL_MS_MAX] = [250, 60_000];
const [SLEEP_MS_MIN, SLEEP_MS_MAX] = [10, 60_000];
/** To find the ttl of a series is as much work as to look at so many, and so is to look whether a rule matches. */
const RULE_UNITS = 8;

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
    const ledger = this.#ledger;
    const sinceMs = ledger.nowMs();
    this.#lookedMs = sinceMs;
    // What is named from now on is not due before that.
    const look = new Look(ledger.state, sinceMs + rules.shortestMs);
    do {
      while (ledger.applying !== undefined) await ledger.applying;
      if (this.#isClosed || ledger.state.accumulators.lastNamed?.rules !== rules) return;
      look.step(ledger.nowMs());
      if (look.isFull || look.isDone) {
        const named = look.take(ledger.nowMs());
        const committed = named.length === 0 ? undefined : ledger.commit(new DropSeries(named));
        // What has to wait, or has no room, is still due when it is time again.
        if (named.length > 0 && committed === undefined) return;
        this.dropped += (await committed?.result) ?? 0;
      }
      if (!look.isDone) await setImmediate();
    } while (!look.isDone);
    this.#dueMs = look.nextMs;
  }
}

/** Goes through all that may expire, by number, so that it goes on where it stopped. */
class Look {
  /** When the next of those is due that were looked at and are not due. */
  nextMs: number;
  readonly #state: State;
  #at = 0;
  #isDone = false;
  #found = new NumberList();
  #numbers = 0;

  constructor(state: State, nextMs: number) {
    this.#state = state;
    this.nextMs = nextMs;
  }

  get isFull(): boolean {
    return this.#numbers >= NUMBERS_MAX;
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  /** Looks on for a short time. */
  step(nowMs: number): void {
    const { accumulators } = this.#state;
    const lastNamed = accumulators.lastNamed!;
    const time = new ShortTime();
    let units = 0;
    while (!this.isFull && !time.isOver(units)) {
      const accumulator = lastNamed.nextFrom(this.#at);
      this.#at = accumulator + 1;
      this.#isDone = accumulator >= lastNamed.end;
      if (this.#isDone) return;
      units = this.#unitsOf(accumulator);
      if (!this.#isDue(accumulator, nowMs)) continue;
      this.#found.push(accumulator);
      this.#numbers += this.#membersOf(accumulator);
    }
  }

  /** What was found since this was last called, and is still due. */
  take(nowMs: number): Uint32Array {
    const found = this.#found.between(0, this.#found.length).filter((each) => this.#isDue(each, nowMs));
    this.#found = new NumberList();
    this.#numbers = 0;
    return found;
  }

  #isDue(accumulator: number, nowMs: number): boolean {
    const expiresMs = expiresAtMs(this.#state, accumulator);
    if (expiresMs <= nowMs) return true;
    if (expiresMs < this.nextMs) this.nextMs = expiresMs;
    return false;
  }

  #membersOf(accumulator: number): number {
    const { kind, composite, composites } = this.#state.accumulators;
    if (!isGrouped(kind[accumulator]!)) return 1;
    const { buckets, native } = composites[composite[accumulator]!]!;
    return 2 + buckets.length + native.length;
  }

  #unitsOf(accumulator: number): number {
    const { accumulators, families } = this.#state;
    const lastNamed = accumulators.lastNamed!;
    const isKnown = lastNamed.timeMsOf(accumulator) === 0 || lastNamed.knownTtlMs(accumulator) !== undefined;
    if (isKnown) return 1;
    const { name } = families.get(accumulators.family[accumulator]!);
    return (1 + lastNamed.rules.sizeFor(name)) * RULE_UNITS;
  }
}
