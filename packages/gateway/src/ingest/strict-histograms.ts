/**
 * What OpenMetrics asks of histograms and text does not: one after the other, buckets in order, whole numbers, a sum exactly
 * when there is a count. Read from the batch in one pass, before buckets are settled, so that the ways in which samples
 * come need not know of it.
 *
 * https://prometheus.io/docs/specs/om/open_metrics_spec/#histogram
 */
import { PushProblem } from '../model/errors.ts';
import type { MetricType } from '../model/metric-type.ts';
import { formatFloat64 } from '../primitives/float.ts';
import { boundAt, compositeAt, kindAt } from '../store/batch.ts';
import type { Batch } from '../store/batch.ts';
import type { Accumulators } from '../store/accumulators.ts';
import type { Families } from '../store/families.ts';
import { shownText } from './decumulate.ts';
import type { State } from '../state/state.ts';
import { AccumulatorKind, isGrouped } from '../store/policies.ts';

const NO_ENTRY = -1;

export class StrictHistograms {
  readonly #batch: Batch;
  readonly #accumulators: Accumulators;
  readonly #families: Families;
  /** Entries looked at in one step. */
  readonly #rows: number;
  /** Groups that were begun in this push, by the serial of the push. */
  #begun = new Uint32Array(64);
  #serial = 0;
  #composite = -1;
  /** Entries of the group at hand, or NO_ENTRY. */
  #first = NO_ENTRY;
  #bucket = NO_ENTRY;
  #count = NO_ENTRY;
  #sum = NO_ENTRY;
  #lastBound = Number.NEGATIVE_INFINITY;
  #hasNegative = false;

  constructor(
    batch: Batch,
    { accumulators, families, pace }: Pick<State, 'accumulators' | 'families' | 'pace'>,
  ) {
    this.#rows = pace.rows;
    this.#batch = batch;
    this.#families = families;
    this.#accumulators = accumulators;
  }

  /** Throws a PushProblem for the first histogram or summary that is not as it should be. */
  check(): void {
    const { grouped, length } = this.#batch;
    if (!grouped) return;
    this.#begin();
    this.#look(0, length);
    this.#close();
  }

  /** The same in steps. The state must stay as it is meanwhile, but for its totals. */
  *checkInSteps(): Generator<void, void> {
    const { grouped, length } = this.#batch;
    if (!grouped) return;
    this.#begin();
    for (let from = 0; from < length; from += this.#rows) {
      this.#look(from, Math.min(from + this.#rows, length));
      yield;
    }
    this.#close();
  }

  #look(from: number, to: number): void {
    const batch = this.#batch;
    const accumulators = this.#accumulators;
    for (let entry = from; entry < to; entry += 1) {
      const kind = kindAt(batch, accumulators, entry);
      if (!isGrouped(kind)) continue;
      const composite = compositeAt(batch, accumulators, entry);
      if (composite !== this.#composite) this.#next(composite, entry);
      if (kind === AccumulatorKind.SUM) {
        this.#sum = entry;
        continue;
      }
      const value = batch.values[entry]!;
      if (!Number.isInteger(value))
        throw this.#problem(entry, `is ${formatFloat64(value)}, not a whole number`);
      if (kind === AccumulatorKind.COUNT) this.#count = entry;
      else this.#addBucket(entry);
    }
  }

  #begin(): void {
    this.#serial += 1;
    if (this.#serial === 2 ** 32) {
      this.#serial = 1;
      this.#begun.fill(0);
    }
    const composites = this.#accumulators.composites.length + this.#batch.pendingComposites.length;
    if (composites > this.#begun.length) {
      const larger = new Uint32Array(composites * 2);
      larger.set(this.#begun);
      this.#begun = larger;
    }
    this.#composite = -1;
    this.#first = NO_ENTRY;
  }

  #next(composite: number, entry: number): void {
    this.#close();
    if (this.#begun[composite] === this.#serial) {
      throw this.#problem(entry, 'is separated from the other samples with its labels; write them together');
    }
    this.#begun[composite] = this.#serial;
    this.#composite = composite;
    this.#first = entry;
    this.#bucket = NO_ENTRY;
    this.#count = NO_ENTRY;
    this.#sum = NO_ENTRY;
    this.#lastBound = Number.NEGATIVE_INFINITY;
    this.#hasNegative = false;
  }

  #addBucket(entry: number): void {
    const bound = boundAt(this.#batch, this.#accumulators, entry);
    if (bound < this.#lastBound) {
      throw this.#problem(
        entry,
        'comes after a bucket with a higher le; write buckets in ascending order of le',
      );
    }
    this.#lastBound = bound;
    this.#bucket = entry;
    if (bound < 0) this.#hasNegative = true;
  }

  #close(): void {
    if (this.#first === NO_ENTRY || !this.#isHistogram()) return;
    if (this.#bucket === NO_ENTRY || this.#lastBound !== Number.POSITIVE_INFINITY) {
      throw this.#problem(this.#first, 'belongs to a histogram without a bucket le="+Inf"');
    }
    if ((this.#count === NO_ENTRY) !== (this.#sum === NO_ENTRY)) {
      throw this.#problem(
        this.#first,
        `belongs to a histogram with a ${this.#sum === NO_ENTRY ? '_count but no _sum' : '_sum but no _count'}; write both or none`,
      );
    }
    if (this.#sum === NO_ENTRY) return;
    // Of gauge histograms the sum may fall, so that it says something beside buckets for negative values, too.
    if (this.#typeOf(this.#composite) !== 'gaugehistogram') {
      if (this.#hasNegative)
        throw this.#problem(this.#sum, 'is not allowed with buckets for negative values');
    } else if (!this.#hasNegative && this.#batch.values[this.#sum]! < 0) {
      throw this.#problem(this.#sum, 'is negative, and there is no bucket for negative values');
    }
  }

  #typeOf(composite: number): MetricType {
    const known = this.#accumulators.composites.length;
    if (composite >= known)
      return this.#batch.families[this.#batch.pendingComposites[composite - known]!.family]!.type;
    return this.#families.get(this.#accumulators.family[this.#accumulators.composites[composite]!.count]!)
      .type;
  }

  #isHistogram(): boolean {
    const known = this.#accumulators.composites.length;
    if (this.#composite < known) return this.#accumulators.composites[this.#composite]!.buckets.length > 0;
    return this.#batch.pendingComposites[this.#composite - known]!.infinity >= 0;
  }

  #problem(entry: number, message: string): PushProblem {
    const batch = this.#batch;
    const series = shownText(batch, this.#accumulators, batch.accumulators[entry]!);
    return new PushProblem('invalid_histogram', `${series} ${message}`, batch.offsets[entry]!);
  }
}
