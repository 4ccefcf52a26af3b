/** When what gauges hold of a window is let go of, and what that costs where none has one. */
import { describe, expect, test } from 'vitest';

import { atOnce } from '../../src/primitives/turns.ts';
import { plainText } from '../../src/model/exposition-format.ts';
import { defaultLimits } from '../../src/store/limits.ts';
import { usageOf } from '../../src/state/usage.ts';
import { WINDOW_BYTES } from '../../src/store/windows.ts';
import { expireSeries } from '../state/course.ts';
import { WorkingState } from '../state/working-state.ts';
import { eventually } from '../support/eventually.ts';
import { RestartingGateway } from '../support/restarting.ts';

const gauge = (value: number): string => `# TYPE g gauge\ng ${value}\n`;
const max = (window: string): object => ({ metrics: [{ match: 'g', gauge: 'max', window }] });

test('windows move on whether anybody pushes and scrapes or not', async () => {
  let nowMs = 1_000_000;
  const running = await RestartingGateway.start({ rules: max('1s'), clock: { now: () => nowMs } });
  try {
    await running.gateway.push(gauge(7));
    nowMs += 500;
    await running.gateway.push(gauge(3));
    const page = await running.page(plainText);
    expect(page).toBe(gauge(7));
    nowMs += 600;
    await eventually('the larger value to go', async () => (await running.page(plainText)) !== page);
    expect(await running.page(plainText)).toBe(gauge(3));
    nowMs += 500;
    const expired = 'prom_aggregation_gateway_expired_series_total 1\n';
    await eventually('the series to go', async () => (await running.ownMetrics()).includes(expired));
    expect(await running.page(plainText)).toBe('');
  } finally {
    await running.gateway.close();
  }
});

describe('a value is shown for its window, and a tenth of it longer at the most', () => {
  test.each([
    ['1s', 1000],
    ['10s', 10_000],
    ['5m', 300_000],
    ['7h', 25_200_000],
  ])('%s', async (window, windowMs) => {
    // Not at the beginning of a slot.
    let nowMs = 1_700_000_012_345;
    const running = await RestartingGateway.start({ rules: max(window), clock: { now: () => nowMs } });
    const begunMs = nowMs;
    const pushed: { readonly atMs: number; readonly value: number }[] = [];
    for (let value = 500; nowMs < begunMs + windowMs * 3; value -= 1) {
      if (value % 7 === 0 && nowMs < begunMs + windowMs * 1.5) {
        await running.gateway.push(gauge(value));
        pushed.push({ atMs: nowMs, value });
      }
      const page = await running.page(plainText);
      const shown = page === '' ? -1 : Number(/^g (\d+)$/m.exec(page)?.[1]);
      // Each is less than all before it.
      const least = pushed.find(({ atMs }) => nowMs < atMs + windowMs)?.value ?? -1;
      const most = pushed.find(({ atMs }) => nowMs <= atMs + windowMs * 1.1)?.value ?? -1;
      expect(shown).toBeGreaterThanOrEqual(least);
      expect(shown).toBeLessThanOrEqual(most);
      nowMs += windowMs / 100;
    }
    expect(await running.page(plainText)).toBe('');
    void running.gateway.close();
  });
});

describe('what has no window takes no memory for it', () => {
  test('by job, and where the rules have none', () => {
    const rules = '[{"gauge":"max","window":5000}]';
    expect(
      new WorkingState({ byJob: true, metricRules: rules }, 1).state.accumulators.windows,
    ).toBeUndefined();
    const { state } = new WorkingState({ metricRules: '[{"gauge":"max","ttl":5}]' }, 1);
    expect(state.accumulators.windows).toBeUndefined();
    state.setAggregation({ ...state.aggregation, metricRules: rules });
    expect(state.accumulators.windows?.size).toBe(0);
    state.setAggregation({ ...state.aggregation, byJob: true });
    expect(state.accumulators.windows).toBeUndefined();
    state.setAggregation({ ...state.aggregation, byJob: false });
    expect(state.accumulators.windows?.size).toBe(0);
    state.setAggregation({ ...state.aggregation, metricRules: undefined });
    expect(state.accumulators.windows).toBeUndefined();
  });

  test('and what has one is counted, until it goes', () => {
    const metricRules = '[{"match":"{l=\\"a\\"}","gauge":"max","window":5000},{"gauge":"max"}]';
    const working = new WorkingState({ metricRules }, 1);
    const { state } = working;
    const bytes = (): number => usageOf(state).seriesBytes;
    working.push('# TYPE g gauge\ng{l="b"} 1\n');
    const plain = bytes();
    working.push('# TYPE g gauge\ng{l="a"} 1\n', { nowMs: 10 });
    expect(bytes()).toBe(2 * plain + WINDOW_BYTES);
    atOnce(expireSeries(working, 10_000));
    expect(bytes()).toBe(plain);
    expect(state.accumulators.windows?.size).toBe(0);
  });
});

