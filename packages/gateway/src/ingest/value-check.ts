/** Which values can stand for which kind of cell, and which of them add up to anything. */
import { PushProblem } from '../model/errors.ts';
import { formatFloat64 } from '../primitives/float.ts';
import type { Batch } from '../store/batch.ts';
import { CellKind } from '../store/cells.ts';
import type { Cells } from '../store/cells.ts';
import { shownText } from './decumulate.ts';

export class ValueCheck {
  readonly #batch: Batch;
  readonly #cells: Cells;

  /** Counts in the batch what is ignored. */
  constructor(batch: Batch, cells: Cells) {
    this.#batch = batch;
    this.#cells = cells;
  }

  /** What of a value is added up, NaN for nothing. Throws when the value cannot stand for its kind. */
  checked(kind: CellKind, value: number, cell: number, offset: number): number {
    switch (kind) {
      case CellKind.COUNTER:
      case CellKind.BUCKET:
      case CellKind.COUNT:
      case CellKind.NATIVE_BUCKET:
      case CellKind.NATIVE_ZERO:
      case CellKind.NATIVE_COUNT:
        this.#batch.grouped ||= kind !== CellKind.COUNTER;
        if (value >= 0 && value <= Number.MAX_VALUE) return value;
        throw this.#unfit(cell, value, offset, 'counts are zero or more, and finite');
      case CellKind.SUM:
        this.#batch.grouped = true;
        if (Number.isFinite(value)) return value;
        return this.#withoutSum(cell);
      case CellKind.GAUGE:
      case CellKind.UNTYPED:
      case CellKind.CREATED:
        if (Number.isFinite(value)) return value;
        this.#batch.ignoredNonFinite += 1;
        return Number.NaN;
      case CellKind.FREE:
        throw new Error('BUG: a freed cell was found');
    }
  }

  /**
   * One observation that is NaN or infinite makes the sum so for as long as its process lives. That must not keep the process from
   * pushing all else, nor spoil the total.
   */
  #withoutSum(cell: number): number {
    this.#batch.ignoredSums += 1;
    this.#batch.ignoredSumOf ??= shownText(this.#batch, this.#cells, cell);
    return Number.NaN;
  }

  #unfit(cell: number, value: number, offset: number, advice: string): PushProblem {
    const text = shownText(this.#batch, this.#cells, cell);
    return new PushProblem('invalid_value', `${text} is ${formatFloat64(value)}; ${advice}`, offset);
  }
}
