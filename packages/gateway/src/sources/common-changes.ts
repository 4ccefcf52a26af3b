/** What senders that add do to totals that sources contribute to as well (store/common-part.ts). */
import type { Accumulators } from '../store/accumulators.ts';
import { kindAt } from '../store/batch.ts';
import type { Batch } from '../store/batch.ts';
import {
  AccumulatorKind,
  isContributed,
  isDerived,
  isNewest,
  isRanked,
  isValue,
  policyOf,
} from '../store/policies.ts';
import { commonBytesMax } from './derived-totals.ts';
import type { SourceChanges } from './source-changes.ts';

export class CommonChanges {
  readonly #accumulators: Accumulators;
  readonly #changes: SourceChanges;

  constructor(accumulators: Accumulators, changes: SourceChanges) {
    this.#accumulators = accumulators;
    this.#changes = changes;
  }

  /** Adds what a batch says. Returns the steps that are left to take; mostly none are. */
  take(batch: Batch): Generator<void, void> | undefined {
    this.#changes.order += 1;
    if (batch.length > this.#changes.pace.rows) return this.#takeLong(batch);
    this.#takePart(batch, 0, batch.length);
    return undefined;
  }

  /** By how many bytes what is kept beside totals grows with a batch that is not yet applied, at the most. */
  *growthBy(batch: Batch): Generator<void, number> {
    const { common } = this.#accumulators;
    let bytes = 0;
    for (let i = 0; i < batch.length; i += 1) {
      const accumulator = batch.accumulators[i]!;
      const isNew = accumulator < 0 || !common.has(accumulator);
      if (isNew && isDerived(kindAt(batch, this.#accumulators, i))) bytes += commonBytesMax;
      if (this.#changes.pace.isFull(1)) yield;
    }
    return bytes;
  }

  /** Senders that add have a part of a total that is a sum, which has it already. */
  join(accumulator: number): void {
    const { common, contributors } = this.#accumulators;
    if (common.add(accumulator)) contributors[accumulator]! += 1;
  }

  /** All that is held is from now on what senders that add have: nobody else has pushed it. */
  *takeAll(): Generator<void, void> {
    const { kind, common, contributors, sums, texts } = this.#accumulators;
    const { derived, pace } = this.#changes;
    this.#changes.order += 1;
    const { order } = this.#changes;
    for (let accumulator = 0; accumulator < texts.high; accumulator += 1) {
      if (pace.isFull(1)) yield;
      const is = kind[accumulator]!;
      if (is === AccumulatorKind.FREE || !isContributed(is) || !common.add(accumulator)) continue;
      contributors[accumulator]! += 1;
      if (!isRanked(is)) continue;
      const value = sums.get(accumulator);
      common.setNumber(accumulator, { value, order });
      derived.gain(accumulator, value, order);
    }
  }

  /** What is held is nobody's part any more. To be called when there are no sources. */
  *letGo(): Generator<void, void> {
    const { common, contributors, texts } = this.#accumulators;
    const { derived, pace } = this.#changes;
    for (let accumulator = 0; accumulator < texts.high && common.size > 0; accumulator += 1) {
      if (pace.isFull(1)) yield;
      if (!common.delete(accumulator)) continue;
      contributors[accumulator]! -= 1;
      derived.drop(accumulator);
    }
  }

  /** Finds what is kept beside a total once all that sources contribute to it was found. */
  restore(accumulator: number): void {
    const { common, contributors } = this.#accumulators;
    const own = common.numberOf(accumulator);
    if (own === undefined) return;
    contributors[accumulator]! += 1;
    this.#changes.derived.gain(accumulator, own.value, own.order);
  }

  *#takeLong(batch: Batch): Generator<void, void> {
    const { pace } = this.#changes;
    for (let from = 0; from < batch.length; from += pace.rows) {
      const to = Math.min(from + pace.rows, batch.length);
      this.#takePart(batch, from, to);
      if (to < batch.length && pace.isFull(to - from)) yield;
    }
  }

  #takePart({ accumulators: named, values }: Batch, from: number, to: number): void {
    const accumulators = this.#accumulators;
    const { kind } = accumulators;
    for (let i = from; i < to; i += 1) {
      const accumulator = named[i]!;
      const value = values[i]!;
      const is = kind[accumulator]!;
      if (isDerived(is)) this.#derive(accumulator, value);
      else if (!isContributed(is)) accumulators.combine(accumulator, value);
      else if (value === value) {
        accumulators.add(accumulator, value);
        this.join(accumulator);
      }
    }
  }

  /** Takes a value into what they have of a total that is no sum, as it is taken into the total where there are no sources. */
  #derive(accumulator: number, value: number): void {
    const { common, contributors } = this.#accumulators;
    const { derived, order } = this.#changes;
    const kind = this.#accumulators.kindOf(accumulator);
    if (!isValue(kind, value)) return;
    const own = common.numberOf(accumulator);
    if (own === undefined) {
      common.add(accumulator);
      common.setNumber(accumulator, { value, order });
      contributors[accumulator]! += 1;
      derived.gain(accumulator, value, order);
      return;
    }
    const { value: before, order: orderBefore } = own;
    own.value = policyOf(kind).combine!(before, value);
    own.order = order;
    if (isNewest(kind)) derived.renew(accumulator, orderBefore, value, order);
    else if (own.value !== before) derived.exchange(accumulator, before, own.value);
  }
}
