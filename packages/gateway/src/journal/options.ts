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
    help: 'A push is answered once it is on disk (commit), or once it is written, with the disk synced at an interval: that survives a crash of the process, and may lose one interval at a power cut (interval).',
  }),
  syncIntervalMs: interval({
    flag: 'storage.sync-interval',
    default: 1_000,
    help: 'Time between syncs of the disk with --storage.sync=interval.',
  }),
  snapshotIntervalMs: interval({
    flag: 'storage.snapshot-interval',
    default: 60_000,
    help: 'Time between snapshots, which let old records go, where enough was pushed to be worth one.',
  }),
  bytesMax: size({
    flag: 'storage.max-size',
    default: 8 * GIB,
    help: 'Most space taken on disk; pushes that no longer fit are answered 503.',
    limitOf: 'storage_size_bytes',
  }),
  waitingBytesMax: shareOfMemory({ share: { of64: 2, min: 16 * MIB, max: 64 * MIB } }),
  onCorruption: enumValue(['fail', 'quarantine'], {
    flag: 'storage.on-corruption',
    default: 'fail',
    help: 'When what is kept turns out to be damaged: do not start (fail), or move the damage aside, start from what is whole and say what was lost (quarantine).',
  }),
  acceptModeChange: onOff({
    flag: 'storage.accept-mode-change',
    default: false,
    help: 'Start with a store that was kept in the other mode, or in by-job mode with another --push.path-labels. Without it such a start is refused, as sources would count twice and gauges would be lost.',
  }),
};

export const defaultStorageOptions: StorageOptions = withDefaults(storageOptionTable);

function folder(path: string): Option<string | undefined> {
  return option(
    {
      flag: 'storage.path',
      help: 'Folder for what must outlive a restart; created when missing, used by one process at a time. Empty, or - in the environment, keeps everything in memory.',
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
