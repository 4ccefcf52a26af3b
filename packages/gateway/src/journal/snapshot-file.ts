/**
 * One snapshot in one file. The whole file is verified before any of it is believed, in a pass of its own.
 *
 *   │ header │ part: length u32 │ bytes │ crc32 u32 │ … │ end: 0xffffffff │ parts u32 │ bytes of all parts u64 │ crc32 u32 │
 *
 * The checksum stands behind the bytes, so that a long part is written and checked in slices. Each checksum also covers the ones
 * before, so parts cannot trade places.
 */
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

import { crc32 } from '../primitives/crc32.ts';
import type { StoreFile } from './files.ts';
import { headerBytes, writePosition, writeSnapshotHeader, type StoreId } from './format.ts';

const endMark = 0xffffffff;
const endBytes = 20;
const sliceBytes = 256 * 1024;
/** Synced so often while it is written, as a long sync holds up commits. */
const syncEveryBytes = 512 * 1024;
/** Longest pause after a sync: a snapshot must come to an end on a slow disk, too. */
const pauseMsMax = 50;

export interface SnapshotSource {
  readonly logIndex: number;
  readonly parts: AsyncIterable<Uint8Array>;
}

/** Writes a whole snapshot file and syncs it; returns its length. `onBytes` hears before each write how long the file will be. */
export async function writeSnapshot(
  file: StoreFile,
  storeId: StoreId,
  source: SnapshotSource,
  onBytes: (bytes: number) => Promise<void> | void,
): Promise<number> {
  const writer = new SliceWriter(file, onBytes);
  await writer.write(writeSnapshotHeader(storeId, source.logIndex));
  let crc = storeId.seed;
  let count = 0;
  let bytes = 0;
  const frame = Buffer.alloc(4);
  for await (const part of source.parts) {
    frame.writeUInt32LE(part.length);
    await writer.write(frame);
    crc = crc32(frame, crc);
    for (let at = 0; at < part.length; at += sliceBytes) {
      const slice = part.subarray(at, at + sliceBytes);
      crc = crc32(slice, crc);
      await writer.write(slice);
    }
    frame.writeUInt32LE(crc);
    await writer.write(frame);
    count += 1;
    bytes += part.length;
  }
  await writer.write(endOf(count, bytes, crc));
  await writer.flush();
  await file.sync();
  return writer.length;
}

function endOf(count: number, bytes: number, before: number): Buffer {
  const end = Buffer.alloc(endBytes);
  end.writeUInt32LE(endMark, 0);
  end.writeUInt32LE(count, 4);
  writePosition(end, 8, bytes);
  end.writeUInt32LE(crc32(end.subarray(0, 16), before), 16);
  return end;
}

/** Gathers small writes, and gives the event loop a turn with each large one. */
class SliceWriter {
  length = 0;
  #synced = 0;
  #filled = 0;
  readonly #buffer: Buffer = Buffer.alloc(sliceBytes);
  readonly #file: StoreFile;
  readonly #onBytes: (bytes: number) => Promise<void> | void;

  constructor(file: StoreFile, onBytes: (bytes: number) => Promise<void> | void) {
    this.#file = file;
    this.#onBytes = onBytes;
  }

  /** `bytes` is at most a slice long, and free again when this resolves. */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.#filled + bytes.length > this.#buffer.length) await this.flush();
    this.#buffer.set(bytes, this.#filled);
    this.#filled += bytes.length;
  }

  async flush(): Promise<void> {
    const length = this.length + this.#filled;
    await this.#onBytes(length);
    await this.#file.write(this.#buffer.subarray(0, this.#filled), this.length);
    this.length = length;
    this.#filled = 0;
    if (length - this.#synced < syncEveryBytes) return;
    const begun = performance.now();
    await this.#file.sync();
    this.#synced = length;
    // Commits need the disk, too, and pushes wait for them: it is theirs for as long again.
    await sleep(Math.min(performance.now() - begun, pauseMsMax));
  }
}

/** Reads the file from its begin to its end, a slice at a time. */
class SliceReader {
  /** Of the next byte. */
  at = 0;
  #from = 0;
  #until = 0;
  readonly #buffer: Buffer = Buffer.alloc(sliceBytes);
  readonly #file: StoreFile;

  constructor(file: StoreFile) {
    this.#file = file;
  }

  /** Some of the next bytes, at most so many; they stay as they are until the next call. Undefined at the end of the file. */
  async some(bytesMax: number): Promise<Buffer | undefined> {
    if (this.#from === this.#until) {
      this.#until = await this.#file.read(this.#buffer, this.at);
      this.#from = 0;
      if (this.#until === 0) return undefined;
    }
    const end = Math.min(this.#until, this.#from + bytesMax);
    const bytes = this.#buffer.subarray(this.#from, end);
    this.#from = end;
    this.at += bytes.length;
    return bytes;
  }

  /** Fills all of it, or says false when the file ends before. */
  async fill(into: Buffer): Promise<boolean> {
    for (let done = 0; done < into.length;) {
      const bytes = await this.some(into.length - done);
      if (bytes === undefined) return false;
      into.set(bytes, done);
      done += bytes.length;
    }
    return true;
  }
}

/** What is wrong with the file after its header, with its place, or undefined when it is whole. */
export async function snapshotDamage(file: StoreFile, seed: number): Promise<string | undefined> {
  const reader = new SliceReader(file);
  await reader.fill(Buffer.alloc(headerBytes));
  const frame = Buffer.alloc(4);
  let crc = seed;
  let count = 0;
  let bytes = 0;
  for (;;) {
    const start = reader.at;
    if (!(await reader.fill(frame))) return `the file ends at offset ${reader.at}, before its last part`;
    const length = frame.readUInt32LE();
    if (length === endMark) break;
    crc = crc32(frame, crc);
    for (let left = length; left > 0;) {
      const slice = await reader.some(left);
      if (slice === undefined) return `the part at offset ${start} is cut off at offset ${reader.at}`;
      crc = crc32(slice, crc);
      left -= slice.length;
    }
    if (!(await reader.fill(frame))) return `the part at offset ${start} is cut off at offset ${reader.at}`;
    if (frame.readUInt32LE() !== crc) return `the checksum of the part at offset ${start} is wrong`;
    count += 1;
    bytes += length;
  }
  const endAt = reader.at - 4;
  const end = endOf(count, bytes, crc).subarray(4);
  const found = Buffer.alloc(end.length);
  if (!(await reader.fill(found)) || !found.equals(end)) return `its end at offset ${endAt} is damaged`;
  if ((await reader.some(1)) !== undefined) return `unexpected data after its end at offset ${reader.at - 1}`;
  return undefined;
}

/** The parts of a file that was found whole. */
export async function* snapshotParts(file: StoreFile): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = new SliceReader(file);
  await reader.fill(Buffer.alloc(headerBytes));
  const frame = Buffer.alloc(4);
  for (;;) {
    await reader.fill(frame);
    const length = frame.readUInt32LE();
    if (length === endMark) return;
    const part = Buffer.allocUnsafeSlow(length);
    if (!(await reader.fill(part))) throw new Error(`${file.path} changed while being read`);
    await reader.fill(frame);
    yield part;
  }
}
