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
/** To look at a source takes 40 ns. After a look so much passes for each, so that looks take less than a twentieth of the time. */
const REST_MS = 0.001;
/** What passes where what is due has to wait, or has no room in the journal. */
const NO_SPACE_REST_MS = 1_000;
/** Of fewer all are looked at in a few milliseconds, and the first time in a tenth of a second, in turns. */
const SHORT_SOURCES_MAX = 50_000;

export class ExpiryByRule {
  readonly #ledger: Ledger;
  readonly #rules: SilenceRules;
  /** By the ledger's time: nothing is due before, or it is not looked for. */
  #dueMs: number;
  #running: Promise<void> | undefined;
  #isClosed = false;
  #at = 0;
  #nextMs = 0;
  /** When the next of those that are reset may be forgotten. They are not in the order in which they pushed, as some are reset sooner than others. */
  #nextResetMs: number;
  #found: number[] = [];
  #chars = 0;

  constructor(ledger: Ledger, rules: SilenceRules) {
    this.#ledger = ledger;
    this.#rules = rules;
    this.#dueMs = ledger.nowMs() - 1;
    const { list } = ledger.state.sources;
    this.#nextResetMs = list.oldest(Ring.PRUNED) < 0 ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
  }

  /** When to look, by the ledger's time. */
  get dueMs(): number {
    if (this.#ledger.state.sources.size === 0) return Number.POSITIVE_INFINITY;
    return this.#dueMs;
  }

  /** Whether scrapes would wait for it for a time that they notice. */
  get takesLong(): boolean {
    return this.#ledger.state.sources.size > SHORT_SOURCES_MAX;
  }

  /** Expires what is due by now, unless that was looked for a short time ago. */
  async run(): Promise<void> {
    if (this.#ledger.nowMs() <= this.dueMs) return;
    this.#running ??= this.#lookAtAll().finally(() => {
      this.#running = undefined;
    });
    await this.#running;
  }

  /** Another one has other classes. */
  close(): void {
    this.#isClosed = true;
    this.#ledger.state.sources.list.forgetClasses();
  }

  async #lookAtAll(): Promise<void> {
    const ledger = this.#ledger;
    const soonestMs = this.#soonestMs();
    // Who pushes from now on is not due before that.
    this.#nextMs = ledger.nowMs() + this.#rules.shortestMs;
    if (soonestMs >= ledger.nowMs()) {
      this.#dueMs = Math.min(soonestMs, this.#nextMs);
      return;
    }
    this.#at = 0;
    this.#nextResetMs = Number.POSITIVE_INFINITY;
    for (;;) {
      while (ledger.applying !== undefined) await ledger.applying;
      if (this.#isClosed) return;
      const isDone = this.#step(ledger.nowMs());
      if ((isDone || this.#isFull()) && !(await this.#expire())) {
        this.#dueMs = ledger.nowMs() + NO_SPACE_REST_MS;
        this.#nextResetMs = Number.NEGATIVE_INFINITY;
        return;
      }
      if (isDone) break;
      await setImmediate();
    }
    this.#dueMs = Math.max(this.#nextMs, ledger.nowMs() + ledger.state.sources.size * REST_MS);
  }

  /** Nothing is due before, whichever rules hold for those who have been silent for longest. */
  #soonestMs(): number {
    const { list } = this.#ledger.state.sources;
    const live = list.oldest(Ring.LIVE);
    const nextMs = live < 0 ? Number.POSITIVE_INFINITY : list.lastPushMs(live) + this.#rules.shortestMs;
    return Math.min(nextMs, this.#nextResetMs);
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
        if (list.ringOf(this.#at) === Ring.PRUNED) this.#noteReset(dueMs);
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
        this.#noteReset(list.lastPushMs(source) + silence.forgetMs);
      }
    }
    this.#found = [];
    this.#chars = 0;
    if (pruned.length + forgotten.length === 0) return true;
    const committed = this.#ledger.commit(new ExpireNamed({ pruned, forgotten }));
    await committed?.result;
    return committed !== undefined;
  }

  #noteReset(forgottenMs: number): void {
    this.#nextMs = Math.min(this.#nextMs, forgottenMs);
    this.#nextResetMs = Math.min(this.#nextResetMs, forgottenMs);
  }
}
