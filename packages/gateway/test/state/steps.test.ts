/** However many rows a change touches, one step of it touches few. */
import { expect, test } from 'vitest';

import { PushCommand } from '../../src/wal/push-command.ts';
import { RecordReader, RecordWriter } from '../../src/wal/record.ts';
import { restoreState } from '../../src/snapshot/restore-state.ts';
import type { AggregationConfig } from '../../src/store/aggregation-config.ts';
import { State } from '../../src/state/state.ts';
import { takeSnapshotInSteps } from '../../src/snapshot/take-snapshot.ts';
import { defaultLimits } from '../../src/store/limits.ts';
import { sortNumbers, Pace } from '../../src/primitives/pace.ts';
import { atOnce } from '../../src/primitives/turns.ts';
import { targetOf } from './target.ts';
import { inTurn, partsOf, WorkingState } from './working-state.ts';
import { openView, viewOf } from '../../src/read/view.ts';
import { expectSame } from '../support/expect-same.ts';

const ROWS = 1000;
const STEP_ROWS = 64;
const overwrite = { byJob: true, counterResets: 'overwrite' } as const;
const accumulate = { byJob: true, counterResets: 'accumulate' } as const;
const add = { byJob: false } as const;

function made(aggregation: Partial<AggregationConfig>): WorkingState {
  return new WorkingState(aggregation, 1, defaultLimits, STEP_ROWS);
}

function lines(name: string, value: number, from = 0): string {
  return Array.from({ length: ROWS }, (_, i) => `${name}{i="${from + i}"} ${value}\n`).join('');
}

const allNumbers = ({ accumulators }: State): Uint32Array =>
  Uint32Array.from({ length: accumulators.texts.high }, (_, accumulator) => accumulator);

const gauges = `# TYPE g gauge\n${lines('g', 1)}`;
const newest = '[{"gauge":"last"}]';
const histograms = `# TYPE h histogram\n${Array.from(
  { length: ROWS / 4 },
  (_, i) =>
    `h_bucket{i="${i}",le="1"} 3\nh_bucket{i="${i}",le="+Inf"} 4\nh_sum{i="${i}"} 2\nh_count{i="${i}"} 4\n`,
).join('')}`;
const started = (seconds: number): string =>
  `# TYPE x_total counter\n${lines('x_total', 1)}# TYPE x_created gauge\n${lines('x_created', seconds)}`;
const summaries = `# TYPE s summary\n${lines('s_sum', 1)}${lines('s_count', 1)}`;

interface Case {
  readonly symptom: string;
  readonly aggregation: Partial<AggregationConfig>;
  readonly before: (one: WorkingState) => void;
  readonly change: (one: WorkingState) => Generator<void, unknown>;
}

