/**
 * Native buckets as fields of a Histogram message: whole counts as differences of neighbours, all others as they are. Readers take the
 * second form for a histogram of floats, and do not ask there that the buckets hold all that was counted.
 */
import { spansOf } from '../../histogram/spans.ts';
import type { SpannedBuckets } from '../../histogram/spans.ts';
import type { NativeHistogram } from '../../model/native-histogram.ts';
import type { MessageWriter } from './message-writer.ts';
import { histogram as tags, span as spanTags } from './schema.ts';

/** A difference of two such counts, with its sign as its lowest bit, is exact in every reader. */
const WHOLE_COUNT_MAX = 2 ** 52;

interface SideTags {
  readonly span: number;
  readonly deltas: number;
  readonly counts: number;
}

const negativeTags: SideTags = {
  span: tags.negativeSpan,
  deltas: tags.negativeDeltas,
  counts: tags.negativeCounts,
};
const positiveTags: SideTags = {
  span: tags.positiveSpan,
  deltas: tags.positiveDeltas,
  counts: tags.positiveCounts,
};

export class NativeFields {
  /** The count of the message must be one of whole numbers, or one of floats, as this is. */
  readonly isWhole: boolean;
  readonly #native: NativeHistogram;
  readonly #negative: SpannedBuckets;
  readonly #positive: SpannedBuckets;

  /** `count` is that of the whole series. */
  constructor(native: NativeHistogram, count: number) {
    this.#native = native;
    this.#negative = spansOf(native.negative);
    this.#positive = spansOf(native.positive);
    this.isWhole = this.#holdsWhole(count);
  }

  write(writer: MessageWriter): void {
    const { schema, zeroThreshold, zeroCount } = this.#native;
    writer.varint(tags.schema);
    writer.zigzag(schema);
    writer.doubleField(tags.zeroThreshold, zeroThreshold);
    if (this.isWhole) {
      writer.varint(tags.zeroCount);
      writer.varint(zeroCount);
    } else writer.doubleField(tags.zeroCountFloat, zeroCount);
    this.#writeSide(writer, this.#negative, negativeTags);
    this.#writeSide(writer, this.#positive, positiveTags);
    // What tells readers that the histogram is a native one when nothing else does.
    // https://prometheus.io/docs/specs/native_histograms/#exposition-formats
    const hasSpans = this.#negative.spans.length > 0 || this.#positive.spans.length > 0;
    if (!hasSpans && zeroThreshold === 0) writer.close(writer.open(tags.positiveSpan));
  }

  #holdsWhole(count: number): boolean {
    const { zeroCount } = this.#native;
    let held = zeroCount;
    if (!isWhole(count) || !isWhole(zeroCount) || this.#native.count !== count) return false;
    for (const { counts } of [this.#negative, this.#positive]) {
      for (const each of counts) {
        if (!isWhole(each)) return false;
        held += each;
      }
    }
    return held === count;
  }

  #writeSide(writer: MessageWriter, { spans, counts }: SpannedBuckets, side: SideTags): void {
    if (spans.length === 0) return;
    for (const { offset, length } of spans) {
      const opened = writer.open(side.span);
      writer.varint(spanTags.offset);
      writer.zigzag(offset);
      writer.varint(spanTags.length);
      writer.varint(length);
      writer.close(opened);
    }
    const packed = writer.open(this.isWhole ? side.deltas : side.counts);
    let before = 0;
    for (const count of counts) {
      if (this.isWhole) writer.zigzag(count - before);
      else writer.double(count);
      before = count;
    }
    writer.close(packed);
  }
}

function isWhole(count: number): boolean {
  return Number.isInteger(count) && count >= 0 && count <= WHOLE_COUNT_MAX;
}
