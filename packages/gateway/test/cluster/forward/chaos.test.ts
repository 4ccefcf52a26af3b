/** Pushes to any of three members, while leaders come and go and what lies between members fails in all ways: each counts once, and all are answered. */
import { setTimeout as sleep } from 'node:timers/promises';

import { expect, onTestFinished, test } from 'vitest';

import { embed } from '../../../src/embed.ts';
import { sendTo } from '../../http/helpers.ts';
import { KeptJournal } from '../../support/kept-journal.ts';
import { triesAll } from '../../support/runs.ts';
import { Members } from './members.ts';

const [SENDERS, PUSHES] = [16, triesAll ? 60 : 12];

/** Numbers from 0 to below 1, the same for each seed. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test.each([1, 2, 3])('seed %i', async (seed) => {
  const random = randomOf(seed);
  const pick = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)]!;
  const { gateway } = embed({}, new KeptJournal());
  await gateway.open(3_600_000);
  onTestFinished(() => gateway.close());
  const members = new Members();
  const bounds = { holdMs: 240_000, connectMs: 500, replyMs: 240_000, connectionsMax: 6 };
  for (const name of ['a', 'b', 'c']) await members.add(name, gateway, { bounds });
  members.lead(members.all[0]);

  const sender = async (name: number): Promise<readonly number[]> => {
    const statuses: number[] = [];
    for (let i = 0; i < PUSHES; i += 1) {
      const body = `# TYPE x_total counter\nx_total{sender="${name}",i="${i}"} 1\n`;
      statuses.push((await sendTo(pick(members.all).port, 'POST', '/metrics/job/a', { body })).status);
    }
    return statuses;
  };
  let isOver = false;
  const chaos = async (): Promise<void> => {
    while (!isOver) {
      const member = pick(members.all);
      const what = pick(['lead', 'lead', 'none', 'lose', 'stall', 'cut', 'pass']);
      if (what === 'lead') members.lead(member);
      else if (what === 'none') members.lead(undefined);
      else if (what === 'cut') {
        await member.wire.cut();
        await sleep(random() * 10);
        await member.wire.open();
      } else member.wire.mode = what as 'lose' | 'stall' | 'pass';
      await sleep(random() * 40);
      // What stands still is found out by another one leading, or is gone on with.
      if (random() < 0.4) for (const each of members.all) each.wire.mode = 'pass';
      if (members.leader === undefined || random() < 0.3) members.lead(pick(members.all));
    }
    for (const each of members.all) each.wire.mode = 'pass';
    for (const each of members.all) members.lead(each);
  };
  const troubles = chaos();
  const senders = Promise.all(Array.from({ length: SENDERS }, (_, name) => sender(name)));
  await Promise.race([senders, sleep(triesAll ? 8000 : 2500)]);
  isOver = true;
  await troubles;
  const statuses = (await senders).flat();
  expect(new Set(statuses)).toEqual(new Set([202]));
  expect(gateway.holdings().pushes).toBe(SENDERS * PUSHES);
  const page = (await sendTo(members.all[1]!.port, 'GET', '/metrics')).text;
  const values = page.split('\n').filter((line) => line.startsWith('x_total{'));
  expect(values.length).toBe(SENDERS * PUSHES);
  expect(values.filter((line) => !line.endsWith(' 1'))).toEqual([]);
  // Otherwise it says nothing.
  const tried = members.all.reduce((sum, { forwarder }) => sum + forwarder.report.triedAgain, 0);
  expect(tried).toBeGreaterThan(3);
  for (const { forwarder } of members.all)
    expect(forwarder.report).toMatchObject({ held: 0, heldBytes: 0, underWay: 0, refused: 0 });
});
