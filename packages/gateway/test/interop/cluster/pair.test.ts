/**
 * Two gateways on a log in PostgreSQL with two synchronous standbys, under load through both, while members die, stop, are cut off and are
 * restarted. What PostgreSQL goes through is in pair-engine.test.ts.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';

import { Load } from '../../support/cluster/load.ts';
import { Pair } from '../../support/cluster/pair.ts';
import type { PairMember } from '../../support/cluster/pair.ts';
import { eventually } from '../../support/eventually.ts';
import { push, scrape, send } from '../../support/http.ts';
import { startPostgres, withPostgres } from '../../support/postgres.ts';
import type { Postgres } from '../../support/postgres.ts';

/** Of Debian's package, for each architecture in another folder. */
const faketime = readdirSync('/usr/lib')
  .map((folder) => join('/usr/lib', folder, 'faketime/libfaketime.so.1'))
  .find((path) => existsSync(path));
const withoutFaketime = faketime === undefined ? 'needs faketime (apt-get install faketime)' : '';

describe.skipIf(withPostgres !== '')(`a pair on PostgreSQL${withPostgres && `: ${withPostgres}`}`, () => {
  let postgres: Postgres;
  beforeAll(async () => {
    postgres = await startPostgres({ standbys: 2 });
  });
  afterAll(() => postgres?.stop());

  interface Running {
    readonly pair: Pair;
    readonly load: Load;
    /** Who leads when it begins. */
    readonly leader: PairMember;
    readonly standby: PairMember;
  }

  interface Spared {
    /** Whose senders were all answered 202. */
    readonly spared?: (running: Running) => readonly PairMember[];
    readonly env?: NodeJS.ProcessEnv;
  }

  /** Under load; then that what was answered 202 counts once, and that those connected to these members were all answered so. */
  async function under(
    what: string,
    happens: (running: Running) => Promise<void>,
    { spared = () => [], env = {} }: Spared = {},
  ): Promise<void> {
    const pair = await Pair.start(postgres, {}, { env });
    const { leader } = pair;
    const standby = pair.other(leader);
    const load = new Load({ urls: pair.urls });
    onTestFinished(() => load.abandon());
    const running = { pair, load, leader, standby };
    await load.goesOn();
    load.longestPauseMs();
    await happens(running);
    await load.goesOn();
    process.stdout.write(`${what}: no push was taken for at most ${load.longestPauseMs()} ms\n`);
    await load.stop();
    await pair.expectAll(load);
    for (const { url } of spared(running)) expect(load.refused.get(url) ?? []).toEqual([]);
  }

  test('the leader is killed, and started again', () =>
    under(
      'leader killed',
      async ({ pair, load, leader, standby }) => {
        await leader.kill();
        await pair.leads(standby);
        await load.goesOn();
        await leader.start();
        await leader.ready();
      },
      { spared: ({ standby }) => [standby] },
    ));

  test('the standby is killed, and started again', () =>
    under(
      'standby killed',
      async ({ load, leader, standby }) => {
        await standby.kill();
        await load.goesOn();
        await standby.start();
        await standby.ready();
        expect(leader.leads).toBe(true);
      },
      { spared: ({ leader }) => [leader] },
    ));

  test('the leader is stopped for 6 s, and goes on', () =>
    under(
      'leader stopped for 6 s',
      async ({ pair, leader, standby }) => {
        leader.signal('SIGSTOP');
        await sleep(6_000);
        leader.signal('SIGCONT');
        await pair.leads(standby);
        await leader.joinsAnew();
        await leader.ready();
      },
      { spared: ({ standby, leader }) => [standby, leader] },
    ));

  test('the leader is cut off from the log, and comes back', () =>
    under(
      'leader cut off',
      async ({ pair, load, leader, standby }) => {
        leader.cutOff();
        await pair.leads(standby);
        await load.goesOn();
        await sleep(1_000);
        leader.reconnect();
        await leader.joinsAnew();
        await leader.ready();
        expect(pair.leader).toBe(standby);
      },
      { spared: ({ standby, leader }) => [standby, leader] },
    ));

  test('the leader is cut off while it has nothing to append: it shows no old page', async () => {
    const pair = await Pair.start(postgres);
    const { leader } = pair;
    await push(leader.url, 'pushed_total{sender="first"} 1');
    leader.cutOff();
    const standby = pair.other(leader);
    await pair.leads(standby);
    const load = new Load({ urls: [standby.url] });
    onTestFinished(() => load.abandon());
    await load.goesOn();
    const expectIn = load.acknowledgedSoFar();
    const scraped = scrape(leader.url);
    await sleep(500);
    leader.reconnect();
    expectIn(await scraped);
    await load.stop();
  });

  test('the leader is cut off for longer than the hold: it is not ready, and refuses what it cannot count', async () => {
    const pair = await Pair.start(postgres, { flags: ['--cluster.hold=3s'] });
    const { leader } = pair;
    const load = new Load({ urls: pair.urls });
    onTestFinished(() => load.abandon());
    await load.goesOn();
    leader.cutOff();
    await eventually('it not to be ready', async () => !(await leader.isReady()), 30_000);
    await pair.leads(pair.other(leader));
    const scraped = await fetch(`${leader.url}/metrics`);
    expect([scraped.status, scraped.headers.get('retry-after')]).toEqual([503, expect.any(String)]);
    expect((await fetch(`${leader.url}/-/healthy`)).status).toBe(200);
    const pushed = await send(leader.url, 'late_total 1\n');
    expect([pushed.status, pushed.headers.get('retry-after')]).toEqual([503, expect.any(String)]);
    await load.goesOn();
    leader.reconnect();
    await leader.joinsAnew();
    await load.goesOn();
    await load.stop();
    await pair.expectAll(load);
    expect(await scrape(leader.url)).not.toContain('late_total');
  });

  test('the leader is restarted in order: it hands over', () =>
    under(
      'handover',
      async ({ pair, load, leader, standby }) => {
        expect(await leader.stop()).toBe(0);
        await pair.leads(standby);
        await load.goesOn();
        await leader.start();
        await leader.ready();
        expect(pair.leader).toBe(standby);
      },
      { spared: ({ standby }) => [standby] },
    ));

  test('all members are restarted, one after another', () =>
    under('rolling restart', async ({ pair, load }) => {
      for (const member of pair.members) {
        expect(await member.stop()).toBe(0);
        await load.goesOn();
        await member.start();
        await member.ready();
      }
    }));

  test.skipIf(withoutFaketime !== '')(
    `the clock of the leader is three hours ahead, and it is killed ${withoutFaketime}`,
    () =>
      under(
        'leader with another clock killed',
        async ({ pair, load, leader, standby }) => {
          const [ofLeader, ofStandby] = [leader, standby].map(({ log }) =>
            Date.parse(/time=(\S+)/.exec(log)![1]!),
          );
          expect(ofLeader! - ofStandby!).toBeGreaterThan(2 * 3_600_000);
          await leader.kill();
          await pair.leads(standby);
          await load.goesOn();
          await leader.start();
          await leader.ready();
          await standby.stop();
          await pair.leads(leader);
          await load.goesOn();
          await standby.start();
        },
        { env: { LD_PRELOAD: faketime, FAKETIME: '+3h', FAKETIME_DONT_FAKE_MONOTONIC: '1' } },
      ),
  );

  test('both members are killed, and started again', () =>
    under('both killed', async ({ pair }) => {
      await Promise.all(pair.members.map((member) => member.kill()));
      for (const member of pair.members) await member.start();
    }));
});
