/**
 * Labels of canonical text with their names escaped. Names without quotes are legacy names, which no scheme changes, so that
 * nearly everything is copied.
 */
import type { EscapingScheme } from '../../model/exposition-format.ts';
import { unescapeLabelValue } from '../../model/series-text.ts';
import { QUOTE } from '../../primitives/bytes.ts';
import { LabelNames, valueEnd } from '../label-names.ts';
import { areLabelNames, escapeLabelName } from './escape-name.ts';

/** Shorter pieces are copied byte by byte, as a native copy takes longer to begin. */
const NATIVE_COPY_BYTES = 24;

export class LabelEscaper {
  /** What was written since the last `reset`, up to `length`. */
  bytes: Uint8Array = new Uint8Array(1024);
  length = 0;
  readonly #scheme: EscapingScheme;
  readonly #names = new LabelNames();
  /** By the number of the name. */
  readonly #escaped: Buffer[] = [];

  constructor(scheme: EscapingScheme) {
    this.#scheme = scheme;
  }

  /** Notes the names of the labels from `start` to `end`. */
  meet(bytes: Uint8Array, start: number, end: number): void {
    this.#names.meet(bytes, start, end);
  }

  /** Whether no two of the names that were met are the same once they are escaped, and none is reserved then. */
  areNamesDistinct(): boolean {
    return areLabelNames(this.#names.spelled.map((name) => escapeSpelled(name, this.#scheme)));
  }

  reset(): void {
    this.length = 0;
  }

  /** Appends bytes as they are. */
  copy(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (this.length + length > this.bytes.length) this.#grow(this.length + length);
    const to = this.bytes;
    const at = this.length;
    if (length < NATIVE_COPY_BYTES) for (let i = 0; i < length; i += 1) to[at + i] = bytes[start + i]!;
    else to.set(bytes.subarray(start, end), at);
    this.length = at + length;
  }

  byte(byte: number): void {
    if (this.length === this.bytes.length) this.#grow(this.length + 1);
    this.bytes[this.length] = byte;
    this.length += 1;
  }

  /** Appends the labels from `start` to `end`, `a="b",c="d"`. */
  labels(bytes: Uint8Array, start: number, end: number): void {
    let from = start;
    for (let position = start, place = 0; position < end; place += 1) {
      const name = this.#names.at(bytes, position, place);
      const nameEnd = position + this.#names.bytesOf(name);
      if (bytes[position] === QUOTE) {
        this.copy(bytes, from, position);
        const escaped = this.#escapedName(name);
        this.copy(escaped, 0, escaped.length);
        from = nameEnd;
      }
      position = valueEnd(bytes, nameEnd) + 1;
    }
    this.copy(bytes, from, end);
  }

  #escapedName(number: number): Buffer {
    const known = this.#escaped[number];
    if (known !== undefined) return known;
    const escaped = Buffer.from(escapeSpelled(this.#names.spelled[number]!, this.#scheme));
    this.#escaped[number] = escaped;
    return escaped;
  }

  #grow(bytes: number): void {
    const larger = new Uint8Array(bytes * 2);
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
  }
}

/** Of a name as it is spelled, in Latin-1. */
function escapeSpelled(name: string, scheme: EscapingScheme): string {
  if (!name.startsWith('"')) return name;
  const text = Buffer.from(name.slice(1, -1), 'latin1').toString('utf8');
  return escapeLabelName(unescapeLabelValue(text), scheme);
}
