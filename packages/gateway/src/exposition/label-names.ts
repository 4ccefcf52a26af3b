/** Names in the labels of canonical text, `a="b","c.d"="e"`. */
import { BACKSLASH, EQUALS, QUOTE } from '../primitives/bytes.ts';

/**
 * The names that were met, each under a number. From row to row they are the same in the same places nearly always, so each is looked
 * for where it was the last time, without making a string of it.
 */
export class LabelNames {
  /** As they are spelled, with quotes where there are any, in Latin-1. */
  readonly spelled: string[] = [];
  readonly #bytes: Uint8Array[] = [];
  readonly #numbers = new Map<string, number>();
  /** By the place in the row. */
  readonly #expected: number[] = [];

  /** The number of the name that begins at `start`, of the label in the given place of its row. */
  at(bytes: Uint8Array, start: number, place: number): number {
    const expected = this.#expected[place];
    if (expected !== undefined && isAt(bytes, start, this.#bytes[expected]!)) return expected;
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const spelled = buffer.toString('latin1', start, nameEnd(bytes, start));
    let number = this.#numbers.get(spelled);
    if (number === undefined) {
      number = this.spelled.length;
      this.spelled.push(spelled);
      this.#bytes.push(Buffer.from(spelled, 'latin1'));
      this.#numbers.set(spelled, number);
    }
    this.#expected[place] = number;
    return number;
  }

  bytesOf(number: number): number {
    return this.#bytes[number]!.length;
  }

  /** Takes the names of the labels from `start` to `end`. */
  meet(bytes: Uint8Array, start: number, end: number): void {
    for (let position = start, place = 0; position < end; place += 1) {
      const number = this.at(bytes, position, place);
      position = valueEnd(bytes, position + this.bytesOf(number)) + 1;
    }
  }
}

/** Behind the value whose equals sign is given, at the comma if another label follows. */
export function valueEnd(bytes: Uint8Array, equals: number): number {
  return quoteEnd(bytes, equals + 2) + 1;
}

function nameEnd(bytes: Uint8Array, start: number): number {
  if (bytes[start] === QUOTE) return quoteEnd(bytes, start + 1) + 1;
  const equals = bytes.indexOf(EQUALS, start);
  if (equals === -1) throw new Error('BUG: labels without an equals sign');
  return equals;
}

/** The quote that ends what begins at `start`, behind its opening one. */
function quoteEnd(bytes: Uint8Array, start: number): number {
  let position = start;
  for (; bytes[position] !== QUOTE; position += 1) {
    if (bytes[position] === BACKSLASH) position += 1;
    // One exposition less is better than a loop without an end.
    if (position >= bytes.length) throw new Error('BUG: labels that do not end');
  }
  return position;
}

/** Whether this name, and no longer one, begins at `start`. */
function isAt(bytes: Uint8Array, start: number, name: Uint8Array): boolean {
  const { length } = name;
  for (let i = 0; i < length; i += 1) if (bytes[start + i] !== name[i]) return false;
  return bytes[start + length] === EQUALS;
}
