import fc from 'fast-check';
import { expect, test } from 'vitest';

import {
  BlockWriter,
  hashOf,
  noHash,
  payloadBytesMax,
  readBlock,
  recordsOf,
  writeBeat,
  writeLeader,
  writePart,
} from '../../src/cluster/log/block.ts';
import type { BlockHead, BlockKind } from '../../src/cluster/log/block.ts';
import { Chain } from '../../src/cluster/log/chain.ts';
import { ByteReader, ByteWriter } from '../../src/primitives/byte-writer.ts';
import { runs } from '../support/runs.ts';

const log = new Uint8Array(16).fill(1);
const writer = new Uint8Array(8).fill(2);
const leader = { cluster: 'c', url: 'http://a' };

/** Writes blocks that follow each other, or do not. */
class Written {
  readonly blocks: Uint8Array[] = [];
  #index = 0;

  add(kind: BlockKind, write: (payload: ByteWriter) => void, other: Partial<BlockHead> = {}): this {
    const last = this.blocks.at(-1);
    const head = {
      level: 1,
      kind,
      log,
      writer,
      term: 1,
      first: this.#index + 1,
      count: 0,
      before: last === undefined ? noHash : hashOf(last),
      ...other,
    };
    this.#index += head.count;
    const payload = new ByteWriter();
    write(payload);
    this.blocks.push(new BlockWriter().finish(head, payload));
    return this;
  }

  takeover(other: Partial<BlockHead> = {}, name = 'c'): this {
    return this.add('takeover', (payload) => writeLeader(payload, { ...leader, cluster: name }), other);
  }

  records(...records: readonly string[]): this {
    const write = (payload: ByteWriter): void => {
      for (const record of records) payload.text(record);
    };
    return this.add('records', write, { count: records.length });
  }

  part(text: string, isLast: boolean): this {
    return this.add('part', (payload) => writePart(payload, { isLast, bytes: Buffer.from(text) }), {
      count: isLast ? 1 : 0,
    });
  }

  /** What a member reads of it. */
  read(chain: Chain = new Chain(), from: number = chain.number): readonly string[] {
    return this.blocks
      .slice(from)
      .flatMap((bytes, i) => chain.take({ number: from + i + 1, bytes }).records)
      .map((record) => Buffer.from(record).toString());
  }
}

test('records are read as they were written', () => {
  const record = fc.uint8Array({ maxLength: 300 });
  fc.assert(
    fc.property(fc.array(record, { maxLength: 20 }), fc.nat(), fc.nat(), (records, term, first) => {
      const payload = new ByteWriter();
      for (const each of records) {
        payload.whole(each.length);
        payload.raw(each);
      }
      const head = {
        level: 1,
        kind: 'records',
        log,
        writer,
        term,
        first,
        count: records.length,
        before: noHash,
      } as const;
      const bytes = new BlockWriter().finish(head, payload);
      const block = readBlock(bytes);
      expect([...recordsOf(block)].map((each) => [...each])).toEqual(records.map((each) => [...each]));
      expect(block).toMatchObject({ kind: 'records', term, first, count: records.length });
    }),
    { numRuns: runs(300) },
  );
});

test('a part that fills a block leaves it no longer than it may be', () => {
  const bytesMax = 1000;
  const payload = new ByteWriter();
  writePart(payload, { isLast: true, bytes: new Uint8Array(payloadBytesMax(bytesMax) - 1) });
  const large = Number.MAX_SAFE_INTEGER;
  const numbers = { level: 1, term: large, first: large, count: 1 };
  const head = { ...numbers, kind: 'part', log, writer, before: noHash } as const;
  expect(new BlockWriter().finish(head, payload).length).toBeLessThanOrEqual(bytesMax);
});

