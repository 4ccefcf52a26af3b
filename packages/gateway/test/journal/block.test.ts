/** The codec of blocks, and the analysis of what a crash or damage leaves of them. */
import fc from 'fast-check';
import { expect, test } from 'vitest';

import {
  BlockBuffer,
  findBlock,
  isSeal,
  mayBeTorn,
  readBlock,
  recordsOf,
  sealOf,
  type Block,
} from '../../src/journal/block.ts';
import { readHeader, StoreId, writeSegmentHeader } from '../../src/journal/format.ts';
import { runs } from '../support/runs.ts';

const store = new StoreId();
const format = { store, version: 2 };

function blocksIn(bytes: Buffer): Block[] {
  const blocks: Block[] = [];
  for (let at = 0; at < bytes.length;) {
    const block = readBlock(bytes, at, format);
    if (typeof block === 'string') throw new Error(block);
    blocks.push(block);
    at = block.end;
  }
  return blocks;
}

function written(
  records: readonly Uint8Array[],
  first: number,
  safe: number,
  buffer = new BlockBuffer(store),
): Buffer {
  for (const [i, record] of records.entries()) {
    const bound = buffer.lengthWith(record.length);
    buffer.add(record, first + i, safe);
    expect(buffer.length).toBeLessThanOrEqual(bound);
  }
  const bytes = Buffer.from(buffer.finish(safe));
  buffer.clear();
  return bytes;
}

const record = fc.oneof(
  { weight: 10, arbitrary: fc.uint8Array({ maxLength: 100 }) },
  { weight: 1, arbitrary: fc.nat(400_000).map((length) => new Uint8Array(length).fill(length)) },
);
const logIndexes = fc.oneof(
  fc.nat(),
  fc.maxSafeInteger().map((n) => Math.floor(Math.abs(n) / 2)),
);

test('records come back as they were, in blocks that follow each other', () => {
  // One buffer for all, as in use.
  const buffer = new BlockBuffer(store);
  fc.assert(
    fc.property(
      fc.array(record, { minLength: 1, maxLength: 40 }),
      logIndexes,
      logIndexes,
      (records, first, safe) => {
        const bytes = written(records, first, safe, buffer);
        const blocks = blocksIn(bytes);
        let next = first;
        for (const block of blocks) {
          expect(block.first).toBe(next);
          expect(block.safe).toBe(safe);
          next += block.records;
        }
        const found = blocks.flatMap((block) => [...recordsOf(bytes, block)]);
        expect(found.length).toBe(records.length);
        expect(found.every((bytes, i) => Buffer.from(records[i] ?? []).equals(bytes))).toBe(true);
      },
    ),
    { numRuns: runs(200) },
  );
});

test('what waits long is several blocks', () => {
  const records = Array.from({ length: 30 }, () => Buffer.alloc(100_000, 1));
  const blocks = blocksIn(written(records, 1, 0));
  expect(blocks.length).toBeGreaterThan(1);
  expect(blocks.reduce((sum, block) => sum + block.records, 0)).toBe(30);
});

test('any changed byte is noticed', () => {
  const bytes = written([Buffer.from('one'), Buffer.from(''), Buffer.from('three')], 7, 6);
  for (let at = 0; at < bytes.length; at += 1) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 0x10;
    expect(typeof readBlock(changed, 0, format), `byte ${at}`).toBe('string');
  }
});

test('any missing end is noticed', () => {
  const bytes = written([Buffer.from('one'), Buffer.from('two')], 7, 6);
  for (let end = 0; end < bytes.length; end += 1) {
    expect(typeof readBlock(bytes.subarray(0, end), 0, format), `${end} bytes`).toBe('string');
  }
});

test('a block is found behind others and behind anything else', () => {
  const one = written([Buffer.from('one')], 1, 0);
  const two = written([Buffer.from('two')], 2, 1);
  const bytes = Buffer.concat([one, store.mark, Buffer.from('noise'), store.mark, two]);
  expect(findBlock(bytes, 1, format)).toMatchObject({ first: 2, end: bytes.length });
  expect(findBlock(bytes, bytes.length - two.length + 1, format)).toBeUndefined();
});

test('blocks of another store are none, also as the bytes of a record', () => {
  const foreign = Buffer.from(new BlockBuffer(new StoreId()).finish(0));
  const other = new BlockBuffer(new StoreId());
  other.add(Buffer.from('pushed'), 3, 2);
  const bytes = written([Buffer.concat([foreign, other.finish(2)])], 1, 0);
  expect(findBlock(bytes, 1, format)).toBeUndefined();
});

test('a header says what it was given, and any changed byte of it is noticed', () => {
  const logIndex = 2 ** 40 + 5;
  const bytes = writeSegmentHeader(store, { logIndex, allocated: 2 ** 33, writer: '0123456789abcdef' });
  const header = readHeader('segment', bytes);
  expect(header).toMatchObject({ version: 2, logIndex, allocated: 2 ** 33 });
  expect(typeof readHeader('snapshot', bytes)).toBe('string');
  for (let at = 0; at < 60; at += 1) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(typeof readHeader('segment', changed), `byte ${at}`).toBe('string');
  }
});

test('a seal ends a segment, and is no record', () => {
  const bytes = Buffer.from(sealOf(store, 8, 7));
  const block = readBlock(bytes, 0, format);
  if (typeof block === 'string') throw new Error(block);
  expect(block).toMatchObject({ first: 8, records: 0, safe: 7, end: 64 });
  expect(isSeal(block, format)).toBe(true);
  expect([...recordsOf(bytes, block)]).toEqual([]);
});

/** A block of 300 to 3 000 bytes, somewhere in a file of zeros. */
const placed = fc.record({
  at: fc.nat(20).map((n) => 64 + 64 * n),
  bytes: fc.integer({ min: 300, max: 3000 }),
});

test('what a crash kept from the disk is told from what was changed there later', () => {
  fc.assert(
    fc.property(placed, fc.nat(), fc.nat(), ({ at, bytes: length }, where, which) => {
      const block = written([Buffer.alloc(length, 'x')], 1, 0);
      const whole = Buffer.alloc(8192);
      whole.set(block, at);
      const end = at + block.length;
      // Any byte of it changed.
      const changed = Buffer.from(whole);
      const spoilt = at + (where % block.length);
      changed[spoilt] = (changed[spoilt] ?? 0) ^ (1 << (which % 8));
      expect(typeof readBlock(changed, at, format)).toBe('string');
      expect(mayBeTorn(changed, at, format)).toBe(false);
      // Any of its sectors as it was before.
      const sectors = Math.ceil(end / 512) - Math.floor(at / 512);
      const sector = (Math.floor(at / 512) + (which % sectors)) * 512;
      const torn = Buffer.from(whole).fill(0, Math.max(at, sector), Math.min(end, sector + 512));
      expect(typeof readBlock(torn, at, format)).toBe('string');
      expect(mayBeTorn(torn, at, format)).toBe(true);
    }),
  );
});
