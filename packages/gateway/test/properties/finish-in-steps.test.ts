/** What is done with a push in steps, after its last line, comes to the same as all of it at once. */
import fc from 'fast-check';
import { expect, test } from 'vitest';

import type { Batch } from '../../src/store/batch.ts';
import { PushBuilder } from '../../src/ingest/push-builder.ts';
import { PushCommand } from '../../src/wal/push-command.ts';
import { RecordWriter } from '../../src/wal/record.ts';
import { State } from '../../src/state/state.ts';
import { beginOpenMetrics } from '../../src/exposition/openmetrics/decode.ts';
import { decodeText } from '../../src/exposition/text/decode.ts';
import { defaultLimits } from '../../src/store/limits.ts';
import { PushProblem } from '../../src/model/errors.ts';
import { atOnce } from '../../src/primitives/turns.ts';
import { runs } from '../support/runs.ts';

const STEP_ROWS = 3;
const aggregation = { byJob: false, counterResets: 'overwrite', summaries: 'sum-and-count' } as const;
const origin = { source: '', method: 'POST', nowMs: 1, wallMs: 2 } as const;
const noBody = new Uint8Array(0);

interface Pushed {
  readonly isOpenMetrics: boolean;
  readonly body: string;
}

/** Lines of histograms with some that are missing, twice there, wrong or out of order; counters with start times; new families. */
const histogram = fc.record({
  id: fc.nat(5),
  bounds: fc.uniqueArray(fc.constantFrom('0.5', '1.0', '2.5', '10.0', '+Inf'), { minLength: 1 }),
  count: fc.option(fc.nat(6), { nil: undefined }),
  hasSum: fc.boolean(),
  isOrdered: fc.boolean(),
});

const pushed: fc.Arbitrary<Pushed> = fc
  .record({
    histograms: fc.array(histogram, { maxLength: 8 }),
    counters: fc.array(fc.record({ id: fc.nat(9), startFirst: fc.boolean() }), { maxLength: 6 }),
    families: fc.nat(6),
    isOpenMetrics: fc.boolean(),
    shuffle: fc.infiniteStream(fc.nat(1_000)),
  })
  .map(({ histograms, counters, families, isOpenMetrics, shuffle }) => {
    const samples = histograms.flatMap(({ id, bounds, count, hasSum, isOrdered }) => {
      const sorted = isOrdered
        ? bounds.toSorted(
            (a, b) =>
              Number.parseFloat(a.replace('+Inf', '1e9')) - Number.parseFloat(b.replace('+Inf', '1e9')),
          )
        : bounds;
      const buckets = sorted.map(
        (le) => `h_bucket{i="${id}",le="${le}"} ${['0.5', '1.0', '2.5', '10.0', '+Inf'].indexOf(le)}`,
      );
      const counts = count === undefined ? [] : [`h_count{i="${id}"} ${count}`];
      return [...buckets, ...counts, ...(hasSum ? [`h_sum{i="${id}"} 1`] : [])];
    });
    const mixed = isOpenMetrics
      ? samples
      : samples
          .map((line) => ({ line, at: shuffle.next().value }))
          .toSorted((a, b) => (a.at % 3) - (b.at % 3))
          .map(({ line }) => line);
    const counted = counters.flatMap(({ id, startFirst }) => {
      const lines = [`c_total{i="${id}"} 1`, `c_created{i="${id}"} ${id + 1}`];
      return startFirst && isOpenMetrics ? lines.toReversed() : isOpenMetrics ? lines : lines.slice(0, 1);
    });
    const named = Array.from({ length: families }, (_, i) => [`# TYPE f${i} gauge`, `f${i} 1`]).flat();
    const all = [
      '# TYPE h histogram',
      ...mixed,
      isOpenMetrics ? '# TYPE c counter' : '# TYPE c_total counter',
      ...counted,
      ...named,
      ...(isOpenMetrics ? ['# EOF'] : []),
    ];
    return { isOpenMetrics, body: `${all.join('\n')}\n` };
  });

function read(builder: PushBuilder, { isOpenMetrics, body }: Pushed): Buffer {
  const bytes = Buffer.from(body);
  builder.begin(bytes);
  if (!isOpenMetrics) decodeText(bytes, 0, bytes.length, builder);
  else {
    const decoder = beginOpenMetrics(bytes, builder, { strict: true });
    while (!decoder.advance(bytes.length));
  }
  return bytes;
}

