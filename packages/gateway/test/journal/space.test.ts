/** How much a store keeps: rollover, generations, and the bound of all files together. */
import { readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test, vi } from 'vitest';

import { JournalFull, type Journal } from '../../src/journal/journal.ts';
import { eventually } from '../support/eventually.ts';
import { append, appendEach, contentsOf, copyStore, openStore, partsOf } from './helpers.ts';
import { segmentsIn, snapshotsIn, temporaryFolder } from './helpers.ts';

const bytesMax = 1024 * 1024;
const record = 'x'.repeat(2000);

function bytesIn(path: string): number {
  let bytes = 0;
  for (const name of readdirSync(path)) {
    const stats = statSync(join(path, name));
    if (stats.isFile()) bytes += stats.size;
  }
  return bytes;
}

/** Appends until the store is full; returns why it is. */
async function fill(path: string, journal: Journal): Promise<JournalFull> {
  for (let i = 0; i < 10_000; i += 1) {
    try {
      await append(journal, record);
      if (i % 20 === 0) await journal.whenCommitted(journal.logIndex);
    } catch (error) {
      if (error instanceof JournalFull) return error;
      throw error;
    }
    if (i % 20 === 0) expect(bytesIn(path)).toBeLessThanOrEqual(bytesMax);
  }
  throw new Error('it is never full');
}

test('a full store says so, keeps within the bound, and goes on after a snapshot', async () => {
  const path = temporaryFolder();
  const pressed = vi.fn();
  const { journal } = await openStore(path, { bytesMax, onPressure: pressed });
  for (let round = 0; round < 5; round += 1) {
    const before = journal.logIndex;
    const full = await fill(path, journal);
    expect(full.code).toBe('storage_full');
    expect(full.message).toMatch(
      /has \d+ bytes, \d+ are reserved for the next snapshot, and --storage\.max-size is 1048576/,
    );
    expect(pressed).toHaveBeenCalled();
    pressed.mockClear();
    expect(bytesIn(path)).toBeLessThanOrEqual(bytesMax);
    await journal.whenCommitted(journal.logIndex);
    await eventually('the same count', () => journal.stats().storedBytes === bytesIn(path));
    // A good part of it is records.
    expect(journal.logIndex - before).toBeGreaterThan(100);
    await journal.snapshot(journal.logIndex, partsOf('state', 'y'.repeat(50_000 * (round + 1))));
    expect(bytesIn(path)).toBeLessThanOrEqual(bytesMax);
    expect(journal.stats().bytesSinceSnapshot).toBe(0);
  }
  await append(journal, 'last');
  const { logIndex } = journal;
  await journal.close();
  const { records, snapshot } = await contentsOf(path, { bytesMax });
  expect(snapshot?.logIndex).toBe(logIndex - 1);
  expect([...records]).toEqual([[logIndex, 'last']]);
});

test('the owner is asked for a snapshot early enough never to be full', async () => {
  const path = temporaryFolder();
  let wanted = false;
  const { journal } = await openStore(path, { bytesMax, onPressure: () => (wanted = true) });
  let snapshots = 0;
  for (let i = 0; i < 3000; i += 1) {
    await append(journal, record);
    if (i % 20 === 0) await journal.whenCommitted(journal.logIndex);
    if (!wanted) continue;
    snapshots += 1;
    await journal.snapshot(journal.logIndex, partsOf('z'.repeat(20_000)));
    wanted = false;
  }
  expect(snapshots).toBeGreaterThan(3);
  expect(bytesIn(path)).toBeLessThanOrEqual(bytesMax);
});

test('a snapshot that does not fit is refused, and the store is as it was', async () => {
  const path = temporaryFolder();
  const { journal } = await openStore(path, { bytesMax });
  await appendEach(journal, ['one', 'two']);
  await expect(
    journal.snapshot(2, partsOf(...Array.from({ length: 20 }, () => 'y'.repeat(100_000)))),
  ).rejects.toThrow(/no space for the snapshot: .* --storage\.max-size is 1048576: raise the flag/);
  expect(bytesIn(path)).toBe(journal.stats().storedBytes);
  expect([...(await contentsOf(copyStore(path), { bytesMax })).records.values()]).toEqual(['one', 'two']);
});

