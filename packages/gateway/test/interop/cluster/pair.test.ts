/**
 * Two gateways on one log, under load through both, while members die, stop, are cut off and are restarted. The log is on PostgreSQL with two
 * synchronous standbys, and, where it matters what keeps it, on three servers of NATS as well. What these servers go through is in
 * pair-engine.test.ts.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';

import { onEachEngine } from '../../support/cluster/engines.ts';
import { Load } from '../../support/cluster/load.ts';
import { Pair } from '../../support/cluster/pair.ts';
import { underLoad } from '../../support/cluster/under-load.ts';
import { WatchedParts } from '../../support/cluster/watched-parts.ts';
import { eventually } from '../../support/eventually.ts';
import { push, scrape, scrapeSamples, send } from '../../support/http.ts';

/** Of Debian's package, for each architecture in another folder. */
const faketime = readdirSync('/usr/lib')
  .map((folder) => join('/usr/lib', folder, 'faketime/libfaketime.so.1'))
  .find((path) => existsSync(path));
const withoutFaketime = faketime === undefined ? 'needs faketime (apt-get install faketime)' : '';

/** Of no more than so many bytes, with a series in each line. */
function pushOf(bytesMax: number): { readonly body: string; readonly series: number } {
  const lines = ['# TYPE large_total counter\n'];
  const text = 'x'.repeat(150);
  let left = bytesMax - lines[0]!.length;
  for (let i = 0; ; i += 1) {
    const line = `large_total{i="${i}",text="${text}"} 1\n`;
    left -= line.length;
    if (left < 0) return { body: lines.join(''), series: i };
    lines.push(line);
  }
}

onEachEngine('a pair', (servers, isShort) => {
  test('the leader is killed, and started again', () =>
    underLoad(servers(), {
      what: 'leader killed',
      happens: async ({ pair, load, leader, standby }) => {
        await leader.kill();
        await pair.leads(standby);
        await load.goesOn();
        await leader.start();
        await leader.ready();
      },
      spared: ({ standby }) => [standby],
    }));

  test('the leader is stopped for 6 s, and goes on', () =>
    underLoad(servers(), {
      what: 'leader stopped for 6 s',
      happens: async ({ pair, leader, standby }) => {
        leader.signal('SIGSTOP');
        await sleep(6_000);
        leader.signal('SIGCONT');
        await pair.leads(standby);
        await leader.joinsAnew();
        await leader.ready();
      },
      spared: ({ standby, leader }) => [standby, leader],
    }));

  test('the leader is cut off from the log, and comes back', () =>
    underLoad(servers(), {
      what: 'leader cut off',
      happens: async ({ pair, load, leader, standby }) => {
        leader.cutOff();
        await pair.leads(standby);
        await load.goesOn();
        await sleep(1_000);
        leader.reconnect();
        await leader.joinsAnew();
        await leader.ready();
        expect(pair.leader).toBe(standby);
      },
      spared: ({ standby, leader }) => [standby, leader],
    }));

  test('all members are restarted, one after another', () =>
    underLoad(servers(), {
      what: 'rolling restart',
      happens: async ({ pair, load }) => {
        for (const member of pair.members) {
          expect(await member.stop()).toBe(0);
          await load.goesOn();
          await member.start();
          await member.ready();
        }
      },
    }));

  test('both members are killed, and started again', () =>
    underLoad(servers(), {
      what: 'both killed',
      happens: async ({ pair }) => {
        await Promise.all(pair.members.map((member) => member.kill()));
        for (const member of pair.members) await member.start();
      },
    }));

  test('the leader is killed between the parts of a push of 16 MiB', () =>
    underLoad(servers(), {
      what: 'leader killed between the parts of a record',
      happens: async ({ pair, load, log, leader, standby }) => {
        const { body, series } = pushOf(16 * 1024 * 1024);
        const parts = await WatchedParts.of(servers(), log);
        const headers = { 'Idempotency-Key': 'a push of 16 MiB' };
        // So that it has time to die in between.
        leader.roundTripMs = 300;
        const answered = send(leader.url, body, { headers }).then(
          ({ status }) => status,
          () => undefined,
        );
        await parts.first();
        await leader.kill();
        leader.roundTripMs = 0;
        expect(await answered).toBeUndefined();
        await pair.leads(standby);
        await load.goesOn();
        expect(parts.areLast).not.toContain(true);
        expect(await scrape(standby.url)).not.toContain('large_total');
        await leader.start();
        await leader.ready();
        for (const { url } of [standby, leader, standby])
          expect((await send(url, body, { headers })).status).toBe(202);
        const samples = [...(await scrapeSamples(leader.url))].filter(([name]) =>
          name.startsWith('large_total'),
        );
        expect(samples.length).toBe(series);
        expect(samples.filter(([, value]) => value !== 1)).toEqual([]);
      },
      spared: ({ standby }) => [standby],
    }));

  // All else is the same whatever keeps the log.
  if (isShort) return;

  test('the standby is killed, and started again', () =>
    underLoad(servers(), {
      what: 'standby killed',
      happens: async ({ load, leader, standby }) => {
        await standby.kill();
        await load.goesOn();
        await standby.start();
        await standby.ready();
        expect(leader.leads).toBe(true);
      },
      spared: ({ leader }) => [leader],
    }));

  test('the leader is cut off while it has nothing to append: it shows no old page', async () => {
    const pair = await Pair.start(servers());
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
    const pair = await Pair.start(servers(), { flags: ['--cluster.hold=3s'] });
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
    underLoad(servers(), {
      what: 'handover',
      happens: async ({ pair, load, leader, standby }) => {
        expect(await leader.stop()).toBe(0);
        await pair.leads(standby);
        await load.goesOn();
        await leader.start();
        await leader.ready();
        expect(pair.leader).toBe(standby);
      },
      spared: ({ standby }) => [standby],
    }));

  test.skipIf(withoutFaketime !== '')(
    `the clock of the leader is three hours ahead, and it is killed ${withoutFaketime}`,
    () =>
      underLoad(servers(), {
        what: 'leader with another clock killed',
        ofFirst: { env: { LD_PRELOAD: faketime, FAKETIME: '+3h', FAKETIME_DONT_FAKE_MONOTONIC: '1' } },
        happens: async ({ pair, load, leader, standby }) => {
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
      }),
  );
});
