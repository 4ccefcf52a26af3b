/**
 * Numbers and texts one after the other, little endian, in a buffer that grows and is used again. `ByteReader` reads them back in
 * the same order. Whole numbers are written in groups of seven bits, the lowest first, as protobuf and LEB128 do.
 */
import { viewOf } from './bytes.ts';

const INITIAL_BYTES = 4096;
/** A buffer that grew past this is let go by `reset`, so that one large thing does not hold its memory for ever. */
const KEPT_BYTES = 1 << 20;
/** A whole number takes no more than this. */
const VARINT_BYTES_MAX = 8;

export class ByteWriter {
  /** Bytes written since the last `reset`. */
  length = 0;
  #buffer: Buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  #view: DataView = viewOf(this.#buffer);

  /** What has been written; valid until the next write or `reset`. */
  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.length);
  }

  reset(): void {
    this.length = 0;
    if (this.#buffer.length <= KEPT_BYTES) return;
    this.#buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);
    this.#view = viewOf(this.#buffer);
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#view.setUint8(this.length, value);
    this.length += 1;
  }

  /** A whole number from 0 to 2^53 - 1. */
  whole(value: number): void {
    this.#reserve(VARINT_BYTES_MAX);
    const view = this.#view;
    let at = this.length;
    let rest = value;
    while (rest >= 2 ** 31) {
      view.setUint8(at, (rest % 128) | 128);
      at += 1;
      rest = Math.floor(rest / 128);
    }
    for (; rest >= 128; rest >>>= 7) {
      view.setUint8(at, (rest & 127) | 128);
      at += 1;
    }
    view.setUint8(at, rest);
    this.length = at + 1;
  }

  double(value: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.length, value, true);
    this.length += 8;
  }

  text(value: string): void {
    const bytes = Buffer.byteLength(value);
    this.whole(bytes);
    this.#reserve(bytes);
    this.#buffer.write(value, this.length);
    this.length += bytes;
  }

  /** Bytes as they are; the reader must know how many. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.length);
    this.length += bytes.length;
  }

  #reserve(more: number): void {
    const needed = this.length + more;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2));
    larger.set(this.bytes());
    this.#buffer = larger;
    this.#view = viewOf(larger);
  }
}

export class ByteReader {
  at = 0;
  #bytes: Uint8Array;
  #view: DataView;

  constructor(bytes: Uint8Array = new Uint8Array(0)) {
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
  }

  /** Reads from the beginning of other bytes. */
  reset(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
    this.at = 0;
  }

  get isAtEnd(): boolean {
    return this.at === this.#bytes.length;
  }

  byte(): number {
    const value = this.#view.getUint8(this.at);
    this.at += 1;
    return value;
  }

  whole(): number {
    const view = this.#view;
    let byte = view.getUint8(this.at);
    this.at += 1;
    let value = byte & 127;
    for (let scale = 128; byte >= 128; scale *= 128) {
      byte = view.getUint8(this.at);
      this.at += 1;
      value += (byte & 127) * scale;
    }
    return value;
  }

  double(): number {
    const value = this.#view.getFloat64(this.at, true);
    this.at += 8;
    return value;
  }

  text(): string {
    return Buffer.from(this.raw(this.whole())).toString('utf8');
  }

  /** The next bytes, not copied. */
  raw(length: number): Uint8Array {
    if (this.at + length > this.#bytes.length) throw new RangeError('the bytes end too early');
    const bytes = this.#bytes.subarray(this.at, this.at + length);
    this.at += length;
    return bytes;
  }
}
