/** What may happen to a state, and states that go through the same. */
import fc from 'fast-check';
import { expect } from 'vitest';

import { atOnce } from '../../src/primitives/turns.ts';
import { SeriesLook, SourceLook } from '../../src/gateway/ledger/expiry-look.ts';
import { WithdrawSeries } from '../../src/wal/commands.ts';
import type { State } from '../../src/state/state.ts';
import type { SenderMode } from '../../src/store/aggregation-config.ts';
import type { Command } from '../../src/wal/commands.ts';
import { targetOf } from './target.ts';
import type { PushedBy, WorkingState } from './working-state.ts';

const label = fc.constantFrom('', '{l="a"}', '{l="b"}', '{m="1",l="a"}', '{ l = "b" }', '{l="é"}');
const value = fc.oneof(
  fc.nat(9),
  fc.integer({ min: -5, max: -1 }),
  fc.constantFrom(0.1, 1e-9, 1e200, -1e200, 2 ** 53, Number.NaN),
);

/** Untyped may become anything; others are refused when they meet another type. Start times meet what they are of. */
const plain = fc
  .record({
    name: fc.constantFrom('a', 'b_total', 'c', 'c_created', 'h', 'h_count', 's', 's_created', '"n.m"'),
    type: fc.constantFrom('counter', 'gauge', 'untyped', undefined, undefined),
    help: fc.constantFrom('some help', undefined),
    series: fc.uniqueArray(label, { minLength: 1, maxLength: 4 }),
    values: fc.array(value, { minLength: 4, maxLength: 4 }),
  })
  .map(({ name, type, help, series, values }) => [
    ...(help === undefined ? [] : [`# HELP ${name} ${help}`]),
    ...(type === undefined ? [] : [`# TYPE ${name} ${type}`]),
    ...series.map((each, i) =>
      name.startsWith('"')
        ? `{${name}${each === '' ? '' : ','}${each.slice(1, -1)}} ${values[i]}`
        : `${name}${each} ${values[i]}`,
    ),
  ]);

const histogram = fc
  .record({
    bounds: fc.uniqueArray(fc.constantFrom(0.1, 1, 2.5, 10), { maxLength: 3 }),
    inner: fc.constantFrom('', 'l="a"', 'l="b"'),
    count: fc.nat(9),
    sum: fc.option(value.filter((sum) => !Number.isNaN(sum))),
  })
  .map(({ bounds, inner, count, sum }) => {
    const labels = inner === '' ? '' : `{${inner}}`;
    const le = (bound: string): string => `{${inner}${inner === '' ? '' : ','}le="${bound}"}`;
    return [
      '# TYPE h histogram',
      ...bounds.toSorted((a, b) => a - b).map((bound) => `h_bucket${le(String(bound))} ${count}`),
      `h_bucket${le('+Inf')} ${count}`,
      ...(sum === null ? [] : [`h_sum${labels} ${sum}`]),
      `h_count${labels} ${count}`,
    ];
  });

const summary = fc
  .tuple(fc.constantFrom('', '{l="a"}'), fc.nat(9))
  .map(([labels, count]) => ['# TYPE s summary', `s_sum${labels} ${count / 4}`, `s_count${labels} ${count}`]);

/** A counter and its start times, which may be none. */
const started = fc
  .tuple(fc.uniqueArray(label, { minLength: 1, maxLength: 3 }), fc.boolean(), fc.nat(3))
  .map(([series, isTime, value]) => [
    '# TYPE b_total counter',
    ...series.map((each) => `b_total${each} ${value}`),
    '# TYPE b_created gauge',
    ...series.map((each, i) => `b_created${each} ${isTime || i > 0 ? 1_600_000_000 + value : value}`),
  ]);

/** Sums of these are more than two doubles hold. */
const spilling = fc
  .constantFrom(1e200, 1, 1e-200, -1e200, -1)
  .map((each) => ['# TYPE spills gauge', `spills ${each}`, `spills{l="a"} ${-each}`]);

