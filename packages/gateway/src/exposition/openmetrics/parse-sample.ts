/** Parses one sample line: its name and labels, its value, and the timestamp and exemplar that may follow. */
import { PushProblem } from '../../model/errors.ts';
import { EXEMPLAR_CHARACTERS_MAX } from '../../model/exemplar.ts';
import type { Exemplar } from '../../model/exemplar.ts';
import { isLegacyMetricName } from '../../model/labels.ts';
import type { Label } from '../../model/labels.ts';
import { COMMA, EQUALS, HASH, LEFT_BRACE, QUOTE, RIGHT_BRACE, SPACE } from '../../primitives/bytes.ts';
import { parseFloat64 } from '../../primitives/float.ts';
import { quote, shorten } from '../../primitives/quote.ts';
import { addLabel, nameAdvice } from '../line-cursor.ts';
import type { Cursor } from '../line-cursor.ts';

export interface Sample extends SampleTail {
  readonly name: string;
  /** Whether the name stands at the beginning of the line, and not in quotes. */
  readonly isBare: boolean;
  readonly labels: readonly Label[];
  readonly start: number;
  /** Where name and labels end. */
  readonly seriesEnd: number;
}

interface SampleTail {
  readonly value: number;
  /** In seconds. */
  readonly timestamp: number | undefined;
  readonly exemplar: Exemplar | undefined;
  /** Where the exemplar begins. */
  readonly exemplarAt: number | undefined;
}

/** Reads a line from its first byte. */
export function parseSample(cursor: Cursor, isStrict: boolean): Sample {
  const start = cursor.position;
  let name: string | undefined;
  if (cursor.peek() !== LEFT_BRACE) {
    name = cursor.until(LEFT_BRACE);
    if (!isLegacyMetricName(name)) {
      throw new PushProblem('invalid_name', `${quote(name)} is not a metric name${nameAdvice(name)}`, start);
    }
  }
  const isBare = name !== undefined;
  const labels: Label[] = [];
  if (!cursor.atEnd() && cursor.peek() === LEFT_BRACE) {
    const inner = parseLabels(cursor, labels, isStrict);
    if (inner !== undefined && name !== undefined) {
      throw new PushProblem('syntax', `a second metric name ${quote(inner)} after ${shorten(name)}`, start);
    }
    name ??= inner;
  }
  if (name === undefined) throw new PushProblem('syntax', 'the sample has no metric name', start);
  const seriesEnd = cursor.position;
  return { name, isBare, labels, start, seriesEnd, ...parseTail(cursor, name, isStrict) };
}

/** Reads what follows name and labels, from the blank before the value to the end of the line. */
export function parseTail(cursor: Cursor, name: string, isStrict: boolean): SampleTail {
  const value = parseNumber(cursor, `the value of ${shorten(name)}`);
  let timestamp: number | undefined;
  let exemplarAt: number | undefined;
  let exemplar: Exemplar | undefined;
  if (!cursor.atEnd() && cursor.bytes[cursor.position + 1] !== HASH) {
    timestamp = parseTimestamp(cursor, `the timestamp of ${shorten(name)}`);
  }
  if (!cursor.atEnd() && cursor.bytes[cursor.position + 1] === HASH) {
    exemplarAt = cursor.position + 1;
    exemplar = parseExemplar(cursor, name, isStrict);
  }
  if (!cursor.atEnd()) {
    throw cursor.problem(
      'syntax',
      `expected the end of the line of ${shorten(name)}, found ${cursor.quoteHere()}`,
    );
  }
  return { value, timestamp, exemplar, exemplarAt };
}

