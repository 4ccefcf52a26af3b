/** deploy/compose-pair.yaml against the schema of Compose, and the pair that it starts, as processes of this machine with a real PostgreSQL. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';

import {
  compose,
  composePair,
  mountedAt,
  pairPrometheusText,
  runSender,
  textAt,
} from '../support/compose.ts';
import { eventually } from '../support/eventually.ts';
import { temporaryFolder } from '../support/folders.ts';
import { password, startPostgres, withPostgres } from '../support/postgres.ts';
import { startGateway } from '../support/process.ts';
import type { GatewayProcess } from '../support/process.ts';
import { repository } from '../support/programs.ts';
import { freePort, runPrometheus } from '../support/prometheus.ts';
import { composeProblems, whyWithout } from './deploy/tools.ts';

const without = whyWithout('compose');
const text = readFileSync(join(repository, 'deploy/compose-pair.yaml'), 'utf8');

test.skipIf(without !== '')(`the schema of Compose${without}`, () => {
  expect(composeProblems(parse(text))).toEqual([]);
  expect(composeProblems(parse(text.replaceAll('aliases:', 'alias:')))).not.toEqual([]);
});

interface Pair {
  readonly urls: readonly [string, string];
  readonly gateways: readonly [GatewayProcess, GatewayProcess];
}

/** By the command and the environment of each, but for where files and other services are. */
async function startPair(logPort: number): Promise<Pair> {
  const secrets = temporaryFolder();
  writeFileSync(join(secrets, 'cluster'), 'a secret of both gateways\n');
  writeFileSync(join(secrets, 'pgpass'), `*:*:*:*:${password.replaceAll(':', '\\:')}\n`);
  const configFile = '/etc/prom-aggregation-gateway/gateway.yaml';
  const flags = (compose.services.gateway.command ?? []).map((flag) =>
    flag.replace(configFile, mountedAt('gateway', configFile)),
  );
  const start = async (service: 'gateway' | 'gateway-2'): Promise<GatewayProcess> => {
    const port = await freePort();
    const env = Object.entries(composePair.services[service].environment).map(([name, value]) => [
      name,
      value
        .replace('/run/secrets', secrets)
        .replace('@postgres/', `@127.0.0.1:${logPort}/`)
        .replace(/^http:.*/, `http://127.0.0.1:${port}`),
    ]);
    return startGateway(
      [...flags, `--web.listen-address=127.0.0.1:${port}`],
      Object.fromEntries(env) as Record<string, string>,
    );
  };
  const gateways = [await start('gateway'), await start('gateway-2')] as const;
  const urls = [gateways[0].url, gateways[1].url] as const;
  for (const url of urls)
    await eventually('both to be ready', async () => (await fetch(`${url}/-/ready`)).ok, 60_000);
  return { urls, gateways };
}

test('what is pushed to either is scraped from either, also when the first is stopped', async (context) => {
  context.skip(withPostgres !== '', withPostgres);
  const postgres = await startPostgres();
  try {
    const { urls, gateways } = await startPair(postgres.primary.port);
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'alerts.yaml'), textAt('prometheus', '/etc/prometheus/alerts.yaml'));
    const path = join(folder, 'prometheus.yml');
    const [first, second] = urls.map((url) => new URL(url).host) as [string, string];
    const file = pairPrometheusText
      // Docker gives the address of one that runs; here it is the one that goes on.
      .replace('gateway:9091', second)
      .replace('gateway-1:9091', first)
      .replace('gateway-2:9091', second);
    writeFileSync(path, file.replace('15s', '1s'));
    const prometheus = await runPrometheus(path);
    const seen = (query: string): ReturnType<typeof expect.poll> =>
      expect.poll(() => prometheus.value(query), { timeout: 30_000 });
    for (const url of urls) expect(await runSender(url, 5)).toEqual([0, '']);
    await seen('sum(up)').toBe(3);
    await seen('sum(prom_aggregation_gateway_cluster_leads)').toBe(1);
    await seen('sum(shop_requests_total)').toBe(10);
    expect(await gateways[0].stop()).toBe(0);
    expect(await runSender(urls[1], 5)).toEqual([0, '']);
    await seen('sum(shop_requests_total)').toBe(15);
    await seen('prom_aggregation_gateway_cluster_leads').toBe(1);
    expect(await prometheus.value('sum(resets(shop_requests_total[5m]))')).toBe(0);
  } finally {
    await postgres.stop();
  }
});
