/**
 * The journal: what happened to the state, record after record, and snapshots of the state that let the oldest records go. It
 * decides the order of records and when they are committed, and knows nothing of what is in them.
 *
 *   log index  0        …        P              …          last
 *              │ records that a  │ snapshot     │ records   │
 *              │ snapshot covers │ of state @ P │ after it  │
 *
 * A record's log index is its number in the order, from 1 on; 0 is the state before any record. `append` decides the place at
 * once and cannot fail; what must be refused is refused before, by `canAppend` and `waitForSpace`. Whether the record is committed is
 * another question, answered by `whenCommitted`. A journal that can no longer keep its promises says so once, through the `onFailure`
 * it was opened with, and never calls anything committed again.
 */
export interface Journal {
  /** False where nothing is kept: then records need not be made, and every log index is 0. */
  readonly persistent: boolean;
  /**
   * Hands over what is kept: the newest whole snapshot, if there is one, and each record after it, in order. To be called once,
   * before anything else. Yields to the event loop every few milliseconds.
   */
  recover(into: RecoverySink): Promise<Recovered>;
  /** Whether a record of so many bytes may be appended in this turn. */
  canAppend(recordBytes: number): boolean;
  /** Resolves when such a record may be appended, or rejects with JournalFull. Others may take the room first: ask again. */
  waitForSpace(recordBytes: number): Promise<void>;
  /** Gives the record the next place and returns its log index. The bytes are copied before this returns. */
  append(record: Uint8Array): number;
  /** The log index of the record appended last, 0 for none. */
  readonly logIndex: number;
  /** All records up to this log index are committed, at the level the operator chose. */
  readonly committedLogIndex: number;
  /**
   * Resolves when all records up to `logIndex` are committed; rejects with what `onFailure` was told if they never will be. Those who
   * wait for the same commit get the same promise, so it costs nothing to ask for each record.
   */
  whenCommitted(logIndex: number): Promise<void>;
  /**
   * Resolves when nobody else could have appended anything before the call that this process does not know; left out where nobody else can. Rejects
   * where that cannot be found out.
   */
  confirm?(): Promise<void>;
  /**
   * Keeps a snapshot of the state as it was right after the record at `logIndex`; once it is committed, records that it covers may go.
   * Parts are read one at a time and given back by `recover` with the same boundaries; each must stay as it is until the next is
   * asked for. Rejects when it could not be written, and nothing has changed then. One at a time.
   */
  snapshot(logIndex: number, parts: AsyncIterable<Uint8Array>): Promise<SnapshotInfo>;
  /** What the journal holds and does now, cheap to ask. */
  stats(): JournalStats;
  /** Resolves when everything appended is committed, or has failed, and what was opened is closed. Waits for a snapshot under way. */
  close(): Promise<void>;
}

/** Where `recover` hands things over. `record` may be called many times in one turn of the event loop. */
export interface RecoverySink {
  /** Called at most once, before any record. `logIndex` is that of the last record it covers. */
  snapshot(logIndex: number, parts: AsyncIterable<Uint8Array>): Promise<void>;
  /** Returns a promise where it takes its time; the bytes stay as they are until then, and the next record waits. */
  record(logIndex: number, record: Uint8Array): Promise<void> | void;
  /** The ledger's time when nothing else happened. */
  time?(nowMs: number): void;
  /** What was given last was appended just now, by somebody who goes on with it. */
  live?(): void;
  /** Gives the parts of a snapshot of what was made of it so far, to be read once; not while something is being handed over. */
  copy?<T>(read: (parts: AsyncIterable<Uint8Array>) => Promise<T>): Promise<T>;
}

export interface Recovered {
  /** Of the snapshot that was used; 0 when there was none. */
  readonly snapshotLogIndex: number;
  readonly records: number;
  /** What was damaged and moved aside, as sentences for the log; empty when all was whole. */
  readonly lost: readonly string[];
}

export interface SnapshotInfo {
  readonly logIndex: number;
  readonly bytes: number;
}

export interface JournalStats {
  /** Appended and not yet committed. */
  readonly waitingRecords: number;
  readonly waitingBytes: number;
  /** Since the journal was opened. */
  readonly commits: number;
  readonly commitSeconds: number;
  /** Bytes of all files of the store. */
  readonly storedBytes: number;
  /** Bytes of records that the newest snapshot does not cover. */
  readonly bytesSinceSnapshot: number;
}

/** A record cannot be taken now; the message says why and what to do. `storage_full` or `overloaded`, as in model/errors.ts. */
export class JournalFull extends Error {
  readonly code: 'storage_full' | 'overloaded';

  constructor(code: 'storage_full' | 'overloaded', message: string) {
    super(message);
    this.name = 'JournalFull';
    this.code = code;
  }
}

/** A store that cannot be opened as it is; the message is for the operator, and says what to do. */
export class StorageProblem extends Error {
  readonly kind: 'locked' | 'unusable' | 'corrupt' | 'newer_version' | 'other_mode';

  constructor(kind: StorageProblem['kind'], message: string) {
    super(message);
    this.name = 'StorageProblem';
    this.kind = kind;
  }
}
