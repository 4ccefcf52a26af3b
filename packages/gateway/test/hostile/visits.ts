/** Attacks that are told by what came back, one after the other against one process in 512 MB. Each is one line here. */
import { sendBombs, sendTinyChunks, stallBodies } from './bodies.ts';
import type { BodyFigures } from './bodies.ts';
import { percentile, sized } from './campaign.ts';
import { linesOfLargeSource, refusedLongPushes } from './queues.ts';
import type { QueueFigures } from './queues.ts';
import { freedWhileRead, slowReaders, unreadScrapes } from './scrapes.ts';
import type { ScrapeFigures } from './scrapes.ts';
import { changingLengths, longHelp, longLabels, respellings } from './texts.ts';
import type { TextFigures } from './texts.ts';

export interface Visit {
  readonly name: string;
  readonly byJob?: boolean;
  /** For the long form only. */
  readonly isSlow?: boolean;
  /** Resolves with what to print. */
  readonly attack: (port: number) => Promise<readonly string[]>;
}

export const visits: readonly Visit[] = [
  { name: 'bodies that stall', attack: async (port) => [ofBodies(await stallBodies(port))] },
  {
    name: 'bodies in tiny chunks',
    attack: async (port) => [ofBodies(await sendTinyChunks(port, sized(5, 2)))],
  },
  {
    name: 'scrapes never read',
    attack: async (port) => [ofScrapes(await unreadScrapes(port, { ms: sized(8000, 2000) }))],
  },
  {
    name: 'series freed while one reads slowly',
    byJob: true,
    attack: async (port) => [ofScrapes(await freedWhileRead(port, { rounds: sized(60, 10) }))],
  },
  {
    name: 'slow readers that come back',
    isSlow: true,
    attack: async (port) => [ofScrapes(await slowReaders(port, { ms: 15_000 }))],
  },
  {
    name: 'bombs of each encoding',
    isSlow: true,
    attack: async (port) => (await sendBombs(port)).map(ofBodies),
  },
  {
    name: 'series of long labels',
    attack: async (port) => [ofTexts(await longLabels(port, { pushes: sized(320, 40) }))],
  },
  {
    name: 'gauges of changing lengths',
    byJob: true,
    attack: async (port) => [ofTexts(await changingLengths(port, { pushes: sized(400, 20) }))],
  },
  {
    name: 'long HELP',
    isSlow: true,
    attack: async (port) => [ofTexts(await longHelp(port, { families: 3600 }))],
  },
  {
    name: 'long pushes that are refused',
    attack: async (port) => [ofQueues(await refusedLongPushes(port, { ms: sized(10_000, 3000) }))],
  },
  {
    name: 'lines by a large source',
    byJob: true,
    attack: async (port) => [ofQueues(await linesOfLargeSource(port, { ms: sized(10_000, 3000) }))],
  },
  { name: 'other spellings', isSlow: true, attack: async (port) => [ofTexts(await respellings(port))] },
];

function ofTexts({ answers, honestWrong, bytes }: TextFigures): string {
  if (honestWrong > 0) throw new Error(`${honestWrong} series of the honest sender are wrong`);
  const held = Object.entries(bytes).map(([name, value]) => `${name} ${value}`);
  return `pushes ${counted(answers)}; ${held.join(', ')}`;
}

function ofBodies({ what, requests, replies, seconds }: BodyFigures): string {
  return `${what}: ${requests} in ${seconds.toFixed(1)} s, ${counted(replies)}`;
}

function ofQueues({ attack, honest, honestMs }: QueueFigures): string {
  const times = `p50 ${percentile(honestMs, 0.5).toFixed(0)} ms, longest ${(honestMs.at(-1) ?? Number.NaN).toFixed(0)} ms`;
  return `attack ${counted(attack)}; honest pushes ${counted(honest)}, ${times}`;
}

function ofScrapes({ honest, honestMedianMs, honestWorstMs, closed }: ScrapeFigures): string {
  return `honest scrapes ${counted(honest)}, median ${honestMedianMs.toFixed(0)} ms, longest ${honestWorstMs.toFixed(0)} ms; ${closed} closed`;
}

function counted(byStatus: Readonly<Record<string, number>>): string {
  const all = Object.entries(byStatus).map(([status, count]) => `${count} × ${status}`);
  return all.join(', ') || 'no reply';
}
