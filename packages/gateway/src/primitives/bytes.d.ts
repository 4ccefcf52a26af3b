/** Bytes that the text formats give a meaning to. */
export declare const TAB = 9;
export declare const LF = 10;
export declare const CR = 13;
export declare const SPACE = 32;
export declare const QUOTE = 34;
export declare const HASH = 35;
export declare const PLUS = 43;
export declare const COMMA = 44;
export declare const MINUS = 45;
export declare const DOT = 46;
export declare const ZERO = 48;
export declare const NINE = 57;
export declare const EQUALS = 61;
export declare const BACKSLASH = 92;
export declare const LEFT_BRACE = 123;
export declare const RIGHT_BRACE = 125;
/** The same bytes, to be read several at a time. */
export declare function viewOf(bytes: Uint8Array): DataView;
/** Position of the next line feed at or after `from`, or `end` when there is none before it. */
export declare function lineEnd(view: DataView, from: number, end: number): number;
/** Whether the same `length` bytes stand at two places. */
export declare function sameBytes(
  a: DataView,
  aStart: number,
  b: DataView,
  bStart: number,
  length: number,
): boolean;
