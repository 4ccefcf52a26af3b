/**
 * An asynchronous failover of PostgreSQL, which loses blocks that were acknowledged: the members stop, and an operator has the one with most go on. What
 * senders were told counts once, and Prometheus sees no reset.
 */
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';

import { Service } from '../../support/cluster/gate.ts';
import { Load } from '../../support/cluster/load.ts';
import { expectNoReset } from '../../support/cluster/no-reset.ts';
import { newTable, Pair } from '../../support/cluster/pair.ts';
import type { PairMember } from '../../support/cluster/pair.ts';
import { eventually } from '../../support/eventually.ts';
import { push, samplesOf, send } from '../../support/http.ts';
import { startPostgres, withPostgres } from '../../support/postgres.ts';
import type { Postgres, PostgresServer } from '../../support/postgres.ts';
import { runGateway } from '../../support/process.ts';
import type { Outcome } from '../../support/programs.ts';
import { startPrometheus } from '../../support/prometheus.ts';

const SENDERS = 4;

describe.skipIf(withPostgres !== '')(`storage refound${withPostgres && `: ${withPostgres}`}`, () => {
  let postgres: Postgres;
  let table: string;
  beforeEach(async () => {
    postgres = await startPostgres({ standbys: 2 });
    table = newTable();
  });
  afterEach(() => postgres?.stop());

  const nameOf = ({ url }: PairMember): string => new URL(url).host;

  /** It waits until a member has written all it has. */
  function refound(...words: readonly string[]): Promise<Outcome> {
    const env = { PAG_STORAGE_LOG: `${postgres.url}?table=${table}` };
    return runGateway(['storage', 'refound', ...words], env, { timeoutMs: 60_000 });
  }

  async function waitForNoStandby(server: PostgresServer): Promise<void> {
    await server.query("ALTER SYSTEM SET synchronous_standby_names = ''");
    await server.query('SELECT pg_reload_conf()');
  }

  /** To a standby that lacks what was pushed since it was stopped. */
  async function failOver(load: Load, ready: () => Promise<void> = async () => undefined): Promise<void> {
    const [standby, other] = postgres.servers.filter((server) => server !== postgres.primary);
    await waitForNoStandby(postgres.primary);
    await standby!.stop();
    await other!.stop();
    await load.goesOn();
    await ready();
    await postgres.primary.kill();
    await standby!.start();
    await postgres.promote(standby!);
    await waitForNoStandby(standby!);
  }

  async function blockOf({ url }: PairMember): Promise<number> {
    const page = samplesOf(await (await fetch(`${url}/-/metrics`)).text());
    return page.get('prom_aggregation_gateway_cluster_block')!;
  }

  async function stopped(members: readonly PairMember[]): Promise<void> {
    for (const member of members) {
      await member.logs('the engine has lost what was acknowledged');
      expect(member.log).toMatch(/the log ends with block \d+, and this member has seen block \d+/);
      await eventually('it not to be ready', async () => !(await member.isReady()), 30_000);
      const ready = await fetch(`${member.url}/-/ready`);
      expect([ready.status, await ready.text()]).toEqual([
        503,
        expect.stringContaining('prom-aggregation-gateway storage refound'),
      ]);
      expect((await send(member.url, 'late_total 1\n')).status).toBe(503);
      expect((await fetch(`${member.url}/metrics`)).status).toBe(503);
      expect((await fetch(`${member.url}/-/healthy`)).status).toBe(200);
    }
  }

  test('blocks are lost by an asynchronous failover: the members stop, and go on from the leader', async () => {
    const pair = await Pair.start(postgres, { table, flags: ['--cluster.hold=3s'] });
    const service = await Service.before(pair.urls);
    onTestFinished(() => service.close());
    await eventually('both members to be in the Service', () => service.ready === 2);
    const all = Array.from({ length: SENDERS }, (_, i) => `pushed_total{sender="keyed ${i}"}`);
    // A first value of 0 keeps increase() from guessing what was before it.
    for (const series of all) await push(service.url, `# TYPE pushed_total counter\n${series} 0`);
    const prometheus = await startPrometheus(service.url);
    await eventually(
      'a first scrape',
      async () => (await prometheus.value('count(pushed_total{job="gateway"})')) === SENDERS,
      30_000,
    );
    const load = new Load({ urls: pair.urls, keyed: SENDERS, plain: 4, pauseMs: 20 });
    onTestFinished(() => load.abandon());
    await load.goesOn();
    await failOver(load);
    await stopped(pair.members);

    const { leader } = pair;
    const listed = await refound();
    expect([listed.code, listed.stderr]).toEqual([0, '']);
    for (const member of pair.members)
      expect(listed.stdout).toContain(`member     ${nameOf(member)}: has seen block`);
    expect(listed.stdout).toContain(
      `to go on from ${nameOf(leader)}: prom-aggregation-gateway storage refound`,
    );
    expect(listed.stdout).not.toContain('secret');
    const done = await refound(nameOf(leader));
    expect([done.code, done.stderr, done.stdout]).toEqual([
      0,
      '',
      expect.stringMatching(`the log goes on with block \\d+, from what ${leader.url} had at block \\d+`),
    ]);
    await pair.ready();
    await load.goesOn();
    expect((await refound(nameOf(leader))).code).toBe(1);
    await load.stop();
    await pair.expectAll(load);
    for (const [series, { acknowledged }] of load.expected)
      if (series.includes('keyed')) await expectNoReset(prometheus, series, { job: 'gateway', acknowledged });
    // The other one has it all, too.
    await leader.kill();
    await pair.leads(pair.other(leader));
    await leader.start();
    await pair.expectAll(load);
  }, 300_000);

  test('the same, and the leader died with it: the members go on from the standby', async () => {
    const pair = await Pair.start(postgres, { table, flags: ['--cluster.hold=3s'] });
    const load = new Load({ urls: pair.urls, keyed: SENDERS, plain: 0 });
    onTestFinished(() => load.abandon());
    await load.goesOn();
    const [leader, standby] = [pair.leader, pair.other(pair.leader)];
    await failOver(load, async () => {
      // What it has not read dies with the leader.
      await load.stop();
      const block = await blockOf(leader);
      await eventually('the standby to have read it all', async () => (await blockOf(standby)) >= block);
    });
    await leader.kill();
    await stopped([standby]);
    // It reads the shorter log, and does not go on with that.
    await leader.start();
    await leader.logs(`and the member ${nameOf(standby)} has seen block`);
    const refused = await refound(nameOf(leader));
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringContaining(`no member ${nameOf(leader)} says that it has seen more than the log has`),
    ]);
    const done = await refound(nameOf(standby));
    expect([done.code, done.stderr]).toEqual([0, '']);
    await pair.ready();
    await pair.expectAll(load);
    const more = new Load({ urls: pair.urls, name: 'later ' });
    onTestFinished(() => more.abandon());
    await more.goesOn();
    await more.stop();
    await pair.expectAll(more);
  }, 300_000);

  test('the server that has it all takes writes again, and the members are restarted: nothing is lost', async () => {
    const pair = await Pair.start(postgres, { table, flags: ['--cluster.hold=3s'] });
    const load = new Load({ urls: pair.urls, keyed: SENDERS, plain: 4 });
    onTestFinished(() => load.abandon());
    await load.goesOn();
    const old = postgres.primary;
    await failOver(load);
    await stopped(pair.members);
    await postgres.primary.kill();
    await old.start();
    // They go to no server that another one was promoted after.
    for (const member of pair.members) {
      expect(await member.stop()).toBe(0);
      await member.start();
    }
    await load.goesOn();
    await load.stop();
    await pair.expectAll(load);
  }, 300_000);
});
