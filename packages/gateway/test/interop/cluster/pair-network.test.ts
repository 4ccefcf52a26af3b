/**
 * Two gateways on one log, one of them in a network namespace of its own, whose cables are pulled: what is sent is lost, and no connection is told of
 * it. In pair.test.ts the same is done by ports that hold back what passes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';

import { onEachEngine } from '../../support/cluster/engines.ts';
import { Namespace, withNamespaces } from '../../support/cluster/namespace.ts';
import { underLoad } from '../../support/cluster/under-load.ts';

onEachEngine('the network of a pair', (servers, isShort) => {
  test.skipIf(withNamespaces !== '')(
    `the leader loses its network to the log, and gets it back ${withNamespaces}`,
    () => {
      const inside = madeNamespace();
      return underLoad(servers(), {
        what: 'network to the log lost',
        options: { host: inside.outerHost },
        ofFirst: { inside, host: inside.host },
        happens: async ({ pair, load, leader, standby }) => {
          inside.cut('log');
          await pair.leads(standby);
          await load.goesOn();
          await sleep(1_000);
          inside.heal('log');
          await leader.joinsAnew();
          await leader.ready();
          expect(pair.leader).toBe(standby);
        },
        spared: ({ standby, leader }) => [standby, leader],
      });
    },
  );

  if (isShort) return;

  test.skipIf(withNamespaces !== '')(
    `the leader loses all of its network, and gets it back ${withNamespaces}`,
    () => {
      const inside = madeNamespace();
      return underLoad(servers(), {
        what: 'all of the network lost',
        options: { host: inside.outerHost },
        ofFirst: { inside, host: inside.host },
        happens: async ({ pair, load, leader, standby }) => {
          for (const link of ['log', 'others'] as const) inside.cut(link);
          await pair.leads(standby);
          await load.goesOn();
          for (const link of ['log', 'others'] as const) inside.heal(link);
          await leader.joinsAnew();
          await leader.ready();
          expect(pair.leader).toBe(standby);
        },
        spared: ({ standby }) => [standby],
      });
    },
  );
});

/** Until the test ends, and the processes in it. */
function madeNamespace(): Namespace {
  const namespace = Namespace.make();
  onTestFinished(() => namespace.remove());
  return namespace;
}
