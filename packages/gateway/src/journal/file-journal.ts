/** The journal in files of its own: opens the folder, recovers what is there, and puts the parts together. */
import { join } from 'node:path';

import { GroupCommit } from './commit.ts';
import { isFull, nodeFiles, withDescriptors, type Files } from './files.ts';
import { newSnapshotName, newWriter, snapshotName, type StoreId } from './format.ts';
import { Generations } from './generations.ts';
import {
  JournalFull,
  type Journal,
  type JournalStats,
  type Recovered,
  type RecoverySink,
  type SnapshotInfo,
} from './journal.ts';
import { takeLock, type Lock } from './lock.ts';
import { openFolder } from './folder.ts';
import { defaultStorageOptions } from './options.ts';
import { storageProblemOf } from './problems.ts';
import { hasEndedWell, recoverStore, type RecoveredStore } from './recover.ts';
import { Quota } from './quota.ts';
import { Segments } from './segments.ts';
import { writeSnapshot, type SnapshotSource } from './snapshot-file.ts';
import type { Log } from '../primitives/log.ts';

export interface FileJournalOptions {
  /** The folder; made when it is not there. */
  readonly path: string;
  /** When a record is called committed: `commit`, when it would survive a power failure; `interval`, when it would survive this process. */
  readonly sync: 'commit' | 'interval';
  /** How long a power failure may reach back with `interval`. */
  readonly syncIntervalMs: number;
  /** Bound of all files together. */
  readonly bytesMax: number;
  readonly onCorruption: 'fail' | 'quarantine';
  readonly waitingBytesMax?: number;
  readonly log: Log;
  /** Called once, when nothing more will be committed; what is committed by then can be recovered at the next start. */
  readonly onFailure: (error: Error) => void;
  /** Called when space gets short and a snapshot would free some; not more often than twice a second. */
  readonly onPressure: () => void;
  /** Called after each commit with the time it took. */
  readonly onCommit?: (seconds: number) => void;
  /** Only `recover`, `stats` and `close` then, and nothing is changed but the lock. */
  readonly readOnly?: boolean;
  /** How long a process that has lost the lock may not know; a start waits longer than that where the one before has not ended well. */
  readonly leaseMs?: number;
  readonly files?: Files;
}

/** Takes the folder for this process; rejects with StorageProblem when it cannot. What is in it is read by `recover`. */
export async function openFileJournal(options: FileJournalOptions): Promise<Journal> {
  const readOnly = options.readOnly ?? false;
  const files = options.files ?? nodeFiles;
  const { path, log, leaseMs } = options;
  await openFolder(path, readOnly, files);
  const lock = await takeLock(path, { log, readOnly, leaseMs });
  return new FileJournal({ ...options, readOnly, files }, lock);
}

/** What there is once the store has been recovered. */
interface Parts {
  readonly storeId: StoreId;
  readonly segments: Segments;
  readonly generations: Generations;
  readonly commit: GroupCommit;
  readonly quota: Quota;
}

type Options = FileJournalOptions & { readonly readOnly: boolean; readonly files: Files };

class FileJournal implements Journal {
  readonly persistent = true;
  readonly #options: Options;
  readonly #lock: Lock;
  readonly #writer: string = newWriter();
  #parts: Parts | undefined = undefined;
  /** Bytes of all records since the snapshot that recovery used, and how many of them the newest snapshot covers. */
  #recordBytes = 0;
  #coveredBytes = 0;
  #snapshotting: Promise<SnapshotInfo> | undefined = undefined;
  #closing: Promise<void> | undefined = undefined;

  constructor(options: Options, lock: Lock) {
    this.#options = options;
    this.#lock = lock;
  }

  async recover(sink: RecoverySink): Promise<Recovered> {
    if (this.#parts !== undefined) throw new Error('BUG: a journal is recovered once');
    const { path, readOnly } = this.#options;
    try {
      const recovered = await this.#recovered(sink);
      this.#recordBytes = recovered.recordBytes;
      const parts = this.#assemble(recovered);
      this.#parts = parts;
      if (!readOnly) await this.#firstSpace(parts);
      // From now on; it may have been lost before.
      this.#lock.onLost((error) => parts.commit.fail(error));
      const { snapshotLogIndex, records, lost } = recovered;
      return { snapshotLogIndex, records, lost };
    } catch (error) {
      throw storageProblemOf(`the store ${path} cannot be opened`, error);
    }
  }

  async #recovered(sink: RecoverySink): Promise<RecoveredStore> {
    const { path: folder, files, log, onCorruption, readOnly } = this.#options;
    if (!readOnly && !(await hasEndedWell(files, folder))) await this.#lock.outwait();
    return recoverStore({ folder, files, log, onCorruption, readOnly, writer: this.#writer, sink });
  }

  #assemble(recovered: RecoveredStore): Parts {
    const { path, files, log, sync, syncIntervalMs, bytesMax, waitingBytesMax, onPressure, onCommit } =
      this.#options;
    const { storeId } = recovered;
    const safeWrites = sync === 'commit';
    const segments = new Segments({
      folder: path,
      files,
      log,
      storeId,
      writer: this.#writer,
      safeWrites,
      isOurs: () => this.#lock.check(),
    });
    segments.adopt(recovered.closed, recovered.heads);
    const generations = new Generations(files, log);
    generations.adopt(recovered.whole, recovered.damaged);
    const commit: GroupCommit = new GroupCommit({
      segments,
      storeId,
      logIndex: recovered.logIndex,
      syncIntervalMs: safeWrites ? 0 : syncIntervalMs,
      isStillOurs: () => this.#lock.isStillOurs(),
      onCommit: (seconds) => {
        quota.ahead();
        onCommit?.(seconds);
      },
      onFailure: (error) => this.#fail(error),
    });
    const quota: Quota = new Quota({
      folder: path,
      files,
      bytesMax,
      waitingBytesMax: waitingBytesMax ?? defaultStorageOptions.waitingBytesMax,
      segments,
      generations,
      commit,
      bytesSinceSnapshot: () => this.#recordBytes - this.#coveredBytes,
      onPressure,
    });
    return { storeId, segments, generations, commit, quota };
  }

  /** A full disk is no reason not to start: there is something to scrape, and room may come. */
  async #firstSpace({ quota, commit, segments }: Parts): Promise<void> {
    if (!segments.wantsNext) return;
    try {
      await quota.first();
    } catch (error) {
      if (!(error instanceof JournalFull)) throw error;
      if (commit.failure !== undefined) throw commit.failure;
      this.#options.log.warn('no space for records', { problem: error.message });
    }
  }

