/**
 * Group commit: records are copied into one buffer as they come, and a commit takes all of it. The next one begins at the end of
 * a turn, once the one before has ended, and may wait a little for more to share it (`GroupWindow`). So however many wait, each commit
 * is one write to a known place, and nothing is made per record: those who wait for the same commit wait for the same promise.
 */
import { performance } from 'node:perf_hooks';

import { deferred } from '../primitives/deferred.ts';
import type { Deferred } from '../primitives/deferred.ts';
import { BlockBuffer } from './block.ts';
import type { StoreId } from './format.ts';
import { GroupWindow } from './group-window.ts';
import type { Segment, Segments } from './segments.ts';

interface CommitOptions {
  readonly segments: Segments;
  readonly storeId: StoreId;
  /** Of the record before the first one. */
  readonly logIndex: number;
  /** 0: each write is committed when it returns. Otherwise what is written is synced after so long, and called committed before. */
  readonly syncIntervalMs: number;
  /** Rejects when the folder is no longer this process's; undefined when that was found out just now. */
  readonly isStillOurs: () => Promise<void> | undefined;
  /** Called after each commit, when none is under way. */
  readonly onCommit: (seconds: number) => void;
  readonly onFailure: (error: Error) => void;
}

export class GroupCommit {
  logIndex: number;
  committedLogIndex: number;
  /** Synced, which in interval mode is less than committed. */
  durableLogIndex: number;
  /** Once set, nothing is committed any more. */
  failure: Error | undefined = undefined;
  commits = 0;
  commitSeconds = 0;

  #filling: BlockBuffer;
  #spare: BlockBuffer;
  #fillingBytes = 0;
  #committingBytes = 0;
  /** The log index up to which records have been taken by a commit. */
  #taken: number;
  #nextCommit: Deferred | undefined = undefined;
  #thisCommit: Deferred | undefined = undefined;
  #scheduled = false;
  #busy = false;
  /** Set while a commit waits for company. */
  #pause: NodeJS.Timeout | undefined = undefined;
  readonly #window: GroupWindow = new GroupWindow();
  #syncTimer: NodeJS.Timeout | undefined = undefined;
  /** Where the last commit went; not closed before the next promotion. */
  #written: Segment | undefined;
  #last: Promise<void> = Promise.resolve();
  readonly #options: CommitOptions;

  constructor(options: CommitOptions) {
    this.#options = options;
    this.logIndex = options.logIndex;
    this.committedLogIndex = options.logIndex;
    this.durableLogIndex = options.logIndex;
    this.#taken = options.logIndex;
    this.#written = options.segments.active;
    this.#filling = new BlockBuffer(options.storeId);
    this.#spare = new BlockBuffer(options.storeId);
  }

  get waitingBytes(): number {
    return this.#fillingBytes + this.#committingBytes;
  }

  /** Bytes that the blocks waiting would have with one more record. */
  blockBytesWith(recordBytes: number): number {
    return this.#filling.lengthWith(recordBytes);
  }

