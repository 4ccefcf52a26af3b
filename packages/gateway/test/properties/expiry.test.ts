/**
 * What expires, whatever has happened: the page is that of a model which keeps, with each value, when it was last named, and looks at all of
 * it. A restart is not seen.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { atOnce } from '../../src/primitives/turns.ts';
import { defaultLimits } from '../../src/store/limits.ts';
import { expireSeries } from '../state/course.ts';
import { WorkingState } from '../state/working-state.ts';
import { runs } from '../support/runs.ts';

const PRUNE_MS = 2000;
const FORGET_MS = 4000;

const types = { a_total: 'counter', g: 'gauge', last: 'gauge', max: 'gauge', u: undefined } as const;
type Name = keyof typeof types;
const names = Object.keys(types) as readonly Name[];
const gauges = [
  { match: 'last', gauge: 'last' },
  { match: 'max', gauge: 'max' },
];

/** By the label `p` of a series: its ttl; 0 is none. */
type Ttls = Readonly<Record<'1' | '2', number>>;

/** Something always expires, so that it is always known when a series was named. */
function rulesText(ttls: Ttls): string {
  const own = Object.entries(ttls).map(([p, ttl]) => ({ match: `{p="${p}"}`, ttl }));
  return JSON.stringify([...gauges, ...own, { ttl: 60_000 }]);
}

interface Sample {
  readonly name: Name;
  readonly p: '1' | '2';
  readonly value: number;
}

const sample: fc.Arbitrary<Sample> = fc.record({
  name: fc.constantFrom(...names),
  p: fc.constantFrom('1', '2'),
  value: fc.nat(9),
});
const ttls: fc.Arbitrary<Ttls> = fc.record({
  '1': fc.constantFrom(500, 1000, 1500),
  '2': fc.constantFrom(0, 1000, 3000),
});
const source = fc.constantFrom('x', 'y');
const step = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      push: fc.uniqueArray(sample, { selector: seriesOf, maxLength: 6 }),
      source,
      method: fc.constantFrom('PUT' as const, 'POST' as const, 'POST' as const),
      /** Where senders of both kinds push: this one adds. */
      adds: fc.boolean(),
    }),
  },
  { weight: 6, arbitrary: fc.record({ waitMs: fc.constantFrom(100, 400, 500, 1100) }) },
  { weight: 1, arbitrary: fc.record({ remove: source }) },
  { weight: 1, arbitrary: fc.record({ ttls }) },
  { weight: 2, arbitrary: fc.constant({ restart: true as const }) },
  { weight: 1, arbitrary: fc.constant({ recycle: true as const }) },
);

function seriesOf({ name, p }: Pick<Sample, 'name' | 'p'>): string {
  return `${name}{p="${p}"}`;
}

interface Value {
  readonly value: number;
  readonly namedMs: number;
  readonly order: number;
}

class Model {
  ttls: Ttls;
  #order = 0;
  /** By series, of sources that are gone. */
  readonly #rest = new Map<string, number>();
  /** And of all who add. */
  readonly #common = new Map<string, Value>();
  /** When anybody named a series last. */
  readonly #namedMs = new Map<string, number>();
  readonly #sources = new Map<string, { pushedMs: number; readonly values: Map<string, Value> }>();

  constructor(is: Ttls) {
    this.ttls = is;
  }

