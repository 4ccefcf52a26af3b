/** The law of a cluster: whatever goes wrong, what was acknowledged is in every later page, and counts once. */
import { expect, test } from 'vitest';

import { runs } from '../support/runs.ts';
import { World } from './simulation/world.ts';
import type { Outcome } from './simulation/world.ts';

/** Seeds that broke something once. */
const kept: readonly number[] = [];

async function run(seed: number, options = {}): Promise<Outcome> {
  try {
    return await new World(seed, options).run();
  } catch (error) {
    throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

/** The sums of what came of so many seeds. */
async function runMany(count: number, options = {}): Promise<Outcome> {
  const total = { acknowledged: 0, scrapes: 0, blocks: 0, overtaken: 0, takeovers: 0, refounded: 0 };
  const first = Math.floor(Math.random() * 2 ** 31);
  for (let seed = first, left = count; left > 0; left -= 1, seed += 1) {
    const outcome = await run(seed, options);
    for (const name of Object.keys(total) as (keyof Outcome)[]) total[name] += outcome[name];
  }
  console.log(JSON.stringify(total));
  return total;
}

test.each(kept)('seed %i, which broke something once', async (seed) => {
  await run(seed);
});

test('whatever goes wrong', async () => {
  const { refounded, ...total } = await runMany(runs(600));
  expect(Math.min(...Object.values(total))).toBeGreaterThan(0);
  expect(refounded).toBe(0);
});

test('whatever goes wrong, and the log loses what was acknowledged', async () => {
  const total = await runMany(runs(200), { loses: true });
  expect(Math.min(...Object.values(total))).toBeGreaterThan(0);
});

test('without compare-and-set it does not hold', async () => {
  const broken: number[] = [];
  for (let seed = 0; seed < 60; seed += 1)
    await run(seed, { comparesAndSets: false }).catch(() => broken.push(seed));
  expect(broken.length).toBeGreaterThan(0);
});
