/** Labels from canonical text, `a="b","c.d"="e"`, to LabelPair messages, byte by byte: most of a page is labels. */
import { BACKSLASH, EQUALS, LF, QUOTE } from '../../primitives/bytes.ts';
import type { MessageWriter } from './message-writer.ts';
import { label as labelTags, metric as metricTags } from './schema.ts';

const LOWER_N = 0x6e;
/** The tags of a pair, its name and its value, and how long each is. */
const PAIR_HEAD_BYTES = 6;
/** From here on a length may take more than the byte that was left for it. */
const SHORT_BYTES = 128;

/** Writes the labels from `start` to `end` as fields of the metric that is open. */
export function writeLabelPairs(
  writer: MessageWriter,
  bytes: Uint8Array,
  { start, end }: { readonly start: number; readonly end: number },
): void {
  if (start === end) return;
  if (end - start < SHORT_BYTES) writeShortPairs(writer, bytes, start, end);
  else writeLongPairs(writer, bytes, start, end);
}

/** All lengths take one byte, as not even all labels together are long. */
function writeShortPairs(writer: MessageWriter, bytes: Uint8Array, start: number, end: number): void {
  // Six bytes of tags and lengths come in place of four or five of text, so that this is more than enough.
  const to = writer.room((end - start) * 2 + PAIR_HEAD_BYTES);
  let at = writer.position;
  for (let from = start; from < end;) {
    const pair = at;
    to[pair] = metricTags.label;
    to[pair + 2] = labelTags.name;
    at = pair + 4;
    if (bytes[from] === QUOTE) {
      from += 1;
      for (let byte = bytes[from]!; byte !== QUOTE; byte = bytes[from]!) {
        if (byte === BACKSLASH) {
          from += 1;
          byte = bytes[from] === LOWER_N ? LF : bytes[from]!;
        }
        to[at] = byte;
        at += 1;
        from += 1;
      }
      from += 1;
    } else {
      for (let byte = bytes[from]!; byte !== EQUALS; byte = bytes[from]!) {
        to[at] = byte;
        at += 1;
        from += 1;
      }
    }
    to[pair + 3] = at - pair - 4;
    const value = at + 2;
    to[at] = labelTags.value;
    at = value;
    // Behind the equals sign and the quote.
    from += 2;
    for (let byte = bytes[from]!; byte !== QUOTE; byte = bytes[from]!) {
      if (byte === BACKSLASH) {
        from += 1;
        byte = bytes[from] === LOWER_N ? LF : bytes[from]!;
      }
      to[at] = byte;
      at += 1;
      from += 1;
    }
    to[value - 1] = at - value;
    to[pair + 1] = at - pair - 2;
    // Behind the quote and the comma.
    from += 2;
  }
  writer.position = at;
}

function writeLongPairs(writer: MessageWriter, bytes: Uint8Array, start: number, end: number): void {
  for (let from = start; from < end;) {
    const pair = writer.open(metricTags.label);
    const isQuoted = bytes[from] === QUOTE;
    from = writeUntil(writer, bytes, {
      from: isQuoted ? from + 1 : from,
      stop: isQuoted ? QUOTE : EQUALS,
      tag: labelTags.name,
    });
    if (isQuoted) from += 1;
    from = writeUntil(writer, bytes, { from: from + 2, stop: QUOTE, tag: labelTags.value }) + 2;
    writer.close(pair);
  }
}

/** Writes one field with what stands before a byte, and returns where that byte stands. */
function writeUntil(
  writer: MessageWriter,
  bytes: Uint8Array,
  { from, stop, tag }: { readonly from: number; readonly stop: number; readonly tag: number },
): number {
  const field = writer.open(tag);
  let end = from;
  for (; bytes[end] !== stop; end += 1) if (bytes[end] === BACKSLASH) end += 1;
  const to = writer.room(end - from);
  let at = writer.position;
  for (let i = from; i < end; i += 1) {
    let byte = bytes[i]!;
    if (byte === BACKSLASH) {
      i += 1;
      byte = bytes[i] === LOWER_N ? LF : bytes[i]!;
    }
    to[at] = byte;
    at += 1;
  }
  writer.position = at;
  writer.close(field);
  return end;
}
