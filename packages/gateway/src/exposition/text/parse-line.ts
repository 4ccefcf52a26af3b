/**
 * The whole grammar of one line, and what to tell a sender who missed it. Strict where a lenient reading would
 * count something else than was meant; lenient (blanks, last comma, case of type names) where nothing can be misread.
 */
import { isUtf8 } from 'node:buffer';

import { isLegacyLabelName, isLegacyMetricName } from '../../model/labels.ts';
import type { Label } from '../../model/labels.ts';
import { PushProblem } from '../../model/errors.ts';
import type { MetricType } from '../../model/metric-type.ts';
import type { SampleSink } from '../../model/sample-sink.ts';
import {
  BACKSLASH,
  COMMA,
  CR,
  EQUALS,
  HASH,
  LEFT_BRACE,
  LF,
  QUOTE,
  RIGHT_BRACE,
  SPACE,
  TAB,
} from '../../primitives/bytes.ts';
import { parseFloat64 } from '../../primitives/float.ts';

const typeNames: ReadonlyMap<string, MetricType> = new Map<string, MetricType>([
  ['counter', 'counter'],
  ['gauge', 'gauge'],
  ['histogram', 'histogram'],
  ['summary', 'summary'],
  ['untyped', 'untyped'],
  ['unknown', 'untyped'],
]);

/** A line is read in one go, so its length must be bounded; so must the labels, each of which is compared to all others. */
const LINE_BYTES_MAX = 256 * 1024;
const LABELS_READ_MAX = 1024;

/** Reads one line, without its line feed. Blank lines and comments feed nothing. */
export function parseLine(bytes: Uint8Array, start: number, end: number, sink: SampleSink): void {
  if (end - start > LINE_BYTES_MAX) {
    throw new PushProblem('syntax', `the line is longer than ${LINE_BYTES_MAX} bytes`, start);
  }
  if (bytes[end - 1] === CR) {
    throw new PushProblem(
      'carriage_return',
      'the line ends in a carriage return; write lines that end in a line feed only (LF, not CR LF)',
      end - 1,
    );
  }
  if (!isUtf8(bytes.subarray(start, end))) {
    throw new PushProblem('invalid_utf8', 'the line is not valid UTF-8', firstInvalid(bytes, start, end));
  }
  const cursor = new Cursor(bytes, start, end);
  cursor.skipBlanks();
  if (cursor.atEnd()) return;
  if (cursor.peek() === HASH) parseComment(cursor, sink);
  else parseSample(cursor, sink);
}

function parseComment(cursor: Cursor, sink: SampleSink): void {
  const start = cursor.lineStart;
  cursor.position += 1;
  if (!cursor.atEnd() && !cursor.atBlank()) return;
  cursor.skipBlanks();
  const keyword = cursor.word();
  if (keyword !== 'HELP' && keyword !== 'TYPE') return;
  cursor.skipBlanks();
  if (cursor.atEnd()) throw cursor.problem('syntax', `expected a metric name after ${keyword}`);
  const nameAt = cursor.position;
  const name = cursor.peek() === QUOTE ? cursor.quoted() : cursor.word();
  if (name === '' || (cursor.bytes[nameAt] !== QUOTE && !isLegacyMetricName(name))) {
    throw new PushProblem('invalid_name', `${quote(name)} is not a metric name`, nameAt);
  }
  const spelling = { start, end: cursor.end, repeatable: true };
  if (keyword === 'HELP') {
    const rest = cursor.rest();
    if (start === 0 && cursor.end === cursor.bytes.length && /# (?:HELP|TYPE) /.test(rest)) {
      throw new PushProblem('newlines_stripped', newlinesStripped, start);
    }
    sink.addHelp(name, unescapeHelp(rest.replace(/^[ \t]+/, '')), spelling);
    return;
  }
  cursor.skipBlanks();
  const typeAt = cursor.position;
  const word = cursor.word();
  const type = typeNames.get(word.toLowerCase());
  cursor.skipBlanks();
  if (type === undefined || !cursor.atEnd()) {
    if (start === 0 && isOneLine(cursor.bytes) && !cursor.atEnd()) {
      throw new PushProblem('newlines_stripped', newlinesStripped, typeAt);
    }
    const found = quote((word + cursor.rest()).trimEnd());
    throw new PushProblem(
      'syntax',
      `the type of ${name} is ${found}; write counter, gauge, histogram, summary or untyped, and nothing after it`,
      typeAt,
    );
  }
  sink.addType(name, type, spelling);
}