  #fail(error: Error): void {
    this.#options.log.error('the storage failed', {
      path: this.#options.path,
      error: error.message,
    });
    this.#options.onFailure(error);
  }

  get #ready(): Parts {
    if (this.#parts === undefined) throw new Error('BUG: a journal is recovered before it is used');
    return this.#parts;
  }

  canAppend(recordBytes: number): boolean {
    return this.#closing === undefined && !this.#options.readOnly && this.#ready.quota.has(recordBytes);
  }

  async waitForSpace(recordBytes: number): Promise<void> {
    if (this.#closing !== undefined) throw new JournalFull('overloaded', 'the store is closing');
    if (this.#options.readOnly) throw new JournalFull('storage_full', 'the store is open read-only');
    await this.#ready.quota.make(recordBytes);
  }

  append(record: Uint8Array): number {
    this.#recordBytes += record.length;
    return this.#ready.commit.append(record);
  }

  get logIndex(): number {
    return this.#parts?.commit.logIndex ?? 0;
  }

  get committedLogIndex(): number {
    return this.#parts?.commit.committedLogIndex ?? 0;
  }

  whenCommitted(logIndex: number): Promise<void> {
    return this.#ready.commit.whenCommitted(logIndex);
  }

  async snapshot(logIndex: number, parts: AsyncIterable<Uint8Array>): Promise<SnapshotInfo> {
    if (this.#snapshotting !== undefined) throw new Error('BUG: a snapshot is being written');
    if (this.#closing !== undefined) throw new Error('the store is closing');
    this.#snapshotting = this.#snapshot({ logIndex, parts });
    try {
      return await this.#snapshotting;
    } finally {
      this.#snapshotting = undefined;
    }
  }

  async #snapshot(source: SnapshotSource): Promise<SnapshotInfo> {
    const { quota, generations, segments, commit } = this.#ready;
    quota.snapshotting = true;
    // Records appended between `logIndex` and now are taken as covered; they are few.
    const coveredBytes = this.#recordBytes;
    try {
      const snapshot = await this.#writeSnapshot(source);
      // It fails when the folder is another's.
      await generations.add(snapshot, segments).catch((error: unknown) => commit.fail(errorOf(error)));
      if (commit.failure !== undefined) throw commit.failure;
      this.#coveredBytes = coveredBytes;
      quota.retry();
      return { logIndex: source.logIndex, bytes: snapshot.bytes };
    } catch (error) {
      // So that the next one has more room.
      if (isFull(error)) await generations.dropOlder(segments);
      throw error;
    } finally {
      quota.snapshotting = false;
      quota.snapshotBytes = 0;
    }
  }

  async #writeSnapshot(source: SnapshotSource): Promise<{ path: string; logIndex: number; bytes: number }> {
    const { quota, commit, storeId } = this.#ready;
    const { path: folder, files } = this.#options;
    const path = join(folder, snapshotName(source.logIndex));
    const temporary = join(folder, newSnapshotName(source.logIndex, this.#writer));
    const file = await files.open(temporary, 'create');
    let bytes: number;
    try {
      try {
        bytes = await writeSnapshot(file, storeId, source, (length) => quota.grow(length));
      } finally {
        await file.close();
      }
      // Records it covers are committed before it is, so that damage to it never leaves a hole. So are later ones, which it may know of:
      // a key in it, whose push is lost, would have the retry of that push be taken for a replay.
      await commit.whenCommitted(commit.logIndex);
      await commit.sync();
      await this.#lock.check();
      await files.rename(temporary, path);
    } catch (error) {
      await files.remove(temporary).catch(() => {});
      throw error;
    }
    await withDescriptors(() => files.syncFolder(folder));
    return { path, logIndex: source.logIndex, bytes };
  }

  stats(): JournalStats {
    const { commit, quota } = this.#ready;
    return {
      waitingRecords: commit.logIndex - commit.committedLogIndex,
      waitingBytes: commit.waitingBytes,
      commits: commit.commits,
      commitSeconds: commit.commitSeconds,
      storedBytes: quota.storedBytes,
      bytesSinceSnapshot: this.#recordBytes - this.#coveredBytes,
    };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#snapshotting?.catch(() => {});
    if (this.#parts !== undefined) {
      const { commit, quota, segments } = this.#parts;
      if (!this.#options.readOnly) await commit.close();
      await quota.settle();
      await segments.close(commit.failure === undefined ? commit.logIndex + 1 : undefined).catch(() => {});
    }
    await this.#lock.release();
  }
}

function errorOf(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
