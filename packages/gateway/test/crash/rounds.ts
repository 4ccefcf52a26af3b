/** The two experiments. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';

import { scrapeSamples } from '../support/http.ts';
import { startGateway } from '../support/process.ts';
import { createSenders, pushOnce, pushUntilAcknowledged } from './senders.ts';
import type { Sender } from './senders.ts';

const SENDERS = 16;

export interface Outcome {
  readonly kills: number;
  readonly acknowledged: number;
  /** Pushes whose answer never came; they may count or not. */
  readonly unanswered: number;
  /** What the page shows in the end. */
  readonly counted: number;
}

/**
 * Kills the gateway at random moments under load, and looks after each start: everything acknowledged is there, and nothing counts
 * twice. `flags` must name a folder for the storage.
 */
export async function killRounds(rounds: number, flags: readonly string[]): Promise<Outcome> {
  const senders = createSenders(SENDERS);
  const before = new Map<string, number>();
  const total = { kills: 0, acknowledged: 0, unanswered: 0, counted: 0 };
  let gateway = await startGateway(flags);
  for (let round = 0; round < rounds; round += 1) {
    for (const sender of senders) {
      sender.acknowledged = 0;
      sender.unanswered = 0;
    }
    const load = pushOnce(senders, gateway.url);
    await sleep(20 + Math.random() * 300);
    // However busy the machine is, a kill before anything was acknowledged shows nothing.
    while (sum(senders, 'acknowledged') === 0) await sleep(10);
    await gateway.stop('SIGKILL');
    await load.stop();
    gateway = await startGateway(flags);
    const samples = await scrapeSamples(gateway.url);
    for (const sender of senders) {
      const value = samples.get(sender.series) ?? 0;
      const counted = value - (before.get(sender.series) ?? 0);
      const where = `round ${round}, ${sender.series}: ${counted} counted, ${sender.acknowledged} acknowledged, ${sender.unanswered} unanswered`;
      expect(counted, where).toBeGreaterThanOrEqual(sender.acknowledged);
      expect(counted, where).toBeLessThanOrEqual(sender.acknowledged + sender.unanswered);
      before.set(sender.series, value);
    }
    total.kills += 1;
    total.acknowledged += sum(senders, 'acknowledged');
    total.unanswered += sum(senders, 'unanswered');
  }
  await gateway.stop();
  return { ...total, counted: [...before.values()].reduce((all, value) => all + value, 0) };
}

/**
 * Kills the gateway every second or so, for so long and so often at least, while senders repeat each push, under its key, until it is
 * acknowledged. The sum must be exact.
 */
export async function killWithRetries(
  { seconds, kills: killsMin }: { readonly seconds: number; readonly kills: number },
  flags: readonly string[],
): Promise<Outcome> {
  const senders = createSenders(SENDERS);
  let gateway = await startGateway(flags);
  const load = pushUntilAcknowledged(senders, () => gateway.url);
  const end = performance.now() + seconds * 1000;
  let kills = 0;
  for (; kills < killsMin || performance.now() < end; kills += 1) {
    const acknowledged = sum(senders, 'acknowledged');
    await sleep(300 + Math.random() * 600);
    while (sum(senders, 'acknowledged') === acknowledged) await sleep(10);
    await gateway.stop('SIGKILL');
    gateway = await startGateway(flags);
  }
  await load.stop();
  const samples = await scrapeSamples(gateway.url);
  for (const { series, acknowledged } of senders) expect(samples.get(series), series).toBe(acknowledged);
  await gateway.stop();
  const acknowledged = sum(senders, 'acknowledged');
  return { kills, acknowledged, unanswered: 0, counted: acknowledged };
}

function sum(senders: readonly Sender[], what: 'acknowledged' | 'unanswered'): number {
  return senders.reduce((all, sender) => all + sender[what], 0);
}
