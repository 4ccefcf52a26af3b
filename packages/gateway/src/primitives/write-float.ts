/** Writes numbers into bytes, as `formatFloat64` spells them, and without making a string where that is provably the same. */
import { DOT, MINUS, ZERO } from './bytes.ts';
import { formatFloat64 } from './float.ts';

/** No double is spelled longer than `-2.2250738585072014e-308`. */
export const floatBytesMax = 24;

const BILLION = 1e9;
const MILLION = 1e6;

/** Writes the shortest text that reads back as the same double, and returns where it ends. */
export function writeFloat64(to: Uint8Array, at: number, value: number): number {
  const magnitude = Math.abs(value);
  const whole = Math.floor(magnitude);
  // False for NaN too.
  if (!(magnitude <= Number.MAX_SAFE_INTEGER)) return writeText(to, at, formatFloat64(value));
  let fraction = 0;
  if (whole !== magnitude) {
    // A decimal of at most 15 digits that reads as the double is its shortest text: no two of those read as the same one.
    // Both operands are exact here, so the quotient is what the decimal reads as.
    const millionths = Math.round(magnitude * MILLION);
    if (magnitude >= BILLION || millionths / MILLION !== magnitude) {
      return writeText(to, at, formatFloat64(value));
    }
    fraction = millionths - whole * MILLION;
  }
  let end = at;
  if (value < 0) {
    to[end] = MINUS;
    end += 1;
  }
  end = whole < BILLION ? writeDigits(to, end, whole) : writeLarge(to, end, whole);
  return fraction === 0 ? end : writeFraction(to, end, fraction);
}

/** Writes milliseconds as seconds, as `writeFloat64` would write their quotient by a thousand, and returns where it ends. */
export function writeSeconds(to: Uint8Array, at: number, milliseconds: number): number {
  // The text is then a decimal of at most 15 digits, and again the shortest one.
  const isPlain = milliseconds >= 0 && milliseconds < BILLION * MILLION && Number.isInteger(milliseconds);
  if (!isPlain) return writeFloat64(to, at, milliseconds / 1000);
  const whole = Math.floor(milliseconds / 1000);
  const end = whole < BILLION ? writeDigits(to, at, whole) : writeLarge(to, at, whole);
  const rest = milliseconds - whole * 1000;
  return rest === 0 ? end : writeFraction(to, end, rest * 1000);
}

function writeText(to: Uint8Array, at: number, text: string): number {
  for (let i = 0; i < text.length; i += 1) to[at + i] = text.charCodeAt(i);
  return at + text.length;
}

/** A whole number from a billion up to the largest safe one. */
function writeLarge(to: Uint8Array, at: number, whole: number): number {
  const low = whole % BILLION;
  const end = writeDigits(to, at, (whole - low) / BILLION);
  writePadded(to, end, low, 9);
  return end + 9;
}

/** A whole number below 2^31. */
function writeDigits(to: Uint8Array, at: number, whole: number): number {
  let digits = 1;
  for (let bound = 10; digits < 10 && whole >= bound; bound *= 10) digits += 1;
  writePadded(to, at, whole, digits);
  return at + digits;
}

/** Millionths, at least one, without the zeros they end in. */
function writeFraction(to: Uint8Array, at: number, millionths: number): number {
  let rest = millionths | 0;
  let digits = 6;
  while (rest % 10 === 0) {
    rest = (rest / 10) | 0;
    digits -= 1;
  }
  to[at] = DOT;
  writePadded(to, at + 1, rest, digits);
  return at + 1 + digits;
}

function writePadded(to: Uint8Array, at: number, whole: number, digits: number): void {
  let rest = whole | 0;
  for (let i = at + digits - 1; i >= at; i -= 1) {
    const tenth = (rest / 10) | 0;
    to[i] = ZERO + rest - tenth * 10;
    rest = tenth;
  }
}
