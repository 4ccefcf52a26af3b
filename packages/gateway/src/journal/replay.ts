/**
 * Reads the records after a snapshot, segment after segment, up to the end or the first damage.
 *
 * A crash leaves the last commit cut short, which is no damage: nobody was told that it was committed. A block that cannot be read is
 * damage when something tells that it was committed once: a later block that says so; a later segment, as that is begun only when
 * the one before is committed; or the block itself, when it was written whole. And a segment ends with a seal, or is as long as it
 * was made: one that is shorter was cut, wherever that was.
 */
import { performance } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';

import { findBlock, isSeal, mayBeTorn, readBlock, recordsOf, type Block, type BlockFormat } from './block.ts';
import type { CatalogFile } from './catalog.ts';
import type { Files } from './files.ts';
import { headerBytes, type StoreId } from './format.ts';
import { TURN_MS } from '../primitives/turns.ts';

export interface Damage {
  /** Which of the segments, by its place in the list. */
  readonly segment: number;
  readonly path: string;
  readonly offset: number;
  readonly why: string;
  /** Of the last whole record in the journal before it; undefined when nothing of the journal was read before. */
  readonly after: number | undefined;
}

export interface SegmentEnd {
  /** Of the segment. */
  readonly path: string;
  readonly version: number;
  /** Of the last record in it; that of the one before when it holds none. */
  readonly logIndex: number;
  /** Where its blocks end. */
  readonly offset: number;
  readonly sealed: boolean;
}

export interface Replayed {
  readonly records: number;
  readonly recordBytes: number;
  /** Of the last record that was handed over, or of the snapshot. */
  readonly logIndex: number;
  readonly damage: Damage | undefined;
  /** Where the last segment ends, of those before damage; undefined when there is none. */
  readonly last: SegmentEnd | undefined;
  /** What a crash has cut short, to be cleared away. */
  readonly torn: { readonly path: string; readonly offset: number; readonly bytes: number } | undefined;
  /** Damage in records that the snapshot covers, in words. */
  readonly covered: readonly string[];
}

interface ReplayOptions {
  readonly files: Files;
  readonly segments: readonly CatalogFile[];
  readonly storeId: StoreId;
  /** Of the snapshot. */
  readonly logIndex: number;
  /** May take its time, in which the bytes stay as they are. */
  readonly record: (logIndex: number, record: Uint8Array) => Promise<void> | void;
}

export function replay(options: ReplayOptions): Promise<Replayed> {
  return new Replay(options).run();
}

const recordsPerLook = 64;
const bytesPerLook = 64 * 1024;

/** Where the reading of a segment has got to. */
interface Walk {
  readonly segment: CatalogFile;
  readonly bytes: Buffer;
  readonly format: BlockFormat;
  at: number;
  /** The log index that the next block begins with. */
  next: number;
  sealed: boolean;
}

function endOf({ segment, format, at, next, sealed }: Walk): SegmentEnd {
  return { path: segment.path, version: format.version, logIndex: next - 1, offset: at, sealed };
}

class Replay {
  readonly #options: ReplayOptions;
  /** Of the record to be handed over next. */
  #expected: number;
  #records = 0;
  #recordBytes = 0;
  #recordsSinceLook = 0;
  #bytesSinceLook = 0;
  #turnStarted = performance.now();
  #damage: Damage | undefined = undefined;
  /** Of the last record in the journal so far, also of those that the snapshot covers. */
  #end: number | undefined = undefined;
  #last: SegmentEnd | undefined = undefined;
  #torn: Replayed['torn'] = undefined;
  readonly #covered: string[] = [];

  constructor(options: ReplayOptions) {
    this.#options = options;
    this.#expected = options.logIndex + 1;
  }

