/** The accumulators of one series that is adopted: those that the push created, and others beside them. */
import { seriesText } from '../model/series-text.ts';
import { formatFloat64 } from '../primitives/float.ts';
import type { Accumulators } from '../store/accumulators.ts';
import type { Family } from '../store/families.ts';
import type { OrphanSeries } from './orphan-histograms.ts';
import type { TextScratch } from '../store/text-scratch.ts';
import { AccumulatorKind } from '../store/policies.ts';

interface AdoptingInto {
  readonly accumulators: Accumulators;
  readonly family: Family;
  readonly scratch: TextScratch;
}

export class AdoptedAccumulators {
  readonly #into: AdoptingInto;
  readonly #series: OrphanSeries;
  readonly #composite: number;
  /** Buckets that the group does not have yet. */
  readonly #buckets: number[] = [];

  constructor(into: AdoptingInto, series: OrphanSeries) {
    this.#into = into;
    this.#series = series;
    const { accumulators, family } = into;
    const count = this.#find(seriesText(`${family.name}_count`, series.labels));
    this.#composite = count >= 0 ? accumulators.composite[count]! : this.#newComposite();
  }

  count(): number {
    const { accumulators, family } = this.#into;
    const composite = accumulators.composites[this.#composite]!;
    if (composite.count < 0)
      composite.count = this.#create(
        seriesText(`${family.name}_count`, this.#series.labels),
        AccumulatorKind.COUNT,
      );
    return this.#started(composite.count);
  }

  sum(): number {
    const { accumulators, family } = this.#into;
    const composite = accumulators.composites[this.#composite]!;
    if (composite.sum < 0)
      composite.sum = this.#create(
        seriesText(`${family.name}_sum`, this.#series.labels),
        AccumulatorKind.SUM,
      );
    return this.#started(composite.sum);
  }

  bucket(bound: number): number {
    const text = seriesText(`${this.#into.family.name}_bucket`, this.#series.labels, formatFloat64(bound));
    let accumulator = this.#find(text);
    if (accumulator < 0) {
      accumulator = this.#create(text, AccumulatorKind.BUCKET, bound);
      this.#buckets.push(accumulator);
    }
    return this.#started(accumulator);
  }

  /** Gives the group its buckets in order; returns how many it has. To be called once all are there. */
  settle(): number {
    const { bound, composites } = this.#into.accumulators;
    const composite = composites[this.#composite]!;
    if (this.#buckets.length === 0) return 1;
    // A list is replaced, as a view may have it.
    composite.buckets = [...composite.buckets, ...this.#buckets].sort((a, b) =>
      bound[a]! < bound[b]! ? -1 : 1,
    );
    return composite.buckets.length;
  }

  /** It counts since its lines do. */
  #started(accumulator: number): number {
    this.#into.accumulators.startEarlier(accumulator, this.#series.startMs);
    return accumulator;
  }

  #newComposite(): number {
    const { accumulators, family } = this.#into;
    const composite = accumulators.createComposite();
    family.pending.push(composite);
    family.rowCount += 1;
    family.createdEpoch = accumulators.shownEpoch;
    return composite;
  }

  #find(text: string): number {
    const at = this.#into.scratch.write(text);
    return this.#into.accumulators.texts.find(at.view, at.start, at.end, at.hash);
  }

  #create(text: string, kind: AccumulatorKind, bound: number = Number.NaN): number {
    const { accumulators, family, scratch } = this.#into;
    family.accumulatorCount += 1;
    const accumulator = accumulators.create(scratch.write(text), {
      kind,
      family: family.id,
      composite: this.#composite,
      bound,
      startMs: this.#series.startMs,
    });
    accumulators.overflow.note(accumulator, accumulators);
    return accumulator;
  }
}
