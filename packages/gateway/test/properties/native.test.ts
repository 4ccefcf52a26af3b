/** Native histograms, start times and exemplars in the state: laws, and what records and snapshots keep of them. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { PushBuilder } from '../../src/ingest/push-builder.ts';
import { atOnce } from '../../src/primitives/turns.ts';
import { PushCommand } from '../../src/wal/push-command.ts';
import { RecordReader, RecordWriter } from '../../src/wal/record.ts';
import type { AggregationConfig } from '../../src/store/aggregation-config.ts';
import { defaultLimits } from '../../src/store/limits.ts';
import { addHistograms } from '../../src/histogram/add.ts';
import { bucketIndex } from '../../src/histogram/bounds.ts';
import type { Exemplar } from '../../src/model/exemplar.ts';
import { noNativeBuckets } from '../../src/model/native-histogram.ts';
import type { NativeBuckets, NativeHistogram } from '../../src/model/native-histogram.ts';
import { targetOf } from '../state/target.ts';
import { WorkingState } from '../state/working-state.ts';
import { runs } from '../support/runs.ts';
import { viewOf } from '../../src/read/view.ts';
import { expectSame } from '../support/expect-same.ts';

interface Push {
  readonly source?: string;
  readonly method?: 'PUT' | 'POST';
  readonly histograms: readonly { readonly series: string; readonly native: NativeHistogram }[];
  readonly startMs?: number;
  readonly exemplar?: Exemplar;
  readonly type?: 'histogram' | 'gaugehistogram';
}

/** Two states, of which one follows the other by its records. */
class Pair {
  readonly first: WorkingState;
  readonly second: WorkingState;
  readonly #builder: PushBuilder;
  readonly #writer: RecordWriter;
  readonly #reader: RecordReader;
  #nowMs = 1_000_000;

  constructor(aggregation: Partial<AggregationConfig>) {
    this.first = new WorkingState(aggregation, 1);
    this.second = new WorkingState(aggregation, 2);
    this.#builder = new PushBuilder(this.first.state);
    this.#writer = new RecordWriter(this.first.state);
    this.#reader = new RecordReader(this.second.state);
  }

