/** No series key like this was seen before. Every other reference that a sink gives is opaque to decoders. */
export const UNKNOWN = -1;

/**
 * What the state knows by its bytes, for decoders that want to be fast. A series key is the raw bytes of a series, or of a whole HELP or
 * TYPE line. From the cheapest way to the dearest: whole lines follow one another as the last time (`addExpected`), a series key does
 * (`guess`), it was seen before (`find`), it is canonical and so need not be taken apart (`addPlain`), or it is parsed, and given to the
 * SampleSink. What is added here means what the same lines parsed would, and may throw the same errors.
 */
export interface KnownSeries {
  /** Seed of the hash that `find` and `addPlain` expect. */
  readonly hashSeed: number;
  /** What `guess` found. */
  readonly guessed: number;
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
  /** Samples beside a known count of a summary that are thrown away, where no other sample of the body can be of the same series. */
  addDiscarded(samples: number): void;
  /** One sample whose series key is canonical; false when it must be parsed, and nothing was added. */
  addPlain(view: DataView, series: PlainSeries, hash: number, value: number): boolean;
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
