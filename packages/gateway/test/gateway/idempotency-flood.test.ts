/** Idempotency keys where there are more than may be kept. */
import { expect, test } from 'vitest';

import { RestartingGateway } from '../support/restarting.ts';

const KEYS_MAX = 20;

async function outcomes(
  gateway: RestartingGateway,
  job: string,
  keys: readonly string[],
): Promise<readonly string[]> {
  const found: string[] = [];
  for (const idempotencyKey of keys) {
    found.push(
      await gateway.gateway.push('c 1\n', { path: `job/${job}/instance/${idempotencyKey}`, idempotencyKey }),
    );
  }
  return found;
}

const named = (name: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, i) => `${name}${i}`);

test.each(['records', 'snapshot'])(
  "a flood of keys does not make a retry of another job's push count twice, also after a restart from its %s",
  async (from) => {
    const gateway = await RestartingGateway.start({ idempotencyKeysMax: KEYS_MAX });
    await outcomes(gateway, 'honest', named('h', 5));
    await outcomes(gateway, 'flood', named('f', 200));
    if (from === 'snapshot') await gateway.takeSnapshot();
    await outcomes(gateway, 'flood', named('g', 200));
    await gateway.restart();
    expect(await outcomes(gateway, 'honest', named('h', 5))).toEqual(Array(5).fill('replayed'));
    expect(await gateway.gateway.scrape()).toContain('\nc 405\n');
    // What the flood has left are its newest.
    expect(await outcomes(gateway, 'flood', named('g', 200).slice(-KEYS_MAX + 5))).toEqual(
      Array(KEYS_MAX - 5).fill('replayed'),
    );
  },
);

test('how many keys were kept is part of what is kept: other flags at the next start change nothing that was', async () => {
  const gateway = await RestartingGateway.start({ idempotencyKeysMax: KEYS_MAX });
  await outcomes(gateway, 'a', named('a', KEYS_MAX + 10));
  await gateway.restart({ idempotencyKeysMax: 1_000 });
  expect(await outcomes(gateway, 'a', named('a', KEYS_MAX + 10).slice(10))).toEqual(
    Array(KEYS_MAX).fill('replayed'),
  );
  expect(await outcomes(gateway, 'a', named('a', 10))).toEqual(Array(10).fill('applied'));
  await outcomes(gateway, 'a', named('b', 100));
  await gateway.restart({ idempotencyKeysMax: KEYS_MAX });
  expect(await outcomes(gateway, 'a', named('a', 10))).toEqual(Array(10).fill('replayed'));
});
