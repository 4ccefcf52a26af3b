/** Reads the messages that hold the numbers of a metric into fields that are used again for each. */
import { PushProblem } from '../../model/errors.ts';
import type { Exemplar } from '../../model/exemplar.ts';
import { readExemplar } from './labels.ts';
import { NativeReader } from './native.ts';
import { bucket, histogram, quantile, single, summary } from './schema.ts';
import { readTimestamp } from './timestamp.ts';
import type { WireReader } from './wire.ts';

/** A metric with more is refused before it takes a turn for itself. */
const BUCKETS_READ_MAX = 16_384;

const singleTags = Object.values(single);
const summaryTags = Object.values(summary);
const quantileTags = Object.values(quantile);
const histogramTags = Object.values(histogram);
const bucketTags = Object.values(bucket);

/** A Gauge, Counter or Untyped message. */
export class Single {
  value = 0;
  /** In milliseconds since the Unix epoch; 0 for none. */
  startMs = 0;
  exemplar: Exemplar | undefined;

  /** Reads the message that the reader stands at the beginning of. */
  read(reader: WireReader): void {
    const { end } = reader;
    this.value = 0;
    this.startMs = 0;
    this.exemplar = undefined;
    while (reader.at < end) {
      const tag = reader.tag();
      if (tag === single.value) this.value = reader.double();
      else if (tag === single.exemplar) this.exemplar = readExemplar(reader);
      else if (tag === single.start) this.startMs = readTimestamp(reader);
      else reader.skipUnused(tag, singleTags);
    }
  }
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
  /** In milliseconds since the Unix epoch; 0 for none. */
  startMs = 0;
  /** The count came as a float. */
  isFloat = false;
  readonly native: NativeReader = new NativeReader();
  /** Of buckets, each with the place of its bucket, in ascending order. */
  readonly exemplars: { readonly bucket: number; readonly exemplar: Exemplar }[] = [];
  readonly nativeExemplars: Exemplar[] = [];

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
          this.startMs = readTimestamp(reader);
          break;
        case histogram.exemplar:
          if (this.nativeExemplars.length < BUCKETS_READ_MAX) this.nativeExemplars.push(readExemplar(reader));
          else reader.skip(tag);
          break;
        default:
          if (!this.native.read(reader, tag, at)) reader.skipUnused(tag, histogramTags);
      }
    }
    this.isFloat = countFloat > 0;
    if (this.isFloat) this.count = countFloat;
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
      else if (tag === summary.start) this.startMs = readTimestamp(reader);
      else reader.skipUnused(tag, summaryTags);
    }
  }

  /** The place of a quantile that was there before, or -1. */
  twin(): number {
    const { bounds, length } = this;
    let ascending = 1;
    while (ascending < length && bounds[ascending - 1]! < bounds[ascending]!) ascending += 1;
    if (ascending >= length) return -1;
    const seen = new Set<number>();
    for (let i = 0; i < length; i += 1) {
      if (seen.has(bounds[i]!)) return i;
      seen.add(bounds[i]!);
    }
    return -1;
  }

  #clear(): void {
    this.count = 0;
    this.sum = 0;
    this.length = 0;
    this.startMs = 0;
    this.isFloat = false;
    this.native.clear();
    if (this.exemplars.length > 0) this.exemplars.length = 0;
    if (this.nativeExemplars.length > 0) this.nativeExemplars.length = 0;
  }

  #readBucket(reader: WireReader, offset: number): void {
    const { end } = reader;
    const next = reader.bytesEnd();
    reader.end = next;
    let count = 0;
    let countFloat = 0;
    let bound = 0;
    let exemplar: Exemplar | undefined;
    while (reader.at < next) {
      const at = reader.at;
      const tag = reader.tag();
      if (tag === bucket.count) count = reader.varint();
      else if (tag === bucket.bound) bound = reader.double();
      else if (tag === bucket.countFloat) countFloat = floatCount(reader.double(), at);
      else if (tag === bucket.exemplar) exemplar = readExemplar(reader);
      else reader.skipUnused(tag, bucketTags);
    }
    reader.enter(next, end);
    if (exemplar !== undefined) this.exemplars.push({ bucket: this.length, exemplar });
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
  throw new PushProblem(
    'invalid_value',
    `a count is ${value}; counts must be finite and not negative`,
    offset,
  );
}
