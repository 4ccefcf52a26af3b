/** Resets and forgets silent sources when their time has come, a few at a time, and has series expire. */
import { setImmediate } from 'node:timers/promises';

import type { Log } from '../../primitives/log.ts';
import { noRules } from '../../rules/rules.ts';
import type { Rules, RulesInForce } from '../../rules/rules.ts';
import { ExpireSources } from '../../wal/commands.ts';
import type { Expiry } from '../../wal/commands.ts';
import type { Ledger } from './ledger.ts';
import { ExpiryByRule } from './expiry-by-rule.ts';
import { SeriesExpiry } from './series-expiry.ts';
import { SilenceRules, silenceTextOf } from './silence-rules.ts';
import type { GatewayOptions } from '../options.ts';

/** Sources expired between turns of the event loop. */
const EXPIRED_AT_ONCE = 500;
/** Longest sleep: longer delays are not exact with timers. */
const SLEEP_MS_MAX = 60_000;
/** Shortest sleep, also while there is no room for what expiry would write. */
const SLEEP_MS_MIN = 10;
const NO_SPACE_SLEEP_MS = 1_000;

export class ExpiryClock {
  readonly #ledger: Ledger;
  readonly #log: Log;
  readonly #series: SeriesExpiry;
  readonly #options: GatewayOptions;
  readonly #rules: RulesInForce;
  readonly #pruneMs: number;
  readonly #forgetMs: number;
  /** Undefined where the flags say it for all sources. */
  #byRule: ExpiryByRule | undefined;
  /** Which rules that is by. */
  #followed: Rules = noRules;
  #silenceText: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor({
    ledger,
    options,
    log,
    rules,
  }: {
    readonly ledger: Ledger;
    readonly options: GatewayOptions;
    readonly log: Log;
    readonly rules: RulesInForce;
  }) {
    this.#ledger = ledger;
    this.#log = log;
    this.#rules = rules;
    this.#options = options;
    this.#series = new SeriesExpiry(ledger, log);
    this.#pruneMs = options.jobPruneDurationMs;
    this.#forgetMs = options.jobForgetDurationMs;
  }

  /** Series that nobody named for their ttl, and that have gone. */
  get droppedSeries(): number {
    return this.#series.dropped;
  }

  /** Expires all that is due by now. */
  async run(): Promise<void> {
    await this.#sources();
    await this.#series.run();
  }

  async #sources(): Promise<void> {
    this.#followRules();
    if (this.#byRule !== undefined) await this.#byRule.run();
    else await this.#byFlags();
  }

  async #byFlags(): Promise<void> {
    if (this.#pruneMs === 0 && this.#forgetMs === 0) return;
    for (;;) {
      while (this.#ledger.applying !== undefined) await this.#ledger.applying;
      const expiry = this.#due();
      // What has to wait, or has no room, is still due when somebody asks again soon, as the clock does.
      const committed = expiry === undefined ? undefined : this.#ledger.commit(new ExpireSources(expiry));
      if (committed === undefined || !(await committed.result)) return;
      await setImmediate();
    }
  }

  /** Sees to it that expiry comes when its time has come. To be called after each push, and when rules change. */
  wake(): void {
    this.#series.wake();
    this.#wakeForSources();
  }

  #followRules(): void {
    const rules = this.#rules.current;
    if (rules === this.#followed) return;
    this.#followed = rules;
    const text = silenceTextOf(rules);
    if (text === this.#silenceText) return;
    this.#silenceText = text;
    this.#byRule?.close();
    this.#byRule =
      text === undefined ? undefined : new ExpiryByRule(this.#ledger, new SilenceRules(rules, this.#options));
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #wakeForSources(): void {
    this.#followRules();
    if (this.#timer !== undefined || this.#closed) return;
    const dueMs = this.#byRule?.dueMs ?? this.#dueMs();
    if (dueMs === Infinity) return;
    const left = dueMs + 1 - this.#ledger.nowMs();
    const least = left < -NO_SPACE_SLEEP_MS ? NO_SPACE_SLEEP_MS : SLEEP_MS_MIN;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#sources().then(
          () => this.#wakeForSources(),
          (error: unknown) => this.#log.error('expiry failed', { error: String(error) }),
        );
      },
      Math.min(Math.max(left, least), SLEEP_MS_MAX),
    );
    this.#timer.unref();
  }

  close(): void {
    this.#closed = true;
    this.#series.close();
    this.#byRule?.close();
    clearTimeout(this.#timer);
  }

  /** Undefined when nobody has been silent for so long. */
  #due(): Expiry | undefined {
    const { sources } = this.#ledger.state;
    const nowMs = this.#ledger.nowMs();
    const pruneBeforeMs = this.#pruneMs > 0 ? nowMs - this.#pruneMs : Number.NEGATIVE_INFINITY;
    const forgetBeforeMs = this.#forgetMs > 0 ? nowMs - this.#forgetMs : Number.NEGATIVE_INFINITY;
    const isDue =
      (sources.silent.oldestPushMs('live') ?? Infinity) < pruneBeforeMs ||
      (sources.silent.oldestPushMs('all') ?? Infinity) < forgetBeforeMs;
    return isDue ? { pruneBeforeMs, forgetBeforeMs, most: EXPIRED_AT_ONCE } : undefined;
  }

  #dueMs(): number {
    if (this.#pruneMs === 0 && this.#forgetMs === 0) return Infinity;
    const { sources } = this.#ledger.state;
    const live = this.#pruneMs > 0 ? sources.silent.oldestPushMs('live') : undefined;
    const all = this.#forgetMs > 0 ? sources.silent.oldestPushMs('all') : undefined;
    return Math.min((live ?? Infinity) + this.#pruneMs, (all ?? Infinity) + this.#forgetMs);
  }
}
