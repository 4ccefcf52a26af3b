/** One process at a time, whatever way the one before has ended. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';

import { openFileJournal } from '../../src/journal/file-journal.ts';
import { StorageProblem } from '../../src/journal/journal.ts';
import { lockName } from '../../src/journal/lock.ts';
import { killAtTestEnd } from '../support/process.ts';
import { append, contentsOf, openStore, optionsFor, rememberingLog, temporaryFolder } from './helpers.ts';

const built = fileURLToPath(new URL('../../dist/journal/file-journal.js', import.meta.url));

async function problemWith(path: string): Promise<StorageProblem> {
  try {
    const journal = await openFileJournal(optionsFor(path));
    await journal.close();
  } catch (error) {
    if (error instanceof StorageProblem) return error;
    throw error;
  }
  throw new Error('it was opened');
}

/** Another process that opens the store, appends a record, and holds it until it is killed. */
async function holder(path: string): Promise<ChildProcess> {
  const script = `
    const { openFileJournal } = await import(${JSON.stringify(built)});
    const none = () => {};
    const journal = await openFileJournal({
      path: ${JSON.stringify(path)}, sync: 'commit', syncIntervalMs: 100, bytesMax: 1e6, onCorruption: 'fail',
      log: { debug: none, info: none, warn: none, error: none }, onFailure: none, onPressure: none,
    });
    await journal.recover({ snapshot: none, record: none });
    await journal.waitForSpace(3);
    await journal.whenCommitted(journal.append(Buffer.from('one')));
    process.stdout.write('ready');
    setInterval(none, 1000);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  killAtTestEnd(child);
  await new Promise<void>((resolve, reject) => {
    child.stdout?.once('data', () => resolve());
    child.once('exit', () => reject(new Error('the other process ended')));
  });
  return child;
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => child.once('exit', () => resolve()));
}

test('a second process is refused and told who has it; after kill -9 the next one gets it', async () => {
  const path = temporaryFolder();
  const child = await holder(path);
  const problem = await problemWith(path);
  expect(problem.kind).toBe('locked');
  expect(problem.message).toContain(`process ${child.pid} on `);
  const gone = ended(child);
  child.kill('SIGKILL');
  await gone;
  const { journal, contents } = await openStore(path);
  expect([...contents.records.values()]).toEqual(['one']);
  expect(await append(journal, 'two')).toBe(2);
  expect((await problemWith(path)).kind).toBe('locked');
});

test('a process ends although it holds a store', async () => {
  const path = temporaryFolder();
  const child = await holder(path);
  const gone = ended(child);
  child.kill('SIGTERM');
  await gone;
  await contentsOf(path);
});

test('the same process is refused too, until it closes the store', async () => {
  const path = temporaryFolder();
  const { journal } = await openStore(path);
  const problem = await problemWith(path);
  expect(problem.kind).toBe('locked');
  expect(problem.message).toContain(`process ${process.pid} on `);
  await journal.close();
  await contentsOf(path);
});

test('of many that come at once, after a crash or not, one gets it', async () => {
  for (const crashed of [false, true]) {
    const path = temporaryFolder();
    if (crashed) {
      const child = await holder(path);
      const gone = ended(child);
      child.kill('SIGKILL');
      await gone;
    }
    const opened = await Promise.allSettled(
      Array.from({ length: 8 }, () => openFileJournal(optionsFor(path))),
    );
    const journals = opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    expect(journals).toHaveLength(1);
    for (const result of opened) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ kind: 'locked' });
    }
    expect((await problemWith(path)).kind).toBe('locked');
    for (const journal of journals) await journal.close();
    await contentsOf(path);
  }
});

test('a folder whose path is too long for a socket', async () => {
  const path = join(temporaryFolder(), 'long'.repeat(30), 'longer'.repeat(20));
  const { log, lines } = rememberingLog();
  const { journal } = await openStore(path, { log });
  expect(lines).toEqual([]);
  expect((await problemWith(path)).kind).toBe('locked');
  await journal.close();
  await contentsOf(path);
});

test('something else of that name is in nobody’s way', async () => {
  const path = temporaryFolder();
  writeFileSync(join(path, lockName), 'a file');
  await contentsOf(path);
});

test('one that is asked and says nothing is taken for busy, and alive', async () => {
  const path = temporaryFolder();
  const server = createServer((socket) => socket.resume());
  await new Promise<void>((resolve) => void server.listen(join(path, lockName), resolve));
  onTestFinished(() => void server.close());
  expect((await problemWith(path)).message).toContain('a process that does not respond');
});

test('what cannot be a store says why', async () => {
  const folder = temporaryFolder();
  const file = join(folder, 'file');
  writeFileSync(file, '');
  for (const path of [file, join(file, 'below')]) {
    const problem = await problemWith(path);
    expect(problem.kind).toBe('unusable');
    expect(problem.message).toContain(path);
  }
  expect((await problemWith('/proc/store')).kind).toBe('unusable');
  expect((await problemWith('/proc')).kind).toBe('unusable');
  mkdirSync(join(folder, 'a'));
  await contentsOf(join(folder, 'a', 'b', 'c'));
});
