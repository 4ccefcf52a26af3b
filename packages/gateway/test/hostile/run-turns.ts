/**
 * The longest turn of the event loop in what once took it for itself. Figures, printed beside the goal; a time proves nothing on a
 * machine that does other work too, so what is asserted is only that each case ran.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';

import { temporaryFolder } from '../support/folders.ts';
import type { TurnReport } from './attackers/turn-probe.ts';
import { printTable, secondsLeft } from './campaign.ts';
import { turnCases } from './turn-cases.ts';
import type { TurnCase } from './turn-cases.ts';
import { turnsInProcess } from './turns-in-process.ts';
import type { TurnsInProcess } from './turns-in-process.ts';
import { startVictim } from './victim.ts';

const probe = new URL('../../dist-hostile/turn-probe.js', import.meta.url).href;

const CASE_TIMEOUT_MS = 90_000;

/** Cases whose name has this in it. */
const only = process.env['HOSTILE_ONLY'] ?? '';

export function testTurns(): void {
  test('turns: the longest of the real process', inRealProcess);
}

export function testTurnsInProcess(): void {
  if (turnsInProcess.length > 0)
    test.each(turnsInProcess)('turns: the longest in this process, $part', inThisProcess);
}

async function inRealProcess(): Promise<void> {
  const rows: string[][] = [];
  for (const turnCase of turnCases.filter(({ name }) => name.includes(only))) {
    try {
      rows.push(rowOf(turnCase, await withinReason(measure(turnCase))));
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
}

async function inThisProcess({ part, turns }: TurnsInProcess): Promise<void> {
  if (secondsLeft() < 0) {
    console.log(`longest turns in this process, ${part}: left out, as the time is over`);
    return;
  }
  const rows = (await turns()).map(({ name, cpuMs, wallMs }) => [name, cpuMs.toFixed(1), wallMs.toFixed(1)]);
  printTable(`longest turns in this process, ms: ${part}`, [['', 'CPU', 'by the clock'], ...rows]);
  expect(rows.length, 'cases that ran').toBeGreaterThan(0);
}

/** Long enough for any machine, and not for a gateway that no longer answers. */
async function withinReason<T>(work: Promise<T>): Promise<T> {
  const noTime = new AbortController();
  const late = sleep(CASE_TIMEOUT_MS, undefined, { signal: noTime.signal }).then(() => {
    throw new Error(`no end within ${CASE_TIMEOUT_MS / 1000} s`);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    noTime.abort();
    late.catch(() => undefined);
    work.catch(() => undefined);
  }
}

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
