/**
 * Sources that are known, and whose senders would add by other rules: what is kept of such a source counts already, and its next total would
 * count in full once more. They are looked for by their keys, a short time in each turn, while pushes go on, which may bring more of them.
 */
import { setImmediate } from 'node:timers/promises';

import { senderBy, sourceRuleFor } from '../../ingest/rewrite/push-rules.ts';
import { ShortTime } from '../../primitives/turns.ts';
import { modesOf } from '../../rules/rules.ts';
import type { Rules } from '../../rules/rules.ts';
import { Ring, labelsOfKey } from '../../sources/source-list.ts';
import type { GatewayOptions } from '../options.ts';
import type { Ledger } from './ledger.ts';

/** To find the rule of a source is as much work as so many units of a turn. */
const KEY_UNITS = 16;
/** Sources that may be looked at at once, in the turn in which the rules change; twice as many in each attempt, so that there is a last one. */
const AT_ONCE_MAX = 128;
/** Of what one record lists. */
const SOURCES_MAX = 1024;
const KEY_CHARS_MAX = 256 * 1024;

export class TurnedSources {
  readonly #ledger: Ledger;
  readonly #rules: Rules;
  readonly #options: GatewayOptions;
  /** Nobody would add otherwise. */
  readonly #mayBeSome: boolean;
  /** By the ledger's time; nobody else has pushed since. */
  #lookedMs = Number.NEGATIVE_INFINITY;
  #looks = 0;

  constructor(ledger: Ledger, rules: Rules, options: GatewayOptions) {
    this.#ledger = ledger;
    this.#rules = rules;
    this.#options = options;
    this.#mayBeSome = modesOf(rules.sources, options).has('add');
  }

  /** How many there are; after the first time, of those alone that have pushed since. */
  async count(): Promise<number> {
    const ledger = this.#ledger;
    const { list } = ledger.state.sources;
    const sinceMs = this.#lookedMs;
    this.#lookedMs = ledger.nowMs();
    this.#looks += 1;
    let count = 0;
    for await (const source of this.#inTurns()) {
      if (list.lastPushMs(source) >= sinceMs && this.#isTurned(list.keyOf(source))) count += 1;
    }
    return count;
  }

  /** Whether, as far as can be said at once, there are none beside those counted. */
  isCounted(): boolean {
    if (!this.#mayBeSome) return true;
    const { list } = this.#ledger.state.sources;
    let left = AT_ONCE_MAX * 2 ** this.#looks;
    for (let source = list.newest(Ring.LIVE); source >= 0; source = list.olderThan(source)) {
      if (list.lastPushMs(source) < this.#lookedMs) return true;
      left -= 1;
      if (left < 0 || this.#isTurned(list.keyOf(source))) return false;
    }
    return true;
  }

  /** Their keys, as many at a time as one record lists. */
  async *keys(): AsyncGenerator<readonly string[]> {
    const { list } = this.#ledger.state.sources;
    let [keys, chars]: [string[], number] = [[], 0];
    for await (const source of this.#inTurns()) {
      const key = list.keyOf(source);
      if (!this.#isTurned(key)) continue;
      keys.push(key);
      chars += key.length;
      if (keys.length < SOURCES_MAX && chars < KEY_CHARS_MAX) continue;
      yield keys;
      [keys, chars] = [[], 0];
    }
    if (keys.length > 0) yield keys;
  }

  /** By number, so that it goes on where it stopped, whatever happened meanwhile. The state may be looked at until the next one is asked for. */
  async *#inTurns(): AsyncGenerator<number> {
    const ledger = this.#ledger;
    const { list } = ledger.state.sources;
    if (!this.#mayBeSome) return;
    await ledger.settled();
    let time = new ShortTime();
    for (let source = 0; source < list.end; source += 1) {
      const isKnown = list.isKnown(source);
      if (isKnown) yield source;
      if (!time.isOver(isKnown ? KEY_UNITS : 1)) continue;
      await setImmediate();
      await ledger.settled();
      time = new ShortTime();
    }
  }

  /** Where only the hash of a key is kept, nobody can say. */
  #isTurned(key: string): boolean {
    const labels = labelsOfKey(key);
    if (labels === undefined) return false;
    const { byJob, jobCounterResets: counterResets } = this.#options;
    return !senderBy(sourceRuleFor(this.#rules, labels), { byJob, counterResets }).byJob;
  }
}