const begun = (start: number): string => {
  const metrics = Array.from(
    { length: ROWS },
    (_, i) => `c_total{i="${i}"} 1\nc_created{i="${i}"} ${1.6e9 + start}\n`,
  );
  return `# TYPE c counter\n${metrics.join('')}# EOF\n`;
};
const openMetrics = { openMetricsSlice: 1 << 20 };
const ofA = { source: 'a', method: 'PUT' } as const;
const cases: readonly Case[] = [
  {
    symptom: 'a line that makes untyped series counters',
    aggregation: add,
    before: (one) => one.push(lines('x', 1)),
    change: (one) => one.pushInSteps('# TYPE x counter\nx 1\n'),
  },
  {
    symptom: 'a line that makes untyped series strays',
    aggregation: add,
    before: (one) => one.push(lines('x', 1)),
    change: (one) => one.pushInSteps('# TYPE x histogram\nx_bucket{le="+Inf"} 1\n'),
  },
  {
    symptom: 'a line that takes the names of untyped series',
    aggregation: overwrite,
    before: (one) => one.push(lines('x_count', 1), ofA),
    change: (one) => one.pushInSteps('# TYPE x histogram\nx_bucket{le="+Inf"} 1\n'),
  },
  {
    symptom: 'a line that makes histograms of untyped series',
    aggregation: add,
    before: (one) => one.push(histograms.slice(histograms.indexOf('\n') + 1)),
    change: (one) => one.pushInSteps('# TYPE h histogram\nh_bucket{le="+Inf"} 1\n'),
  },
  {
    symptom: 'the same of untyped series that a source has',
    aggregation: overwrite,
    before: (one) => one.push(histograms.slice(histograms.indexOf('\n') + 1), ofA),
    change: (one) => one.pushInSteps('# TYPE h histogram\nh_bucket{le="+Inf"} 1\n'),
  },
  {
    symptom: 'a push that makes gauges start times',
    aggregation: overwrite,
    before: (one) => one.push(started(1), ofA),
    change: (one) => one.pushInSteps(started(1.6e9), ofA),
  },
  {
    symptom: 'a push that makes start times gauges',
    aggregation: add,
    before: (one) => one.push(started(1.6e9)),
    change: (one) => one.pushInSteps(started(1)),
  },
  {
    symptom: 'a restart that start times tell',
    aggregation: accumulate,
    before: (one) => one.push(begun(0), openMetrics),
    change: (one) => one.pushInSteps(begun(10), openMetrics),
  },
  {
    symptom: 'a stray of many small sources',
    aggregation: overwrite,
    before: (one) => {
      for (let s = 0; s < ROWS / 10; s += 1)
        one.push(lines('x', 1).split('\n', 10).join('\n') + '\n', { source: `s${s}` });
    },
    change: (one) => one.pushInSteps('# TYPE x histogram\nx_bucket{le="+Inf"} 1\n'),
  },
  {
    symptom: 'a DELETE',
    aggregation: overwrite,
    before: (one) => one.push(gauges, ofA),
    change: ({ state }) => state.removeInSteps(['a']),
  },
  {
    symptom: 'several sources that are retired at once',
    aggregation: overwrite,
    before: (one) => {
      for (let s = 0; s < 300; s += 1)
        one.push(gauges.split('\n', 11).join('\n') + '\n', { source: `s${s}` });
    },
    change: ({ state }) => state.removeInSteps(Array.from({ length: 300 }, (_, s) => `s${s}`)),
  },
  {
    symptom: 'counters that are dropped',
    aggregation: add,
    before: (one) => one.push(started(1.6e9)),
    change: ({ state }) => state.dropSeriesInSteps(allNumbers(state)),
  },
  {
    symptom: 'histograms that are dropped while a source has them',
    aggregation: accumulate,
    before: (one) => one.push(histograms, ofA),
    change: ({ state }) => state.dropSeriesInSteps(allNumbers(state)),
  },
  {
    symptom: 'a PUT of less',
    aggregation: overwrite,
    before: (one) => one.push(gauges, ofA),
    change: (one) => one.pushInSteps('# TYPE g gauge\ng 1\n', ofA),
  },
  {
    symptom: 'a PUT of the same with other values',
    aggregation: overwrite,
    before: (one) => one.push(gauges, ofA),
    change: (one) => one.pushInSteps(gauges.replaceAll('} 1', '} 2'), ofA),
  },
  {
    symptom: 'a POST of the same',
    aggregation: add,
    before: (one) => one.push(gauges),
    change: (one) => one.pushInSteps(gauges),
  },
  {
    symptom: 'a PUT of histograms that began anew',
    aggregation: accumulate,
    before: (one) => one.push(histograms, ofA),
    change: (one) => one.pushInSteps(histograms.replaceAll('} 4', '} 3'), ofA),
  },
  {
    symptom: 'a push of new histograms',
    aggregation: add,
    before: () => {},
    change: (one) => one.pushInSteps(histograms),
  },
  {
    symptom: 'the reset of a silent source',
    aggregation: overwrite,
    before: (one) => one.push(gauges, ofA),
    change: ({ state }) => state.expireInSteps({ pruneBeforeMs: 10 }, 500),
  },
  {
    symptom: 'many silent sources that are forgotten at once',
    aggregation: overwrite,
    before: (one) => {
      for (let s = 0; s < 300; s += 1)
        one.push(gauges.split('\n', 11).join('\n') + '\n', { source: `s${s}` });
    },
    change: ({ state }) => state.expireInSteps({ forgetBeforeMs: 10 }, 500),
  },
  {
    symptom: 'numbers that are used again',
    aggregation: overwrite,
    before: (one) => {
      one.push(gauges, ofA);
      one.state.remove('a');
    },
    change: ({ state }) => state.recycleInSteps(),
  },
  {
    symptom: 'a start without by-job mode',
    aggregation: overwrite,
    before: (one) => one.push(gauges, ofA),
    change: ({ state }) => state.setAggregationInSteps({ ...state.aggregation, byJob: false }, 1),
  },
  {
    symptom: 'a start without summaries',
    aggregation: add,
    before: (one) => one.push(summaries),
    change: ({ state }) => state.setAggregationInSteps({ ...state.aggregation, summaries: 'discard' }, 1),
  },
  ...[undefined, '[{"gauge":"max"}]'].map((metricRules) => ({
    symptom: `gauges that become the newest, by rules other than ${metricRules}`,
    aggregation: { ...overwrite, metricRules },
    before: (one: WorkingState) => {
      for (const source of ['a', 'b']) one.push(gauges, { source });
    },
    change: ({ state }: WorkingState) =>
      state.setAggregationInSteps({ ...state.aggregation, metricRules: newest }, 0),
  })),
  {
    symptom: 'gauges without sources, of which rules make something else',
    aggregation: add,
    before: (one) => one.push(gauges),
    change: ({ state }) => state.setAggregationInSteps({ ...state.aggregation, metricRules: newest }, 0),
  },
  ...[add, accumulate].map((aggregation) => ({
    symptom: `histograms that fold, ${aggregation.byJob ? 'by job' : 'in add mode'}`,
    aggregation: { ...aggregation, metricRules: '[{"buckets":[1]}]' },
    before: (one: WorkingState) => {
      for (const source of ['a', 'b']) one.push(histograms, { source });
    },
    change: ({ state }: WorkingState) =>
      state.setAggregationInSteps({ ...state.aggregation, metricRules: '[{"buckets":[2]}]' }, 0),
  })),
  {
    symptom: 'a push of many gauges of which the newest is shown',
    aggregation: { ...overwrite, metricRules: newest },
    before: (one) => {
      for (const source of ['a', 'b']) one.push(gauges, { source });
    },
    change: (one) => one.pushInSteps(gauges.replaceAll(' 1\n', ' 2\n'), { source: 'a' }),
  },
];

