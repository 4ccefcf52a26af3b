/** A crash cuts the last commit short, anywhere; what was safe before stays, and what comes after has room. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

import { inspectStore } from '../../src/journal/inspect.ts';
import { silentLog } from '../../src/primitives/log.ts';

import { append, appendEach, blocksOf, contentsOf, copyStore, nth, openStore } from './helpers.ts';
import { rememberingLog, segmentsIn, temporaryFolder } from './helpers.ts';

/** Small files make fast tests. */
const small = { bytesMax: 256 * 1024 } as const;

async function storeOf(...records: readonly string[]): Promise<string> {
  const path = temporaryFolder();
  const { journal } = await openStore(path, small);
  await appendEach(journal, records);
  // As a crash leaves it.
  return copyStore(path);
}

test('a store that nobody closed is whole', async () => {
  const path = await storeOf('one', 'two');
  const { log, lines } = rememberingLog();
  expect([...(await contentsOf(path, { ...small, log })).records.values()]).toEqual(['one', 'two']);
  expect(lines).toEqual([]);
});

const long = (text: string): string => text.padEnd(3000, '.');

test('the last block as a crash leaves it: any of its sectors is missing, or all from one on', async () => {
  const source = await storeOf('one', long('two'), long('three'));
  const { bytes, blocks } = blocksOf(source);
  const last = nth(blocks, -1);
  for (let sector = last.start - (last.start % 512); sector < last.end; sector += 512) {
    for (const end of [sector + 512, last.end]) {
      const path = copyStore(source);
      writeFileSync(nth(segmentsIn(path), 0), Buffer.from(bytes).fill(0, Math.max(last.start, sector), end));
      const { records, recovered } = await contentsOf(path, small);
      expect([...records.values()], `${sector} to ${end}`).toEqual(['one', long('two')]);
      expect(recovered.lost).toEqual([]);
    }
  }
});

test('the last block with any byte changed is damaged: a crash does not do that', async () => {
  const source = await storeOf('one', 'two');
  const { bytes, blocks } = blocksOf(source);
  const last = nth(blocks, -1);
  for (let at = last.start; at < last.end; at += 1) {
    const path = copyStore(source);
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 0xff;
    writeFileSync(nth(segmentsIn(path), 0), changed);
    await expect(contentsOf(path, small), `byte ${at}`).rejects.toMatchObject({ kind: 'corrupt' });
  }
});

test('what is torn is told, sealed off, and followed by new records', async () => {
  const path = await storeOf('one', long('two'));
  const { bytes, blocks } = blocksOf(path);
  const last = nth(blocks, -1);
  writeFileSync(nth(segmentsIn(path), 0), Buffer.from(bytes).fill(0, 1024, 1536));
  const { log, lines } = rememberingLog();
  const { journal, contents } = await openStore(path, { ...small, log });
  expect([...contents.records.values()]).toEqual(['one']);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatchObject({ level: 'warn' });
  expect(lines[0]?.text).toMatch(/incomplete commit.*offset=\d+ bytes=\d+/);
  expect(blocksOf(path).seal).toMatchObject({ start: last.start, first: 2 });
  expect(readFileSync(nth(segmentsIn(path), 0)).length).toBe(last.start + 64);
  expect(await append(journal, 'second two')).toBe(2);
  await journal.close();
  const again = await contentsOf(path, { ...small, log });
  expect([...again.records.values()]).toEqual(['one', 'second two']);
  expect(lines).toHaveLength(1);
});

test('a commit of several blocks, of which only the last reached the disk, is a torn one', async () => {
  const path = temporaryFolder();
  const { journal } = await openStore(path);
  await appendEach(journal, ['one']);
  const long = Array.from({ length: 4 }, (_, i) => `${i}`.repeat(600_000));
  await journal.waitForSpace(2_500_000);
  for (const record of long) journal.append(Buffer.from(record));
  await journal.whenCommitted(journal.logIndex);
  const crashed = copyStore(path);
  const segment = segmentsIn(crashed).at(-1) ?? '';
  const { bytes, blocks } = blocksOf(crashed, segment);
  const first = blocks.find((block) => block.records > 1);
  if (first === undefined || first === blocks.at(-1)) throw new Error('not several blocks');
  writeFileSync(segment, Buffer.from(bytes).fill(0, first.start, first.end));
  const { records } = await contentsOf(crashed);
  expect([...records.values()]).toEqual(['one']);
});

test('a store of the first version, as a crash has left it, goes on in the second', async () => {
  const source = fileURLToPath(new URL('../stores/1/data', import.meta.url));
  const whole = await contentsOf(copyStore(source), small);
  const bytes = readFileSync(nth(segmentsIn(source), 0));
  const { blocks } = blocksOf(source);
  const torn = bytes.subarray(nth(blocks, -1).start, nth(blocks, -1).end - 10);
  for (const rest of [Buffer.alloc(8192), Buffer.concat([torn, Buffer.alloc(4096)])]) {
    const path = copyStore(source);
    writeFileSync(nth(segmentsIn(path), 0), Buffer.concat([bytes, rest]));
    const { journal, contents } = await openStore(path, small);
    expect(contents.records).toEqual(whole.records);
    const logIndex = await append(journal, 'new');
    await journal.close();
    const again = await contentsOf(path, small);
    expect([...again.records]).toEqual([...whole.records, [logIndex, 'new']]);
    expect((await inspectStore(path, silentLog)).damages).toEqual([]);
  }
});
