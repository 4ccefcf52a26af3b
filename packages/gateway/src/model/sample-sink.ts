import type { Exemplar } from './exemplar.ts';
import type { Label } from './labels.ts';
import type { MetricType } from './metric-type.ts';
import type { NativeHistogram } from './native-histogram.ts';

/** No series key like this was seen before. Every other reference that a sink gives is opaque to decoders. */
export const UNKNOWN = -1;

/** Formats in which the same bytes may mean different things, so that what was learnt from one says nothing in another. */
export const dialects = ['text', 'openmetrics'] as const;

export type Dialect = (typeof dialects)[number];

/**
 * What a decoder feeds. The sink belongs to one push at a time; every method may throw a PushProblem, after which the push
 * is lost and the sink must be begun anew. Offsets are positions in the body, for the sake of errors; the views are
 * of the body as well.
 *
 * A series key is the raw bytes of a series, or of a whole HELP or TYPE line. From the cheapest way to the dearest: whole lines
 * follow one another as the last time (`addExpected`), a series key does (`guess`), it was seen before (`find`), it is canonical and so
 * need not be taken apart (`addPlain`), or it is parsed.
 */
export interface SampleSink {
  /** Seed of the hash that `find` and `addPlain` expect. */
  readonly hashSeed: number;
  /** What `guess` found. */
  readonly guessed: number;
  /**
   * To be called before anything else, unless the body is text. In OpenMetrics `addExpected` stops where another family begins;
   * strict means that histograms must be as its specification has them.
   */
  readAs(dialect: Dialect, rules: { readonly strict: boolean }): void;
  /**
   * Adds the samples of as many lines from `start` on as are what is to be expected there: a canonical series key, one blank, a
   * plain decimal and a line feed or the end. Returns where the first other line begins, or `end`.
   */
  addExpected(view: DataView, start: number, end: number): number;
  /** Where the series key that begins at `start` ends, when it is the one to be expected; then `guessed` is its reference. Else -1. */
  guess(view: DataView, start: number, end: number): number;
  find(view: DataView, start: number, end: number, hash: number): number;
  /**
   * What a key leads to when it is the one to be expected: the first `headEnd` bytes of one view, and those from `start` to `end` of
   * another. Else UNKNOWN.
   */
  guessKey(head: DataView, headEnd: number, view: DataView, start: number, end: number): number;
  /** The same for a series key that is no text (`SeriesKey.key`, or bytes of the body that begin with a line feed). */
  findKey(view: DataView, start: number, end: number, hash: number): number;
  /** The sum of the histogram or summary that a known count belongs to, or UNKNOWN. */
  findSum(count: number): number;
  /** The bucket with this bound of the histogram that a known count belongs to, or UNKNOWN. Cheapest by ascending bounds. */
  findBucket(count: number, bound: number): number;
  /** One sample, or one metadata line, whose series key is known. `value` means nothing for metadata. */
  addKnown(reference: number, value: number, offset: number): void;
  /** One sample whose series key is canonical; false when it must be parsed, and nothing was added. */
  addPlain(view: DataView, series: PlainSeries, hash: number, value: number): boolean;
  /** One sample as parsed. An empty label value means no label. Label names are unique. */
  addSample(name: string, labels: readonly Label[], value: number, seriesKey: SeriesKey): void;
  /** Samples beside a known count of a summary that are thrown away, where no other sample of the body can be of the same series. */
  addDiscarded(samples: number): void;
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

/**
 * A series written as `seriesText` would: ASCII, legacy names, no escapes, no blanks, labels in order and none empty. That its
 * labels are in order does not extend to a last label `le`, which is canonical there in a bucket, and only there.
 */
export interface PlainSeries {
  readonly start: number;
  /** Of the metric name. */
  readonly nameEnd: number;
  readonly end: number;
  readonly labelCount: number;
  /** Where the last label begins, when it is `le`; else -1. */
  readonly lastLe: number;
  /** False when `le` is last and only there out of order. */
  readonly inOrder: boolean;
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