/** What the push comes to: its numbers and its record; or what is wrong with it. */
function outcome(
  state: State,
  builder: PushBuilder,
  finish: () => void,
  write: (batch: Batch) => Uint8Array,
): unknown {
  try {
    finish();
  } catch (error) {
    if (!(error instanceof PushProblem)) throw error;
    return { code: error.code };
  }
  const { batch } = builder;
  return {
    entries: Array.from({ length: batch.length }, (_, i) => [
      batch.accumulators[i],
      batch.values[i],
      batch.offsets[i],
    ]).toSorted(([a], [b]) => a! - b!),
    starts: batch.starts,
    families: batch.families.map(({ name, type, sampled }) => [name, type, sampled]),
    turned: batch.turned,
    record: Buffer.from(write(batch)).toString('hex'),
    epoch: state.epoch,
  };
}

function counted<T>(steps: Generator<void, T>, count: { steps: number }): T {
  for (;;) {
    const step = steps.next();
    count.steps += 1;
    if (step.done === true) return step.value;
  }
}

test('a push finished and written in steps is the same push, and each step has few rows', () => {
  fc.assert(
    fc.property(fc.array(pushed, { minLength: 1, maxLength: 4 }), (pushes) => {
      const wholeState = new State(aggregation, defaultLimits, 1);
      const whole = new PushBuilder(wholeState);
      const steppedState = new State(aggregation, defaultLimits, 1, STEP_ROWS);
      const stepped = new PushBuilder(steppedState);
      for (const push of pushes) {
        let bytes: Buffer;
        try {
          bytes = read(whole, push);
        } catch (error) {
          if (!(error instanceof PushProblem)) throw error;
          expect(() => read(stepped, push)).toThrow(error.message);
          continue;
        }
        read(stepped, push);
        const count = { steps: 0 };
        const atOnceOutcome = outcome(
          wholeState,
          whole,
          () => whole.finish(),
          (batch) => new RecordWriter(wholeState).write(new PushCommand(batch, noBody, origin), origin),
        );
        const entries = stepped.batch.length;
        const inSteps = outcome(
          steppedState,
          stepped,
          () => counted(stepped.finishInSteps(), count),
          (batch) =>
            counted(
              new RecordWriter(steppedState).writeInSteps(new PushCommand(batch, noBody, origin), origin),
              count,
            ),
        );
        expect(inSteps).toEqual(atOnceOutcome);
        if ('code' in (inSteps as object)) continue;
        expect(atOnce(stepped.isCurrentInSteps())).toBe(true);
        // The record alone needs as many; settling histograms, twice as many more.
        expect(count.steps).toBeGreaterThanOrEqual(
          Math.floor(entries / STEP_ROWS) * (stepped.batch.grouped ? 3 : 1),
        );
        wholeState.apply(whole.batch, bytes, origin);
        steppedState.apply(stepped.batch, bytes, origin);
      }
    }),
    { numRuns: runs(500) },
  );
});

test('buckets out of order are sorted histogram by histogram', () => {
  const state = new State(aggregation, defaultLimits, 1, STEP_ROWS);
  const builder = new PushBuilder(state);
  const bounds = [0.5, 1, 2.5, 10, Number.POSITIVE_INFINITY];
  const le = (bound: number): string => (bound === Number.POSITIVE_INFINITY ? '+Inf' : String(bound));
  const lines = Array.from({ length: 40 }, (_, i) => i).flatMap((i) =>
    bounds.map((bound, at) => `h_bucket{i="${i}",le="${le(bound)}"} ${at + 1}\n`),
  );
  read(builder, { isOpenMetrics: false, body: `# TYPE h histogram\n${lines.toReversed().join('')}` });
  const count = { steps: 0 };
  counted(builder.finishInSteps(), count);
  const { batch } = builder;
  const buckets = [...batch.values.subarray(0, lines.length)];
  expect(buckets).toEqual(Array(lines.length).fill(1));
  expect([...batch.values.subarray(lines.length, batch.length)]).toEqual(Array(40).fill(5));
  expect(count.steps).toBeGreaterThan((4 * lines.length) / STEP_ROWS / 2);
});

test('a histogram that would have too many buckets is refused before they are sorted, however they come', () => {
  const limits = { ...defaultLimits, bucketsMax: 10 };
  const body = (count: number, isReversed: boolean): string => {
    const all = Array.from(
      { length: count },
      (_, i) => `h_bucket{le="${i === count - 1 ? '+Inf' : i}"} ${i}\n`,
    );
    return `# TYPE h histogram\n${(isReversed ? all.toReversed() : all).join('')}`;
  };
  for (const isReversed of [false, true]) {
    const builder = new PushBuilder(new State(aggregation, limits, 1));
    read(builder, { isOpenMetrics: false, body: body(10, isReversed) });
    builder.finish();
    read(builder, { isOpenMetrics: false, body: body(11, isReversed) });
    expect(() => builder.finish()).toThrow('more than 10 buckets (--limit.buckets)');
  }
});
