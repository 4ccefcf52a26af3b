import type { Scalar } from 'yaml';

import type { Place } from './problems.ts';

/** As written in double quotes: an escape and how long it is, where that is not two characters. */
const escapeLengths: Readonly<Record<string, number>> = { x: 4, u: 6, U: 10 };

/**
 * Where a part of the value of a scalar is in the file. Of a value that goes over several lines: where it begins, as lines are folded and
 * indentation is left out.
 */
export function placeInScalar(text: string, scalar: Scalar, part: Partial<Place>): Place {
  const [start, end] = scalar.range!;
  const whole = { from: start, to: end };
  if (part.from === undefined) return whole;
  const offsets = offsetsOf(text.slice(start, end), scalar.type);
  if (offsets === undefined || offsets.length !== String(scalar.source).length + 1) {
    return { from: start, to: start + 1 };
  }
  const at = (index: number): number => start + offsets[Math.min(index, offsets.length - 1)]!;
  return { from: at(part.from), to: at(part.to ?? part.from + 1) };
}

/** Of each character of the value and of its end: where it is in what is written. */
function offsetsOf(written: string, type: Scalar['type']): readonly number[] | undefined {
  if (written.includes('\n')) return undefined;
  if (type === 'PLAIN') return Array.from({ length: written.length + 1 }, (_, i) => i);
  if (type !== 'QUOTE_SINGLE' && type !== 'QUOTE_DOUBLE') return undefined;
  const offsets: number[] = [];
  const last = written.length - 1;
  for (let at = 1; at < last;) {
    offsets.push(at);
    if (type === 'QUOTE_SINGLE') at += written[at] === "'" ? 2 : 1;
    else if (written[at] !== '\\') at += 1;
    else {
      const length = escapeLengths[written[at + 1]!] ?? 2;
      // Two units of UTF-16 for a character beyond the first 65,536.
      if (length === 10 && Number.parseInt(written.slice(at + 2, at + 10), 16) > 0xffff) offsets.push(at);
      at += length;
    }
  }
  offsets.push(last);
  return offsets;
}
