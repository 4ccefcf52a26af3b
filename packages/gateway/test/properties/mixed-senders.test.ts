/**
 * Senders that add and sources, each with its own rule of what a counter that falls means, on the same series of every type: the page is that of a
 * model which keeps what each has, whatever happens. A restart is not seen, and records come to the same.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';

import type { SenderMode } from '../../src/store/aggregation-config.ts';
import { plainText } from '../../src/model/exposition-format.ts';
import { defaultLimits } from '../../src/store/limits.ts';
import { DropSeries, ExpireSources, Recycle, RemoveSource, SetAggregation } from '../../src/wal/commands.ts';
import { WorkingState } from '../state/working-state.ts';
import { RecordedState } from '../support/recorded-state.ts';
import { asProtobuf, richFamilies } from '../support/rich-pushes.ts';
import { runs } from '../support/runs.ts';
import { NaiveGateway, pushText } from './naive-gateway.ts';
import type { Push } from './naive-gateway.ts';

const PRUNE_MS = 1000;
const FORGET_MS = 3000;

const senders = {
  adds: { byJob: false, counterResets: 'overwrite' },
  overwrites: { byJob: true, counterResets: 'overwrite' },
  accumulates: { byJob: true, counterResets: 'accumulate' },
} as const satisfies Record<string, SenderMode>;

const series = fc.constantFrom('a', 'b');
const amount = fc.oneof(fc.nat(9), fc.constantFrom(0.1, 2 ** 53, 1e290));
const reading = fc.oneof(amount, fc.integer({ min: -9, max: -1 }));
const buckets = fc
  .subarray([0.1, 1, 10])
  .chain((bounds) =>
    fc
      .array(fc.nat(5), { minLength: bounds.length + 1, maxLength: bounds.length + 1 })
      .map((counts) => new Map([...bounds, Infinity].map((bound, i) => [bound, counts[i]!]))),
  );
/** A source keeps to one way to count. */
const paths = {
  web: 'adds',
  x: 'overwrites',
  y: 'accumulates',
  z: 'accumulates',
} as const satisfies Record<string, keyof typeof senders>;
const path = fc.constantFrom(...(Object.keys(paths) as (keyof typeof paths)[]));
const push: fc.Arbitrary<Push> = fc
  .record({
    path,
    method: fc.constantFrom('PUT' as const, 'POST' as const),
    counters: fc.dictionary(series, amount),
    gauges: fc.dictionary(series, reading),
    untyped: fc.dictionary(series, reading),
    histograms: fc.dictionary(
      series,
      fc.record({ buckets, sum: fc.oneof(reading, fc.constant(Number.NaN)) }),
    ),
  })
  .map(({ path: source, ...rest }) => ({ source, ...rest }));

type Step =
  | { readonly push: Push }
  | { readonly remove: string }
  | { readonly waitMs: number }
  | { readonly drop: 'c_total' | 'g' | 'u' | 'h'; readonly series: string }
  | { readonly allAdd: boolean }
  | { readonly restart: true }
  | { readonly recycle: true };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ push }) },
  { weight: 1, arbitrary: fc.record({ remove: path }) },
  { weight: 2, arbitrary: fc.record({ waitMs: fc.constantFrom(500, 1001, 3001) }) },
  { weight: 1, arbitrary: fc.record({ drop: fc.constantFrom('c_total', 'g', 'u', 'h'), series }) },
  { weight: 1, arbitrary: fc.record({ allAdd: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant({ restart: true as const }) },
  { weight: 1, arbitrary: fc.constant({ recycle: true as const }) },
);

/** The accumulator that names a series, where it is there. */
function namesOf({ state }: WorkingState, text: string): Uint32Array {
  const { accumulators } = state;
  return Uint32Array.from({ length: accumulators.texts.high }, (_, accumulator) => accumulator).filter(
    (accumulator) => accumulators.kind[accumulator] !== 0 && accumulators.textOf(accumulator) === text,
  );
}

test('the page is that of the model', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30, size: 'max' }), fc.boolean(), async (steps, isSmall) => {
      let working = new WorkingState({ byJob: true, mixed: true }, 1, defaultLimits, isSmall ? 1 : undefined);
      const recorded = new RecordedState(working.state.aggregation);
      recorded.watch(working);
      const naive = new NaiveGateway('overwrite');
      let nowMs = 1_000_000;
      for (const each of steps) {
        if ('push' in each) {
          const { source, method } = each.push;
          const { mixed } = working.state.aggregation;
          const how = mixed === true ? paths[source as keyof typeof paths] : 'adds';
          if (how === 'adds') naive.add(each.push);
          else naive.push(each.push, nowMs, how === 'accumulates');
          const by = { source, method, nowMs, sender: senders[how] };
          expect(working.push(pushText(each.push), by)).toBe('taken');
        } else if ('remove' in each) {
          naive.delete(each.remove);
          recorded.apply(working, new RemoveSource(each.remove));
        } else if ('waitMs' in each) {
          nowMs += each.waitMs;
          naive.expire(nowMs, PRUNE_MS, FORGET_MS);
          const expiry = {
            pruneBeforeMs: nowMs - PRUNE_MS,
            forgetBeforeMs: nowMs - FORGET_MS,
            most: 100,
          };
          recorded.apply(working, new ExpireSources(expiry));
        } else if ('drop' in each) {
          naive.drop(each.drop[0]!, each.series);
          const name = each.drop === 'h' ? 'h_count' : each.drop;
          recorded.apply(working, new DropSeries(namesOf(working, `${name}{s="${each.series}"}`)));
        } else if ('allAdd' in each) {
          // What sources had is theirs no more, and gauges go with them.
          if (each.allAdd) naive.expire(nowMs, -1, -1);
          const mode = each.allAdd
            ? { byJob: false, mixed: undefined }
            : { byJob: true, mixed: true as const };
          recorded.apply(working, new SetAggregation({ ...working.state.aggregation, ...mode }));
        } else if ('restart' in each) {
          const facts = working.facts();
          working = await working.restored(2);
          expect(working.facts()).toEqual(facts);
          recorded.watch(working);
        } else recorded.apply(working, new Recycle());
        expect(await working.page()).toBe(naive.page());
      }
      expect(recorded.replayed().facts()).toEqual(working.facts());
    }),
    { numRuns: runs(140) },
  );
});

