/** The alerts of a cluster, asked of a real Prometheus that scrapes a pair with a log in a real PostgreSQL, as time would have them fire. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';

import { eventually } from '../support/eventually.ts';
import { temporaryFolder } from '../support/folders.ts';
import { push, scrapeSamples } from '../support/http.ts';
import { alerts } from '../support/monitoring.ts';
import { startPostgres, withPostgres } from '../support/postgres.ts';
import { startGateway } from '../support/process.ts';
import type { GatewayProcess } from '../support/process.ts';
import { freePort, runPrometheus } from '../support/prometheus.ts';
import type { Prometheus } from '../support/prometheus.ts';

async function startPair(log: string): Promise<readonly [GatewayProcess, GatewayProcess]> {
  const secret = join(temporaryFolder(), 'secret');
  writeFileSync(secret, 'a secret of both gateways\n');
  const start = async (): Promise<GatewayProcess> => {
    const address = `127.0.0.1:${await freePort()}`;
    const own = [`--web.listen-address=${address}`, `--cluster.advertise-url=http://${address}`];
    return startGateway([...own, `--cluster.secret-file=${secret}`], { PAG_STORAGE_LOG: log });
  };
  return [await start(), await start()];
}

async function scrapePair(gateways: readonly GatewayProcess[]): Promise<Prometheus> {
  const targets = gateways.map(({ url }) => new URL(url).host);
  const jobs = [
    {
      job_name: 'aggregation-gateway',
      honor_labels: true,
      static_configs: [{ targets: targets.slice(0, 1) }],
    },
    { job_name: 'aggregation-gateway-itself', metrics_path: '/-/metrics', static_configs: [{ targets }] },
  ];
  const configFile = join(temporaryFolder(), 'prometheus.yml');
  const global = { scrape_interval: '1s', scrape_timeout: '1s' };
  writeFileSync(configFile, stringify({ global, scrape_configs: jobs }));
  return runPrometheus(configFile);
}

/** In seconds instead of minutes: alerts whose condition holds, with the instance or `all`. */
async function conditions(prometheus: Prometheus): Promise<readonly string[]> {
  const held: string[] = [];
  for (const { alert, expr } of alerts) {
    const soon = expr
      .replaceAll(/\[\d+[mh]\]/g, '[6s]')
      .replaceAll('offset 1m', 'offset 6s')
      .replaceAll('> 900', '> 12');
    for (const { metric } of await prometheus.query(soon))
      held.push(`${alert.replace('AggregationGateway', '')} ${metric['instance'] ?? 'all'}`);
  }
  return held.toSorted();
}

test('a pair that is well makes none hold, and what goes wrong makes its own', async (context) => {
  context.skip(withPostgres !== '', withPostgres);
  const postgres = await startPostgres();
  try {
    const gateways = await startPair(postgres.url);
    const prometheus = await scrapePair(gateways);
    const hosts = gateways.map(({ url }) => new URL(url).host);
    const leaders = async (): Promise<readonly unknown[]> =>
      (await prometheus.query('prom_aggregation_gateway_cluster_leads == 1')).map(
        ({ metric }) => metric['instance'],
      );
    await eventually('one to lead', async () => (await leaders()).length === 1, 60_000);
    const [leader] = (await leaders()) as [string];
    const standby = hosts.find((host) => host !== leader)!;
    // By which each has begun, and has had pushes for longer than NobodyPushes waits here.
    const until = performance.now() + 15_000;
    while (performance.now() < until) {
      for (const { url } of gateways) await push(url, 'a_total 1');
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    expect((await scrapeSamples(gateways[1].url)).get('a_total')).toBeGreaterThan(10);
    await expect.poll(() => conditions(prometheus), { timeout: 30_000 }).toEqual([]);

    await postgres.primary.kill();
    const isHeld = async (...expected: readonly string[]): Promise<boolean> => {
      const held = await conditions(prometheus);
      return expected.every((each) => held.includes(each));
    };
    await eventually(
      'the engine to be missed by both',
      () => isHeld(`EngineUnreachable ${leader}`, `MemberBehind ${standby}`),
      60_000,
    ).catch(async () => expect(await conditions(prometheus)).toEqual('of the engine'));
    await gateways[hosts.indexOf(leader)]!.stop('SIGKILL');
    await eventually('both to be missed', () => isHeld('NoLeader all', `Down ${leader}`), 60_000).catch(
      async () => expect(await conditions(prometheus)).toEqual('of who leads'),
    );

    await postgres.primary.start();
    await eventually('the other to lead', async () => (await leaders()).includes(standby), 60_000);
    await eventually(
      'no condition of the cluster',
      async () => {
        const held = await conditions(prometheus);
        return !held.some((each) => /^(?:NoLeader|MemberBehind|Engine)/.test(each));
      },
      60_000,
    );
  } finally {
    await postgres.stop();
  }
});
