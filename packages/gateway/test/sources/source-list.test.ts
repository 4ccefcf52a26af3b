import fc from 'fast-check';
import { expect, test } from 'vitest';

import { Ring, SourceList } from '../../src/sources/source-list.ts';

/** From the oldest to the newest. */
function sourcesOf(list: SourceList, ring: Ring): number[] {
  const sources: number[] = [];
  for (let source = list.newest(ring); source >= 0; source = list.olderThan(source)) sources.unshift(source);
  return sources;
}

test('long keys and keys beyond ASCII are told apart', () => {
  const list = new SourceList(1);
  const long = 'x'.repeat(100_000);
  const keys = ['[]', 'ä', 'a\u0308', long, `${long}y`, '\u{1f600}'.repeat(512), '\uffff'.repeat(1024)];
  const sources = keys.map((key) => list.touch(key, 0));
  expect(new Set(sources).size).toBe(keys.length);
  expect(keys.map((key) => list.find(key))).toEqual(sources);
  expect(list.find(`${long}z`)).toBe(-1);
});

test('the number of a source that is gone is used again', () => {
  const list = new SourceList(1);
  let highest = 0;
  for (let i = 0; i < 50_000; i += 1) {
    highest = Math.max(highest, list.touch(`source ${i}`, i));
    if (i >= 100) list.remove(list.oldest(Ring.LIVE));
  }
  expect(list.sizeOf(Ring.LIVE)).toBe(100);
  expect(highest).toBeLessThan(2000);
});

const key = fc.nat(30).map((n) => `k${n}`);
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ touch: key }) },
  { weight: 1, arbitrary: fc.record({ prune: key }) },
  { weight: 1, arbitrary: fc.record({ remove: key }) },
);

test('keys, times and both orders are those of two maps', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
      const list = new SourceList(7);
      const live = new Map<string, number>();
      const pruned = new Map<string, number>();
      for (const [time, each] of steps.entries()) {
        if ('touch' in each) {
          live.delete(each.touch);
          pruned.delete(each.touch);
          live.set(each.touch, time);
          list.touch(each.touch, time);
        } else if ('prune' in each) {
          const lastPushMs = live.get(each.prune);
          if (lastPushMs === undefined) continue;
          live.delete(each.prune);
          pruned.set(each.prune, lastPushMs);
          list.prune(list.find(each.prune));
        } else if (live.delete(each.remove) || pruned.delete(each.remove)) {
          list.remove(list.find(each.remove));
        } else {
          expect(list.find(each.remove)).toBe(-1);
        }
      }
      for (const [ring, model] of [
        [Ring.LIVE, live],
        [Ring.PRUNED, pruned],
      ] as const) {
        const sources = sourcesOf(list, ring);
        expect(sources).toEqual([...model.keys()].map((known) => list.find(known)));
        expect(sources.map((source) => list.lastPushMs(source))).toEqual([...model.values()]);
        expect(list.oldest(ring)).toBe(sources[0] ?? -1);
        expect(list.sizeOf(ring)).toBe(model.size);
      }
    }),
  );
});
