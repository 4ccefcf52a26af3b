/** Rows of families, or of one, that have the same labels once their names are escaped: added up as if they had been pushed so. */
import { addHistograms } from '../../histogram/add.ts';
import { reduceForExposition } from '../../histogram/resolution.ts';
import { newestExemplars } from '../../model/exemplar.ts';
import type { Exemplar } from '../../model/exemplar.ts';
import { hasBuckets } from '../../model/metric-type.ts';
import type { FamilyView, NativeView, SeriesView } from '../../model/read-view.ts';

/** A copy of one row, or the sum of several. */
export interface MergedRow {
  readonly labels: Uint8Array;
  value: number;
  sum: number;
  startMs: number;
  /** All that was added up is new to the reader. */
  isNew: boolean;
  /** By ascending bound. */
  buckets: readonly Bucket[];
  exemplar: Exemplar | undefined;
  native: NativeView | undefined;
}

interface Bucket {
  readonly bound: number;
  /** Observations in this bucket alone. */
  readonly count: number;
  readonly exemplar: Exemplar | undefined;
}

/** The row as it is now, with the labels in canonical form. */
export function copyRow(series: SeriesView, labels: Uint8Array): MergedRow {
  const buckets: Bucket[] = [];
  for (let i = 0; i < series.bucketCount; i += 1) {
    const cumulative = series.cumulative[i]!;
    const below = i === 0 ? 0 : series.cumulative[i - 1]!;
    buckets.push({
      bound: series.bounds[i]!,
      // Beyond the largest double both are infinite.
      count: cumulative === below ? 0 : cumulative - below,
      exemplar: series.exemplar(i),
    });
  }
  return {
    labels,
    value: series.value,
    sum: series.sum,
    startMs: series.startMs,
    isNew: series.isNew,
    buckets,
    exemplar: series.bucketCount === 0 ? series.exemplar(-1) : undefined,
    native: series.native(),
  };
}

/** The family of the rows. */
interface Merging extends Pick<FamilyView, 'type' | 'startTimes'> {
  /** Of one native histogram. */
  readonly nativeBucketsMax: number;
}

/** Adds `more` to `row`. */
export function mergeInto(
  row: MergedRow,
  more: MergedRow,
  { type, startTimes, nativeBucketsMax }: Merging,
): void {
  row.sum = addKnown(row.sum, more.sum);
  row.startMs = earlier(row.startMs, more.startMs);
  row.isNew &&= more.isNew;
  row.exemplar = newer(row.exemplar, more.exemplar);
  row.native = addNative(row, more, nativeBucketsMax);
  if (startTimes) row.value = Math.min(row.value, more.value);
  else if (type === 'info') row.value = Math.min(row.value + more.value, 1);
  else row.value += more.value;
  if (hasBuckets(type)) row.buckets = addBuckets(row.buckets, more.buckets);
}

function addKnown(a: number, b: number): number {
  if (Number.isNaN(a)) return b;
  return Number.isNaN(b) ? a : a + b;
}

function earlier(a: number, b: number): number {
  if (Number.isNaN(a)) return b;
  return b < a ? b : a;
}

function newer(a: Exemplar | undefined, b: Exemplar | undefined): Exemplar | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return (b.timestampMs ?? 0) > (a.timestampMs ?? 0) ? b : a;
}

function addNative(
  { native: a, sum }: MergedRow,
  { native: b }: MergedRow,
  nativeBucketsMax: number,
): NativeView | undefined {
  if (a === undefined || b === undefined) {
    const only = a ?? b;
    return only && { ...only, sum };
  }
  return {
    ...reduceForExposition(addHistograms(a, b), nativeBucketsMax),
    sum,
    exemplars: newestExemplars([...a.exemplars, ...b.exemplars]),
  };
}

/** All bounds of both, as the sums of two pushes have them. */
function addBuckets(a: readonly Bucket[], b: readonly Bucket[]): readonly Bucket[] {
  const byBound = new Map(a.map((bucket) => [bucket.bound, bucket]));
  for (const bucket of b) {
    const same = byBound.get(bucket.bound);
    const { bound, count, exemplar } = bucket;
    byBound.set(
      bound,
      same === undefined
        ? bucket
        : { bound, count: same.count + count, exemplar: newer(same.exemplar, exemplar) },
    );
  }
  return [...byBound.values()].toSorted((x, y) => x.bound - y.bound);
}
