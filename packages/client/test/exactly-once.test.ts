/**
 * The promise, against a real gateway behind a network that loses requests and replies, delays them, and refuses with 503 and 429, while the gateway is
 * killed and evicts keys: never more than once; and exactly once as long as the page lives and the gateway remembers.
 */
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';

import type { EmbeddedGateway } from '../../gateway/src/index.ts';
import { RequestError } from '../../gateway/src/index.ts';
import { RestartingGateway } from '../../gateway/test/support/restarting.ts';
import { runs } from '../../gateway/test/support/runs.ts';
import { plainText } from '../../gateway/src/model/exposition-format.ts';
import { client, fakeNetwork } from './support/fake-network.ts';
import type { Sent } from './support/fake-network.ts';

const fate = fc.constantFrom(
  'arrives',
  'arrives',
  'lost',
  'reply lost',
  'late',
  '503',
  '429',
  '500',
  '502 after',
);
type Fate = typeof fate extends fc.Arbitrary<infer T> ? T : never;

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ count: fc.integer({ min: 1, max: 5 }), page: fc.nat(1) }) },
  { weight: 6, arbitrary: fc.record({ passMs: fc.integer({ min: 1, max: 20_000 }) }) },
  { weight: 1, arbitrary: fc.record({ flush: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ restart: fc.constant(true) }) },
  { weight: 1, arbitrary: fc.record({ flood: fc.integer({ min: 1, max: 4 }) }) },
);

interface Sums {
  made: number;
  counted: number;
  dropped: number;
  /** Of `dropped`, what may have been counted. */
  unsure: number;
  replayed: number;
  forgotten: number;
}

async function push(gateway: EmbeddedGateway, { url, body }: Sent): Promise<readonly [number, string]> {
  const age = url.searchParams.get('first-attempt-age');
  try {
    const outcome = await gateway.push(body, {
      path: 'job/shop',
      idempotencyKey: url.searchParams.get('idempotency-key')!,
      ...(age === null ? {} : { firstAttemptAgeMs: Number(age) * 1_000 }),
    });
    return [202, outcome];
  } catch (error) {
    if (error instanceof RequestError) return [error.status, error.code];
    throw error;
  }
}

async function course(
  steps: readonly (typeof step extends fc.Arbitrary<infer T> ? T : never)[],
  fates: readonly Fate[],
  keysMax: number,
): Promise<Sums> {
  const sums: Sums = { made: 0, counted: 0, dropped: 0, unsure: 0, replayed: 0, forgotten: 0 };
  let pending = Promise.resolve();
  let isOver = false;
  const take = async (request: Sent, { isAnswered }: { isAnswered: boolean }): Promise<void> => {
    const [status, outcome] = await push(running.gateway, request);
    if (outcome === 'replayed') sums.replayed += 1;
    if (status === 409) sums.forgotten += 1;
    if (isAnswered) await request.answer(status, {}, outcome);
    else await request.fail();
  };
  const apart = (run: () => Promise<void>): void => void (pending = pending.then(run));
  fakeNetwork((request, nth) => {
    const what = isOver ? 'arrives' : (fates[nth % fates.length] ?? 'arrives');
    if (what === 'arrives') apart(() => take(request, { isAnswered: true }));
    else if (what === 'reply lost') apart(() => take(request, { isAnswered: false }));
    else if (what === 'late') setTimeout(() => apart(() => take(request, { isAnswered: true })), 9_000);
    else if (what === 'lost') void request.fail();
    else if (what === '502 after')
      apart(async () => {
        await push(running.gateway, request);
        await request.answer(502);
      });
    else void request.answer(Number(what), { 'retry-after': '3' });
  });
  let aheadMs = 0;
  const clock = { now: () => Date.now() + aheadMs };
  const options = { idempotencyKeysMax: keysMax, clock };
  const running = await RestartingGateway.start(options);
  // So that it remembers since before the first attempt, although no time passes while it is down or, until it is killed, after its last record.
  aheadMs = 3_600_000;
  await running.gateway.push('begun 1\n');
  const pages = [client(), client()];
  const counters = pages.map(({ metrics }) => metrics.counter({ name: 'c_total', help: '' }));
  const idle = async (): Promise<void> => {
    for (let last; last !== pending;) {
      last = pending;
      await pending;
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  for (const each of steps) {
    if ('count' in each) {
      for (let left = each.count; left > 0; left -= 1) counters[each.page]!.inc();
      sums.made += each.count;
    } else if ('passMs' in each) await vi.advanceTimersByTimeAsync(each.passMs);
    else if ('flush' in each) void pages[each.flush]!.metrics.flush();
    else if ('restart' in each) {
      await idle();
      await running.restart(options);
    } else
      for (let left = each.flood; left > 0; left -= 1)
        await running.gateway.push('', {
          path: 'job/shop',
          idempotencyKey: `flood ${Math.random()} ${Date.now()} ${left}`,
        });
    await idle();
  }
  // From here on all is well, and the pages live to see it.
  isOver = true;
  for (let left = 0; left < 60; left += 1) {
    await vi.advanceTimersByTimeAsync(10_000);
    await idle();
  }
  const page = await running.page(plainText);
  sums.counted = Number(/^c_total\S* (\d+)$/m.exec(page)?.[1] ?? 0);
  for (const { drops, metrics } of pages) {
    for (const { reason, mayBeCounted } of drops) expect([reason, mayBeCounted]).toEqual(['forgotten', true]);
    sums.unsure += drops.length;
    sums.dropped += metrics.dropped();
  }
  void running.gateway.close();
  vi.useRealTimers();
  return sums;
}

async function all(keysMax: number, check: (sums: Sums) => void): Promise<Sums> {
  const total: Sums = { made: 0, counted: 0, dropped: 0, unsure: 0, replayed: 0, forgotten: 0 };
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 5, maxLength: 40, size: 'max' }),
      fc.array(fate, { minLength: 1, maxLength: 30, size: 'max' }),
      async (steps, fates) => {
        const sums = await course(steps, fates, keysMax);
        check(sums);
        for (const name of Object.keys(total) as (keyof Sums)[]) total[name] += sums[name];
      },
    ),
    { numRuns: runs(240, 30) },
  );
  console.log(`keys ${keysMax}: ${JSON.stringify(total)}`);
  return total;
}

test('exactly once, while keys are remembered', async () => {
  const total = await all(1_000_000, ({ made, counted, dropped }) => {
    expect({ counted, dropped }).toEqual({ counted: made, dropped: 0 });
  });
  expect(total.made).toBeGreaterThan(0);
  expect(total.replayed).toBeGreaterThan(0);
});

test('never more than once, where keys are evicted: what may have been counted is reported instead', async () => {
  const total = await all(2, ({ made, counted, dropped }) => {
    expect(counted).toBeLessThanOrEqual(made);
    // Nothing is lost without a word.
    expect(counted + dropped).toBeGreaterThanOrEqual(made);
  });
  expect(total.forgotten).toBeGreaterThan(0);
});
