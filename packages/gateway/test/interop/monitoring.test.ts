/** Alerts and dashboard, asked of a real Prometheus that scrapes a real gateway through pushes, refusals and a restart. */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

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
import { program } from '../support/programs.ts';
import { freePort, runPrometheus } from '../support/prometheus.ts';
import type { Prometheus } from '../support/prometheus.ts';

const TOKEN = 'token-of-the-shop';
const headers = { authorization: `Bearer ${TOKEN}` };

/** Of the shop two series are taken, and others are dropped. */
const rules = `access:
  anonymous: [push, scrape, read]
  tokens:
    - name: shop
      sha256: ${createHash('sha256').update(TOKEN).digest('hex')}
      may: [push]
      limits: { series_max: 2, on_limit: drop }
`;

/** Debian's own, and the one that PROMETHEUS_3 names; see prometheus3.test.ts. */
const prometheus3 = process.env['PROMETHEUS_3'] ?? '';
const reason = 'needs PROMETHEUS_3, the path of a Prometheus 3.5 or later; see .ci/prometheus3';
const binaries = [
  ['the installed Prometheus', program('prometheus', 'prometheus')],
  ['Prometheus 3', prometheus3],
] as const;

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

async function scrapedWithRules(folder: string, port: number, binary: string): Promise<Prometheus> {
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
  const prometheus = await runPrometheus(configFile, { binary });
  await scrapes(prometheus, 2);
  return prometheus;
}

/** Waits until Prometheus has scraped the own metrics so many times more. */
async function scrapes(prometheus: Prometheus, count: number): Promise<void> {
  const done = async (): Promise<number> =>
    (await prometheus.value('sum_over_time(up{job="aggregation-gateway-itself"}[5m])')) ?? 0;
  const before = await done();
  await eventually(`${count} scrapes`, async () => (await done()) >= before + count, 30_000);
}

/** Waits until these alerts are in this state, and looks whether others are. */
async function expectAlerts(prometheus: Prometheus, state: string, names: readonly string[]): Promise<void> {
  const found = async (): Promise<readonly string[]> =>
    (await rulesOf(prometheus)).filter((rule) => rule.state === state).map(({ name }) => name);
  const expected = names.map((name) => `AggregationGateway${name}`).toSorted();
  await eventually(
    `${names.join(', ')} to be ${state}`,
    async () => (await found()).toSorted().join() === expected.join(),
    30_000,
  ).catch(async () => expect((await found()).toSorted()).toEqual(expected));
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

describe.each(binaries)('%s', (_, binary) => {
  test('every query of the dashboard has an answer, and every alert can be judged', async ({ skip }) => {
    if (binary === '') skip(reason);
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
    const prometheus = await scrapedWithRules(folder, port, binary);
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

    await expectAlerts(prometheus, 'firing', ['PushesRefused']);
    const judged = await rulesOf(prometheus);
    expect(judged.map(({ name }) => name)).toEqual(alerts.map(({ alert }) => alert));
    for (const { name, health, lastError } of judged)
      expect({ name, health, lastError }).toEqual({ name, health: 'ok', lastError: undefined });

    // An alert that watches nothing would never fire.
    for (const { alert, expr } of alerts) {
      const selectors = selectorsIn(expr);
      expect(selectors, alert).not.toEqual([]);
      for (const selector of selectors)
        expect((await prometheus.query(selector)).length, `${alert}: ${selector}`).toBeGreaterThan(0);
    }
  });

  test('what goes wrong at a gateway is seen by its alerts', async ({ skip }) => {
    if (binary === '') skip(reason);
    const folder = temporaryFolder();
    const port = await freePort();
    const [configFile, webConfigFile] = [join(folder, 'gateway.yaml'), join(folder, 'web.yaml')] as const;
    writeFileSync(configFile, rules);
    writeFileSync(webConfigFile, '');
    const flags = [
      `--web.listen-address=127.0.0.1:${port}`,
      `--storage.path=${join(folder, 'data')}`,
      `--config.file=${configFile}`,
      `--web.config.file=${webConfigFile}`,
      '--limit.series=10',
    ];
    let gateway = await startGateway(flags);
    const { url } = gateway;
    const prometheus = await scrapedWithRules(folder, port, binary);
    await expectAlerts(prometheus, 'firing', []);

    const many = (count: number): string =>
      `# TYPE x gauge\n${Array.from({ length: count }, (__, i) => `x{i="${i}"} 1\n`).join('')}`;
    expect((await send(url, many(3), { headers })).status).toBe(202);
    expect((await send(url, many(20))).status).toBe(422);
    expect((await send(url, many(7))).status).toBe(202);
    // Totals, which add mode adds again with each push.
    for (let i = 1; i <= 100; i++)
      await send(
        url,
        `# TYPE a_total counter\na_total ${i * 10}\n# TYPE b_total counter\nb_total ${i * 20}\n`,
      );
    writeFileSync(configFile, 'access: 1\n');
    gateway.signal('SIGHUP');
    writeFileSync(webConfigFile, 'nothing: 1\n');
    await expectAlerts(prometheus, 'firing', ['NewSeriesRefused', 'NewSeriesDropped', 'ConfigReloadFailed']);
    await expectAlerts(prometheus, 'pending', ['LimitNear', 'SuspectSources', 'WebConfigReloadFailed']);

    writeFileSync(configFile, rules);
    writeFileSync(webConfigFile, '');
    for (let i = 0; i < 3; i++) {
      await gateway.stop();
      gateway = await startGateway(flags);
      await scrapes(prometheus, 2);
    }
    await expectAlerts(prometheus, 'firing', ['NewSeriesRefused', 'NewSeriesDropped', 'Restarts']);
    await gateway.stop();
    await expectAlerts(prometheus, 'pending', ['Down']);
  });
});
