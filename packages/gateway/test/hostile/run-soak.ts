/**
 * Churn for as long as there is time: sources come, push series whose texts have new lengths each time, and go, while two scrape. Memory
 * must not creep, and what counters said stays in the total.
 */
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';

import type { Chance } from '../journal/crash-disk.ts';
import { scrapeSamples } from '../support/http.ts';
import { temporaryFolder } from '../support/folders.ts';
import { word } from './attackers/bodies.ts';
import { chanceFor, isLong, megabytes, percentile, printTable, secondsFor } from './campaign.ts';
import { startVictim } from './victim.ts';
import type { Victim } from './victim.ts';

const SENDERS = 4;
const GAUGES = 300;
const LENGTHS = 1500;
const LENGTH_STEP = 37;
const SCRAPE_EVERY_MS = 1000;
const SAMPLE_EVERY_MS = 100;

/** Between the second quarter of the time and the last. In the short form the runtime has not yet found its size. */
const GROWTH_MAX = isLong ? 1.3 : 2;
/** Of the runtime and its young garbage; of what is pushed, one or two megabytes are alive at a time. */
const RSS_MAX_BYTES = 200 * 2 ** 20;

export function testSoak(): void {
  test('soak with churn: memory is flat, and no count is lost', soak);
}

async function soak(): Promise<void> {
  const seconds = secondsFor('soak');
  const flags = ['--by-job', `--storage.path=${temporaryFolder()}`, '--storage.snapshot-interval=2s'];
  const victim = await startVictim({ flags });
  const end = performance.now() + seconds * 1000;
  const isOver = (): boolean => performance.now() > end || victim.death() !== undefined;
  const rss: number[] = [];
  const [pushes] = await Promise.all([
    churn(victim, isOver),
    scrapeUntil(victim, isOver),
    sample(victim, rss, isOver),
  ]);
  const samples = victim.death() === undefined ? await scrapeSamples(victim.url) : new Map<string, number>();
  const quarter = (n: number): number =>
    percentile(
      rss.slice((rss.length * n) / 4, (rss.length * (n + 1)) / 4).toSorted((a, b) => a - b),
      0.5,
    );
  const growth = quarter(3) / quarter(1);
  printTable(`soak with churn for ${seconds} s`, [
    ['sources that came and went', String(pushes)],
    ['RSS, median of each quarter', [0, 1, 2, 3].map((n) => megabytes(quarter(n))).join(', ')],
    ['last to second quarter', `${growth.toFixed(2)} × (at most ${GROWTH_MAX})`],
    ['goal', `at most ${megabytes(RSS_MAX_BYTES)}`],
    ['peak RSS', megabytes(victim.peakRssBytes())],
    ['the gateway', victim.death() ?? 'lives'],
    ['counted', `${samples.get('soaked_total')} of ${pushes}`],
  ]);
  expect(victim.death(), 'how the gateway ended').toBeUndefined();
  expect(samples.get('soaked_total'), 'what went stays in the total').toBe(pushes);
  expect(quarter(3) / 2 ** 20, 'RSS of the last quarter, MiB').toBeLessThan(RSS_MAX_BYTES / 2 ** 20);
  expect(growth, 'RSS of the last quarter by that of the second').toBeLessThan(GROWTH_MAX);
}

/** Resolves with how many sources were acknowledged. */
async function churn(victim: Victim, isOver: () => boolean): Promise<number> {
  const agent = new Agent({ keepAlive: true });
  let acknowledged = 0;
  const senders = Array.from({ length: SENDERS }, async (_, sender) => {
    const chance = chanceFor(`soak ${sender}`);
    for (let i = 0; !isOver(); i += 1) {
      const path = `${victim.url}/metrics/job/soak/instance/${sender}_${i}`;
      const status = await send(agent, 'PUT', path, bodyOf(i, chance));
      expect(status, 'of a push').toBe(202);
      acknowledged += 1;
      expect(await send(agent, 'DELETE', path, ''), 'of a DELETE').toBe(202);
    }
  });
  try {
    await Promise.all(senders);
  } catch (error) {
    if (victim.death() === undefined) throw error;
  }
  agent.destroy();
  return acknowledged;
}

/** All texts of one body have one length, and those of the next another: what was freed before fits nothing that comes. */
function bodyOf(round: number, chance: Chance): string {
  const length = 10 + ((round * LENGTH_STEP) % LENGTHS);
  const lines = Array.from(
    { length: GAUGES },
    (_, i) => `soaked{i="${i}",text="${word(length, chance)}"} ${i}\n`,
  );
  return `# TYPE soaked gauge\n${lines.join('')}# TYPE soaked_total counter\nsoaked_total 1\n`;
}

function send(agent: Agent, method: string, url: string, body: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { 'Content-Length': Buffer.byteLength(body) };
    const outgoing = request(url, { agent, method, headers }, (reply) => {
      reply.on('error', reject);
      reply.on('end', () => resolve(reply.statusCode));
      reply.resume();
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

async function scrapeUntil(victim: Victim, isOver: () => boolean): Promise<void> {
  for (; !isOver(); await sleep(SCRAPE_EVERY_MS)) {
    for (const accept of ['text/plain; version=0.0.4', 'application/openmetrics-text; version=1.0.0']) {
      // The end of the process is told by others.
      await fetch(`${victim.url}/metrics`, { headers: { accept } }).then(
        (reply) => reply.arrayBuffer(),
        () => undefined,
      );
    }
  }
}

async function sample(victim: Victim, rss: number[], isOver: () => boolean): Promise<void> {
  for (; !isOver(); await sleep(SAMPLE_EVERY_MS)) rss.push(victim.rssBytes());
}
