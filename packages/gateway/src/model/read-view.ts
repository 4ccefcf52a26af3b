import type { Exemplar } from './exemplar.ts';
import type { MetricType } from './metric-type.ts';
import type { NativeHistogram } from './native-histogram.ts';

/** The state at one point in time. An encoder reads it while pushes go on, and must close it. */
export interface ReadView {
  /** Buckets that one native histogram has at most, and still has where several are added up for an exposition. */
  readonly nativeBucketsMax: number;
  /** In text and OpenMetrics, histograms without classic buckets are shown with their native ones as such. */
  readonly nativeAsClassic: boolean;
  /** The families with rows, by name. Sorting takes steps of about a millisecond. */
  families(): Generator<void, readonly FamilyView[]>;
  close(): void;
}

export interface FamilyView {
  /** As in text: the counter `foo` of OpenMetrics is `foo_total` here, the info `foo` is `foo_info`. */
  readonly name: string;
  readonly type: MetricType;
  readonly help: string | undefined;
  readonly unit: string | undefined;
  /** The family's or a label's name needs quotes. */
  readonly quotedNames: boolean;
  /** Some of its histograms have native buckets. */
  readonly hasNative: boolean;
  /** It holds the start times of another family: the gauge `x_created` of the counter `x_total` or the histogram `x`. */
  readonly startTimes: boolean;
  /** What is shown is for this exposition alone, whatever the version says. */
  readonly once: boolean;
  /** The same object in every view. Views in which a family has the same version show the same of it. */
  readonly identity: object;
  readonly version: number;
  /** Rows: one for each series of a single value, one for each whole histogram or summary. */
  readonly rowCount: number;
  /** Sorts the rows. Each step ends after a few milliseconds at most; the rows may be visited once the last one is done. */
  sort(): Iterable<void>;
  /** Hands over the rows from `from` up to `to`. All formats are made of them. */
  visit(from: number, to: number, visitor: SeriesVisitor): void;
  /**
   * What text shows of the same rows, sample by sample, as the text that is held already. For speed alone: a decorator does without
   * it, and its text is made of rows.
   */
  visitTexts?: ((from: number, to: number, visitor: TextVisitor) => void) | undefined;
}

/** Hears of one sample: the bytes of its name and labels, valid during the call only, and its value. */
export type TextVisitor = (bytes: Uint8Array, start: number, end: number, value: number) => void;

export type SeriesVisitor = (series: SeriesView) => void;

/** One row. The object and all arrays in it are filled anew for the next one, and what it is asked for is of the row at hand. */
export interface SeriesView {
  /**
   * The labels as in canonical text, `a="b",c="d"` from `labelsStart` to `labelsEnd`: without braces, `le` and the name of the
   * family; names that are not legacy names in quotes.
   */
  readonly bytes: Uint8Array;
  readonly labelsStart: number;
  readonly labelsEnd: number;
  /** Of a histogram or summary, its count. */
  readonly value: number;
  /** NaN for single values, and where no sender gave a sum. */
  readonly sum: number;
  /** Classic buckets, `+Inf` included; 0 for all but histograms. */
  readonly bucketCount: number;
  /** By ascending bound; the first `bucketCount` numbers of each array mean something. */
  readonly bounds: Float64Array;
  readonly cumulative: Float64Array;
  /** When counting began, in milliseconds since the Unix epoch; NaN for what does not count. */
  readonly startMs: number;
  /** It came after what its reader saw last, who is to see it as 0 once where the format has no start times. */
  readonly isNew: boolean;
  /** Of the counter, or of a bucket by its place in `bounds`. */
  exemplar(bucket: number): Exemplar | undefined;
  /** The native buckets of the histogram; undefined when no sender gave any. */
  native(): NativeView | undefined;
}

/**
 * The native buckets of a histogram. Its count and sum are those of the whole series. Where the buckets together hold less than the
 * count, some senders sent classic buckets only.
 */
export interface NativeView extends NativeHistogram {
  /** By time. */
  readonly exemplars: readonly Exemplar[];
}
