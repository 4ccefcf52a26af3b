import fc from 'fast-check';
import { expect, test } from 'vitest';

import { IDENTITY_BYTES, IdempotencyKeys, UNHELD_IDENTITY_BYTES } from '../../src/store/idempotency-keys.ts';
import { ByteReader, ByteWriter } from '../../src/primitives/byte-writer.ts';
import { runs } from '../support/runs.ts';

/** The identity of a small number for the key, one for the request, and one for the holder. */
function identity(key: number, request: number, holder = 0): Uint8Array {
  const bytes = Buffer.alloc(IDENTITY_BYTES, 0xff);
  bytes.writeUInt32LE(key, 4);
  bytes.writeUInt32LE(request, UNHELD_IDENTITY_BYTES - 4);
  bytes.writeUInt32BE(holder, UNHELD_IDENTITY_BYTES);
  return bytes;
}

interface ModelKey {
  readonly request: number;
  readonly holder: number;
  readonly atMs: number;
}

/** What a key that comes drives out, as plainly as can be. Keys are in the order in which they came. */
class Model {
  readonly keys = new Map<number, ModelKey>();
  /** All that ever went. */
  readonly gone: ModelKey[] = [];
  evicted = 0;
  readonly #bounds: { readonly windowMs: number; readonly keysMax: number };

  constructor(bounds: { readonly windowMs: number; readonly keysMax: number }) {
    this.#bounds = bounds;
  }

  look(key: number, request: number, nowMs: number): string {
    const known = this.keys.get(key);
    if (known === undefined || known.atMs < nowMs - this.#bounds.windowMs) return 'unknown';
    return known.request === request ? 'same' : 'another';
  }

  add(key: number, added: ModelKey): void {
    const oldestMs = added.atMs - this.#bounds.windowMs;
    if ((this.keys.get(key)?.atMs ?? Number.NEGATIVE_INFINITY) >= oldestMs) return;
    for (const [known, { atMs }] of this.keys) if (atMs < oldestMs) this.#remove(known);
    if (this.keys.size >= this.#bounds.keysMax) {
      this.#remove(this.#oldestOfLargest());
      this.evicted += 1;
    }
    this.keys.set(key, added);
  }

  /** Whether a key of this holder has gone, or is over, that came at this time or later. */
  mayBeForgotten(holder: number, sinceMs: number, nowMs: number): boolean {
    return (
      sinceMs <= nowMs - this.#bounds.windowMs ||
      this.gone.some((key) => key.holder === holder && key.atMs >= sinceMs)
    );
  }

  #remove(key: number): void {
    this.gone.push(this.keys.get(key)!);
    this.keys.delete(key);
  }

  #oldestOfLargest(): number {
    const held = new Map<number, number[]>();
    for (const [key, { holder }] of this.keys) held.set(holder, [...(held.get(holder) ?? []), key]);
    const oldestMs = ([first]: readonly number[]): number => this.keys.get(first!)!.atMs;
    const ranked = [...held].toSorted(
      ([holderA, a], [holderB, b]) => b.length - a.length || oldestMs(a) - oldestMs(b) || holderA - holderB,
    );
    return ranked[0]![1][0]!;
  }
}

test('is a map that forgets the oldest keys of whoever holds the most, also after being kept and restored', () => {
  const step = fc.record({
    key: fc.nat(60),
    request: fc.nat(2),
    holder: fc.constantFrom(0, 0, 0, 1, 1, 2),
    waitMs: fc.constantFrom(0, 0, 1, 5),
  });
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 400, size: 'max' }),
      fc.integer({ min: 1, max: 15 }),
      (steps, keysMax) => {
        const bounds = { windowMs: 60, keysMax };
        let keys = new IdempotencyKeys(bounds, 7);
        keys.begin(-1);
        const model = new Model(bounds);
        let nowMs = 0;
        for (const [index, { key, request, holder, waitMs }] of steps.entries()) {
          nowMs += waitMs;
          expect(keys.look(identity(key, request, holder), nowMs)).toBe(model.look(key, request, nowMs));
          model.add(key, { request, holder, atMs: nowMs });
          keys.add(identity(key, request, holder), nowMs);
          expect([keys.size, keys.look(identity(key, request, holder), nowMs)]).toEqual([
            model.keys.size,
            model.look(key, request, nowMs),
          ]);
          for (const ageMs of [0, 1, 5, 20, 59, 60]) {
            const sinceMs = nowMs - ageMs;
            if (sinceMs < 0) continue;
            expect(keys.mayBeForgotten(identity(key, request, holder), sinceMs, nowMs)).toBe(
              model.mayBeForgotten(holder, sinceMs, nowMs),
            );
          }
          if (index % 50 === 49) keys = restored(keys, 8);
        }
      },
    ),
    { numRuns: runs(200) },
  );
});

function restored(keys: IdempotencyKeys, hashSeed: number): IdempotencyKeys {
  const other = new IdempotencyKeys(keys.bounds, hashSeed);
  const head = new ByteWriter();
  keys.writeKept(head);
  other.restoreKept(new ByteReader(head.bytes()));
  const frozen = keys.freeze();
  for (const part of frozen.parts()) other.restore(part);
  frozen.close();
  return other;
}

