/**
 * A block of the shared log. All numbers are in the terms of primitives/byte-writer.ts.
 *
 *   "PAGB" │ level, kind: a byte each │ log: 16 │ writer: 8 │ term │ first, count │ before: 32 │ payload … │ checksum: 4
 *
 *   level     what its reader has to know: see level.ts
 *   log       what the first block of the log was given by chance; two logs never have the same
 *   writer    of the process that appended it, by chance
 *   term      grows with each takeover
 *   first     the log index of its first record, or of the next one where it has none
 *   count     how many records end in it
 *   before    SHA-256 of the block before; zeros for the first one
 *   checksum  CRC-32 of all before it, little endian
 *
 * A record that is longer than a block goes in parts, a block for each. It counts with the last of them.
 *
 * A `refound` block is a takeover of a log that has lost its last blocks, by a member that had read them: the records go on from where that
 * member was, so `first` leaves some out, and what they made of the state is in the snapshot of this very block.
 */
import { createHash } from 'node:crypto';

import { ByteReader, ByteWriter } from '../../primitives/byte-writer.ts';
import { viewOf } from '../../primitives/bytes.ts';
import { crc32 } from '../../primitives/crc32.ts';
import { LOG_LEVEL, problemOfLevel } from './level.ts';
import { LogBroken } from './shared-log.ts';

const MAGIC = Uint8Array.from(Buffer.from('PAGB', 'latin1'));
const ID_BYTES = 16;
const WRITER_BYTES = 8;
const HASH_BYTES = 32;
const CHECKSUM_BYTES = 4;
const KIND_AT = MAGIC.length + 1;
/** More than any head takes. */
const HEAD_BYTES_MAX = 128;

const kinds = ['records', 'part', 'takeover', 'beat', 'handover', 'mark', 'digest', 'refound'] as const;
export type BlockKind = (typeof kinds)[number];

export interface BlockHead {
  readonly level: number;
  readonly kind: BlockKind;
  readonly log: Uint8Array;
  readonly writer: Uint8Array;
  readonly term: number;
  readonly first: number;
  readonly count: number;
  readonly before: Uint8Array;
}

/** Who leads from here on, and how to find them. */
export interface Leader {
  /** The same for all members of a cluster, and of no other: two that share a log by mistake find out. */
  readonly cluster: string;
  readonly url: string;
}

interface Part {
  readonly isLast: boolean;
  readonly bytes: Uint8Array;
}

/** What a beat tells: who leads, and the ledger's time in milliseconds. */
interface Beat {
  readonly leader: Leader;
  readonly ledgerMs: number;
}

/** Of the state of who leads, after the record of this log index: where the mark before it stands. */
export interface MarkedDigest {
  readonly index: number;
  /** Of the program that took it. */
  readonly version: string;
  readonly digest: string;
}

/** Who begins a log anew, and the last block that it had read of what is lost. */
interface Refounding {
  readonly leader: Leader;
  readonly number: number;
  readonly hash: Uint8Array;
}

export interface Block extends BlockHead {
  /** To be read as its kind says. */
  readonly payload: Uint8Array;
}

export const noHash: Uint8Array = new Uint8Array(HASH_BYTES);

export function hashOf(block: Uint8Array): Uint8Array {
  return createHash('sha256').update(block).digest();
}

/** The most that the payload of a block of so many bytes may have. */
export function payloadBytesMax(blockBytesMax: number): number {
  return blockBytesMax - HEAD_BYTES_MAX - CHECKSUM_BYTES;
}

/** Writes blocks, in a buffer that it uses again. */
export class BlockWriter {
  readonly #block = new ByteWriter();
  readonly #checksum = new Uint8Array(CHECKSUM_BYTES);

  /** A copy of its own. The payload is written into anew after that. */
  finish(head: BlockHead, payload: ByteWriter): Uint8Array {
    const block = this.#block;
    block.reset();
    block.raw(MAGIC);
    block.byte(head.level);
    block.byte(kinds.indexOf(head.kind));
    block.raw(head.log);
    block.raw(head.writer);
    block.whole(head.term);
    block.whole(head.first);
    block.whole(head.count);
    block.raw(head.before);
    block.raw(payload.bytes());
    viewOf(this.#checksum).setUint32(0, crc32(block.bytes()), true);
    block.raw(this.#checksum);
    payload.reset();
    return Uint8Array.from(block.bytes());
  }
}

/** Throws LogBroken, with what is wrong, where it is none, or of a level above those that are read. */
export function readBlock(bytes: Uint8Array, read: number = LOG_LEVEL): Block {
  if (bytes.length < MAGIC.length || MAGIC.some((byte, i) => bytes[i] !== byte))
    throw new LogBroken('is not of this program');
  const level = bytes[MAGIC.length] ?? 0;
  const problem = problemOfLevel(level, read);
  if (problem !== undefined) throw new LogBroken(problem);
  const end = bytes.length - CHECKSUM_BYTES;
  const kind = kinds[bytes[KIND_AT] ?? kinds.length];
  if (end <= KIND_AT || viewOf(bytes).getUint32(end, true) !== crc32(bytes.subarray(0, end)))
    throw new LogBroken('was changed: its checksum does not match');
  if (kind === undefined) throw new LogBroken('is of a kind that this version does not know');
  const reader = new ByteReader(bytes.subarray(0, end));
  reader.raw(KIND_AT + 1);
  const log = reader.raw(ID_BYTES);
  const writer = reader.raw(WRITER_BYTES);
  const [term, first, count] = [reader.whole(), reader.whole(), reader.whole()];
  const before = reader.raw(HASH_BYTES);
  return { level, kind, log, writer, term, first, count, before, payload: reader.raw(end - reader.at) };
}

export function writePart(writer: ByteWriter, { isLast, bytes }: Part): void {
  writer.byte(isLast ? 1 : 0);
  writer.raw(bytes);
}

export function readPart(payload: Uint8Array): Part {
  return { isLast: payload[0] === 1, bytes: payload.subarray(1) };
}

/** The records of a block, not copied. */
export function* recordsOf({ payload, count }: Block): Generator<Uint8Array, void> {
  const reader = new ByteReader(payload);
  for (let left = count; left > 0; left -= 1) yield reader.raw(reader.whole());
}

export function writeLeader(writer: ByteWriter, { cluster, url }: Leader): void {
  writer.text(cluster);
  writer.text(url);
}

export function readLeader(reader: ByteReader): Leader {
  const cluster = reader.text();
  return { cluster, url: reader.text() };
}

export function writeBeat(writer: ByteWriter, { leader, ledgerMs }: Beat): void {
  writeLeader(writer, leader);
  writer.double(ledgerMs);
}

export function readBeat(payload: Uint8Array): Beat {
  const reader = new ByteReader(payload);
  const leader = readLeader(reader);
  return { leader, ledgerMs: reader.double() };
}

export function writeDigest(writer: ByteWriter, { index, version, digest }: MarkedDigest): void {
  writer.whole(index);
  writer.text(version);
  writer.text(digest);
}

export function readDigest(payload: Uint8Array): MarkedDigest {
  const reader = new ByteReader(payload);
  const index = reader.whole();
  const version = reader.text();
  return { index, version, digest: reader.text() };
}

export function writeRefounding(writer: ByteWriter, { leader, number, hash }: Refounding): void {
  writeLeader(writer, leader);
  writer.whole(number);
  writer.raw(hash);
}

export function readRefounding(payload: Uint8Array): Refounding {
  const reader = new ByteReader(payload);
  const leader = readLeader(reader);
  return { leader, number: reader.whole(), hash: reader.raw(HASH_BYTES) };
}
