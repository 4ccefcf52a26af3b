/**
 * What comes between a long push that has been read and its record: whatever turn it comes in, both count as if one had come after
 * the other.
 */
import { setImmediate } from 'node:timers/promises';
import { beforeEach, expect, test } from 'vitest';

import { plainText } from '../../src/model/exposition-format.ts';
import { bytes, double, family, labelFields, nativeFields, number } from '../support/protobuf.ts';
import { RestartingGateway } from '../support/restarting.ts';
import { triesAll } from '../support/runs.ts';
import { shortenSteps } from '../support/short-steps.ts';

/** Few, as each turn is tried with a gateway of its own; but longer than what is read in one turn. */
const ROWS = 1_200;
const PAD = 'x'.repeat(130);
/** They have the steps of so many times as many. */
const STEPS_TIMES = 20;
/** In the middle of reading. */
const FIRST_TURN = 10;
/** Nothing grows old, however often somebody looks at the clock. */
const clock = { now: () => 1_700_000_000_000, elapsed: () => 0 };

beforeEach(() => shortenSteps(STEPS_TIMES));

const fifth = `c{i="5",pad="${PAD}"}`;

function counters(value: number): string {
  const lines = Array.from({ length: ROWS }, (_, i) => `c{i="${i}",pad="${PAD}"} ${value}\n`);
  return `# TYPE c counter\n${lines.join('')}`;
}

/** Begins the long push, lets so many turns pass, and begins the other. False when the long one was done before. */
async function between(
  turns: number,
  long: () => Promise<unknown>,
  other: () => Promise<unknown>,
): Promise<readonly PromiseSettledResult<unknown>[] | undefined> {
  let isDone = false;
  const done = (): void => {
    isDone = true;
  };
  const first = long();
  first.then(done, done);
  for (let turn = 0; turn < turns && !isDone; turn += 1) await setImmediate();
  if (isDone) return undefined;
  return Promise.allSettled([first, other()]);
}

/** Turns from the middle of reading to the end; `step` leaves some out, every day. */
async function inTurns(step: number, attempt: (turns: number) => Promise<boolean>): Promise<void> {
  let attempts = 0;
  for (let turns = FIRST_TURN; await attempt(turns); turns += triesAll ? 1 : step) attempts += 1;
  expect(attempts).toBeGreaterThan(2);
}

function native(positive: readonly (readonly [gap: number, count: number])[]): Buffer {
  const count = positive.reduce((sum, [, each]) => sum + each, 0);
  const fields = nativeFields({ schema: 0, zeroThreshold: 0.001, zeroCount: 0, positive, negative: [] });
  const histogram = bytes(7, number(1, count), double(2, 1), ...fields);
  return family('h', { type: 'histogram' }, Buffer.concat([labelFields({}), histogram]));
}

test('a native bucket that a source takes back, and a restart', () =>
  inTurns(2, async (turns) => {
    const run = await RestartingGateway.start({ byJob: true, clock });
    await run.gateway.push(counters(1), { path: 'job/b' });
    await run.gateway.push(
      native([
        [0, 3],
        [0, 2],
      ]),
      { path: 'job/a', format: 'protobuf' },
    );
    const both = await between(
      turns,
      () => run.gateway.push(counters(2), { path: 'job/b' }),
      () => run.gateway.push(native([[0, 3]]), { path: 'job/a', format: 'protobuf' }),
    );
    const page = await run.page(plainText);
    await run.restart();
    expect(await run.page(plainText), `after ${turns} turns`).toBe(page);
    return both !== undefined;
  }));

test('another source that is merged in steps, where sources are near their limit', () => {
  const series = Array.from(
    { length: 200 },
    (_, i) => `h_bucket{i="${i}",le="+Inf"} 2\nh_sum{i="${i}"} 3\nh_count{i="${i}"} 2\n`,
  );
  const histograms = `# TYPE h histogram\n${series.join('')}`;
  return inTurns(2, async (turns) => {
    const limits = { sourceBytesTotalMax: 40_000 };
    const run = await RestartingGateway.start({ byJob: true, clock, limits });
    await run.gateway.push(counters(1), { path: 'job/a' });
    await run.gateway.push(counters(1) + histograms, { path: 'job/b' });
    const both = await between(
      turns,
      () => run.gateway.push(counters(2) + histograms, { path: 'job/b' }),
      () => run.gateway.push(`# TYPE c counter\n${fifth} 11\n`, { path: 'job/a' }),
    );
    const page = await run.page(plainText);
    const values = [...page.matchAll(/^c\{.*\} (\S+)$/gm)].map(([, value]) => Number(value));
    const sum = values.reduce((all, value) => all + value, 0);
    if (both !== undefined) expect(sum, `after ${turns} turns`).toBe(ROWS * 3 + 10);
    return both !== undefined;
  });
});

