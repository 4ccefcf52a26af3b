/**
 * What gauges show, whatever has happened: the page is that of a model which keeps what each source has of each series, and looks at all of
 * it for each page.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';

import type { GaugePolicy } from '../../src/rules/rules.ts';
import type { SenderMode } from '../../src/store/aggregation-config.ts';
import { defaultLimits } from '../../src/store/limits.ts';
import { ExpireSources, Recycle, RemoveSource, SetAggregation } from '../../src/wal/commands.ts';
import { WorkingState } from '../state/working-state.ts';
import { RecordedState } from '../support/recorded-state.ts';
import { runs } from '../support/runs.ts';

const PRUNE_MS = 1000;

/** By the label `p` of a series: what it shows. */
type Rules = Readonly<Partial<Record<'1' | '2', GaugePolicy>>>;

/** Some as several rules, of which the first decides. */
function rulesText(rules: Rules): string | undefined {
  const texts = Object.entries(rules).flatMap(([p, gauge]) => [
    { match: `{p="${p}",__name__=~"g|h.*"}`, gauge },
    { match: `{p="${p}"}`, gauge: 'sum' },
  ]);
  return texts.length === 0 ? undefined : JSON.stringify(texts);
}

interface Sample {
  /** As it is written, and as it is shown. */
  readonly written: string;
  readonly series: string;
  readonly p: '1' | '2';
  readonly value: number;
}

/** Not in the order of the canonical text, half of the time. */
const sample: fc.Arbitrary<Sample> = fc
  .record({
    name: fc.constantFrom('g', 'h'),
    p: fc.constantFrom('1' as const, '2' as const),
    l: fc.constantFrom('a', 'b'),
    isCanonical: fc.boolean(),
    value: fc.oneof(
      { weight: 5, arbitrary: fc.integer({ min: -4, max: 4 }) },
      { weight: 1, arbitrary: fc.constantFrom(0.5, -0, 1e6, Infinity, -Infinity, NaN) },
    ),
  })
  .map(({ name, p, l, isCanonical, value }) => ({
    written: `${name}{${isCanonical ? `l="${l}",p="${p}"` : `p="${p}",l="${l}"`}} ${shown(value)}`,
    series: `${name}{l="${l}",p="${p}"}`,
    p,
    value,
  }));

const source = fc.constantFrom('x', 'y', 'z');
const method = fc.constantFrom('PUT' as const, 'POST' as const);
const policy = fc.constantFrom('sum', 'last', 'min', 'max', 'avg', 'count');
const rules: fc.Arbitrary<Rules> = fc.record({ '1': policy, '2': policy }, { requiredKeys: [] });

type Mode = 'add' | 'by-job' | 'mixed';

type Step =
  | {
      readonly push: readonly Sample[];
      readonly source: string;
      readonly method: 'PUT' | 'POST';
      /** Where senders of both kinds push: this one adds. */
      readonly adds: boolean;
    }
  | { readonly remove: string }
  | { readonly waitMs: number }
  | { readonly rules: Rules }
  | { readonly mode: Mode }
  | { readonly restart: true }
  | { readonly recycle: true };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      push: fc.uniqueArray(sample, { selector: ({ series }) => series, minLength: 1, maxLength: 6 }),
      source,
      method,
      adds: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ remove: source }) },
  { weight: 1, arbitrary: fc.record({ mode: fc.constantFrom('add', 'by-job', 'mixed') }) },
  { weight: 2, arbitrary: fc.record({ waitMs: fc.constantFrom(400, 1100) }) },
  { weight: 2, arbitrary: fc.record({ rules }) },
  { weight: 1, arbitrary: fc.constant({ restart: true as const }) },
  { weight: 1, arbitrary: fc.constant({ recycle: true as const }) },
);

function shown(value: number): string {
  return String(value).replace('Infinity', 'Inf').replace(/^Inf/, '+Inf');
}

function canHave(is: GaugePolicy, value: number): boolean {
  if (is === 'last') return true;
  return is === 'sum' || is === 'avg' ? Number.isFinite(value) : !Number.isNaN(value);
}

interface Value {
  readonly value: number;
  /** The push that it came with. */
  readonly order: number;
}

/** In the place of a source: of all who add. */
const COMMON = '';

class Model {
  #mode: Mode;
  #rules: Rules;
  #order = 0;
  /** By series. */
  readonly #sources = new Map<string, { pushedMs: number; order: number; values: Map<string, Value> }>();

  constructor(mode: Mode, is: Rules) {
    this.#mode = mode;
    this.#rules = is;
  }

