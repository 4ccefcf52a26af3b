/**
 * In by-job mode: what sources have in buckets that histograms do not keep any more is in others from then on, so that the next push of a source,
 * which names those alone, takes its place and is no restart.
 */
import type { Accumulators } from '../store/accumulators.ts';
import type { Contributions } from './contributions.ts';
import type { SourceChanges } from './source-changes.ts';
import type { SourceList } from './source-list.ts';
import { lengthWithoutStarts, startOf } from './source-starts.ts';

/** Added to the number of a `+Inf` bucket. */
const REBOUND = 2 ** 31;

/** Where contributions go, by accumulator. */
export class FoldTable {
  /** How many contributions are to be changed. */
  left = 0;
  readonly #numbers: Uint32Array;
  readonly #accumulators: Accumulators;

  /** For accumulators below a number. */
  constructor(end: number, accumulators: Accumulators) {
    this.#numbers = new Uint32Array(end);
    this.#accumulators = accumulators;
  }

  /** What is in one bucket goes to another one. */
  fold(bucket: number, target: number): void {
    this.#numbers[bucket] = target + 1;
    this.left += this.#accumulators.sourcesOf(bucket);
    // What is there already is to be found.
    if (this.#numbers[target]! % REBOUND === 0) this.#numbers[target]! += target + 1;
  }

  /** The next push of the histogram with this `+Inf` bucket may have other bounds, see source-starts.ts. */
  rebound(infinity: number): void {
    this.#numbers[infinity]! += REBOUND;
    this.left += this.#accumulators.sourcesOf(infinity);
  }

  /** The bucket that takes what is in this one; the same where it stays there, and -1 where no other bucket goes there either. */
  targetOf(accumulator: number): number {
    return (this.#numbers[accumulator]! % REBOUND) - 1;
  }

  isRebound(accumulator: number): boolean {
    return this.#numbers[accumulator]! >= REBOUND;
  }

  /** Whether a contribution to it is to be changed. */
  changes(accumulator: number): boolean {
    const number = this.#numbers[accumulator]!;
    return number !== 0 && number !== accumulator + 1;
  }
}

/** So many contributions that are only looked at are as much work as a row. */
const LOOKS_A_ROW = 8;

export class FoldedContributions {
  readonly #held: Held;

  constructor(held: Held) {
    this.#held = held;
  }

  /** Looks through the sources until all contributions are found that are to be changed. Totals have been folded already. */
  *fold(table: FoldTable): Generator<void, void> {
    for (const source of this.#held.list.newestFirst()) {
      if (table.left <= 0) break;
      if (yield* this.#hasAny(source, table)) yield* this.#foldOf(source, table);
    }
  }

  *#hasAny(source: number, table: FoldTable): Generator<void, boolean> {
    const { contributions: own, changes } = this.#held;
    own.open(source);
    const { accumulators, accumulatorsAt, length } = own;
    for (let at = 0; at < length; at += 1) {
      const accumulator = accumulators[accumulatorsAt + at]!;
      if (accumulator >= 0 && table.changes(accumulator)) return true;
      if (at % LOOKS_A_ROW === 0 && changes.pace.isFull(1)) yield;
    }
    return false;
  }

  *#foldOf(source: number, table: FoldTable): Generator<void, void> {
    const { contributions: own, changes, accumulators: all } = this.#held;
    const { next, pace } = changes;
    own.open(source);
    const { accumulators, accumulatorsAt, values, valuesAt, length } = own;
    const end = lengthWithoutStarts(own);
    /** By bucket, where it is in `next`. */
    const places = new Map<number, number>();
    const rebound = new Set<number>();
    next.begin(length + end);
    for (let at = 0; at < end; at += 1) {
      if (pace.isFull(1)) yield;
      const accumulator = accumulators[accumulatorsAt + at]!;
      const value = values[valuesAt + at]!;
      if (table.isRebound(accumulator)) rebound.add(startOf(accumulator));
      if (table.changes(accumulator)) table.left -= 1;
      const target = table.targetOf(accumulator);
      if (target < 0) {
        next.add(accumulator, value);
        continue;
      }
      if (accumulator !== target) all.contributors[accumulator]! -= 1;
      const place = places.get(target);
      if (place === undefined) {
        places.set(target, next.length);
        next.add(target, value);
        if (accumulator !== target) all.contributors[target]! += 1;
      } else {
        next.values[place] = this.#sum(target, next.values[place]!, value);
        if (accumulator === target) all.contributors[target]! -= 1;
      }
    }
    for (let at = end; at < length; at += 1) {
      if (pace.isFull(1)) yield;
      // It is noted once more than it has to be, at the most.
      rebound.delete(accumulators[accumulatorsAt + at]!);
    }
    for (const note of rebound) next.add(note, 0);
    for (let at = end; at < length; at += 1) {
      if (pace.isFull(1)) yield;
      next.add(accumulators[accumulatorsAt + at]!, values[valuesAt + at]!);
    }
    yield* own.replace(source, next, pace);
    next.end();
  }

  /** One contribution of two. It is a double, so the total takes what that is rounded by, or as much would be left when it is taken back. */
  #sum(target: number, one: number, other: number): number {
    const sum = Math.min(one + other, Number.MAX_VALUE);
    if (sum - one !== other || sum - other !== one)
      for (const part of [sum, -one, -other]) this.#held.accumulators.add(target, part);
    return sum;
  }
}

interface Held {
  readonly accumulators: Accumulators;
  readonly list: SourceList;
  readonly contributions: Contributions;
  readonly changes: SourceChanges;
}