test('another push with the same idempotency key', () =>
  inTurns(1, async (turns) => {
    const run = await RestartingGateway.start({ clock });
    await run.gateway.push(counters(1));
    const both = await between(
      turns,
      () => run.gateway.push(counters(1), { idempotencyKey: 'k' }),
      () => run.gateway.push(`${fifth} 11\n`, { idempotencyKey: 'k' }),
    );
    const counted = both?.filter(({ status }) => status === 'fulfilled') ?? [];
    if (both !== undefined) expect(counted.length, `after ${turns} turns`).toBe(1);
    return both !== undefined;
  }));

test('the idempotency key of a retry comes and is evicted', () =>
  inTurns(1, async (turns) => {
    let elapsedMs = 0;
    const times = { ...clock, elapsed: () => elapsedMs };
    const run = await RestartingGateway.start({ clock: times, idempotencyKeysMax: 1 });
    elapsedMs = 60_000;
    await run.gateway.push(counters(1));
    const both = await between(
      turns,
      () => run.gateway.push(counters(1), { idempotencyKey: 'k', firstAttemptAgeMs: 1_000 }),
      async () => {
        await run.gateway.push(`${fifth} 11\n`, { idempotencyKey: 'k' });
        await run.gateway.push(`${fifth} 11\n`, { idempotencyKey: 'another' });
      },
    );
    if (both === undefined) return false;
    // The other one came too late, or the long one: never are both counted.
    const [isLong, isShort] = both.map(({ status }) => status === 'fulfilled');
    expect(isShort, `after ${turns} turns`).toBe(!isLong);
    const [long] = both;
    if (long?.status === 'rejected') expect(long.reason).toMatchObject({ code: 'idempotency_key_forgotten' });
    return true;
  }));

test('another source that has what a long push gives another type', () => {
  const gauges = counters(2).replace('counter', 'gauge');
  return inTurns(3, async (turns) => {
    const run = await RestartingGateway.start({ byJob: true, clock });
    await run.gateway.push(counters(1), { path: 'job/a', method: 'PUT' });
    const both = await between(
      turns,
      () => run.gateway.push(gauges, { path: 'job/a', method: 'PUT' }),
      () => run.gateway.push(`# TYPE c counter\n${fifth} 10\n`, { path: 'job/b' }),
    );
    const page = await run.page(plainText);
    if (both !== undefined) {
      const [isLong, isShort] = both.map(({ status }) => status === 'fulfilled');
      expect(isShort, `after ${turns} turns`).toBe(!isLong);
      expect(page).toContain(isLong === true ? `${fifth} 2\n` : `${fifth} 11\n`);
    }
    await run.restart();
    expect(await run.page(plainText), `after ${turns} turns`).toBe(page);
    return both !== undefined;
  });
});

test('two others at once, of which one brings the same series', () =>
  inTurns(2, async (turns) => {
    const run = await RestartingGateway.start({ clock });
    const both = await between(
      turns,
      () => run.gateway.push(counters(1)),
      () => Promise.all([run.gateway.push(`# TYPE c counter\n${fifth} 10\n`), run.gateway.push('z 1\n')]),
    );
    const page = await run.page(plainText);
    if (both !== undefined) expect(page, `after ${turns} turns`).toContain(`\n${fifth} 11\n`);
    expect(page.match(/^# TYPE c /gm)).toHaveLength(1);
    await run.restart();
    expect(await run.page(plainText), `after ${turns} turns`).toBe(page);
    return both !== undefined;
  }));

test.each([
  [-3, 5],
  [3, -5],
])(
  'a source that takes back part of an untyped total whose sign decided something (%d and %d)',
  (stays, goes) =>
    inTurns(2, async (turns) => {
      const run = await RestartingGateway.start({ byJob: true, clock });
      await run.gateway.push(counters(1), { path: 'job/a' });
      await run.gateway.push(`x ${stays}\n`, { path: 'job/b' });
      await run.gateway.push(`x ${goes}\n`, { path: 'job/c' });
      const both = await between(
        turns,
        () => run.gateway.push(`${counters(1)}# TYPE x counter\nx 1\n`, { path: 'job/a' }),
        () => run.gateway.delete('job/c'),
      );
      const page = await run.page(plainText);
      expect(page.match(/^x /gm), `after ${turns} turns`).toHaveLength(1);
      await run.restart();
      expect(await run.page(plainText), `after ${turns} turns`).toBe(page);
      return both !== undefined;
    }),
);