  push(
    samples: readonly Sample[],
    by: {
      readonly source: string;
      readonly method: 'PUT' | 'POST';
      readonly nowMs: number;
      readonly adds: boolean;
    },
  ): void {
    this.#order += 1;
    if (by.adds) {
      this.#add(samples, by.nowMs);
      return;
    }
    const own = this.#sources.get(by.source) ?? { pushedMs: 0, values: new Map<string, Value>() };
    own.pushedMs = by.nowMs;
    this.#sources.set(by.source, own);
    if (by.method === 'PUT')
      for (const series of own.values.keys()) if (!isCounter(series)) own.values.delete(series);
    for (const { value, ...named } of samples) {
      const series = seriesOf(named);
      this.#namedMs.set(series, by.nowMs);
      own.values.set(series, { value, namedMs: by.nowMs, order: this.#order });
    }
  }

  #add(samples: readonly Sample[], nowMs: number): void {
    for (const { value, ...named } of samples) {
      const series = seriesOf(named);
      this.#namedMs.set(series, nowMs);
      const together = held(named.name, this.#common.get(series)?.value, value);
      this.#common.set(series, { value: together, namedMs: nowMs, order: this.#order });
    }
  }

  remove(name: string, goes: (series: string) => boolean): void {
    const own = this.#sources.get(name);
    if (own === undefined) return;
    for (const [series, { value }] of own.values)
      if (!goes(series)) this.#rest.set(series, (this.#rest.get(series) ?? 0) + value);
    this.#sources.delete(name);
  }

  expire(nowMs: number): void {
    for (const { values } of this.#sources.values())
      for (const [series, { namedMs }] of values)
        if (!isCounter(series) && namedMs + this.#ttlOf(series) <= nowMs) values.delete(series);
    for (const [series, { namedMs }] of this.#common) {
      if (isCounter(series) || namedMs + this.#ttlOf(series) > nowMs) continue;
      this.#common.delete(series);
      // Nobody can tell it from what they have.
      this.#rest.delete(series);
    }
    for (const [series, namedMs] of this.#namedMs) {
      if (namedMs + this.#ttlOf(series) > nowMs) continue;
      this.#namedMs.delete(series);
      this.#rest.delete(series);
      this.#common.delete(series);
      for (const { values } of this.#sources.values()) values.delete(series);
    }
    for (const [name, { pushedMs, values }] of this.#sources) {
      if (pushedMs < nowMs - FORGET_MS) this.remove(name, isGauge);
      else if (pushedMs < nowMs - PRUNE_MS)
        for (const series of values.keys()) if (isGauge(series)) values.delete(series);
    }
  }

  page(): string {
    const lines: string[] = [];
    for (const name of names) {
      const shown = (['1', '2'] as const).flatMap((p) => {
        const series = seriesOf({ name, p });
        const total = this.#totalOf(name, series);
        return total === undefined ? [] : [`${series} ${total}`];
      });
      if (shown.length > 0) lines.push(`# TYPE ${name} ${types[name] ?? 'untyped'}`, ...shown);
    }
    return lines.map((line) => `${line}\n`).join('');
  }

  #totalOf(name: Name, series: string): number | undefined {
    const values = [...this.#sources.values()].flatMap((own) => own.values.get(series) ?? []);
    const common = this.#common.get(series);
    if (common !== undefined) values.push(common);
    const rest = this.#rest.get(series);
    if (rest === undefined && values.length === 0) return undefined;
    return values
      .toSorted((a, b) => a.order - b.order)
      .reduce<number | undefined>((total, { value }) => held(name, total, value), rest);
  }

  #ttlOf(series: string): number {
    const ttl = this.ttls[series.includes('p="1"') ? '1' : '2'];
    return ttl === 0 ? Infinity : ttl;
  }
}

function isCounter(series: string): boolean {
  return series.startsWith('a_total');
}

function isGauge(series: string): boolean {
  return !isCounter(series) && !series.startsWith('u');
}

function held(name: Name, before: number | undefined, value: number): number {
  if (before === undefined || name === 'last') return value;
  return name === 'max' ? Math.max(before, value) : before + value;
}

function textOf(samples: readonly Sample[]): string {
  return samples
    .map((each) => {
      const type = types[each.name];
      const line = `${seriesOf(each)} ${each.value}\n`;
      return { name: each.name, text: type === undefined ? line : `# TYPE ${each.name} ${type}\n${line}` };
    })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .reduce(
      ({ text, name }, each) => ({
        name: each.name,
        text: text + (each.name === name ? each.text.replace(/^#.*\n/, '') : each.text),
      }),
      { text: '', name: '' },
    ).text;
}

test.each(['add', 'by-job', 'mixed'])('the page is that of the model (%s)', async (mode) => {
  await fc.assert(
    fc.asyncProperty(
      ttls,
      fc.boolean(),
      fc.array(step, { maxLength: 40, size: 'max' }),
      async (first, isSmall, all) => {
        let working = new WorkingState(
          {
            byJob: mode !== 'add',
            ...(mode === 'mixed' ? { mixed: true } : {}),
            metricRules: rulesText(first),
          },
          1,
          defaultLimits,
          isSmall ? 1 : undefined,
        );
        const model = new Model(first);
        let nowMs = 1_000_000;
        for (const each of all) {
          const { state } = working;
          if ('push' in each) {
            const by = { source: each.source, method: each.method, nowMs };
            const adds = mode === 'mixed' ? each.adds : mode === 'add';
            model.push(each.push, { ...by, adds });
            const sender = { byJob: !adds, counterResets: 'overwrite' } as const;
            expect(working.push(textOf(each.push), { ...by, sender })).toBe('taken');
          } else if ('waitMs' in each) nowMs += each.waitMs;
          else if ('remove' in each) {
            model.remove(each.remove, (series) => !isCounter(series));
            state.remove(each.remove);
          } else if ('ttls' in each) {
            model.ttls = each.ttls;
            state.setAggregation({ ...state.aggregation, metricRules: rulesText(each.ttls) }, nowMs);
          } else if ('restart' in each) {
            const facts = working.facts();
            working = await working.restored(2);
            expect(working.facts()).toEqual(facts);
          } else state.recycle();
          model.expire(nowMs);
          atOnce(expireSeries(working, nowMs));
          if (mode !== 'add')
            working.state.expire({ pruneBeforeMs: nowMs - PRUNE_MS, forgetBeforeMs: nowMs - FORGET_MS }, 100);
          expect(await working.page()).toBe(model.page());
        }
      },
    ),
    { numRuns: runs(400) },
  );
});
