/** A pair whose log is far away: what a push takes, and that it takes over all the same. Figures are printed, and asserted nowhere. */
import { afterAll, beforeAll, describe, onTestFinished, test } from 'vitest';

import { Load } from '../../support/cluster/load.ts';
import { Pair } from '../../support/cluster/pair.ts';
import { startPostgres, withPostgres } from '../../support/postgres.ts';
import type { Postgres } from '../../support/postgres.ts';

describe.skipIf(withPostgres !== '')(`a log far away${withPostgres && `: ${withPostgres}`}`, () => {
  let postgres: Postgres;
  beforeAll(async () => {
    postgres = await startPostgres({ standbys: 2 });
  });
  afterAll(() => postgres?.stop());

  test.each([0, 2, 20, 80])('by %d ms', async (roundTripMs) => {
    const pair = await Pair.start(postgres, { roundTripMs });
    const { leader } = pair;
    const standby = pair.other(leader);
    const figures: string[] = [];
    for (const [what, urls, keyed] of [
      ['one sender, to the leader', [leader.url], 1],
      ['one sender, to the standby', [standby.url], 1],
      ['64 senders, to both', pair.urls, 64],
    ] as const) {
      const load = new Load({ urls, keyed, plain: 0, pauseMs: 0, name: what });
      onTestFinished(() => load.abandon());
      // Until it is warm.
      await load.goesOn(100);
      const [began, before] = [performance.now(), load.acknowledged];
      await load.goesOn(keyed === 1 ? 50 : 1000);
      const seconds = (performance.now() - began) / 1000;
      const pushes = (load.acknowledged - before) / seconds;
      figures.push(`${what}: ${Math.round(pushes)} pushes/s, median ${load.medianMs()} ms`);
      if (keyed > 1) {
        load.longestPauseMs();
        await leader.kill();
        await load.goesOn(10 * keyed);
        figures.push(`leader killed: no push was taken for at most ${load.longestPauseMs()} ms`);
        await leader.start();
      }
      await load.stop();
      await pair.expectAll(load);
    }
    process.stdout.write(`${[`log ${roundTripMs} ms away`, ...figures].join('\n  ')}\n`);
  });
});
