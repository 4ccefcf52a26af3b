/**
 * The segment that records go to, the one prepared to follow it, and those before it.
 *
 *   journal-…001.log   journal-…814.log   journal-…1702.log          journal-next-3.tmp
 *   │ full           │ │ full           │ │ blocks → zeros │         │ zeros                │
 *   kept for snapshots                    active                     next
 *
 * Zeros are written ahead, so that a full disk is met there, before a push is taken, and never in a commit; it also leaves the
 * file system nothing to note when a commit is synced. Records move on to the next segment in one turn (`fits`): all that waits
 * for a commit goes with them. The files follow with the first commit to it (`promote`), when none is under way.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { codeOf, messageOf, type Files, type StoreFile } from './files.ts';
import { headerBytes, segmentName, writeHeader, type StoreId } from './format.ts';
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

export interface SegmentsOptions {
  readonly folder: string;
  readonly files: Files;
  readonly log: Log;
  readonly storeId: StoreId;
  /** Whether each write to a segment is safe when it returns. */
  readonly safeWrites: boolean;
}

const pageBytes = 4096;
const zeros: Buffer = Buffer.alloc(256 * 1024);

export class Segments {
  active: Segment | undefined = undefined;
  next: Segment | undefined = undefined;
  /** Oldest first; the active one is not among them. */
  #closed: ClosedSegment[] = [];
  /** Records have moved on from these; they are closed at the next promotion. */
  #retired: Segment[] = [];
  #number = 0;
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

  /** What recovery has found. `active` is the segment that may be continued, if its rest is known to be zeros. */
  adopt(closed: readonly ClosedSegment[], active: Segment | undefined): void {
    this.#closed = [...closed];
    this.active = active;
  }

  /** Whether so many bytes of blocks, all that waits among them, fit into a segment. Moves on to the next one if they fit there. */
  fits(blockBytes: number): boolean {
    const { active, next } = this;
    if (active !== undefined && blockBytes <= active.allocated - active.end) return true;
    if (next === undefined || blockBytes > next.allocated - next.end) return false;
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
    const { files, folder } = this.#options;
    const target = Math.ceil(bytes / pageBytes) * pageBytes;
    let segment = this.next;
    // While it grows it is nobody's, so that records do not move on to it half made.
    this.next = undefined;
    this.#number += 1;
    const path = segment?.path ?? join(folder, `journal-next-${this.#number}.tmp`);
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
   * Gives the active segment its header and its name, after closing those before it. To be called when nothing is being written.
   * `first` is the position of the first record that goes to it.
   */
  async promote(segment: Segment, first: number): Promise<void> {
    const { files, folder, storeId, safeWrites } = this.#options;
    const retired = this.#retired;
    this.#retired = [];
    for (const old of retired) await this.#close(old, first);
    await segment.file.write(writeHeader('segment', storeId, first), 0);
    await segment.file.sync();
    const path = join(folder, segmentName(first));
    await files.rename(segment.path, path);
    await withDescriptors(() => files.syncFolder(folder));
    await segment.file.close();
    segment.file = await withDescriptors(() => files.open(path, safeWrites ? 'write-safe' : 'write'));
    segment.path = path;
    segment.first = first;
    segment.promoted = true;
  }

  async #close(segment: Segment, next: number): Promise<void> {
    // Nothing was ever written to it: either it has no name yet, or it will be replaced under its name.
    if (!segment.promoted) {
      await this.#discard(segment);
      return;
    }
    await segment.file.truncate(segment.end);
    await segment.file.sync();
    await segment.file.close();
    if (segment.first !== next) {
      this.#closed.push({ path: segment.path, first: segment.first, bytes: segment.end });
    }
  }

  async #discard(segment: Segment): Promise<void> {
    try {
      await segment.file.close();
      await this.#options.files.remove(segment.path);
    } catch (error) {
      this.#options.log.warn('a file of the journal that is not needed could not be removed', {
        file: segment.path,
        error: messageOf(error),
      });
    }
  }

  /** Removes segments in which no record is after `position`. */
  async removeUpTo(position: number): Promise<void> {
    while (this.#closed.length > 0) {
      const first = this.#closed[1]?.first ?? this.#retired.find(promoted)?.first ?? this.active?.first;
      // An active segment without a name has no first position yet: everything closed is before it, but how far is not known.
      if (first === undefined || first === 0 || first > position + 1) return;
      const segment = this.#closed.shift();
      if (segment === undefined) return;
      try {
        await this.#options.files.remove(segment.path);
      } catch (error) {
        this.#closed.unshift(segment);
        this.#options.log.warn('a segment that is not needed could not be removed', {
          file: segment.path,
          error: messageOf(error),
        });
        return;
      }
    }
  }

  /** Closes all files; what was prepared and not used is removed. */
  async close(): Promise<void> {
    const { active, next } = this;
    for (const segment of [...this.#retired, active, next]) {
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

const descriptorAttempts = 100;
const descriptorPauseMs = 50;

/** A rush of connections may use up the descriptors for a while; that is no failure of the store. */
async function withDescriptors<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      const code = codeOf(error);
      if ((code !== 'EMFILE' && code !== 'ENFILE') || attempt === descriptorAttempts) throw error;
      await sleep(descriptorPauseMs);
    }
  }
}

async function writeZeros(file: StoreFile, from: number, to: number): Promise<void> {
  for (let at = from; at < to; at += zeros.length) {
    await file.write(zeros.subarray(0, Math.min(zeros.length, to - at)), at);
  }
}
