/** Which values can stand for which kind of accumulator, and which of them add up to anything. */
import { PushProblem } from '../model/errors.ts';
import { formatFloat64 } from '../primitives/float.ts';
import type { Batch } from '../store/batch.ts';
import type { Accumulators } from '../store/accumulators.ts';
import { shownText } from './decumulate.ts';
import {
  AccumulatorKind,
  isGrouped,
  isValue,
  takesCounts,
  takesInfinities,
  staysWithoutValue,
} from '../store/policies.ts';

export class ValueCheck {
  readonly #batch: Batch;
  readonly #accumulators: Accumulators;

  /** Counts in the batch what is ignored. */
  constructor(batch: Batch, accumulators: Accumulators) {
    this.#batch = batch;
    this.#accumulators = accumulators;
  }

  /** What of a value is added up, NaN for nothing. Throws when the value cannot stand for its kind. */
  checked(kind: AccumulatorKind, value: number, accumulator: number, offset: number): number {
    this.#batch.grouped ||= isGrouped(kind);
    if (takesCounts(kind)) {
      if (value >= 0 && value <= Number.MAX_VALUE) return value;
      throw this.#unfit(accumulator, value, offset, 'counts must be finite and not negative');
    }
    if (kind === AccumulatorKind.FREE) throw new Error('BUG: a freed accumulator was found');
    if (isFit(kind, value)) return value;
    if (staysWithoutValue(kind)) return this.#withoutSum(accumulator);
    this.#batch.ignoredNonFinite += 1;
    return Number.NaN;
  }

  /** Whether a new series would not come to be by this value. */
  isNothing(kind: AccumulatorKind, value: number): boolean {
    return !takesCounts(kind) && !isFit(kind, value) && !isValue(kind, Number.NaN);
  }

  /**
   * One observation that is NaN or infinite makes the sum so for as long as its process lives. That must not keep the process from
   * pushing all else, nor spoil the total.
   */
  #withoutSum(accumulator: number): number {
    this.#batch.ignoredSums += 1;
    this.#batch.ignoredSumOf ??= shownText(this.#batch, this.#accumulators, accumulator);
    return Number.NaN;
  }

  #unfit(accumulator: number, value: number, offset: number, advice: string): PushProblem {
    const text = shownText(this.#batch, this.#accumulators, accumulator);
    return new PushProblem('invalid_value', `${text} is ${formatFloat64(value)}; ${advice}`, offset);
  }
}

function isFit(kind: AccumulatorKind, value: number): boolean {
  return Number.isFinite(value) || (takesInfinities(kind) && isValue(kind, value));
}
