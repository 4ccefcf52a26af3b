/**
 * What a source would have after a push, and what would go with it, before anything is changed: what limits are held against. It follows
 * SourcePush, and where it is not sure, more stays than will.
 */
import type { Accumulators } from '../store/accumulators.ts';
import { kindAt } from '../store/batch.ts';
import type { Batch } from '../store/batch.ts';
import {
  isContributed,
  isDerived,
  isGrouped,
  isNewest,
  isValue,
  staysWithoutValue,
} from '../store/policies.ts';
import type { Contributions } from './contributions.ts';
import type { SourceChanges } from './source-changes.ts';
import { isStart, startedAccumulator } from './source-starts.ts';

export interface ForeseenPush {
  readonly put: boolean;
  /** Ids of families that go with it. */
  readonly leaving: ReadonlySet<number>;
}

interface Forecast {
  /** How many the source has then. */
  readonly contributions: number;
  /** How many of them are new, and to totals that are no sums. */
  readonly derived: number;
  /** Contributions that it leaves out and that may expire for it, or more. */
  readonly leftOut: number;
  /** Accumulators that go, but for those of families that do. */
  readonly freed: ReadonlySet<number>;
}

/** What a batch names, as far as the state knows it. */
interface Named {
  readonly families: ReadonlySet<number>;
  readonly composites: ReadonlySet<number>;
  /** Of the families, those that were untyped and are counters before anything is taken back. */
  readonly counters: ReadonlySet<number>;
}

export class SourceForecast {
  readonly #accumulators: Accumulators;
  readonly #contributions: Contributions;
  readonly #changes: SourceChanges;

  constructor(accumulators: Accumulators, contributions: Contributions, changes: SourceChanges) {
    this.#accumulators = accumulators;
    this.#contributions = contributions;
    this.#changes = changes;
  }

  /** Of the source that is open, or of one that is new. With `accumulate`, what begins anew leaves its buckets in the total. */
  *of(
    batch: Batch,
    push: ForeseenPush,
    { isKnown, accumulate }: { readonly isKnown: boolean; readonly accumulate: boolean },
  ): Generator<void, Forecast> {
    const { pace } = this.#changes;
    const own = this.#contributions;
    const length = isKnown ? own.length : 0;
    const { accumulators, accumulatorsAt, values, valuesAt } = own;
    const position = this.#changes.positions();
    const freed = new Set<number>();
    let after = length;
    let derived = 0;
    let leftOut = 0;
    for (let at = 0; at < length; at += 1) {
      const accumulator = accumulators[accumulatorsAt + at]!;
      if (!isStart(accumulator)) position[accumulator] = at + 1;
      if (pace.isFull(1)) yield;
    }
    for (let i = 0; i < batch.length; i += 1) {
      const accumulator = batch.accumulators[i]!;
      const kind = kindAt(batch, this.#accumulators, i);
      const hasValue = isValue(kind, batch.values[i]!);
      // What is pushed again has its order anew.
      if (isNewest(kind)) after += 1;
      const at = accumulator < 0 ? 0 : position[accumulator]!;
      if (at > 0) {
        position[accumulator] = 0;
        if (!hasValue && !staysWithoutValue(kind)) {
          after -= 1;
          this.#withdraw(accumulator, values[valuesAt + at - 1]!, freed);
        }
      } else if (hasValue && (accumulator < 0 || isContributed(kind))) {
        after += 1;
        if (isDerived(kind)) derived += 1;
      }
      if (pace.isFull(1)) yield;
    }
    // What is pushed again has the start time that it comes with.
    for (let at = length - 1; at >= 0 && isStart(accumulators[accumulatorsAt + at]!); at -= 1)
      if (position[startedAccumulator(accumulators[accumulatorsAt + at]!)] === 0) after -= 1;
    after += batch.began.length;
    const named = length === 0 ? undefined : yield* this.#named(batch);
    for (let at = 0; at < length; at += 1) {
      if (pace.isFull(1)) yield;
      const accumulator = accumulators[accumulatorsAt + at]!;
      if (isStart(accumulator)) break;
      if (position[accumulator] === 0) continue;
      position[accumulator] = 0;
      const fate = this.#fateOf(accumulator, push, named!);
      if (fate === 'stays') {
        if (this.#changes.expiring(accumulator) >= 0) leftOut += 1;
        continue;
      }
      after -= 1;
      // Whether the total of a counter will be zero is not asked.
      const mayBeFreed = !named!.counters.has(this.#accumulators.family[accumulator]!);
      if (mayBeFreed && (fate === 'goes' || (fate === 'replaced' && !accumulate)))
        this.#withdraw(accumulator, values[valuesAt + at]!, freed);
    }
    // A start time that is a gauge again is a contribution, which may have its order.
    const { length: turned } = batch.turned;
    return { contributions: after + turned * 2, derived: derived + turned, leftOut, freed };
  }

  /** Of what the batch does not name. `replaced`: a bucket of a histogram that comes without it. */
  #fateOf(
    accumulator: number,
    { put, leaving }: ForeseenPush,
    { families, composites, counters }: Named,
  ): 'stays' | 'leaves' | 'goes' | 'replaced' {
    const family = this.#accumulators.family[accumulator]!;
    if (leaving.has(family)) return 'leaves';
    const goes = counters.has(family)
      ? this.#changes.goesAsCounter(accumulator)
      : this.#changes.goes(accumulator);
    if (goes && (put || (this.#changes.areGroups && families.has(family)))) return 'goes';
    const isOfNamed =
      isGrouped(this.#accumulators.kindOf(accumulator)) &&
      composites.has(this.#accumulators.composite[accumulator]!);
    return isOfNamed ? 'replaced' : 'stays';
  }

  *#named(batch: Batch): Generator<void, Named> {
    const families = new Set<number>();
    const composites = new Set<number>();
    const { family: familyOf, composite: compositeOf } = this.#accumulators;
    const { pendingSeries } = batch;
    for (let i = 0; i < batch.length; i += 1) {
      const accumulator = batch.accumulators[i]!;
      const family =
        accumulator < 0
          ? batch.families[pendingSeries.family[~accumulator]!]!.known?.id
          : familyOf[accumulator]!;
      const composite = accumulator < 0 ? pendingSeries.composite[~accumulator]! : compositeOf[accumulator]!;
      if (family !== undefined) families.add(family);
      if (composite >= 0) composites.add(composite);
      if (this.#changes.pace.isFull(1)) yield;
    }
    const counters = new Set<number>();
    for (const { known, type, changed } of batch.families)
      if (changed && known?.type === 'untyped' && type === 'counter') counters.add(known.id);
    return { families, composites, counters };
  }

  /** See SourceChanges.withdraw. */
  #withdraw(accumulator: number, value: number, freed: Set<number>): void {
    const { contributors, sums, composite } = this.#accumulators;
    if (contributors[accumulator] !== 1) return;
    if (!this.#changes.goesWithLast(accumulator, sums.isExactly(accumulator, value))) return;
    freed.add(accumulator);
    if (!this.#changes.isCount(accumulator)) return;
    for (const member of this.#accumulators.membersOf(composite[accumulator]!)) freed.add(member);
  }
}
