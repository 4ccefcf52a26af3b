/**
 * When there is room for more records, and what happens when there is not: segments are prepared ahead, in steps that grow with
 * the store and shrink with the space left, within `bytesMax` and what the disk has. A reserve stays free for the next snapshot,
 * as only a snapshot makes records go.
 */
import { performance } from 'node:perf_hooks';

import type { GroupCommit } from './commit.ts';
import { isFull, isScarce, messageOf, type Files } from './files.ts';
import { headerBytes } from './format.ts';
import type { Generations } from './generations.ts';
import { JournalFull } from './journal.ts';
import { explained } from './problems.ts';
import { Segments } from './segments.ts';

interface QuotaOptions {
  readonly folder: string;
  readonly files: Files;
  readonly bytesMax: number;
  readonly waitingBytesMax: number;
  readonly segments: Segments;
  readonly generations: Generations;
  readonly commit: GroupCommit;
  /** Bytes of records that the newest snapshot does not cover. */
  readonly bytesSinceSnapshot: () => number;
  readonly onPressure: () => void;
}

const pageBytes = 4096;
const firstStepBytes = 1024 * 1024;
const stepBytesMax = 16 * 1024 * 1024;
/** So often at most the disk is asked for room when it had none, and the owner for a snapshot. */
const pauseMs = 500;

export class Quota {
  readonly #options: QuotaOptions;
  /** The largest step; less than the usual one in small stores. */
  readonly #stepMax: number;
  #step: number;
  #preparing: Promise<void> | undefined = undefined;
  #refusal: JournalFull | undefined = undefined;
  /** The least that was refused; less may still be had. */
  #refusedBytes = 0;
  #refusedAt = -Infinity;
  /** Free on the disk, when it was last looked at. */
  #diskBytes = Infinity;
  #pressedAt = -Infinity;
  /** While a snapshot is being written there is no use in asking for one. */
  snapshotting = false;
  /** Of it, so far. */
  snapshotBytes = 0;

  constructor(options: QuotaOptions) {
    this.#options = options;
    this.#stepMax = Math.max(pageBytes * 4, Math.min(stepBytesMax, roundUp(options.bytesMax / 16)));
    const known = options.segments.active?.allocated ?? 0;
    this.#step = Math.min(this.#stepMax, Math.max(firstStepBytes, known * 2));
  }

  get storedBytes(): number {
    const { segments, generations } = this.#options;
    return segments.bytes + generations.bytes + this.snapshotBytes;
  }

