/** Writes snappy's stream format without compressing anything, and chunks as given. */
import { crc32c } from '../../src/primitives/crc32.ts';

export const snappyIdentifier: Buffer = Buffer.from([0xff, 6, 0, 0, ...Buffer.from('sNaPpY')]);

/** A whole stream. */
export function snappyStream(data: Uint8Array): Buffer {
  const chunks: Uint8Array[] = [snappyIdentifier];
  for (let from = 0; from < data.length; from += 65_536) {
    const part = data.subarray(from, from + 65_536);
    chunks.push(snappyChunk(0x01, part, part));
  }
  return Buffer.concat(chunks);
}

/** `written` stands in the chunk, and the checksum is that of `meant`. */
export function snappyChunk(kind: number, written: Uint8Array, meant: Uint8Array): Buffer {
  const chunk = Buffer.alloc(8 + written.length);
  chunk.writeUInt32LE(kind | ((written.length + 4) << 8), 0);
  const checksum = crc32c(meant);
  chunk.writeUInt32LE((((checksum >>> 15) | (checksum << 17)) + 0xa282ead8) >>> 0, 4);
  chunk.set(written, 8);
  return chunk;
}
