/**
 * What all files of a store have in common: their names, and the header they begin with (little endian, as everything here).
 *
 *   0        8         12         28          36        40          48       56       60      64
 *   │ magic  │ version │ store id │ log index │ crc-32  │ allocated │ writer │ crc-32 │ zeros │ blocks, or parts
 *
 * The first 40 bytes have this shape in all versions to come, so that a newer file is known as such and not taken for a damaged one.
 * What follows is in segments from version 2 on: how long the file was made, and which process writes to it.
 */
import { randomBytes } from 'node:crypto';

import { crc32 } from '../primitives/crc32.ts';

export type FileKind = 'segment' | 'snapshot';

/** What this gateway writes. It reads all earlier ones, too. */
export const formatVersions: Readonly<Record<FileKind, number>> = { segment: 2, snapshot: 1 };
export const headerBytes = 64;
const storeIdBytes = 16;
const writerBytes = 8;

const magicOf: Readonly<Record<FileKind, Buffer>> = {
  segment: Buffer.from('PAGJRNL\n'),
  snapshot: Buffer.from('PAGSNAP\n'),
};

const versionAt = 8;
const storeIdAt = 12;
const logIndexAt = 28;
const crcAt = 36;
const allocatedAt = 40;
const writerAt = 48;
const segmentCrcAt = 56;

/** What tells the files of one store from those of another. */
export class StoreId {
  readonly bytes: Buffer;
  /** Checksums of the store start from this, so that bytes somebody pushed can never look like blocks of it. */
  readonly seed: number;
  /** Begins its blocks. Not known to those who push either, who could make a search for blocks very long with it. */
  readonly mark: Buffer;

  constructor(bytes: Buffer = randomBytes(storeIdBytes)) {
    this.bytes = Buffer.from(bytes);
    this.seed = crc32(this.bytes);
    this.mark = Buffer.alloc(4);
    // Never zero, which is what follows the last block.
    this.mark.writeUInt32LE((crc32(Buffer.from('block'), this.seed) | 1) >>> 0);
  }

  get text(): string {
    return this.bytes.toString('hex');
  }

  equals(other: StoreId): boolean {
    return this.bytes.equals(other.bytes);
  }
}

export interface Header {
  readonly version: number;
  readonly storeId: StoreId;
  /** Of a segment's first record, or that of a snapshot. */
  readonly logIndex: number;
  /** Bytes that a segment was made with. It ends before only where a seal does; 0 when the version did not say. */
  readonly allocated: number;
}

/** What tells one process that writes to a store from the next, as a word for names of files. */
export function newWriter(): string {
  return randomBytes(writerBytes).toString('hex');
}

export function writeSnapshotHeader(storeId: StoreId, logIndex: number): Buffer {
  return startOf('snapshot', storeId, logIndex);
}

interface SegmentHeader {
  readonly logIndex: number;
  readonly allocated: number;
  readonly writer: string;
}

export function writeSegmentHeader(storeId: StoreId, header: SegmentHeader): Buffer {
  const bytes = startOf('segment', storeId, header.logIndex);
  writePosition(bytes, allocatedAt, header.allocated);
  bytes.write(header.writer, writerAt, 'hex');
  bytes.writeUInt32LE(crc32(bytes.subarray(0, segmentCrcAt)), segmentCrcAt);
  return bytes;
}

function startOf(kind: FileKind, storeId: StoreId, logIndex: number): Buffer {
  const bytes = Buffer.alloc(headerBytes);
  bytes.set(magicOf[kind]);
  bytes.writeUInt32LE(formatVersions[kind], versionAt);
  bytes.set(storeId.bytes, storeIdAt);
  writePosition(bytes, logIndexAt, logIndex);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, crcAt)), crcAt);
  return bytes;
}

/** The header, or what is wrong with it. A version that is not known here is for the caller to refuse. */
export function readHeader(kind: FileKind, bytes: Buffer): Header | string {
  if (bytes.length < headerBytes)
    return `it has ${bytes.length} bytes and its header alone takes ${headerBytes}`;
  if (!bytes.subarray(0, versionAt).equals(magicOf[kind]))
    return `it does not start with the header of a ${kind}`;
  if (bytes.readUInt32LE(crcAt) !== crc32(bytes.subarray(0, crcAt))) return wrongChecksum;
  const version = bytes.readUInt32LE(versionAt);
  const saysMore = kind === 'segment' && version === 2;
  if (saysMore && bytes.readUInt32LE(segmentCrcAt) !== crc32(bytes.subarray(0, segmentCrcAt)))
    return wrongChecksum;
  return {
    version,
    storeId: new StoreId(bytes.subarray(storeIdAt, storeIdAt + storeIdBytes)),
    logIndex: readPosition(bytes, logIndexAt),
    allocated: saysMore ? readPosition(bytes, allocatedAt) : 0,
  };
}

const wrongChecksum = 'the checksum of its header is wrong';

const twoTo32 = 2 ** 32;

/** Log indexes are u64 in files and safe integers here: a million records a second reach 2^53 after 285 years. */
export function writePosition(bytes: Buffer, at: number, logIndex: number): void {
  bytes.writeUInt32LE(logIndex % twoTo32, at);
  bytes.writeUInt32LE(Math.floor(logIndex / twoTo32), at + 4);
}

export function readPosition(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at + 4) * twoTo32 + bytes.readUInt32LE(at);
}

const digits = 20;

export function segmentName(first: number): string {
  return `journal-${String(first).padStart(digits, '0')}.log`;
}

export function snapshotName(logIndex: number): string {
  return `snapshot-${String(logIndex).padStart(digits, '0')}.snap`;
}

/**
 * An empty file that says which segment records go to, made once that one is there for certain. So it is found out when the last
 * segment has gone. It is a file of its own, by name alone, because a plain copy of the folder has the names of one moment.
 */
export function headName(first: number): string {
  return `journal-${String(first).padStart(digits, '0')}.head`;
}

/** Files that are being made have the writer in their names, so that no other process takes them for its own. */
export function nextSegmentName(writer: string, number: number): string {
  return `journal-next-${writer}-${number}.tmp`;
}

export function newSnapshotName(logIndex: number, writer: string): string {
  return `${snapshotName(logIndex)}.${writer}.tmp`;
}

/** Files that were being made; of no use to anybody else, and removed at the next start. */
export const temporaryName: RegExp =
  /^(?:journal-next-(?:[0-9a-f]{16}-)?\d+\.tmp|snapshot-\d{20}\.snap\.(?:[0-9a-f]{16}\.)?tmp)$/;

const patternOf: Readonly<Record<FileKind | 'head', RegExp>> = {
  segment: /^journal-(\d{20})\.log$/,
  snapshot: /^snapshot-(\d{20})\.snap$/,
  head: /^journal-(\d{20})\.head$/,
};

/** The log index in the name of a file of this kind, or undefined when it is something else. */
export function logIndexInName(kind: FileKind | 'head', name: string): number | undefined {
  const found = patternOf[kind].exec(name)?.[1];
  return found === undefined ? undefined : Number(found);
}
