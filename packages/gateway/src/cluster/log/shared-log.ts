/**
 * The log that the members of a cluster share, on an engine that keeps several copies of it. It is a sequence of blocks, numbered from 1 on
 * without a hole. A block is appended only right after the one that its writer saw last: compare-and-set on the number. All that the
 * cluster is sure of rests on this and on what is acknowledged being kept; no clock and no lock is trusted.
 *
 *   number   1        …       first − 1 │ first      …      end │ end + 1
 *            │ trimmed, in a snapshot   │ to be read by `tail`  │ appended by whoever is first
 *
 * What is in a block the log does not know: see block.ts. An adapter of an engine is a folder under `engines/`; the suite of
 * test/cluster/log/contract.ts holds for each.
 */
export interface SharedLog {
  /** In bytes; longer blocks are refused by the engine, so none is made. */
  readonly blockBytesMax: number;
  /**
   * Puts the block at `after + 1`, if nothing stands there. `appended` once as many copies are durable as the engine was set up to keep;
   * `overtaken` where another block stands there, or `after` is past the end of the log. Rejects with LogUnavailable where the outcome is
   * unknown, or nothing was done: the block may appear later, so ask `appendSurely`.
   *
   * A log that has lost its last blocks may have others by the same numbers. `before` is the SHA-256 of the block that the writer has read as
   * `after`; an engine that can compare says `overtaken` where that is not what stands there, too.
   */
  append(after: number, block: Uint8Array, before?: Uint8Array): Promise<'appended' | 'overtaken'>;
  /**
   * The blocks after `after`, one by one, each as soon as it is durable and all before it were given, without an end: it waits for more
   * until `signal` is aborted, and then ends. A hole is never passed over. Rejects with LogUnavailable (ask again from where it
   * ended), LogTrimmed, or LogBroken. Where an engine shows what a failover may lose yet, a tail that begins after an append of the same
   * handle was left in doubt gives none of it: what it finds there counts as appended.
   */
  tail(after: number, signal: AbortSignal): AsyncIterable<LogBlock>;
  /**
   * The number of the last block, 0 for an empty log; of an engine that elects it may be an old one. Rejects with LogUnavailable.
   */
  end(): Promise<number>;
  /**
   * Keeps a snapshot of the state as it is after the block `number`. Parts are read one at a time and given back with the same boundaries;
   * each stays as it is until the next is asked for, and may be longer than a block. It is listed once all of it is durable.
   */
  putSnapshot(number: number, parts: AsyncIterable<Uint8Array>): Promise<void>;
  /** Numbers of those that are whole, newest first. */
  snapshots(): Promise<readonly number[]>;
  /** Its parts, in order. Rejects with LogBroken where some are missing. */
  getSnapshot(number: number): AsyncIterable<Uint8Array>;
  /** Lets blocks up to `number` go, and snapshots older than that of `number`. What is gone stays gone; it may keep more than it has to. */
  trim(number: number): Promise<void>;
  /** What each member says of itself, beside the log: nothing depends on it being right, or there. */
  readonly members: MemberList;
  /** Ends `tail`s, and lets connections go. */
  close(): Promise<void>;
}

export interface LogBlock {
  readonly number: number;
  readonly bytes: Uint8Array;
}

export interface MemberList {
  /** Replaces what was said under this name before. A short text. */
  put(name: string, said: string): Promise<void>;
  /** `ageMs`: since it was put, by the engine's clock or this process's. Those not heard for long may be left out. */
  list(): Promise<readonly { readonly name: string; readonly said: string; readonly ageMs: number }[]>;
}

/** The engine cannot be reached, or has not answered in time, or elects. To be tried again. */
export class LogUnavailable extends Error {
  override readonly name: string = 'LogUnavailable';
}

/** The block asked for was trimmed: begin with a snapshot. */
export class LogTrimmed extends Error {
  override readonly name: string = 'LogTrimmed';
}

/** What the log holds cannot be what was appended, or is not of this program: blocks are missing, or changed. Never gone over; for the operator. */
export class LogBroken extends Error {
  override readonly name: string = 'LogBroken';
}
