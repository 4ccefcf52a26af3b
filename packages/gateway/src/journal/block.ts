/**
 * Blocks: what a segment is made of. A commit writes one, or several when much waits, as one long block would be one long checksum.
 *
 *   0       4               8       12        16      24     32      36
 *   │ mark  │ payload bytes │ crc32 │ records │ first │ safe │ crc32 │ payload: for each record its length (u32) and its bytes │ pad │
 *
 * `first` is the log index of the first record. `safe` is the log index up to which everything was committed when the block was closed:
 * a later block that says so tells a damaged block from one that a crash cut short. The first checksum covers the payload, the
 * second one what stands before it. A block without records is a seal: it ends the segment.
 *
 * Blocks begin at multiples of 64 bytes, so no header lies across two sectors. A sector that a crash kept from the disk is still
 * zeros, as segments are; so a block in which no part is zeros was written whole, and is damaged when its checksum is wrong.
 *
 * In version 1 there was no second checksum, the first one covered all, and blocks followed each other without a gap.
 */
import { crc32 } from '../primitives/crc32.ts';
import { readPosition, writePosition, type StoreId } from './format.ts';

const payloadBytesAt = 4;
const crcAt = 8;
const recordsAt = 12;
const firstAt = 16;
const committedAt = 24;
const headerCrcAt = 32;
const blockHeaderBytes = 36;
const recordHeaderBytes = 4;
const alignBytes: number = 64;
/** The smallest unit that a disk writes whole or not at all. */
const sectorBytes = 512;
const padByte = 0xff;