  /**
   * What the next snapshot may need: a quarter more than the last one, or what the records since then, and those for which there is
   * room, can have added to the state, which is no more than their own bytes. With less, a full store could not hold the snapshot
   * that would empty it.
   */
  #reserve(moreBytes = 0): number {
    const { generations, segments, bytesSinceSnapshot } = this.#options;
    const last = generations.newest?.bytes ?? 0;
    const added = bytesSinceSnapshot() + segments.unusedBytes + moreBytes;
    return Math.max(0, Math.max(last * 1.25, last + added) + headerBytes - this.snapshotBytes);
  }

  has(recordBytes: number): boolean {
    const { commit, segments } = this.#options;
    if (commit.failure !== undefined || !this.#mayWait(recordBytes)) return false;
    return segments.fits(commit.blockBytesWith(recordBytes));
  }

  /** A record longer than the bound may wait alone. */
  #mayWait(recordBytes: number): boolean {
    const { commit, waitingBytesMax } = this.#options;
    const { waitingBytes } = commit;
    return waitingBytes === 0 || waitingBytes + recordBytes <= waitingBytesMax;
  }

  async make(recordBytes: number): Promise<void> {
    while (!this.has(recordBytes)) {
      const { commit, waitingBytesMax, folder } = this.#options;
      if (commit.failure !== undefined) {
        throw new JournalFull('storage_full', `the store ${folder} has failed: ${commit.failure.message}`);
      }
      if (!this.#mayWait(recordBytes)) {
        throw new JournalFull(
          'overloaded',
          `${commit.waitingBytes} bytes are waiting to be written to ${folder}, and the maximum is ${waitingBytesMax}; ` +
            'the disk is too slow for the pushes: retry later',
        );
      }
      await this.#prepareFor(recordBytes);
    }
  }

  /** For a start: a segment to begin with. */
  async first(): Promise<void> {
    await this.#prepareFor(0);
  }

  /** A snapshot is about to be so long; rejects when it may not be. The older generation goes before. */
  async grow(snapshotBytes: number): Promise<void> {
    const { segments, generations, bytesMax, folder } = this.#options;
    const more = snapshotBytes - this.snapshotBytes;
    if (this.storedBytes + more > bytesMax) await generations.dropOlder(segments);
    if (this.storedBytes + more > bytesMax) {
      throw new JournalFull(
        'storage_full',
        `no space for the snapshot: the store ${folder} has ${this.storedBytes} bytes, including ${this.snapshotBytes} of it, and ` +
          `--storage.max-size is ${bytesMax}: raise the flag`,
      );
    }
    this.snapshotBytes = snapshotBytes;
  }

  /** Prepares the next segment early, when the active one is half full. */
  ahead(): void {
    if (!this.#options.segments.wantsNext) return;
    // Those who need the room will hear why there is none.
    this.#prepareFor(0).catch(() => {});
  }

  /** A snapshot has made room: no need to wait for the next attempt. */
  retry(): void {
    this.#refusal = undefined;
    this.#refusedAt = -Infinity;
    this.#pressedAt = -Infinity;
  }

  /** Resolves when no segment is being prepared. */
  async settle(): Promise<void> {
    await this.#preparing?.catch(() => {});
  }

  #prepareFor(recordBytes: number): Promise<void> {
    if (this.#preparing !== undefined) return this.#preparing;
    const blockBytes = this.#options.commit.blockBytesWith(recordBytes);
    const least = roundUp(Segments.bytesFor(blockBytes));
    if (
      this.#refusal !== undefined &&
      least >= this.#refusedBytes &&
      performance.now() - this.#refusedAt < pauseMs
    ) {
      return Promise.reject(this.#refusal);
    }
    const preparing = this.#prepare(least).finally(() => (this.#preparing = undefined));
    this.#preparing = preparing;
    return preparing;
  }

  async #prepare(least: number): Promise<void> {
    const { segments } = this.#options;
    // What comes while zeros are being written waits in the same blocks.
    let bytes = Math.max(this.#step, least + Math.min(least, this.#step));
    for (;;) {
      // Smaller steps come before the older generation goes, but not ever smaller ones.
      const refusal = await this.#attempt(bytes, bytes <= Math.max(least, this.#stepMax / 4));
      if (refusal === undefined) break;
      if (bytes <= least || refusal.code === 'overloaded') {
        this.#refusal = refusal;
        this.#refusedBytes = least;
        this.#refusedAt = performance.now();
        // Without anything to cover, a snapshot would make no room.
        if (refusal.code === 'storage_full' && this.#options.bytesSinceSnapshot() > 0) this.#press();
        throw refusal;
      }
      bytes = Math.max(least, roundUp(bytes / 2));
    }
    this.#refusal = undefined;
    this.#step = Math.min(this.#stepMax, Math.max(segments.next?.allocated ?? 0, firstStepBytes) * 2);
    if (this.#isShort()) this.#press();
  }

  /** Tries to prepare so many bytes; returns why there is no room for them. */
  async #attempt(bytes: number, mayDrop: boolean): Promise<JournalFull | undefined> {
    const { segments, generations } = this.#options;
    const more = bytes - (segments.next?.allocated ?? 0);
    if (more <= 0) return undefined;
    try {
      await this.#lookAtDisk();
      if (!this.#fits(more) && mayDrop && (await generations.dropOlder(segments))) await this.#lookAtDisk();
      if (!this.#fits(more)) return this.#full();
      await segments.prepare(bytes);
      return undefined;
    } catch (error) {
      if (isFull(error)) return this.#fullDisk(messageOf(error));
      if (isScarce(error)) return this.#scarce(error);
      const failure = error instanceof Error ? error : new Error(String(error));
      this.#options.commit.fail(failure);
      return new JournalFull(
        'storage_full',
        `the store ${this.#options.folder} has failed: ${failure.message}`,
      );
    }
  }

  async #lookAtDisk(): Promise<void> {
    this.#diskBytes = await this.#options.files.freeBytes(this.#options.folder);
  }

  /** What the bound and the disk leave. */
  get #leftBytes(): number {
    return Math.min(this.#options.bytesMax - this.storedBytes, this.#diskBytes);
  }

  #fits(moreBytes: number): boolean {
    return moreBytes + this.#reserve(moreBytes) <= this.#leftBytes;
  }

  /** Space is short, and a snapshot would free more than there is left. */
  #isShort(): boolean {
    const left = this.#leftBytes - this.#reserve();
    const most = Math.min(this.#options.bytesMax, this.storedBytes + this.#diskBytes);
    return left < most / 8 && this.#options.bytesSinceSnapshot() > left;
  }

  #press(): void {
    if (this.snapshotting || performance.now() - this.#pressedAt < pauseMs) return;
    this.#pressedAt = performance.now();
    this.#options.onPressure();
  }

  #full(): JournalFull {
    const { folder, bytesMax } = this.#options;
    const kept = `${Math.ceil(this.#reserve())} are reserved for the next snapshot`;
    if (this.#diskBytes < bytesMax - this.storedBytes) {
      return this.#fullDisk(`${this.#diskBytes} bytes are free, and ${kept}`);
    }
    return new JournalFull(
      'storage_full',
      `the store ${folder} is full: it has ${this.storedBytes} bytes, ${kept}, and --storage.max-size ` +
        `is ${bytesMax}: a snapshot may free space; otherwise raise the flag`,
    );
  }

  /** What is short is nothing that a snapshot or a larger disk would help with. */
  #scarce(error: unknown): JournalFull {
    const { folder } = this.#options;
    const why = `cannot create a file in ${folder} for more records: ${explained(error)}`;
    return new JournalFull('overloaded', why);
  }

  #fullDisk(why: string): JournalFull {
    const { folder } = this.#options;
    return new JournalFull(
      'storage_full',
      `no space left on the disk of ${folder} (${why}): free some (check with df -h and df -i), or use a larger disk`,
    );
  }
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / pageBytes) * pageBytes;
}
