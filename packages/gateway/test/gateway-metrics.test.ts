import { readFileSync } from 'node:fs';

import { expect, test } from 'vitest';

import { assemble } from '../src/assemble.ts';
import { flags } from '../src/config/flags.ts';
import { parseConfig } from '../src/config/parse.ts';
import { metricsReference, ownMetrics } from '../src/gateway/telemetry/own-metrics.ts';
import { createGateway } from '../src/index.ts';
import { systemClock } from '../src/primitives/clock.ts';
import { silentLog } from '../src/primitives/log.ts';

async function ownExposition(act: (url: string) => Promise<void>, options = {}): Promise<string> {
  const gateway = createGateway(options);
  const { port } = await gateway.start({ host: '127.0.0.1' });
  const url = `http://127.0.0.1:${port}`;
  try {
    await act(url);
    return await (await fetch(`${url}/-/metrics`)).text();
  } finally {
    await gateway.close();
  }
}

async function post(url: string, body: string): Promise<void> {
  await (await fetch(url, { method: 'POST', body })).arrayBuffer();
}

test('what happened is counted', async () => {
  const page = await ownExposition(async (url) => {
    await post(
      `${url}/metrics`,
      '# TYPE c counter\nc 1\n# TYPE g gauge\ng NaN\n# TYPE s summary\ns{quantile="0"} 1\ns_sum 1\n',
    );
    await post(`${url}/metrics`, '# TYPE h histogram\nh_bucket{le="1"} 1\nh_sum 1\nh_count 1\n');
    await post(`${url}/metrics`, 'c x\n');
    await (await fetch(`${url}/metrics`)).arrayBuffer();
  });
  const prefix = 'prom_aggregation_gateway_';
  for (const line of [
    'pushes_total{result="accepted",code="ok"} 2',
    'pushes_total{result="refused",code="syntax"} 1',
    'push_samples_total 7',
    'push_duration_seconds_count 2',
    'samples_ignored_total{reason="non_finite"} 1',
    'samples_ignored_total{reason="summary"} 2',
    'series{type="counter"} 1',
    'series{type="histogram"} 4',
    'families{type="histogram"} 1',
    'families{type="gauge"} 0',
  ]) {
    expect(page).toContain(`${prefix}${line}\n`);
  }
  expect(page).toMatch(/process_cpu_seconds_total \d/);
});

test('sources are counted as they live, fall silent and go', async () => {
  let nowMs = 0;
  const options = { byJob: true, jobPruneDurationMs: 1000, clock: { now: () => nowMs } };
  const page = await ownExposition(async (url) => {
    for (const job of ['a', 'b', 'c']) await post(`${url}/metrics/job/${job}`, 'x 1\n');
    await fetch(`${url}/metrics/job/a`, { method: 'DELETE' });
    nowMs = 2000;
    await post(`${url}/metrics/job/b`, 'x 1\n');
    await (await fetch(`${url}/metrics`)).arrayBuffer();
  }, options);
  expect(page).toContain('prom_aggregation_gateway_sources{state="live"} 1\n');
  expect(page).toContain('prom_aggregation_gateway_sources{state="pruned"} 1\n');
  expect(page).toContain('prom_aggregation_gateway_sources_retired_total 1\n');
});

test('late pushes are answered as others are, and counted', async () => {
  const options = { byJob: true, jobCounterResets: 'accumulate' } as const;
  const page = await ownExposition(async (url) => {
    for (const start of [1.6e9, 1.5e9, 1.5e9]) {
      const body = `# TYPE c_total counter\nc_total 1\n# TYPE c_created gauge\nc_created ${start}\n`;
      await post(`${url}/metrics/job/a`, body);
    }
  }, options);
  expect(page).toContain('prom_aggregation_gateway_late_pushes_total 2\n');
});

/** In bytes or pieces; no default, and of no share of one. */
const GIVEN = 12_347;

test.each(flags.filter(({ group }) => group === 'limit').map(({ name }) => name))(
  '--%s is a metric',
  async (name) => {
    const given = name === 'limit.memory' ? GIVEN * 1e6 : GIVEN;
    const invocation = parseConfig([`--${name}=${given}`], {});
    if (invocation.kind !== 'run') throw new Error(JSON.stringify(invocation));
    const { gateway: gatewayOptions, http: httpOptions, memoryBytes } = invocation.config;
    const parts = { gatewayOptions, httpOptions, memoryBytes, clock: systemClock, log: silentLog };
    const { gateway } = assemble(parts);
    const { body } = await gateway.telemetry!.page();
    const limits = [...body.matchAll(/^prom_aggregation_gateway_limit\{of="\w+"\} (\d+)$/gm)];
    expect(limits.map(([, value]) => Number(value)).filter((value) => value === given)).toHaveLength(1);
    await gateway.close();
  },
);

test('every own metric is on the page, and in docs/reference/metrics.md', async () => {
  const page = await ownExposition(async (url) => post(`${url}/metrics`, 'a 1\n'));
  for (const name of Object.keys(ownMetrics))
    expect(page).toContain(`# TYPE prom_aggregation_gateway_${name} `);
  const reference = readFileSync(new URL('../../../docs/reference/metrics.md', import.meta.url), 'utf8');
  expect(reference).toBe(metricsReference());
});
