import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { ByteTable } from '../../src/primitives/byte-table.ts';
import { viewOf } from '../../src/primitives/bytes.ts';

const MIB = 2 ** 20;

class Texts {
  readonly table: ByteTable;
  readonly entries = new Map<string, number>();
  #made = 0;

  constructor(arenaBytesMax?: number) {
    this.table = new ByteTable(7, arenaBytesMax);
  }

  add(length: number): string {
    this.#made += 1;
    const text = `${this.#made}`.padEnd(length, 'abcdefgh');
    const { bytes, hash } = this.#hashed(text);
    this.entries.set(text, this.table.insert(viewOf(bytes), 0, bytes.length, hash));
    return text;
  }

  find(text: string): number {
    const { bytes, hash } = this.#hashed(text);
    return this.table.find(viewOf(bytes), 0, bytes.length, hash);
  }

  drop(text: string): void {
    const entry = this.entries.get(text)!;
    this.table.remove(entry);
    this.table.release(entry);
    this.entries.delete(text);
  }

  /** All texts as the table has them, by entry. */
  check(): void {
    for (const [text, entry] of this.entries) {
      if (this.find(text) !== entry || this.table.textOf(entry) !== text)
        throw new Error(`the table has lost ${text.slice(0, 40)}`);
    }
  }

  #hashed(text: string) {
    const bytes = Buffer.from(text);
    return { bytes, hash: this.table.hash(viewOf(bytes), 0, bytes.length) };
  }
}

describe('addresses', () => {
  test('a table whose addresses are used up says so, and overwrites nothing', () => {
    const texts = new Texts(8192);
    for (let i = 0; i < 8; i += 1) texts.add(1000);
    expect(() => texts.add(1000)).toThrow('BUG: 1004 more bytes of keys have no address');
    for (const text of texts.entries.keys()) {
      if (texts.entries.get(text)! < 8) expect(texts.table.textOf(texts.entries.get(text)!)).toBe(text);
    }
  });

  test('a key is not longer than its length can say', () => {
    const texts = new Texts();
    texts.add(65_535);
    texts.check();
    expect(() => texts.add(65_536)).toThrow('BUG: a key of 65536 bytes');
  });
});

describe('bytes that are given back', () => {
  test('are used again by texts of any length: ten times, all of one length go and all of another come', () => {
    const texts = new Texts();
    let most = 0;
    for (const length of [100, 3000, 260, 700, 150, 9000, 80, 350, 120, 4000]) {
      const gone = [...texts.entries.keys()];
      for (let kept = 0; kept < 5 * MIB; kept += length + 4) texts.add(length);
      for (const text of gone) texts.drop(text);
      most = Math.max(most, texts.table.heldBytes - texts.table.capacity * 20);
    }
    texts.check();
    // Both lengths are there for a while.
    expect(most).toBeLessThan(1.5 * 10.5 * MIB);
  });

  test('come back although a text of each chunk stays', () => {
    const texts = new Texts();
    const all = Array.from({ length: 60_000 }, () => texts.add(200));
    const before = texts.table.heldBytes;
    for (const [i, text] of all.entries()) if (i % 50 !== 0) texts.drop(text);
    for (let i = 0; i < 8; i += 1) texts.table.compact(MIB);
    texts.check();
    expect(before).toBeGreaterThan(12 * MIB);
    expect(texts.table.heldBytes).toBeLessThan(5 * MIB);
  });

  test('stay at about what is alive under steady change of lengths', () => {
    const texts = new Texts();
    const alive: string[] = [];
    let state = 12_345;
    const random = (most: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return (state >>> 8) % most;
    };
    for (let i = 0; i < 100_000; i += 1) {
      if (alive.length >= 10_000) {
        const at = random(alive.length);
        texts.drop(alive[at]!);
        alive[at] = texts.add(20 + random(1000));
      } else {
        alive.push(texts.add(20 + random(1000)));
      }
    }
    texts.check();
    expect(texts.table.textBytes).toBeGreaterThan(5 * MIB);
    expect(texts.table.heldBytes).toBeLessThan(1.5 * texts.table.textBytes + 3 * MIB);
  });

  test('of a removed key stay readable until it is released, wherever they are moved', () => {
    const texts = new Texts();
    const all = Array.from({ length: 30_000 }, () => texts.add(200));
    const kept = all.filter((_, i) => i % 100 === 0).map((text) => [text, texts.entries.get(text)!] as const);
    for (const [, entry] of kept) texts.table.remove(entry);
    for (const [i, text] of all.entries()) if (i % 100 !== 0) texts.drop(text);
    for (let i = 0; i < 8; i += 1) texts.table.compact(MIB);
    expect(texts.table.heldBytes).toBeLessThan(5 * MIB);
    expect(texts.table.removedBytes).toBe(kept.length * 204);
    for (const [text, entry] of kept) expect(texts.table.textOf(entry)).toBe(text);
    for (const [, entry] of kept) texts.table.release(entry);
    expect([texts.table.removedBytes, texts.table.textBytes]).toEqual([0, 0]);
  });
});

test('a released number is no key, however it is asked for', () => {
  const texts = new Texts();
  const text = texts.add(12);
  const bytes = viewOf(Buffer.from(text));
  expect(texts.table.matchLength(0, bytes, 0, 12)).toBe(12);
  texts.drop(text);
  expect(texts.table.matchLength(0, bytes, 0, 12)).toBe(-1);
  expect(texts.table.isInTwo(0, bytes, 4, bytes, 4, 12)).toBe(false);
});

test('numbers and bytes counted do not depend on where texts lie', () => {
  const change = fc.record({ add: fc.boolean(), length: fc.nat(2000), which: fc.nat(), moved: fc.nat(4000) });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 300 }), (changes) => {
      const moving = new Texts();
      const still = new Texts();
      for (const { add, length, which, moved } of changes) {
        const all = [...moving.entries.keys()];
        for (const texts of [moving, still]) {
          if (add || all.length === 0) texts.add(length);
          else texts.drop(all[which % all.length]!);
        }
        moving.table.compact(moved);
      }
      moving.check();
      expect([...moving.entries]).toEqual([...still.entries]);
      expect(moving.table.textBytes).toBe(still.table.textBytes);
      const counted = [...moving.entries.keys()].reduce(
        (sum, text) => sum + 4 + Math.ceil(text.length / 4) * 4,
        0,
      );
      expect(moving.table.textBytes).toBe(counted);
    }),
  );
});
