/** Disks that are full, failing or slow. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';

import { openFileJournal, type FileJournalOptions } from '../../src/journal/file-journal.ts';
import { JournalFull, type Journal } from '../../src/journal/journal.ts';
import { nodeFiles } from '../../src/journal/files.ts';
import { headerBytes } from '../../src/journal/format.ts';
import { eventually } from '../support/eventually.ts';
import { append, appendEach, contentsOf, copyStore, filesWith, openStore, optionsFor } from './helpers.ts';
import {
  partsOf,
  recoverContents,
  snapshotsIn,
  systemError,
  temporaryFolder,
  type DiskRule,
} from './helpers.ts';

const small = { bytesMax: 512 * 1024 } as const;

/** A disk that can be told what to do. */
interface Disk {
  /** Called before each call; throws or waits. */
  rule: DiskRule;
}

async function storeOn(
  disk: Disk,
  changes: Partial<FileJournalOptions> = {},
): Promise<{ readonly path: string; readonly journal: Journal; readonly failures: Error[] }> {
  const path = temporaryFolder();
  const failures: Error[] = [];
  const { journal } = await openStore(path, {
    ...small,
    files: filesWith((...call) => disk.rule(...call)),
    onFailure: (error) => void failures.push(error),
    ...changes,
  });
  return { path, journal, failures };
}

const isNext = (path: string): boolean => path.includes('journal-next');

/** No zeros can be written ahead; headers are written over zeros. */
const noRoom =
  (code: string): DiskRule =>
  (call, path, end) => {
    if (call === 'write' && isNext(path) && end > headerBytes) throw systemError(code);
  };

async function refusal(journal: Journal, bytes: number): Promise<JournalFull> {
  const error: unknown = await journal.waitForSpace(bytes).catch((reason: unknown) => reason);
  if (error instanceof JournalFull) return error;
  throw new Error(`not refused: ${String(error)}`);
}

/** Appends until there is no room without asking for it. */
async function fill(journal: Journal): Promise<number> {
  const record = Buffer.alloc(1000, 'x');
  while (journal.canAppend(record.length)) {
    await journal.whenCommitted(journal.append(record));
  }
  return journal.logIndex;
}

test('a full disk is met before a record is taken, and pushes go on by themselves when there is room', async () => {
  const disk: Disk = { rule: () => {} };
  const pressed = vi.fn();
  const { path, journal, failures } = await storeOn(disk, { onPressure: pressed });
  disk.rule = noRoom('ENOSPC');
  const logIndex = await fill(journal);
  expect(journal.committedLogIndex).toBe(logIndex);
  const full = await refusal(journal, 1000);
  expect(full.code).toBe('storage_full');
  expect(full.message).toMatch(/no space left on the disk of .*ENOSPC.*free some/);
  expect(failures).toEqual([]);
  expect(pressed).toHaveBeenCalled();
  expect(readdirSync(path).filter(isNext)).toEqual([]);
  disk.rule = () => {};
  await eventually('room again', () =>
    journal.waitForSpace(1000).then(
      () => true,
      () => false,
    ),
  );
  await append(journal, 'again');
  await journal.close();
  expect((await contentsOf(path, small)).records.get(logIndex + 1)).toBe('again');
});

test('a full disk is not asked again at once', async () => {
  const disk: Disk = { rule: () => {} };
  const { journal } = await storeOn(disk);
  let attempts = 0;
  disk.rule = (call, file, end) => {
    if (call === 'open' && isNext(file)) attempts += 1;
    return noRoom('ENOSPC')(call, file, end);
  };
  await fill(journal);
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  vi.advanceTimersByTime(10_000);
  await refusal(journal, 1000);
  const first = attempts;
  for (let i = 0; i < 100; i += 1) await refusal(journal, 1000);
  expect(attempts).toBe(first);
});

test('what is left on the disk is used in smaller steps', async () => {
  const disk: Disk = { rule: () => {} };
  const { journal } = await storeOn(disk, { bytesMax: 64 * 1024 * 1024 });
  disk.rule = (call, file, end) => {
    if (call === 'write' && isNext(file) && end > 300 * 1024) throw systemError('ENOSPC');
  };
  const before = journal.stats().storedBytes;
  await journal.waitForSpace(1);
  for (let i = 0; i < 1500; i += 1) await appendEach(journal, ['x'.repeat(1000)]);
  expect(journal.stats().storedBytes).toBeGreaterThan(before);
});

