/**
 * Resets and forgets silent sources where rules say for how long each may be silent. They are looked through by number, a short time in each
 * turn, and from what was seen follows when the next one can be due. Where there are so many that a look takes long, it is made less often.
 */
import { setImmediate } from 'node:timers/promises';

import { ShortTime } from '../../primitives/turns.ts';
import { Ring } from '../../sources/source-list.ts';
import { ExpireNamed } from '../../wal/commands.ts';
import type { Ledger } from './ledger.ts';
import type { Silence, SilenceRules } from './silence-rules.ts';

/** Of what one record lists. */
const SOURCES_MAX = 500;
const KEY_CHARS_MAX = 256 * 1024;
/** To find the rule of a source is as much work as to look at so many. */
const RULE_UNITS = 32;
/** After a look so many times what it took passes, so that looks take a twentieth of the time; never more than this. */
const REST_SHARE = 20;
const REST_MS_MAX = 10_000;
/** The same where what is due has to wait, or has no room in the journal. */
const NO_SPACE_REST_MS = 1_000;

export class ExpiryByRule {
  readonly #ledger: Ledger;
  readonly #rules: SilenceRules;
  /** By the ledger's time: nothing is due before, or it is not looked for. */
  #dueMs: number;
  #running: Promise<void> | undefined;
  #isClosed = false;
  #at = 0;
  #nextMs = 0;
  #found: number[] = [];
  #chars = 0;

  constructor(ledger: Ledger, rules: SilenceRules) {
    this.#ledger = ledger;
    this.#rules = rules;
    this.#dueMs = ledger.nowMs() - 1;
    ledger.state.sources.list.forgetClasses();
  }

  /** When to look, by the ledger's time. */
  get dueMs(): number {
    if (this.#ledger.state.sources.size === 0) return Number.POSITIVE_INFINITY;
    return this.#dueMs;
  }

  /** Expires what is due by now, unless that was looked for a short time ago. */
  async run(): Promise<void> {
    if (this.#ledger.nowMs() <= this.dueMs) return;
    this.#running ??= this.#lookAtAll().finally(() => {
      this.#running = undefined;
    });
    await this.#running;
  }

  close(): void {
    this.#isClosed = true;
  }

  async #lookAtAll(): Promise<void> {
    const ledger = this.#ledger;
    await ledger.settled();
    const soonestMs = this.#soonestMs();
    if (soonestMs >= ledger.nowMs()) {
      this.#dueMs = soonestMs;
      return;
    }
    const beganMs = ledger.nowMs();
    // Who pushes from now on is not due before that.
    this.#nextMs = beganMs + this.#rules.shortestMs;
    this.#at = 0;
    let tookMs = 0;
    for (;;) {
      await ledger.settled();
      if (this.#isClosed) return;
      const stepMs = performance.now();
      const isDone = this.#step(ledger.nowMs());
      tookMs += performance.now() - stepMs;
      if ((isDone || this.#isFull()) && !(await this.#expire())) {
        this.#dueMs = ledger.nowMs() + NO_SPACE_REST_MS;
        return;
      }
      if (isDone) break;
      await setImmediate();
    }
    this.#dueMs = Math.max(this.#nextMs, ledger.nowMs() + Math.min(tookMs * REST_SHARE, REST_MS_MAX));
  }

  /** Nothing is due before, whichever rules hold for those who have been silent for longest. */
  #soonestMs(): number {
    const { list } = this.#ledger.state.sources;
    const { shortestMs, shortestForgetMs } = this.#rules;
    const [live, pruned] = [list.oldest(Ring.LIVE), list.oldest(Ring.PRUNED)];
    return Math.min(
      live < 0 ? Number.POSITIVE_INFINITY : list.lastPushMs(live) + shortestMs,
      pruned < 0 ? Number.POSITIVE_INFINITY : list.lastPushMs(pruned) + shortestForgetMs,
    );
  }

  #isFull(): boolean {
    return this.#found.length >= SOURCES_MAX || this.#chars >= KEY_CHARS_MAX;
  }

  /** Looks on for a short time; whether that was the last one. */
  #step(nowMs: number): boolean {
    const { list } = this.#ledger.state.sources;
    const time = new ShortTime();
    for (let units = 0; !this.#isFull() && !time.isOver(units); this.#at += 1) {
      if (this.#at >= list.end) return true;
      units = 1;
      if (!list.isKnown(this.#at)) continue;
      if (list.classOf(this.#at) === 0) units = RULE_UNITS;
      const dueMs = this.#dueMsOf(this.#at, this.#rules.ofSource(this.#at, list));
      if (dueMs >= nowMs) {
        if (dueMs < this.#nextMs) this.#nextMs = dueMs;
        continue;
      }
      this.#found.push(this.#at);
      this.#chars += list.keyOf(this.#at).length;
    }
    return false;
  }

  #dueMsOf(source: number, { pruneMs, forgetMs }: Silence): number {
    const { list } = this.#ledger.state.sources;
    const isLive = list.ringOf(source) === Ring.LIVE;
    return list.lastPushMs(source) + (isLive ? Math.min(pruneMs, forgetMs) : forgetMs);
  }

  /** Those that were found and are due still: they may have pushed meanwhile, or be others. False where it cannot be now. */
  async #expire(): Promise<boolean> {
    const { list } = this.#ledger.state.sources;
    const nowMs = this.#ledger.nowMs();
    const [pruned, forgotten]: [string[], string[]] = [[], []];
    for (const source of this.#found) {
      if (!list.isKnown(source)) continue;
      const silence = this.#rules.ofSource(source, list);
      const dueMs = this.#dueMsOf(source, silence);
      if (dueMs >= nowMs) this.#nextMs = Math.min(this.#nextMs, dueMs);
      else if (list.lastPushMs(source) + silence.forgetMs < nowMs) forgotten.push(list.keyOf(source));
      else {
        pruned.push(list.keyOf(source));
        this.#nextMs = Math.min(this.#nextMs, list.lastPushMs(source) + silence.forgetMs);
      }
    }
    this.#found = [];
    this.#chars = 0;
    if (pruned.length + forgotten.length === 0) return true;
    const committed = this.#ledger.commit(new ExpireNamed({ pruned, forgotten }));
    await committed?.result;
    return committed !== undefined;
  }
}
