/**
 * All floods at once against the real process, with default flags in 512 MB, while an honest client pushes and scrapes. Whatever
 * happens to the attackers: the process lives, and what was acknowledged is on the page exactly, after a `kill -9` too.
 */
import { expect, test } from 'vitest';

import { send } from '../support/http.ts';
import { temporaryFolder } from '../support/folders.ts';
import { startAttack } from './attack-processes.ts';
import type { AttackReport } from './attackers/attack.ts';
import { attacks } from './attackers/attacks.ts';
import type { AttackName } from './attackers/attacks.ts';
import { isLong, megabytes, percentile, printTable, secondsFor, seed } from './campaign.ts';
import { HonestClient } from './honest.ts';
import type { HonestFigures } from './honest.ts';
import { limitMemory, memorySeenUnder } from './memory-limit.ts';
import type { MemoryLimit } from './memory-limit.ts';
import { startVictim } from './victim.ts';
import type { Victim } from './victim.ts';

const MEMORY_BYTES = 512 * 2 ** 20;
const SERIES = 50_000;

const P99_GOAL_MS = 100;
/** What the long form asserts: machines that run tests are noisy. */
const P99_MAX_MS = 1000;

const names = (process.env['HOSTILE_ATTACKS']?.split(',') ?? Object.keys(attacks)) as readonly AttackName[];

export function testFloods(): void {
  test.each(['add', 'by-job'] as const)('floods: all at once in 512 MB, mode %s', flood);
}

async function flood(mode: 'add' | 'by-job'): Promise<void> {
  const byJob = mode === 'by-job';
  const seconds = secondsFor(byJob ? 'floods by job' : 'floods');
  const limit = limitMemory(MEMORY_BYTES);
  const honest = new HonestClient(byJob, `honest-${seed}`);
  try {
    const flags = flagsFor(limit, byJob, temporaryFolder());
    const victim = await startVictim({ flags, limit });
    expect(victim.log(), 'the start log names the memory that it plans with').toMatch(/memory="?512MiB/);
    await fill(victim.url, byJob);
    const reports = await attackFor(seconds, victim, honest, byJob);
    const rows = [
      ...honestRows(honest.figures()),
      ['peak RSS', megabytes(victim.peakRssBytes())],
      ['RSS over time', victim.rssOverTime().map(megabytes).join(', ')],
    ];
    const sums = victim.death() === undefined ? await honest.wrongSamples(victim.url) : [];
    const death = victim.death();
    await victim.end('SIGKILL');
    const again = await startVictim({ flags, limit });
    // What was never answered may count or not, so only a sender that was answered everything knows the sum.
    if (death === undefined)
      sums.push(...(await honest.wrongSamples(again.url)).map((wrong) => `after kill -9: ${wrong}`));
    await again.end('SIGKILL');
    rows.push(
      ['the gateway', death ?? 'lives'],
      ['sum, before and after kill -9', death ?? sums[0] ?? 'exact'],
    );
    printTable(`floods for ${seconds} s in 512 MB (${limit.kind}), mode ${mode}`, [
      ...rows,
      ...reports.map(([name, report]) => attackRow(name, report)),
    ]);
    assertHeld({ rows, figures: honest.figures(), sums, seconds });
  } finally {
    honest.close();
    await limit.remove();
  }
}

/** Default flags, but for the port and the folder; the memory only where the gateway cannot find out by itself. */
function flagsFor(limit: MemoryLimit, byJob: boolean, folder: string): readonly string[] {
  const isSeen = memorySeenUnder(limit) === limit.bytes;
  return [
    `--storage.path=${folder}`,
    ...(byJob ? ['--by-job'] : []),
    ...(isSeen ? [] : [`--limit.memory=${limit.bytes / 2 ** 20}MiB`]),
  ];
}

/** The series that scrapes read. */
async function fill(url: string, byJob: boolean): Promise<void> {
  const lines = Array.from({ length: SERIES }, (_, i) => `filled_total{instance="10.0.0.${i}",zone="a"} 1\n`);
  const reply = await send(url, `# TYPE filled_total counter\n${lines.join('')}`, {
    path: byJob ? 'job/filled' : '',
  });
  expect(reply.status, await reply.text()).toBe(202);
}

async function attackFor(
  seconds: number,
  victim: Victim,
  honest: HonestClient,
  byJob: boolean,
): Promise<readonly (readonly [AttackName, AttackReport | string])[]> {
  const isGone = (): boolean => victim.death() !== undefined;
  // The honest series are there before the limits are reached: limits refuse what is new.
  let began = Number.POSITIVE_INFINITY;
  const isOver = (): boolean => performance.now() > began + seconds * 1000;
  const pushing = honest.run(victim.url, isOver, isGone);
  while (honest.figures().acknowledged === 0 && !isGone()) await new Promise((r) => setTimeout(r, 20));
  began = performance.now();
  const running = names.map((name, i) =>
    startAttack(name, { url: victim.url, seconds, seed: seed + i, byJob }),
  );
  await pushing;
  if (isGone()) for (const attack of running) attack.stop();
  return Promise.all(running.map(async ({ name, ended }) => [name, await ended] as const));
}

function honestRows(figures: HonestFigures): string[][] {
  const ms = (sorted: readonly number[]): string =>
    `p50 ${percentile(sorted, 0.5).toFixed(0)} ms, p99 ${percentile(sorted, 0.99).toFixed(0)} ms, max ${(sorted.at(-1) ?? Number.NaN).toFixed(0)} ms`;
  return [
    ['honest pushes acknowledged', String(figures.acknowledged)],
    ['… until acknowledged', `${ms(figures.latenciesMs)} (goal: p99 ≤ ${P99_GOAL_MS} ms)`],
    ['… refused and sent again', counts(figures.refusals)],
    ['honest scrapes', `${figures.scrapesMs.length}, ${ms(figures.scrapesMs)}`],
    ['… refused', counts(figures.scrapeRefusals)],
    ['… wrong', figures.wrong[0] ?? 'none'],
  ];
}

function attackRow(name: AttackName, report: AttackReport | string): string[] {
  if (typeof report === 'string') return [name, `failed: ${report.slice(-300)}`];
  const { rounds, sent, replies, closed } = report;
  return [name, `${rounds} rounds, ${sent} requests: ${counts(replies)}; ${closed} connections closed`];
}

function counts(byStatus: Readonly<Record<string, number>>): string {
  return (
    Object.entries(byStatus)
      .map(([status, count]) => `${count} × ${status}`)
      .join(', ') || 'none'
  );
}

function assertHeld(held: {
  readonly rows: readonly (readonly string[])[];
  readonly figures: HonestFigures;
  readonly sums: readonly string[];
  readonly seconds: number;
}): void {
  const { rows, figures, sums, seconds } = held;
  const state = rows.find(([what]) => what === 'the gateway')?.[1];
  expect(state, `the gateway must outlive ${seconds} s of floods`).toBe('lives');
  expect(sums, 'what the page shows otherwise than acknowledged').toEqual([]);
  expect(figures.wrong, 'scrapes that show less than was acknowledged before them').toEqual([]);
  expect(figures.acknowledged, 'honest pushes acknowledged').toBeGreaterThan(0);
  if (isLong)
    expect(percentile(figures.latenciesMs, 0.99), 'p99 of honest pushes, ms').toBeLessThan(P99_MAX_MS);
}
