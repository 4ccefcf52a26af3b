/** Counting lines and characters, for errors: a body may be megabytes of line feeds. */
import { LF, viewOf } from './bytes.ts';

/** Counted in one step: less than a tenth of a millisecond. */
const STEP_BYTES = 64 * 1024;
const WORD_BYTES = 4;

/** Line feeds before `end`. */
export function* countLineFeeds(bytes: Uint8Array, end: number): Generator<void, number> {
  const view = viewOf(bytes);
  let count = 0;
  for (let from = 0; from < end; from += STEP_BYTES) {
    count += lineFeedsIn(view, from, Math.min(from + STEP_BYTES, end));
    yield;
  }
  return count;
}

function lineFeedsIn(view: DataView, start: number, end: number): number {
  let count = 0;
  let at = start;
  // Four bytes at a time: the highest bit of each byte of `zeros` says whether a line feed stands there.
  for (; at + WORD_BYTES <= end; at += WORD_BYTES) {
    const feeds = view.getInt32(at, true) ^ 0x0a0a0a0a;
    const zeros = ~(((feeds & 0x7f7f7f7f) + 0x7f7f7f7f) | feeds | 0x7f7f7f7f);
    if (zeros !== 0) count += Math.imul(zeros >>> 7, 0x01010101) >>> 24;
  }
  for (; at < end; at += 1) if (view.getUint8(at) === LF) count += 1;
  return count;
}

/** Characters of UTF-8 text between two positions: all bytes but those that go on with a character. */
export function* countCharacters(bytes: Uint8Array, start: number, end: number): Generator<void, number> {
  let count = 0;
  for (let from = start; from < end; from += STEP_BYTES) {
    const to = Math.min(from + STEP_BYTES, end);
    for (let at = from; at < to; at += 1) if ((bytes[at]! & 0xc0) !== 0x80) count += 1;
    yield;
  }
  return count;
}
