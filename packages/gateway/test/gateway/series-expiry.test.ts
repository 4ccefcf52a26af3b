/** When series expire, and what it costs where none do. */
import { describe, expect, test } from 'vitest';

import { atOnce } from '../../src/primitives/turns.ts';
import { plainText } from '../../src/model/exposition-format.ts';
import { expireSeries } from '../state/course.ts';
import { WorkingState } from '../state/working-state.ts';
import { eventually } from '../support/eventually.ts';
import { RestartingGateway } from '../support/restarting.ts';

const counters = (...names: readonly string[]): string =>
  names.map((name) => `# TYPE ${name} counter\n${name} 1\n`).join('');

describe('series expire whether anybody scrapes or not', () => {
  test.each([false, true])('(by job: %s)', async (byJob) => {
    let nowMs = 1_000_000;
    const running = await RestartingGateway.start({ byJob, seriesTtlMs: 400, clock: { now: () => nowMs } });
    try {
      await running.gateway.push(`${counters('a_total')}# TYPE g gauge\ng 1\n`, { path: 'job/a' });
      nowMs += 300;
      await running.gateway.push(counters('b_total'), { path: 'job/b' });
      nowMs += 100;
      const expired = 'prom_aggregation_gateway_expired_series_total 2\n';
      await eventually('two series to go', async () => (await running.ownMetrics()).includes(expired));
      expect(await running.page(plainText)).toBe(counters('b_total'));
    } finally {
      await running.gateway.close();
    }
  });
});

describe('what has no ttl takes no memory for it', () => {
  test('where nothing has one', () => {
    const { state } = new WorkingState({ byJob: true, metricRules: '[{"gauge":"max"},{"ttl":0}]' }, 1);
    expect(state.accumulators.lastNamed).toBeUndefined();
  });

  test('nor where the rules name others', () => {
    const working = new WorkingState({ metricRules: '[{"match":"a_total","ttl":5}]' }, 1);
    working.push(counters('b_total', 'c_total'));
    expect(working.state.accumulators.lastNamed?.end).toBe(0);
    working.push(counters('a_total'));
    expect(working.state.accumulators.lastNamed?.size).toBe(1);
  });

  test('nor once it has gone, or the rules have', () => {
    const working = new WorkingState({ byJob: true, metricRules: '[{"ttl":5}]' }, 1);
    const { state } = working;
    working.push('# TYPE g gauge\ng 1\n# TYPE h gauge\nh 1\n', { nowMs: 10 });
    working.push('# TYPE g gauge\ng 1\n', { nowMs: 12 });
    expect(state.sources.leftOut.bytes).toBeGreaterThan(0);
    atOnce(expireSeries(working, 15));
    expect(state.sources.leftOut.bytes).toBe(0);
    expect(state.accumulators.lastNamed?.size).toBe(1);
    atOnce(expireSeries(working, 17));
    expect(state.accumulators.lastNamed?.nextFrom(0)).toBe(state.accumulators.lastNamed?.end);
    state.setAggregation({ ...state.aggregation, metricRules: undefined });
    expect(state.accumulators.lastNamed).toBeUndefined();
  });
});

test('series that a store has from before are as if they were named when the ttl came', async () => {
  const working = new WorkingState({}, 1);
  working.push(counters('a_total'), { nowMs: 10 });
  const restored = await working.restored(2);
  restored.state.setAggregation({ ...restored.state.aggregation, metricRules: '[{"ttl":5}]' }, 1000);
  atOnce(expireSeries(restored, 1004));
  expect(await restored.page()).toBe(counters('a_total'));
  atOnce(expireSeries(restored, 1005));
  expect(await restored.page()).toBe('');
});
