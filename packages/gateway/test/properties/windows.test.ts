/**
 * What gauges with a window show, whatever has happened: the page is that of a model which keeps each value with its time, and looks at all of them.
 * A restart is not seen, and the records alone lead to the same.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { atOnce } from '../../src/primitives/turns.ts';
import { defaultLimits } from '../../src/store/limits.ts';
import { DropSeries, Recycle, SetAggregation } from '../../src/wal/commands.ts';
import type { Command, Times } from '../../src/wal/commands.ts';
import { PushCommand } from '../../src/wal/push-command.ts';
import { RecordReader, RecordWriter } from '../../src/wal/record.ts';
import { expireSeries } from '../state/course.ts';
import { targetOf } from '../state/target.ts';
import { WorkingState } from '../state/working-state.ts';
import { runs } from '../support/runs.ts';

const SLOTS = 13;

interface Rule {
  readonly gauge: 'min' | 'max' | 'sum';
  readonly window?: number;
}

/** By the label `p` of a series. */
type Rules = Readonly<Record<'1' | '2', Rule>>;

function rulesText(rules: Rules): string {
  return JSON.stringify(Object.entries(rules).map(([p, rule]) => ({ match: `g{p="${p}"}`, ...rule })));
}

interface Sample {
  readonly series: string;
  readonly p: '1' | '2';
  readonly value: number;
}

const sample: fc.Arbitrary<Sample> = fc
  .record({
    p: fc.constantFrom('1' as const, '2' as const),
    l: fc.constantFrom('a', 'b', 'c'),
    value: fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: -9, max: 9 }) },
      { weight: 1, arbitrary: fc.constantFrom(-0, Infinity, -Infinity, NaN) },
    ),
  })
  .map(({ p, l, value }) => ({ series: `g{l="${l}",p="${p}"}`, p, value }));
const rule: fc.Arbitrary<Rule> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ gauge: fc.constantFrom('min', 'max'), window: fc.constantFrom(1200, 1201, 5000) }),
  },
  { weight: 1, arbitrary: fc.record({ gauge: fc.constantFrom('min', 'max', 'sum') }) },
);
const rules: fc.Arbitrary<Rules> = fc.record({ '1': rule, '2': rule });
const step = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      push: fc.uniqueArray(sample, { selector: ({ series }) => series, minLength: 1, maxLength: 6 }),
    }),
  },
  { weight: 8, arbitrary: fc.record({ waitMs: fc.constantFrom(1, 50, 100, 400, 1100, 1300, 6000) }) },
  { weight: 6, arbitrary: fc.constant({ expire: true as const }) },
  { weight: 1, arbitrary: fc.record({ rules }) },
  { weight: 1, arbitrary: fc.record({ drop: fc.nat(6) }) },
  { weight: 2, arbitrary: fc.constant({ restart: true as const }) },
  { weight: 1, arbitrary: fc.constant({ recycle: true as const }) },
);

interface Held {
  readonly p: '1' | '2';
  shown: number;
  values: { readonly value: number; readonly atMs: number }[];
}

class Model {
  rules: Rules;
  readonly held = new Map<string, Held>();

  constructor(is: Rules) {
    this.rules = is;
  }

  push(samples: readonly Sample[], nowMs: number): void {
    for (const { series, p, value } of samples) {
      const isSum = this.rules[p].gauge === 'sum';
      if (isSum ? !Number.isFinite(value) : Number.isNaN(value)) continue;
      const held = this.held.get(series) ?? { p, shown: Number.NaN, values: [] };
      this.held.set(series, held);
      held.values = [...this.#left(held, nowMs), { value, atMs: nowMs }];
      held.shown = this.#totalOf(held);
    }
  }

  expire(nowMs: number): void {
    for (const [series, held] of this.held) {
      held.values = this.#left(held, nowMs);
      held.shown = this.#totalOf(held);
      if (held.values.length === 0) this.held.delete(series);
    }
  }

  setRules(is: Rules, nowMs: number): void {
    const before = this.rules;
    this.rules = is;
    for (const [series, held] of this.held) {
      const [was, now] = [before[held.p], is[held.p]];
      if (was.gauge !== now.gauge) this.held.delete(series);
      else if (now.gauge !== 'sum' && slotOf(was) !== slotOf(now))
        held.values = [{ value: held.shown, atMs: nowMs }];
    }
  }

  page(): string {
    const lines = [...this.held].map(([series, { shown }]) => `${series} ${written(shown)}\n`).toSorted();
    return lines.length === 0 ? '' : `# TYPE g gauge\n${lines.join('')}`;
  }

  #left({ p, values }: Held, nowMs: number): Held['values'] {
    const slotMs = slotOf(this.rules[p]);
    if (slotMs === undefined) return values;
    const first = Math.floor(nowMs / slotMs) - SLOTS;
    return values.filter(({ atMs }) => Math.floor(atMs / slotMs) > first);
  }

