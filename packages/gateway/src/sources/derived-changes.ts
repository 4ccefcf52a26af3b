/** Totals that are no sums, when they are computed anew: as rules make something else of gauges, or once contributions were restored. */
import { NumberList } from '../primitives/number-list.ts';
import type { Accumulators } from '../store/accumulators.ts';
import { isNewest, isPossible, isRanked } from '../store/policies.ts';
import type { CommonChanges } from './common-changes.ts';
import type { Contributions } from './contributions.ts';
import type { SourceChanges } from './source-changes.ts';
import type { SourceList } from './source-list.ts';
import { isStart, orderCount, startedAccumulator, startOf } from './source-starts.ts';

interface Held {
  readonly accumulators: Accumulators;
  readonly list: SourceList;
  readonly contributions: Contributions;
  readonly changes: SourceChanges;
  readonly common: CommonChanges;
}

export class DerivedChanges {
  readonly #held: Held;

  constructor(held: Held) {
    this.#held = held;
  }

  /**
   * Computes the totals of gauges that have become others from what sources contribute; returns those of which no source has
   * a value any more. What came before the newest was asked for is as new as the last push of its source. What senders that add have begins anew,
   * as it is no value of anybody's.
   */
  *computeAnew(turned: readonly Uint32Array[]): Generator<void, Uint32Array> {
    const { accumulators, list, changes } = this.#held;
    const { common, contributors } = accumulators;
    const isTurned = changes.positions();
    let left = 0;
    for (const rows of turned) {
      for (const accumulator of rows) {
        left += accumulators.sourcesOf(accumulator);
        contributors[accumulator] = 0;
        common.delete(accumulator);
        changes.derived.drop(accumulator);
        isTurned[accumulator] = 1;
        if (changes.pace.isFull(1)) yield;
      }
    }
    for (const source of list.oldestFirst()) {
      if (left <= 0) break;
      left -= yield* this.#contribute(source, isTurned);
    }
    const unheld = new NumberList();
    for (const rows of turned) {
      for (const accumulator of rows) {
        isTurned[accumulator] = 0;
        if (contributors[accumulator] === 0) unheld.push(accumulator);
        if (changes.pace.isFull(1)) yield;
      }
    }
    return unheld.between(0, unheld.length);
  }

  /** Takes what a source has into totals that have turned; returns how many contributions it had to them. */
  *#contribute(source: number, isTurned: Uint32Array): Generator<void, number> {
    const { accumulators, contributions: own, changes } = this.#held;
    const { next, pace } = changes;
    const { kind } = accumulators;
    own.open(source);
    // Orders are in the order of what they are of; some may be kept, and others new.
    const newest = new NumberList();
    const kept: number[] = [];
    let had = 0;
    next.begin(own.length * 2);
    if (pace.isFull(1)) yield;
    changes.order += 1;
    for (let at = 0; at < own.length; at += 1) {
      const accumulator = own.accumulators[own.accumulatorsAt + at]!;
      const value = own.values[own.valuesAt + at]!;
      if (pace.isFull(1)) yield;
      const isBeside = isStart(accumulator);
      const named = isBeside ? startedAccumulator(accumulator) : accumulator;
      const stays = isTurned[named] === 0;
      if (isBeside) {
        // The order of what has turned is of what it was before.
        if (stays && isNewest(kind[named]!)) kept.push(value);
        else if (stays) next.add(accumulator, value);
        continue;
      }
      if (!stays) had += 1;
      if (!stays && !isPossible(kind[accumulator]!, value)) continue;
      next.add(accumulator, value);
      if (!stays) changes.gain(accumulator, value);
      if (isNewest(kind[accumulator]!)) newest.push(accumulator);
    }
    let keptAt = 0;
    for (const accumulator of newest) {
      const isKept = isTurned[accumulator] === 0;
      next.add(startOf(accumulator), isKept ? kept[keptAt]! : changes.order);
      if (isKept) keptAt += 1;
      if (pace.isFull(1)) yield;
    }
    if (had > 0) yield* own.replace(source, next, pace);
    next.end();
    return had;
  }

  /** Finds what is kept beside totals once contributions were restored. */
  *restore(): Generator<void, void> {
    const { accumulators, list, contributions: own, changes, common } = this.#held;
    const { kind, contributors, texts } = accumulators;
    let some = false;
    for (let accumulator = 0; accumulator < texts.high; accumulator += 1) {
      if (changes.pace.isFull(1)) yield;
      if (!isRanked(kind[accumulator]!)) continue;
      contributors[accumulator] = 0;
      some = true;
    }
    if (!some) return;
    for (const source of list.newestFirst()) {
      own.open(source);
      if (changes.pace.isFull(1)) yield;
      // In the order of what they are of.
      let orderAt = own.length - orderCount(own, accumulators);
      for (let at = 0; at < own.length; at += 1) {
        const accumulator = own.accumulators[own.accumulatorsAt + at]!;
        if (changes.pace.isFull(1)) yield;
        if (isStart(accumulator) || !isRanked(kind[accumulator]!)) continue;
        contributors[accumulator]! += 1;
        const order = isNewest(kind[accumulator]!) ? own.values[own.valuesAt + orderAt]! : 0;
        if (isNewest(kind[accumulator]!)) orderAt += 1;
        changes.derived.gain(accumulator, own.values[own.valuesAt + at]!, order);
      }
    }
    for (let accumulator = 0; accumulator < texts.high; accumulator += 1) {
      if (isRanked(kind[accumulator]!)) common.restore(accumulator);
      if (changes.pace.isFull(1)) yield;
    }
  }
}
