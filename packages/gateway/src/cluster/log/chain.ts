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
  readRefounding,
  recordsOf,
  writeLeader,
} from './block.ts';
import type { Block, BlockHead, BlockKind, Leader, MarkedDigest } from './block.ts';
import { LOG_LEVEL, LOWEST_LEVEL, problemOfLevel } from './level.ts';
import { LogBroken } from './shared-log.ts';
import type { LogBlock } from './shared-log.ts';

const HASH_BYTES = noHash.length;
/** Of so many takeovers it is known where they were. */
const TERMS_MAX = 64;

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

/** All blocks from this one to the next term were appended by one process. */
interface Term {
  readonly from: number;
  readonly term: number;
  readonly writer: Uint8Array;
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
  readonly #terms: Term[] = [];

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
    else if (block.kind === 'refound') {
      this.leader = readRefounding(block.payload).leader;
      this.isHandedOver = false;
      this.index = block.first - 1;
    }
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

  #follow(
    { level, term, count, log, writer }: Pick<BlockHead, 'level' | 'term' | 'count' | 'log' | 'writer'>,
    number: number,
    hash: Uint8Array,
  ): void {
    if (term !== this.term) this.#noteTerm({ from: number, term, writer: Uint8Array.from(writer) });
    this.level = Math.max(this.level, level);
    this.number = number;
    this.hash = hash;
    this.term = term;
    this.index += count;
    this.log = Uint8Array.from(log);
    this.writer = Uint8Array.from(writer);
  }

  #noteTerm(term: Term): void {
    this.#terms.push(term);
    if (this.#terms.length > TERMS_MAX) this.#terms.shift();
  }

  /**
   * Whether the block is one of those that led here; undefined where that is not known, as it is older than what was read. A process appends
   * one block for a number in its term, so these three say which block it is.
   */
  has(number: number, { term, writer }: Pick<BlockHead, 'term' | 'writer'>): boolean | undefined {
    const isOf = (of: Term): boolean => of.term === term && Buffer.compare(of.writer, writer) === 0;
    const of = this.#terms.findLast(({ from }) => from <= number);
    if (of !== undefined) return isOf(of);
    const oldest = this.#terms[0];
    return oldest !== undefined && isOf(oldest) ? true : undefined;
  }

  /** Goes on as the other one does. */
  become({ level, number, hash, term, log, writer, index, leader }: Chain): void {
    this.index = index;
    this.leader = leader;
    this.isHandedOver = false;
    this.#parts = [];
    this.#follow({ level, term, count: 0, log, writer }, number, hash);
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
    const beginsTerm = kind === 'takeover' || kind === 'refound';
    if (kind !== 'refound' && first !== this.index + 1)
      return `begins with record ${first}, and the next one is ${this.index + 1}`;
    if (beginsTerm) return term > this.term ? undefined : `is a ${kind} that does not begin a term`;
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
    if (block.kind === 'takeover' || block.kind === 'refound') this.#parts = [];
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
    chain.#noteTerm({ from: chain.number, term: chain.term, writer: chain.writer });
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
