/**
 * Blocks: what a segment is made of. A commit writes one, or several when much waits, as one long block would be one long checksum.
 *
 *   0       4               8       12       16       24       32
 *   │ mark  │ payload bytes │ crc32 │ records │ first │ safe   │ payload: for each record its length (u32) and its bytes
 *
 * `first` is the position of the first record. `safe` is the position up to which everything was safe when the block was closed:
 * a later block that says so tells a damaged block from one that a crash cut short. The checksum covers all but mark and itself.
 */
import { crc32 } from '../primitives/crc32.ts';
import { readPosition, writePosition, type StoreId } from './format.ts';

export const blockHeaderBytes = 32;
export const recordHeaderBytes = 4;

const payloadBytesAt = 4;
const crcAt = 8;
const recordsAt = 12;
const firstAt = 16;
const safeAt = 24;

/** A block that has got this long is closed, and the next record begins another. */
const blockBytesMax = 1024 * 1024;
const bufferBytesKept = 1024 * 1024;

/** Records that wait for a commit, as the blocks that will be written. */
export class BlockBuffer {
  #bytes: Buffer = Buffer.alloc(64 * 1024);
  #length = 0;
  /** Where the open block begins; -1 when none is open. */
  #start = -1;
  #records = 0;
  #first = 0;
  readonly #store: StoreId;

  constructor(store: StoreId) {
    this.#store = store;
  }

  /** Bytes of all blocks so far. */
  get length(): number {
    return this.#length;
  }

  /** Not less than the length after one more record. */
  lengthWith(recordBytes: number): number {
    return this.#length + blockHeaderBytes + recordHeaderBytes + recordBytes;
  }

  add(record: Uint8Array, position: number, safe: number): void {
    if (this.#start >= 0 && this.#length - this.#start > blockBytesMax) this.#close(safe);
    const end = this.lengthWith(record.length);
    if (end > this.#bytes.length) this.#grow(end);
    if (this.#start < 0) this.#open(position);
    const bytes = this.#bytes;
    const at = this.#length;
    const size = record.length;
    // By hand, as this is done for every record: writeUInt32LE checks its arguments each time.
    bytes[at] = size;
    bytes[at + 1] = size >>> 8;
    bytes[at + 2] = size >>> 16;
    bytes[at + 3] = size >>> 24;
    bytes.set(record, at + recordHeaderBytes);
    this.#length = at + recordHeaderBytes + size;
    this.#records += 1;
  }

  /** A block without records; it only says what is safe. */
  addEmpty(position: number, safe: number): void {
    if (this.#start >= 0) this.#close(safe);
    if (this.lengthWith(0) > this.#bytes.length) this.#grow(this.lengthWith(0));
    this.#open(position);
  }

  /** All blocks, closed. They stay as they are until `clear`; nothing is added before. */
  finish(safe: number): Uint8Array {
    if (this.#start >= 0) this.#close(safe);
    return this.#bytes.subarray(0, this.#length);
  }

  /** Empty again. The memory is kept unless a rush has made it large. */
  clear(): void {
    this.#length = 0;
    if (this.#bytes.length > bufferBytesKept) this.#bytes = Buffer.alloc(bufferBytesKept / 4);
  }

  #open(position: number): void {
    this.#start = this.#length;
    this.#first = position;
    this.#records = 0;
    this.#length += blockHeaderBytes;
  }

  #close(safe: number): void {
    const bytes = this.#bytes;
    const start = this.#start;
    bytes.set(this.#store.mark, start);
    bytes.writeUInt32LE(this.#length - start - blockHeaderBytes, start + payloadBytesAt);
    bytes.writeUInt32LE(this.#records, start + recordsAt);
    writePosition(bytes, start + firstAt, this.#first);
    writePosition(bytes, start + safeAt, safe);
    bytes.writeUInt32LE(checksum(bytes, start, this.#length, this.#store.seed), start + crcAt);
    this.#start = -1;
  }

  #grow(bytes: number): void {
    const larger = Buffer.alloc(Math.max(bytes, this.#bytes.length * 2));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

function checksum(bytes: Uint8Array, start: number, end: number, seed: number): number {
  const ofSize = crc32(bytes.subarray(start + payloadBytesAt, start + crcAt), seed);
  return crc32(bytes.subarray(start + recordsAt, end), ofSize);
}

export interface Block {
  readonly start: number;
  readonly end: number;
  readonly first: number;
  readonly records: number;
  readonly safe: number;
}

/** The block that begins at `at`, or what is wrong there. */
export function readBlock(bytes: Buffer, at: number, store: StoreId): Block | string {
  const left = bytes.length - at;
  if (left < blockHeaderBytes) return `the file ends ${left} bytes into the header of a block`;
  if (!bytes.subarray(at, at + payloadBytesAt).equals(store.mark)) return 'no block begins there';
  const end = at + blockHeaderBytes + bytes.readUInt32LE(at + payloadBytesAt);
  if (end > bytes.length) return 'a block begins there that is longer than the rest of the file';
  if (bytes.readUInt32LE(at + crcAt) !== checksum(bytes, at, end, store.seed)) {
    return 'the checksum of the block there is wrong';
  }
  return {
    start: at,
    end,
    first: readPosition(bytes, at + firstAt),
    records: bytes.readUInt32LE(at + recordsAt),
    safe: readPosition(bytes, at + safeAt),
  };
}

/** The records of a block, in order; each is valid as long as `bytes` is. */
export function* recordsOf(bytes: Buffer, block: Block): Generator<Uint8Array, void, undefined> {
  let at = block.start + blockHeaderBytes;
  for (let left = block.records; left > 0; left -= 1) {
    const start = at + recordHeaderBytes;
    at = start + bytes.readUInt32LE(at);
    yield bytes.subarray(start, at);
  }
}

/** The next whole block that begins at or after `at`, if there is one. */
export function findBlock(bytes: Buffer, at: number, store: StoreId): Block | undefined {
  const { mark } = store;
  for (let found = bytes.indexOf(mark, at); found >= 0; found = bytes.indexOf(mark, found + 1)) {
    const block = readBlock(bytes, found, store);
    if (typeof block !== 'string') return block;
  }
  return undefined;
}
