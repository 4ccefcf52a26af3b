/** Reloads by which other senders, or none, have restarts added up: what was noted for that goes with what it was noted of. */
import { describe, expect, it, test } from 'vitest';

import { plainText } from '../../src/model/exposition-format.ts';
import { RestartingGateway } from '../support/restarting.ts';

/** Sources are as groups of Pushgateway then, as long as no restart is added up. */
const groups = { byJob: true, pathLabels: 'add', pushTimes: false } as const;

describe('a counter that goes with its source once restarts are overwritten', () => {
  const rules = (resets: string): object => ({
    sources: [{ counter_resets: resets }],
    metrics: [{ match: 'g', gauge: 'last' }],
    metric_relabel_configs: [
      { source_labels: ['__name__'], regex: 'g', target_label: 'job', replacement: 'all' },
    ],
  });
  // Enough that numbers of series are used again.
  const SERIES = 5000;
  const lines = (line: (i: number) => string): string =>
    Array.from({ length: SERIES }, (_, i) => line(i)).join('');
  const counters = `# TYPE c counter\n${lines((i) => `c_total{i="${i}"} 5\nc_created{i="${i}"} 1600000000\n`)}# EOF\n`;
  const gauges = (value: number): string => `# TYPE g gauge\n${lines((i) => `g{i="${i}"} ${value}\n`)}`;

  it.each(['PUT', 'POST'] as const)('takes its start time with it, by %s', async (method) => {
    const run = await RestartingGateway.start({ ...groups, rules: rules('accumulate') });
    const shows = async (value: number): Promise<void> => {
      const shown = (await run.page(plainText)).match(/^g\{.*$/gm) ?? [];
      expect(new Set(shown.map((line) => line.split(' ')[1]))).toEqual(new Set([String(value)]));
    };
    await run.gateway.push(counters, { path: 'job/a', format: 'openmetrics' });
    await run.setRules(rules('overwrite'));
    const instead = method === 'PUT' ? '# TYPE e gauge\ne 1\n' : '# TYPE c_total counter\nc_total{x="1"} 3\n';
    await run.gateway.push(instead, { path: 'job/a', method });
    await run.page(plainText);
    await run.gateway.push(gauges(1), { path: 'job/b' });
    await run.gateway.push(gauges(2), { path: 'job/d' });
    await shows(2);
    await run.gateway.push(gauges(3), { path: 'job/b' });
    await run.gateway.delete('job/a');
    await shows(3);
    await run.gateway.delete('job/b');
    await shows(2);
    await run.takeSnapshot();
    await run.restart();
    await shows(2);
  });
});

test('a histogram that rules have given other bounds goes on, also where restarts were not added up then', async () => {
  const rules = (buckets: number[], resets: string): object => ({
    sources: [{ counter_resets: resets }],
    metrics: [{ match: 'h', buckets }],
  });
  const run = await RestartingGateway.start({ ...groups, rules: rules([1], 'overwrite') });
  const pushed =
    '# TYPE h histogram\nh_bucket{le="1"} 4\nh_bucket{le="2"} 5\nh_bucket{le="+Inf"} 6\nh_count 6\n';
  await run.gateway.push(pushed, { path: 'job/a' });
  await run.setRules(rules([1, 2], 'overwrite'));
  await run.setRules(rules([1, 2], 'accumulate'));
  await run.gateway.push(pushed, { path: 'job/a' });
  expect(await run.page(plainText)).toMatch(/^h_count\{.*\} 6$/m);
});
