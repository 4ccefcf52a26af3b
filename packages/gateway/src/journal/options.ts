import type { Choices } from '../model/choices.ts';

/** What is kept on disk, where and how. docs/reference/flags.md says what those mean that are flags. */
export interface StorageOptions {
  /** A folder; undefined keeps everything in memory. */
  readonly path: string | undefined;
  readonly sync: 'commit' | 'interval';
  readonly syncIntervalMs: number;
  readonly snapshotIntervalMs: number;
  readonly bytesMax: number;
  readonly onCorruption: 'fail' | 'quarantine';
  /** Bytes of records that may wait for the disk; past it, pushes are answered 503. */
  readonly waitingBytesMax: number;
}

/** The words that options which are one of a few may have. */
export const storageChoices: Choices<StorageOptions, 'sync' | 'onCorruption'> = {
  sync: ['commit', 'interval'],
  onCorruption: ['fail', 'quarantine'],
};

export const defaultStorageOptions: StorageOptions = {
  path: 'data/',
  sync: 'commit',
  syncIntervalMs: 1_000,
  snapshotIntervalMs: 60_000,
  bytesMax: 8 * 2 ** 30,
  onCorruption: 'fail',
  waitingBytesMax: 64 * 2 ** 20,
};