test('the last of the disk is kept for the snapshot that makes room', async () => {
  const path = temporaryFolder();
  // A disk of 1 MiB with nothing else on it.
  const diskBytes = 1024 * 1024;
  const free = (): number =>
    diskBytes - readdirSync(path).reduce((sum, name) => sum + statSync(join(path, name)).size, 0);
  const pressed = vi.fn();
  const { journal } = await openStore(path, {
    bytesMax: 64 * diskBytes,
    files: { ...nodeFiles, freeBytes: async () => free() },
    onPressure: pressed,
  });
  for (let round = 0; round < 3; round += 1) {
    const full = await eventually('a full disk', async () => {
      await fill(journal);
      const error: unknown = await journal.waitForSpace(1000).catch((reason: unknown) => reason);
      return error instanceof JournalFull ? error : undefined;
    });
    expect(full.message).toMatch(
      /no space left on the disk of .* \(\d+ bytes are free, and \d+ are reserved for the next/,
    );
    expect(pressed).toHaveBeenCalled();
    pressed.mockClear();
    expect(free()).toBeGreaterThan(100_000);
    await journal.snapshot(journal.logIndex, partsOf('x'.repeat(100_000)));
    expect(free()).toBeGreaterThan(0);
  }
});

test('a record too long for the store does not keep others out', async () => {
  const { journal } = await storeOn({ rule: () => {} });
  await refusal(journal, 10_000_000);
  for (let i = 0; i < 40; i += 1) await appendEach(journal, ['x'.repeat(1000)]);
  await refusal(journal, 10_000_000);
});

test('a full disk at the start is no reason not to start', async () => {
  const disk: Disk = { rule: noRoom('ENOSPC') };
  const { journal, failures } = await storeOn(disk);
  expect(journal.canAppend(1)).toBe(false);
  expect((await refusal(journal, 1)).code).toBe('storage_full');
  expect(failures).toEqual([]);
});

test.each(['commit', 'interval'] as const)('a commit that fails is final (sync: %s)', async (sync) => {
  const disk: Disk = { rule: () => {} };
  const { path, journal, failures } = await storeOn(disk, { sync });
  await appendEach(journal, ['one']);
  disk.rule = (call, file) => {
    if (call === 'write' && !isNext(file)) throw systemError('EIO');
  };
  const two = journal.whenCommitted(await append(journal, 'two'));
  await expect(two).rejects.toThrow('EIO');
  disk.rule = () => {};
  expect(failures.map(({ message }) => message)).toEqual([expect.stringContaining('EIO')]);
  expect(journal.canAppend(1)).toBe(false);
  expect((await refusal(journal, 1)).message).toMatch(/has failed: EIO/);
  journal.append(Buffer.from('three'));
  await expect(journal.whenCommitted(3)).rejects.toThrow('EIO');
  await journal.whenCommitted(1);
  expect(journal.committedLogIndex).toBe(1);
  await expect(journal.snapshot(2, partsOf('state'))).rejects.toThrow('EIO');
  await journal.close();
  expect(failures).toHaveLength(1);
  expect([...(await contentsOf(path, small)).records.values()]).toEqual(['one']);
});

test('a sync in the background that fails is final', async () => {
  const disk: Disk = { rule: () => {} };
  const { journal, failures } = await storeOn(disk, { sync: 'interval', syncIntervalMs: 5 });
  await appendEach(journal, ['one']);
  disk.rule = (call) => {
    if (call === 'sync') throw systemError('EIO');
  };
  await append(journal, 'two');
  await eventually('the failure', () => failures.length === 1);
  expect(journal.canAppend(1)).toBe(false);
  await expect(
    journal.whenCommitted(await Promise.resolve(journal.append(Buffer.from('x')))),
  ).rejects.toThrow('EIO');
});

test('a disk that fails while room is made is told as a failure', async () => {
  const disk: Disk = { rule: () => {} };
  const { journal, failures } = await storeOn(disk);
  disk.rule = noRoom('EIO');
  await expect(fill(journal)).rejects.toThrow('EIO');
  await refusal(journal, 1000);
  expect(failures).toHaveLength(1);
});

test('a slow disk: records share commits, and past the bound no more may wait', async () => {
  const disk: Disk = { rule: () => {} };
  const { journal } = await storeOn(disk, { waitingBytesMax: 10_000 });
  await appendEach(journal, ['first']);
  let go: () => void = () => {};
  const gate = new Promise<void>((resolve) => (go = resolve));
  disk.rule = (call, file) => (call === 'write' && !isNext(file) ? gate : undefined);
  const before = journal.stats().commits;
  const record = Buffer.alloc(1000);
  while (journal.canAppend(1000)) {
    journal.append(record);
    // Some of them while a commit is under way.
    if (journal.logIndex === 5) await new Promise(setImmediate);
  }
  expect(journal.stats().waitingRecords).toBe(10);
  expect(journal.stats().waitingBytes).toBe(10_000);
  expect(journal.committedLogIndex).toBe(1);
  const overloaded = await refusal(journal, 1000);
  expect(overloaded.code).toBe('overloaded');
  expect(overloaded.message).toMatch(/10000 bytes are waiting .* the maximum is 10000/);
  go();
  await journal.whenCommitted(journal.logIndex);
  expect(journal.stats().commits - before).toBe(2);
  expect(journal.stats().waitingBytes).toBe(0);
  expect(journal.canAppend(1000)).toBe(true);
  // Alone, a record may be longer than the bound.
  await journal.waitForSpace(20_000);
  await journal.whenCommitted(journal.append(Buffer.alloc(20_000)));
});

test.each(['write', 'sync', 'rename', 'open'] as const)(
  'a snapshot that fails at %s leaves nothing',
  async (at) => {
    const disk: Disk = { rule: () => {} };
    const { path, journal, failures } = await storeOn(disk);
    await appendEach(journal, ['one', 'two']);
    await journal.snapshot(1, partsOf('first'));
    const before = journal.stats();
    disk.rule = (call, file) => {
      if (call === at && file.includes('snapshot-')) throw systemError('ENOSPC');
    };
    await expect(journal.snapshot(2, partsOf('second', 'x'.repeat(300_000)))).rejects.toThrow('ENOSPC');
    disk.rule = () => {};
    expect(failures).toEqual([]);
    expect(readdirSync(path).filter((name) => name.endsWith('.snap.tmp'))).toEqual([]);
    expect(snapshotsIn(path)).toHaveLength(1);
    expect(journal.stats().storedBytes).toBe(before.storedBytes);
    expect((await contentsOf(copyStore(path), small)).snapshot?.parts).toEqual(['first']);
    await journal.snapshot(2, partsOf('second'));
    expect((await contentsOf(copyStore(path), small)).snapshot?.parts).toEqual(['second']);
  },
);

test('recovery says what it cannot read', async () => {
  const { path, journal } = await storeOn({ rule: () => {} });
  await journal.close();
  const files = filesWith((call, file) => {
    if (call === 'open' && !isNext(file)) throw systemError('EIO');
  });
  await appendEach((await openStore(path, small)).journal, ['one']);
  const other = await openFileJournal(optionsFor(copyStore(path), { ...small, files }));
  onTestFinished(() => other.close());
  await expect(recoverContents(other)).rejects.toThrow('EIO');
});

test('a snapshot is not there before records are safe that came while it was written', async () => {
  let release = (): void => {};
  const written = new Promise<void>((resolve) => {
    release = resolve;
  });
  let isSlow = false;
  const disk: Disk = {
    rule: (call, path) => (isSlow && call === 'write' && path.includes('journal-0') ? written : undefined),
  };
  const { path, journal } = await storeOn(disk);
  await appendEach(journal, ['one']);
  // It knows of the second record, such as the idempotency key of its push.
  async function* parts(): AsyncGenerator<Uint8Array> {
    isSlow = true;
    await append(journal, 'two');
    yield Buffer.from('knows of two');
  }
  let isDone = false;
  const snapshot = journal.snapshot(1, parts()).then(() => {
    isDone = true;
  });
  await eventually('the snapshot', () => readdirSync(path).some((name) => name.endsWith('.tmp')));
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(isDone).toBe(false);
  release();
  await snapshot;
  await journal.whenCommitted(2);
  const { snapshot: kept, records } = await contentsOf(copyStore(path));
  expect(kept?.parts).toEqual(['knows of two']);
  expect(records.get(2)).toBe('two');
});
