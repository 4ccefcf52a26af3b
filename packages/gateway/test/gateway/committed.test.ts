/** Nobody is told what is not yet safe: no sender that its push counts, and no scraper what it came to. */
import { setImmediate as nextTurn } from 'node:timers/promises';

import { expect, test } from 'vitest';

import { embed } from '../../src/embed.ts';
import type { EmbeddedGateway, EmbeddedOptions } from '../../src/index.ts';
import { HeldJournal } from '../support/held-journal.ts';

const HOUR_MS = 3_600_000;
/** So many turns of the event loop are more than anything here takes that waits for nothing else. */
const TURNS = 50;

class HeldGateway {
  readonly journal: HeldJournal;
  readonly gateway: EmbeddedGateway;

  private constructor(journal: HeldJournal, gateway: EmbeddedGateway) {
    this.journal = journal;
    this.gateway = gateway;
  }

  static async start(options: EmbeddedOptions = {}): Promise<HeldGateway> {
    const journal = new HeldJournal();
    const { gateway, embedded } = embed(options, journal);
    await gateway.open(HOUR_MS);
    journal.commit();
    return new HeldGateway(journal, embedded);
  }

  /** Resolves once a record more than `before` is appended, and all has happened that does not wait for the commit. */
  async appended(before: number): Promise<void> {
    while (this.journal.logIndex <= before) await nextTurn();
    await turns();
  }

  async close(): Promise<void> {
    this.journal.commit();
    await this.gateway.close();
  }
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn += 1) await nextTurn();
}

/** What has become of it so far. */
function watched<T>(outcome: Promise<T>): { state: string; readonly outcome: Promise<T> } {
  const watching = { state: 'waits', outcome };
  outcome.then(
    () => {
      watching.state = 'done';
    },
    () => {
      watching.state = 'failed';
    },
  );
  return watching;
}

/** More than is read in one turn. */
const long = `${`# ${'x'.repeat(1000)}\n`.repeat(200)}x 1\n`;

const changes: Readonly<Record<string, (gateway: EmbeddedGateway) => Promise<unknown>>> = {
  push: (gateway) => gateway.push('x 1\n', { path: 'job/b' }),
  'push that is read in slices': (gateway) => gateway.push(long, { path: 'job/b' }),
  PUT: (gateway) => gateway.push('x 1\n', { path: 'job/a', method: 'PUT' }),
  'push with a key': (gateway) => gateway.push('x 1\n', { path: 'job/b', idempotencyKey: 'k' }),
  delete: (gateway) => gateway.delete('job/a'),
};

test.each(Object.entries(changes))('a %s is answered once it is safe', async (_, change) => {
  const held = await HeldGateway.start({ byJob: true });
  const first = held.gateway.push('x 1\n', { path: 'job/a' });
  held.journal.commit();
  await first;
  const before = held.journal.logIndex;
  const changed = watched(change(held.gateway));
  await held.appended(before);
  expect(changed.state).toBe('waits');
  held.journal.commit();
  await changed.outcome;
  await held.close();
});

test('a push that is sent again waits for the one before it, which may not be safe yet', async () => {
  const held = await HeldGateway.start();
  const before = held.journal.logIndex;
  const pushes = [1, 2].map(() => watched(held.gateway.push('x 1\n', { idempotencyKey: 'k' })));
  await held.appended(before);
  expect(pushes.map(({ state }) => state)).toEqual(['waits', 'waits']);
  held.journal.commit();
  expect(await Promise.all(pushes.map(({ outcome }) => outcome))).toEqual(['applied', 'replayed']);
  await held.close();
});

test.each(['text', 'openmetrics'] as const)('a scrape shows only what is safe (%s)', async (format) => {
  const held = await HeldGateway.start();
  const before = held.journal.logIndex;
  const first = held.gateway.push('# TYPE x_total counter\nx_total 1\n');
  await held.appended(before);
  const second = held.gateway.push('# TYPE x_total counter\nx_total 2\n');
  await held.appended(before + 1);
  const scrape = watched(held.gateway.scrape({ format }));
  await turns();
  expect(scrape.state).toBe('waits');
  // The page is of both.
  held.journal.commit(held.journal.logIndex - 1);
  await first;
  await turns();
  expect(scrape.state).toBe('waits');
  held.journal.commit();
  expect(await scrape.outcome).toContain('x_total 3');
  await second;
  await held.close();
});

test('a scrape does not wait for what comes after it began', async () => {
  const held = await HeldGateway.start();
  const before = held.journal.logIndex;
  const first = held.gateway.push('x 1\n');
  await held.appended(before);
  const scrape = held.gateway.scrape();
  await turns();
  const later = held.gateway.push('x 1\n');
  await held.appended(before + 1);
  held.journal.commit(before + 1);
  expect(await scrape).toContain('x 1\n');
  await first;
  held.journal.commit();
  await later;
  await held.close();
});

test('where the journal fails, nobody is told anything', async () => {
  const held = await HeldGateway.start();
  const before = held.journal.logIndex;
  const push = watched(held.gateway.push('x 1\n'));
  await held.appended(before);
  const scrape = watched(held.gateway.scrape());
  await turns();
  held.journal.fail(new Error('EIO'));
  await expect(push.outcome).rejects.toThrow('EIO');
  await expect(scrape.outcome).rejects.toThrow('EIO');
  void held.gateway.close();
});
