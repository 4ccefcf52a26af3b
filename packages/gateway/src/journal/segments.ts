/**
 * The segment that records go to, the one prepared to follow it, and those before it.
 *
 *   journal-…001.log   journal-…814.log   journal-…1702.log          journal-next-….tmp
 *   │ full, sealed   │ │ full, sealed   │ │ blocks → zeros │         │ zeros                │
 *   kept for snapshots                    active                     next
 *                                         journal-…1702.head
 *
 * Zeros are written ahead, so that a full disk is met there, before a push is taken, and never in a commit; it also leaves the
 * file system nothing to note when a commit is synced. Records move on to the next segment in one turn (`fits`): all that waits
 * for a commit goes with them. The files follow with the first commit to it (`promote`), when none is under way.
 *
 * A process writes to segments of its own only, so two that should not be there at once never write over each other.
 */
import { join } from 'node:path';

import { blockOverheadBytes, sealBytes, sealOf } from './block.ts';
import { codeOf, messageOf, withDescriptors, type Files, type StoreFile } from './files.ts';
import { headerBytes, headName, nextSegmentName, logIndexInName } from './format.ts';
import { segmentName, writeSegmentHeader, type StoreId } from './format.ts';
import { markHead, truncateTo } from './segment-files.ts';
import type { Log } from '../primitives/log.ts';

export interface Segment {
  path: string;
  file: StoreFile;
  /** Of its first record; not known before it is promoted. */
  first: number;
  /** Where the next commit goes; what is being committed lies before it. */
  end: number;
  /** Bytes of the file, zeros included. */
  allocated: number;
  /** Whether it has its header and its name. */
  promoted: boolean;
}

export interface ClosedSegment {
  readonly path: string;
  readonly first: number;
  readonly bytes: number;
}

interface SegmentsOptions {
  readonly folder: string;
  readonly files: Files;
  readonly log: Log;
  readonly storeId: StoreId;
  /** Of this process; in the headers of its segments and in the names of files that it is making. */
  readonly writer: string;
  /** Whether each write to a segment is committed when it returns. */
  readonly safeWrites: boolean;
  /** Rejects when the folder is no longer this process's. Asked before files appear under their names, or go. */
  readonly isOurs: () => Promise<void>;
}

const pageBytes = 4096;
const zeros: Buffer = Buffer.alloc(256 * 1024);
/** Names of the last segments. A copy of the folder that has begun with one of them finds it still there. */
const headsKept = 2;

export class Segments {
  active: Segment | undefined = undefined;
  next: Segment | undefined = undefined;
  /** Oldest first; the active one is not among them. */
  #closed: ClosedSegment[] = [];
  /** Records have moved on from these; they are closed at the next promotion. */
  #retired: Segment[] = [];
  /** The one of this process that was closed last, with zeros behind its seal. */
  #untrimmed: { readonly path: string; readonly bytes: number } | undefined = undefined;
  #heads: number[] = [];
  /** Of the segment that is getting its name. */
  #naming: number | undefined = undefined;
  #number = 0;
  #removal: Promise<void> = Promise.resolve();
  /** Bytes of the next one while it is being prepared. */
  #preparing = 0;
  readonly #options: SegmentsOptions;

  constructor(options: SegmentsOptions) {
    this.#options = options;
  }

