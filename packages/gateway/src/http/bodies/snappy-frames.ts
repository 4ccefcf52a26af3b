/**
 * Snappy's stream format (https://github.com/google/snappy/blob/main/framing_format.txt), which the Python client sends: chunks of
 * at most 64 KiB decompressed, each with a checksum.
 *
 *   ff 06 00 00 "sNaPpY"                                begins the stream, and may be repeated
 *   kind  length (3 bytes)  checksum (4 bytes)  data    of a chunk with data: 00 compressed, 01 not
 *   kind  length (3 bytes)  anything                    80 to fe: skipped
 */
import { crc32c } from '../../primitives/crc32.ts';
import { decompressSnappyBlock, SnappyProblem } from '../../primitives/snappy-block.ts';

const COMPRESSED = 0x00;
const UNCOMPRESSED = 0x01;
const SKIPPABLE_FROM = 0x80;
const IDENTIFIER = 0xff;
const HEADER_BYTES = 4;
const CHECKSUM_BYTES = 4;
const CHUNK_BYTES_MAX = 65_536;

const identifier = Buffer.from('sNaPpY');

/**
 * What is in each chunk, nothing for some; one costs a few hundred microseconds at most, so that the caller can stop in between. Throws
 * SnappyProblem for anything that is not a whole stream.
 */
export function* snappyParts(sent: Uint8Array): Generator<Uint8Array, void, void> {
  let position = 0;
  do {
    if (position + HEADER_BYTES > sent.length) throw new SnappyProblem('the stream is truncated');
    const kind = sent[position]!;
    const size = sent[position + 1]! | (sent[position + 2]! << 8) | (sent[position + 3]! << 16);
    if (position === 0 && (kind !== IDENTIFIER || size !== identifier.length)) {
      throw new SnappyProblem(
        'it is not in the stream format; the block format, as in remote write, is not supported',
      );
    }
    const from = position + HEADER_BYTES;
    position = from + size;
    if (position > sent.length) throw new SnappyProblem('the stream is truncated');
    yield readChunk(kind, sent.subarray(from, position));
  } while (position < sent.length);
}

const nothing = new Uint8Array(0);

/** The data of a chunk, if it has any. */
function readChunk(kind: number, chunk: Uint8Array): Uint8Array {
  if (kind === IDENTIFIER) {
    if (identifier.equals(chunk)) return nothing;
    throw new SnappyProblem('it does not begin with the stream identifier');
  }
  if (kind >= SKIPPABLE_FROM) return nothing;
  if (kind !== COMPRESSED && kind !== UNCOMPRESSED) {
    throw new SnappyProblem(`a chunk of kind ${kind} is unknown`);
  }
  if (chunk.length < CHECKSUM_BYTES) throw new SnappyProblem('a chunk is too short for its checksum');
  const data = chunk.subarray(CHECKSUM_BYTES);
  const part = kind === COMPRESSED ? decompressSnappyBlock(data, CHUNK_BYTES_MAX) : data;
  if (part.length > CHUNK_BYTES_MAX)
    throw new SnappyProblem(`a chunk is longer than ${CHUNK_BYTES_MAX} bytes`);
  const checksum = new DataView(chunk.buffer, chunk.byteOffset).getUint32(0, true);
  if (masked(crc32c(part)) !== checksum)
    throw new SnappyProblem('checksum mismatch; the data was corrupted in transit');
  return part;
}

/** Checksums are masked, so that a checksum of data that holds checksums stays a good one. */
function masked(checksum: number): number {
  return (((checksum >>> 15) | (checksum << 17)) + 0xa282ead8) >>> 0;
}
