/**
 * Reads protobuf's wire format: fields of a message one after the other, each with its number and wire type.
 * https://protobuf.dev/programming-guides/encoding/
 *
 * A reader has one position and one end, that of the innermost message being read: nothing is taken beyond it, whatever a length
 * claims. All of what is wrong with bytes as such is found here, and reported with the offset of the field at fault.
 */
import { isUtf8 } from 'node:buffer';

import { PushProblem } from '../../model/errors.ts';
import { viewOf } from '../../primitives/bytes.ts';
import { quote } from '../../primitives/quote.ts';

/** Wire types. */
const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const GROUP_START = 3;
const GROUP_END = 4;
const FIXED32 = 5;

/** Seven bytes of a varint hold 49 bits, which a double holds exactly. */
const EXACT_SCALE_MAX = 2 ** 42;
const VARINT_BYTES_MAX = 10;
const SHORT_BITS = 28;

export class WireReader {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  at = 0;
  end: number;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = viewOf(bytes);
    this.end = bytes.length;
  }

  /** Goes to a part of the bytes, which must lie within a message that was read. */
  enter(start: number, end: number): void {
    this.at = start;
    this.end = end;
  }

  /** The tag of the next field. */
  tag(): number {
    const start = this.at;
    if (start < this.end) {
      const byte = this.view.getUint8(start);
      if (byte < 0x80 && byte > 7) {
        this.at = start + 1;
        return byte;
      }
    }
    const tag = this.varint();
    if (tag < 8 || tag >= 2 ** 32) throw problem(`${tag} is not a field tag`, start);
    return tag;
  }

  /** An unsigned number of up to 64 bits, rounded to a double where it is larger than 2^53. */
  varint(): number {
    const { view, end, at: start } = this;
    // Most are short, and 31 bits hold four bytes of them.
    let value = 0;
    let at = start;
    for (let shift = 0; shift < SHORT_BITS; shift += 7) {
      if (at >= end) throw problem('the message ends in the middle of a number', start);
      const byte = view.getUint8(at);
      at += 1;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        this.at = at;
        return value;
      }
    }
    return this.#middleVarint(start, value);
  }

  /** A signed number of up to 64 bits as sint64 writes it: a bigint where a double would not hold it exactly. */
  sint64(): number | bigint {
    const start = this.at;
    const value = this.varint();
    if (Number.isSafeInteger(value)) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    const exact = this.#bigVarint(start);
    return (exact & 1n) === 0n ? exact >> 1n : -((exact + 1n) >> 1n);
  }

  /** The length of a field, and the position behind it: what it holds lies between `at` and there. */
  bytesEnd(): number {
    const start = this.at;
    const length = this.varint();
    const end = this.at + length;
    if (end > this.end) {
      throw problem(
        `a field claims to be ${length} bytes long, but its message has only ${this.end - this.at} left; it is truncated or not protobuf`,
        start,
      );
    }
    return end;
  }

  double(): number {
    const start = this.at;
    if (start + 8 > this.end) throw problem('the message ends in the middle of a number', start);
    this.at = start + 8;
    return this.view.getFloat64(start, true);
  }

  /** Passes over the field of a tag that was read, whatever it is. */
  skip(tag: number): void {
    const start = this.at;
    const wireType = tag % 8;
    if (wireType === VARINT) this.varint();
    else if (wireType === BYTES) this.at = this.bytesEnd();
    else if (wireType === FIXED64 || wireType === FIXED32) {
      const next = start + (wireType === FIXED64 ? 8 : 4);
      if (next > this.end) throw problem('the message ends in the middle of a number', start);
      this.at = next;
    } else if (wireType === GROUP_START || wireType === GROUP_END) {
      throw problem(
        `field ${(tag - wireType) / 8} is a group, which Prometheus' messages do not use`,
        start - 1,
      );
    } else {
      throw problem(
        `field ${(tag - wireType) / 8} has the wire type ${wireType}, which does not exist`,
        start - 1,
      );
    }
  }

  /** Passes over a field that is not known, or not used; one that is known must have its own wire type. */
  skipUnused(tag: number, known: readonly number[]): void {
    const field = Math.floor(tag / 8);
    if (known.some((other) => Math.floor(other / 8) === field && other !== tag)) {
      throw problem(`field ${field} has the wire type ${tag % 8}, which is invalid`, this.at);
    }
    this.skip(tag);
  }

  /** A text that has been read as bytes. */
  text(start: number, end: number): string {
    const part = this.bytes.subarray(start, end);
    if (!isUtf8(part)) {
      throw new PushProblem(
        'invalid_utf8',
        `the text ${quote(Buffer.from(part).toString('utf8'))} is not UTF-8`,
        start,
      );
    }
    return Buffer.from(part.buffer, part.byteOffset, part.length).toString('utf8');
  }

  /** The number at `start` of which four bytes make `low`, and there are more. */
  #middleVarint(start: number, low: number): number {
    const { view, end } = this;
    let value = low;
    let scale = 2 ** SHORT_BITS;
    for (let at = start + SHORT_BITS / 7; at < end; at += 1) {
      const byte = view.getUint8(at);
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        this.at = at + 1;
        return value;
      }
      if (scale === EXACT_SCALE_MAX) return Number(this.#bigVarint(start));
      scale *= 128;
    }
    throw problem('the message ends in the middle of a number', start);
  }

  /** The same number, of eight to ten bytes. */
  #bigVarint(start: number): bigint {
    let value = 0n;
    for (let i = 0; i < VARINT_BYTES_MAX; i += 1) {
      if (start + i >= this.end) throw problem('the message ends in the middle of a number', start);
      const byte = this.view.getUint8(start + i);
      value |= BigInt(byte & 0x7f) << BigInt(7 * i);
      if (byte >= 0x80) continue;
      if (value >= 2n ** 64n) break;
      this.at = start + i + 1;
      return value;
    }
    throw problem('a number has more than 64 bits', start);
  }
}

export function problem(message: string, offset: number): PushProblem {
  return new PushProblem('syntax', message, offset);
}
