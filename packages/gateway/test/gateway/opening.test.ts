import { expect, test } from 'vitest';

import { embed } from '../../src/embed.ts';
import { StorageProblem } from '../../src/index.ts';
import { JournalFull } from '../../src/journal/journal.ts';
import { KeptJournal } from '../support/kept-journal.ts';
import { RestartingGateway } from '../support/restarting.ts';

test('before what was kept has been read, nothing is taken and nothing shown, and readiness says so', async () => {
  const { gateway, embedded } = embed({}, new KeptJournal());
  const { port } = await embedded.start({ host: '127.0.0.1' });
  const status = async (path: string, init: RequestInit = {}): Promise<number> =>
    (await fetch(`http://127.0.0.1:${port}${path}`, init)).status;
  expect(await status('/metrics', { method: 'POST', body: 'a_total 1\n' })).toBe(503);
  expect(await status('/metrics')).toBe(503);
  expect(await status('/-/ready')).toBe(503);
  expect(await (await fetch(`http://127.0.0.1:${port}/-/ready`)).text()).toBe(
    'the gateway is starting and still reading its storage; retry later\n',
  );
  expect(await status('/-/healthy')).toBe(200);
  expect(await status('/-/metrics')).toBe(200);
  await gateway.open(3_600_000);
  expect(await status('/-/ready')).toBe(200);
  expect(await status('/metrics', { method: 'POST', body: 'a_total 1\n' })).toBe(202);
  expect(await embedded.scrape()).toContain('a_total 1\n');
  await embedded.close();
});

test.each([-3_600_000, 3_600_000])(
  'a wall clock that jumps by %d ms makes no source silent and no key old',
  async (jumpMs) => {
    let wallMs = 1_700_000_000_000;
    let elapsedMs = 0;
    const clock = { now: () => wallMs, elapsed: () => elapsedMs };
    const running = await RestartingGateway.start({ byJob: true, jobPruneDurationMs: 60_000, clock });
    const push = { path: 'job/a', idempotencyKey: 'k' };
    await running.gateway.push('# TYPE g gauge\ng 1\n', push);
    wallMs += jumpMs;
    elapsedMs += 1_000;
    expect(await running.gateway.scrape()).toContain('g 1\n');
    expect(await running.gateway.push('# TYPE g gauge\ng 1\n', push)).toBe('replayed');
    // Also when it jumps while the gateway is down, and another process has another clock.
    wallMs -= 2 * jumpMs;
    elapsedMs = 5;
    await running.restart();
    expect(await running.gateway.scrape()).toContain('g 1\n');
    expect(await running.gateway.push('# TYPE g gauge\ng 1\n', push)).toBe('replayed');
    elapsedMs += 60_001;
    expect(await running.gateway.scrape()).toBe('');
  },
);

const lastPush = async (running: RestartingGateway): Promise<number> =>
  Number(
    /^prom_aggregation_gateway_last_push_timestamp_seconds (\S+)$/m.exec(await running.ownMetrics())?.[1],
  );

test.each(['records', 'a snapshot', 'a snapshot and a record that is no push', 'a snapshot and records'])(
  'the time of the last push outlives a restart, known from %s',
  async (from) => {
    let wallMs = 1_700_000_000_000;
    const clock = { now: () => wallMs, elapsed: () => 0 };
    const running = await RestartingGateway.start({ byJob: true, clock });
    expect(await lastPush(running)).toBe(0);
    await running.gateway.push('a 1\n', { path: 'job/a' });
    if (from.includes('snapshot')) await running.takeSnapshot();
    wallMs += 60_000;
    if (from.endsWith('no push')) await running.gateway.delete('job/a');
    if (from.endsWith('and records')) await running.gateway.push('a 1\n', { path: 'job/b' });
    const expected = from.endsWith('and records') ? 1_700_000_060 : 1_700_000_000;
    wallMs += 60_000;
    for (let restart = 0; restart < 2; restart += 1) {
      await running.restart();
      expect(await lastPush(running)).toBe(expected);
      await running.takeSnapshot();
    }
  },
);

/** What later versions put behind the head: that time, since when keys are remembered, of no holder in particular, how expositions are shown, and to no scraper. */
const LATER_BYTES = 8 + 8 + 1 + 3 + 1;

test('a snapshot that does not know the time of the last push opens, and none is known', async () => {
  const journal = new KeptJournal();
  const before = embed({}, journal);
  await before.gateway.open(3_600_000);
  await before.embedded.push('a 1\n');
  await before.gateway.snapshots.take();
  const { logIndex, parts } = journal.snapshotted!;
  const [head, ...rest] = parts;
  journal.snapshotted = { logIndex, parts: [head!.subarray(0, -LATER_BYTES), ...rest] };
  const after = embed({}, journal.reopened());
  await after.gateway.open(3_600_000);
  expect(after.gateway.holdings().lastPushMs).toBeUndefined();
  expect(await after.embedded.scrape()).toContain('a 1\n');
});

class FullJournal extends KeptJournal {
  /** Whether a snapshot makes room. */
  readonly helps: boolean;
  #isFull = true;

  constructor(helps: boolean) {
    super();
    this.helps = helps;
  }

  override canAppend(): boolean {
    return !this.#isFull;
  }

  override async waitForSpace(): Promise<void> {
    if (this.#isFull) throw new JournalFull('storage_full', 'the store is full');
  }

  override async snapshot(logIndex: number, parts: AsyncIterable<Uint8Array>) {
    if (this.helps) this.#isFull = false;
    return super.snapshot(logIndex, parts);
  }
}

test('a full store is no reason not to start by other rules, where a snapshot makes room', async () => {
  const { gateway, embedded } = embed({ byJob: true }, new FullJournal(true));
  await gateway.open(3_600_000);
  await expect(embedded.push('a 1\n')).rejects.toThrow('by-job mode requires a job');
  await embedded.close();
});

test('one that stays full says that the flags of before would do', async () => {
  const { gateway, embedded } = embed({ byJob: true }, new FullJournal(false));
  const opened = gateway.open(3_600_000);
  await expect(opened).rejects.toBeInstanceOf(StorageProblem);
  await expect(opened).rejects.toThrow(
    'flags or rules have changed, and there is no space to record the change: the store is full; or restart with the previous ones',
  );
  await embedded.close();
  const same = embed({}, new FullJournal(false));
  await same.gateway.open(3_600_000);
  await same.embedded.close();
});