/** At most so many bytes come to a record for its block: a header, a length, the rest of the block before, and its own. */
export const blockOverheadBytes: number = blockHeaderBytes + recordHeaderBytes + 2 * alignBytes;
export const sealBytes = 64;

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
    return this.#length + blockOverheadBytes + recordBytes;
  }

  add(record: Uint8Array, logIndex: number, safe: number): void {
    if (this.#start >= 0 && this.#length - this.#start > blockBytesMax) this.#close(safe);
    const end = this.lengthWith(record.length);
    if (end > this.#bytes.length) this.#grow(end);
    if (this.#start < 0) this.#open(logIndex);
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

  #open(logIndex: number): void {
    this.#start = this.#length;
    this.#first = logIndex;
    this.#records = 0;
    this.#length += blockHeaderBytes;
  }

  #close(safe: number): void {
    const start = this.#start;
    this.#length = closeBlock(this.#bytes, start, this.#length, {
      store: this.#store,
      records: this.#records,
      first: this.#first,
      safe,
    });
    this.#start = -1;
  }

  #grow(bytes: number): void {
    const larger = Buffer.alloc(Math.max(bytes, this.#bytes.length * 2));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

interface BlockFields {
  readonly store: StoreId;
  readonly records: number;
  readonly first: number;
  readonly safe: number;
}

/** Pads the block from `start` to `length` and writes its header; returns where it ends. */
function closeBlock(bytes: Buffer, start: number, length: number, fields: BlockFields): number {
  const { store, records, first, safe } = fields;
  const end = start + Math.ceil((length - start) / alignBytes) * alignBytes;
  bytes.fill(padByte, length, end);
  bytes.set(store.mark, start);
  bytes.writeUInt32LE(end - start - blockHeaderBytes, start + payloadBytesAt);
  bytes.writeUInt32LE(crc32(bytes.subarray(start + blockHeaderBytes, end), store.seed), start + crcAt);
  bytes.writeUInt32LE(records, start + recordsAt);
  writePosition(bytes, start + firstAt, first);
  writePosition(bytes, start + committedAt, safe);
  const ofHeader = crc32(bytes.subarray(start, start + headerCrcAt), store.seed);
  bytes.writeUInt32LE(ofHeader, start + headerCrcAt);
  return end;
}

/** The end of a segment: the record after it, at `logIndex`, is in another one. Those up to `safe` are committed before it is written. */
export function sealOf(store: StoreId, logIndex: number, safe: number): Uint8Array {
  const bytes = Buffer.alloc(sealBytes);
  closeBlock(bytes, 0, blockHeaderBytes, { store, records: 0, first: logIndex, safe });
  return bytes;
}

/** How blocks are to be read: of which store, and by which version of the format. */
export interface BlockFormat {
  readonly store: StoreId;
  readonly version: number;
}

export interface Block {
  readonly start: number;
  /** Where its records begin. */
  readonly payload: number;
  readonly end: number;
  readonly first: number;
  readonly records: number;
  readonly safe: number;
}

const firstVersionHeaderBytes = 32;

/** The block that begins at `at`, or what is wrong there. */
export function readBlock(bytes: Buffer, at: number, format: BlockFormat): Block | string {
  const { store, version } = format;
  const payload = at + (version === 1 ? firstVersionHeaderBytes : blockHeaderBytes);
  if (payload > bytes.length) return `the file ends ${bytes.length - at} bytes into the header of a block`;
  if (!bytes.subarray(at, at + payloadBytesAt).equals(store.mark)) return 'no block starts there';
  if (version > 1 && !isHeaderWhole(bytes, at, store)) return 'the checksum of the block there is wrong';
  const end = payload + bytes.readUInt32LE(at + payloadBytesAt);
  if (end > bytes.length) return 'the block there is longer than the rest of the file';
  const checksum = version === 1 ? firstVersionChecksum : payloadChecksum;
  if (bytes.readUInt32LE(at + crcAt) !== checksum(bytes, at, end, store.seed)) {
    return 'the checksum of the block there is wrong';
  }
  return {
    start: at,
    payload,
    end,
    first: readPosition(bytes, at + firstAt),
    records: bytes.readUInt32LE(at + recordsAt),
    safe: readPosition(bytes, at + committedAt),
  };
}

function isHeaderWhole(bytes: Buffer, at: number, store: StoreId): boolean {
  const crc = bytes.readUInt32LE(at + headerCrcAt);
  return crc === crc32(bytes.subarray(at, at + headerCrcAt), store.seed);
}

function payloadChecksum(bytes: Uint8Array, start: number, end: number, seed: number): number {
  return crc32(bytes.subarray(start + blockHeaderBytes, end), seed);
}

function firstVersionChecksum(bytes: Uint8Array, start: number, end: number, seed: number): number {
  const ofSize = crc32(bytes.subarray(start + payloadBytesAt, start + crcAt), seed);
  return crc32(bytes.subarray(start + recordsAt, end), ofSize);
}

/** Whether this block ends its segment. */
export function isSeal(block: Block, { version }: BlockFormat): boolean {
  return version > 1 && block.records === 0;
}

/** Whether a crash in the middle of a write explains what stands at `at`, where no whole block does. */
export function mayBeTorn(bytes: Buffer, at: number, { store, version }: BlockFormat): boolean {
  // Its blocks do not say.
  if (version === 1) return true;
  const header = bytes.subarray(at, at + blockHeaderBytes);
  if (isZero(header)) return true;
  if (header.length < blockHeaderBytes || !isHeaderWhole(bytes, at, store)) return false;
  const end = at + blockHeaderBytes + bytes.readUInt32LE(at + payloadBytesAt);
  if (end > bytes.length) return false;
  for (let from = at; from < end;) {
    const to = Math.min(end, from - (from % sectorBytes) + sectorBytes);
    if (isZero(bytes.subarray(from, to))) return true;
    from = to;
  }
  return false;
}

function isZero(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0);
}

/** The records of a block, in order; each is valid as long as `bytes` is. */
export function* recordsOf(bytes: Buffer, block: Block): Generator<Uint8Array, void, undefined> {
  let at = block.payload;
  for (let left = block.records; left > 0; left -= 1) {
    const start = at + recordHeaderBytes;
    at = start + bytes.readUInt32LE(at);
    yield bytes.subarray(start, at);
  }
}

/** The next whole block that begins at or after `at`, if there is one. */
export function findBlock(bytes: Buffer, at: number, format: BlockFormat): Block | undefined {
  const { mark } = format.store;
  for (let found = bytes.indexOf(mark, at); found >= 0; found = bytes.indexOf(mark, found + 1)) {
    const block = readBlock(bytes, found, format);
    if (typeof block !== 'string') return block;
  }
  return undefined;
}