  get bytes(): number {
    let bytes = this.#preparing + (this.active?.allocated ?? 0) + (this.next?.allocated ?? 0);
    for (const segment of this.#closed) bytes += segment.bytes;
    for (const segment of this.#retired) bytes += segment.allocated;
    return bytes;
  }

  /** Bytes prepared that hold no record yet. */
  get unusedBytes(): number {
    const { active, next } = this;
    return (active === undefined ? 0 : active.allocated - active.end) + (next?.allocated ?? 0);
  }

  /** What recovery has found. */
  adopt(closed: readonly ClosedSegment[], heads: readonly number[]): void {
    this.#closed = [...closed];
    this.#heads = [...heads];
  }

  /** What a segment must be long for, so that so many bytes of blocks fit into it. */
  static bytesFor(blockBytes: number): number {
    return headerBytes + blockBytes + blockOverheadBytes + sealBytes;
  }

  /** Whether so many bytes of blocks, all that waits among them, fit into a segment. Moves on to the next one if they fit there. */
  fits(blockBytes: number): boolean {
    const { active, next } = this;
    if (active !== undefined && blockBytes <= spaceIn(active)) return true;
    if (next === undefined || blockBytes > spaceIn(next)) return false;
    if (active !== undefined) this.#retired.push(active);
    this.active = next;
    this.next = undefined;
    return true;
  }

  /** Whether it is time to prepare the next one. */
  get wantsNext(): boolean {
    const { active, next } = this;
    return (
      next === undefined && (active === undefined || active.allocated - active.end < active.allocated / 2)
    );
  }

  /** Makes the next segment at least so long, header included. Rejects with what the file system says, and leaves nothing then. */
  async prepare(bytes: number): Promise<void> {
    const { files, folder, writer } = this.#options;
    const target = Math.ceil(bytes / pageBytes) * pageBytes;
    let segment = this.next;
    // While it grows it is nobody's, so that records do not move on to it half made.
    this.next = undefined;
    this.#number += 1;
    const path = segment?.path ?? join(folder, nextSegmentName(writer, this.#number));
    segment ??= {
      path,
      file: await files.open(path, 'create'),
      first: 0,
      end: headerBytes,
      allocated: 0,
      promoted: false,
    };
    this.#preparing = target;
    try {
      await writeZeros(segment.file, segment.allocated, target);
      await segment.file.sync();
    } catch (error) {
      await this.#discard(segment);
      throw error;
    } finally {
      this.#preparing = 0;
    }
    segment.allocated = target;
    this.next = segment;
  }

  /**
   * Gives the active segment its header and its name, after sealing those before it. To be called when nothing is being written.
   * `first` is the log index of the first record that goes to it, `safe` that up to which all is synced.
   */
  async promote(segment: Segment, first: number, safe: number): Promise<void> {
    const { files, folder, storeId, safeWrites, writer, isOurs } = this.#options;
    await isOurs();
    const { allocated } = segment;
    const untrimmed = this.#untrimmed;
    // Others may retire meanwhile, this one among them.
    for (let left = this.#retired.length; left > 0; left -= 1) {
      const old = this.#retired[0];
      if (old !== undefined) await this.#seal(old, first, safe);
      this.#retired.shift();
    }
    this.#naming = first;
    await segment.file.write(writeSegmentHeader(storeId, { logIndex: first, allocated, writer }), 0);
    await segment.file.sync();
    const path = join(folder, segmentName(first));
    await this.#name(segment.path, path, first);
    await withDescriptors(() => files.syncFolder(folder));
    await segment.file.close();
    segment.file = await withDescriptors(() => files.open(path, safeWrites ? 'write-safe' : 'write'));
    segment.path = path;
    segment.first = first;
    segment.promoted = true;
    this.#naming = undefined;
    await this.#markHead(first);
    if (untrimmed !== undefined) await this.#trim(untrimmed);
  }

  /** Its name is new, or that of one that holds no record. */
  async #name(from: string, to: string, first: number): Promise<void> {
    const { files } = this.#options;
    if (this.#closed.at(-1)?.first === first) {
      this.#closed.pop();
      await files.rename(from, to);
      return;
    }
    try {
      await files.renameNew(from, to);
    } catch (error) {
      if (codeOf(error) === 'EEXIST') throw anotherWriter(to);
      throw error;
    }
  }

  /** It only helps to find damage, so a disk without room for one more name is no reason to fail. */
  async #markHead(first: number): Promise<void> {
    const { files, folder, log } = this.#options;
    try {
      await markHead(files, folder, first);
      this.#heads = [...this.#heads.filter((head) => head !== first), first];
      while (this.#heads.length > headsKept)
        await files.remove(join(folder, headName(this.#heads.shift() ?? 0)));
    } catch (error) {
      log.warn('marking the current segment as the last one failed', {
        file: segmentName(first),
        error: messageOf(error),
      });
    }
  }

  async #seal(segment: Segment, next: number, safe: number): Promise<void> {
    // Nothing was ever written to it, and it has no name yet.
    if (!segment.promoted) {
      await this.#discard(segment);
      return;
    }
    const { path, first, allocated } = segment;
    await segment.file.write(sealOf(this.#options.storeId, next, safe), segment.end);
    await segment.file.sync();
    await segment.file.close();
    this.#closed.push({ path, first, bytes: allocated });
    this.#untrimmed = { path, bytes: segment.end + sealBytes };
  }

  /**
   * Gives back the zeros behind a seal. Not at once when the segment is closed: a copy that is made of the folder may not know
   * the next one, and would have to end with half of this one.
   */
  async #trim({ path, bytes }: { readonly path: string; readonly bytes: number }): Promise<void> {
    const isIt = (segment: ClosedSegment): boolean => segment.path === path;
    if (this.#untrimmed?.path === path) this.#untrimmed = undefined;
    if (!this.#closed.some(isIt)) return;
    try {
      await truncateTo(this.#options.files, path, bytes);
      // Those before it may have been removed meanwhile, and so may it.
      this.#closed = this.#closed.map((segment) => (isIt(segment) ? { ...segment, bytes } : segment));
    } catch (error) {
      this.#options.log.warn('truncating a full segment failed', {
        file: path,
        error: messageOf(error),
      });
    }
  }

  async #discard(segment: Segment): Promise<void> {
    try {
      await segment.file.close();
      await this.#options.files.remove(segment.path);
    } catch (error) {
      this.#options.log.warn('removing an obsolete journal file failed', {
        file: segment.path,
        error: messageOf(error),
      });
    }
  }

  /** Removes segments in which no record is after `logIndex`. Rejects when somebody else writes to the store. */
  removeUpTo(logIndex: number): Promise<void> {
    // One after the other: what one is about to remove would look to another like the segment of somebody else.
    const removal = this.#removal.then(() => this.#removeUpTo(logIndex));
    this.#removal = removal.catch(() => {});
    return removal;
  }

  async #removeUpTo(logIndex: number): Promise<void> {
    let isChecked = false;
    while (this.#closed.length > 0) {
      const first = this.#closed[1]?.first ?? this.#retired.find(promoted)?.first ?? this.active?.first;
      // An active segment without a name has no first log index yet: everything closed is before it, but how far is not known.
      if (first === undefined || first === 0 || first > logIndex + 1) return;
      if (!isChecked) await this.#refuseOthers();
      isChecked = true;
      const segment = this.#closed.shift();
      if (segment === undefined) return;
      try {
        await this.#options.files.remove(segment.path);
      } catch (error) {
        this.#closed.unshift(segment);
        this.#options.log.warn('removing an obsolete segment failed', {
          file: segment.path,
          error: messageOf(error),
        });
        return;
      }
    }
  }

  /** Whoever has begun a segment here counts on those before it. */
  async #refuseOthers(): Promise<void> {
    const { files, folder, isOurs } = this.#options;
    await isOurs();
    const names = await files.list(folder);
    const known = [...this.#closed, ...this.#retired, this.active].map((segment) => segment?.first);
    const ours = new Set([...known, this.#naming]);
    for (const name of names) {
      const first = logIndexInName('segment', name);
      if (first !== undefined && !ours.has(first)) throw anotherWriter(join(folder, name));
    }
  }

  /** Closes all files, the active one with a seal when all in it is committed; what was prepared and not used is removed. */
  async close(next: number | undefined): Promise<void> {
    const { active, next: prepared } = this;
    if (active?.promoted === true && next !== undefined) {
      await this.#seal(active, next, next - 1);
      if (this.#untrimmed !== undefined) await this.#trim(this.#untrimmed);
    } else if (active !== undefined) this.#retired.push(active);
    for (const segment of [...this.#retired, prepared]) {
      if (segment === undefined) continue;
      if (segment.promoted) await segment.file.close().catch(() => {});
      else await this.#discard(segment);
    }
    this.#retired = [];
    this.active = undefined;
    this.next = undefined;
  }
}

function promoted(segment: Segment): boolean {
  return segment.promoted;
}

/** For blocks; a seal must always find its place. */
function spaceIn({ allocated, end }: Segment): number {
  return allocated - end - sealBytes;
}

function anotherWriter(path: string): Error {
  return new Error(
    `another process is writing to the same store: it has created ${path}, which is left untouched; ` +
      'use a separate directory for each process',
  );
}

async function writeZeros(file: StoreFile, from: number, to: number): Promise<void> {
  for (let at = from; at < to; at += zeros.length) {
    await file.write(zeros.subarray(0, Math.min(zeros.length, to - at)), at);
  }
}
