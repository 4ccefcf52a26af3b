/**
 * CRC-32 as in zlib, gzip and PNG: reflected polynomial 0xedb88320. Node has it as `zlib.crc32` from 20.15 and 22.2 on, at several
 * gigabytes a second; older ones take the table, which is right and slow (about 0.4 GB/s).
 */
import * as zlib from 'node:zlib';

/** `before` is the checksum of the bytes in front of these, or any number that checksums shall depend on. */
type Crc32 = (bytes: Uint8Array, before?: number) => number;

function byTable(polynomial: number): Crc32 {
  const table: Uint32Array = Uint32Array.from({ length: 256 }, (_, byte) => {
    let remainder = byte;
    for (let bit = 0; bit < 8; bit += 1) remainder = (remainder >>> 1) ^ (remainder & 1 ? polynomial : 0);
    return remainder;
  });
  return (bytes, before = 0) => {
    let remainder = ~before;
    for (let i = 0; i < bytes.length; i += 1) {
      remainder = (remainder >>> 8) ^ (table[(remainder ^ (bytes[i] ?? 0)) & 0xff] ?? 0);
    }
    return ~remainder >>> 0;
  };
}

export const crc32ByTable: Crc32 = byTable(0xedb88320);

/** CRC-32C: Castagnoli's polynomial, as in snappy's stream format. */
export const crc32c: Crc32 = byTable(0x82f63b78);

// The types are those of the newest Node 20; engines allow older ones.
const native = (zlib as { readonly crc32?: Crc32 }).crc32;

export const crc32: Crc32 =
  native === undefined ? crc32ByTable : (bytes, before = 0) => native(bytes, before);
