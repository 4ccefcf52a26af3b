import { expect, test } from 'vitest';

import { Turns } from '../../src/http/bodies/turns.ts';
import type { TurnBounds } from '../../src/http/bodies/turns.ts';

function setUp(bounds: Partial<TurnBounds> = {}) {
  const asked: (() => void)[] = [];
  let timeMs = 0;
  const spend = (ms: number): void => {
    timeMs += ms;
  };
  const turns = new Turns({
    turnMs: 100,
    now: () => timeMs,
    nextTurn: (callback) => asked.push(callback),
    ...bounds,
  });
  const done: string[] = [];
  const ask = (name: string, ms: number): Promise<string> =>
    Promise.resolve(
      turns.run(name[0]!, () => {
        spend(ms);
        done.push(name);
        return name;
      }),
    );
  /** Names of what was done in the next turn. */
  const next = (): string[] => {
    done.length = 0;
    for (const callback of asked.splice(0)) callback();
    return [...done];
  };
  return { turns, done, ask, next, spend };
}

test('work is done at once while there is room, in later turns then, and no turn does more than one piece too much', async () => {
  const { turns, done, ask, next } = setUp();
  const results = ['a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7'].map((name) => ask(name, 40));
  expect([...done]).toEqual(['a1', 'a2', 'a3']);
  expect([next(), next(), next()]).toEqual([['a4', 'a5', 'a6'], ['a7'], []]);
  expect([await Promise.all(results), turns.waiting]).toEqual([
    ['a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7'],
    0,
  ]);
});

test('a sender of much work does not hold up another', () => {
  const { ask, next } = setUp();
  for (let i = 0; i < 50; i += 1) void ask('a', 100);
  void ask('b', 1);
  expect([next(), next()]).toEqual([['a'], ['b', 'a']]);
});

test('work that fails is paid for, and its error goes to who asked', async () => {
  const { turns, ask, next, spend } = setUp();
  void ask('a', 100);
  const failing = turns.run('a', () => {
    spend(100);
    throw new Error('no');
  });
  void ask('a', 1);
  expect(next()).toEqual([]);
  await expect(failing).rejects.toThrow('no');
  expect(next()).toEqual(['a']);
});

test('what waits is bounded', async () => {
  const { turns, ask, next } = setUp({ waitingMax: 2 });
  const results = ['a1', 'a2', 'a3', 'b1'].map((name) => ask(name, 100).catch((error: Error) => error));
  expect(turns.waiting).toBe(2);
  next();
  next();
  expect(await Promise.all(results)).toEqual([
    'a1',
    'a2',
    expect.objectContaining({ code: 'overloaded' }),
    'b1',
  ]);
});
