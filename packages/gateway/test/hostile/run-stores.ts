/**
 * Stores that are mutated, that lose their power and whose disk fails. Whatever is done to one, it has all that was acknowledged, or
 * says that it is damaged.
 */
import { expect, test } from 'vitest';

import { printTable, secondsFor, seed, sized } from './campaign.ts';
import { cutPower, injectErrors, mutateEverywhere, mutateStores } from './stores.ts';
import type { Counts } from './stores.ts';

interface Part {
  readonly what: string;
  /** For a fraction of a second. */
  readonly count: number;
  readonly run: (campaign: { readonly seed: number; readonly count: number }) => Promise<Counts>;
}

const parts: readonly Part[] = [
  { what: 'stores mutated at random', count: 20, run: mutateStores },
  {
    what: 'power cut, or killed and then cut, after each operation',
    count: 2,
    run: (campaign) => cutPower({ ...campaign, share: 0.5 }),
  },
  { what: 'calls of the file system that fail', count: 20, run: injectErrors },
];

export function testStores(): void {
  test('stores: what is done to one is recovered from, or reported', attackStores);
}

async function attackStores(): Promise<void> {
  const all: (readonly [string, Counts])[] = [];
  const everywhere = await mutateEverywhere({ seed, count: 1, every: sized(97, 997) });
  all.push(['cut and changed everywhere', everywhere]);
  for (const part of parts) all.push([part.what, await repeatFor(secondsFor('stores') / parts.length, part)]);
  printTable('stores', [
    ['', 'tried', 'recovered', 'reported', 'lost'],
    ...all.map(([what, { tried, recovered, reported, lost }]) => [
      what,
      ...[tried, recovered, reported, lost].map(String),
    ]),
  ]);
  expect(all.flatMap(([what, { losses }]) => losses.map((loss) => `${what}: ${loss}`))).toEqual([]);
}

/** With one seed after the other, until the time is over. */
async function repeatFor(seconds: number, { count, run }: Part): Promise<Counts> {
  const end = performance.now() + seconds * 1000;
  let sum: Counts = { tried: 0, recovered: 0, reported: 0, lost: 0, losses: [] };
  for (let round = 0; round === 0 || performance.now() < end; round += 1) {
    const from = seed + round;
    const more = await run({ seed: from, count });
    sum = {
      tried: sum.tried + more.tried,
      recovered: sum.recovered + more.recovered,
      reported: sum.reported + more.reported,
      lost: sum.lost + more.lost,
      losses: [...sum.losses, ...more.losses.map((loss) => `seed ${from}: ${loss}`)].slice(0, 10),
    };
  }
  return sum;
}
