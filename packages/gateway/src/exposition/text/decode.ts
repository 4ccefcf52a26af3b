/**
 * Reads the text format 0.0.4 into a sink, line by line and without state between lines, so that a long body can be read in
 * slices. What is hard here is speed: a line whose series part was seen before costs one pass over its bytes (hash and
 * end of the series in the same loop), one look-up, and a number. Anything unusual falls through to `parseLine`, which
 * knows the whole grammar and all the error messages.
 *
 * Grammar: https://prometheus.io/docs/instrumenting/exposition_formats/#text-format-details
 */
import type { SampleSink } from '../../model/sample-sink.ts';
import { UNKNOWN } from '../../model/sample-sink.ts';
import {
  BACKSLASH,
  HASH,
  LEFT_BRACE,
  LF,
  lineEnd,
  QUOTE,
  RIGHT_BRACE,
  SPACE,
} from '../../primitives/bytes.ts';
import { parsePlainDecimal } from '../../primitives/float.ts';
import { finishHash, HASH_PRIME, hashBytes } from '../../primitives/hash.ts';
import { parseLine } from './parse-line.ts';

/** Reads the lines of `bytes` from `start` to `end`, which must be the beginning and the end of lines. */
export function decodeText(bytes: Uint8Array, start: number, end: number, sink: SampleSink): void {
  let position = start;
  while (position < end) {
    const first = bytes[position]!;
    if (first === LF) {
      position += 1;
    } else if (first === HASH) {
      position = decodeMetadata(bytes, position, end, sink);
    } else {
      position = decodeSample(bytes, position, end, sink);
    }
  }
}

/** Where a slice of about `length` bytes from `start` may end: after a line feed, or at the end of the body. */
export function sliceEnd(bytes: Uint8Array, start: number, length: number): number {
  if (start + length >= bytes.length) return bytes.length;
  const end = lineEnd(bytes, start + length, bytes.length);
  return Math.min(end + 1, bytes.length);
}

function decodeMetadata(bytes: Uint8Array, start: number, end: number, sink: SampleSink): number {
  const stop = lineEnd(bytes, start, end);
  const reference = sink.find(bytes, start, stop, hashBytes(sink.hashSeed, bytes, start, stop));
  if (reference === UNKNOWN) parseLine(bytes, start, stop, sink);
  else sink.addKnown(reference, 0, start);
  return stop + 1;
}

function decodeSample(bytes: Uint8Array, start: number, end: number, sink: SampleSink): number {
  let hash = sink.hashSeed;
  let position = start;
  let byte = 0;
  while (position < end) {
    byte = bytes[position]!;
    if (byte <= SPACE || byte === LEFT_BRACE) break;
    hash = Math.imul(hash ^ byte, HASH_PRIME);
    position += 1;
  }
  if (byte === LEFT_BRACE) {
    let quoted = false;
    while (position < end) {
      byte = bytes[position]!;
      if (byte === LF) break;
      hash = Math.imul(hash ^ byte, HASH_PRIME);
      position += 1;
      if (byte === QUOTE) quoted = !quoted;
      else if (byte === RIGHT_BRACE && !quoted) break;
      else if (byte === BACKSLASH && position < end && bytes[position] !== LF) {
        hash = Math.imul(hash ^ bytes[position]!, HASH_PRIME);
        position += 1;
      }
    }
  }
  if (position < end && bytes[position] === SPACE) {
    const reference = sink.find(bytes, start, position, finishHash(hash));
    if (reference !== UNKNOWN) {
      let stop = position + 1;
      while (stop < end && bytes[stop]! > SPACE) stop += 1;
      if (stop === end || bytes[stop] === LF) {
        const value = parsePlainDecimal(bytes, position + 1, stop);
        if (value === value) {
          sink.addKnown(reference, value, start);
          return stop + 1;
        }
      }
    }
  }
  const stop = lineEnd(bytes, start, end);
  parseLine(bytes, start, stop, sink);
  return stop + 1;
}
