/**
 * The longest turn of the event loop in what once took it for itself. Figures, printed beside the goal; a time proves nothing on a
 * machine that does other work too, so what is asserted is only that each case ran.
 */
import { expect, test } from 'vitest';

import { temporaryFolder } from '../support/folders.ts';
import type { TurnReport } from './attackers/turn-probe.ts';
import { printTable } from './campaign.ts';
import { turnCases } from './turn-cases.ts';
import type { TurnCase } from './turn-cases.ts';
import { turnsInProcess } from './turns-in-process.ts';
import { startVictim } from './victim.ts';

const probe = new URL('../../dist-hostile/turn-probe.js', import.meta.url).href;

const only = process.env['HOSTILE_ONLY'] ?? '';

test('the longest turns of the real process', async () => {
  const rows: string[][] = [];
  for (const turnCase of turnCases.filter(({ name }) => name.includes(only))) {
    try {
      rows.push(rowOf(turnCase, await measure(turnCase)));
    } catch (error) {
      rows.push([turnCase.name, `failed: ${String(error).slice(0, 500)}`]);
    }
  }
  printTable('longest turns of the real process, ms', [
    ['', 'CPU', 'GC in it, by the clock', 'by the clock', 'turns > 10', '> 25', 'goal'],
    ...rows,
  ]);
  expect(
    rows.filter(([, figure]) => figure?.startsWith('failed')),
    'cases that did not run',
  ).toEqual([]);
});

test.each(turnsInProcess)('the longest turns in this process: $part', async (inProcess) => {
  const rows = (await inProcess.turns()).map(({ name, cpuMs, wallMs }) => [
    name,
    cpuMs.toFixed(1),
    wallMs.toFixed(1),
  ]);
  printTable(`longest turns in this process, ms: ${inProcess.part}`, [['', 'CPU', 'by the clock'], ...rows]);
  expect(rows.length, 'cases that ran').toBeGreaterThan(0);
});

async function measure({ flags = [], durable, prepare, work }: TurnCase): Promise<TurnReport> {
  const storage = `--storage.path=${durable === undefined ? '' : temporaryFolder()}`;
  const start = { flags: [storage, ...flags], preload: probe };
  let victim = await startVictim(start);
  await prepare?.(victim.url);
  if (durable === 'restart') {
    await victim.end('SIGKILL');
    victim = await startVictim(start);
  } else {
    await victim.ask('reset');
  }
  await work?.(victim.url);
  const report = (await victim.ask('report')) as TurnReport;
  await victim.end('SIGKILL');
  return report;
}

function rowOf({ name, goalMs }: TurnCase, { cpuMs, gcMs, wallMs, over10, over25 }: TurnReport): string[] {
  const goal = `${cpuMs <= goalMs ? 'reached' : 'MISSED'}: ≤ ${goalMs}`;
  return [name, cpuMs.toFixed(1), gcMs.toFixed(1), wallMs.toFixed(1), String(over10), String(over25), goal];
}
