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

/** Position of the next line feed at or after `from`, or `end` when there is none before it. */
export function lineEnd(bytes: Uint8Array, from: number, end: number): number {
  const found = bytes.indexOf(LF, from);
  return found === -1 || found > end ? end : found;
}
