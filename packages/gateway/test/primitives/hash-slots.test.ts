import fc from 'fast-check';
import { expect, test } from 'vitest';

import { HashSlots } from '../../src/primitives/hash-slots.ts';
import { runs } from '../support/runs.ts';

/** Hashes that differ in the bits that choose the place, in those that choose the segment, in both or in none. */
const hash = fc.oneof(
  fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  fc.nat(7),
  fc.nat(15).map((bits) => bits * 2 ** 16),
  fc.nat(3).map((bits) => bits * 2 ** 30),
);
const change = fc.oneof(
  { weight: 5, arbitrary: fc.record({ add: hash }) },
  { weight: 2, arbitrary: fc.record({ remove: fc.nat() }) },
  { weight: 1, arbitrary: fc.constant({ clear: true as const }) },
);

function entriesOf(slots: HashSlots, hash: number): Set<number> {
  const segment = slots.segmentOf(hash);
  const entries = new Set<number>();
  for (let slot = hash & (segment.length - 1); segment[slot] !== 0; slot = (slot + 1) & (segment.length - 1))
    entries.add(segment[slot]! - 1);
  return entries;
}

test('an entry is found until it is removed, however segments were doubled and split', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 800, size: 'max' }), (changes) => {
      const slots = new HashSlots(64);
      const hashes = new Uint32Array(1000);
      const present = new Set<number>();
      let next = 0;
      for (const each of changes) {
        if ('add' in each) {
          hashes[next] = each.add;
          slots.add(next, each.add, hashes);
          present.add(next);
          next += 1;
        } else if ('clear' in each) {
          slots.clear(64);
          present.clear();
        } else {
          const entry = [...present][each.remove % Math.max(1, present.size)];
          if (entry === undefined) continue;
          slots.remove(entry, hashes);
          present.delete(entry);
          expect(entriesOf(slots, hashes[entry]!).has(entry)).toBe(false);
        }
      }
      for (const entry of present) expect(entriesOf(slots, hashes[entry]!).has(entry)).toBe(true);
    }),
    { numRuns: runs(200) },
  );
});

test('no segment grows past its bound, so that a new key places few others anew', () => {
  const slots = new HashSlots(256);
  const hashes = new Uint32Array(20_000);
  let longest = 0;
  for (let entry = 0; entry < hashes.length; entry += 1) {
    hashes[entry] = Math.imul(entry + 1, 0x9e3779b1) >>> 0;
    slots.add(entry, hashes[entry]!, hashes);
    longest = Math.max(longest, slots.segmentOf(hashes[entry]!).length);
  }
  expect(longest).toBe(256);
});
