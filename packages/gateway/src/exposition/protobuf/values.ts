/** Reads the messages that hold the numbers of a metric into fields that are used again for each. */
import { PushProblem } from '../../model/errors.ts';
import { passExemplar, passTimestamp } from './labels.ts';
import { bucket, histogram, quantile, single, summary } from './schema.ts';
import type { WireReader } from './wire.ts';

/** A metric with more is refused before it takes a turn for itself. */
const BUCKETS_READ_MAX = 16_384;

const singleTags = Object.values(single);
const summaryTags = Object.values(summary);
const quantileTags = Object.values(quantile);
const histogramTags = Object.values(histogram);
const bucketTags = Object.values(bucket);

/** The value of a Gauge, Counter or Untyped message, of which the reader stands at the beginning. */
export function readSingle(reader: WireReader): number {
  const { end } = reader;
  let value = 0;
  while (reader.at < end) {
    const tag = reader.tag();
    if (tag === single.value) value = reader.double();
    else if (tag === single.exemplar) passExemplar(reader);
    // When counting began. To show it would add a series `<x>_created` that the same client does not have in text.
    else if (tag === single.start) passTimestamp(reader);
    else reader.skipUnused(tag, singleTags);
  }
  return value;
}

/** A Histogram or Summary message. */
export class Distribution {
  count = 0;
  sum = 0;
  /** Buckets or quantiles. */
  length = 0;
  /** Upper bounds of buckets, or which quantiles. */
  readonly bounds: number[] = [];
  readonly values: number[] = [];
  readonly offsets: number[] = [];
  /** There are native buckets, whether or not there are classic ones. */
  native = false;

  /** Reads the Histogram that the reader stands at the beginning of. */
  readHistogram(reader: WireReader): void {
    const { end } = reader;
    this.#clear();
    let countFloat = 0;
    while (reader.at < end) {
      const at = reader.at;
      const tag = reader.tag();
      switch (tag) {
        case histogram.bucket:
          this.#readBucket(reader, at);
          break;
        case histogram.count:
          this.count = reader.varint();
          break;
        case histogram.sum:
          this.sum = reader.double();
          break;
        case histogram.countFloat:
          countFloat = floatCount(reader.double(), at);
          break;
        case histogram.start:
          passTimestamp(reader);
          break;
        case histogram.exemplar:
          passExemplar(reader);
          break;
        case histogram.zeroThreshold:
        case histogram.zeroCountFloat:
          if (reader.double() !== 0) this.native = true;
          break;
        case histogram.zeroCount:
          if (reader.varint() !== 0) this.native = true;
          break;
        case histogram.negativeSpan:
        case histogram.positiveSpan:
          this.native = true;
          reader.skip(tag);
          break;
        default:
          reader.skipUnused(tag, histogramTags);
      }
    }
    if (countFloat > 0) this.count = countFloat;
  }

  /** Reads the Summary that the reader stands at the beginning of. */
  readSummary(reader: WireReader): void {
    const { end } = reader;
    this.#clear();
    while (reader.at < end) {
      const at = reader.at;
      const tag = reader.tag();
      if (tag === summary.count) this.count = reader.varint();
      else if (tag === summary.sum) this.sum = reader.double();
      else if (tag === summary.quantile) this.#readQuantile(reader, at);
      else if (tag === summary.start) passTimestamp(reader);
      else reader.skipUnused(tag, summaryTags);
    }
  }

  #clear(): void {
    this.count = 0;
    this.sum = 0;
    this.length = 0;
    this.native = false;
  }

  #readBucket(reader: WireReader, offset: number): void {
    const { end } = reader;
    const next = reader.bytesEnd();
    reader.end = next;
    let count = 0;
    let countFloat = 0;
    let bound = 0;
    while (reader.at < next) {
      const at = reader.at;
      const tag = reader.tag();
      if (tag === bucket.count) count = reader.varint();
      else if (tag === bucket.bound) bound = reader.double();
      else if (tag === bucket.countFloat) countFloat = floatCount(reader.double(), at);
      else if (tag === bucket.exemplar) passExemplar(reader);
      else reader.skipUnused(tag, bucketTags);
    }
    reader.enter(next, end);
    this.#add(bound, countFloat > 0 ? countFloat : count, offset);
  }

  #readQuantile(reader: WireReader, offset: number): void {
    const { end } = reader;
    const next = reader.bytesEnd();
    reader.end = next;
    let which = 0;
    let value = 0;
    while (reader.at < next) {
      const tag = reader.tag();
      if (tag === quantile.quantile) which = reader.double();
      else if (tag === quantile.value) value = reader.double();
      else reader.skipUnused(tag, quantileTags);
    }
    reader.enter(next, end);
    this.#add(which, value, offset);
  }

  #add(bound: number, value: number, offset: number): void {
    const { length } = this;
    if (length === BUCKETS_READ_MAX) {
      throw new PushProblem(
        'buckets_limit',
        `the metric has more than ${BUCKETS_READ_MAX} buckets or quantiles`,
        offset,
      );
    }
    this.bounds[length] = bound;
    this.values[length] = value;
    this.offsets[length] = offset;
    this.length = length + 1;
  }
}

function floatCount(value: number, offset: number): number {
  if (value >= 0) return value;
  throw new PushProblem('invalid_value', `a count is ${value}; counts are zero or more, and finite`, offset);
}
