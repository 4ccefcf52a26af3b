/**
 * What all files of a store have in common: their names, and the header they begin with (little endian, as everything here).
 *
 *   0        8         12         28          36        40      64
 *   │ magic  │ version │ store id │ position  │ crc-32  │ zeros │ blocks, or parts
 *
 * The header has this shape in all versions to come, so that a newer file is known as such and not taken for a damaged one.
 */
import { randomBytes } from 'node:crypto';

import { crc32 } from '../primitives/crc32.ts';

export const formatVersion = 1;
export const headerBytes = 64;
const storeIdBytes = 16;

export type FileKind = 'segment' | 'snapshot';

const magicOf: Readonly<Record<FileKind, Buffer>> = {
  segment: Buffer.from('PAGJRNL\n'),
  snapshot: Buffer.from('PAGSNAP\n'),
};

const versionAt = 8;
const storeIdAt = 12;
const positionAt = 28;
const crcAt = 36;

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
  readonly position: number;
}

export function writeHeader(kind: FileKind, storeId: StoreId, position: number): Buffer {
  const bytes = Buffer.alloc(headerBytes);
  bytes.set(magicOf[kind]);
  bytes.writeUInt32LE(formatVersion, versionAt);
  bytes.set(storeId.bytes, storeIdAt);
  writePosition(bytes, positionAt, position);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, crcAt)), crcAt);
  return bytes;
}

/** The header, or what is wrong with it. A version that is not known here is for the caller to refuse. */
export function readHeader(kind: FileKind, bytes: Buffer): Header | string {
  if (bytes.length < headerBytes)
    return `it has ${bytes.length} bytes and its header alone takes ${headerBytes}`;
  if (!bytes.subarray(0, versionAt).equals(magicOf[kind])) return `it does not begin as a ${kind} does`;
  if (bytes.readUInt32LE(crcAt) !== crc32(bytes.subarray(0, crcAt))) {
    return 'the checksum of its header is wrong';
  }
  return {
    version: bytes.readUInt32LE(versionAt),
    storeId: new StoreId(bytes.subarray(storeIdAt, storeIdAt + storeIdBytes)),
    position: readPosition(bytes, positionAt),
  };
}

const twoTo32 = 2 ** 32;

/** Positions are u64 in files and safe integers here: a million records a second reach 2^53 after 285 years. */
export function writePosition(bytes: Buffer, at: number, position: number): void {
  bytes.writeUInt32LE(position % twoTo32, at);
  bytes.writeUInt32LE(Math.floor(position / twoTo32), at + 4);
}

export function readPosition(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at + 4) * twoTo32 + bytes.readUInt32LE(at);
}

const digits = 20;

export function segmentName(first: number): string {
  return `journal-${String(first).padStart(digits, '0')}.log`;
}

export function snapshotName(position: number): string {
  return `snapshot-${String(position).padStart(digits, '0')}.snap`;
}

/** Files that are being made; of no use to anybody else, and removed at the next start. */
export const temporaryName: RegExp = /^(?:journal-next-\d+\.tmp|snapshot-\d{20}\.snap\.tmp)$/;

/** The position in the name of a file of this kind, or undefined when it is something else. */
export function positionInName(kind: FileKind, name: string): number | undefined {
  const pattern = kind === 'segment' ? /^journal-(\d{20})\.log$/ : /^snapshot-(\d{20})\.snap$/;
  const found = pattern.exec(name)?.[1];
  return found === undefined ? undefined : Number(found);
}
