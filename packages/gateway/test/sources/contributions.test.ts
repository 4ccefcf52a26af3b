import fc from 'fast-check';
import { expect, test } from 'vitest';

import { contributionBytes, Contributions } from '../../src/sources/contributions.ts';
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
  return columnsOf(contributions);
}

type Open = Pick<Contributions, 'accumulators' | 'accumulatorsAt' | 'values' | 'valuesAt' | 'length'>;

function columnsOf({ accumulators, accumulatorsAt, values, valuesAt, length }: Open): Columns {
  return {
    accumulators: accumulators.slice(accumulatorsAt, accumulatorsAt + length),
    values: Float64Array.from(values.subarray(valuesAt, valuesAt + length)),
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

/** Columns as sources have them: runs of accumulators, start times behind them; values that fit into 32 bits, or one that does not. */
const columns = fc
  .record({
    runs: fc.array(fc.tuple(fc.nat(1000), fc.integer({ min: 1, max: 30 })), { maxLength: 8 }),
    values: fc.array(fc.oneof(fc.nat(), fc.constantFrom(0, 2 ** 32 - 1)), { minLength: 1, maxLength: 20 }),
    odd: fc.option(fc.constantFrom(2 ** 32, -1, 0.5, -0, Infinity)),
    starts: fc.nat(4),
  })
  .map(({ runs: wanted, values, odd, starts }): Columns => {
    const listed = wanted.flatMap(([first, count]) => Array.from({ length: count }, (_, i) => first + i));
    const accumulators = Int32Array.from([...listed, ...listed.slice(0, starts).map((each) => ~each)]);
    const own = Float64Array.from(accumulators, (_, i) => values[i % values.length]!);
    if (odd !== null && own.length > 0) own[own.length - 1] = odd;
    return { accumulators, values: own };
  });

test('whatever accumulators and values are, an owner has them, and a snapshot those of its time', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ owner: fc.nat(5), columns }), { minLength: 1, maxLength: 60 }),
      fc.nat(60),
      (steps, frozenAt) => {
        const contributions = new Contributions();
        const model = new Map<number, Columns>();
        let frozen = contributions.freeze();
        let then = new Map(model);
        for (const [time, { owner, columns: given }] of steps.entries()) {
          if (time === frozenAt) {
            frozen = contributions.freeze();
            then = new Map(model);
          }
          replace(contributions, owner, given);
          model.set(owner, given);
        }
        for (const [owner, given] of model) expect(read(contributions, owner)).toEqual(given);
        const seen = new Map<number, Columns>();
        for (const chunk of frozen) {
          for (const { owner, ...block } of chunk.blocks()) seen.set(owner, columnsOf(block));
          chunk.done();
        }
        expect(seen).toEqual(new Map([...then].filter(([, { values }]) => values.length > 0)));
      },
    ),
    { numRuns: runs(200) },
  );
});

test('a whole number of a series that follows the one before takes four bytes, and any number eight', () => {
  const lengthOfAll = 20_000 * 20;
  const bytesEach = (value: number): number => {
    const contributions = new Contributions();
    const accumulators = Int32Array.from({ length: 20 }, (_, i) => 7 + i);
    for (let owner = 0; owner < 20_000; owner += 1)
      replace(contributions, owner, { accumulators, values: new Float64Array(20).fill(value) });
    return contributions.bytes / lengthOfAll;
  };
  // 16 bytes for each owner, and what is left at the end of a chunk.
  expect(bytesEach(2 ** 32 - 1)).toBeLessThan(4 + 0.8 + 1.4);
  expect(bytesEach(0.5)).toBeLessThan(8 + 0.8 + 1.4);
});

test('what is counted is never less than what blocks take, and does not depend on how they are packed', () => {
  const contributions = new Contributions();
  let counted = 0;
  for (let owner = 0; owner < 300; owner += 1) {
    const length = owner * 10;
    counted += contributionBytes(length);
    replace(contributions, owner, made(owner, 0, length));
    expect(contributions.liveBytes).toBe(counted);
  }
  // A chunk that is not full.
  expect(contributions.bytes).toBeLessThan(counted + 512 * 1024);
  for (let owner = 0; owner < 300; owner += 1) replace(contributions, owner, none);
  expect(contributions.liveBytes).toBe(0);
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
