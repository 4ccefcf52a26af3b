import { describe, expect, test } from 'vitest';

import { Ranking } from '../../src/primitives/ranking.ts';
import { expectSame } from '../support/expect-same.ts';
import { Random } from '../support/random.ts';

/** As the ranking should be. */
class Naive {
  readonly all: { readonly rank: number; readonly value: number }[] = [];

  add(rank: number, value: number): void {
    const at = this.all.findIndex((each) => each.rank > rank);
    this.all.splice(at < 0 ? this.all.length : at, 0, { rank, value });
  }

  remove(rank: number): void {
    this.all.splice(
      this.all.findIndex((each) => each.rank === rank),
      1,
    );
  }
}

describe.each([
  ['of few ranks, which repeat', false, 30],
  ['of many ranks', false, 1e9],
  ['with values', true, 1e9],
])('%s', (_, hasValues, ranks) => {
  test.each([3, 40, 3000])('the highest of up to %s is found whatever is taken out', (most) => {
    const random = new Random(most);
    const ranking = new Ranking({ hasValues });
    const naive = new Naive();
    for (let i = 0; i < 12_000; i += 1) {
      // It grows and shrinks in turns.
      const isFull = naive.all.length >= most || (i % 8000 > 4000 && random.chance(70));
      if (naive.all.length === 0 || !isFull) {
        const rank = random.below(ranks) - ranks / 2;
        const value = hasValues ? random.below(100) : rank;
        ranking.add(rank, value);
        naive.add(rank, value);
      } else if (random.chance(30)) {
        ranking.removeHighest();
        naive.all.pop();
      } else {
        const { rank } = random.pick(naive.all);
        ranking.remove(rank);
        naive.remove(rank);
      }
      expectSame(ranking.length, naive.all.length);
      if (naive.all.length === 0) continue;
      const { rank, value } = naive.all.at(-1)!;
      expectSame(ranking.highest, rank);
      // Of equal ranks any may be found.
      if (hasValues && naive.all.at(-2)?.rank !== rank) expectSame(ranking.highestValue, value);
    }
  });
});

test('infinities have their places', () => {
  const ranking = new Ranking({ hasValues: false });
  for (const rank of [1, Infinity, -Infinity, 0]) ranking.add(rank, rank);
  const taken = Array.from({ length: 4 }, () => {
    const { highest } = ranking;
    ranking.removeHighest();
    return highest;
  });
  expect(taken).toEqual([Infinity, 1, 0, -Infinity]);
});

test('ranks that only grow, each in the place of the oldest', () => {
  const ranking = new Ranking({ hasValues: true });
  for (let order = 0; order < 20_000; order += 1) {
    ranking.add(order, order * 2);
    if (order >= 1000) ranking.remove(order - 1000);
    expect(ranking.highestValue).toBe(order * 2);
  }
  expect(ranking.length).toBe(1000);
});

test('what is not there cannot be taken out', () => {
  const ranking = new Ranking({ hasValues: false });
  expect(() => ranking.remove(1)).toThrow('BUG');
  ranking.add(1, 1);
  ranking.removeHighest();
  expect(() => ranking.remove(1)).toThrow('BUG');
});
