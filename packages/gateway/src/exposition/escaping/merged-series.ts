/** Rows that were added up, as views have them. */
import type { Exemplar } from '../../model/exemplar.ts';
import { isDistribution } from '../../model/metric-type.ts';
import type { FamilyView, NativeView, SampleVisitor, SeriesView } from '../../model/page-view.ts';
import { formatFloat64 } from '../../primitives/float.ts';
import type { MergedRow } from './merged-rows.ts';

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
  #row: MergedRow | undefined;

  read(row: MergedRow): void {
    const { buckets } = row;
    this.#row = row;
    this.bytes = row.labels;
    this.labelsEnd = row.labels.length;
    this.value = row.value;
    this.sum = row.sum;
    this.startMs = row.startMs;
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

/** The samples of a row in the order of text. Legacy names only. */
export function visitSamples(
  { name, type }: Pick<FamilyView, 'name' | 'type'>,
  row: MergedRow,
  visitor: SampleVisitor,
): void {
  const labels = Buffer.from(row.labels).toString('utf8');
  const visit = (sample: string, value: number, bound?: number): void => {
    const le = bound === undefined ? '' : `le="${formatFloat64(bound)}"`;
    const inner = labels === '' || le === '' ? labels + le : `${labels},${le}`;
    const bytes = Buffer.from(inner === '' ? sample : `${sample}{${inner}}`);
    visitor(bytes, 0, bytes.length, value);
  };
  if (!isDistribution(type)) {
    visit(name, row.value);
    return;
  }
  let cumulative = 0;
  for (const { bound, count } of row.buckets) {
    cumulative += count;
    visit(`${name}_bucket`, cumulative, bound);
  }
  if (!Number.isNaN(row.sum)) visit(`${name}_sum`, row.sum);
  visit(`${name}_count`, row.value);
}
