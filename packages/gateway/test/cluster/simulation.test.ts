/** The law of a cluster: whatever goes wrong, what was acknowledged is in every later page, and counts once. */
import { expect, test } from 'vitest';

import { runs } from '../support/runs.ts';
import type { EngineOptions } from './simulation/faulty-log.ts';
import { World } from './simulation/world.ts';
import type { Outcome } from './simulation/world.ts';

/** Seeds that broke something once. */
const kept: readonly number[] = [];

async function run(seed: number, options: EngineOptions = {}): Promise<Outcome> {
  try {
    return await new World(seed, options).run();
  } catch (error) {
    throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

test.each(kept)('seed %i, which broke something once', async (seed) => {
  await run(seed);
});

test('whatever goes wrong', async () => {
  const total = { acknowledged: 0, scrapes: 0, blocks: 0, overtaken: 0, takeovers: 0, compared: 0 };
  const first = Math.floor(Math.random() * 2 ** 31);
  for (let seed = first, left = runs(600); left > 0; left -= 1, seed += 1) {
    const outcome = await run(seed);
    for (const name of Object.keys(total) as (keyof Outcome)[]) total[name] += outcome[name];
  }
  console.log(JSON.stringify(total));
  expect(Math.min(...Object.values(total))).toBeGreaterThan(0);
});

test('without compare-and-set it does not hold', async () => {
  const broken: number[] = [];
  for (let seed = 0; seed < 60; seed += 1)
    await run(seed, { comparesAndSets: false }).catch(() => broken.push(seed));
  expect(broken.length).toBeGreaterThan(0);
});

test('a member whose state is another one is found', async () => {
  let isFound = false;
  for (let seed = 0; seed < 40 && !isFound; seed += 1)
    await run(seed, { spoilsSnapshots: true }).catch((error: Error) => {
      isFound = error.message.includes('differs from that of the leader');
    });
  expect(isFound).toBe(true);
});
