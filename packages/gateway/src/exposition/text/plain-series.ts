/**
 * Recognizes series that are written in the canonical way already, as most clients do, so that a series seen for the first
 * time need not become strings and objects. Whatever is not plain is simply not recognized; `parseLine` reads it.
 */
import type { PlainSeries } from '../../model/known-series.ts';
import { BACKSLASH, COMMA, EQUALS, LEFT_BRACE, QUOTE, RIGHT_BRACE, SPACE } from '../../primitives/bytes.ts';

/** What a byte may be part of. */
const NAME_START = 1;
const NAME = 2;
const LABEL_START = 4;
const LABEL = 8;
const VALUE = 16;

const classes: Uint8Array = classifyBytes();

/** The last series recognized; valid until the next call. */
export class PlainScanner implements PlainSeries {
  start = 0;
  nameEnd = 0;
  end = 0;
  labelCount = 0;
  lastLe = -1;
  inOrder = true;

  /** Whether the bytes from `start` to `end` are one plain series. */
  scan(view: DataView, start: number, end: number): boolean {
    this.start = start;
    this.end = end;
    this.labelCount = 0;
    this.lastLe = -1;
    this.inOrder = true;
    if (start >= end || !isOf(view, start, NAME_START)) return false;
    let position = start + 1;
    while (position < end && isOf(view, position, NAME)) position += 1;
    this.nameEnd = position;
    if (position === end) return true;
    return view.getUint8(position) === LEFT_BRACE && this.#scanLabels(view, position + 1, end);
  }

  #scanLabels(view: DataView, from: number, end: number): boolean {
    let position = from;
    let previous = -1;
    let previousLength = 0;
    let hasLe = false;
    for (;;) {
      const name = position;
      if (position >= end || !isOf(view, position, LABEL_START)) return false;
      while (position < end && isOf(view, position, LABEL)) position += 1;
      const nameLength = position - name;
      if (!this.inOrder || isReserved(view, name, nameLength)) return false;
      const isLe = nameLength === 2 && view.getUint16(name) === 0x6c65;
      if (previous >= 0 && !isBefore(view, previous, previousLength, name, nameLength)) {
        if (!isLe || hasLe) return false;
        this.inOrder = false;
      }
      hasLe ||= isLe;
      position = valueEnd(view, position, end);
      if (position < 0) return false;
      this.labelCount += 1;
      if (view.getUint8(position) === RIGHT_BRACE) {
        this.lastLe = isLe ? name : -1;
        return position + 1 === end;
      }
      if (view.getUint8(position) !== COMMA) return false;
      position += 1;
      previous = name;
      previousLength = nameLength;
    }
  }
}

/** Where a value that begins with `="` at `from` ends, past its quote and before `end`; -1 when it is not plain, or empty. */
function valueEnd(view: DataView, from: number, end: number): number {
  if (from + 3 >= end) return -1;
  if (view.getUint8(from) !== EQUALS || view.getUint8(from + 1) !== QUOTE) return -1;
  let position = from + 2;
  while (position < end && isOf(view, position, VALUE)) position += 1;
  if (position === from + 2 || position + 1 >= end || view.getUint8(position) !== QUOTE) return -1;
  return position + 1;
}

function isOf(view: DataView, position: number, kind: number): boolean {
  return (classes[view.getUint8(position)]! & kind) !== 0;
}

/** `__name__` stands for the metric name and is refused when parsed. */
function isReserved(view: DataView, name: number, length: number): boolean {
  return length === 8 && view.getUint32(name) === 0x5f5f6e61 && view.getUint32(name + 4) === 0x6d655f5f;
}

function isBefore(view: DataView, a: number, aLength: number, b: number, bLength: number): boolean {
  const shared = Math.min(aLength, bLength);
  for (let i = 0; i < shared; i += 1) {
    const difference = view.getUint8(a + i) - view.getUint8(b + i);
    if (difference !== 0) return difference < 0;
  }
  return aLength < bLength;
}

function classifyBytes(): Uint8Array {
  const table = new Uint8Array(256);
  for (let byte = SPACE; byte < 0x7f; byte += 1) {
    const character = String.fromCharCode(byte);
    if (/[a-zA-Z_:]/.test(character)) table[byte]! |= NAME_START;
    if (/[a-zA-Z0-9_:]/.test(character)) table[byte]! |= NAME;
    if (/[a-zA-Z_]/.test(character)) table[byte]! |= LABEL_START;
    if (/[a-zA-Z0-9_]/.test(character)) table[byte]! |= LABEL;
    if (byte !== QUOTE && byte !== BACKSLASH) table[byte]! |= VALUE;
  }
  return table;
}
