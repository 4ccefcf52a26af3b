import { largestBudgets } from '../model/budgets.ts';
import type { Choices } from '../model/choices.ts';

/** What is kept on disk, where and how. docs/reference/flags.md says what those mean that are flags. */
export interface StorageOptions {
  /** A folder; undefined keeps everything in memory. */
  readonly path: string | undefined;
  readonly sync: 'commit' | 'interval';
  readonly syncIntervalMs: number;
  readonly snapshotIntervalMs: number;
  readonly bytesMax: number;
  /** Of records that wait to be written; further pushes are answered 503. */
  readonly waitingBytesMax: number;
  readonly onCorruption: 'fail' | 'quarantine';
  /** Goes on with a store that was kept in another mode, whatever that does to its numbers. */
  readonly acceptModeChange: boolean;
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
  waitingBytesMax: largestBudgets.storage.waitingBytesMax,
  onCorruption: 'fail',
  acceptModeChange: false,
};
