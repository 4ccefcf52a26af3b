/** What happens when the folder, or its lock, is taken from the process that uses it. */
import { mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { openFileJournal, type FileJournalOptions } from '../../src/journal/file-journal.ts';
import { nodeFiles, type Files } from '../../src/journal/files.ts';
import { openFolder } from '../../src/journal/folder.ts';
import { StorageProblem, type Journal } from '../../src/journal/journal.ts';
import { lockName, takeLock } from '../../src/journal/lock.ts';
import { silentLog } from '../../src/primitives/log.ts';
import { eventually } from '../support/eventually.ts';
import { CrashDisk } from './crash-disk.ts';
import { append, appendEach, contentsOf, openStore, optionsFor, partsOf } from './helpers.ts';
import { recoverContents, rememberingLog, segmentsIn, temporaryFolder } from './helpers.ts';

interface Opened {
  readonly path: string;
  readonly journal: Journal;
  readonly failures: Error[];
}

async function opened(changes: Partial<FileJournalOptions> = {}): Promise<Opened> {
  const path = join(temporaryFolder(), 'store');
  const failures: Error[] = [];
  const onFailure = (error: Error): void => void failures.push(error);
  const { journal } = await openStore(path, { onFailure, ...changes });
  await appendEach(journal, ['one']);
  return { path, journal, failures };
}

async function expectFailed({ journal, failures }: Opened, message: RegExp): Promise<void> {
  for (const record of ['two', 'three']) {
    const logIndex = journal.append(Buffer.from(record));
    await expect(journal.whenCommitted(logIndex)).rejects.toThrow(message);
  }
  expect(journal.committedLogIndex).toBe(1);
  expect(failures.map((error) => error.message)).toEqual([expect.stringMatching(message)]);
}

const modes = ['commit', 'interval'] as const;

test.each(modes)(
  'the folder removed while running: nothing is acknowledged after (sync: %s)',
  async (sync) => {
    const store = await opened({ sync, leaseMs: 60_000 });
    rmSync(store.path, { recursive: true });
    await expectFailed(store, /no longer exists: the storage directory, or this file in it, was removed/);
  },
);

test.each(modes)('the folder moved, and another in its place: the same (sync: %s)', async (sync) => {
  const store = await opened({ sync, leaseMs: 60_000 });
  renameSync(store.path, `${store.path}-before`);
  mkdirSync(store.path);
  await expectFailed(store, /no longer exists/);
  await store.journal.close();
  expect([...(await contentsOf(`${store.path}-before`)).records.values()][0]).toBe('one');
});

test('the folder removed from an idle process is found out without a push', async () => {
  const { path, failures } = await opened();
  rmSync(path, { recursive: true });
  await eventually('the failure', () => failures.length === 1);
  expect(failures[0]?.message).toMatch(/lock of the store .* is lost: the directory was removed or moved/);
});

test('a lock that a cleaner has removed is put back, and production goes on', async () => {
  const { log, lines } = rememberingLog();
  const { path, journal, failures } = await opened({ log });
  for (let round = 0; round < 3; round += 1) {
    rmSync(join(path, lockName));
    await appendEach(journal, ['more']);
    await eventually('the lock', () => readdirSync(path).includes(lockName));
    expect((await problemOf(path)).kind).toBe('locked');
  }
  expect(failures).toEqual([]);
  expect(
    lines.every(({ level, text }) => level === 'warn' && /was removed and has been restored/.test(text)),
  ).toBe(true);
  expect(lines).toHaveLength(3);
});

test('a holder that finds the lock of another calls nothing safe any more', async () => {
  const store = await opened();
  rmSync(join(store.path, lockName));
  writeFileSync(join(store.path, lockName), 'of another machine, which cannot be asked from here');
  await eventually('the failure', () => store.failures.length === 1);
  await expectFailed(store, /the lock of the store .* is lost: another process has replaced it/);
});

test('one whose lock was taken is found out before it acknowledges, however long it was away', async () => {
  // As if it had been stopped: its timer never fires.
  const store = await opened({ leaseMs: 400 });
  rmSync(join(store.path, lockName));
  writeFileSync(join(store.path, lockName), '');
  const until = performance.now() + 500;
  while (performance.now() < until);
  await expectFailed(store, /is lost/);
});

test('a lock that goes again and again lets a second process in, or does not, and nothing is lost', async () => {
  const path = temporaryFolder();
  const expected: string[] = [];
  for (let round = 0; round < 12; round += 1) {
    const { journal: first } = await openStore(path, { onFailure: () => {} });
    const add = async (journal: Journal, text: string): Promise<void> => {
      await journal.waitForSpace(text.length);
      await journal.whenCommitted(journal.append(Buffer.from(text)));
      expected.push(text);
    };
    await add(first, `${round} first`);
    rmSync(join(path, lockName));
    // Right then, or when the first one has had the time to put it back.
    if (round % 2 === 1) await new Promise((resolve) => setTimeout(resolve, round * 3));
    const second = await openFileJournal(optionsFor(path)).catch(() => undefined);
    // It may go on until it finds out.
    for (let i = 0; i < 20; i += 1) await add(first, `${round} first, ${i}`).catch(() => {});
    if (second !== undefined) {
      await recoverContents(second);
      await expect(add(first, 'too late')).rejects.toThrow();
      await add(second, `${round} second`);
      await second.close();
    }
    await first.close();
    expect([...(await contentsOf(path)).records.values()]).toEqual(expect.arrayContaining(expected));
  }
});

test('what a holder acknowledges before it notices is read by the one that has taken its lock', async () => {
  const path = temporaryFolder();
  const leaseMs = 300;
  const { journal: first } = await openStore(path, { leaseMs, onFailure: () => {} });
  const acknowledged = ['record 0'];
  await appendEach(first, acknowledged);
  let second: Journal | undefined;
  while (second === undefined) {
    rmSync(join(path, lockName), { force: true });
    second = await openFileJournal(optionsFor(path, { leaseMs })).catch(() => undefined);
  }
  const reading = recoverContents(second);
  for (;;) {
    const text = `record ${acknowledged.length}`;
    const isCommitted = await append(first, text)
      .then(
        (logIndex) => first.whenCommitted(logIndex).then(() => true),
        () => false,
      )
      .catch(() => false);
    if (!isCommitted) break;
    acknowledged.push(text);
  }
  const { records } = await reading;
  await second.close();
  expect([...records.values()].slice(0, acknowledged.length)).toEqual(acknowledged);
});

/** Two folders for their locks, and one disk: as if there were no locks. */
/** Two that begin at the same time: the second has looked at the folder before the first had made anything there. */
async function twoOn(disk: CrashDisk): Promise<Journal[]> {
  const onFailure = (): void => {};
  const open = async (files: Files): Promise<Journal> =>
    (await openStore(temporaryFolder(), { files, bytesMax: 256 * 1024, onFailure })).journal;
  return [await open(disk), await open(withoutTemporary(disk))];
}

function withoutTemporary(disk: CrashDisk): Files {
  return new Proxy<Files>(disk, {
    get(files, name) {
      if (name === 'list')
        return async (folder: string) => (await files.list(folder)).filter((each) => !each.endsWith('.tmp'));
      const member: unknown = Reflect.get(files, name, files);
      return typeof member === 'function' ? (member.bind(files) as unknown) : member;
    },
  });
}

test('two processes without a lock: a segment under the same name is not replaced', async () => {
  const disk = new CrashDisk();
  const [first, second] = (await twoOn(disk)) as [Journal, Journal];
  await appendEach(first, ['one']);
  const logIndex = await append(second, 'the other one');
  await expect(second.whenCommitted(logIndex)).rejects.toThrow(
    /another process is writing to the same store.*journal-0+1\.log/,
  );
  const { records } = await contentsOf(temporaryFolder(), { files: CrashDisk.of(disk.contents()) });
  expect([...records.values()]).toEqual(['one']);
});

test('two processes without a lock: what the other has begun is found, and nothing is removed', async () => {
  const disk = new CrashDisk();
  const [first, second] = (await twoOn(disk)) as [Journal, Journal];
  const long = 'x'.repeat(3000);
  for (let i = 0; i < 20; i += 1) await appendEach(first, [long]);
  await first.snapshot(first.logIndex, partsOf('state'));
  const names = new Set(disk.contents().keys());
  await appendEach(first, [long]);
  // It has read nothing, and so may begin elsewhere.
  const other = 'journal-00000000000000000777.log';
  const file = await disk.open(other, 'create');
  await file.close();
  await expect(first.snapshot(first.logIndex, partsOf('state'))).rejects.toThrow(
    /another process is writing to the same store: it has created .*777\.log/,
  );
  const kept = [...names].filter((name) => name.endsWith('.log'));
  expect(kept.length).toBeGreaterThan(2);
  expect([...disk.contents().keys()]).toEqual(expect.arrayContaining([...kept, other]));
  await second.close();
});

async function problemOf(path: string): Promise<StorageProblem> {
  try {
    await (await openFileJournal(optionsFor(path))).close();
  } catch (error) {
    if (error instanceof StorageProblem) return error;
    throw error;
  }
  throw new Error('it was opened');
}

test('no lock, no start', async () => {
  const path = join(temporaryFolder(), 'absent');
  await expect(takeLock(path, { log: silentLog, readOnly: false })).rejects.toMatchObject({
    kind: 'unusable',
    message: expect.stringMatching(/cannot be locked, so a second process could use it at the same time: /),
  });
  // To look into a store on a medium that cannot be written, no lock is needed.
  const { log, lines } = rememberingLog();
  await takeLock(path, { log, readOnly: true });
  expect(lines.map(({ text }) => text)).toEqual([expect.stringMatching(/reading the store without a lock/)]);
});

test.each([
  { what: 'a folder', make: (path: string) => mkdirSync(path) },
  { what: 'a link', make: (path: string) => symlinkSync('nowhere', path) },
])('$what in place of the lock is named, and left alone', async ({ what, make }) => {
  const path = temporaryFolder();
  make(join(path, lockName));
  const problem = await problemOf(path);
  expect(problem.kind).toBe('unusable');
  expect(problem.message).toMatch(
    new RegExp(`lock\\.sock is ${what}, but the lock of the store belongs there: remove it`),
  );
  expect(readdirSync(path)).toEqual([lockName]);
});

test('each process writes to a segment of its own', async () => {
  const path = temporaryFolder();
  for (let start = 1; start <= 3; start += 1) {
    const { journal } = await openStore(path);
    await appendEach(journal, ['record']);
    await journal.close();
    expect(segmentsIn(path)).toHaveLength(start);
  }
  expect((await contentsOf(path)).records.size).toBe(3);
});

test('a folder that was just made is made for good, with its parents', async () => {
  const parent = temporaryFolder();
  const synced: string[] = [];
  const files: Files = {
    ...nodeFiles,
    syncFolder: async (path) => {
      synced.push(path);
      await nodeFiles.syncFolder(path);
    },
  };
  await openFolder(join(parent, 'a', 'b'), false, files);
  expect(synced).toEqual([parent, join(parent, 'a')]);
  synced.length = 0;
  await openFolder(join(parent, 'a', 'b'), false, files);
  expect(synced).toEqual([]);
});