  append(record: Uint8Array): number {
    this.logIndex += 1;
    if (this.failure !== undefined) return this.logIndex;
    this.#filling.add(record, this.logIndex, this.durableLogIndex);
    this.#fillingBytes += record.length;
    if (!this.#scheduled && !this.#busy) this.#schedule();
    else if (this.#pause !== undefined && this.#waiting >= this.#window.expected) this.#endPause();
    return this.logIndex;
  }

  whenCommitted(logIndex: number): Promise<void> {
    if (logIndex <= this.committedLogIndex) return Promise.resolve();
    if (this.failure !== undefined) return Promise.reject(this.failure);
    if (logIndex <= this.#taken) return (this.#thisCommit ??= deferred()).promise;
    return (this.#nextCommit ??= deferred()).promise;
  }

  /** Records that no commit has taken. */
  get #waiting(): number {
    return this.logIndex - this.#taken;
  }

  #schedule(): void {
    this.#scheduled = true;
    setImmediate(() => this.#begin());
  }

  /** At the end of a turn: the commit, unless it pays to wait for more. */
  #begin(): void {
    this.#scheduled = false;
    if (this.failure !== undefined || this.#filling.length === 0) return;
    const pauseMs = this.#window.pauseMs(this.#waiting);
    if (pauseMs === 0) {
      void this.#run();
      return;
    }
    this.#scheduled = true;
    this.#pause = setTimeout(() => this.#endPause(), pauseMs);
  }

  #endPause(): void {
    clearTimeout(this.#pause);
    this.#pause = undefined;
    this.#schedule();
  }

  async #run(): Promise<void> {
    this.#busy = true;
    const before = this.#taken;
    const started = performance.now();
    try {
      await this.#commit();
    } catch (error) {
      this.#busy = false;
      this.fail(errorOf(error));
      return;
    }
    this.#busy = false;
    const tookMs = performance.now() - started;
    this.#window.ended(tookMs, this.#taken - before, this.#waiting);
    if (this.#filling.length > 0) this.#schedule();
    this.#options.onCommit(tookMs / 1000);
  }

  async #commit(): Promise<void> {
    const { segments, syncIntervalMs } = this.#options;
    const started = performance.now();
    const buffer = this.#filling;
    const segment = segments.active;
    if (segment === undefined) throw new Error('BUG: a record was appended where there is no space');
    const bytes = buffer.finish(this.durableLogIndex);
    const at = segment.end;
    if (at + bytes.length > segment.allocated) throw new Error('BUG: more was appended than there is room');
    segment.end = at + bytes.length;
    const first = this.#taken + 1;
    const logIndex = this.logIndex;
    this.#filling = this.#spare;
    this.#spare = buffer;
    this.#committingBytes = this.#fillingBytes;
    this.#fillingBytes = 0;
    this.#taken = logIndex;
    this.#thisCommit = this.#nextCommit;
    this.#nextCommit = undefined;

    if (!segment.promoted) await this.#promote(segment, first);
    await segment.file.write(bytes, at);
    // After the write: whoever has taken the file away since then has read it with these records in it.
    if (!segment.file.isInPlace()) throw gone(segment.path);
    const asked = this.#options.isStillOurs();
    if (asked !== undefined) await asked;
    // A sync in the background may have failed meanwhile.
    if (this.failure !== undefined) return;
    this.commits += 1;
    this.commitSeconds += (performance.now() - started) / 1000;
    buffer.clear();
    this.#committingBytes = 0;
    this.committedLogIndex = logIndex;
    if (syncIntervalMs === 0) this.durableLogIndex = logIndex;
    else this.#syncLater();
    this.#thisCommit?.resolve();
    this.#thisCommit = undefined;
  }

  async #promote(segment: Segment, first: number): Promise<void> {
    await this.#alone(async () => {
      await this.#options.segments.promote(segment, first, this.durableLogIndex);
      this.#written = segment;
      this.durableLogIndex = this.committedLogIndex;
    });
  }

  #syncLater(): void {
    this.#syncTimer ??= setTimeout(() => {
      this.#syncTimer = undefined;
      // It fails through `fail`.
      this.sync().catch(() => {});
    }, this.#options.syncIntervalMs).unref();
  }

  /** Resolves when what is called committed now is synced too. */
  async sync(): Promise<void> {
    const wanted = this.committedLogIndex;
    await this.#alone(async () => {
      if (this.durableLogIndex >= wanted || this.failure !== undefined) return;
      const logIndex = this.committedLogIndex;
      await this.#written?.file.sync();
      this.durableLogIndex = Math.max(this.durableLogIndex, logIndex);
    });
    if (this.failure !== undefined) throw this.failure;
  }

  /** One after the other, as a promotion closes the file that a sync needs. */
  async #alone(work: () => Promise<void>): Promise<void> {
    const done = this.#last.then(work);
    this.#last = done.catch((error: unknown) => this.fail(errorOf(error)));
    await done;
  }

  /** Never tried again: after a failed sync the system may have dropped what was not written, and say that all is well. */
  fail(error: Error): void {
    if (this.failure !== undefined) return;
    this.failure = error;
    this.#thisCommit?.reject(error);
    this.#nextCommit?.reject(error);
    clearTimeout(this.#syncTimer);
    clearTimeout(this.#pause);
    this.#options.onFailure(error);
  }

  /** Resolves when everything appended is committed and synced, or when it has failed. */
  async close(): Promise<void> {
    clearTimeout(this.#syncTimer);
    this.#syncTimer = undefined;
    try {
      await this.whenCommitted(this.logIndex);
      if (this.#options.syncIntervalMs > 0) await this.sync();
    } catch {
      // It was reported through onFailure.
    }
    clearTimeout(this.#syncTimer);
  }
}

function gone(path: string): Error {
  return new Error(
    `${path} no longer exists: the storage directory, or this file in it, was removed, moved or replaced ` +
      'while in use. Pushes are no longer accepted; restore it, or restart with a new directory',
  );
}

function errorOf(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