/** Of gauges, start times among them. */
const rules = fc.constantFrom(
  undefined,
  '[{"gauge":"max"}]',
  '[{"match":"{l=\\"a\\"}","gauge":"last"},{"gauge":"min"}]',
  '[{"gauge":"last"}]',
  '[{"match":"{l=\\"a\\"}","gauge":"sum"},{"gauge":"avg"}]',
  '[{"ttl":700}]',
  '[{"match":"{l=\\"a\\"}","gauge":"last","ttl":0},{"match":"{__name__!=\\"h\\"}","ttl":1500}]',
  '[{"match":"a","gauge":"count"},{"match":"{__name__=~\\".*_created|c\\"}","gauge":"last"}]',
);

const source = fc.constantFrom('x', 'y', 'z');
/** How a sender counts, in a state in which that is not the same for all. */
const senders = {
  adds: { byJob: false, counterResets: 'overwrite' },
  overwrites: { byJob: true, counterResets: 'overwrite' },
  accumulates: { byJob: true, counterResets: 'accumulate' },
} as const satisfies Record<string, SenderMode>;
const modes = {
  add: { byJob: false, mixed: undefined },
  'by-job': { byJob: true, mixed: undefined },
  mixed: { byJob: true, mixed: true },
} as const;

interface PushStep {
  readonly source: string;
  readonly sender?: keyof typeof senders;
  readonly method: 'PUT' | 'POST';
}
export type Step =
  | ({ readonly push: string } & PushStep)
  | ({ readonly again: number } & PushStep)
  | { readonly remove: string }
  | { readonly removeAll: readonly string[] }
  | { readonly drop: number }
  | { readonly dropDiscarded: true }
  | { readonly waitMs: number }
  | { readonly recycle: true }
  | { readonly rules: string | undefined }
  | { readonly mode: keyof typeof modes }
  | { readonly expireSeries: true };
const by = {
  source,
  sender: fc.constantFrom(...(Object.keys(senders) as (keyof typeof senders)[])),
  method: fc.constantFrom('PUT' as const, 'POST' as const),
};
export const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      push: fc
        .array(fc.oneof({ weight: 3, arbitrary: plain }, histogram, summary, started, spilling), {
          minLength: 1,
          maxLength: 3,
        })
        .map((families) => `${families.flat().join('\n')}\n`),
      ...by,
    }),
  },
  { weight: 4, arbitrary: fc.record({ again: fc.nat(5), ...by }) },
  { weight: 1, arbitrary: fc.record({ remove: source }) },
  { weight: 1, arbitrary: fc.record({ removeAll: fc.uniqueArray(source) }) },
  { weight: 2, arbitrary: fc.record({ drop: fc.integer({ min: 1, max: 255 }) }) },
  { weight: 1, arbitrary: fc.constant({ dropDiscarded: true as const }) },
  { weight: 2, arbitrary: fc.record({ waitMs: fc.constantFrom(500, 1001, 3001) }) },
  { weight: 2, arbitrary: fc.constant({ recycle: true as const }) },
  { weight: 2, arbitrary: fc.record({ rules }) },
  { weight: 1, arbitrary: fc.record({ mode: fc.constantFrom('add', 'by-job', 'mixed') }) },
  { weight: 2, arbitrary: fc.constant({ expireSeries: true as const }) },
);
export const steps: fc.Arbitrary<Step[]> = fc.array(step, { maxLength: 20 });

/** Takes the same steps with any number of states; what became of each must be the same. */
export class Course {
  #nowMs = 1_000_000;
  readonly #pushed: string[] = [];

  take(each: Step, states: readonly WorkingState[]): void {
    const outcomes = this.#takenBy(each, states).map((taking) => atOnce(taking));
    expect(new Set(outcomes).size).toBe(1);
  }