  async run(): Promise<Replayed> {
    const { segments } = this.#options;
    // The one that holds the first record needed, or whatever there is.
    let index = Math.max(
      0,
      segments.findLastIndex(({ logIndex }) => logIndex <= this.#expected),
    );
    for (; index < segments.length && this.#damage === undefined; index += 1) {
      const segment = segments[index];
      if (segment !== undefined) await this.#segment(segment, index);
    }
    return {
      records: this.#records,
      recordBytes: this.#recordBytes,
      logIndex: this.#expected - 1,
      damage: this.#damage,
      last: this.#last,
      torn: this.#torn,
      covered: this.#covered,
    };
  }

  async #segment(segment: CatalogFile, index: number): Promise<void> {
    const fail = (offset: number, why: string): void => {
      this.#damage = { segment: index, path: segment.path, offset, why, after: this.#end };
    };
    const { header } = segment;
    if (typeof header === 'string') return fail(0, header);
    if (!header.storeId.equals(this.#options.storeId))
      return fail(0, 'it belongs to another store, by the id in its header');
    if (header.logIndex > this.#expected) return fail(0, this.#missing(header.logIndex));

    const bytes = await readWhole(this.#options.files, segment);
    const format = { store: this.#options.storeId, version: header.version };
    const walk: Walk = { segment, bytes, format, at: headerBytes, next: header.logIndex, sealed: false };
    const problem = await this.#blocks(walk);
    this.#end = walk.next - 1;
    const follower = this.#options.segments[index + 1];
    if (follower === undefined) return this.#endOfLast(walk, header.allocated, problem, fail);
    // What stands behind the records that the next segment goes on from was never committed.
    const goesOn = typeof follower.header !== 'string' && follower.logIndex === walk.next;
    if (!goesOn && problem !== undefined) return fail(walk.at, problem);
    if (goesOn || typeof follower.header === 'string') {
      this.#last = endOf(walk);
      return undefined;
    }
    return fail(
      walk.at,
      `its records end there with ${walk.next - 1}, and ${follower.name} begins with ${follower.logIndex}`,
    );
  }

  /** Hands over records up to the seal, the zeros, or something that is no block; says what is wrong with it. */
  async #blocks(walk: Walk): Promise<string | undefined> {
    const { segment, bytes, format } = walk;
    while (walk.at < bytes.length) {
      let block: Block | string = readBlock(bytes, walk.at, format);
      if (typeof block !== 'string' && block.first !== walk.next) {
        block = `the block there begins with record ${block.first} instead of ${walk.next}`;
      }
      if (typeof block === 'string') {
        if (isZero(bytes, walk.at)) return undefined;
        const resumed = this.#resume(walk);
        if (resumed === undefined) return block;
        this.#covered.push(`${segment.path} at offset ${walk.at}: ${block}`);
        walk.at = resumed.start;
        walk.next = resumed.first;
        continue;
      }
      await this.#handOver(bytes, block);
      walk.next = block.first + block.records;
      walk.at = block.end;
      if (isSeal(block, format)) {
        walk.sealed = true;
        return undefined;
      }
    }
    return undefined;
  }

  #endOfLast(
    walk: Walk,
    allocated: number,
    problem: string | undefined,
    fail: (offset: number, why: string) => void,
  ): void {
    const { segment, bytes, format, at, next, sealed } = walk;
    if (problem !== undefined && (wasCommitted(bytes, at, next, format) || !mayBeTorn(bytes, at, format)))
      return fail(at, problem);
    if (!sealed && bytes.length < allocated)
      return fail(at, `the file ends at offset ${bytes.length}, and was made with ${allocated} bytes`);
    if (problem !== undefined) this.#torn = { path: segment.path, offset: at, bytes: usedLength(bytes) - at };
    this.#last = endOf(walk);
  }

  #missing(until: number): string {
    return `records ${this.#expected} to ${until - 1} are missing: no snapshot covers them and no segment before this one holds them`;
  }

  /** After damage in records that the snapshot covers: the block to go on with. */
  #resume({ bytes, at, format }: Walk): Block | undefined {
    const block = findBlock(bytes, at + 1, format);
    if (block === undefined || block.first > this.#expected) return undefined;
    return block.records > 0 || isSeal(block, format) ? block : undefined;
  }

  async #handOver(bytes: Buffer, block: Block): Promise<void> {
    const after = block.first + block.records;
    if (after > this.#expected) {
      let logIndex = block.first;
      for (const record of recordsOf(bytes, block)) {
        if (logIndex === this.#expected) {
          const taken = this.#options.record(logIndex, record);
          if (taken !== undefined) await taken;
          this.#expected += 1;
          this.#records += 1;
          this.#recordBytes += record.length;
          this.#bytesSinceLook += record.length;
          this.#recordsSinceLook += 1;
          if (this.#recordsSinceLook >= recordsPerLook || this.#bytesSinceLook >= bytesPerLook)
            await this.#look();
        }
        logIndex += 1;
      }
    } else {
      this.#bytesSinceLook += block.end - block.start;
      if (this.#bytesSinceLook >= bytesPerLook) await this.#look();
    }
  }

  /** Lets others have their turn when this one has been long. */
  async #look(): Promise<void> {
    this.#recordsSinceLook = 0;
    this.#bytesSinceLook = 0;
    if (performance.now() - this.#turnStarted < TURN_MS) return;
    await nextTurn();
    this.#turnStarted = performance.now();
  }
}

/** Whether a block behind the damage says that record `logIndex` was committed. */
function wasCommitted(bytes: Buffer, damagedAt: number, logIndex: number, format: BlockFormat): boolean {
  let block = findBlock(bytes, damagedAt + 1, format);
  while (block !== undefined) {
    if (block.safe >= logIndex) return true;
    block = findBlock(bytes, block.end, format);
  }
  return false;
}

/** How many records from `logIndex` on stand in whole blocks at or after `from`. */
export function readableRecords(bytes: Buffer, from: number, logIndex: number, format: BlockFormat): number {
  let records = 0;
  let block = findBlock(bytes, from, format);
  while (block !== undefined) {
    if (block.first >= logIndex) records += block.records;
    block = findBlock(bytes, block.end, format);
  }
  return records;
}

export async function readWhole(files: Files, { path }: { readonly path: string }): Promise<Buffer> {
  const file = await files.open(path, 'read');
  try {
    const bytes = Buffer.allocUnsafeSlow(await file.size());
    return bytes.subarray(0, await file.read(bytes, 0));
  } finally {
    await file.close();
  }
}

function isZero(bytes: Buffer, from: number): boolean {
  return usedLength(bytes) <= from;
}

const zeros: Buffer = Buffer.alloc(64 * 1024);

/** Up to the last byte that is not zero. */
function usedLength(bytes: Buffer): number {
  let end = bytes.length;
  // In large steps first, as most of a segment may be zeros.
  while (end >= zeros.length && bytes.subarray(end - zeros.length, end).equals(zeros)) end -= zeros.length;
  while (end > 0 && bytes[end - 1] === 0) end -= 1;
  return end;
}