/** Reads `{…}` into `labels` and returns the quoted metric name among them, if any. No blanks, no comma at the end. */
export function parseLabels(cursor: Cursor, labels: Label[], isStrict: boolean): string | undefined {
  let name: string | undefined;
  cursor.position += 1;
  for (let isFirst = true; ; isFirst = false) {
    if (cursor.atEnd()) throw cursor.problem('syntax', 'the label list is not closed; expected "}"');
    if (cursor.peek() === RIGHT_BRACE && (isFirst || !isStrict)) break;
    const at = cursor.position;
    const quotedName = cursor.peek() === QUOTE;
    const word = quotedName ? cursor.quoted('kept') : cursor.labelName();
    if (!cursor.atEnd() && cursor.peek() === EQUALS) {
      addLabel(cursor, labels, { word, at, quotedName }, 'kept');
    } else if (quotedName && name === undefined && word !== '') name = word;
    else if (quotedName)
      throw new PushProblem('syntax', `${quote(word)} cannot be used as a metric name here`, at);
    else if (word === '')
      throw cursor.problem('syntax', `expected a label name, found ${cursor.quoteHere()}`);
    else throw cursor.problem('syntax', `expected "=" after the label name ${quote(word)}`);
    if (cursor.atEnd()) throw cursor.problem('syntax', 'the label list is not closed; expected "}"');
    if (cursor.peek() === RIGHT_BRACE) break;
    if (cursor.peek() !== COMMA) {
      throw cursor.problem('syntax', `expected "," or "}" after a label, found ${cursor.quoteHere()}`);
    }
    cursor.position += 1;
  }
  cursor.position += 1;
  return name;
}

/** Reads one blank and a number; `what` is for the message. */
function parseNumber(cursor: Cursor, what: string): number {
  if (cursor.atEnd() || cursor.peek() !== SPACE) {
    throw cursor.problem('syntax', `expected a single space and ${what}, found ${cursor.quoteHere()}`);
  }
  cursor.position += 1;
  const at = cursor.position;
  const word = cursor.until(SPACE);
  const value = parseFloat64(word);
  if (value !== undefined) return value;
  throw new PushProblem('syntax', `cannot parse ${what}: ${quote(word)} is not a number`, at);
}

function parseTimestamp(cursor: Cursor, what: string): number {
  const at = cursor.position + 1;
  const timestamp = parseNumber(cursor, what);
  if (Number.isFinite(timestamp)) return timestamp;
  throw new PushProblem('syntax', `${what} is not finite; write a number of seconds, or leave it out`, at);
}

/** `# {labels} value timestamp`, of which the timestamp may be left out. */
function parseExemplar(cursor: Cursor, name: string, isStrict: boolean): Exemplar {
  const { bytes, position: at } = cursor;
  if (
    bytes[at] !== SPACE ||
    bytes[at + 2] !== SPACE ||
    bytes[at + 3] !== LEFT_BRACE ||
    at + 3 >= cursor.end
  ) {
    throw new PushProblem(
      'syntax',
      `expected an exemplar of ${shorten(name)} such as # {trace_id="a"} 0.5, found ${cursor.quoteHere()}`,
      at,
    );
  }
  cursor.position = at + 3;
  const labels: Label[] = [];
  if (parseLabels(cursor, labels, isStrict) !== undefined) {
    throw new PushProblem('syntax', `the exemplar of ${shorten(name)} must not have a metric name`, at + 3);
  }
  const text = labels.map((label) => label.name + label.value).join('');
  if (
    isStrict &&
    text.length > EXEMPLAR_CHARACTERS_MAX &&
    Array.from(text).length > EXEMPLAR_CHARACTERS_MAX
  ) {
    throw new PushProblem(
      'syntax',
      `the labels of the exemplar of ${shorten(name)} are longer than ${EXEMPLAR_CHARACTERS_MAX} characters`,
      at + 3,
    );
  }
  const value = parseNumber(cursor, `the value of the exemplar of ${shorten(name)}`);
  const seconds = cursor.atEnd()
    ? undefined
    : parseTimestamp(cursor, `the timestamp of the exemplar of ${shorten(name)}`);
  return { labels, value, timestampMs: seconds === undefined ? undefined : seconds * 1_000 };
}

/** Where name and labels end that begin at `start`, or -1. Does not look at what they are made of. */
export function seriesEnd(view: DataView, start: number, end: number): number {
  let isQuoted = false;
  let isInside = false;
  for (let i = start; i < end; i += 1) {
    const byte = view.getUint8(i);
    if (byte === 0x0a) return -1;
    if (byte === 0x5c) i += 1;
    else if (byte === QUOTE) isQuoted = !isQuoted;
    else if (isQuoted) continue;
    else if (byte === LEFT_BRACE) isInside = true;
    else if (byte === RIGHT_BRACE) return i + 1;
    else if (byte === SPACE && !isInside) return i;
  }
  return -1;
}
