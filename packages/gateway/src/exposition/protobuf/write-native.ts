/**
 * The native part of a Histogram message. Counts that are whole numbers are written as such where they agree: the count must be that
 * of all buckets together, which readers check. Elsewhere it is a histogram of floats, in which the count may be more: some senders
 * gave classic buckets only.
 */
import { spansOf } from '../../histogram/spans.ts';
import type { BucketSpan, SpannedBuckets } from '../../histogram/spans.ts';
import type { Exemplar } from '../../model/exemplar.ts';
import type { NativeView, SeriesView } from '../../model/read-view.ts';
import { FIELD_BYTES } from './message-bytes.ts';
import type { MessageBytes } from './message-bytes.ts';
import { histogram as tags, span as spanTags } from './schema.ts';
import { isCount } from './write-values.ts';

/** A number in a list of them, at most. */
const NUMBER_BYTES = 10;

const noSpan: BucketSpan = { offset: 0, length: 0 };

interface NativeFields {
  readonly native: NativeView;
  readonly exemplars: readonly Exemplar[];
  readonly positive: SpannedBuckets;
  readonly negative: SpannedBuckets;
  /** All counts are whole numbers, that of the message as well; else it must be a float. */
  readonly isWhole: boolean;
}

/**
 * Undefined where there are no native buckets. Readers count empty buckets that are written out as any others, so short gaps are
 * filled only while there are not more than `bucketsMax` of all.
 */
export function nativeFields(series: SeriesView, bucketsMax: number): NativeFields | undefined {
  const native = series.native();
  if (native === undefined) return undefined;
  let positive = spansOf(native.positive);
  let negative = spansOf(native.negative);
  if (positive.counts.length + negative.counts.length > bucketsMax) {
    positive = spansOf(native.positive, 0);
    negative = spansOf(native.negative, 0);
  }
  const isWhole = areCounts(series.value, native.zeroCount, [positive, negative]);
  return { native, exemplars: native.exemplars, positive, negative, isWhole };
}

function areCounts(count: number, zeroCount: number, sides: readonly SpannedBuckets[]): boolean {
  let total = zeroCount;
  // Below 2^53 the total cannot have been rounded to it.
  if (!Number.isSafeInteger(count) || !isCount(count) || !isCount(zeroCount)) return false;
  for (const { counts } of sides) {
    for (const each of counts) {
      if (!isCount(each)) return false;
      total += each;
    }
  }
  return total === count;
}

/** All of it but the count and the exemplars. */
export function writeNative(to: MessageBytes, fields: NativeFields): void {
  const { native, positive, negative, isWhole } = fields;
  const { schema, zeroThreshold, zeroCount } = native;
  to.reserve(4 * FIELD_BYTES);
  to.varint(tags.schema);
  to.zigzag(schema);
  to.double(tags.zeroThreshold, zeroThreshold);
  if (isWhole) to.whole(tags.zeroCount, zeroCount);
  else to.double(tags.zeroCountFloat, zeroCount);
  writeSpans(to, tags.negativeSpan, negative);
  if (isWhole) writeDeltas(to, tags.negativeDeltas, negative.counts);
  else writeFloats(to, tags.negativeCounts, negative.counts);
  const isEmpty = positive.spans.length === 0 && negative.spans.length === 0;
  // It says that there is a native histogram at all. A zero count alone might, but Prometheus does not look at that of floats.
  if (isEmpty && zeroThreshold === 0) writeSpan(to, tags.positiveSpan, noSpan);
  writeSpans(to, tags.positiveSpan, positive);
  if (isWhole) writeDeltas(to, tags.positiveDeltas, positive.counts);
  else writeFloats(to, tags.positiveCounts, positive.counts);
}

function writeSpans(to: MessageBytes, tag: number, { spans }: SpannedBuckets): void {
  for (const each of spans) writeSpan(to, tag, each);
}

function writeSpan(to: MessageBytes, tag: number, span: BucketSpan): void {
  to.reserve(3 * FIELD_BYTES);
  const place = to.open(tag);
  to.varint(spanTags.offset);
  to.zigzag(span.offset);
  to.whole(spanTags.length, span.length);
  to.close(place);
}

function writeDeltas(to: MessageBytes, tag: number, counts: readonly number[]): void {
  if (counts.length === 0) return;
  to.reserve(counts.length * NUMBER_BYTES + FIELD_BYTES);
  const place = to.open(tag);
  let last = 0;
  for (const count of counts) {
    to.zigzag(count - last);
    last = count;
  }
  to.close(place);
}

function writeFloats(to: MessageBytes, tag: number, counts: readonly number[]): void {
  if (counts.length === 0) return;
  to.reserve(counts.length * 8 + FIELD_BYTES);
  const place = to.open(tag);
  for (const count of counts) to.bareDouble(count);
  to.close(place);
}
