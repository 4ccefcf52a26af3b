/** What the text formats share in reading one line: a position in it, labels, and how the input is quoted in messages. */
import { isUtf8 } from 'node:buffer';

import { PushProblem } from '../model/errors.ts';
import { isLegacyLabelName } from '../model/labels.ts';
import type { Label } from '../model/labels.ts';
import {
  BACKSLASH,
  COMMA,
  CR,
  EQUALS,
  LF,
  lineEnd,
  QUOTE,
  RIGHT_BRACE,
  SPACE,
  TAB,
  viewOf,
} from '../primitives/bytes.ts';
import { quote, shorten } from '../primitives/quote.ts';
import { flatText } from '../primitives/flat-text.ts';

/** A line is read in one go, so its length must be bounded; so must the labels, each of which is compared to all others. */
const LINE_BYTES_MAX = 256 * 1024;
const LABELS_READ_MAX = 1024;

/** Throws a PushProblem for a line that is too long, ends in a carriage return or is not UTF-8. */
export function checkLine(bytes: Uint8Array, start: number, end: number): void {
  if (end - start > LINE_BYTES_MAX) throw longLine(start);
  if (bytes[end - 1] === CR) {
    throw new PushProblem(
      'carriage_return',
      'the line ends in a carriage return; end lines with a line feed only (LF, not CR LF)',
      end - 1,
    );
  }
  if (!isUtf8(bytes.subarray(start, end))) {
    throw new PushProblem('invalid_utf8', 'the line is not valid UTF-8', firstInvalid(bytes, start, end));
  }
}

export function longLine(start: number): PushProblem {
  return new PushProblem('syntax', `the line is longer than ${LINE_BYTES_MAX} bytes`, start);
}

/**
 * Where a slice of about `length` bytes from `start` may end: after a line feed, or at the end of the body. The end of a line that is
 * longer than it may be is not looked for: the slice ends before it then, and is empty when it begins with it.
 */
export function sliceEnd(bytes: Uint8Array, start: number, length: number): number {
  const from = start + length;
  if (from >= bytes.length) return bytes.length;
  const farthest = Math.min(from + LINE_BYTES_MAX, bytes.length);
  const end = lineEnd(viewOf(bytes), from, farthest);
  if (end < farthest) return end + 1;
  if (farthest === bytes.length) return farthest;
  return Math.max(bytes.lastIndexOf(LF, from - 1) + 1, start);
}

/** A position in one line. */
export class Cursor {
  position: number;
  readonly bytes: Uint8Array;
  readonly lineStart: number;
  readonly end: number;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.bytes = bytes;
    this.position = start;
    this.lineStart = start;
    this.end = end;
  }

  atEnd(): boolean {
    return this.position >= this.end;
  }

  peek(): number {
    return this.bytes[this.position]!;
  }

  atBlank(): boolean {
    return this.peek() === SPACE || this.peek() === TAB;
  }

  skipBlanks(): void {
    while (!this.atEnd() && this.atBlank()) this.position += 1;
  }

  /** Everything up to the next blank. */
  word(): string {
    const from = this.position;
    while (!this.atEnd() && !this.atBlank()) this.position += 1;
    return this.text(from, this.position);
  }

  /** Everything up to the next blank or `stop`. */
  until(stop: number): string {
    const from = this.position;
    while (!this.atEnd() && !this.atBlank() && this.peek() !== stop) this.position += 1;
    return this.text(from, this.position);
  }

  labelName(): string {
    const from = this.position;
    while (!this.atEnd() && !this.atBlank()) {
      const byte = this.peek();
      if (byte === EQUALS || byte === COMMA || byte === RIGHT_BRACE || byte === QUOTE) break;
      this.position += 1;
    }
    return this.text(from, this.position);
  }

  rest(): string {
    return this.text(this.position, this.end);
  }

  /**
   * A string in double quotes; the cursor stands on the first and is left behind the last. A backslash before anything but
   * a backslash, a quote or an n is refused, or stands for itself.
   */
  quoted(escapes: 'refused' | 'kept' = 'refused'): string {
    const from = this.position + 1;
    let isPlain = true;
    for (let i = from; i < this.end; i += 1) {
      const byte = this.bytes[i]!;
      if (byte === QUOTE) {
        this.position = i + 1;
        return isPlain ? this.text(from, i) : flatText(this.#unescaped(from, i));
      }
      if (byte !== BACKSLASH) continue;
      if (i + 1 < this.end && escapeCodes.has(this.bytes[i + 1]!)) {
        isPlain = false;
        i += 1;
      } else if (escapes === 'refused') {
        const shown = this.text(i, Math.min(i + 2, this.end));
        throw new PushProblem(
          'syntax',
          `unknown escape ${quote(shown)}; the only escapes in quotes are \\\\, \\" and \\n`,
          i,
        );
      }
    }
    throw new PushProblem('syntax', 'the quoted text is not closed; expected a double quote', this.position);
  }

  /** As bytes, and made a string once: there may be as many escapes as there is room for in a line. */
  #unescaped(from: number, to: number): string {
    const plain = Buffer.allocUnsafe(to - from);
    let length = 0;
    for (let i = from; i < to; i += 1) {
      let byte = this.bytes[i]!;
      const escaped = byte === BACKSLASH ? escapeCodes.get(this.bytes[i + 1]!) : undefined;
      if (escaped !== undefined) {
        byte = escaped;
        i += 1;
      }
      plain[length] = byte;
      length += 1;
    }
    return plain.toString('utf8', 0, length);
  }

  text(from: number, to: number): string {
    return Buffer.from(this.bytes.buffer, this.bytes.byteOffset + from, to - from).toString('utf8');
  }

  quoteHere(): string {
    return this.atEnd() ? 'the end of the line' : quote(this.text(this.position, this.end));
  }

  problem(code: 'syntax', message: string): PushProblem {
    return new PushProblem(code, message, this.position);
  }
}