test('two generations are kept, with the records after the older one', async () => {
  const path = temporaryFolder();
  const { journal } = await openStore(path, { bytesMax: 16 * bytesMax });
  const takes: number[] = [];
  for (let round = 0; round < 4; round += 1) {
    // More than a segment, which is a MiB at first.
    for (let i = 0; i < 800; i += 1) await append(journal, record);
    takes.push(journal.logIndex);
    await journal.snapshot(journal.logIndex, partsOf(`state ${round}`));
    const kept = snapshotsIn(path).map((file) => Number(/\d+/.exec(basename(file))?.[0]));
    expect(kept).toEqual(takes.slice(-2));
    const firsts = segmentsIn(path).map((file) => Number(/\d+/.exec(basename(file))?.[0]));
    const olderLogIndex = takes.at(-2) ?? 0;
    // The first segment kept holds a record that is needed, and none that is needed was removed.
    expect(firsts[0]).toBeLessThanOrEqual(olderLogIndex + 1);
    if (firsts[1] !== undefined && round > 0) expect(firsts[1]).toBeGreaterThan(olderLogIndex + 1);
  }
  expect(segmentsIn(path)[0]).not.toMatch(/-0+1\.log/);
});

test('a copy of the open folder is a store of its own', async () => {
  const path = temporaryFolder();
  const { journal } = await openStore(path, { bytesMax });
  await appendEach(journal, ['one', 'two']);
  await journal.snapshot(2, partsOf('state'));
  await appendEach(journal, ['three']);
  const { snapshot, records } = await contentsOf(copyStore(path), { bytesMax });
  expect(snapshot).toEqual({ logIndex: 2, parts: ['state'] });
  expect([...records]).toEqual([[3, 'three']]);
});

test('snapshots at the same position replace each other', async () => {
  const path = temporaryFolder();
  const { journal } = await openStore(path, { bytesMax });
  await journal.snapshot(0, partsOf('nothing'));
  await appendEach(journal, ['one']);
  await journal.snapshot(1, partsOf('a'));
  await journal.snapshot(1, partsOf('b'));
  expect(snapshotsIn(path)).toHaveLength(2);
  await journal.close();
  expect((await contentsOf(path, { bytesMax })).snapshot).toEqual({ logIndex: 1, parts: ['b'] });
});

test('segments roll over while many wait, through restarts', async () => {
  const path = temporaryFolder();
  let written = 0;
  for (let start = 0; start < 3; start += 1) {
    const { journal, contents } = await openStore(path, { bytesMax: 64 * bytesMax });
    expect(contents.records.size).toBe(written);
    const waits: Promise<void>[] = [];
    for (let i = 0; i < 3000; i += 1) {
      written += 1;
      waits.push(journal.whenCommitted(await append(journal, `${written} `.padEnd(1000, '.'))));
      if (i % 100 === 0) await new Promise(setImmediate);
    }
    await Promise.all(waits);
    await journal.close();
  }
  const { records } = await contentsOf(path, { bytesMax: 64 * bytesMax });
  expect([...records.keys()]).toEqual(Array.from({ length: written }, (_, i) => i + 1));
  expect([...records.values()].every((text, i) => text.startsWith(`${i + 1} `))).toBe(true);
  expect(segmentsIn(path).length).toBeGreaterThan(2);
});

test('nothing is changed in a store that is only read', async () => {
  const path = temporaryFolder();
  const { journal } = await openStore(path, { bytesMax });
  await appendEach(journal, ['one', 'two']);
  const crashed = copyStore(path);
  const before = readdirSync(crashed).map((name) => [name, statSync(join(crashed, name)).mtimeMs]);
  const reader = await openStore(crashed, { bytesMax, readOnly: true });
  expect([...reader.contents.records.values()]).toEqual(['one', 'two']);
  expect(reader.journal.canAppend(1)).toBe(false);
  await expect(reader.journal.waitForSpace(1)).rejects.toThrow('only');
  await reader.journal.close();
  expect(readdirSync(crashed).map((name) => [name, statSync(join(crashed, name)).mtimeMs])).toEqual(before);
});
