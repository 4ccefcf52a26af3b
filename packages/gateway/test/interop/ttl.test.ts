/** A real Prometheus scrapes a gateway whose series live for a time. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { expect, test } from 'vitest';

import { eventually } from '../support/eventually.ts';
import { temporaryFolder } from '../support/folders.ts';
import { push } from '../support/http.ts';
import { startGateway } from '../support/process.ts';
import { startPrometheus } from '../support/prometheus.ts';

const PUSHES = 25;
const EVERY_MS = 300;

test('a counter that is still pushed has no reset, and one that is not goes', async () => {
  const path = join(temporaryFolder(), 'gateway.yaml');
  writeFileSync(path, 'metrics: [{match: jobs_total, ttl: 2s}]\n');
  const gateway = await startGateway([`--config.file=${path}`]);
  const prometheus = await startPrometheus(gateway.url);
  await eventually('a scrape', async () => (await prometheus.value('up')) === 1, 15_000);
  await push(gateway.url, '# TYPE jobs_total counter\njobs_total{of="once"} 1\n');
  await eventually(
    'the series that is pushed once',
    async () => (await prometheus.value('jobs_total{of="once"}')) === 1,
    15_000,
  );
  for (let i = 0; i < PUSHES; i += 1) {
    await push(gateway.url, '# TYPE jobs_total counter\njobs_total{of="always"} 2\n');
    await sleep(EVERY_MS);
  }
  const most = 'max_over_time(jobs_total{of="always"}[5m])';
  await eventually('all of its pushes', async () => (await prometheus.value(most)) === 2 * PUSHES, 15_000);
  await eventually(
    'the series that is pushed once to go',
    async () => (await prometheus.value('jobs_total{of="once"}')) === undefined,
    15_000,
  );
  const [series] = await prometheus.query('jobs_total{of="always"}[5m]');
  const values = (series?.values ?? []).map(([, value]) => Number(value));
  expect(values.length).toBeGreaterThan(3);
  expect(values).toEqual(values.toSorted((a, b) => a - b));
  expect(await prometheus.value('resets(jobs_total{of="always"}[5m])')).toBe(0);
  const counter = 'jobs_total{of="always"}';
  await eventually('the counter to go', async () => (await prometheus.value(counter)) === undefined, 15_000);
  // It begins anew, which is a reset that is one.
  await push(gateway.url, '# TYPE jobs_total counter\njobs_total{of="always"} 2\n');
  await eventually(
    'the counter to begin anew',
    async () => (await prometheus.value('resets(jobs_total{of="always"}[5m])')) === 1,
    15_000,
  );
});
