/** What is around a place in a text of many lines, for people to see what is wrong there. It stays within the line, and within some characters. */
import { LF } from './bytes.ts';
import { hideTokens } from './hide-tokens.ts';

/** Characters that are shown before the place, and from it on. */
const AROUND = 60;
/** Looked at on each side, so that a token at the edge of what is shown is known for one. */
const BYTES_AROUND = 1024;

export interface Excerpt {
  readonly text: string;
  /** Of the place in this text, from 1; in characters. */
  readonly column: number;
}

/** `offset` is a byte position in `body`, which is UTF-8, more or less. */
export function excerptAt(body: Uint8Array, offset: number): Excerpt {
  const ahead = body.subarray(Math.max(0, offset - BYTES_AROUND), offset);
  const after = body.subarray(offset, offset + BYTES_AROUND);
  const lineStart = ahead.lastIndexOf(LF) + 1;
  const lineEnd = after.indexOf(LF);
  const end = lineEnd < 0 ? after.length : lineEnd;
  const isCutBefore = lineStart === 0 && ahead.length < offset;
  const isCutAfter = lineEnd < 0 && offset + after.length < body.length;
  const left = textOf(ahead.subarray(lineStart), isCutBefore);
  const right = textOf(after.subarray(0, end), false);
  // The place may be within a token.
  const shown = Array.from(hideInPlace(left + right));
  const at = Array.from(left).length;
  const from = Math.max(0, at - AROUND);
  const to = at + AROUND;
  const head = from > 0 || isCutBefore ? '…' : '';
  const tail = to < shown.length || isCutAfter ? '…' : '';
  return { text: `${head}${shown.slice(from, to).join('')}${tail}`, column: at - from + head.length + 1 };
}

/** A character that begins before the piece is left out. */
function textOf(piece: Uint8Array, isCut: boolean): string {
  let from = 0;
  while (isCut && from < 3 && (piece[from]! & 0xc0) === 0x80) from += 1;
  return Buffer.from(piece.buffer, piece.byteOffset + from, piece.length - from).toString('utf8');
}

/** Tokens are hidden, and all else stays where it is. */
function hideInPlace(text: string): string {
  const hidden = hideTokens(text);
  return hidden === text
    ? text
    : text.replaceAll(/[\w-]+/g, (word) => hideTokens(word).padEnd(word.length, '*'));
}
