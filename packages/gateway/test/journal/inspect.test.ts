/** What the operator is told about a store, and that telling changes nothing. */
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { inspectStore } from '../../src/journal/inspect.ts';
import { silentLog } from '../../src/primitives/log.ts';
import { append, appendEach, blocksOf, copyStore, openStore, partsOf, spoil } from './helpers.ts';
import { segmentsIn, snapshotsIn, temporaryFolder } from './helpers.ts';

const small = { bytesMax: 512 * 1024 } as const;

async function storeWithSnapshots(): Promise<string> {
  const path = temporaryFolder();
  const { journal } = await openStore(path, small);
  await appendEach(journal, ['one', 'two']);
  await journal.snapshot(2, partsOf('state'));
  await appendEach(journal, ['three']);
  await journal.snapshot(3, partsOf('state', 'more'));
  await appendEach(journal, ['four', 'five'.padEnd(2000, '.')]);
  return copyStore(path);
}

function listed(path: string): unknown {
  return readdirSync(path).map((name) => [
    name,
    statSync(join(path, name)).size,
    statSync(join(path, name)).mtimeMs,
  ]);
}

test('a whole store', async () => {
  const path = await storeWithSnapshots();
  const before = listed(path);
  const report = await inspectStore(path, silentLog);
  expect(report).toMatchObject({
    formatVersion: 2,
    storeId: expect.stringMatching(/^[0-9a-f]{32}$/),
    snapshots: [
      { logIndex: 3, whole: true },
      { logIndex: 2, whole: true },
    ],
    segments: [{ first: 1, last: 5, blocks: 5 }],
    lastLogIndex: 5,
    damages: [],
    tornBytes: 0,
  });
  const bytes = [...segmentsIn(path), ...snapshotsIn(path)].reduce(
    (sum, file) => sum + statSync(file).size,
    0,
  );
  expect(report.totalBytes).toBe(bytes);
  expect(listed(path)).toEqual(before);
});

test('an empty folder', async () => {
  expect(await inspectStore(temporaryFolder(), silentLog)).toMatchObject({
    storeId: undefined,
    snapshots: [],
    segments: [],
    lastLogIndex: 0,
    totalBytes: 0,
    damages: [],
  });
});

test('damage is found, also where a start would not look', async () => {
  const path = await storeWithSnapshots();
  spoil(snapshotsIn(path)[0] ?? '', 75);
  spoil(segmentsIn(path)[0] ?? '', (blocksOf(path).blocks[0]?.start ?? 0) + 34);
  const before = listed(path);
  const report = await inspectStore(path, silentLog);
  expect(report.snapshots.map(({ whole }) => whole)).toEqual([true, false]);
  expect(report.lastLogIndex).toBe(5);
  expect(report.damages).toEqual([
    expect.stringMatching(/snapshot-0+2\.snap: the checksum of the part at offset 64 is wrong/),
    expect.stringMatching(/journal-0+1\.log at offset 64: the checksum of the block there is wrong/),
  ]);
  expect(listed(path)).toEqual(before);
});

test('a commit cut short is no damage', async () => {
  const path = await storeWithSnapshots();
  const { bytes, blocks } = blocksOf(path);
  const start = blocks.at(-1)?.start ?? 0;
  writeFileSync(segmentsIn(path)[0] ?? '', Buffer.from(bytes).fill(0, start - (start % 512) + 512));
  const report = await inspectStore(path, silentLog);
  expect(report).toMatchObject({ damages: [], lastLogIndex: 4 });
  expect(report.tornBytes).toBeGreaterThan(0);
});

test('a store in use is left to its process, and refused by name', async () => {
  const path = temporaryFolder();
  const { journal } = await openStore(path, small);
  await append(journal, 'one');
  await expect(inspectStore(path, silentLog)).rejects.toMatchObject({ kind: 'locked' });
  await expect(inspectStore(join(path, 'absent'), silentLog)).rejects.toMatchObject({ kind: 'unusable' });
});
