/**
 * Timestamps. Each counter of a Go client has one, so what clients write is read a word at a time. In the large push of the benchmark that
 * saves a quarter of all the time.
 */
import { timestamp } from './schema.ts';
import type { WireReader } from './wire.ts';

const tags = Object.values(timestamp);

/** A number of five bytes, with the tag before it. */
const FIELD_BYTES = 6;
/** The bits of four bytes that say that a number goes on. */
const MORE_BITS = 0x80808080 | 0;
const MORE_BITS_BUT_LAST = 0x00808080;

/** The last byte of five may not be more, or 31 bits would not hold the number: this is good until 2038, and for nanoseconds. */
const HIGH_MAX = 8;

/** A Timestamp message, in milliseconds. */
export function readTimestamp(reader: WireReader): number {
  const next = reader.bytesEnd();
  const { view, at } = reader;
  const length = next - at;
  // Seconds of five bytes (from 1978 on), and nanoseconds of five or, where they are few, four.
  if (length !== 2 * FIELD_BYTES && length !== 2 * FIELD_BYTES - 1) return readFields(reader, next);
  const seconds = view.getInt32(at + 1, true);
  const nanos = view.getInt32(at + FIELD_BYTES + 1, true);
  const highSeconds = view.getUint8(at + FIELD_BYTES - 1);
  const highNanos = length === 2 * FIELD_BYTES ? view.getUint8(next - 1) : 0;
  const isPlain =
    view.getUint8(at) === timestamp.seconds &&
    view.getUint8(at + FIELD_BYTES) === timestamp.nanos &&
    (seconds & MORE_BITS) === MORE_BITS &&
    highSeconds < HIGH_MAX &&
    (nanos & MORE_BITS) === (length === 2 * FIELD_BYTES ? MORE_BITS : MORE_BITS_BUT_LAST) &&
    highNanos < HIGH_MAX;
  if (!isPlain) return readFields(reader, next);
  reader.at = next;
  const wholeSeconds = fourBytes(seconds) + (highSeconds << 28);
  return wholeSeconds * 1_000 + (fourBytes(nanos) + (highNanos << 28)) / 1_000_000;
}

/** The 28 bits of the first four bytes of a number. */
function fourBytes(word: number): number {
  return (word & 0x7f) | ((word >>> 1) & 0x3f80) | ((word >>> 2) & 0x1fc000) | ((word >>> 3) & 0xfe00000);
}

function readFields(reader: WireReader, next: number): number {
  const { end } = reader;
  let seconds = 0;
  let nanos = 0;
  reader.end = next;
  while (reader.at < next) {
    const tag = reader.tag();
    if (tag === timestamp.seconds) seconds = signed(reader.varint());
    else if (tag === timestamp.nanos) nanos = signed(reader.varint());
    else reader.skipUnused(tag, tags);
  }
  reader.enter(next, end);
  return seconds * 1_000 + nanos / 1_000_000;
}

/** Negative numbers are written as two's complement of 64 bits. */
function signed(value: number): number {
  return value >= 2 ** 63 ? value - 2 ** 64 : value;
}
