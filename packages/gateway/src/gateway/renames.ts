/**
 * How many stored series other rules would rename or drop. They stay as they are, so an operator is told of them: at a reload where the rules that
 * say so have changed, and at each start, as nobody knows what they were before.
 *
 * Series are looked at by their numbers, for a short time in each turn, while pushes go on; not by a view, which would copy all totals. What comes
 * meanwhile is what the rules make of it.
 */
import { setImmediate } from 'node:timers/promises';

import { StoredSeries } from '../ingest/rewrite/stored-series.ts';
import type { Log, LogFields } from '../primitives/log.ts';
import { ShortTime } from '../primitives/turns.ts';
import { dependsOnSource, identityOf } from '../rules/identity.ts';
import type { Rules } from '../rules/rules.ts';
import { namesSeries } from '../state/drop-series.ts';
import type { Ledger } from './ledger/ledger.ts';

/** For all of it, as somebody waits for the answer. */
const COUNT_MS_MAX = 5_000;

export interface Renames {
  readonly renamed: number;
  readonly dropped: number;
  /** How many of all series were looked at, from 0 to 1; undefined where rules for all senders are as they were. */
  readonly looked: number | undefined;
  /** What was not judged; empty where all was. */
  readonly leftOut: readonly string[];
}

export class RenameCount {
  readonly #ledger: Ledger;
  readonly #log: Log;
  #isClosed = false;

  constructor(ledger: Ledger, log: Log) {
    this.#ledger = ledger;
    this.#log = log;
  }

  /** Undefined where the rules give series the names that the previous ones gave them, or nothing is stored. */
  async since(previous: Rules, rules: Rules): Promise<Renames | undefined> {
    const was = identityOf(previous);
    await setImmediate();
    const is = identityOf(rules);
    const isOther = was.ofAll !== is.ofAll;
    if (this.#ledger.state.accumulators.size === 0 || (!isOther && was.ofSources === is.ofSources))
      return undefined;
    if (isOther) return this.#count(rules);
    return { renamed: 0, dropped: 0, looked: undefined, leftOut: ['rules of sources'] };
  }

  /** Resolves when it is in the log, if there are any. */
  async logAll(rules: Rules): Promise<void> {
    const renames = await this.#count(rules);
    if (renames.renamed + renames.dropped === 0) return;
    this.#log.info(
      'stored series that the rules would rename or drop stay as they are until they expire, are forgotten or deleted',
      fieldsOf(renames),
    );
  }

  /** Ends what is under way. */
  close(): void {
    this.#isClosed = true;
  }

  async #count(rules: Rules): Promise<Renames> {
    const { state } = this.#ledger;
    const stored = new StoredSeries(state, rules);
    const leftOut = [
      ...(dependsOnSource(rules) ? ['rules of sources'] : []),
      ...(stored.leavesOut ? ['rules on labels of the path'] : []),
    ];
    const counts = { stays: 0, renamed: 0, dropped: 0 };
    let looked = 0;
    if (stored.areAllFixed) return { renamed: 0, dropped: 0, looked: 1, leftOut };
    const end = state.accumulators.texts.high;
    function* all(): Generator<number, void> {
      for (; looked < end; looked += 1) {
        yield 1;
        if (namesSeries(state.accumulators, looked)) counts[yield* stored.fateOf(looked)] += 1;
      }
    }
    await this.#inTurns(all());
    return { ...counts, looked: end === 0 ? 1 : looked / end, leftOut };
  }

  async #inTurns(steps: Iterator<number, void>): Promise<void> {
    const untilMs = performance.now() + COUNT_MS_MAX;
    while (!this.#isClosed && performance.now() < untilMs) {
      await setImmediate();
      while (this.#ledger.applying !== undefined) await this.#ledger.applying;
      const time = new ShortTime();
      for (let step = steps.next(); ; step = steps.next()) {
        if (step.done === true) return;
        if (time.isOver(step.value)) break;
      }
    }
  }
}

function percentOf(looked: number): string {
  return `${Math.floor(looked * 100)}%`;
}

/** For the log. */
export function fieldsOf({ renamed, dropped, looked, leftOut }: Renames): LogFields {
  const counted = looked === undefined ? {} : { renamed, dropped };
  return {
    ...counted,
    ...(looked === undefined || looked === 1 ? {} : { looked: percentOf(looked) }),
    ...(leftOut.length === 0 ? {} : { notCounted: leftOut.join(', ') }),
  };
}

/** For people, in lines. */
export function describeRenames({ renamed, dropped, looked, leftOut }: Renames): readonly string[] {
  const [atLeast, of] =
    looked === undefined || looked === 1 ? ['', ''] : ['at least ', ` (of ${percentOf(looked)} of all)`];
  return [
    ...(looked === undefined
      ? []
      : [
          `stored series that these rules would rename: ${atLeast}${renamed}, drop: ${atLeast}${dropped}${of}; they stay as they are until they expire, are forgotten or deleted`,
        ]),
    ...(leftOut.length === 0
      ? []
      : [
          `not counted: what ${leftOut.join(' and ')} would rename, as stored series do not say who pushed them`,
        ]),
  ];
}
