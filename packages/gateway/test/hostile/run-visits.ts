/** Attacks one by one, each against a process of its own with default flags in 512 MB: it lives, and what it took at most is printed. */
import { expect, test } from 'vitest';

import { send } from '../support/http.ts';
import { isLong, megabytes, printTable, secondsLeft } from './campaign.ts';
import { limitMemory } from './memory-limit.ts';
import { startVictim } from './victim.ts';
import { visits } from './visits.ts';
import type { Visit } from './visits.ts';

const MEMORY_BYTES = 512 * 2 ** 20;
const SERIES = 50_000;
/** That one may take. */
const VISIT_SECONDS = isLong ? 15 : 5;

export function testVisits(): void {
  test('visits: attacks one by one in 512 MB', visitAll);
}

async function visitAll(): Promise<void> {
  const rows: string[][] = [];
  const deaths: string[] = [];
  for (const visit of visits.filter(({ isSlow }) => isLong || isSlow !== true)) {
    if (secondsLeft() < VISIT_SECONDS) {
      rows.push([visit.name, '', 'left out, as the time is over']);
      continue;
    }
    const { peakBytes, death, answers } = await visited(visit);
    if (death !== undefined) deaths.push(`${visit.name}: ${death}`);
    const [first = '', ...others] = answers;
    rows.push([visit.name, megabytes(peakBytes), death ?? 'lives', first]);
    rows.push(...others.map((answer) => ['', '', '', answer]));
  }
  printTable('attacks one by one in 512 MB', [['', 'peak RSS', 'the gateway'], ...rows]);
  expect(deaths, 'attacks that ended the process').toEqual([]);
}

async function visited({ byJob = false, attack }: Visit): Promise<{
  readonly peakBytes: number;
  readonly death: string | undefined;
  readonly answers: readonly string[];
}> {
  const limit = limitMemory(MEMORY_BYTES);
  try {
    const flags = [
      '--storage.path=',
      `--limit.memory=${MEMORY_BYTES / 2 ** 20}MiB`,
      ...(byJob ? ['--by-job'] : []),
    ];
    const victim = await startVictim({ flags, limit });
    const lines = Array.from({ length: SERIES }, (_, i) => `filled_total{i="${i}"} 1\n`);
    await (
      await send(victim.url, `# TYPE filled_total counter\n${lines.join('')}`, { path: 'job/filled' })
    ).text();
    const answers = await attack(Number(new URL(victim.url).port)).catch((error: unknown) => [String(error)]);
    const isAnswering = await victim.isAnswering();
    const death = isAnswering ? undefined : (victim.death() ?? 'answers no more');
    const figures = { peakBytes: victim.peakRssBytes(), death, answers };
    await victim.end('SIGKILL');
    return figures;
  } finally {
    await limit.remove();
  }
}