  #totalOf({ p, values }: Held): number {
    const numbers = values.map(({ value }) => value);
    const { gauge } = this.rules[p];
    if (gauge === 'sum') return numbers.reduce((sum, value) => sum + value, 0);
    return gauge === 'max' ? Math.max(...numbers) : Math.min(...numbers);
  }
}

function slotOf({ window }: Rule): number | undefined {
  return window && Math.ceil(window / (SLOTS - 1));
}

function written(value: number): string {
  return String(value).replace('Infinity', 'Inf').replace(/^Inf/, '+Inf');
}

/** Zero below zero is shown as such by some, and equal. */
function comparable(page: string): string {
  return page.replaceAll(/ -0$/gm, ' 0');
}

test('the page is that of the model', async () => {
  await fc.assert(
    fc.asyncProperty(
      rules,
      fc.boolean(),
      fc.array(step, { maxLength: 40, size: 'max' }),
      async (first, isSmall, all) => {
        const metricRules = rulesText(first);
        let working = new WorkingState({ metricRules }, 1, defaultLimits, isSmall ? 1 : undefined);
        const model = new Model(first);
        const records: Uint8Array[] = [];
        let nowMs = 1_000_000;
        const record = (command: Command<unknown>, times: Times = { nowMs, wallMs: nowMs }): void =>
          void records.push(Uint8Array.from(new RecordWriter(working.state).write(command, times)));
        const watch = (): void => {
          working.beforeApplying = (batch, { source, method, ...times }) =>
            record(new PushCommand(batch, new Uint8Array(0), { source, method }), times);
        };
        const apply = (command: Command<unknown>): void => {
          record(command);
          atOnce(command.apply(targetOf(working.state), { nowMs, wallMs: nowMs }));
        };
        watch();
        for (const each of all) {
          if ('push' in each) {
            model.push(each.push, nowMs);
            const lines = each.push.map(({ series, value }) => `${series} ${written(value)}\n`);
            expect(working.push(`# TYPE g gauge\n${lines.join('')}`, { nowMs })).toBe('taken');
          } else if ('waitMs' in each) nowMs += each.waitMs;
          else if ('expire' in each) {
            model.expire(nowMs);
            atOnce(expireSeries(working, nowMs, (command) => record(command)));
          } else if ('rules' in each) {
            model.setRules(each.rules, nowMs);
            const { aggregation } = working.state;
            apply(new SetAggregation({ ...aggregation, metricRules: rulesText(each.rules) }));
          } else if ('drop' in each) {
            const { texts, kind } = working.state.accumulators;
            const isThere = each.drop < texts.high && kind[each.drop] !== 0;
            if (isThere) model.held.delete(texts.textOf(each.drop));
            apply(new DropSeries(Uint32Array.of(each.drop)));
          } else if ('restart' in each) {
            const facts = working.facts();
            working = await working.restored(2);
            expect(working.facts()).toEqual(facts);
            watch();
          } else apply(new Recycle());
          expect(comparable(await working.page())).toBe(comparable(model.page()));
        }
        const again = new WorkingState({ metricRules }, 3);
        const reader = new RecordReader(again.state);
        for (const bytes of records) {
          const { command, times } = reader.read(bytes);
          atOnce(command.apply(targetOf(again.state), times));
        }
        expect(again.facts()).toEqual(working.facts());
      },
    ),
    { numRuns: runs(1200) },
  );
});
