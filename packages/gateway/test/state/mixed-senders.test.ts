/** Senders that add and senders that count by job, on the same series. */
import { expect, test } from 'vitest';

import { decodeText } from '../../src/exposition/text/decode.ts';
import { checkSourceGrowth, nearsSourceLimit } from '../../src/ingest/check-limits.ts';
import { PushBuilder } from '../../src/ingest/push-builder.ts';
import { atOnce } from '../../src/primitives/turns.ts';
import type { AggregationConfig, SenderMode } from '../../src/store/aggregation-config.ts';
import { verifyState } from '../../src/snapshot/verify.ts';
import { defaultLimits } from '../../src/store/limits.ts';
import { expireSeries } from './course.ts';
import { WorkingState } from './working-state.ts';

const adds: SenderMode = { byJob: false, counterResets: 'overwrite' };
const byJob: SenderMode = { byJob: true, counterResets: 'overwrite' };
const accumulates: SenderMode = { byJob: true, counterResets: 'accumulate' };

function mixedState(aggregation: Partial<AggregationConfig> = {}): WorkingState {
  return new WorkingState({ byJob: true, mixed: true, addsByDefault: true, ...aggregation }, 1);
}

/** What the page shows, without metadata. */
async function lines(working: WorkingState): Promise<readonly string[]> {
  return (await working.page()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

function push(
  working: WorkingState,
  text: string,
  source: string,
  sender: SenderMode,
  method: 'PUT' | 'POST' = 'POST',
): string {
  return working.push(text, { source, sender, method });
}

test('what is added comes to what sources have, whoever pushes first', async () => {
  const working = mixedState();
  const counter = '# TYPE c counter\nc';
  push(working, `${counter} 1\n`, 'web', adds);
  push(working, `${counter} 10\n`, 'x', byJob);
  push(working, `${counter} 1\n`, 'web', adds);
  push(working, `${counter} 25\n`, 'x', byJob);
  expect(await lines(working)).toEqual(['c 27']);
  // A path that adds is no source, whatever its name is.
  push(working, `${counter} 1\n`, 'x', adds);
  expect(await lines(working)).toEqual(['c 28']);
  expect(working.state.sources.size).toBe(1);
});

test('each source has its own rule of what a counter that falls means', async () => {
  const working = mixedState();
  for (const [value, source, sender] of [
    [10, 'x', byJob],
    [10, 'y', accumulates],
    [3, 'x', byJob],
    [3, 'y', accumulates],
  ] as const)
    push(working, `# TYPE c counter\nc ${value}\n`, source, sender);
  expect(await lines(working)).toEqual(['c 16']);
});

test('gauges go with their source, but for what was added', async () => {
  const working = mixedState();
  const gauge = '# TYPE g gauge\ng';
  push(working, `${gauge} 5\n`, 'x', byJob);
  push(working, `${gauge} 2\n`, 'web', adds);
  push(working, `${gauge} -1\n`, 'web', adds);
  expect(await lines(working)).toEqual(['g 6']);
  working.state.remove('x');
  expect(await lines(working)).toEqual(['g 1']);
  working.state.expire({ pruneBeforeMs: 1e9, forgetBeforeMs: 1e9 }, 100);
  expect(await lines(working)).toEqual(['g 1']);
});

test.each([
  ['max', 9, 7, 4],
  ['min', 4, 4, 4],
  ['last', 4, 4, 4],
])('%s is of sources and of what was added', async (gauge, all, without, added) => {
  const working = mixedState({ metricRules: JSON.stringify([{ gauge }]) });
  for (const [value, source, sender] of [
    [9, 'x', byJob],
    [7, 'y', byJob],
    [4, 'web', adds],
  ] as const)
    push(working, `# TYPE g gauge\ng ${value}\n`, source, sender);
  expect(await lines(working)).toEqual([`g ${all}`]);
  working.state.remove('x');
  expect(await lines(working)).toEqual([`g ${without}`]);
  working.state.remove('y');
  expect(await lines(working)).toEqual([`g ${added}`]);
});

test('what was added last is older than what a source says later', async () => {
  const working = mixedState({ metricRules: '[{"gauge":"last"}]' });
  push(working, '# TYPE g gauge\ng 1\n', 'web', adds);
  push(working, '# TYPE g gauge\ng 2\n', 'x', byJob);
  expect(await lines(working)).toEqual(['g 2']);
  push(working, '# TYPE g gauge\ng 3\n', 'web', adds);
  expect(await lines(working)).toEqual(['g 3']);
  push(working, '# TYPE g gauge\ng 4\n', 'x', byJob);
  working.state.remove('x');
  expect(await lines(working)).toEqual(['g 3']);
});

test.each(['avg', 'count'])('%s is refused to a sender that adds, known or not', (gauge) => {
  const working = mixedState({ metricRules: JSON.stringify([{ gauge }]) });
  expect(push(working, '# TYPE g gauge\ng 1\n', 'web', adds)).toBe('unsupported_type');
  expect(push(working, '# TYPE g gauge\ng 1\n', 'x', byJob)).toBe('taken');
  expect(push(working, '# TYPE g gauge\ng 1\n', 'web', adds)).toBe('unsupported_type');
});

test('a group of Pushgateway takes its counters with it, but not what was added', async () => {
  const working = mixedState({ groups: true });
  const source = '[["job","x"]]';
  const text = '# TYPE c counter\nc{job="x"} 0\n# TYPE d counter\nd{job="x"} 0\n';
  push(working, text, source, byJob);
  push(working, '# TYPE c counter\nc{job="x"} 0\n', 'web', adds);
  working.state.remove(source);
  expect(await lines(working)).toEqual(['c{job="x"} 0']);
});

test('lines of a histogram without its TYPE are adopted with what was added', async () => {
  const working = mixedState({ groups: true });
  const source = '[["job","x"]]';
  const untyped = (count: number): string =>
    `h_bucket{job="x",le="1"} 0\nh_bucket{job="x",le="+Inf"} ${count}\nh_count{job="x"} ${count}\n`;
  push(working, untyped(0), 'web', adds);
  push(working, untyped(2), source, byJob);
  expect(push(working, `# TYPE h histogram\n${untyped(3)}`, source, byJob)).toBe('taken');
  expect(await lines(working)).toContain('h_count{job="x"} 3');
  working.state.remove(source);
  expect(await lines(working)).toEqual([
    'h_bucket{job="x",le="1"} 0',
    'h_bucket{job="x",le="+Inf"} 0',
    'h_count{job="x"} 0',
  ]);
});

test('what was held before some senders count by job is what was added', async () => {
  const working = new WorkingState({}, 1);
  const text = '# TYPE c counter\nc 3\n# TYPE g gauge\ng 4\n';
  working.push(text);
  working.state.setAggregation({ ...working.state.aggregation, byJob: true, mixed: true });
  push(working, text, 'x', byJob);
  expect(await lines(working)).toEqual(['c 6', 'g 8']);
  working.state.remove('x');
  expect(await lines(working)).toEqual(['c 6', 'g 4']);
});

test('where all add again, only what sources have goes', async () => {
  const working = mixedState({ metricRules: '[{"match":"m","gauge":"max"}]' });
  push(working, '# TYPE g gauge\ng 1\n# TYPE m gauge\nm 1\n', 'web', adds);
  push(working, '# TYPE g gauge\ng 2\ng{l="x"} 2\n# TYPE m gauge\nm 2\n', 'x', byJob);
  const { mixed: _, ...aggregation } = working.state.aggregation;
  working.state.setAggregation({ ...aggregation, byJob: false });
  expect(await lines(working)).toEqual(['g 1', 'm 1']);
  expect(push(working, '# TYPE m gauge\nm 3\n', 'web', adds)).toBe('taken');
  expect(await lines(working)).toEqual(['g 1', 'm 3']);
});

test('where nobody adds any more, what was added stays', async () => {
  const working = mixedState();
  push(working, '# TYPE g gauge\ng 1\n', 'web', adds);
  const { mixed: _, ...aggregation } = working.state.aggregation;
  working.state.setAggregation(aggregation);
  push(working, '# TYPE g gauge\ng 2\n', 'x', byJob);
  expect(await lines(working)).toEqual(['g 3']);
  working.state.remove('x');
  expect(await lines(working)).toEqual(['g 1']);
});

test('other rules have gauges begin anew of what was added, and compute them from what sources have', async () => {
  const working = mixedState();
  push(working, '# TYPE g gauge\ng 1\ng{l="a"} 1\n', 'web', adds);
  push(working, '# TYPE g gauge\ng 2\n', 'x', byJob);
  working.state.setAggregation({ ...working.state.aggregation, metricRules: '[{"gauge":"min"}]' });
  expect(await lines(working)).toEqual(['g 2']);
  push(working, '# TYPE g gauge\ng 1\n', 'web', adds);
  expect(await lines(working)).toEqual(['g 1']);
});

test('a gauge to which somebody added may be a start time, which is no part of theirs', async () => {
  const working = mixedState();
  const text = (created: number): string =>
    `# TYPE c counter\nc 1\n# TYPE c_created gauge\nc_created ${created}\n`;
  push(working, text(5), 'web', adds);
  push(working, text(1_600_000_000), 'x', byJob);
  expect(await lines(working)).toEqual(['c 2', 'c_created 1600000000']);
  push(working, text(5), 'web', adds);
  expect(await lines(working)).toEqual(['c 3', 'c_created 5']);
});

test('what was added to gauges goes when nobody who adds has named it for its ttl', async () => {
  const rules = JSON.stringify([{ match: 'm', gauge: 'max' }, { ttl: 1000 }]);
  const working = mixedState({ metricRules: rules });
  const text = '# TYPE g gauge\ng 8\n# TYPE m gauge\nm 8\n# TYPE c counter\nc 8\n';
  working.push(text, { source: 'web', sender: adds, nowMs: 1000 });
  working.push(text.replaceAll(' 8', ' 1'), { source: 'x', nowMs: 1500 });
  expect(await lines(working)).toEqual(['c 9', 'g 9', 'm 8']);
  atOnce(expireSeries(working, 2000));
  expect(await lines(working)).toEqual(['c 9', 'g 1', 'm 1']);
  const restored = await working.restored(2);
  expect(restored.facts()).toEqual(working.facts());
  working.push(text, { source: 'web', sender: adds, nowMs: 2100 });
  expect(await lines(working)).toEqual(['c 17', 'g 9', 'm 8']);
});

test('what is kept beside totals for senders that add has the limit of sources', () => {
  const rules = '[{"gauge":"last"}]';
  const limits = { ...defaultLimits, sourceBytesTotalMax: 10_000 };
  const { state } = new WorkingState({ byJob: true, mixed: true, metricRules: rules }, 1, limits);
  const builder = new PushBuilder(state);
  const pushed = (gauges: number): boolean => {
    const body = Buffer.from(
      `# TYPE g gauge\n${Array.from({ length: gauges }, (_, i) => `g{l="${i}"} 1\n`).join('')}`,
    );
    builder.begin(body, undefined, 'web', { sender: adds });
    decodeText(body, 0, body.length, builder);
    const batch = builder.finish();
    if (nearsSourceLimit(state, batch))
      checkSourceGrowth(
        state,
        atOnce(state.sources.foresee('web', batch, { put: false, leaving: new Set() })).growth,
      );
    state.apply(batch, body, { source: 'web', method: 'POST', nowMs: 1, wallMs: 1 });
    return true;
  };
  expect(pushed(20)).toBe(true);
  expect(() => pushed(50)).toThrow(/--limit.source-bytes-total/);
  // What is there may be pushed again.
  expect(pushed(20)).toBe(true);
});

test('so does what was added to gauge histograms, and the series where nobody else has it', async () => {
  const working = mixedState({ metricRules: '[{"ttl":1000}]', dropsWithdrawn: true });
  const text = (labels: string): string =>
    `h_bucket{${labels},le="1"} 1\nh_bucket{${labels},le="+Inf"} 3\nh_gsum{${labels}} 4\nh_gcount{${labels}} 3\n`;
  const type = '# TYPE h gaugehistogram\n';
  const by = { source: 'web', sender: adds, openMetricsSlice: 1000 };
  const both = text('l="a"') + text('l="b"');
  expect(working.push(`${type}${both.replaceAll('le="1"', 'le="1.0"')}# EOF\n`, { ...by, nowMs: 1000 })).toBe(
    'taken',
  );
  const own = `${type}${text('l="a"').replaceAll('le="1"', 'le="1.0"')}# EOF\n`;
  working.push(own, { source: 'x', nowMs: 1500, openMetricsSlice: 1000 });
  expect(await lines(working)).toContain('h_count{l="a"} 6');
  atOnce(expireSeries(working, 2000));
  expect(await lines(working)).toEqual([
    'h_bucket{l="a",le="1"} 1',
    'h_bucket{l="a",le="+Inf"} 3',
    'h_sum{l="a"} 4',
    'h_count{l="a"} 3',
  ]);
  const restored = await working.restored(2);
  expect(restored.facts()).toEqual(working.facts());
});

test('buckets fold with what was added to them', async () => {
  const working = mixedState();
  const text =
    '# TYPE h histogram\nh_bucket{le="1"} 0\nh_bucket{le="2"} 1\nh_bucket{le="+Inf"} 3\nh_count 3\n';
  push(working, text, 'web', adds);
  push(working, text, 'x', byJob);
  working.state.setAggregation({ ...working.state.aggregation, metricRules: '[{"buckets":[3]}]' });
  const { accumulators } = working.state;
  const held = Array.from({ length: accumulators.texts.high }, (_, accumulator) => accumulator).filter(
    (accumulator) => accumulators.common.has(accumulator),
  );
  expect(held.map((accumulator) => accumulators.textOf(accumulator)).toSorted()).toEqual([
    'h_bucket{le="+Inf"}',
    'h_bucket{le="3"}',
    'h_count',
  ]);
  expect(await lines(working)).toEqual(['h_bucket{le="3"} 2', 'h_bucket{le="+Inf"} 6', 'h_count 6']);
  atOnce(verifyState(working.state));
});
