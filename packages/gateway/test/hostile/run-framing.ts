/** Requests that are framed by the rules, against them and by chance: replies come whole and in order, and what is not answered 202 has not counted. */
import { expect, test } from 'vitest';

import { printTable, seed, sized } from './campaign.ts';
import { runFraming } from './framing.ts';
import { startVictim } from './victim.ts';

export function testFraming(): void {
  test('framing: the corpus, and random changes of it', async () => {
    const victim = await startVictim({ flags: ['--storage.path='] });
    const port = Number(new URL(victim.url).port);
    const { connections, accepted, refused, violations } = await runFraming(port, {
      seed,
      mutations: sized(2000, 200),
      concurrency: 32,
    });
    printTable('framing', [
      ['connections', String(connections)],
      ['pushes accepted', String(accepted)],
      ['refused', String(refused)],
      ['violations', String(violations.length)],
      ['the gateway', (await victim.isAnswering()) ? 'lives' : (victim.death() ?? 'answers no more')],
    ]);
    expect(violations).toEqual([]);
    expect(await victim.isAnswering(), 'the gateway answers').toBe(true);
  });
}