const protobufPage = { ...plainText, format: 'protobuf' } as const;

/** Of series that sources of the same name have as groups of Pushgateway have theirs, and of others. */
const typed = fc
  .record({
    name: fc.constantFrom('a', 'b', 'max', 'last'),
    type: fc.constantFrom('counter', 'gauge', 'gauge', 'untyped', 'histogram', 'gaugehistogram', 'summary'),
    labels: fc.uniqueArray(fc.constantFrom('job="x"', 'job="y"', 'l="1"'), { minLength: 1 }),
    values: fc.array(fc.nat(2), { minLength: 3, maxLength: 3 }),
  })
  .map(({ name, type, labels, values }) => [
    ...(type === 'untyped' ? [] : [`# TYPE ${name} ${type}`]),
    ...labels.flatMap((each, i) => linesOf(name, type, each, values[i]!)),
  ]);

function linesOf(name: string, type: string, labels: string, value: number): readonly string[] {
  if (type === 'summary') return [`${name}_sum{${labels}} ${value}`, `${name}_count{${labels}} ${value}`];
  if (!type.endsWith('histogram')) return [`${name}{${labels}} ${value}`];
  return [
    `${name}_bucket{${labels},le="1"} ${Math.min(value, 1)}`,
    `${name}_bucket{${labels},le="+Inf"} ${value}`,
    `${name}_sum{${labels}} ${value}`,
    `${name}_count{${labels}} ${value}`,
  ];
}

const pushed = fc.oneof(
  fc
    .uniqueArray(typed, { minLength: 1, maxLength: 3, selector: ([line]) => line?.split(/[ {]/)[2] ?? line })
    .map((all) => `${all.flat().join('\n')}\n`),
  richFamilies,
);

const law = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        pushed,
        path,
        method: fc.constantFrom('PUT' as const, 'POST' as const),
      }),
    },
    { weight: 2, arbitrary: fc.record({ remove: path }) },
  ),
  { maxLength: 16 },
);

function keyOf(name: string): string {
  return JSON.stringify([['job', name]]);
}

test.each([{}, { groups: true }] as const)(
  'what is added is as if a source had pushed it that never comes again (%o)',
  async (groups) => {
    const metricRules = JSON.stringify([
      { match: 'max', gauge: 'max' },
      { match: 'last', gauge: 'last' },
    ]);
    await fc.assert(
      fc.asyncProperty(law, async (steps) => {
        const aggregation = { byJob: true, mixed: true, metricRules, ...groups } as const;
        const [adding, bySource] = [new WorkingState(aggregation, 1), new WorkingState(aggregation, 1)];
        for (const [i, each] of steps.entries()) {
          if ('remove' in each) for (const { state } of [adding, bySource]) state.remove(keyOf(each.remove));
          else {
            const body = typeof each.pushed === 'string' ? each.pushed : asProtobuf(each.pushed);
            const how = paths[each.path];
            const by = { source: keyOf(each.path), method: each.method, sender: senders[how], nowMs: i };
            const own = how === 'adds' ? { source: keyOf(`own${i}`), sender: senders.overwrites } : {};
            expect(adding.push(body, by)).toBe(bySource.push(body, { ...by, ...own }));
          }
          expect(await adding.page(undefined, { format: protobufPage })).toBe(
            await bySource.page(undefined, { format: protobufPage }),
          );
        }
      }),
      { numRuns: runs(600) },
    );
  },
);
