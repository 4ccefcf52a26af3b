/**
 * Writes the messages of one family, one after the other, into slices. A message stands behind its length, which is known only
 * once it is written:
 *
 *   0x22 | length | fields …        one byte is left for the length; the fields of a message of 128 bytes or more move up
 *
 * A message does not go over the end of a slice: where there is no room for it, what is there of it moves to the next one.
 */
import { viewOf } from '../../primitives/bytes.ts';
import { SLICE_BYTES } from '../page-writer.ts';
import type { PageWriter } from '../page-writer.ts';

const VARINT_BYTES_MAX = 10;

export class MessageWriter {
  /** Where the next byte goes in what `room` returns. */
  position = 0;
  /** Where the message that is being written begins, with all that it is in. */
  #start = 0;
  #buffer: Buffer = Buffer.allocUnsafeSlow(SLICE_BYTES);
  #view: DataView = viewOf(this.#buffer);
  #slices: Uint8Array[] = [];
  #slicesBytes = 0;

  /** Bytes since the last `moveTo`. */
  get length(): number {
    return this.#slicesBytes + this.position;
  }

  /** Opens a message that is in no other. */
  outer(tag: number): number {
    this.#start = this.position;
    return this.open(tag);
  }

  /** Opens a message. What is returned is for `close`, and nothing else. */
  open(tag: number): number {
    this.varint(tag);
    this.room(1);
    this.position += 1;
    return this.position - this.#start;
  }

  /** Ends a message. What was opened in it must be closed. */
  close(opened: number): void {
    const length = this.position - this.#start - opened;
    if (length < 128) {
      this.#buffer[this.#start + opened - 1] = length;
      return;
    }
    const more = varintBytes(length) - 1;
    const buffer = this.room(more);
    // Not before `room`, which may move all of it.
    const from = this.#start + opened;
    buffer.copyWithin(from + more, from, from + length);
    this.position = putVarint(buffer, from - 1, length) + length;
  }

  /** A place for so many bytes from `position` on. What is written there counts once `position` is moved behind it. */
  room(bytes: number): Buffer {
    if (this.position + bytes > this.#buffer.length) this.#makeRoom(bytes);
    return this.#buffer;
  }

  /** A tag, or a number of no more than 64 bits. */
  varint(value: number): void {
    const buffer = this.room(VARINT_BYTES_MAX);
    if (value < 128) {
      buffer[this.position] = value;
      this.position += 1;
    } else this.position = putVarint(buffer, this.position, value);
  }

  /** A number that may be negative, and from -2^52 to 2^52, as sint32 and sint64 are written. */
  zigzag(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  /** A whole number that may be negative, as int64 is written: in all of its ten bytes then. */
  int64(value: number): void {
    if (value >= 0) {
      this.varint(value);
      return;
    }
    const buffer = this.room(VARINT_BYTES_MAX);
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest >= 128n; rest >>= 7n) {
      buffer[this.position] = Number(rest & 127n) | 128;
      this.position += 1;
    }
    buffer[this.position] = Number(rest);
    this.position += 1;
  }

  double(value: number): void {
    this.room(8);
    this.#view.setFloat64(this.position, value, true);
    this.position += 8;
  }

  doubleField(tag: number, value: number): void {
    this.varint(tag);
    this.double(value);
  }

  textField(tag: number, text: string): void {
    const bytes = Buffer.byteLength(text);
    this.varint(tag);
    this.varint(bytes);
    this.position += this.room(bytes).write(text, this.position, 'utf8');
  }

  /** Moves all that was written to the page. */
  moveTo(page: PageWriter): void {
    for (const slice of this.#slices) page.bytes(slice);
    this.#slices = [];
    this.#slicesBytes = 0;
    const rest = this.#buffer.subarray(0, this.position);
    if (rest.length < SLICE_BYTES / 2) page.copy(rest);
    else {
      page.bytes(rest);
      this.#replace(SLICE_BYTES);
    }
    this.position = 0;
    this.#start = 0;
  }

  #makeRoom(bytes: number): void {
    const start = this.#start;
    const done = this.#buffer.subarray(0, start);
    const begun = this.#buffer.subarray(start, this.position);
    const needed = begun.length + bytes;
    if (done.length > 0) {
      this.#slices.push(done);
      this.#slicesBytes += done.length;
    }
    // A long message that grows bit by bit is not copied for each bit.
    this.#replace(needed <= SLICE_BYTES ? SLICE_BYTES : needed * 2);
    this.#buffer.set(begun);
    this.position = begun.length;
    this.#start = 0;
  }

  #replace(bytes: number): void {
    this.#buffer = Buffer.allocUnsafeSlow(bytes);
    this.#view = viewOf(this.#buffer);
  }
}

/** How many bytes `putVarint` takes. */
export function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) bytes += 1;
  return bytes;
}

/** Writes a whole number that is not negative, and returns where it ends. A double is exact here up to 2^64. */
export function putVarint(to: Uint8Array, at: number, value: number): number {
  let end = at;
  let rest = value;
  for (; rest >= 2 ** 31; rest = Math.floor(rest / 128)) {
    to[end] = (rest % 128) | 128;
    end += 1;
  }
  for (; rest >= 128; rest >>>= 7) {
    to[end] = (rest & 127) | 128;
    end += 1;
  }
  to[end] = rest;
  return end + 1;
}