const [someone, another] = [identity(1, 0, 1), identity(1, 0, 2)];

test('what was before it began may be forgotten, and nothing is known before it did', () => {
  const keys = new IdempotencyKeys({ windowMs: 100, keysMax: 10 }, 1);
  expect(keys.mayBeForgotten(someone, 1e9, 1e9)).toBe(true);
  keys.begin(50);
  keys.begin(90);
  expect([49, 50, 51].map((ms) => keys.mayBeForgotten(someone, ms, 60))).toEqual([true, true, false]);
  expect([59, 60, 61].map((ms) => keys.mayBeForgotten(someone, ms, 160))).toEqual([true, true, false]);
});

test('keys that have gone under another window stay forgotten', () => {
  const keys = new IdempotencyKeys({ windowMs: 10, keysMax: 10 }, 1);
  keys.begin(0);
  keys.add(someone, 100);
  keys.add(another, 120);
  keys.setBounds({ windowMs: 1000, keysMax: 10 });
  expect(keys.mayBeForgotten(someone, 100, 120)).toBe(true);
  expect(keys.mayBeForgotten(someone, 101, 120)).toBe(false);
  expect(keys.mayBeForgotten(another, 1, 120)).toBe(false);
});

test('what an earlier version kept without a holder may have been of anybody', () => {
  const keys = new IdempotencyKeys({ windowMs: 1000, keysMax: 10 }, 1);
  keys.begin(0);
  keys.add(identity(2, 0).subarray(0, UNHELD_IDENTITY_BYTES), 30);
  expect([30, 31].map((ms) => keys.mayBeForgotten(another, ms, 40))).toEqual([true, false]);
});

test("a flood of one holder's keys drives out its own", () => {
  const keys = new IdempotencyKeys({ windowMs: 1e9, keysMax: 100 }, 1);
  for (let key = 0; key < 10; key += 1) keys.add(identity(key, 0, 1), key);
  for (let key = 1_000; key < 11_000; key += 1) keys.add(identity(key, 0, 2), key);
  for (let key = 0; key < 10; key += 1) expect(keys.look(identity(key, 0, 1), 20_000)).toBe('same');
  expect(keys.size).toBe(100);
  expect(keys.evicted).toBe(10_000 + 10 - 100);
});

test('a snapshot is of one point in time, whatever comes and goes while it is read', () => {
  const keys = new IdempotencyKeys({ windowMs: 1e9, keysMax: 50 }, 1);
  for (let key = 0; key < 50; key += 1) keys.add(identity(key, key, key % 3), key);
  const frozen = keys.freeze();
  const parts = frozen.parts();
  for (let key = 50; key < 100; key += 1) keys.add(identity(key, key, key % 3), key);
  const other = new IdempotencyKeys(keys.bounds, 2);
  for (const part of parts) other.restore(part);
  frozen.close();
  for (let key = 0; key < 100; key += 1) {
    expect(other.look(identity(key, key), 100)).toBe(key < 50 ? 'same' : 'unknown');
    expect(keys.look(identity(key, key), 100)).toBe(key < 50 ? 'unknown' : 'same');
  }
  // And from there both go on in the same way.
  for (let key = 50; key < 150; key += 1) other.add(identity(key, key, key % 3), key);
  for (let key = 100; key < 150; key += 1) keys.add(identity(key, key, key % 3), key);
  for (let key = 0; key < 150; key += 1)
    expect(other.look(identity(key, key), 150)).toBe(keys.look(identity(key, key), 150));
  expect(restored(keys, 3).size).toBe(50);
});

test('many keys that are over, or too many, go a few at a time', () => {
  const keys = new IdempotencyKeys({ windowMs: 100, keysMax: 10_000 }, 1);
  for (let key = 0; key < 10_000; key += 1) keys.add(identity(key, 0), 0);
  keys.add(identity(20_000, 0), 1_000);
  expect(keys.size).toBeGreaterThan(9_900);
  expect(keys.look(identity(9_999, 0), 1_000)).toBe('unknown');
  keys.add(identity(9_999, 1), 1_000);
  expect(keys.look(identity(9_999, 1), 1_000)).toBe('same');
  keys.setBounds({ windowMs: 1e9, keysMax: 10 });
  for (let key = 30_000; key < 31_000; key += 1) keys.add(identity(key, 0, key), 2_000);
  expect(keys.size).toBe(10);
});

test('keys that earlier versions kept are read', () => {
  const part = Buffer.alloc(2 * (UNHELD_IDENTITY_BYTES + 8));
  for (const row of [0, 1]) {
    part.set(identity(row, row).subarray(0, UNHELD_IDENTITY_BYTES), row * (UNHELD_IDENTITY_BYTES + 8));
    part.writeDoubleLE(row, row * (UNHELD_IDENTITY_BYTES + 8) + UNHELD_IDENTITY_BYTES);
  }
  const keys = new IdempotencyKeys({ windowMs: 1e9, keysMax: 10 }, 1);
  keys.restore(part, false);
  expect([0, 1, 2].map((key) => keys.look(identity(key, key), 5))).toEqual(['same', 'same', 'unknown']);
  keys.add(identity(2, 2).subarray(0, UNHELD_IDENTITY_BYTES), 5);
  expect(keys.look(identity(2, 2), 5)).toBe('same');
});
