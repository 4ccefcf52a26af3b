/**
 * Native histograms as accumulators, so that they are summed, contributed, recorded and kept as all other numbers are. Each sender's
 * buckets stay at the resolution at which they came; what a histogram has at one schema is called a part of it:
 *
 *   NATIVE_COUNT    observations of the part                  bound = schema
 *   NATIVE_ZERO     those in its zero bucket                  bound = threshold; senders may have different ones
 *   NATIVE_BUCKET   those in one bucket                       bound = `bucketCode`
 *
 * Only the exposition brings parts together (native-view.ts). So the order of pushes cannot matter, and what a source takes back is
 * exactly what it brought, whatever others have pushed meanwhile.
 *
 * The key of such an accumulator is no text of an exposition: it begins with a line feed, and names the composite series by its number.
 */
import { formatFloat64 } from '../primitives/float.ts';
import { AccumulatorKind } from './policies.ts';

export const INDEX_MIN: number = -(2 ** 20);
export const INDEX_MAX: number = 2 ** 20 - 1;
const INDEXES = 2 ** 21;
const SCHEMA_OFFSET = 16;

/** One number for schema, sign and index of a bucket. In the order of values for one schema and sign. */
export function bucketCode(schema: number, isNegative: boolean, index: number): number {
  return ((schema + SCHEMA_OFFSET) * 2 + (isNegative ? 1 : 0)) * INDEXES + (index - INDEX_MIN);
}

export function schemaOfCode(code: number): number {
  return Math.floor(code / INDEXES / 2) - SCHEMA_OFFSET;
}

export function isNegativeCode(code: number): boolean {
  return Math.floor(code / INDEXES) % 2 === 1;
}

export function indexOfCode(code: number): number {
  return (code % INDEXES) + INDEX_MIN;
}

export function bucketKey(composite: number, code: number): string {
  return `\n${composite}b${code}`;
}

export function zeroKey(composite: number, schema: number, threshold: number): string {
  return `\n${composite}z${schema},${formatFloat64(threshold)}`;
}

export function countKey(composite: number, schema: number): string {
  return `\n${composite}c${schema}`;
}

const [LETTER_B, LETTER_C, MINUS, ZERO] = [0x62, 0x63, 0x2d, 0x30];

/** What an accumulator with a key of the above is, or was before it was freed. The key begins at `start`. */
export function kindOfKey(bytes: Uint8Array, start: number): AccumulatorKind {
  switch (bytes[letterAt(bytes, start)]) {
    case LETTER_B:
      return AccumulatorKind.NATIVE_BUCKET;
    case LETTER_C:
      return AccumulatorKind.NATIVE_COUNT;
    default:
      return AccumulatorKind.NATIVE_ZERO;
  }
}

/** The schema in a key of `zeroKey`, which begins at `start`. It has one digit. */
export function schemaOfZeroKey(bytes: Uint8Array, start: number): number {
  const at = letterAt(bytes, start);
  return bytes[at + 1] === MINUS ? ZERO - bytes[at + 2]! : bytes[at + 1]! - ZERO;
}

/** Behind the line feed and the digits of the composite series. */
function letterAt(bytes: Uint8Array, start: number): number {
  let at = start + 1;
  while (bytes[at]! < LETTER_B) at += 1;
  return at;
}
