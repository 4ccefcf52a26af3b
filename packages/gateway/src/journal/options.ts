import {
  enumValue,
  interval,
  onOff,
  option,
  problemUnless,
  shareOfMemory,
  single,
  size,
} from '../options/kinds.ts';
import { withDefaults } from '../options/option.ts';
import type { Option, OptionTable } from '../options/option.ts';

const MIB = 2 ** 20;
const GIB = 2 ** 30;

/** What is kept on disk, where and how. Each field has a row in the table below. */
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

export const storageOptionTable: OptionTable<StorageOptions> = {
  path: folder('data/'),
  sync: enumValue(['commit', 'interval'], {
    flag: 'storage.sync',
    default: 'commit',
    help: 'When to acknowledge a push: once it is synced to disk (commit), or once it is written, with a sync at every interval (interval). The latter survives a crash of the process, but a power failure may lose the last interval.',
  }),
  syncIntervalMs: interval({
    flag: 'storage.sync-interval',
    default: 1_000,
    help: 'Interval between syncs with --storage.sync=interval.',
  }),
  snapshotIntervalMs: interval({
    flag: 'storage.snapshot-interval',
    default: 60_000,
    help: 'Interval between snapshots, which allow old records to be deleted. Skipped if little was pushed.',
  }),
  bytesMax: size({
    flag: 'storage.max-size',
    default: 8 * GIB,
    help: 'Maximum size of the store on disk. When it is full, pushes are answered 503.',
    limitOf: 'storage_size_bytes',
  }),
  waitingBytesMax: shareOfMemory({ share: { of64: 2, min: 16 * MIB, max: 64 * MIB } }),
  onCorruption: enumValue(['fail', 'quarantine'], {
    flag: 'storage.on-corruption',
    default: 'fail',
    help: 'What to do when the store is corrupted: refuse to start (fail), or move the corrupted files aside, start with the rest and log what was lost (quarantine).',
  }),
  acceptModeChange: onOff({
    flag: 'storage.accept-mode-change',
    default: false,
    help: 'Start even if the store was written in the other mode, or in by-job mode with a different --push.path-labels, and take rules by which known sources would add. By default this is refused, because sources would be counted twice and gauges would be lost.',
  }),
};

export const defaultStorageOptions: StorageOptions = withDefaults(storageOptionTable);

function folder(path: string): Option<string | undefined> {
  return option(
    {
      flag: 'storage.path',
      help: 'Directory for the store, created if missing. Only one process can use it at a time. If empty, or - in the environment, everything is kept in memory only.',
    },
    {
      placeholder: 'folder',
      parse: single((text) => ({ value: text === '' || text === '-' ? undefined : text })),
      problemWith: problemUnless('string'),
      defaultText: path,
      defaultFor: () => path,
    },
  );
}
