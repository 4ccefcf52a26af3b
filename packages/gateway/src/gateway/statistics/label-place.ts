import { BACKSLASH, COMMA, EQUALS, QUOTE } from '../../primitives/bytes.ts';

/** Where a pair stands, as it is written: its name, an equals sign, its value in quotes. */
export interface PairPlace {
  start: number;
  nameEnd: number;
  end: number;
}

/** Finds the label at a position of a row's labels, and returns where the next one begins. */
export function readLabel(bytes: Uint8Array, start: number, labelsEnd: number, place: PairPlace): number {
  let position = start;
  place.start = position;
  if (bytes[position] === QUOTE) position = quoteEnd(bytes, position + 1, labelsEnd) + 1;
  while (position < labelsEnd && bytes[position] !== EQUALS) position += 1;
  place.nameEnd = position;
  place.end = quoteEnd(bytes, position + 2, labelsEnd) + 1;
  return bytes[place.end] === COMMA ? place.end + 1 : place.end;
}

/** An empty value is the same as no label. */
export function isEmptyLabel({ nameEnd, end }: PairPlace): boolean {
  return end - nameEnd <= 3;
}

/** Whether the label there has this name, as it is written. */
export function isNamed(bytes: Uint8Array, { start, nameEnd }: PairPlace, name: Uint8Array): boolean {
  if (nameEnd - start !== name.length) return false;
  for (let i = 0; i < name.length; i += 1) if (bytes[start + i] !== name[i]) return false;
  return true;
}

/** The quote that ends what begins at `start`, behind its opening one. */
function quoteEnd(bytes: Uint8Array, start: number, end: number): number {
  let position = start;
  for (; position < end && bytes[position] !== QUOTE; position += 1)
    if (bytes[position] === BACKSLASH) position += 1;
  return position;
}