  push({ source = 's', method = 'POST', histograms, startMs, exemplar, type = 'histogram' }: Push): void {
    const builder = this.#builder;
    const nowhere = { start: 0, end: 0, repeatable: false };
    const body = new Uint8Array(0);
    builder.begin(body);
    builder.addType('h', type, nowhere);
    for (const { series, native } of histograms) {
      const labels = [{ name: 'series', value: series }];
      builder.addSample('h_count', labels, native.count, nowhere);
      if (startMs !== undefined) builder.addStart(startMs);
      builder.addSample('h_sum', labels, native.sum, nowhere);
      builder.addNative(native, 0);
      if (exemplar !== undefined) builder.addExemplar(exemplar, true);
    }
    const batch = builder.finish();
    this.#nowMs += 1;
    const times = { nowMs: this.#nowMs, wallMs: this.#nowMs };
    const push = new PushCommand(batch, body, { source, method });
    const record = Uint8Array.from(this.#writer.write(push, times));
    const again = this.#reader.read(record);
    atOnce(push.apply(targetOf(this.first.state), times));
    atOnce(again.command.apply(targetOf(this.second.state), again.times));
  }

  /** Both as one; they must be the same. */
  facts(): object {
    const facts = this.first.facts();
    expectSame(this.second.facts(), facts);
    return facts;
  }
}

/** What a page shows of each series. */
function shown({ state }: WorkingState): Record<string, object> {
  const view = viewOf(state);
  const families = last(view.families());
  const found: Record<string, object> = {};
  for (const family of families) {
    for (const _ of family.sort());
    family.visit(0, family.rowCount, (series) => {
      const labels = Buffer.from(series.bytes.subarray(series.labelsStart, series.labelsEnd)).toString();
      const { value, sum, startMs } = series;
      found[labels] = { value, sum, startMs, native: series.native() };
    });
  }
  view.close();
  return found;
}

function last<T>(steps: Generator<void, T>): T {
  for (let step = steps.next(); ; step = steps.next()) if (step.done === true) return step.value;
}

function histogramOf(values: readonly number[], schema: number, zeroThreshold: number): NativeHistogram {
  const counted = (sign: number): NativeBuckets => {
    const counts = new Map<number, number>();
    for (const value of values) {
      if (Math.sign(value) !== sign || Math.abs(value) <= zeroThreshold) continue;
      const index = bucketIndex(schema, Math.abs(value));
      counts.set(index, (counts.get(index) ?? 0) + 1);
    }
    const sorted = [...counts].toSorted(([a], [b]) => a - b);
    return { indexes: sorted.map(([index]) => index), counts: sorted.map(([, count]) => count) };
  };
  return {
    schema,
    zeroThreshold,
    zeroCount: values.filter((value) => Math.abs(value) <= zeroThreshold).length,
    count: values.length,
    sum: values.reduce((sum, value) => sum + value, 0),
    positive: counted(1),
    negative: counted(-1),
  };
}

const values = fc.array(fc.integer({ min: -40, max: 200 }), { maxLength: 12 });
const histograms = fc
  .record({
    values,
    schema: fc.constantFrom(-1, 0, 2, 3),
    zeroThreshold: fc.constantFrom(0, 0.001, 1, 3),
  })
  .map((spec) => histogramOf(spec.values, spec.schema, spec.zeroThreshold));
const pushes: fc.Arbitrary<Push> = fc.record({
  source: fc.constantFrom('a', 'b', 'c'),
  method: fc.constantFrom('PUT' as const, 'POST' as const),
  histograms: fc.uniqueArray(fc.record({ series: fc.constantFrom('x', 'y'), native: histograms }), {
    selector: ({ series }) => series,
    minLength: 1,
  }),
  startMs: fc.integer({ min: 1, max: 999_999 }),
});

const someRules = [
  { byJob: false },
  { byJob: true, counterResets: 'overwrite' },
  { byJob: true, counterResets: 'accumulate' },
] as const;

describe.each(someRules)('with %o', (aggregation) => {
  test('records and snapshots keep everything', async () => {
    const exemplars = fc.record({
      labels: fc.constant([{ name: 'trace_id', value: 'a"b' }]),
      value: fc.integer({ min: -40, max: 200 }),
      timestampMs: fc.option(fc.integer({ min: 1, max: 2_000_000 }), { nil: undefined }),
    });
    const withExemplar = fc.tuple(pushes, exemplars).map(([push, exemplar]) => ({ ...push, exemplar }));
    await fc.assert(
      fc.asyncProperty(fc.array(withExemplar, { maxLength: 8 }), async (all) => {
        const pair = new Pair(aggregation);
        for (const push of all) pair.push(push);
        const facts = pair.facts();
        const restored = await pair.first.restored(3);
        expectSame(restored.facts(), facts);
        expect(shown(restored)).toEqual(shown(pair.first));
      }),
      { numRuns: runs(100) },
    );
  });

  test('the order of series and the seed mean nothing, and buckets hold what is counted', () => {
    fc.assert(
      fc.property(fc.array(pushes, { maxLength: 8 }), (all) => {
        const [pair, mirrored] = [new Pair(aggregation), new Pair(aggregation)];
        for (const push of all) pair.push(push);
        for (const push of all) mirrored.push({ ...push, histograms: push.histograms.toReversed() });
        expect(shown(mirrored.first)).toEqual(shown(pair.first));
        for (const series of Object.values(shown(pair.first))) {
          const { value, native } = series as { value: number; native: NativeHistogram };
          const { zeroCount, positive, negative, count } = native;
          const held = [zeroCount, ...positive.counts, ...negative.counts].reduce(
            (sum, each) => sum + each,
            0,
          );
          expect([held, count]).toEqual([value, value]);
        }
      }),
      { numRuns: runs(200) },
    );
  });
});

test('pushes add up to the same in any order', () => {
  const shuffled = fc
    .array(pushes, { maxLength: 8 })
    .chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })));
  fc.assert(
    fc.property(shuffled, ([all, other]) => {
      const [pair, again] = [new Pair({}), new Pair({})];
      for (const push of all) pair.push(push);
      for (const push of other) again.push(push);
      expect(shown(again.first)).toEqual(shown(pair.first));
    }),
    { numRuns: runs(200) },
  );
});

test('histograms of one schema and zero bucket add up as the arithmetic has it', () => {
  fc.assert(
    fc.property(fc.array(values, { minLength: 1, maxLength: 6 }), (all) => {
      const pair = new Pair({});
      const parts = all.map((each) => histogramOf(each, 2, 0.5));
      for (const native of parts) pair.push({ histograms: [{ series: 'x', native }] });
      const sum = parts.reduce(addHistograms);
      expect(shown(pair.first)['series="x"']).toMatchObject({ native: { ...sum, exemplars: [] } });
    }),
  );
});

test('by-job: what sources pushed last is what is shown, at whatever resolution they pushed before', () => {
  fc.assert(
    fc.property(fc.array(pushes, { maxLength: 10 }), (all) => {
      const pair = new Pair({ byJob: true, counterResets: 'overwrite' });
      const latest = new Map<string, Push>();
      for (const push of all) {
        pair.push(push);
        for (const each of push.histograms)
          latest.set(`${push.source} ${each.series}`, { histograms: [each] });
      }
      const expected = new Pair({});
      for (const push of latest.values()) expected.push(push);
      const [found, wanted] = [shown(pair.first), shown(expected.first)];
      expect(Object.keys(found).toSorted()).toEqual(Object.keys(wanted).toSorted());
      for (const [labels, series] of Object.entries(wanted))
        expect(found[labels]).toMatchObject({ ...series, startMs: expect.any(Number) });
    }),
    { numRuns: runs(200) },
  );
});

const one = (native: NativeHistogram): Push => ({ histograms: [{ series: 'x', native }] });