test('a block of which any bit was changed, or any byte cut off, is refused', () => {
  const [block] = new Written().takeover().blocks;
  fc.assert(
    fc.property(fc.nat(block!.length * 8 - 1), (bit) => {
      const changed = Uint8Array.from(block!);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expect(() => readBlock(changed)).toThrow(/is not of this program|level|checksum/);
      expect(() => readBlock(block!.subarray(0, bit >> 3))).toThrow(/is not of this program|level|checksum/);
    }),
    { numRuns: runs(300) },
  );
});

test('a record in parts counts with the last of them', () => {
  const written = new Written().takeover().part('a', false).part('b', false).part('c', true).records('d');
  expect(written.read()).toEqual(['abc', 'd']);
});

test('parts of one that was overtaken are void', () => {
  const written = new Written().takeover().records('a').part('x', false).takeover({ term: 2 });
  written.add('part', (payload) => writePart(payload, { isLast: true, bytes: Buffer.from('b') }), {
    term: 2,
    count: 1,
  });
  expect(written.read()).toEqual(['a', 'b']);
});

test('who leads is known from a takeover on, and from a chain that was kept', () => {
  const chain = new Chain();
  const written = new Written().takeover().records('a', 'b');
  written.read(chain);
  expect(chain).toMatchObject({ leader, number: 2, index: 2, term: 1, isHandedOver: false });
  const kept = chain.copy();
  written.records('c').add('handover', () => undefined);
  expect(written.read(kept)).toEqual(['c']);
  expect(kept).toMatchObject({ leader, isHandedOver: true, index: 3 });
});

test('a beat tells the time', () => {
  const written = new Written()
    .takeover()
    .add('beat', (payload) => writeBeat(payload, { leader, ledgerMs: 5 }));
  const chain = new Chain();
  written.read(chain, 0);
  expect(chain.number).toBe(2);
  expect(new Chain().take({ number: 1, bytes: written.blocks[0]! }).ledgerMs).toBeUndefined();
});

const other = new Uint8Array(16).fill(9);
const cases: readonly [what: string, written: Written, message: string][] = [
  [
    'of another log',
    new Written().takeover().takeover({ term: 2, log: other }),
    'block 2 of the log is of another log',
  ],
  [
    'that does not follow',
    new Written().takeover().takeover({ term: 2, before: noHash }),
    'block 2 of the log does not follow block 1',
  ],
  [
    'whose records leave a hole',
    new Written().takeover().add('beat', () => {}, { first: 3 }),
    'begins with record 3, and the next one is 1',
  ],
  [
    'of another writer',
    new Written().takeover().add('beat', () => {}, { writer: other.subarray(0, 8) }),
    'is of a member that did not lead',
  ],
  [
    'of another term',
    new Written().takeover().add('beat', () => {}, { term: 2 }),
    'is of a member that did not lead',
  ],
  [
    'that takes over in an old term',
    new Written().takeover().takeover(),
    'is a takeover that does not begin a term',
  ],
  ['before anybody leads', new Written().add('beat', () => {}), 'is of a member that did not lead'],
];
test.each(cases)('a block %s is refused', (_what, written, message) => {
  expect(() => written.read()).toThrow(message);
});

test('a block that was left out is not gone over', () => {
  const written = new Written().takeover().records('a').records('b');
  const chain = new Chain();
  chain.take({ number: 1, bytes: written.blocks[0]! });
  expect(() => chain.take({ number: 3, bytes: written.blocks[2]! })).toThrow(
    'block 3 of the log follows block 1',
  );
});

test('one of a level to come says what to do', () => {
  const block = Uint8Array.from(new Written().takeover().blocks[0]!);
  block[4] = 2;
  expect(() => readBlock(block)).toThrow(
    'is of level 2, and this version reads levels up to 1: update this member',
  );
});

test('a chain is read as it was written', () => {
  const chain = new Chain();
  new Written().takeover().records('a').read(chain, 0);
  const bytes = new ByteWriter();
  chain.write(bytes);
  const read = Chain.read(new ByteReader(Uint8Array.from(bytes.bytes())));
  expect(read.copy()).toEqual(chain.copy());
  expect(read).toMatchObject({ number: 2, index: 1, term: 1, leader });
});