/** What stands behind a backslash, and what both mean. */
const escapeCodes: ReadonlyMap<number, number> = new Map([
  [BACKSLASH, BACKSLASH],
  [QUOTE, QUOTE],
  [0x6e, LF],
]);

/** What to do about a name that cannot stand as it is. */
export function nameAdvice(name: string, of: 'metric' | 'label' = 'metric'): string {
  if (name.startsWith('\uFEFF')) return '; the body begins with a byte order mark, remove it';
  if (name === '') return '';
  const quoted = of === 'metric' ? `{${quote(name)}} 1` : `{${quote(name)}="value"}`;
  const isFit = /^[\p{L}\p{N}_.:/-]{1,60}$/u.test(name);
  return `; use only letters, digits and _, with no digit first${isFit ? `, or put the name in quotes: ${quoted}` : ''}`;
}

/** Reads the value of a label whose name was read and whose equals sign comes next. */
export function addLabel(
  cursor: Cursor,
  labels: Label[],
  name: { readonly word: string; readonly at: number; readonly quotedName: boolean },
  escapes: 'refused' | 'kept' = 'refused',
): void {
  const { word, at, quotedName } = name;
  if (word === '' || (!quotedName && !isLegacyLabelName(word))) {
    throw new PushProblem(
      'invalid_name',
      `${quote(word)} is not a label name${nameAdvice(word, 'label')}`,
      at,
    );
  }
  if (word === '__name__') {
    throw new PushProblem('invalid_name', 'the label name __name__ is reserved for the metric name', at);
  }
  if (labels.some((label) => label.name === word)) {
    throw new PushProblem('duplicate_label', `the label ${shorten(word)} appears twice in this series`, at);
  }
  if (labels.length === LABELS_READ_MAX) {
    throw new PushProblem('labels_limit', `the series has more than ${LABELS_READ_MAX} labels`, at);
  }
  cursor.position += 1;
  if (escapes === 'refused') cursor.skipBlanks();
  if (cursor.atEnd() || cursor.peek() !== QUOTE) {
    throw cursor.problem(
      'syntax',
      `expected the value of label ${shorten(word)} in double quotes, found ${cursor.quoteHere()}`,
    );
  }
  labels.push({ name: word, value: cursor.quoted(escapes) });
}

/** Position of the first byte that is not UTF-8. Linear: decoding marks the spot, real U+FFFD are told apart by their bytes. */
function firstInvalid(bytes: Uint8Array, start: number, end: number): number {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
  let offset = start;
  let from = 0;
  for (let at = text.indexOf('\uFFFD'); at !== -1; at = text.indexOf('\uFFFD', from)) {
    offset += Buffer.byteLength(text.slice(from, at));
    const isReal = bytes[offset] === 0xef && bytes[offset + 1] === 0xbf && bytes[offset + 2] === 0xbd;
    if (!isReal) return offset;
    offset += 3;
    from = at + 1;
  }
  return offset;
}
