/** Each error of the file system is told as what it is, with what to do about it. */
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { openFileJournal } from '../../src/journal/file-journal.ts';
import type { FileJournalOptions } from '../../src/journal/file-journal.ts';
import { inspectStore } from '../../src/journal/inspect.ts';
import { JournalFull, StorageProblem } from '../../src/journal/journal.ts';
import { silentLog } from '../../src/primitives/log.ts';
import { faultyDisk } from '../hostile/faulty-disk.ts';
import { CrashDisk } from './crash-disk.ts';
import { appendEach, filesWith, openStore, optionsFor, partsOf } from './helpers.ts';
import { recoverContents, systemError, temporaryFolder, type DiskRule } from './helpers.ts';

/** What keeps the store from being opened; undefined when nothing does. */
async function problemOf(options: FileJournalOptions): Promise<StorageProblem | undefined> {
  let journal;
  try {
    journal = await openFileJournal(options);
    await recoverContents(journal);
  } catch (error) {
    if (error instanceof StorageProblem) return error;
    throw error;
  } finally {
    await journal?.close();
  }
  return undefined;
}

const known: readonly (readonly [code: string, message: RegExp])[] = [
  ['EIO', /the disk failed \(EIO.*kernel log.*restore a backup/],
  ['EROFS', /mounted read-only.*remount it read-write/],
  ['EACCES', /permission denied.*give this process read and write permission/],
  ['EMFILE', /out of file descriptors .*ulimit -n/],
  ['ENFILE', /the system is out of file descriptors .*fs\.file-max/],
  ['ENOMEM', /out of memory/],
  ['ENOTDIR', /part of the path is not a directory/],
  ['ELOOP', /too many levels of symbolic links/],
  ['ENAMETOOLONG', /the path is too long .*--storage\.path/],
  ['EISDIR', /a directory has the name of a storage file .*move it away/],
  ['ESTALE', /remount the file system/],
  ['ENOSPC', /no space left on the disk, or no inodes left .*df -i/],
  ['EXYZ', /cannot be opened: EXYZ/],
];

/** A store of a snapshot and some records, as a crash leaves it. */
async function storeOn(disk: CrashDisk): Promise<CrashDisk> {
  const { journal } = await openStore(temporaryFolder(), { files: disk });
  await appendEach(journal, ['one', 'two']);
  await journal.snapshot(1, partsOf('state'));
  return disk.killed();
}

test.each(known)('%s at a start, whatever call it is that fails', async (code, message) => {
  const disk = await storeOn(new CrashDisk());
  const path = temporaryFolder();
  let refused = 0;
  for (let at = 1; at <= 30; at += 1) {
    // A full disk is no reason not to start where it just cannot be written to.
    const { files, what } = faultyDisk(disk.killed(), { code, at, lasts: false });
    const problem = await problemOf(optionsFor(path, { files }));
    if (problem === undefined) continue;
    refused += 1;
    expect(problem, what()).toMatchObject({ kind: 'unusable', message: expect.stringMatching(message) });
    expect(problem.message).toContain(path);
  }
  expect(refused).toBeGreaterThan(0);
  const { files } = faultyDisk(disk.killed(), { code, at: 2, lasts: true });
  await expect(inspectStore(path, silentLog, files)).rejects.toMatchObject({
    kind: 'unusable',
    message: expect.stringMatching(code === 'EXYZ' ? /cannot be read: EXYZ/ : message),
  });
});

test('paths that lead nowhere say so', async () => {
  const folder = temporaryFolder();
  symlinkSync(join(folder, 'circle'), join(folder, 'circle'));
  symlinkSync(join(folder, 'nothing'), join(folder, 'dangling'));
  for (const [name, message] of [
    ['circle', /too many levels of symbolic links/],
    ['dangling', /does not exist, or is a broken link/],
    ['x'.repeat(300), /the path is too long/],
  ] as const) {
    const problem = await problemOf(optionsFor(join(folder, name)));
    expect(problem?.message).toMatch(message);
    expect(problem?.kind).toBe('unusable');
  }
});

test.each([
  ['EMFILE', /out of file descriptors .*ulimit -n/],
  ['ENFILE', /the system is out of file descriptors/],
  ['ENOMEM', /out of memory/],
] as const)('%s while running is not called a full disk, and passes', async (code, message) => {
  let rule: DiskRule = () => {};
  const failures: Error[] = [];
  const pressures: string[] = [];
  const { journal } = await openStore(temporaryFolder(), {
    bytesMax: 512 * 1024,
    files: filesWith((...call) => rule(...call)),
    onFailure: (error) => void failures.push(error),
    onPressure: () => void pressures.push('snapshot'),
  });
  await appendEach(journal, ['one']);
  rule = (call, path) => {
    if (call === 'open' && path.includes('journal-next')) throw systemError(code);
  };
  let refused: unknown;
  while (refused === undefined) {
    refused = await journal.waitForSpace(3000).catch((error: unknown) => error);
    if (refused === undefined) journal.append(Buffer.alloc(3000));
  }
  expect(refused).toBeInstanceOf(JournalFull);
  expect(refused).toMatchObject({ code: 'overloaded', message: expect.stringMatching(message) });
  expect((refused as Error).message).not.toMatch(/no space left on the disk/);
  // A snapshot would not help.
  expect(pressures).toEqual([]);
  rule = () => {};
  await new Promise((resolve) => setTimeout(resolve, 600));
  await journal.waitForSpace(3000);
  expect(failures).toEqual([]);
});