  /** The same with one state, where `between` is called between the steps of a change. Returns what became of it. */
  async takeInSteps(each: Step, one: WorkingState, between: () => Promise<void>): Promise<string> {
    const [taking] = this.#takenBy(each, [one]);
    for (;;) {
      const { done, value } = taking!.next();
      if (done === true) return value;
      await between();
    }
  }

  #takenBy(each: Step, states: readonly WorkingState[]): readonly Generator<void, string>[] {
    if ('waitMs' in each) this.#nowMs += each.waitMs;
    if ('push' in each) this.#pushed.push(each.push);
    return states.map((one) => this.#takeWith(each, one));
  }

  *#takeWith(each: Step, one: WorkingState): Generator<void, string> {
    const { state } = one;
    const by = { nowMs: this.#nowMs };
    if ('push' in each) return yield* one.pushInSteps(each.push, { ...byOf(each, state), ...by });
    if ('again' in each)
      return yield* one.pushInSteps(this.#pushed.at(-1 - each.again) ?? '', { ...byOf(each, state), ...by });
    if ('remove' in each) return String(yield* state.removeInSteps([each.remove]));
    if ('removeAll' in each) return String(yield* state.removeInSteps(each.removeAll));
    if ('drop' in each) return String(yield* state.dropSeriesInSteps(numbersOf(each.drop)));
    if ('dropDiscarded' in each) return String(yield* state.dropDiscardedInSteps());
    if ('recycle' in each) return String(yield* state.recycleInSteps());
    if ('rules' in each)
      return String(
        yield* state.setAggregationInSteps({ ...state.aggregation, metricRules: each.rules }, by.nowMs),
      );
    if ('mode' in each) {
      // Otherwise it is the mode that is tried.
      if (state.aggregation.addsByDefault !== true) return '';
      return String(
        yield* state.setAggregationInSteps({ ...state.aggregation, ...modes[each.mode] }, by.nowMs),
      );
    }
    if ('expireSeries' in each) return yield* expireSeries(one, this.#nowMs);
    const limits = { pruneBeforeMs: this.#nowMs - 1000, forgetBeforeMs: this.#nowMs - 3000 };
    return String(yield* state.expireInSteps(limits, 2));
  }
}

/** Who pushes, and how that counts in a state. */
export function byOf({ source: of, sender = 'adds', method }: PushStep, { aggregation }: State): PushedBy {
  return { source: of, method, ...(aggregation.mixed === true ? { sender: senders[sender] } : {}) };
}

/** Sources have other numbers where a snapshot keeps those of some that are gone. */
function inOrderOfKeys(command: Command<number> | undefined): Command<number> | undefined {
  if (!(command instanceof WithdrawSeries)) return command;
  return new WithdrawSeries(command.withdrawals.toSorted((a, b) => (a.source < b.source ? -1 : 1)));
}

/** What was not named for its ttl goes; says what that was. */
export function* expireSeries({ state }: WorkingState, nowMs: number): Generator<void, string> {
  if (state.accumulators.lastNamed === undefined) return '';
  const { shortestMs } = state.accumulators.lastNamed.rules;
  const gone: string[] = [];
  for (const look of [new SourceLook(state, { nextMs: nowMs, shortestMs }), new SeriesLook(state, nowMs)]) {
    do {
      look.step(nowMs);
      if (!look.isFull && !look.isDone) continue;
      const command = inOrderOfKeys(look.take(nowMs));
      if (command === undefined) continue;
      gone.push(JSON.stringify(command));
      yield* command.apply(targetOf(state), { nowMs, wallMs: nowMs });
    } while (!look.isDone);
  }
  return gone.join(' ');
}

/** Some of the first accumulators, by the bits of a byte that comes again and again; not all of them name a series. */
function numbersOf(bits: number): Uint32Array {
  return Uint32Array.from({ length: 64 }, (_, i) => i).filter((i) => ((bits >> (i % 8)) & 1) === 1);
}
