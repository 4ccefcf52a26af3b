/**
 * Labels of canonical text with their names escaped. Names without quotes are legacy names, which no scheme changes, so that
 * nearly everything is copied.
 */
import type { EscapingScheme } from '../../model/page-format.ts';
import { unescapeLabelValue } from '../../model/series-text.ts';
import { COMMA, QUOTE } from '../../primitives/bytes.ts';
import { labelNameEnd, labelValueEnd } from '../label-spans.ts';
import { escapeLabelName } from './escape-name.ts';

export class LabelEscaper {
  /** What the last call wrote, up to its `length`. */
  bytes: Buffer = Buffer.allocUnsafeSlow(1024);
  length = 0;
  readonly #scheme: EscapingScheme;
  /** By the name as it is spelled between quotes, in Latin-1. */
  readonly #names = new Map<string, Buffer>();

  constructor(scheme: EscapingScheme) {
    this.#scheme = scheme;
  }

  reset(): void {
    this.length = 0;
  }

  /** Appends bytes as they are. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** Appends the labels from `start` to `end`, `a="b",c="d"`. */
  labels(bytes: Uint8Array, start: number, end: number): void {
    for (let position = start; position < end;) {
      const nameEnd = labelNameEnd(bytes, position);
      const stop = labelValueEnd(bytes, nameEnd);
      if (bytes[position] === QUOTE) {
        this.raw(this.#nameAt(bytes, position + 1, nameEnd - 1));
        position = nameEnd;
      }
      const next = stop < end && bytes[stop] === COMMA ? stop + 1 : stop;
      this.raw(bytes.subarray(position, next));
      position = next;
    }
  }

  #nameAt(bytes: Uint8Array, start: number, end: number): Buffer {
    const key = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');
    const known = this.#names.get(key);
    if (known !== undefined) return known;
    const escaped = Buffer.from(escapeSpelled(`"${key}"`, this.#scheme));
    this.#names.set(key, escaped);
    return escaped;
  }

  #reserve(bytes: number): void {
    const needed = this.length + bytes;
    if (needed <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(needed * 2);
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
  }
}

/** Whether two of the names that were collected are the same one once they are escaped. */
export function someMeet(names: ReadonlySet<string>, scheme: EscapingScheme): boolean {
  const escaped = new Set([...names].map((name) => escapeSpelled(name, scheme)));
  return escaped.size < names.size;
}

function escapeSpelled(name: string, scheme: EscapingScheme): string {
  if (!name.startsWith('"')) return name;
  const text = Buffer.from(name.slice(1, -1), 'latin1').toString('utf8');
  return escapeLabelName(unescapeLabelValue(text), scheme);
}
