/** What every journal promises. Those that keep things are also asked for them after a restart. */
import { describe, expect, onTestFinished, test } from 'vitest';

import { openFileJournal } from '../../src/journal/file-journal.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { memoryJournal } from '../../src/journal/memory.ts';
import { append, optionsFor, partsOf, recoverContents, temporaryFolder } from './helpers.ts';

interface Kind {
  readonly name: string;
  readonly persistent: boolean;
  /** Opens the same store each time. */
  readonly store: () => () => Promise<Journal>;
}

const kinds: readonly Kind[] = [
  {
    name: 'memory, kept over no restart',
    persistent: false,
    store: () => async () => memoryJournal(),
  },
  {
    name: 'files, safe once synced',
    persistent: true,
    store: () => {
      const path = temporaryFolder();
      return () => openFileJournal(optionsFor(path));
    },
  },
  {
    name: 'files, synced now and then',
    persistent: true,
    store: () => {
      const path = temporaryFolder();
      return () => openFileJournal(optionsFor(path, { sync: 'interval' }));
    },
  },
];

describe.each(kinds)('$name', ({ persistent, store }) => {
  async function opened(): Promise<Journal> {
    const journal = await store()();
    onTestFinished(() => journal.close());
    await recoverContents(journal);
    return journal;
  }

  test('a new one is empty', async () => {
    const journal = await store()();
    onTestFinished(() => journal.close());
    const { snapshot, records, recovered } = await recoverContents(journal);
    expect(snapshot).toBeUndefined();
    expect(records.size).toBe(0);
    expect(recovered).toEqual({ snapshotLogIndex: 0, records: 0, lost: [] });
    expect(journal.logIndex).toBe(0);
    expect(journal.committedLogIndex).toBe(0);
  });

  test('records get the next places, and become safe', async () => {
    const journal = await opened();
    expect(await append(journal, 'one')).toBe(1);
    expect(journal.append(Buffer.from('two'))).toBe(2);
    expect(journal.logIndex).toBe(2);
    await journal.whenCommitted(1);
    await journal.whenCommitted(2);
    expect(journal.committedLogIndex).toBe(2);
    await journal.whenCommitted(0);
    expect(journal.stats()).toMatchObject({ waitingRecords: 0, waitingBytes: 0 });
  });

  test('those who wait are told in any order they asked', async () => {
    const journal = await opened();
    const logIndexes: number[] = [];
    for (let i = 0; i < 50; i += 1) logIndexes.push(await append(journal, `record ${i}`));
    await Promise.all(logIndexes.toReversed().map((logIndex) => journal.whenCommitted(logIndex)));
    expect(journal.committedLogIndex).toBe(50);
  });

  test('a record may be empty', async () => {
    const journal = await opened();
    await journal.whenCommitted(await append(journal, ''));
    expect(journal.committedLogIndex).toBe(1);
  });

  test('the bytes may change after the append', async () => {
    const open = store();
    const journal = await open();
    await recoverContents(journal);
    await journal.waitForSpace(3);
    const bytes = Buffer.from('old');
    journal.append(bytes);
    bytes.write('new');
    await journal.close();
    if (!persistent) return;
    const again = await open();
    onTestFinished(() => again.close());
    expect([...(await recoverContents(again)).records.values()]).toEqual(['old']);
  });

  test('a snapshot says where it is and how long', async () => {
    const journal = await opened();
    await append(journal, 'one');
    const info = await journal.snapshot(1, partsOf('a', '', 'bcd'));
    expect(info.logIndex).toBe(1);
    expect(info.bytes).toBeGreaterThanOrEqual(4);
  });

  test('closing waits for what was appended', async () => {
    const journal = await opened();
    const logIndex = await append(journal, 'one');
    const safe = journal.whenCommitted(logIndex);
    await journal.close();
    await safe;
  });

  test.runIf(persistent)('a restart gives back the records', async () => {
    const open = store();
    const first = await open();
    await recoverContents(first);
    for (const record of ['one', 'two', '', 'x'.repeat(3_000_000)]) await append(first, record);
    await first.close();
    const second = await open();
    const contents = await recoverContents(second);
    expect(contents.recovered).toEqual({ snapshotLogIndex: 0, records: 4, lost: [] });
    expect([...contents.records]).toEqual([
      [1, 'one'],
      [2, 'two'],
      [3, ''],
      [4, 'x'.repeat(3_000_000)],
    ]);
    expect(second.committedLogIndex).toBe(4);
    expect(await append(second, 'five')).toBe(5);
    await second.close();
    const third = await open();
    onTestFinished(() => third.close());
    expect((await recoverContents(third)).records.get(5)).toBe('five');
  });

  test.runIf(persistent)(
    'a restart gives back the snapshot, part for part, and the records after it',
    async () => {
      const open = store();
      const first = await open();
      await recoverContents(first);
      for (const record of ['one', 'two', 'three']) await append(first, record);
      const long = 'long '.repeat(200_000);
      await first.snapshot(2, partsOf('part', '', long));
      await append(first, 'four');
      await first.close();
      const second = await open();
      onTestFinished(() => second.close());
      const { snapshot, records, recovered } = await recoverContents(second);
      expect(snapshot).toEqual({ logIndex: 2, parts: ['part', '', long] });
      expect([...records]).toEqual([
        [3, 'three'],
        [4, 'four'],
      ]);
      expect(recovered).toEqual({ snapshotLogIndex: 2, records: 2, lost: [] });
      expect(second.logIndex).toBe(4);
    },
  );

  test('a snapshot whose parts fail is none', async () => {
    const open = store();
    const journal = await open();
    await recoverContents(journal);
    await append(journal, 'one');
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield* partsOf('part');
      throw new Error('no more parts');
    }
    await expect(journal.snapshot(1, failing())).rejects.toThrow('no more parts');
    await journal.close();
    if (!persistent) return;
    const again = await open();
    onTestFinished(() => again.close());
    const { snapshot, records } = await recoverContents(again);
    expect(snapshot).toBeUndefined();
    expect(records.get(1)).toBe('one');
  });
});
