/** Two gateways on a log in PostgreSQL, under load through both, while its servers are killed, promoted, restarted and gone for long. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';

import { Load } from '../../support/cluster/load.ts';
import { mostAdvanced } from '../../support/cluster/most-advanced.ts';
import { Pair } from '../../support/cluster/pair.ts';
import { eventually } from '../../support/eventually.ts';
import { send } from '../../support/http.ts';
import { startPostgres, withPostgres } from '../../support/postgres.ts';
import type { Postgres } from '../../support/postgres.ts';

describe.skipIf(withPostgres !== '')(`servers of the log${withPostgres && `: ${withPostgres}`}`, () => {
  let postgres: Postgres;
  beforeAll(async () => {
    postgres = await startPostgres({ standbys: 2 });
  });
  afterAll(() => postgres?.stop());
  beforeEach(async () => {
    for (const server of postgres.servers) if (!server.isRunning()) await postgres.rejoin(server);
    await postgres.followed(2);
  });

  /** Under load; then that what was answered 202 counts once, and, as all was within the hold, that nothing else was answered. */
  async function under(what: string, happens: (load: Load) => Promise<void>): Promise<void> {
    const pair = await Pair.start(postgres, { flags: ['--cluster.hold=60s'] });
    const load = new Load({ urls: pair.urls });
    onTestFinished(() => load.abandon());
    await load.goesOn();
    load.longestPauseMs();
    await happens(load);
    await load.goesOn();
    process.stdout.write(`${what}: no push was taken for at most ${load.longestPauseMs()} ms\n`);
    await load.stop();
    await pair.expectAll(load);
    expect([...load.refused]).toEqual([]);
  }

  test('its primary is killed, and a standby promoted', () =>
    under('primary killed, standby promoted', async (load) => {
      await postgres.primary.kill();
      await postgres.promote(await mostAdvanced(postgres));
      await load.goesOn();
    }));

  test('all of its servers are killed, and started again', () =>
    under('all servers killed', async () => {
      await Promise.all(postgres.servers.map((server) => server.kill()));
      await sleep(1_000);
      await Promise.all(postgres.servers.map((server) => server.start()));
    }));

  test('its primary is frozen for 6 s', () =>
    under('primary frozen for 6 s', async () => {
      postgres.primary.freeze();
      await sleep(6_000);
      postgres.primary.thaw();
    }));

  test('its primary hangs, a standby is promoted, and the old one goes on as if nothing were', () =>
    under('primary frozen, standby promoted, primary thawed', async (load) => {
      const old = postgres.primary;
      old.freeze();
      onTestFinished(() => old.kill());
      await postgres.promote(await mostAdvanced(postgres));
      await load.goesOn();
      old.thaw();
      await load.goesOn();
    }));

  test('one of its standbys is killed: nobody notices; both: pushes wait', () =>
    under('both standbys killed for 2 s', async (load) => {
      const [one, other] = postgres.servers.filter((server) => server !== postgres.primary);
      await one!.kill();
      await load.goesOn();
      await other!.kill();
      await sleep(2_000);
      await one!.start();
      await load.goesOn();
    }));

  test('it is gone for longer than the hold: 503 for all but health, and nothing is lost', async () => {
    const pair = await Pair.start(postgres, { flags: ['--cluster.hold=2s'] });
    const load = new Load({ urls: pair.urls });
    onTestFinished(() => load.abandon());
    await load.goesOn();
    await Promise.all(postgres.servers.map((server) => server.kill()));
    for (const member of pair.members)
      await eventually('it not to be ready', async () => !(await member.isReady()), 30_000);
    for (const { url } of pair.members) {
      const replies = await Promise.all([fetch(`${url}/metrics`), send(url, 'late_total 1\n')]);
      for (const { status, headers } of replies)
        expect([status, headers.get('retry-after')]).toEqual([503, expect.any(String)]);
      expect((await fetch(`${url}/-/healthy`)).status).toBe(200);
    }
    await Promise.all(postgres.servers.map((server) => server.start()));
    await load.goesOn();
    await load.stop();
    await pair.expectAll(load);
  });
});
