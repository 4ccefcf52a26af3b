/**
 * Numbers of the text formats, exactly as Go's ParseFloat(…, 64) reads them with hexadecimal and underscores refused,
 * which is what both of Prometheus' own parsers do.
 */
import { DOT, LF, MINUS, NINE, PLUS, ZERO } from './bytes.ts';

const pattern =
  /^(?:[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[iI][nN][fF](?:[iI][nN][iI][tT][yY])?)|[nN][aA][nN])$/;

/** Powers of ten that a double holds exactly. */
const exactPowersOfTen = Array.from({ length: 23 }, (_, exponent) => 10 ** exponent);

/** So many digits always fit into 31 bits. */
const SHORT_BYTES_MAX = 9;

/** Where `readPlainDecimal` stopped. */
export interface NumberEnd {
  end: number;
}

/**
 * Reads a plain decimal of at most 15 digits without making a string: its digits and the power of ten are both exact
 * doubles, so one division rounds correctly (Clinger's fast path). It ends before the first byte that is not a digit, a sign
 * in front, or the first point; the place is left in `at`. NaN means "not of this form", and `parseFloat64` must look.
 */
export function readPlainDecimal(view: DataView, start: number, end: number, at: NumberEnd): number {
  // Short ones are the most frequent by far, and 32 bits hold their digits.
  const short = Math.min(end, start + SHORT_BYTES_MAX);
  let digits = 0;
  let point = -1;
  let position = start;
  let byte = 0;
  for (; position < short; position += 1) {
    byte = view.getUint8(position);
    if (byte >= ZERO && byte <= NINE) digits = Math.imul(digits, 10) + byte - ZERO;
    else if (byte === DOT && point === -1) point = position;
    else break;
  }
  const isNumber = position - start > (point === -1 ? 0 : 1);
  if (!isNumber || (position < end && byte !== LF)) return readDecimal(view, start, end, at);
  at.end = position;
  return point === -1 ? digits : digits / exactPowersOfTen[position - point - 1]!;
}

/** The same, of any length. */
function readDecimal(view: DataView, start: number, end: number, at: NumberEnd): number {
  let position = start;
  let negative = false;
  if (position < end) {
    const first = view.getUint8(position);
    negative = first === MINUS;
    if (negative || first === PLUS) position += 1;
  }
  const digitsFrom = position;
  let mantissa = 0;
  let point = -1;
  for (; position < end; position += 1) {
    const digit = view.getUint8(position) - ZERO;
    if (digit >= 0 && digit <= 9) mantissa = mantissa * 10 + digit;
    else if (digit === DOT - ZERO && point === -1) point = position;
    else break;
  }
  at.end = position;
  const digits = position - digitsFrom - (point === -1 ? 0 : 1);
  if (digits === 0 || digits > 15) return Number.NaN;
  const magnitude = point === -1 ? mantissa : mantissa / exactPowersOfTen[position - point - 1]!;
  return negative ? -magnitude : magnitude;
}

/** The number that `text` spells, or undefined when it spells none, or one too large for a double. */
export function parseFloat64(text: string): number | undefined {
  if (!pattern.test(text)) return undefined;
  const last = text.charCodeAt(text.length - 1) | 0x20;
  const lower = last === 0x6e || last === 0x66 || last === 0x79 ? text.toLowerCase() : '';
  if (lower !== '') {
    if (lower.endsWith('nan')) return Number.NaN;
    return lower.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  }
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}

/** The shortest text that reads back as the same double, infinities and NaN as Prometheus spells them. */
export function formatFloat64(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}