  /** Whether it is taken. */
  push(
    samples: readonly Sample[],
    by: { source: string; method: 'PUT' | 'POST'; nowMs: number; adds: boolean },
  ): boolean {
    const adds = this.#mode === 'mixed' ? by.adds : this.#mode === 'add';
    if (adds && samples.some(({ p }) => ['avg', 'count'].includes(this.#policy(p)))) return false;
    const name = adds ? COMMON : by.source;
    this.#order += 1;
    const own = this.#sources.get(name) ?? { pushedMs: 0, order: 0, values: new Map<string, Value>() };
    this.#sources.delete(name);
    this.#sources.set(name, own);
    own.pushedMs = by.nowMs;
    own.order = this.#order;
    if (!adds && by.method === 'PUT') own.values.clear();
    for (const { series, p, value } of samples) {
      const is = this.#policy(p);
      const before = own.values.get(series)?.value;
      if (adds && before !== undefined) {
        if (canHave(is, value))
          own.values.set(series, { value: held(is, before, value), order: this.#order });
      } else if (canHave(is, value)) own.values.set(series, { value, order: this.#order });
      else if (!adds) own.values.delete(series);
    }
    return true;
  }

  remove(name: string): void {
    this.#sources.delete(name);
  }

  prune(nowMs: number): void {
    for (const [name, { pushedMs, values }] of this.#sources)
      if (name !== COMMON && pushedMs < nowMs - PRUNE_MS) values.clear();
  }

  /** Whoever adds goes on with what all have added, but where nobody has known whose part a gauge was. */
  setMode(mode: Mode): void {
    if (mode === 'add')
      for (const name of this.#sources.keys()) if (name !== COMMON) this.#sources.delete(name);
    if (mode === 'by-job' && this.#mode === 'add') this.#sources.clear();
    this.#mode = mode;
  }

  setRules(is: Rules): void {
    const before = this.#rules;
    this.#rules = is;
    for (const [name, { order, values }] of this.#sources) {
      for (const [series, { value }] of values) {
        const p = series.includes('p="1"') ? '1' : '2';
        const now = this.#policy(p);
        if ((before[p] ?? 'sum') === now) continue;
        if (name !== COMMON && canHave(now, value)) values.set(series, { value, order });
        else values.delete(series);
      }
    }
  }

  page(): string {
    const all = new Map<string, Value[]>();
    for (const { values } of this.#sources.values())
      for (const [series, value] of values) all.set(series, [...(all.get(series) ?? []), value]);
    const lines: string[] = [];
    for (const name of ['g', 'h']) {
      const own = [...all.keys()].filter((series) => series.startsWith(name)).toSorted();
      if (own.length > 0) lines.push(`# TYPE ${name} gauge`);
      for (const series of own) {
        const is = this.#policy(series.includes('p="1"') ? '1' : '2');
        lines.push(`${series} ${shown(totalOf(is, all.get(series)!))}`);
      }
    }
    return lines.map((line) => `${line}\n`).join('');
  }

  #policy(p: '1' | '2'): GaugePolicy {
    return this.#rules[p] ?? 'sum';
  }
}

/** In add mode. */
function held(is: GaugePolicy, before: number, value: number): number {
  if (is === 'last') return value;
  if (is === 'sum') return before + value;
  return is === 'max' ? Math.max(before, value) : Math.min(before, value);
}

function totalOf(is: GaugePolicy, values: readonly Value[]): number {
  const numbers = values.map(({ value }) => value);
  const sum = numbers.reduce((total, value) => total + value, 0);
  if (is === 'sum') return sum;
  if (is === 'avg') return sum / numbers.length;
  if (is === 'count') return numbers.length;
  if (is === 'last') return values.toSorted((a, b) => a.order - b.order).at(-1)!.value;
  return is === 'max' ? Math.max(...numbers) : Math.min(...numbers);
}

/** Zero below zero is shown as such by some, and equal. */
function comparable(page: string): string {
  return page.replaceAll(/ -0$/gm, ' 0');
}

const modes = {
  add: { byJob: false, mixed: undefined },
  'by-job': { byJob: true, mixed: undefined },
  mixed: { byJob: true, mixed: true },
} as const;
const adding: SenderMode = { byJob: false, counterResets: 'overwrite' };

test.each(['add', 'by-job', 'mixed'] as const)('the page is that of the model (%s)', async (mode) => {
  await fc.assert(
    fc.asyncProperty(
      rules,
      fc.boolean(),
      fc.array(step, { maxLength: 40, size: 'max' }),
      async (first, isSmall, all) => {
        const aggregation = { ...modes[mode], metricRules: rulesText(first) };
        let working = new WorkingState(aggregation, 1, defaultLimits, isSmall ? 1 : undefined);
        const model = new Model(mode, first);
        const recorded = new RecordedState(working.state.aggregation);
        recorded.watch(working);
        let nowMs = 1_000_000;
        for (const each of all) {
          if ('push' in each) {
            const text = ['g', 'h'].map((name) =>
              [
                `# TYPE ${name} gauge`,
                ...each.push.flatMap(({ written }) => (written.startsWith(name) ? [written] : [])),
              ].join('\n'),
            );
            const by = { source: each.source, method: each.method, nowMs };
            const isTaken = model.push(each.push, { ...by, adds: each.adds });
            const sender = working.state.aggregation.mixed && each.adds ? { sender: adding } : {};
            expect(working.push(`${text.join('\n')}\n`, { ...by, ...sender })).toBe(
              isTaken ? 'taken' : 'unsupported_type',
            );
          } else if ('remove' in each) {
            model.remove(each.remove);
            recorded.apply(working, new RemoveSource(each.remove));
          } else if ('waitMs' in each) {
            nowMs += each.waitMs;
            model.prune(nowMs);
            const expiry = {
              pruneBeforeMs: nowMs - PRUNE_MS,
              forgetBeforeMs: Number.NEGATIVE_INFINITY,
              most: 100,
            };
            recorded.apply(working, new ExpireSources(expiry));
          } else if ('rules' in each) {
            model.setRules(each.rules);
            recorded.apply(
              working,
              new SetAggregation({ ...working.state.aggregation, metricRules: rulesText(each.rules) }),
            );
          } else if ('mode' in each) {
            // Otherwise it is the mode that is tried.
            if (mode !== 'mixed') continue;
            model.setMode(each.mode);
            recorded.apply(
              working,
              new SetAggregation({ ...working.state.aggregation, ...modes[each.mode] }),
            );
          } else if ('restart' in each) {
            const facts = working.facts();
            working = await working.restored(2);
            expect(working.facts()).toEqual(facts);
            recorded.watch(working);
          } else recorded.apply(working, new Recycle());
          expect(comparable(await working.page())).toBe(comparable(model.page()));
        }
        expect(recorded.replayed().facts()).toEqual(working.facts());
      },
    ),
    { numRuns: runs(300) },
  );
});
