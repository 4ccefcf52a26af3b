/** Two gateways on one log, under load through both, while its servers are killed, replaced, restarted and gone for long. */
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, expect, onTestFinished, test } from 'vitest';

import { onEachEngine } from '../../support/cluster/engines.ts';
import { Load } from '../../support/cluster/load.ts';
import { Pair } from '../../support/cluster/pair.ts';
import type { PairMember } from '../../support/cluster/pair.ts';
import { underLoad } from '../../support/cluster/under-load.ts';
import { eventually } from '../../support/eventually.ts';
import { send } from '../../support/http.ts';

/** As all was within the hold, nothing but 202 was answered. */
const all = {
  options: { flags: ['--cluster.hold=60s'] },
  spared: ({ pair }: { readonly pair: Pair }): readonly PairMember[] => pair.members,
};

onEachEngine('servers of the log', (servers, isShort) => {
  beforeEach(() => servers().whole());

  test('its primary is killed, and a standby promoted', () =>
    underLoad(servers(), {
      ...all,
      what: 'primary killed, standby promoted',
      happens: async ({ load, log }) => {
        const old = await servers().writer(log);
        await old.kill();
        await servers().replaceWriter();
        await load.goesOn();
        await servers().beginAnew(old);
        await load.goesOn();
      },
    }));

  test('all of its servers are killed, and started again', () =>
    underLoad(servers(), {
      ...all,
      what: 'all servers killed',
      happens: async () => {
        await servers().killAll();
        await sleep(1_000);
        await servers().startAll();
      },
    }));

  test('its primary is frozen for 6 s', () =>
    underLoad(servers(), {
      ...all,
      what: 'primary frozen for 6 s',
      happens: async ({ log }) => {
        const writer = await servers().writer(log);
        writer.freeze();
        await sleep(6_000);
        writer.thaw();
      },
    }));

  test('one of its standbys is killed: nobody notices; both: pushes wait', () =>
    underLoad(servers(), {
      ...all,
      what: 'both standbys killed for 2 s',
      happens: async ({ load, log }) => {
        const [one, other] = await servers().copies(log);
        await one!.kill();
        await load.goesOn();
        await other!.kill();
        await sleep(2_000);
        await one!.start();
        await load.goesOn();
      },
    }));

  test('it is gone for longer than the hold: 503 for all but health, and nothing is lost', async () => {
    const pair = await Pair.start(servers(), { flags: ['--cluster.hold=2s'] });
    const load = new Load({ urls: pair.urls });
    onTestFinished(() => load.abandon());
    await load.goesOn();
    await servers().killAll();
    for (const member of pair.members)
      await eventually('it not to be ready', async () => !(await member.isReady()), 30_000);
    for (const { url } of pair.members) {
      const replies = await Promise.all([fetch(`${url}/metrics`), send(url, 'late_total 1\n')]);
      for (const { status, headers } of replies)
        expect([status, headers.get('retry-after')]).toEqual([503, expect.any(String)]);
      expect((await fetch(`${url}/-/healthy`)).status).toBe(200);
    }
    await servers().startAll();
    await load.goesOn();
    await load.stop();
    await pair.expectAll(load);
  });

  // NATS elects by itself: there is nobody to promote one whose leader only hangs.
  if (isShort) return;

  test('its primary hangs, a standby is promoted, and the old one goes on as if nothing were', () =>
    underLoad(servers(), {
      ...all,
      what: 'primary frozen, standby promoted, primary thawed',
      happens: async ({ load, log }) => {
        const old = await servers().writer(log);
        old.freeze();
        onTestFinished(() => old.kill());
        await servers().replaceWriter();
        await load.goesOn();
        old.thaw();
        await load.goesOn();
      },
    }));
});
