/**
 * Numbers of the text formats, exactly as Go's ParseFloat(…, 64) reads them with hexadecimal and underscores refused,
 * which is what both of Prometheus' own parsers do.
 */
import { DOT, MINUS, NINE, PLUS, ZERO } from './bytes.ts';

const pattern =
  /^(?:[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[iI][nN][fF](?:[iI][nN][iI][tT][yY])?)|[nN][aA][nN])$/;

/** Powers of ten that a double holds exactly. */
const exactPowersOfTen = Array.from({ length: 23 }, (_, exponent) => 10 ** exponent);

/**
 * Reads plain decimals of at most 15 digits without making a string: their digits and the power of ten are both exact
 * doubles, so one division rounds correctly (Clinger's fast path). NaN means "not of this form", and `parseFloat64` must look.
 */
export function parsePlainDecimal(view: DataView, start: number, end: number): number {
  if (start >= end) return Number.NaN;
  let position = start;
  const first = view.getUint8(position);
  if (first === MINUS || first === PLUS) position += 1;
  const digitsFrom = position;
  if (end - digitsFrom > 16 || digitsFrom >= end) return Number.NaN;
  let mantissa = 0;
  let point = -1;
  for (; position < end; position += 1) {
    const byte = view.getUint8(position);
    if (byte >= ZERO && byte <= NINE) mantissa = mantissa * 10 + (byte - ZERO);
    else if (byte === DOT && point === -1) point = position;
    else return Number.NaN;
  }
  const digits = end - digitsFrom - (point === -1 ? 0 : 1);
  if (digits === 0 || digits > 15) return Number.NaN;
  const magnitude = point === -1 ? mantissa : mantissa / exactPowersOfTen[end - point - 1]!;
  return first === MINUS ? -magnitude : magnitude;
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
