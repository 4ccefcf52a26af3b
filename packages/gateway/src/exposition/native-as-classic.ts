/**
 * Histograms of which only native buckets are known, with these as classic ones on their own bounds, for formats that have no
 * native ones. A family is passed on as it is but for such rows.
 */
import { classicBuckets } from '../histogram/classic.ts';
import type { Exemplar } from '../model/exemplar.ts';
import { DecoratedFamily } from '../model/decorated-family.ts';
import type { FamilyView, NativeView, SeriesView, SeriesVisitor } from '../model/read-view.ts';

export function nativeAsClassic(families: readonly FamilyView[]): readonly FamilyView[] {
  if (!families.some((family) => family.hasNative)) return families;
  return families.map((family) => (family.hasNative ? new ClassicFamily(family) : family));
}

class ClassicFamily extends DecoratedFamily {
  override visit(from: number, to: number, visitor: SeriesVisitor): void {
    const classic = new ClassicSeries();
    this.original.visit(from, to, (series) => {
      visitor(classic.read(series) ? classic : series);
    });
  }
}

class ClassicSeries implements SeriesView {
  bytes: Uint8Array = new Uint8Array(0);
  labelsStart = 0;
  labelsEnd = 0;
  value = 0;
  sum = 0;
  bucketCount = 0;
  bounds: Float64Array = new Float64Array(0);
  cumulative: Float64Array = new Float64Array(0);
  #original: SeriesView | undefined;
  #native: NativeView | undefined;

  /** False where the row has classic buckets, or no native ones. */
  read(series: SeriesView): boolean {
    const isClassic = series.bucketCount > 0 && series.bounds[0] !== Number.POSITIVE_INFINITY;
    const native = isClassic ? undefined : series.native();
    if (native === undefined) return false;
    this.#original = series;
    this.#native = native;
    this.bytes = series.bytes;
    this.labelsStart = series.labelsStart;
    this.labelsEnd = series.labelsEnd;
    this.value = series.value;
    this.sum = series.sum;
    // The count is that of the whole row, also where it has observations of senders without buckets.
    const { bounds, cumulative } = classicBuckets({ ...native, count: series.value });
    this.bounds = Float64Array.from(bounds);
    this.cumulative = Float64Array.from(cumulative);
    this.bucketCount = bounds.length;
    return true;
  }

  get startMs(): number {
    return this.#original?.startMs ?? Number.NaN;
  }

  get isNew(): boolean {
    return this.#original?.isNew ?? false;
  }

  /** The newest that belongs into the bucket. */
  exemplar(bucket: number): Exemplar | undefined {
    const above = bucket === 0 ? Number.NEGATIVE_INFINITY : this.bounds[bucket - 1]!;
    const most = this.bounds[bucket]!;
    return this.#native?.exemplars.findLast(({ value }) => value > above && value <= most);
  }

  native(): NativeView | undefined {
    return this.#native;
  }
}