/** What can be seen of rows: as many numbers as there are columns for each. */
function rowsOf({ accumulators }: State): readonly (readonly number[])[] {
  const { high } = accumulators.texts;
  return Array.from({ length: high }, (_, accumulator) => [
    accumulators.kind[accumulator]!,
    accumulators.contributors[accumulator]!,
    accumulators.sums.get(accumulator),
    accumulators.createdEpoch[accumulator]!,
  ]);
}

test.each(cases)('$symptom goes in short steps', ({ aggregation, before, change }) => {
  const one = made(aggregation);
  before(one);
  const steps = change(one);
  let count = 0;
  let most = 0;
  let rows = rowsOf(one.state);
  let pendingFree = one.state.accumulators.pendingFree.length;
  for (;;) {
    const { done } = steps.next();
    count += 1;
    const now = rowsOf(one.state);
    const changed = now.filter((row, accumulator) =>
      row.some((each, i) => !Object.is(each, rows[accumulator]?.[i])),
    ).length;
    most = Math.max(most, changed, one.state.accumulators.pendingFree.length - pendingFree);
    rows = now;
    pendingFree = one.state.accumulators.pendingFree.length;
    if (done === true) break;
  }
  expect(count).toBeGreaterThanOrEqual(ROWS / STEP_ROWS);
  expect(most).toBeLessThanOrEqual(STEP_ROWS * 2);
});

test('a short push takes one step', () => {
  for (const aggregation of [add, overwrite, accumulate]) {
    const one = made(aggregation);
    one.push(gauges, { source: 'other' });
    for (const body of ['g{i="5"} 2\n', '# TYPE new counter\nnew 1\n', 'g{i="5"} 3\nnew 2\n'])
      expect(one.pushInSteps(body, { source: 'a' }).next().done).toBe(true);
  }
});

