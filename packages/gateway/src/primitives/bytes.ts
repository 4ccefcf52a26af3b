/** Bytes that the text formats give a meaning to. */
export const TAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SPACE = 0x20;
export const QUOTE = 0x22;
export const HASH = 0x23;
export const PLUS = 0x2b;
export const COMMA = 0x2c;
export const MINUS = 0x2d;
export const DOT = 0x2e;
export const ZERO = 0x30;
export const NINE = 0x39;
export const EQUALS = 0x3d;
export const BACKSLASH = 0x5c;
export const LEFT_BRACE = 0x7b;
export const RIGHT_BRACE = 0x7d;

/** The same bytes, to be read several at a time. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Position of the next line feed at or after `from`, or `end` when there is none before it. */
export function lineEnd(view: DataView, from: number, end: number): number {
  let position = from;
  // Four bytes at a time: a byte of `feeds` is zero where a line feed stands, and the next line finds zero bytes.
  for (const stop = end - 3; position < stop; position += 4) {
    const feeds = view.getInt32(position, true) ^ 0x0a0a0a0a;
    if (((feeds - 0x01010101) & ~feeds & 0x80808080) !== 0) break;
  }
  while (position < end && view.getUint8(position) !== LF) position += 1;
  return position;
}

/** Whether the same `length` bytes stand at two places. */
export function sameBytes(a: DataView, aStart: number, b: DataView, bStart: number, length: number): boolean {
  let i = 0;
  // Sixteen bytes a step take half the time of four (in the large push a line is about 100 bytes long).
  for (const stop = length - 15; i < stop; i += 16) {
    const difference =
      (a.getInt32(aStart + i, true) ^ b.getInt32(bStart + i, true)) |
      (a.getInt32(aStart + i + 4, true) ^ b.getInt32(bStart + i + 4, true)) |
      (a.getInt32(aStart + i + 8, true) ^ b.getInt32(bStart + i + 8, true)) |
      (a.getInt32(aStart + i + 12, true) ^ b.getInt32(bStart + i + 12, true));
    if (difference !== 0) return false;
  }
  for (const stop = length - 3; i < stop; i += 4) {
    if (a.getInt32(aStart + i, true) !== b.getInt32(bStart + i, true)) return false;
  }
  for (; i < length; i += 1) {
    if (a.getUint8(aStart + i) !== b.getUint8(bStart + i)) return false;
  }
  return true;
}

/** Copies `length` bytes to another place. */
export function copyBytes(from: DataView, start: number, to: DataView, at: number, length: number): void {
  let i = 0;
  for (const stop = length - 3; i < stop; i += 4) {
    to.setInt32(at + i, from.getInt32(start + i, true), true);
  }
  for (; i < length; i += 1) to.setUint8(at + i, from.getUint8(start + i));
}
