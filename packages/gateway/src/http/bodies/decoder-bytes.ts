/**
 * How much memory a decoder takes, by what stands at the beginning of the body. A window is allocated as large as it is
 * announced, however little is in it.
 */

/** zlib: 44 KiB, a piece of output of 64 KiB, and the stream around it. */
export const DEFLATE_DECODER_BYTES: number = 128 * 1024;

/** A chunk of snappy, and what it is decompressed to. */
export const SNAPPY_DECODER_BYTES: number = 128 * 1024;

/** The largest set of prefix codes (3 x 256 tables), context maps, and a piece of output. */
const BROTLI_TABLES_BYTES = 4 * 2 ** 20;

/** Tables, a block read and a block written. */
const ZSTD_TABLES_BYTES = 512 * 1024;

/** What the head of a br body says. */
interface BrotliHead {
  readonly decoderBytes: number;
  /**
   * How much its first part is decompressed, 0 when that is not known. The decoder gives out nothing before its ring buffer is full, which
   * is much work for a bomb; this tells most of them without any.
   */
  readonly bytesMin: number;
}

/** RFC 7932, sections 9.1 and 9.2. While the ring buffer grows, one half as large is there as well. */
export function brotliHead(sent: Uint8Array): BrotliHead {
  const bits = new Bits(sent);
  const decoderBytes = 1.5 * 2 ** brotliWindowBits(bits) + BROTLI_TABLES_BYTES;
  const isLast = bits.take(1) === 1;
  if (isLast && bits.take(1) === 1) return { decoderBytes, bytesMin: 0 };
  const nibbles = bits.take(2) + 4;
  // Metadata, which is skipped.
  if (nibbles === 7) return { decoderBytes, bytesMin: 0 };
  return { decoderBytes, bytesMin: bits.take(4 * nibbles) + 1 };
}

export function zstdDecoderBytes(windowBytes: number): number {
  return windowBytes + ZSTD_TABLES_BYTES;
}

function brotliWindowBits(bits: Bits): number {
  if (bits.take(1) === 0) return 16;
  const short = bits.take(3);
  if (short !== 0) return 17 + short;
  const long = bits.take(3);
  // 1 is a window that only an option of the decoder allows.
  return long < 2 ? 17 : 8 + long;
}

/** The lowest bit of a byte comes first. Zeros follow the end. */
class Bits {
  readonly #bytes: Uint8Array;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  take(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i += 1) {
      const bit = ((this.#bytes[this.#position >>> 3] ?? 0) >>> (this.#position & 7)) & 1;
      value |= bit << i;
      this.#position += 1;
    }
    return value;
  }
}
