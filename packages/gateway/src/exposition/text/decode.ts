/**
 * Reads the text format 0.0.4 into a sink, line by line and without state between lines, so that a long body can be read in
 * slices. What is hard here is speed; three ways to read a sample, from the cheapest to the dearest:
 *
 *   expected   the series that came after the previous one last time as well: one comparison tells
 *   known      a series seen before: all up to the last blank of the line is looked up, and what is found proves that it
 *              was a whole series, whatever stands in its quotes
 *   new        plain lines are recognized byte by byte; the rest goes to `parseLine`, which knows the whole grammar and all
 *              the error messages
 *
 * Grammar: https://prometheus.io/docs/instrumenting/exposition_formats/#text-format-details
 */
import type { PushDecoder } from '../../model/push-decoder.ts';
import type { SampleSink } from '../../model/sample-sink.ts';
import { UNKNOWN } from '../../model/known-series.ts';
import { HASH, LF, lineEnd, SPACE, viewOf } from '../../primitives/bytes.ts';
import { parseFloat64, readPlainDecimal } from '../../primitives/float.ts';
import type { NumberEnd } from '../../primitives/float.ts';
import { hashBytes } from '../../primitives/hash.ts';
import { longLine, sliceEnd } from '../line-cursor.ts';
import { parseLine } from './parse-line.ts';
import { PlainScanner } from './plain-series.ts';

const plain = new PlainScanner();
const number: NumberEnd = { end: 0 };

/** Longer tokens than any double needs are left to `parseLine`. */
const NUMBER_BYTES_MAX = 32;

export function beginText(body: Uint8Array, sink: SampleSink): PushDecoder {
  return new TextReader(body, sink);
}

class TextReader implements PushDecoder {
  readonly #body: Uint8Array;
  readonly #sink: SampleSink;
  #position = 0;

  constructor(body: Uint8Array, sink: SampleSink) {
    this.#body = body;
    this.#sink = sink;
  }

  advance(bytes: number): boolean {
    const start = this.#position;
    const end = sliceEnd(this.#body, start, bytes);
    if (end === start && end < this.#body.length) throw longLine(start);
    this.#position = end;
    decodeText(this.#body, start, end, this.#sink);
    return end === this.#body.length;
  }
}

/** Reads the lines of `bytes` from `start` to `end`, which must be the beginning and the end of lines. */
export function decodeText(bytes: Uint8Array, start: number, end: number, sink: SampleSink): void {
  const view = viewOf(bytes);
  const { known } = sink;
  let position = start;
  // Where one sample was expected the next may be, too. Where none was, one guess a line is enough.
  let expected = false;
  while (position < end) {
    if (expected) {
      position = known.addExpected(view, position, end);
      expected = false;
      if (position === end) break;
    }
    const first = view.getUint8(position);
    if (first === LF) {
      position += 1;
      continue;
    }
    const matched = known.guess(view, position, end);
    if (first === HASH) {
      position = decodeMetadata(bytes, view, { position, end, matched }, sink);
      continue;
    }
    if (matched >= 0 && matched < end && view.getUint8(matched) === SPACE) {
      const value = readPlainDecimal(view, matched + 1, end, number);
      const stop = number.end;
      if (value === value && (stop === end || view.getUint8(stop) === LF)) {
        known.addKnown(known.guessed, value, position);
        position = stop + 1;
        expected = true;
        continue;
      }
    }
    const stop = lineEnd(view, position, end);
    decodeSample(bytes, view, { position, end: stop }, sink);
    position = stop + 1;
  }
}

function decodeMetadata(
  bytes: Uint8Array,
  view: DataView,
  at: { readonly position: number; readonly end: number; readonly matched: number },
  sink: SampleSink,
): number {
  const { position, end, matched } = at;
  const { known } = sink;
  if (matched === end || (matched >= 0 && view.getUint8(matched) === LF)) {
    known.addKnown(known.guessed, 0, position);
    return matched + 1;
  }
  const stop = lineEnd(view, position, end);
  const reference = known.find(view, position, stop, hashBytes(known.hashSeed, view, position, stop));
  if (reference === UNKNOWN) parseLine(bytes, position, stop, sink);
  else known.addKnown(reference, 0, position);
  return stop + 1;
}

/** One line, from its first byte to its line feed. */
function decodeSample(
  bytes: Uint8Array,
  view: DataView,
  line: { readonly position: number; readonly end: number },
  sink: SampleSink,
): void {
  const { position, end } = line;
  const { known } = sink;
  let blank = end - 1;
  const farthest = Math.max(position, end - NUMBER_BYTES_MAX - 1);
  while (blank > farthest && view.getUint8(blank) !== SPACE) blank -= 1;
  if (blank > position && view.getUint8(blank) === SPACE) {
    const hash = hashBytes(known.hashSeed, view, position, blank);
    const reference = known.find(view, position, blank, hash);
    if (reference !== UNKNOWN || plain.scan(view, position, blank)) {
      const value = readNumber(bytes, view, blank + 1, end);
      if (value !== undefined) {
        if (reference !== UNKNOWN) {
          known.addKnown(reference, value, position);
          return;
        }
        if (known.addPlain(view, plain, hash, value)) return;
      }
    }
  }
  parseLine(bytes, position, end, sink);
}

function readNumber(bytes: Uint8Array, view: DataView, start: number, end: number): number | undefined {
  const value = readPlainDecimal(view, start, end, number);
  if (value === value && number.end === end) return value;
  // Latin-1 cannot turn other bytes into anything that a number is spelled with.
  return parseFloat64(Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1'));
}
