/** deploy/compose.yaml agrees with the gateway, and its files with each other. Ring two holds it against the schema of Compose, and has Prometheus read its file. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';

import { readRules } from '../../src/rules/file/read-rules.ts';
import { compose, mountedAt, runSender, textAt } from '../support/compose.ts';
import { configOf, image, imageEnvironment } from '../support/deploy.ts';
import { scrapeSamples } from '../support/http.ts';
import { dashboard } from '../support/monitoring.ts';
import { startGateway } from '../support/process.ts';
import { repository } from '../support/programs.ts';

const { gateway, prometheus, grafana, sender } = compose.services;
const services = Object.entries(compose.services);

test('images are of this version, or pinned', () => {
  expect([gateway.image, sender.image]).toEqual([image, image]);
  for (const { image: other } of [prometheus, grafana]) expect(other).toMatch(/:v?\d+\.\d+\.\d+$/);
});

test('ports are open to this machine alone', () => {
  const ports = services.flatMap(([, service]) => service.ports ?? []);
  expect(ports).toEqual(['127.0.0.1:9091:9091', '127.0.0.1:9090:9090', '127.0.0.1:3000:3000']);
});

test('flags of the gateway are right, and it has time to stop', () => {
  const { configFile, listenAddresses, http, storage } = configOf(gateway.command ?? []);
  expect(listenAddresses).toEqual([expect.objectContaining({ port: 9091 })]);
  expect(storage.path).toBe(imageEnvironment.PAG_STORAGE_PATH);
  expect(gateway.volumes).toEqual([`gateway:${storage.path}`]);
  expect(readRules(textAt('gateway', configFile!)).problems).toEqual([]);
  expect(Number(gateway.stop_grace_period?.replace('s', '')) * 1000).toBeGreaterThan(http.shutdownTimeoutMs);
});

test('all files and volumes are there, and used', () => {
  for (const { file } of Object.values(compose.configs))
    expect(existsSync(resolve(repository, 'deploy', file)), file).toBe(true);
  const sources = services.flatMap(([, { configs }]) => configs.map(({ source }) => source));
  expect(sources.toSorted()).toEqual(Object.keys(compose.configs).toSorted());
  const volumes = services.flatMap(([, service]) => service.volumes ?? []);
  expect(volumes.map((volume) => volume.split(':')[0])).toEqual(Object.keys(compose.volumes));
});

test('Prometheus scrapes the gateway, and Grafana shows what Prometheus has', () => {
  const { scrape_configs: scrapes, rule_files: rules } = parse(
    textAt('prometheus', '/etc/prometheus/prometheus.yml'),
  ) as {
    scrape_configs: readonly {
      job_name: string;
      static_configs: readonly [{ targets: readonly string[] }];
    }[];
    rule_files: readonly string[];
  };
  expect(scrapes.map(({ static_configs: [{ targets }] }) => targets)).toEqual([
    ['gateway:9091'],
    ['gateway:9091'],
  ]);
  // By the names that the alerts know.
  const alerts = textAt('prometheus', `/etc/prometheus/${rules[0]}`);
  expect(alerts).toContain(`up{job=~"${scrapes.map(({ job_name: name }) => name).join('|')}"}`);
  const { datasources } = parse(
    textAt('grafana', '/etc/grafana/provisioning/datasources/prometheus.yaml'),
  ) as { datasources: readonly [{ url: string; isDefault: boolean }] };
  expect(datasources).toMatchObject([{ url: 'http://prometheus:9090', isDefault: true }]);
  const { providers } = parse(textAt('grafana', '/etc/grafana/provisioning/dashboards/dashboards.yaml')) as {
    providers: readonly [{ options: { path: string } }];
  };
  const shown = textAt('grafana', `${providers[0].options.path}/dashboard.json`);
  expect(JSON.parse(shown)).toEqual(dashboard);
  const file = readFileSync(resolve(repository, 'deploy/compose.yaml'), 'utf8');
  expect(file).toContain(`http://localhost:3000/d/${(dashboard as unknown as { uid: string }).uid}`);
});

test('what the sender pushes adds up', async () => {
  expect(sender.environment?.['GATEWAY_URL']).toBe('http://gateway:9091');
  expect(sender.depends_on).toEqual(['gateway']);
  const configFile = mountedAt('gateway', '/etc/prom-aggregation-gateway/gateway.yaml');
  const { url } = await startGateway([`--config.file=${configFile}`]);
  expect(await Promise.all([runSender(url, 20), runSender(url, 20)])).toEqual([
    [0, ''],
    [0, ''],
  ]);
  const samples = await scrapeSamples(url);
  expect(samples.get('shop_request_duration_seconds_count')).toBe(40);
  const requests = [...samples].filter(([name]) => name.startsWith('shop_requests_total{'));
  expect(requests.reduce((sum, [, value]) => sum + value, 0)).toBe(40);
  // By its rule the newest, and not the sum of all.
  expect(samples.get('shop_last_order_timestamp_seconds')).toBeLessThanOrEqual(Date.now() / 1000);
});
