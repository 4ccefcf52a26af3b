/**
 * The whole grammar of one line, and what to tell a sender who missed it. Strict where a lenient reading would
 * count something else than was meant; lenient (blanks, last comma, case of type names) where nothing can be misread.
 */
import { isLegacyMetricName } from '../../model/labels.ts';
import type { Label } from '../../model/labels.ts';
import { PushProblem } from '../../model/errors.ts';
import type { MetricType } from '../../model/metric-type.ts';
import type { SampleSink } from '../../model/sample-sink.ts';
import { COMMA, EQUALS, HASH, LEFT_BRACE, LF, QUOTE, RIGHT_BRACE } from '../../primitives/bytes.ts';
import { parseFloat64 } from '../../primitives/float.ts';
import { quote, shorten } from '../../primitives/quote.ts';
import { addLabel, checkLine, Cursor, nameAdvice } from '../line-cursor.ts';

const typeNames: ReadonlyMap<string, MetricType> = new Map<string, MetricType>([
  ['counter', 'counter'],
  ['gauge', 'gauge'],
  ['histogram', 'histogram'],
  ['summary', 'summary'],
  ['untyped', 'untyped'],
  ['unknown', 'untyped'],
  // Text has no such type, but the Pushgateway reads it in either series key. Its samples are called as those of a histogram.
  ['gaugehistogram', 'gaugehistogram'],
  ['gauge_histogram', 'gaugehistogram'],
]);

/** Reads one line, without its line feed. Blank lines and comments feed nothing. */
export function parseLine(bytes: Uint8Array, start: number, end: number, sink: SampleSink): void {
  checkLine(bytes, start, end);
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
  // A keyword alone is a comment, as for the parsers of Prometheus.
  if (cursor.atEnd()) return;
  const nameAt = cursor.position;
  const name = cursor.peek() === QUOTE ? cursor.quoted() : cursor.word();
  if (name === '' || (cursor.bytes[nameAt] !== QUOTE && !isLegacyMetricName(name))) {
    throw new PushProblem('invalid_name', `${quote(name)} is not a metric name${nameAdvice(name)}`, nameAt);
  }
  const seriesKey = { start, end: cursor.end, repeatable: true };
  if (keyword === 'HELP') {
    const rest = cursor.rest();
    if (start === 0 && cursor.end === cursor.bytes.length && /# (?:HELP|TYPE) /.test(rest)) {
      throw new PushProblem('newlines_stripped', newlinesStripped, start);
    }
    sink.addHelp(name, unescapeHelp(rest.replace(/^[ \t]+/, '')), seriesKey);
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
    const found = quote(cursor.text(typeAt, cursor.end).trimEnd());
    throw new PushProblem(
      'syntax',
      `the type of ${shorten(name)} is ${found}; write counter, gauge, histogram, summary or untyped, and nothing after it`,
      typeAt,
    );
  }
  sink.addType(name, type, seriesKey);
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
      throw new PushProblem('syntax', `a second metric name ${quote(inner)} after ${shorten(name)}`, start);
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

function parseValue(cursor: Cursor, name: string): number {
  if (cursor.atEnd()) throw cursor.problem('syntax', `expected a value after ${shorten(name)}`);
  const at = cursor.position;
  const word = cursor.word();
  const value = parseFloat64(word);
  if (value === undefined) {
    if (at > 0 && isOneLine(cursor.bytes) && !cursor.atEnd()) {
      throw new PushProblem('newlines_stripped', newlinesStripped, at);
    }
    throw new PushProblem('syntax', `cannot parse value ${quote(word)} of ${shorten(name)}`, at);
  }
  cursor.skipBlanks();
  if (cursor.atEnd()) return value;
  // Timestamps are read and dropped: the aggregate is as of the scrape.
  const stampAt = cursor.position;
  const stamp = cursor.word();
  if (!/^[+-]?\d{1,19}$/.test(stamp)) {
    const code = isOneLine(cursor.bytes) ? 'newlines_stripped' : 'syntax';
    const message = `cannot parse timestamp ${quote(stamp)} of ${shorten(name)}; write an integer number of milliseconds, or leave it out`;
    throw new PushProblem(code, code === 'syntax' ? message : newlinesStripped, stampAt);
  }
  cursor.skipBlanks();
  if (!cursor.atEnd()) {
    throw cursor.problem(
      'syntax',
      `expected the end of the line after the timestamp of ${shorten(name)}, found ${cursor.quoteHere()}`,
    );
  }
  return value;
}

const newlinesStripped =
  'the body is a single line that contains several; curl -d strips newlines, use --data-binary instead';

function unescapeHelp(text: string): string {
  return text.replace(/\\(?:\\|n)/g, (escape) => (escape === '\\n' ? '\n' : '\\'));
}

/** True when the body has no line feed at all, as `curl -d @file` makes of any file. */
function isOneLine(bytes: Uint8Array): boolean {
  return !bytes.includes(LF);
}
