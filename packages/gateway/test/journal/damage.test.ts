/** What is told, and what is kept, when files are damaged that a crash cannot have damaged. */
import {
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';

import { openFileJournal, type FileJournalOptions } from '../../src/journal/file-journal.ts';
import { inspectStore } from '../../src/journal/inspect.ts';
import { StorageProblem } from '../../src/journal/journal.ts';
import { crc32 } from '../../src/primitives/crc32.ts';
import { silentLog } from '../../src/primitives/log.ts';
import { appendEach, blocksOf, contentsOf, copyStore, openStore, optionsFor, spoil } from './helpers.ts';
import {
  headsIn,
  nth,
  partsOf,
  recoverContents,
  rememberingLog,
  segmentsIn,
  snapshotsIn,
  temporaryFolder,
} from './helpers.ts';

/** Small files make fast tests: segments of 16 KiB. */
const small = { bytesMax: 512 * 1024 } as const;

const record = (logIndex: number): string => `record ${logIndex} `.padEnd(2000, '.');
const records = (from: number, to: number): readonly string[] =>
  Array.from({ length: to - from + 1 }, (_, i) => record(from + i));

/** Records 1 to 40 in several segments; snapshots after 10, 20 and 30 when asked for. Closed. */
async function storeWith({ snapshots }: { readonly snapshots: boolean }): Promise<string> {
  const path = temporaryFolder();
  const { journal } = await openStore(path, small);
  for (let from = 1; from <= 40; from += 10) {
    await appendEach(journal, records(from, from + 9));
    const to = from + 9;
    if (snapshots && to <= 30) await journal.snapshot(to, partsOf(`state at ${to}`, 'more of it'));
  }
  await journal.close();
  return path;
}

async function problemWith(path: string, changes: Partial<FileJournalOptions> = {}): Promise<StorageProblem> {
  const journal = await openFileJournal(optionsFor(path, { ...small, ...changes }));
  try {
    await recoverContents(journal);
  } catch (error) {
    if (error instanceof StorageProblem) return error;
    throw error;
  } finally {
    await journal.close();
  }
  throw new Error('it was recovered without a problem');
}

interface Case {
  readonly name: string;
  readonly snapshots: boolean;
  readonly damage: (path: string) => Promise<void> | void;
  readonly message: RegExp;
  /** Position of the last record that is kept with `quarantine`. */
  readonly kept: number;
  readonly lost: RegExp;
  /** What is missing cannot be moved aside. */
  readonly movesNothing?: true;
}

const cases: readonly Case[] = [
  {
    name: 'a byte changed in the middle of a segment',
    snapshots: false,
    damage: (path) => spoil(nth(segmentsIn(path), 0), nth(blocksOf(path).blocks, 2).start + 100),
    message:
      /journal-0+1\.log is corrupted at offset \d+: the checksum of the block there is wrong\. Records up to 2 /,
    kept: 2,
    lost: /records from 3 on: .* 37 readable records after that/,
  },
  {
    name: 'a byte changed near the end, after a clean stop',
    snapshots: false,
    damage: (path) => {
      const segment = nth(segmentsIn(path), -1);
      const blocks = blocksOf(path, segment).blocks.filter((block) => block.records > 0);
      spoil(segment, nth(blocks, -1).start + 50);
    },
    message: /is corrupted at offset \d+: the checksum of the block there is wrong\. Records up to 39 /,
    kept: 39,
    lost: /records from 40 on: .* 0 readable records after that/,
  },
  {
    name: 'a block overwritten with zeros',
    snapshots: false,
    damage: (path) => {
      const segment = nth(segmentsIn(path), -2);
      const { bytes, blocks } = blocksOf(path, segment);
      writeFileSync(segment, bytes.fill(0, nth(blocks, 3).start, nth(blocks, 3).end));
    },
    message: /is corrupted at offset \d+: no block starts there/,
    kept: 0,
    lost: /records from \d+ on/,
  },
  {
    name: 'a segment cut short that is not the last',
    snapshots: false,
    damage: (path) =>
      truncateSync(nth(segmentsIn(path), 1), nth(blocksOf(path, segmentsIn(path)[1]).blocks, 2).start),
    message:
      /is corrupted at offset \d+: its records end there with \d+, and journal-\d+\.log begins with \d+/,
    kept: 0,
    lost: /records from \d+ on/,
  },
  {
    name: 'a segment cut within its header',
    snapshots: false,
    damage: (path) => truncateSync(nth(segmentsIn(path), 1), 20),
    message: /is corrupted at offset 0: it has 20 bytes and its header alone takes 64/,
    kept: 0,
    lost: /records from \d+ on/,
  },
  {
    name: 'a segment missing in the middle',
    snapshots: false,
    damage: (path) => rmSync(nth(segmentsIn(path), 1)),
    message:
      /journal-0+1\.log is corrupted at offset \d+: its records end there with \d+, and journal-\d+\.log begins with \d+/,
    kept: 0,
    lost: /records from \d+ on/,
  },
  {
    name: 'the first segment missing',
    snapshots: false,
    damage: (path) => rmSync(nth(segmentsIn(path), 0)),
    message: /is corrupted at offset 0: records 1 to \d+ are missing: no snapshot covers them/,
    kept: 0,
    lost: /records from 1 on/,
  },
  {
    name: 'a segment under another name',
    snapshots: false,
    damage: (path) =>
      renameSync(
        nth(segmentsIn(path), -1),
        nth(segmentsIn(path), -1).replace(/\d\.log$/, (end) => (end === '0.log' ? '1.log' : '0.log')),
      ),
    message: /its header says position \d+, unlike its name/,
    kept: 0,
    lost: /records from \d+ on/,
  },
  {
    name: 'the last segment cut where a block ends, as if the rest had never been',
    snapshots: false,
    damage: (path) => {
      const segment = nth(segmentsIn(path), -1);
      truncateSync(segment, nth(blocksOf(path, segment).blocks, 1).end);
    },
    message: /is corrupted at offset \d+: the file ends at offset \d+, and was made with \d+ bytes/,
    kept: 0,
    lost: /records from \d+ on: .* 0 readable records after that/,
  },
  {
    name: 'the last segment cut inside of a block',
    snapshots: true,
    damage: (path) => {
      const segment = nth(segmentsIn(path), -1);
      truncateSync(segment, nth(blocksOf(path, segment).blocks, 1).end - 700);
    },
    message: /is corrupted at offset \d+: the block there is longer than the rest of the file/,
    kept: 0,
    lost: /records from \d+ on: /,
  },
  {
    name: 'the last segment missing',
    snapshots: true,
    damage: (path) => rmSync(nth(segmentsIn(path), -1)),
    message:
      /journal-\d+\.log is corrupted at offset 0: the file is missing, and with it the records from \d+ on/,
    kept: 0,
    lost: /records from \d+ on: .*the file is missing/,
    movesNothing: true,
  },
  {
    name: 'all segments missing, with the newest snapshot whole',
    snapshots: true,
    damage: (path) => {
      for (const file of [...segmentsIn(path), ...headsIn(path)]) rmSync(file);
    },
    movesNothing: true,
    message: /the journal has no segments, but the snapshot .*-0+30\.snap covers records up to 30/,
    kept: 30,
    lost: /records from 31 on/,
  },
  {
    name: 'a journal that ends before the newest snapshot',
    snapshots: false,
    damage: async (path) => {
      const { journal } = await openStore(path, small);
      await journal.snapshot(30, partsOf('state at 30'));
      await journal.close();
      for (const file of [...segmentsIn(path), ...headsIn(path)])
        if (Number(/\d{20}/.exec(file)?.[0]) > 1) rmSync(file);
    },
    message: /the journal ends with record \d+, but the snapshot .*-0+30\.snap covers records up to 30/,
    kept: 30,
    lost: /records from 31 on/,
  },
  {
    name: 'both snapshots damaged with the oldest records gone',
    snapshots: true,
    damage: (path) => {
      for (const snapshot of snapshotsIn(path)) spoil(snapshot, 70);
    },
    message:
      /records 1 to \d+ are missing.*; the snapshot .*snapshot-0+30\.snap is corrupted too: the checksum of the part at offset 64 is wrong; the snapshot .*snapshot-0+20\.snap is corrupted too/,
    kept: 0,
    lost: /snapshot-0+30\.snap: the checksum of the part at offset 64/,
  },
];

test.each(cases)('$name: refused, with what to do', async ({ snapshots, damage, message }) => {
  const path = await storeWith({ snapshots });
  await damage(path);
  const before = readdirSync(path).toSorted();
  const problem = await problemWith(path);
  expect(problem.kind).toBe('corrupt');
  expect(problem.message).toMatch(message);
  expect(problem.message).toMatch(/Restore a backup, .* --storage\.on-corruption=quarantine/);
  // Nothing was changed, so it says the same again.
  expect(readdirSync(path).toSorted()).toEqual(before);
  expect((await problemWith(path)).message).toBe(problem.message);
});

test.each(cases)(
  '$name: moved aside, and the rest goes on',
  async ({ snapshots, damage, kept, lost, movesNothing }) => {
    const path = await storeWith({ snapshots });
    await damage(path);
    const { log, lines } = rememberingLog();
    const { journal, contents } = await openStore(path, { ...small, log, onCorruption: 'quarantine' });
    expect(contents.recovered.lost.join('\n')).toMatch(lost);
    expect(lines.filter(({ level }) => level === 'error')).toHaveLength(contents.recovered.lost.length);
    const { logIndex } = journal;
    if (kept > 0) expect(logIndex).toBe(kept);
    expect(logIndex).toBeLessThan(40);
    expect([...contents.records.values()]).toEqual(
      records(contents.recovered.snapshotLogIndex + 1, logIndex).slice(0, contents.records.size),
    );
    expect(existsSync(join(path, 'quarantine-1'))).toBe(movesNothing !== true);
    if (movesNothing !== true) expect(readdirSync(join(path, 'quarantine-1')).length).toBeGreaterThan(0);
    await appendEach(journal, ['new', 'newer']);
    await journal.close();
    const again = await contentsOf(path, small);
    expect(again.records.get(logIndex + 1)).toBe('new');
    expect(again.records.get(logIndex + 2)).toBe('newer');
    expect(again.recovered.lost).toEqual([]);
  },
);

test('a quarantined store is whole for all that look at it', async () => {
  for (const { snapshots, damage } of cases) {
    const path = await storeWith({ snapshots });
    await damage(path);
    expect((await inspectStore(path, silentLog)).damages).not.toEqual([]);
    await contentsOf(path, { ...small, onCorruption: 'quarantine' });
    expect((await inspectStore(path, silentLog)).damages).toEqual([]);
  }
});

test('a store that lost the name of its last segment is whole, and gets it again', async () => {
  const path = await storeWith({ snapshots: true });
  for (const head of headsIn(path)) rmSync(head);
  expect((await contentsOf(path, small)).records.size).toBe(10);
  expect(headsIn(path).map((file) => basename(file, '.head'))).toEqual([
    basename(nth(segmentsIn(path), -1), '.log'),
  ]);
});

test('a second quarantine gets a folder of its own', async () => {
  const path = await storeWith({ snapshots: false });
  for (const name of ['quarantine-1', 'quarantine-2']) {
    spoil(nth(segmentsIn(path), 0), nth(blocksOf(path).blocks, name === 'quarantine-1' ? 2 : 0).start + 40);
    await contentsOf(path, { ...small, onCorruption: 'quarantine' });
    expect(existsSync(join(path, name))).toBe(true);
  }
});

test.each([
  { name: 'a byte of it changed', damage: (path: string) => spoil(path, 75) },
  { name: 'its header changed', damage: (path: string) => spoil(path, 3) },
  { name: 'its end changed', damage: (path: string) => truncateSync(path, 100) },
  { name: 'cut off to nothing', damage: (path: string) => truncateSync(path, 0) },
])('a damaged newest snapshot loses nothing: $name', async ({ damage }) => {
  const path = await storeWith({ snapshots: true });
  damage(nth(snapshotsIn(path), -1));
  for (const onCorruption of ['fail', 'quarantine'] as const) {
    const { log, lines } = rememberingLog();
    const { snapshot, records: found } = await contentsOf(copyStore(path), { ...small, log, onCorruption });
    expect(snapshot).toEqual({ logIndex: 20, parts: ['state at 20', 'more of it'] });
    expect([...found.values()]).toEqual(records(21, 40));
    expect(lines.map(({ text }) => text).join('\n')).toMatch(/snapshot-0+30\.snap/);
  }
});

test('a damaged newest snapshot goes with the next one', async () => {
  const path = await storeWith({ snapshots: true });
  spoil(nth(snapshotsIn(path), -1), 75);
  const { journal } = await openStore(path, small);
  await journal.snapshot(40, partsOf('state at 40'));
  expect(snapshotsIn(path).map((file) => basename(file))).toEqual([
    expect.stringMatching(/-0+20\.snap/),
    expect.stringMatching(/-0+40\.snap/),
  ]);
});

test('the only snapshot damaged, and all records gone, is no empty store', async () => {
  const path = await storeWith({ snapshots: true });
  for (const file of [...segmentsIn(path), ...headsIn(path), nth(snapshotsIn(path), 0)]) rmSync(file);
  spoil(nth(snapshotsIn(path), 0), 75);
  const problem = await problemWith(path);
  expect(problem.kind).toBe('corrupt');
  expect(problem.message).toMatch(/it covered records up to 30, and there is no other copy of those after 0/);
  const { recovered } = await contentsOf(path, { ...small, onCorruption: 'quarantine' });
  expect(recovered.lost.length).toBeGreaterThan(0);
});

test('damage in records that the newest snapshot covers costs nothing', async () => {
  const path = temporaryFolder();
  const { journal } = await openStore(path, small);
  await appendEach(journal, ['one', 'two', 'three']);
  await journal.snapshot(2, partsOf('state'));
  await journal.close();
  spoil(nth(segmentsIn(path), 0), nth(blocksOf(path).blocks, 0).start + 33);
  const { log, lines } = rememberingLog();
  const { records: found } = await contentsOf(path, { ...small, log });
  expect([...found.values()]).toEqual(['three']);
  expect(lines.map(({ level }) => level)).toEqual(['warn']);
});

test('a segment of another store is not taken for one of this', async () => {
  const [path, other] = [await storeWith({ snapshots: false }), await storeWith({ snapshots: false })];
  rmSync(nth(segmentsIn(path), 2));
  renameSync(nth(segmentsIn(other), 2), join(path, basename(nth(segmentsIn(other), 2))));
  expect((await problemWith(path)).message).toMatch(/it belongs to another store/);
});

test.each(['segment', 'snapshot'] as const)(
  'a %s of a newer version is refused, whatever else is wrong',
  async (kind) => {
    const path = await storeWith({ snapshots: true });
    const file = nth(kind === 'segment' ? segmentsIn(path) : snapshotsIn(path), -1);
    writeFileSync(file, newerVersion(file));
    const problem = await problemWith(path, { onCorruption: 'quarantine' });
    expect(problem.kind).toBe('newer_version');
    expect(problem.message).toMatch(
      /has format version 3, and this gateway supports versions up to [12]: run the version/,
    );
  },
);

test('files of others are left alone', async () => {
  const path = await storeWith({ snapshots: false });
  const others = ['notes.txt', 'journal-1.log', 'snapshot-abc.snap', 'journal-00000000000000000001.log.bak'];
  for (const name of others) writeFileSync(join(path, name), 'mine');
  const leftovers = [
    'journal-next-7.tmp',
    'journal-next-0123456789abcdef-1.tmp',
    'snapshot-00000000000000000041.snap.tmp',
    'snapshot-00000000000000000041.snap.0123456789abcdef.tmp',
  ];
  for (const name of leftovers) writeFileSync(join(path, name), 'half');
  expect((await contentsOf(path, small)).records.size).toBe(40);
  expect(readdirSync(path)).toEqual(expect.arrayContaining(others));
  expect(readdirSync(path).filter((name) => leftovers.includes(name))).toEqual([]);
});

function newerVersion(file: string): Buffer {
  const bytes = readFileSync(file);
  bytes.writeUInt32LE(3, 8);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 36)), 36);
  return bytes;
}
