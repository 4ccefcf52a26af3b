import fc from 'fast-check';
import { expect, test } from 'vitest';

import { Contributions } from '../../src/sources/contributions.ts';
import { Pace } from '../../src/primitives/pace.ts';
import { atOnce } from '../../src/primitives/turns.ts';
import { runs } from '../support/runs.ts';

interface Columns {
  readonly accumulators: Int32Array;
  readonly values: Float64Array;
}

const none: Columns = { accumulators: new Int32Array(0), values: new Float64Array(0) };

function replace(contributions: Contributions, owner: number, { accumulators, values }: Columns): void {
  atOnce(contributions.replace(owner, { accumulators, values, length: accumulators.length }, new Pace()));
}

function read(contributions: Contributions, owner: number): Columns {
  contributions.open(owner);
  const { accumulators, accumulatorsAt, values, valuesAt, length } = contributions;
  return {
    accumulators: accumulators.slice(accumulatorsAt, accumulatorsAt + length),
    values: values.slice(valuesAt, valuesAt + length),
  };
}

/** `length` entries that tell their owner and when they were given. */
function made(owner: number, time: number, length: number): Columns {
  const accumulators = Int32Array.from({ length }, (_, i) => owner * 10_000 + i);
  return { accumulators, values: Float64Array.from(accumulators, (accumulator) => time + accumulator / 8) };
}

/** Whether the owner has these columns; much faster than `toEqual`. */
function has(contributions: Contributions, owner: number, { accumulators, values }: Columns): boolean {
  const own = read(contributions, owner);
  return own.accumulators.join() === accumulators.join() && own.values.join() === values.join();
}

test('an owner who was never heard of has nothing', () => {
  const contributions = new Contributions();
  expect(read(contributions, 0)).toEqual(none);
  expect(read(contributions, 1_000_000)).toEqual(none);
  replace(contributions, 5, none);
  expect(read(contributions, 5)).toEqual(none);
  expect(contributions.bytes).toBe(0);
});

test('values written where they lie are read again', () => {
  const contributions = new Contributions();
  replace(contributions, 1, made(1, 0, 3));
  contributions.open(1);
  contributions.values[contributions.valuesAt + 2] = -7.5;
  expect(read(contributions, 1)).toEqual({
    accumulators: Int32Array.of(10_000, 10_001, 10_002),
    values: Float64Array.of(1250, 1250.125, -7.5),
  });
});

const length = fc.oneof(
  { weight: 6, arbitrary: fc.nat(40) },
  { weight: 2, arbitrary: fc.nat(2000) },
  // Around the length from which a block has a chunk of its own.
  { weight: 1, arbitrary: fc.integer({ min: 2700, max: 2760 }) },
);

test('each owner has what it was given last, whatever others do', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ owner: fc.integer({ min: 0, max: 120 }), length }), {
        minLength: 200,
        maxLength: 400,
        size: 'max',
      }),
      (steps) => {
        const contributions = new Contributions();
        const model = new Map<number, Columns>();
        for (const [time, step] of steps.entries()) {
          const entries = made(step.owner, time, step.length);
          replace(contributions, step.owner, entries);
          model.set(step.owner, entries);
          expect(contributions.length).toBe(step.length);
        }
        for (const [owner, entries] of model) expect(has(contributions, owner, entries)).toBe(true);
      },
    ),
    { numRuns: runs(20) },
  );
});

/** What the blocks would need alone, and the room for gaps that is promised, with what is left at the ends of chunks. */
function bytesMax(lengths: readonly number[]): number {
  const live = lengths.reduce((sum, each) => sum + 8 + 12 * each + 4, 0);
  return live * 1.4 + 4 * 512 * 1024;
}

test('all owners growing and shrinking together leave no more gaps than promised', () => {
  const contributions = new Contributions();
  const owners = 3000;
  for (const each of [1, 7, 20, 21, 60, 200, 199, 5, 33, 1]) {
    for (let owner = 0; owner < owners; owner += 1) replace(contributions, owner, made(owner, each, each));
    expect(contributions.bytes).toBeLessThan(bytesMax(Array.from({ length: owners }, () => each)));
  }
  for (let owner = 0; owner < owners; owner += 1)
    expect(has(contributions, owner, made(owner, 1, 1))).toBe(true);
  for (let owner = 0; owner < owners; owner += 1) replace(contributions, owner, none);
  expect(contributions.bytes).toBeLessThan(bytesMax([]));
});

test('owners that come, change and go for a long time leave no more gaps than promised', () => {
  const contributions = new Contributions();
  const lengths = Array.from({ length: 1500 }, () => 0);
  // A fixed course: any generator will do.
  let state = 12_345;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  for (let time = 0; time < 20_000; time += 1) {
    const owner = random(lengths.length);
    const next = [0, random(10), random(100), random(400), random(4000) % 3000][random(5)]!;
    lengths[owner] = next;
    replace(contributions, owner, made(owner, 0, next));
    if (time % 1000 === 0) expect(contributions.bytes).toBeLessThan(bytesMax(lengths));
  }
  for (const [owner, each] of lengths.entries())
    expect(has(contributions, owner, made(owner, 0, each))).toBe(true);
});
