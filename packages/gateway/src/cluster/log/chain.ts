/**
 * Where a member is in the log: the block it read or appended last, and what the next one must say to follow it. Whatever does not follow is
 * refused, so that no member goes on over a hole, a changed block, or one of another log.
 */
import { ByteReader, ByteWriter } from '../../primitives/byte-writer.ts';
import {
  hashOf,
  noHash,
  readBeat,
  readBlock,
  readDigest,
  readLeader,
  readPart,
  recordsOf,
  writeLeader,
} from './block.ts';
import type { Block, BlockHead, BlockKind, Leader, MarkedDigest } from './block.ts';
import { LOG_LEVEL, LOWEST_LEVEL, problemOfLevel } from './level.ts';
import { LogBroken } from './shared-log.ts';
import type { LogBlock } from './shared-log.ts';

const HASH_BYTES = noHash.length;

/** What a block has brought, for those who keep the state. */
export interface Brought {
  readonly kind: BlockKind;
  /** Whole ones, in order; the last has the log index that the chain has now. */
  readonly records: readonly Uint8Array[];
  /** Of a beat. */
  readonly ledgerMs: number | undefined;
  /** Of a digest. */
  readonly digest: MarkedDigest | undefined;
}

/** What of a chain a snapshot keeps. */
export class Chain {
  /** The highest level of any block so far. */
  level: number = LOWEST_LEVEL;
  /** Of the last block; 0 before the first. */
  number = 0;
  hash: Uint8Array = noHash;
  /** What the first block of the log was given; empty before. */
  log: Uint8Array = new Uint8Array(0);
  term = 0;
  /** Of the process that leads; empty before the first takeover. */
  writer: Uint8Array = new Uint8Array(0);
  leader: Leader | undefined;
  /** Whether the one that leads has said that it stops. */
  isHandedOver = false;
  /** The log index of the last record that is whole. */
  index = 0;
  /** Of a record that goes in parts, the first of them. */
  #parts: Uint8Array[] = [];
  /** Which levels are read. */
  readonly #read: number;

  constructor(read: number = LOG_LEVEL) {
    this.#read = read;
  }

  /** Takes the next block. Throws LogBroken, and has not changed then, where it does not follow. */
  take({ number, bytes }: LogBlock): Brought {
    const block = this.#blockOf(number, bytes);
    const problem = number === this.number + 1 ? this.#problemOf(block) : `follows block ${this.number}`;
    if (problem !== undefined) throw broken(number, problem);
    if (block.kind === 'takeover') {
      this.leader = readLeader(new ByteReader(block.payload));
      this.isHandedOver = false;
    } else if (block.kind === 'handover') this.isHandedOver = true;
    this.#follow(block, number, hashOf(bytes));
    const beat = block.kind === 'beat' ? readBeat(block.payload) : undefined;
    if (beat !== undefined) this.leader = beat.leader;
    return {
      kind: block.kind,
      records: this.#recordsIn(block),
      ledgerMs: beat?.ledgerMs,
      digest: block.kind === 'digest' ? readDigest(block.payload) : undefined,
    };
  }

  /** The same for a block that this process has appended itself; its records are in the state already. */
  appended(head: BlockHead, block: Uint8Array): void {
    this.#follow(head, this.number + 1, hashOf(block));
  }

  #follow({ level, term, count, log, writer }: BlockHead, number: number, hash: Uint8Array): void {
    this.level = Math.max(this.level, level);
    this.number = number;
    this.hash = hash;
    this.term = term;
    this.index += count;
    this.log = Uint8Array.from(log);
    this.writer = Uint8Array.from(writer);
  }

  /** Of the block that follows, in the same term; of the level that is there, where no other is given. */
  nextHead(
    kind: BlockKind,
    {
      level = this.level,
      writer,
      count,
    }: Pick<BlockHead, 'writer' | 'count'> & Partial<Pick<BlockHead, 'level'>>,
  ): BlockHead {
    return {
      level,
      kind,
      log: this.log,
      writer,
      term: this.term,
      first: this.index + 1,
      count,
      before: this.hash,
    };
  }

  #blockOf(number: number, bytes: Uint8Array): Block {
    try {
      return readBlock(bytes, this.#read);
    } catch (error) {
      throw broken(number, error instanceof LogBroken ? error.message : `cannot be read: ${String(error)}`);
    }
  }

  /** What of a block cannot be so. */
  #problemOf({ kind, log, writer, term, first, before }: Block): string | undefined {
    if (this.number > 0 && Buffer.compare(log, this.log) !== 0) return 'is of another log';
    if (Buffer.compare(before, this.hash) !== 0)
      return `does not follow block ${this.number} that this member has read`;
    if (first !== this.index + 1) return `begins with record ${first}, and the next one is ${this.index + 1}`;
    if (kind === 'takeover') return term > this.term ? undefined : 'is a takeover that does not begin a term';
    const isLeaders = term === this.term && Buffer.compare(writer, this.writer) === 0;
    return isLeaders ? undefined : 'is of a member that did not lead';
  }

  #recordsIn(block: Block): readonly Uint8Array[] {
    if (block.kind === 'records') return [...recordsOf(block)];
    if (block.kind === 'part') {
      const { isLast, bytes } = readPart(block.payload);
      this.#parts.push(bytes);
      if (!isLast) return [];
      const record = Buffer.concat(this.#parts);
      this.#parts = [];
      return [record];
    }
    // Who led before has acknowledged nothing of it.
    if (block.kind === 'takeover') this.#parts = [];
    return [];
  }

  /** What lets another member go on from here. Not between parts. */
  write(writer: ByteWriter): void {
    writer.whole(this.level);
    writer.whole(this.number);
    writer.raw(this.hash);
    writer.whole(this.log.length);
    writer.raw(this.log);
    writer.whole(this.writer.length);
    writer.raw(this.writer);
    writer.whole(this.term);
    writer.whole(this.index);
    writeLeader(writer, this.leader ?? { cluster: '', url: '' });
  }

  /** Throws LogBroken where it is of a level that is not read. */
  static read(reader: ByteReader, read: number = LOG_LEVEL): Chain {
    const chain = new Chain(read);
    chain.level = reader.whole();
    const problem = problemOfLevel(chain.level, read);
    if (problem !== undefined) throw new LogBroken(problem);
    chain.number = reader.whole();
    chain.hash = Uint8Array.from(reader.raw(HASH_BYTES));
    chain.log = Uint8Array.from(reader.raw(reader.whole()));
    chain.writer = Uint8Array.from(reader.raw(reader.whole()));
    chain.term = reader.whole();
    chain.index = reader.whole();
    chain.leader = readLeader(reader);
    return chain;
  }

  /** As it is now, however it goes on. */
  copy(): Chain {
    const writer = new ByteWriter();
    this.write(writer);
    return Chain.read(new ByteReader(Uint8Array.from(writer.bytes())), this.#read);
  }
}

function broken(number: number, problem: string): LogBroken {
  return new LogBroken(`block ${number} of the log ${problem}`);
}
