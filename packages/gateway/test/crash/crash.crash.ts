/**
 * `kill -9` for as long as it takes to believe in it: CRASH_SECONDS (60) with keys and retries, then CRASH_ROUNDS (100) without. In
 * both modes of --storage.sync, as neither may lose anything when only the process dies.
 */
import { expect, test } from 'vitest';

import { temporaryFolder } from '../support/folders.ts';
import { killRounds, killWithRetries } from './rounds.ts';
import type { Outcome } from './rounds.ts';

const seconds = Number(process.env['CRASH_SECONDS'] ?? 60);
const rounds = Number(process.env['CRASH_ROUNDS'] ?? 100);

function report(what: string, { kills, acknowledged, unanswered, counted }: Outcome): void {
  console.log(
    `${what}: killed ${kills} times; ${acknowledged} pushes acknowledged, ${unanswered} never answered, ${counted} counted`,
  );
}

const flags = (sync: string): readonly string[] => [
  `--storage.path=${temporaryFolder()}`,
  `--storage.sync=${sync}`,
  '--storage.snapshot-interval=100ms',
];

test.each(['commit', 'interval'])(
  `${seconds} s of kills with retries and keys: the sum is exact (%s)`,
  async (sync) => {
    const outcome = await killWithRetries({ seconds, kills: 3 }, flags(sync));
    report(`with keys, sync=${sync}`, outcome);
    expect(outcome.acknowledged).toBeGreaterThan(0);
    expect(outcome.counted).toBe(outcome.acknowledged);
  },
);

test.each(['commit', 'interval'])(
  `${rounds} kills without keys: nothing lost, nothing twice (%s)`,
  async (sync) => {
    const outcome = await killRounds(rounds, flags(sync));
    report(`without keys, sync=${sync}`, outcome);
    expect(outcome.acknowledged).toBeGreaterThan(0);
  },
);