test('a view, and a snapshot of sums that spilled, are opened in short steps', () => {
  const one = made(add);
  for (const value of [1e200, 1, 1e-200]) one.push(`# TYPE g gauge\n${lines('g', value)}`);
  expect(one.state.accumulators.sums.spilledCount).toBe(ROWS);
  const count = (steps: Iterator<void, unknown>): number => {
    let done = 1;
    while (steps.next().done !== true) done += 1;
    return done;
  };
  expect(count(takeSnapshotInSteps(one.state))).toBeGreaterThanOrEqual(ROWS / STEP_ROWS);
  for (let i = 0; i < 500; i += 1) one.push(`x${i} 1\n`);
  expect(count(openView(one.state))).toBeGreaterThanOrEqual(500 / STEP_ROWS);
});

test('freed rows are taken out of the lists of their families in short steps', () => {
  const one = made(overwrite);
  one.push(gauges, ofA);
  one.push('# TYPE g gauge\ng{i="1"} 1\n', { source: 'b' });
  one.state.remove('a');
  let count = 0;
  for (const _ of openView(one.state)) count += 1;
  expect(count).toBeGreaterThanOrEqual(ROWS / STEP_ROWS - 1);
});

test('a record of many new series is read in short steps', () => {
  const one = made(add);
  const other = made(add);
  const writer = new RecordWriter(one.state);
  let record: Uint8Array | undefined;
  one.beforeApplying = (batch, origin) => {
    record = Uint8Array.from(writer.write(new PushCommand(batch, new Uint8Array(0), origin), origin));
  };
  one.push(histograms);
  const steps = new RecordReader(other.state).readInSteps(record!);
  let count = 0;
  for (;;) {
    const { done, value } = steps.next();
    count += 1;
    if (done !== true) continue;
    atOnce(value.command.apply(targetOf(other.state), value.times));
    break;
  }
  expect(count).toBeGreaterThanOrEqual(ROWS / STEP_ROWS);
  expectSame(other.facts(), one.facts());
});

test('lists of native buckets are cleaned once for all that were freed', () => {
  const one = made(add);
  const { composites } = one.state.accumulators;
  let reads = 0;
  const native = Array.from({ length: 200 }, (_, accumulator) => accumulator);
  one.push(lines('x', 1));
  composites.push({
    count: -1,
    sum: -1,
    buckets: [],
    get native() {
      reads += 1;
      return native;
    },
    set native(_) {},
  });
  for (let accumulator = 0; accumulator < 200; accumulator += 1) {
    one.state.accumulators.composite[accumulator] = 0;
    one.state.accumulators.free(accumulator);
  }
  atOnce(one.state.accumulators.forgetFreedMembers(one.state.pace, { reusesComposites: true }));
  expect(reads).toBeLessThan(10);
});

test('a snapshot is restored in short steps, whoever contributes most', async () => {
  const one = made(overwrite);
  one.push(gauges, ofA);
  const other = made(overwrite);
  let most = 0;
  let size = 0;
  other.state.pace.isFull = (rows) => {
    const added = other.state.accumulators.size - size;
    const isFull = Pace.prototype.isFull.call(other.state.pace, rows);
    if (isFull) {
      most = Math.max(most, added);
      size = other.state.accumulators.size;
    }
    return isFull;
  };
  await restoreState(inTurn(await partsOf(one.state)), other.state);
  expectSame(other.facts(), one.facts());
  expect(most).toBeGreaterThan(0);
  expect(most).toBeLessThanOrEqual(STEP_ROWS);
});

test('a view that was opened before shows histograms that have become something else', async () => {
  const working = new WorkingState({ byJob: true }, 1);
  const { state } = working;
  const put = { source: 'a', method: 'PUT' } as const;
  const body = ['1', '2'].map(
    (s) => `h_bucket{s="${s}",le="+Inf"} 1\nh_sum{s="${s}"} 1\nh_count{s="${s}"} 1\n`,
  );
  const page = `# TYPE h histogram\n${body.join('')}`;
  expect(working.push(page, put)).toBe('taken');
  const view = viewOf(state);
  expect(working.push('# TYPE h gauge\nh 1\n', put)).toBe('taken');
  expect(await working.page(view)).toBe(page);
  view.close();
  state.recycle();
  expect(working.push(page, put)).toBe('taken');
  expect(await working.page()).toBe(page);
  expectSame((await working.restored(2)).facts(), working.facts());
});

