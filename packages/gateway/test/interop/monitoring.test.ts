/** Alerts and dashboard, asked of a real Prometheus that scrapes a real gateway through pushes, refusals and a restart. */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { eventually } from '../support/eventually.ts';
import { temporaryFolder } from '../support/folders.ts';
import { send } from '../support/http.ts';
import {
  alerts,
  alertsPath,
  dashboardQueries,
  selectorsIn,
  withoutVariables,
} from '../support/monitoring.ts';
import { startGateway } from '../support/process.ts';
import { freePort, runPrometheus } from '../support/prometheus.ts';
import type { Prometheus } from '../support/prometheus.ts';

const TOKEN = 'token-of-the-shop';
const headers = { authorization: `Bearer ${TOKEN}` };

const rules = `access:
  anonymous: [push, scrape, read]
  tokens:
    - name: shop
      sha256: ${createHash('sha256').update(TOKEN).digest('hex')}
      may: [push]
`;

interface Rule {
  readonly name: string;
  readonly health: string;
  readonly lastError?: string;
  readonly state: string;
}

async function rulesOf({ url }: Prometheus): Promise<readonly Rule[]> {
  const reply = await fetch(`${url}/api/v1/rules`);
  const { data } = (await reply.json()) as {
    data: { groups: readonly { rules: readonly Rule[] }[] };
  };
  return data.groups.flatMap((group) => group.rules);
}

async function scrapedWithRules(folder: string, port: number): Promise<Prometheus> {
  const targets = `static_configs: [{ targets: ['127.0.0.1:${port}'] }]`;
  const configFile = join(folder, 'prometheus.yml');
  writeFileSync(
    configFile,
    `global: { scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }
rule_files: ['${alertsPath}']
scrape_configs:
  - { job_name: aggregation-gateway, honor_labels: true, ${targets} }
  - { job_name: aggregation-gateway-itself, metrics_path: /-/metrics, ${targets} }
`,
  );
  return runPrometheus(configFile);
}

/** Of a good sender with a token, one without, and a broken one. */
async function pushAndBeRefused(url: string, times: number): Promise<void> {
  for (let i = 1; i <= times; i++) {
    const counter = `# TYPE shop_total counter\nshop_total ${i}\nshop_gauge NaN\n`;
    const path = 'job/shop';
    expect((await send(url, counter, { path, headers })).status).toBe(202);
    expect((await send(url, `other_total ${i}\n`, { path: 'job/other' })).status).toBe(202);
    expect((await send(url, 'shop_total x\n', { path, headers })).status).toBe(400);
  }
}

test('every query of the dashboard has an answer, and every alert can be judged', async () => {
  const folder = temporaryFolder();
  const port = await freePort();
  writeFileSync(join(folder, 'gateway.yaml'), rules);
  const flags = [
    `--web.listen-address=127.0.0.1:${port}`,
    `--storage.path=${join(folder, 'data')}`,
    '--storage.snapshot-interval=1s',
    `--config.file=${join(folder, 'gateway.yaml')}`,
    '--by-job',
  ];
  let gateway = await startGateway(flags);
  const { url } = gateway;
  const prometheus = await scrapedWithRules(folder, port);
  await eventually(
    'two scrapes',
    async () => ((await prometheus.value('count_over_time(up{job=~".*-itself"}[1m])')) ?? 0) > 1,
    30_000,
  );
  await pushAndBeRefused(url, 20);
  await gateway.stop();
  gateway = await startGateway(flags);

  // Rates need some scrapes after the restart, and refusals between them.
  const answer = async (expr: string): Promise<boolean> => {
    const series = await prometheus.query(withoutVariables(expr));
    return series.some(({ value }) => value !== undefined && value[1] !== 'NaN');
  };
  const unanswered = new Set(dashboardQueries.map(({ expr }) => expr));
  await eventually(
    'an answer to every query',
    async () => {
      await pushAndBeRefused(url, 1);
      for (const expr of unanswered) if (await answer(expr)) unanswered.delete(expr);
      return unanswered.size === 0;
    },
    30_000,
  ).catch(() => undefined);
  expect([...unanswered]).toEqual([]);

  await eventually('the alert of refused pushes', async () =>
    (await rulesOf(prometheus)).some(
      ({ name, state }) => name === 'AggregationGatewayPushesRefused' && state === 'firing',
    ),
  );
  const judged = await rulesOf(prometheus);
  expect(judged.map(({ name }) => name)).toEqual(alerts.map(({ alert }) => alert));
  for (const { name, health, lastError } of judged)
    expect({ name, health, lastError }).toEqual({ name, health: 'ok', lastError: undefined });
  expect(judged.filter(({ state }) => state === 'firing').map(({ name }) => name)).toEqual([
    'AggregationGatewayPushesRefused',
  ]);

  // An alert that watches nothing would never fire.
  for (const { alert, expr } of alerts) {
    await prometheus.query(expr);
    const selectors = selectorsIn(expr);
    expect(selectors, alert).not.toEqual([]);
    for (const selector of selectors)
      expect((await prometheus.query(selector)).length, `${alert}: ${selector}`).toBeGreaterThan(0);
  }
});
