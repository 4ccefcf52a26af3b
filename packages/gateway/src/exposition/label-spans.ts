/** Where names and values stand in the labels of canonical text, `a="b","c.d"="e"`. */
import { BACKSLASH, EQUALS, QUOTE } from '../primitives/bytes.ts';

/** Adds the names of the labels from `start` to `end`, as they are spelled, in Latin-1. */
export function collectLabelNames(into: Set<string>, bytes: Uint8Array, start: number, end: number): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let position = start; position < end;) {
    const nameEnd = labelNameEnd(bytes, position);
    into.add(buffer.toString('latin1', position, nameEnd));
    position = labelValueEnd(bytes, nameEnd) + 1;
  }
}

/** Behind the name that begins at `start`, where the equals sign stands. */
export function labelNameEnd(bytes: Uint8Array, start: number): number {
  if (bytes[start] === QUOTE) return quoteEnd(bytes, start + 1) + 1;
  let position = start;
  while (bytes[position] !== EQUALS) position += 1;
  return position;
}

/** Behind the value whose equals sign is given. */
export function labelValueEnd(bytes: Uint8Array, equals: number): number {
  return quoteEnd(bytes, equals + 2) + 1;
}

/** The quote that ends what begins at `start`, behind its opening one. */
function quoteEnd(bytes: Uint8Array, start: number): number {
  let position = start;
  for (; bytes[position] !== QUOTE; position += 1) {
    if (bytes[position] === BACKSLASH) position += 1;
  }
  return position;
}
