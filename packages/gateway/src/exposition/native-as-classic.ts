/**
 * Histograms of which only native buckets are known, with these as classic ones on their own bounds, for formats that have no
 * native ones. A family is passed on as it is but for such rows.
 */
import { classicBuckets } from '../histogram/classic.ts';
import type { Exemplar } from '../model/exemplar.ts';
import type { MetricType } from '../model/metric-type.ts';
import type { FamilyView, NativeView, SampleVisitor, SeriesView, SeriesVisitor } from '../model/read-view.ts';
import { visitSamples } from './series-samples.ts';

export function nativeAsClassic(families: readonly FamilyView[]): readonly FamilyView[] {
  if (!families.some((family) => family.hasNative)) return families;
  return families.map((family) => (family.hasNative ? new ClassicFamily(family) : family));
}

class ClassicFamily implements FamilyView {
  readonly name: string;
  readonly type: MetricType;
  readonly help: string | undefined;
  readonly unit: string | undefined;
  readonly quotedNames: boolean;
  readonly hasNative: boolean = true;
  readonly startTimes: boolean;
  readonly once: boolean;
  readonly identity: object;
  readonly version: number;
  readonly #original: FamilyView;

  constructor(original: FamilyView) {
    this.name = original.name;
    this.type = original.type;
    this.help = original.help;
    this.unit = original.unit;
    this.quotedNames = original.quotedNames;
    this.startTimes = original.startTimes;
    this.once = original.once;
    this.identity = original.identity;
    this.version = original.version;
    this.#original = original;
  }

  /** Those of the original may be known only when they are sorted. */
  get rowCount(): number {
    return this.#original.rowCount;
  }

  sort(): Iterable<void> {
    return this.#original.sort();
  }

  visit(from: number, to: number, visitor: SampleVisitor): void {
    const original = this.#original;
    const classic = new ClassicSeries();
    for (let row = from; row < to; row += 1) {
      let isClassic = false;
      original.visitSeries(row, row + 1, (series) => {
        isClassic = classic.read(series);
      });
      if (!isClassic) {
        original.visit(row, row + 1, visitor);
        continue;
      }
      // A row that is shown as 0 once is so in text only, which has its count last.
      let count = classic.value;
      original.visit(row, row + 1, (_bytes, _start, _end, value) => {
        count = value;
      });
      if (count !== classic.value) classic.clear();
      visitSamples(this, classic, visitor);
    }
  }

  visitSeries(from: number, to: number, visitor: SeriesVisitor): void {
    const classic = new ClassicSeries();
    this.#original.visitSeries(from, to, (series) => {
      visitor(classic.read(series) ? classic : series);
    });
  }
}

class ClassicSeries implements SeriesView {
  bytes: Uint8Array = new Uint8Array(0);
  readonly labelsStart: number = 0;
  labelsEnd = 0;
  value = 0;
  sum = 0;
  startMs = 0;
  bucketCount = 0;
  bounds: Float64Array = new Float64Array(0);
  cumulative: Float64Array = new Float64Array(0);
  #native: NativeView | undefined;

  /** False where the row has classic buckets, or no native ones. */
  read(series: SeriesView): boolean {
    const isClassic = series.bucketCount > 0 && series.bounds[0] !== Number.POSITIVE_INFINITY;
    const native = isClassic ? undefined : series.native();
    if (native === undefined) return false;
    this.#native = native;
    // A copy, as the bytes may be filled anew when the row is visited once more.
    this.bytes = series.bytes.slice(series.labelsStart, series.labelsEnd);
    this.labelsEnd = this.bytes.length;
    this.value = series.value;
    this.sum = series.sum;
    this.startMs = series.startMs;
    // The count is that of the whole row, also where it has observations of senders without buckets.
    const { bounds, cumulative } = classicBuckets({ ...native, count: series.value });
    this.bounds = Float64Array.from(bounds);
    this.cumulative = Float64Array.from(cumulative);
    this.bucketCount = bounds.length;
    return true;
  }

  /** As if nothing had been observed. */
  clear(): void {
    this.value = 0;
    this.sum = Number.isNaN(this.sum) ? this.sum : 0;
    this.cumulative.fill(0);
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