function parseSample(cursor: Cursor, sink: SampleSink): void {
  const start = cursor.position;
  let name: string | undefined;
  if (cursor.peek() !== LEFT_BRACE) {
    name = cursor.until(LEFT_BRACE);
    if (!isLegacyMetricName(name)) {
      throw new PushProblem('invalid_name', `${quote(name)} is not a metric name${nameAdvice(name)}`, start);
    }
  }
  const nameEnd = cursor.position;
  cursor.skipBlanks();
  const labels: Label[] = [];
  let spaced = false;
  let seriesEnd = nameEnd;
  if (!cursor.atEnd() && cursor.peek() === LEFT_BRACE) {
    spaced = cursor.position !== nameEnd;
    const inner = parseLabels(cursor, labels);
    if (inner !== undefined && name !== undefined) {
      throw new PushProblem('syntax', `a second metric name ${quote(inner)} after ${name}`, start);
    }
    name ??= inner;
    seriesEnd = cursor.position;
  }
  if (name === undefined) throw new PushProblem('syntax', 'the sample has no metric name', start);
  const repeatable = !spaced && start === cursor.lineStart;
  cursor.skipBlanks();
  const value = parseValue(cursor, name);
  sink.addSample(name, labels, value, { start, end: seriesEnd, repeatable });
}

/** Reads `{…}` into `labels` and returns the quoted metric name among them, if any. */
function parseLabels(cursor: Cursor, labels: Label[]): string | undefined {
  let name: string | undefined;
  cursor.position += 1;
  for (;;) {
    cursor.skipBlanks();
    if (cursor.atEnd()) throw cursor.problem('syntax', 'the label list is not closed; expected "}"');
    if (cursor.peek() === RIGHT_BRACE) break;
    const at = cursor.position;
    const quotedName = cursor.peek() === QUOTE;
    const word = quotedName ? cursor.quoted() : cursor.labelName();
    cursor.skipBlanks();
    if (!cursor.atEnd() && cursor.peek() === EQUALS) {
      addLabel(cursor, labels, { word, at, quotedName });
    } else if (quotedName) {
      if (name !== undefined) {
        throw new PushProblem('syntax', `a second metric name ${quote(word)} after ${quote(name)}`, at);
      }
      if (word === '') throw new PushProblem('invalid_name', 'the metric name is empty', at);
      name = word;
    } else {
      throw cursor.problem('syntax', `expected "=" after the label name ${quote(word)}`);
    }
    cursor.skipBlanks();
    if (cursor.atEnd()) throw cursor.problem('syntax', 'the label list is not closed; expected "}"');
    if (cursor.peek() === COMMA) cursor.position += 1;
    else if (cursor.peek() !== RIGHT_BRACE) {
      throw cursor.problem('syntax', `expected "," or "}" after a label, found ${cursor.quoteHere()}`);
    }
  }
  cursor.position += 1;
  return name;
}