test('series with a window are refused where there is no room for it', () => {
  const metricRules = '[{"match":"g","gauge":"max","window":5000},{"gauge":"max"}]';
  const room = new WorkingState({ metricRules }, 1);
  room.push('# TYPE g gauge\ng{l="a"} 1\n');
  const seriesBytesTotalMax = usageOf(room.state).seriesBytes;
  const working = new WorkingState({ metricRules }, 1, { ...defaultLimits, seriesBytesTotalMax });
  expect(working.push('# TYPE g gauge\ng{l="a"} 1\n')).toBe('taken');
  expect(working.push('# TYPE g gauge\ng{l="a"} 2\n')).toBe('taken');
  const short = { ...defaultLimits, seriesBytesTotalMax: seriesBytesTotalMax - 1 };
  expect(new WorkingState({ metricRules }, 1, short).push('# TYPE g gauge\ng{l="a"} 1\n')).toBe(
    'series_limit',
  );
  expect(new WorkingState({ metricRules }, 1, short).push('# TYPE h gauge\nh{l="a"} 1\n')).toBe('taken');
});

test('a gauge that turns out to be a state set has no window any more', async () => {
  const metricRules = '[{"gauge":"max","window":5000}]';
  const working = new WorkingState({ metricRules }, 1);
  working.push('# TYPE g gauge\ng{g="a"} 1\n', { nowMs: 10 });
  const states = (value: number): string => `# TYPE g stateset\ng{g="a"} ${value}\n# EOF\n`;
  working.push(states(1), { nowMs: 20, openMetricsSlice: 100 });
  expect(working.state.accumulators.windows?.size).toBe(0);
  atOnce(expireSeries(working, 20_000));
  expect(await working.page()).toBe('# TYPE g gauge\ng{g="a"} 2\n');
});

test('a snapshot has windows as they were, whatever becomes of them while it is read', async () => {
  const metricRules = '[{"gauge":"max","window":5000}]';
  const working = new WorkingState({ metricRules }, 1);
  const body = (value: number): string =>
    `# TYPE g gauge\n${Array.from({ length: 600 }, (_, i) => `g{i="${i}"} ${value}\n`).join('')}`;
  working.push(body(7), { nowMs: 1000 });
  const facts = working.facts();
  let times = 0;
  const restored = await working.restored(2, () => {
    times += 1;
    if (times > 1) return;
    working.push(body(9), { nowMs: 4000 });
    // The last take the places of those that go.
    atOnce(working.state.dropSeriesInSteps(Uint32Array.from({ length: 300 }, (_, i) => i)));
  });
  expect(restored.facts()).toEqual(facts);
  // And again, of what is there now.
  expect((await working.restored(3)).facts()).toEqual(working.facts());
  atOnce(expireSeries(restored, 100_000));
  expect(await restored.page()).toBe('');
});

test('a gauge that is a start time for a while has a window before and after', async () => {
  const working = new WorkingState({ metricRules: '[{"gauge":"max","window":5000}]' }, 1);
  const { state } = working;
  const push = (created: number, nowMs: number): void =>
    void working.push(`# TYPE c_total counter\nc_total 1\n# TYPE c_created gauge\nc_created ${created}\n`, {
      nowMs,
    });
  working.push('# TYPE c_created gauge\nc_created 9\n', { nowMs: 10 });
  expect(state.accumulators.windows?.size).toBe(1);
  push(1_600_000_000, 20);
  expect(state.accumulators.windows?.size).toBe(0);
  push(7, 30);
  expect(state.accumulators.windows?.size).toBe(1);
  expect(await working.page()).toBe(
    '# TYPE c_created gauge\nc_created 7\n# TYPE c_total counter\nc_total 2\n',
  );
  atOnce(expireSeries(working, 20_000));
  expect(await working.page()).toBe('# TYPE c_total counter\nc_total 2\n');
});
