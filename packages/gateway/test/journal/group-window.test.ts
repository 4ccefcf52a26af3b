/** How long a commit waits for company: by a clock of the test's own, and then in a journal whose disk is as slow as the test wants it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';

import { GroupWindow } from '../../src/journal/group-window.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { append, filesWith, openStore, temporaryFolder } from './helpers.ts';

interface WindowAtRest {
  readonly window: GroupWindow;
  readonly idle: (ms: number) => void;
  readonly busy: (ms: number) => void;
}

/** A window whose event loop is idle, or busy, for as long as the test says. */
function windowAtRest(): WindowAtRest {
  let now = 1000;
  let idle = 0;
  return {
    window: new GroupWindow({ now: () => now, idle: () => idle }),
    idle(ms) {
      now += ms;
      idle += ms;
    },
    busy(ms) {
      now += ms;
    },
  };
}

test('who comes alone never waits', () => {
  const { window } = windowAtRest();
  expect(window.pauseMs(1)).toBe(0);
  for (let i = 0; i < 100; i += 1) {
    window.ended(10, 1, 0);
    expect(window.pauseMs(1)).toBe(0);
  }
});

test('a commit waits for those whom the one before has released, besides those who wait already', () => {
  const { window } = windowAtRest();
  window.ended(1, 8, 8);
  expect(window.expected).toBe(16);
  expect(window.pauseMs(8)).toBeGreaterThan(0);
  expect(window.pauseMs(15)).toBeGreaterThan(0);
  expect(window.pauseMs(16)).toBe(0);
});

test('it waits half as long as a commit takes, of which time at work is no part', () => {
  const { window, idle, busy } = windowAtRest();
  window.ended(3, 8, 8);
  expect(window.pauseMs(8)).toBeCloseTo(1.5);
  busy(20);
  expect(window.pauseMs(12)).toBeCloseTo(1.5);
  idle(0.4);
  expect(window.pauseMs(12)).toBeCloseTo(1.1);
  idle(1.2);
  expect(window.pauseMs(12)).toBe(0);
});

test.each([
  { commitMs: 0.02, firstMs: 1 },
  { commitMs: 0.2, firstMs: 1 },
  { commitMs: 10, firstMs: 2 },
  { commitMs: 5_000, firstMs: 2 },
])('where a commit takes $commitMs ms, it waits $firstMs ms at most', ({ commitMs, firstMs }) => {
  const { window, idle } = windowAtRest();
  window.ended(commitMs, 8, 8);
  const pauseMs = window.pauseMs(8);
  expect(pauseMs).toBeCloseTo(firstMs);
  idle(pauseMs);
  expect(window.pauseMs(8)).toBe(0);
});

test('one slow commit does not make the next ones wait as long', () => {
  const { window } = windowAtRest();
  for (let i = 0; i < 10; i += 1) window.ended(2.4, 2, 0);
  window.ended(5_000, 2, 0);
  expect(window.pauseMs(1)).toBeLessThan(2);
});

test('where those expected stay away, the next commits begin at once, twice as many each time', () => {
  const { window, idle } = windowAtRest();
  const waited: boolean[] = [];
  for (let i = 0; i < 40; i += 1) {
    window.ended(4, 8, 2);
    const pauseMs = window.pauseMs(2);
    waited.push(pauseMs > 0);
    idle(pauseMs);
    if (pauseMs > 0) expect(window.pauseMs(3)).toBe(0);
  }
  expect(waited.flatMap((isWaiting, i) => (isWaiting ? [i] : []))).toEqual([0, 2, 6, 14, 30]);
});

test('once they come again, the next commit waits again', () => {
  const { window, idle } = windowAtRest();
  const nobodyComes = (): void => {
    window.ended(4, 8, 2);
    idle(window.pauseMs(2));
    window.pauseMs(2);
  };
  for (let i = 0; i < 6; i += 1) nobodyComes();
  const allCome = (): boolean => {
    window.ended(4, 8, 2);
    const waits = window.pauseMs(2) > 0;
    expect(window.pauseMs(10)).toBe(0);
    return waits;
  };
  for (let left = 500; left > 0 && !allCome(); left -= 1);
  expect([allCome(), allCome()]).toEqual([true, true]);
});

test('work that brings no record does not hold a commit up for long', () => {
  const { window, busy } = windowAtRest();
  window.ended(4, 8, 8);
  expect(window.pauseMs(8)).toBeGreaterThan(0);
  busy(20);
  expect(window.pauseMs(8)).toBeGreaterThan(0);
  busy(6);
  expect(window.pauseMs(8)).toBe(0);
});

test('those released long ago are not expected', () => {
  const { window, idle } = windowAtRest();
  window.ended(4, 8, 0);
  idle(100);
  expect(window.pauseMs(1)).toBe(0);
});

/** A journal whose commits take so long. */
async function slowJournal(writeMs: number): Promise<Journal> {
  const files = filesWith(async (call, path) => {
    if (call === 'write' && path.endsWith('.log')) await sleep(writeMs);
  });
  return (await openStore(temporaryFolder(), { files })).journal;
}

/** Each sends again as soon as it is answered; resolves when all have been answered so many times. */
async function sendAgainAndAgain(
  journal: Journal,
  { senders, times }: { readonly senders: number; readonly times: number },
): Promise<void> {
  const send = async (_: unknown, sender: number): Promise<void> => {
    // Half of them begin while the first are being committed.
    if (sender % 2 === 1) await sleep(3);
    for (let i = 0; i < times; i += 1) await journal.whenCommitted(await append(journal, 'record'));
  };
  await Promise.all(Array.from({ length: senders }, send));
}

test('what waits is committed although nobody else comes', async () => {
  const journal = await slowJournal(5);
  await sendAgainAndAgain(journal, { senders: 8, times: 3 });
  const last = await append(journal, 'last');
  await journal.whenCommitted(last);
  expect(journal.committedLogIndex).toBe(last);
});

test('closing commits what waits for company', async () => {
  const journal = await slowJournal(5);
  await sendAgainAndAgain(journal, { senders: 8, times: 3 });
  const last = journal.append(Buffer.from('last'));
  await journal.close();
  expect(journal.committedLogIndex).toBe(last);
});