function addLabel(
  cursor: Cursor,
  labels: Label[],
  name: { readonly word: string; readonly at: number; readonly quotedName: boolean },
): void {
  const { word, at, quotedName } = name;
  if (word === '' || (!quotedName && !isLegacyLabelName(word))) {
    throw new PushProblem('invalid_name', `${quote(word)} is not a label name`, at);
  }
  if (word === '__name__') {
    throw new PushProblem('invalid_name', 'the label name __name__ is reserved for the metric name', at);
  }
  if (labels.some((label) => label.name === word)) {
    throw new PushProblem('duplicate_label', `the label ${word} stands twice in this series`, at);
  }
  if (labels.length === LABELS_READ_MAX) {
    throw new PushProblem('labels_limit', `the series has more than ${LABELS_READ_MAX} labels`, at);
  }
  cursor.position += 1;
  cursor.skipBlanks();
  if (cursor.atEnd() || cursor.peek() !== QUOTE) {
    throw cursor.problem(
      'syntax',
      `expected the value of label ${word} in double quotes, found ${cursor.quoteHere()}`,
    );
  }
  labels.push({ name: word, value: cursor.quoted() });
}

function parseValue(cursor: Cursor, name: string): number {
  if (cursor.atEnd()) throw cursor.problem('syntax', `expected a value after ${name}`);
  const at = cursor.position;
  const word = cursor.word();
  const value = parseFloat64(word);
  if (value === undefined) {
    if (at > 0 && isOneLine(cursor.bytes) && !cursor.atEnd()) {
      throw new PushProblem('newlines_stripped', newlinesStripped, at);
    }
    throw new PushProblem('syntax', `cannot parse value ${quote(word)} of ${name}`, at);
  }
  cursor.skipBlanks();
  if (cursor.atEnd()) return value;
  // Timestamps are read and dropped: the aggregate is as of the scrape.
  const stampAt = cursor.position;
  const stamp = cursor.word();
  if (!/^[+-]?\d{1,19}$/.test(stamp)) {
    const code = isOneLine(cursor.bytes) ? 'newlines_stripped' : 'syntax';
    const message = `cannot parse timestamp ${quote(stamp)} of ${name}; it is an integer of milliseconds, or left out`;
    throw new PushProblem(code, code === 'syntax' ? message : newlinesStripped, stampAt);
  }
  cursor.skipBlanks();
  if (!cursor.atEnd()) {
    throw cursor.problem(
      'syntax',
      `expected the end of the line after the timestamp of ${name}, found ${cursor.quoteHere()}`,
    );
  }
  return value;
}

const newlinesStripped =
  'the body is one line that holds several; curl -d strips newlines, use --data-binary, which keeps them';

/** A position in one line. */
class Cursor {
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

  /** A string in double quotes; the cursor stands on the first and is left behind the last. */
  quoted(): string {
    const from = this.position + 1;
    let text = '';
    let plainFrom = from;
    for (let i = from; i < this.end; i += 1) {
      const byte = this.bytes[i]!;
      if (byte === QUOTE) {
        this.position = i + 1;
        return text + this.text(plainFrom, i);
      }
      if (byte !== BACKSLASH) continue;
      const escaped = escapes.get(this.bytes[i + 1] ?? 0);
      if (escaped === undefined || i + 1 >= this.end) {
        const shown = this.text(i, Math.min(i + 2, this.end));
        throw new PushProblem(
          'syntax',
          `unknown escape ${quote(shown)}; in quotes only \\\\, \\" and \\n are escapes`,
          i,
        );
      }
      text += this.text(plainFrom, i) + escaped;
      i += 1;
      plainFrom = i + 1;
    }
    throw new PushProblem('syntax', 'the quoted text is not closed; expected a double quote', this.position);
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

const escapes: ReadonlyMap<number, string> = new Map([
  [BACKSLASH, '\\'],
  [QUOTE, '"'],
  [0x6e, '\n'],
]);

/** The input as shown in a message: quoted, and cut where it is long. */
function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}

function nameAdvice(name: string): string {
  return name.startsWith('\uFEFF') ? '; the body begins with a byte order mark, send it without' : '';
}

function unescapeHelp(text: string): string {
  return text.replace(/\\(?:\\|n)/g, (escape) => (escape === '\\n' ? '\n' : '\\'));
}

/** True when the body is a single line, as `curl -d @file` makes of any file. */
function isOneLine(bytes: Uint8Array): boolean {
  const first = bytes.indexOf(LF);
  return first === -1 || first === bytes.length - 1;
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
