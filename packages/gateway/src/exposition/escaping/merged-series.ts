import type { Exemplar } from '../../model/exemplar.ts';
import type { NativeView, SeriesView } from '../../model/read-view.ts';
import type { MergedRow } from './merged-rows.ts';

/** A row that was added up, as views have it. */
export class MergedSeries implements SeriesView {
  bytes: Uint8Array = new Uint8Array(0);
  readonly labelsStart: number = 0;
  labelsEnd = 0;
  value = 0;
  sum = 0;
  bucketCount = 0;
  bounds: Float64Array = new Float64Array(16);
  cumulative: Float64Array = new Float64Array(16);
  startMs = 0;
  isNew = false;
  #row: MergedRow | undefined;

  read(row: MergedRow): void {
    const { buckets } = row;
    this.#row = row;
    this.bytes = row.labels;
    this.labelsEnd = row.labels.length;
    this.value = row.value;
    this.sum = row.sum;
    this.startMs = row.startMs;
    this.isNew = row.isNew;
    this.bucketCount = buckets.length;
    if (buckets.length > this.bounds.length) {
      this.bounds = new Float64Array(buckets.length * 2);
      this.cumulative = new Float64Array(buckets.length * 2);
    }
    let cumulative = 0;
    for (const [i, bucket] of buckets.entries()) {
      cumulative += bucket.count;
      this.bounds[i] = bucket.bound;
      this.cumulative[i] = cumulative;
    }
  }

  exemplar(bucket: number): Exemplar | undefined {
    const row = this.#row;
    return row?.buckets.length === 0 ? row.exemplar : row?.buckets[bucket]?.exemplar;
  }

  native(): NativeView | undefined {
    return this.#row?.native;
  }
}
