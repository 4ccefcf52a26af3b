/** deploy/compose-pair.yaml agrees with the gateway, and with compose.yaml, which it goes over. Ring two runs the pair. */
import { expect, test } from 'vitest';
import { parse } from 'yaml';

import type { Config } from '../../src/config/config.ts';
import { compose, composePair, pairPrometheusText, textAt } from '../support/compose.ts';
import { configOf } from '../support/deploy.ts';

const { gateway, 'gateway-2': second, postgres } = composePair.services;
const base = compose.services.gateway;

function configWith(environment: Readonly<Record<string, string>>): Config {
  const set = Object.entries(environment).map(([name, value]) => ({ name, value }));
  return configOf(base.command ?? [], set);
}

const configs = [gateway, second].map(({ environment }) => configWith(environment));

test('the second gateway is what the first one is, but for its volume and its port', () => {
  const { environment, secrets, networks, ports, tmpfs, ...own } = second as typeof second & {
    tmpfs: unknown;
  };
  const { volumes, ports: ofFirst, ...first } = base;
  expect(own).toEqual(first);
  expect(secrets).toEqual(gateway.secrets);
  expect(tmpfs).toEqual(['/data:uid=65532,gid=65532']);
  expect([...(ofFirst ?? []), ...(ports ?? [])]).toEqual(['127.0.0.1:9091:9091', '127.0.0.1:9092:9091']);
  expect([volumes?.length, networks.default.aliases]).toEqual([1, ['gateway']]);
  expect(Object.keys(environment)).toEqual(Object.keys(gateway.environment));
});

test('both have one log and one secret, and each has an address of its own', () => {
  const [one, other] = configs.map(({ cluster }) => cluster);
  expect(one).toEqual({ ...other, advertiseUrl: one!.advertiseUrl });
  expect(configs.map(({ cluster }) => cluster.advertiseUrl)).toEqual([
    `http://${gateway.networks.default.aliases[0]}:9091`,
    'http://gateway-2:9091',
  ]);
});

test('the log is in the database that PostgreSQL makes, and nobody else reaches it', () => {
  const [{ cluster }] = configs as [Config];
  const url = new URL(cluster.logUrl!);
  const { POSTGRES_USER: user, POSTGRES_DB: database } = postgres.environment ?? {};
  expect([url.hostname, url.username, url.pathname]).toEqual(['postgres', user, `/${database}`]);
  expect(postgres.ports).toBeUndefined();
  expect(postgres.image).toMatch(/:\d+\.\d+$/);
  expect(postgres.volumes?.map((volume) => volume.split(':')[0])).toEqual(Object.keys(composePair.volumes));
});

test('secrets are files that are there, and each is used', () => {
  const [{ cluster }] = configs as [Config];
  const passfile = new URL(cluster.logUrl!).searchParams.get('passfile');
  const inContainer = (names: readonly string[]): readonly string[] =>
    names.map((name) => `/run/secrets/${name}`);
  expect(inContainer(gateway.secrets)).toEqual([passfile, cluster.secretFile]);
  expect(inContainer(postgres.secrets)).toEqual([postgres.environment?.['POSTGRES_PASSWORD_FILE']]);
  const used = [...new Set([...gateway.secrets, ...second.secrets, ...postgres.secrets])];
  expect(used.toSorted()).toEqual(Object.keys(composePair.secrets).toSorted());
  for (const [name, { file }] of Object.entries(composePair.secrets)) expect(file).toBe(`secrets/${name}`);
});

test('Prometheus scrapes one for the aggregate, and both for own metrics', () => {
  interface PrometheusFile {
    readonly scrape_configs: readonly { static_configs: readonly [{ targets: readonly string[] }] }[];
  }
  const file = parse(pairPrometheusText) as PrometheusFile;
  const alone = parse(textAt('prometheus', '/etc/prometheus/prometheus.yml')) as PrometheusFile;
  const targets = file.scrape_configs.map(({ static_configs: [{ targets: each }] }) => each);
  const itself = configs.map(({ cluster }) => new URL(cluster.advertiseUrl!).host);
  expect(targets).toEqual([['gateway:9091'], itself]);
  // All else is as it is with one.
  const others = (of: PrometheusFile): unknown =>
    JSON.parse(JSON.stringify(of, (key, value: unknown) => (key === 'targets' ? undefined : value)));
  expect(others(file)).toEqual(others(alone));
});
