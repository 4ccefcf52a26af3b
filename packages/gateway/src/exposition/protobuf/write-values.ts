/** Parts that several messages have: exemplars and timestamps. */
import type { Exemplar } from '../../model/exemplar.ts';
import { FIELD_BYTES } from './message-bytes.ts';
import type { MessageBytes } from './message-bytes.ts';
import { exemplar as exemplarTags, label as labelTags, timestamp as timestampTags } from './schema.ts';

/** The bounds of google.protobuf.Timestamp, in seconds: the years 1 to 9999. */
const SECONDS_MIN = -62_135_596_800;
const SECONDS_MAX = 253_402_300_799;

/** The last double that fits into 64 bits. */
const UINT64_MAX = 2 ** 64 - 2 ** 11;

/** Whether a number can be written as a count. Others go into the fields of floats. */
export function isCount(value: number): boolean {
  return value >= 0 && value <= 2 ** 53 && Number.isInteger(value);
}

/** The number nearest to it that a field of 64 bits holds, where there is no field of floats. Of NaN, 0. */
export function nearestCount(value: number): number {
  if (isCount(value)) return value;
  return value > 0 ? Math.min(Math.round(value), UINT64_MAX) : 0;
}

/** Makes room for itself and as much again as a field may take. */
export function writeExemplar(to: MessageBytes, tag: number, exemplar: Exemplar): void {
  to.reserve(4 * FIELD_BYTES);
  const place = to.open(tag);
  for (const { name, value } of exemplar.labels) {
    to.reserve(FIELD_BYTES);
    const pair = to.open(exemplarTags.label);
    to.text(labelTags.name, name);
    to.text(labelTags.value, value);
    to.reserve(FIELD_BYTES);
    to.close(pair);
  }
  to.reserve(8 * FIELD_BYTES);
  to.double(exemplarTags.value, exemplar.value);
  writeTimestamp(to, exemplarTags.timestamp, exemplar.timestampMs ?? Number.NaN);
  to.close(place);
}

/**
 * To the microsecond, which is what a double tells of times of our days. Nothing for NaN and what is out of bounds, nor for 0, which
 * readers take for none.
 */
export function writeTimestamp(to: MessageBytes, tag: number, milliseconds: number): void {
  let seconds = Math.floor(milliseconds / 1_000);
  let micros = Math.round((milliseconds - seconds * 1_000) * 1_000);
  if (micros === 1_000_000) {
    seconds += 1;
    micros = 0;
  }
  if (!(seconds >= SECONDS_MIN && seconds <= SECONDS_MAX) || (seconds === 0 && micros === 0)) return;
  const place = to.open(tag);
  to.int64(timestampTags.seconds, seconds);
  if (micros > 0) to.whole(timestampTags.nanos, micros * 1_000);
  to.close(place);
}
