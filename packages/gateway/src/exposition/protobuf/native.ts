/**
 * The native part of a Histogram message.
 *
 *   schema, zero_threshold, zero_count
 *   spans   [ offset, length ] …      which buckets there are, for each sign
 *   deltas  each count as the difference to the one before (integers), or
 *   counts  as they are (floats)
 */
import { bucketsOf } from '../../histogram/spans.ts';
import type { BucketSpan } from '../../histogram/spans.ts';
import { histogramProblem } from '../../histogram/validate.ts';
import { PushProblem } from '../../model/errors.ts';
import type { NativeBuckets, NativeHistogram } from '../../model/native-histogram.ts';
import { histogram, span } from './schema.ts';
import type { WireReader } from './wire.ts';

/** A metric with more is refused before it takes a turn for itself. */
const BUCKETS_READ_MAX = 16_384;

const spanTags = Object.values(span);

/** The buckets of one sign, as they come. */
class Side {
  readonly spans: BucketSpan[] = [];
  readonly counts: number[] = [];
  /** The count that the next delta is added to; a bigint where a double would not hold it exactly. */
  #last: number | bigint = 0;

  clear(): void {
    if (this.spans.length > 0) this.spans.length = 0;
    if (this.counts.length > 0) this.counts.length = 0;
    this.#last = 0;
  }

  addDelta(delta: number | bigint): void {
    const last = this.#last;
    const sum = typeof last === 'number' && typeof delta === 'number' ? last + delta : Number.NaN;
    this.#last = Number.isSafeInteger(sum) ? sum : BigInt(last) + BigInt(delta);
    this.counts.push(Number(this.#last));
  }

  buckets(): NativeBuckets | string {
    return bucketsOf(this.spans, this.counts, BUCKETS_READ_MAX);
  }
}

export class NativeReader {
  /** There are native buckets, or there would be if anything had been observed. */
  isThere = false;
  #schema = 0;
  #zeroThreshold = 0;
  #zeroCount = 0;
  #zeroCountFloat = 0;
  #isFloat = false;
  readonly #positive = new Side();
  readonly #negative = new Side();

  clear(): void {
    this.isThere = false;
    this.#schema = 0;
    this.#zeroThreshold = 0;
    this.#zeroCount = 0;
    this.#zeroCountFloat = 0;
    this.#isFloat = false;
    this.#positive.clear();
    this.#negative.clear();
  }

  /** Reads a field whose tag was read at `at`; false when it is none of these. */
  read(reader: WireReader, tag: number, at: number): boolean {
    switch (tag) {
      case histogram.schema:
        this.#schema = Number(reader.sint64());
        return true;
      case histogram.zeroThreshold:
        this.#zeroThreshold = reader.double();
        this.isThere ||= this.#zeroThreshold !== 0;
        return true;
      case histogram.zeroCount:
        this.#zeroCount = reader.varint();
        this.isThere ||= this.#zeroCount !== 0;
        return true;
      case histogram.zeroCountFloat:
        this.#zeroCountFloat = reader.double();
        this.isThere ||= this.#zeroCountFloat !== 0;
        return true;
      case histogram.negativeSpan:
        this.#readSpan(reader, this.#negative, at);
        return true;
      case histogram.positiveSpan:
        this.#readSpan(reader, this.#positive, at);
        return true;
      default:
        return this.#readCounts(reader, tag, at);
    }
  }

  /**
   * The histogram that the fields make, with the count and sum of the message; or a sentence part that says how it contradicts itself.
   * `float` says that the count is one.
   */
  histogram(of: {
    readonly count: number;
    readonly sum: number;
    readonly float: boolean;
  }): NativeHistogram | string {
    const { count, sum, float } = of;
    const isFloat = float || this.#isFloat || this.#zeroCountFloat > 0;
    const positive = this.#positive.buckets();
    if (typeof positive === 'string') return positive;
    const negative = this.#negative.buckets();
    if (typeof negative === 'string') return negative;
    const found: NativeHistogram = {
      schema: this.#schema,
      zeroThreshold: this.#zeroThreshold,
      zeroCount: this.#zeroCountFloat > 0 ? this.#zeroCountFloat : this.#zeroCount,
      count,
      sum,
      positive,
      negative,
    };
    return histogramProblem(found, !isFloat) ?? found;
  }

  /** Counts come one by one, or several in one field. */
  #readCounts(reader: WireReader, tag: number, at: number): boolean {
    switch (tag) {
      case histogram.negativeDelta:
      case histogram.positiveDelta:
        this.#addDelta(reader, tag === histogram.negativeDelta ? this.#negative : this.#positive, at);
        return true;
      case histogram.negativeCount:
      case histogram.positiveCount:
        this.#addCount(reader, tag === histogram.negativeCount ? this.#negative : this.#positive, at);
        return true;
      case histogram.negativeDeltas:
      case histogram.positiveDeltas:
      case histogram.negativeCounts:
      case histogram.positiveCounts:
        break;
      default:
        return false;
    }
    const isDeltas = tag === histogram.negativeDeltas || tag === histogram.positiveDeltas;
    const isNegative = tag === histogram.negativeDeltas || tag === histogram.negativeCounts;
    const side = isNegative ? this.#negative : this.#positive;
    const { end } = reader;
    const next = reader.bytesEnd();
    reader.end = next;
    while (reader.at < next) {
      if (isDeltas) this.#addDelta(reader, side, at);
      else this.#addCount(reader, side, at);
    }
    reader.enter(next, end);
    return true;
  }

  #addDelta(reader: WireReader, side: Side, at: number): void {
    checkSpace(side.counts, at);
    side.addDelta(reader.sint64());
  }

  #addCount(reader: WireReader, side: Side, at: number): void {
    checkSpace(side.counts, at);
    side.counts.push(reader.double());
    this.#isFloat = true;
  }

  #readSpan(reader: WireReader, side: Side, at: number): void {
    this.isThere = true;
    checkSpace(side.spans, at);
    const { end } = reader;
    const next = reader.bytesEnd();
    reader.end = next;
    let offset = 0;
    let length = 0;
    while (reader.at < next) {
      const tag = reader.tag();
      if (tag === span.offset) offset = Number(reader.sint64());
      else if (tag === span.length) length = reader.varint();
      else reader.skipUnused(tag, spanTags);
    }
    reader.enter(next, end);
    side.spans.push({ offset, length });
  }
}

function checkSpace(list: readonly unknown[], offset: number): void {
  if (list.length < BUCKETS_READ_MAX) return;
  throw new PushProblem(
    'buckets_limit',
    `the metric has more than ${BUCKETS_READ_MAX} native buckets or spans`,
    offset,
  );
}