test('accumulate: a process that began anew adds to what it had; one that lowered its resolution does not', () => {
  const pair = new Pair({ byJob: true, counterResets: 'accumulate' });
  pair.push(one(histogramOf([1, 2, 4, 8], 3, 0)));
  pair.push(one(histogramOf([1, 2, 4, 8, 9], 1, 0)));
  expect(shown(pair.first)['series="x"']).toMatchObject({ value: 5, native: { schema: 1, count: 5 } });
  pair.push(one(histogramOf([3], 1, 0)));
  expect(shown(pair.first)['series="x"']).toMatchObject({ value: 6, native: { schema: 1, count: 6 } });
});

test('a gauge histogram falls with its source, and takes nothing from others', () => {
  const pair = new Pair({ byJob: true, counterResets: 'accumulate' });
  const gauge = (source: string, numbers: readonly number[]): Push => ({
    ...one(histogramOf(numbers, 0, 0)),
    source,
    type: 'gaugehistogram',
  });
  pair.push(gauge('a', [1, 2, 3]));
  pair.push(gauge('b', [5]));
  pair.push(gauge('a', [1]));
  expect(shown(pair.first)['series="x"']).toMatchObject({ value: 2, native: { count: 2 } });
  for (const { state } of [pair.first, pair.second]) state.remove('a');
  expect(shown(pair.first)['series="x"']).toMatchObject({ value: 1, native: { count: 1 } });
});

test('a sender cannot make a histogram grow without bound: its resolution falls instead', () => {
  const pair = new Pair({});
  const most = defaultLimits.nativeBucketsMax;
  for (let push = 0; push < 40; push += 1) {
    const numbers = Array.from({ length: 100 }, (_, i) => 1.01 ** (push * 100 + i));
    pair.push(one(histogramOf(numbers, 8, 0)));
  }
  const { native } = shown(pair.first)['series="x"'] as { native: NativeHistogram };
  expect(native.positive.indexes.length).toBeLessThanOrEqual(most);
  expect(native.count).toBe(4_000);
  const { accumulators } = pair.first.state;
  expect(accumulators.composites[0]!.native.length).toBeLessThan(most * 13);
});

describe('zero buckets of many widths', () => {
  const thresholds = fc.array(fc.integer({ min: 1, max: 4_000 }), { minLength: 1, maxLength: 200 });

  test('the page has the widest, and loses no bucket to it', () => {
    const pair = new Pair({});
    for (let push = 0; push < 17; push += 1) pair.push(one(histogramOf([0.2], 3, 0.001 + push / 10_000)));
    expect(shown(pair.first)['series="x"']).toMatchObject({
      value: 17,
      native: { zeroThreshold: 0.0026, zeroCount: 0, positive: { counts: [17] } },
    });
  });

  test('do not pile up, and what is raised goes to a width that is there, or to the next power of two', () => {
    fc.assert(
      fc.property(thresholds, (all) => {
        const pair = new Pair({});
        for (const threshold of all) pair.push(one(histogramOf([1_000], 0, threshold / 10)));
        const { accumulators } = pair.first.state;
        expect(accumulators.composites[0]!.native.length).toBeLessThan(64 + 16 + 3);
        const { value, native } = shown(pair.first)['series="x"'] as {
          value: number;
          native: NativeHistogram;
        };
        expect([value, native.count, native.zeroCount]).toEqual([all.length, all.length, 0]);
        const widest = Math.max(...all) / 10;
        if (new Set(all).size <= 64) expect(native.zeroThreshold).toBe(widest);
        expect(native.zeroThreshold).toBeGreaterThanOrEqual(widest);
        expect(native.zeroThreshold).toBeLessThan(widest * 2);
      }),
      { numRuns: runs(50) },
    );
  });
});

test('the earliest start is kept, and the newest exemplar; a time to come is none', () => {
  const pair = new Pair({});
  const native = histogramOf([10], 0, 0);
  const exemplar = (id: string, timestampMs: number): Exemplar => ({
    labels: [{ name: 'id', value: id }],
    value: 10,
    timestampMs,
  });
  pair.push({ ...one(native), startMs: 500, exemplar: exemplar('new', 900_000) });
  pair.push({ ...one(native), startMs: 300, exemplar: exemplar('old', 800_000) });
  pair.push({ ...one(native), startMs: 400 });
  expect(shown(pair.first)['series="x"']).toMatchObject({
    startMs: 300,
    native: { exemplars: [exemplar('new', 900_000)] },
  });
  pair.push({ ...one(native), exemplar: exemplar('far', 9e15) });
  pair.push({ ...one(native), exemplar: exemplar('late', 1_000_005) });
  expect(shown(pair.first)['series="x"']).toMatchObject({
    native: { exemplars: [exemplar('late', 1_000_005)] },
  });
});

test('without observations a histogram is shown with no buckets', () => {
  const pair = new Pair({});
  pair.push(one(histogramOf([], 3, 0.001)));
  expect(shown(pair.first)['series="x"']).toMatchObject({
    value: 0,
    native: { schema: 3, zeroThreshold: 0.001, positive: noNativeBuckets, negative: noNativeBuckets },
  });
});
