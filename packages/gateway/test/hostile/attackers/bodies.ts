/** Bodies that are larger than they look, and texts that are as large as they look. */
import { randomBytes } from 'node:crypto';
import { brotliCompressSync, constants, createBrotliCompress, gzipSync } from 'node:zlib';

export const MIB: number = 2 ** 20;

const largeWindow = {
  params: { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_LGWIN]: 24 },
};

/** 64 MiB of one byte: 51 bytes of brotli. */
export function brotliBomb(bytes: number, byte: string): Buffer {
  return brotliCompressSync(Buffer.alloc(bytes, byte), largeWindow);
}

/** One that does not tell in its head how long it is: the first part is one byte long. */
export async function hiddenBrotliBomb(bytes: number, byte: string): Promise<Buffer> {
  const compressor = createBrotliCompress(largeWindow);
  compressor.write(byte);
  await new Promise<void>((resolve) => compressor.flush(resolve));
  compressor.end(Buffer.alloc(bytes, byte));
  return Buffer.concat(await compressor.toArray());
}

/** With so many bytes in front that no compression makes smaller: a body is refused that grows a thousandfold. */
export function gzipBomb(bytes: number, byte: string, noiseBytes = 0): Buffer {
  const noise = Buffer.from(
    `# ${randomBytes(noiseBytes)
      .toString('latin1')
      .replaceAll(/[^ -~]/g, '#')}\n`,
  );
  const body = Buffer.concat([...(noiseBytes > 0 ? [noise] : []), Buffer.alloc(bytes, byte)]);
  return gzipSync(body, { level: 9 });
}

const ZSTD_BLOCK_BYTES = 128 * 1024;

/** Written by hand, as not every Node has zstd: a frame with a window of 8 MiB, and blocks that repeat one byte (RFC 8878, section 3.1.1). */
export function zstdBomb(bytes: number, byte: string): Buffer {
  const blocks = Math.ceil(bytes / ZSTD_BLOCK_BYTES);
  const frame = Buffer.alloc(6 + blocks * 4);
  frame.writeUInt32LE(0xfd2fb528, 0);
  frame[4] = 0;
  frame[5] = 13 << 3;
  for (let i = 0; i < blocks; i += 1) {
    const isLast = i === blocks - 1 ? 1 : 0;
    frame.writeUIntLE(isLast | (1 << 1) | (ZSTD_BLOCK_BYTES << 3), 6 + i * 4, 3);
    frame.write(byte, 6 + i * 4 + 3, 'latin1');
  }
  return frame;
}

const SNAPPY_CHUNK_BYTES = 65_536;
const SNAPPY_COPY_BYTES = 64;

/** Chunks of copies of one byte, 64 bytes for 3. */
export function snappyBomb(bytes: number, byte: string): Buffer {
  const block: number[] = [0x80, 0x80, 0x04, 0x00, byte.charCodeAt(0)];
  for (let left = SNAPPY_CHUNK_BYTES - 1; left > 0; left -= SNAPPY_COPY_BYTES) {
    block.push(((Math.min(left, SNAPPY_COPY_BYTES) - 1) << 2) | 2, 1, 0);
  }
  const chunk = Buffer.alloc(8 + block.length);
  chunk.writeUInt32LE((block.length + 4) << 8, 0);
  const checksum = crc32c(Buffer.alloc(SNAPPY_CHUNK_BYTES, byte));
  chunk.writeUInt32LE((((checksum >>> 15) | (checksum << 17)) + 0xa282ead8) >>> 0, 4);
  chunk.set(block, 8);
  const header = Buffer.from([0xff, 6, 0, 0, ...Buffer.from('sNaPpY')]);
  return Buffer.concat([header, ...Array.from({ length: bytes / SNAPPY_CHUNK_BYTES }, () => chunk)]);
}

function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789';

const CHOSEN = 12;

/** Begins with letters and digits that chance decides, enough of them that no word comes twice. */
export function word(length: number, chance: () => number): string {
  let text = '';
  for (let i = 0; i < CHOSEN; i += 1) text += LETTERS[Math.floor(chance() * LETTERS.length)] ?? '';
  return text.padEnd(length, 'x').slice(0, length);
}

/** Samples of the counter `name`, in lines of about `lineBytes` each, always the same for the same name. */
export function counterBody(name: string, lines: number, lineBytes: number): Buffer {
  const pad = 'x'.repeat(Math.max(1, lineBytes - name.length - 26));
  const text = Array.from(
    { length: lines },
    (_, i) => `${name}{i="${String(i).padStart(7, '0')}",pad="${pad}"} 1\n`,
  );
  return Buffer.from(`# TYPE ${name} counter\n${text.join('')}`);
}

/** `base` with further blank lines, so that it has exactly so many bytes. */
export function filledUp(base: Buffer, bytes: number): Buffer {
  return Buffer.concat([base, Buffer.alloc(Math.max(0, bytes - base.length), '\n')]);
}
