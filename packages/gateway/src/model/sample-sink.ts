import type { Exemplar } from './exemplar.ts';
import type { KnownSeries } from './known-series.ts';
import type { Label } from './labels.ts';
import type { MetricType } from './metric-type.ts';
import type { NativeHistogram } from './native-histogram.ts';

/** Formats in which the same bytes may mean different things, so that what was learnt from one says nothing in another. */
export const dialects = ['text', 'openmetrics'] as const;

export type Dialect = (typeof dialects)[number];

/**
 * What a decoder feeds. The sink belongs to one push at a time; every method may throw a PushProblem, after which the push
 * is lost and the sink must be begun anew. Offsets are positions in the body, for the sake of errors; the views are
 * of the body as well.
 *
 * It says what a sample means, as parsed, and is all that a format needs; `known` saves the parsing of what was seen before.
 */
export interface SampleSink {
  readonly known: KnownSeries;
  /**
   * To be called before anything else, unless the body is text. In OpenMetrics `addExpected` stops where another family begins;
   * strict means that histograms must be as its specification has them.
   */
  readAs(dialect: Dialect, options: { readonly strict: boolean }): void;
  /** One sample as parsed. An empty label value means no label. Label names are unique. */
  addSample(name: string, labels: readonly Label[], value: number, seriesKey: SeriesKey): void;
  addType(name: string, type: MetricType, seriesKey: SeriesKey): void;
  addHelp(name: string, help: string, seriesKey: SeriesKey): void;
  /** Type and help of a family, where one series key says both. */
  addFamily(
    name: string,
    is: { readonly type: MetricType; readonly help: string | undefined },
    seriesKey: SeriesKey,
  ): void;
  /** A family goes on that other families stood between: samples come next that are as its metadata, seen before, has them. */
  returnTo(name: string): void;
  /** The unit of a family whose type was seen before. */
  addUnit(name: string, unit: string): void;
  /**
   * When counting began for the counter, histogram or summary that the sample added last is of, in milliseconds since the Unix
   * epoch. Means nothing for other types, and must be finite.
   */
  addStart(startMs: number): void;
  /** The same as parsed, of a series whose samples may come before or after: the counter's name, or the count's. */
  addStartOf(name: string, labels: readonly Label[], startMs: number): void;
  /** The exemplar of the sample added last. Kept for counters and buckets only; `native` if it is of the native buckets added last. */
  addExemplar(exemplar: Exemplar, native?: boolean): void;
  /**
   * The native buckets of the histogram whose count was added last. Its own count and sum are read from there. What the sink needs it
   * takes before it returns: the lists may be filled anew after that.
   */
  addNative(histogram: NativeHistogram, offset: number): void;
}

/** The bytes of the body that name something, so that the sink can know it the next time. */
export interface SeriesKey {
  /** Position of its first byte, the place that errors point at. */
  readonly start: number;
  readonly end: number;
  /** False when the bytes would not be found again, as with blanks between name and labels. */
  readonly repeatable: boolean;
  /** The decoder has seen to it that no other sample of the body can be of this series. */
  readonly isOnlyOne?: boolean;
  /** What to know it by instead of its bytes in the body. Must begin with a line feed, as no text does. */
  readonly key?: SeriesKeyBytes | undefined;
}

/** Bytes outside of the body, which must stay as they are until the push is applied. */
export interface SeriesKeyBytes {
  readonly view: DataView;
  readonly start: number;
  readonly end: number;
}