test('gauge histograms that earlier versions left as zeros go when this one begins', async () => {
  const aggregation = { byJob: true, counterResets: 'overwrite', summaries: 'discard' } as const;
  const working = new WorkingState({ ...aggregation, dropsWithdrawn: undefined } as typeof aggregation, 1);
  const histograms = (...series: readonly string[]): string =>
    `# TYPE h gaugehistogram\n${series
      .map((s) => `h_bucket{s="${s}",le="+Inf"} 1\nh_gcount{s="${s}"} 1\nh_gsum{s="${s}"} 1\n`)
      .join('')}# EOF\n`;
  const as = { method: 'PUT', openMetricsSlice: 1000 } as const;
  working.push(histograms('1', '2'), { ...as, source: 'a' });
  working.push(histograms('2', '3'), { ...as, source: 'b' });
  working.state.remove('a');
  const { state } = await working.restored(2);
  for (const each of [working.state, state]) {
    expect(each.accumulators.size).toBe(9);
    each.setAggregation({ ...aggregation, dropsWithdrawn: true });
    expect(each.accumulators.size).toBe(6);
    each.remove('b');
    expect(each.accumulators.size).toBe(0);
    expect(each.families.size).toBe(0);
  }
});

test('start times stay where earlier versions left them, and go from the moment this one begins', async () => {
  const aggregation = {
    byJob: true,
    counterResets: 'overwrite',
    summaries: 'discard',
    groups: true,
  } as const;
  const working = new WorkingState({ ...aggregation, dropsStartTimes: undefined } as typeof aggregation, 1);
  const text = (seconds: number): string =>
    `# TYPE c_total counter\nc_total{job="${seconds}"} 1\n# TYPE c_created gauge\nc_created{job="${seconds}"} 170000000${seconds}\n`;
  const sourceOf = (seconds: number): string => JSON.stringify([['job', `${seconds}`]]);
  for (const seconds of [1, 2]) working.push(text(seconds), { method: 'PUT', source: sourceOf(seconds) });
  working.state.remove(sourceOf(1));
  const { state } = await working.restored(2);
  for (const each of [working.state, state]) {
    expect(each.accumulators.size).toBe(3);
    each.setAggregation({ ...aggregation, dropsStartTimes: true });
    expect(each.accumulators.size).toBe(3);
    each.remove(sourceOf(2));
    expect(each.accumulators.size).toBe(1);
  }
});

test('numbers are sorted, few or many', () => {
  let seed = 1;
  for (const length of [0, 1, STEP_ROWS, STEP_ROWS + 1, 5000]) {
    const numbers = Uint32Array.from({ length }, () => (seed = Math.imul(seed, 48271) >>> 0));
    const expected = [...numbers].toSorted((a, b) => a - b);
    expect([...atOnce(sortNumbers(new Pace(STEP_ROWS), numbers))]).toEqual(expected);
  }
});

test('rules look at few series in a step where these are long', () => {
  const working = made(overwrite);
  working.push(`# TYPE g gauge\ng{i="1"} 1\ng{i="2"} 1\n`);
  const stepsOf = (pattern: string): number => {
    const { state } = working;
    const metricRules = JSON.stringify([{ match: `{i=~"${pattern}"}`, gauge: 'max' }]);
    return [...state.setAggregationInSteps({ ...state.aggregation, metricRules }, 0)].length;
  };
  const short = stepsOf('.*9');
  working.push(`# TYPE g gauge\n${[3, 4, 5].map((i) => `g{i="${i}${'x'.repeat(4096)}"} 1\n`).join('')}`, {
    source: 'y',
  });
  expect(stepsOf('.*8')).toBeGreaterThanOrEqual(short + 3);
});
