/** A little of what `test/hostile/stores.ts` does for long: faults by chance, with a seed that is printed when one is not survived. */
import { expect, test } from 'vitest';

import { cutPower, injectErrors, mutateEverywhere, mutateStores } from '../hostile/stores.ts';
import { triesAll } from '../support/runs.ts';

const seed = Math.floor(Math.random() * 2 ** 31);

test.each([
  {
    name: 'files cut, changed, removed, swapped and copied',
    run: () => mutateStores({ seed, count: triesAll ? 100 : 30 }),
  },
  {
    name: 'the same at places all over one store',
    run: () => mutateEverywhere({ seed, count: 20, every: triesAll ? 797 : 2399 }),
  },
  {
    name: 'power cut and process killed after operations of the disk',
    run: () => cutPower({ seed, count: 2, share: triesAll ? 0.25 : 0.08 }),
  },
  { name: 'calls of the file system fail', run: () => injectErrors({ seed, count: triesAll ? 60 : 20 }) },
])('$name: recovered or reported, never lost', async ({ run }) => {
  const { losses, lost, tried } = await run();
  expect(losses, `seed ${seed}`).toEqual([]);
  expect(lost).toBe(0);
  // How large a store is, and so how many places it has, is by chance.
  expect(tried).toBeGreaterThan(4);
});
