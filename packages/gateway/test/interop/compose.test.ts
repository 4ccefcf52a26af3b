/** deploy/compose.yaml against the schema of Compose, and what it starts but for Grafana, as processes of this machine. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';

import { compose, mountedAt, runSender, textAt } from '../support/compose.ts';
import { temporaryFolder } from '../support/folders.ts';
import { startGateway } from '../support/process.ts';
import { program, repository, run } from '../support/programs.ts';
import { runPrometheus } from '../support/prometheus.ts';
import { composeProblems, whyWithout } from './deploy/tools.ts';

const without = whyWithout('compose');
const text = readFileSync(join(repository, 'deploy/compose.yaml'), 'utf8');

test.skipIf(without !== '')(`the schema of Compose${without}`, () => {
  expect(composeProblems(parse(text))).toEqual([]);
  expect(composeProblems(parse(text.replaceAll('read_only:', 'readonly:')))).toContainEqual(
    expect.stringContaining('/services/gateway must NOT have unevaluated properties'),
  );
  expect(composeProblems(parse(text.replace('[ALL]', 'ALL')))).not.toEqual([]);
});

test('Prometheus scrapes what the sender has pushed, and knows the alerts', async () => {
  const configFile = mountedAt('gateway', '/etc/prom-aggregation-gateway/gateway.yaml');
  const { url } = await startGateway([`--config.file=${configFile}`]);
  expect(await runSender(url, 5)).toEqual([0, '']);
  const folder = temporaryFolder();
  const file = textAt('prometheus', '/etc/prometheus/prometheus.yml');
  expect(compose.services.prometheus.command).toContain('--config.file=/etc/prometheus/prometheus.yml');
  writeFileSync(join(folder, 'alerts.yaml'), textAt('prometheus', '/etc/prometheus/alerts.yaml'));
  const path = join(folder, 'prometheus.yml');
  const target = new URL(url).host;
  writeFileSync(path, file.replaceAll('gateway:9091', target).replace('15s', '1s'));
  const checked = await run(program('promtool', 'prometheus'), ['check', 'config', path]);
  expect(checked.stdout).toContain('rules found');
  expect(checked.code).toBe(0);
  const prometheus = await runPrometheus(path);
  for (const [query, value] of [
    ['sum(up)', 2],
    ['sum(shop_requests_total)', 5],
    ['prom_aggregation_gateway_pushes_total{job="aggregation-gateway-itself",result="accepted"}', 5],
  ] as const)
    await expect.poll(() => prometheus.value(query), { timeout: 30_000 }).toBe(value);
});
