/** Sources are reset and forgotten after the silence that the rules for their senders allow. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { plainText } from '../../src/model/exposition-format.ts';
import { eventually } from '../support/eventually.ts';
import { RestartingGateway } from '../support/restarting.ts';
import { runs } from '../support/runs.ts';

const gauge = (value: number): string => `# TYPE g gauge\ng ${value}\n`;

const rules = {
  sources: [
    { match: '{job="api"}', prune_after: '1s', forget_after: '3s' },
    { match: '{job="batch"}', prune_after: '0' },
    { match: '{job="worker"}', forget_after: '2s' },
  ],
};

const sourcesOf = async (running: RestartingGateway): Promise<readonly (string | undefined)[]> => {
  const page = await running.ownMetrics();
  return ['live', 'pruned'].map(
    (state) =>
      new RegExp(`^prom_aggregation_gateway_sources\\{state="${state}"\\} (\\d+)$`, 'm').exec(page)?.[1],
  );
};

describe('each source goes by the rule for its sender, and by the flags where that says nothing', () => {
  test('on time, whether anybody scrapes or not', async () => {
    let nowMs = 1_000_000;
    const options = { byJob: true, jobPruneDurationMs: 5000, rules, clock: { now: () => nowMs } };
    const running = await RestartingGateway.start(options);
    try {
      await running.gateway.push(gauge(1), { path: 'job/api' });
      await running.gateway.push(gauge(10), { path: 'job/batch' });
      await running.gateway.push(gauge(100), { path: 'job/worker' });
      await running.gateway.push(gauge(1000), { path: 'job/other' });
      const course = [
        [1000, 1111, ['4', '0']],
        [1, 1110, ['3', '1']],
        [1000, 1010, ['2', '1']],
        [1000, 1010, ['2', '0']],
        [2000, 10, ['1', '1']],
        [1_000_000, 10, ['1', '1']],
      ] as const;
      for (const [passedMs, total, sources] of course) {
        nowMs += passedMs;
        await eventually(
          `${sources.join(', ')} sources`,
          async () => JSON.stringify(await sourcesOf(running)) === JSON.stringify(sources),
        );
        expect(await running.page(plainText)).toBe(gauge(total));
      }
      await running.restart();
      expect(await running.page(plainText)).toBe(gauge(10));
      expect(await sourcesOf(running)).toEqual(['1', '1']);
    } finally {
      await running.gateway.close();
    }
  });

  test('a reload holds for those who are silent already', async () => {
    let nowMs = 1_000_000;
    const running = await RestartingGateway.start({ byJob: true, clock: { now: () => nowMs } });
    await running.gateway.push(gauge(1), { path: 'job/api' });
    await running.gateway.push(gauge(10), { path: 'job/batch' });
    nowMs += 10_000;
    await running.gateway.push(gauge(100), { path: 'job/new' });
    await running.setRules({ sources: [{ prune_after: '5s' }] });
    expect(await running.page(plainText)).toBe(gauge(100));
    await running.setRules({});
    nowMs += 1_000_000;
    expect(await running.page(plainText)).toBe(gauge(100));
    await running.gateway.close();
  });

  test('a source takes the rule of its key, also where its number was that of another', async () => {
    let nowMs = 1_000_000;
    const running = await RestartingGateway.start({ byJob: true, rules, clock: { now: () => nowMs } });
    await running.gateway.push(gauge(1), { path: 'job/batch' });
    nowMs += 2000;
    expect(await running.page(plainText)).toBe(gauge(1));
    await running.gateway.delete('job/batch');
    await running.gateway.push(gauge(2), { path: 'job/api' });
    nowMs += 2000;
    expect(await running.page(plainText)).toBe('');
    await running.gateway.close();
  });

  test.each([false, true])(
    'a source is forgotten on time, whichever were pruned before it (restarted: %s)',
    async (restarts) => {
      let nowMs = 1_000_000;
      const running = await RestartingGateway.start({
        byJob: true,
        rules: {
          sources: [
            { match: '{job="batch"}', prune_after: '10s', forget_after: '20s' },
            { prune_after: '1s', forget_after: '1h' },
          ],
        },
        clock: { now: () => nowMs },
      });
      await running.gateway.push(gauge(1), { path: 'job/batch' });
      nowMs += 8000;
      await running.gateway.push(gauge(10), { path: 'job/api' });
      const course = [
        [1001, 1, 2],
        [1000, '', 2],
        [9999, '', 2],
        [1, '', 1],
      ] as const;
      for (const [passedMs, total, sources] of course) {
        nowMs += passedMs;
        expect(await running.page(plainText)).toBe(total === '' ? '' : gauge(total));
        expect(running.sources).toBe(sources);
        if (!restarts) continue;
        // The time of a start is that of what was kept last.
        await running.takeSnapshot();
        await running.restart();
      }
      await running.gateway.close();
    },
  );

  test('a source that comes back when all were pruned is pruned again', async () => {
    let nowMs = 1_000_000;
    const running = await RestartingGateway.start({
      byJob: true,
      rules: { sources: [{ prune_after: '1s' }] },
      clock: { now: () => nowMs },
    });
    for (let times = 0; times < 3; times += 1) {
      await running.gateway.push(gauge(1), { path: 'job/api' });
      for (const passedMs of [1001, 600, 1000]) {
        nowMs += passedMs;
        expect(await running.page(plainText)).toBe('');
      }
    }
    await running.gateway.close();
  });

  test('a key that is too long to be kept goes by the rule for all', async () => {
    let nowMs = 1_000_000;
    const running = await RestartingGateway.start({
      byJob: true,
      rules: { sources: [{ match: '{job="a"}', prune_after: '1h' }, { prune_after: '1s' }] },
      clock: { now: () => nowMs },
    });
    await running.gateway.push(gauge(1), { path: `job/a/instance/${'x'.repeat(2000)}` });
    nowMs += 2000;
    expect(await running.page(plainText)).toBe('');
    await running.gateway.close();
  });
});

interface Silence {
  readonly pruneMs: number;
  readonly forgetMs: number;
}

/** What a source is, told from when it pushed last: its gauge counts until it is pruned, and it is there until it is forgotten. */
class Model {
  readonly #pushed = new Map<string, { atMs: number; gauge: number; isPruned: boolean }>();

  push(job: string, value: number, nowMs: number): void {
    this.#pushed.set(job, { atMs: nowMs, gauge: value, isPruned: false });
  }

  expire(of: (job: string) => Silence, nowMs: number): void {
    for (const [job, source] of this.#pushed) {
      const { pruneMs, forgetMs } = of(job);
      const isPast = (ms: number): boolean => ms > 0 && nowMs > source.atMs + ms;
      if (isPast(forgetMs)) this.#pushed.delete(job);
      else if (isPast(pruneMs)) source.isPruned = true;
    }
  }

  get page(): string {
    const live = [...this.#pushed.values()].filter(({ isPruned }) => !isPruned);
    return live.length === 0 ? '' : gauge(live.reduce((sum, source) => sum + source.gauge, 0));
  }

  get sources(): readonly string[] {
    const pruned = [...this.#pushed.values()].filter(({ isPruned }) => isPruned).length;
    return [String(this.#pushed.size - pruned), String(pruned)];
  }
}

const jobs = ['a', 'b', 'c', 'd'] as const;
const ms = fc.constantFrom(0, 500, 1000, 2000, 5000);
const sources = fc
  .uniqueArray(fc.constantFrom('a', 'b|c', 'c', 'd'), { maxLength: 3 })
  .chain((matches) =>
    fc.tuple(
      ...matches.map((match) =>
        fc.record(
          { match: fc.constant(match), prune_after: ms, forget_after: ms },
          { requiredKeys: ['match'] },
        ),
      ),
    ),
  );
const steps = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ job: fc.constantFrom(...jobs), value: fc.integer({ min: 1, max: 9 }) }),
  },
  { weight: 4, arbitrary: fc.record({ passedMs: fc.constantFrom(300, 700, 1500, 4000) }) },
  { weight: 1, arbitrary: fc.record({ sources }) },
  { weight: 1, arbitrary: fc.constant('restart' as const) },
);

test('the page, and the sources there are, are those of a model that knows when each pushed', async () => {
  await fc.assert(
    fc.asyncProperty(
      ms,
      ms,
      fc.array(steps, { maxLength: 25, size: 'max' }),
      async (pruneMs, forgetMs, course) => {
        let nowMs = 1_000_000;
        let held: readonly { match: string; prune_after?: number; forget_after?: number }[] = [];
        const running = await RestartingGateway.start({
          byJob: true,
          jobPruneDurationMs: pruneMs,
          jobForgetDurationMs: forgetMs,
          clock: { now: () => nowMs },
        });
        const model = new Model();
        const silenceOf = (job: string): Silence => {
          const rule = held.find(({ match }) => new RegExp(`^(?:${match})$`).test(job));
          return { pruneMs: rule?.prune_after ?? pruneMs, forgetMs: rule?.forget_after ?? forgetMs };
        };
        try {
          for (const step of course) {
            // The time of what was kept last is that of a start.
            const push = step === 'restart' ? { job: 'd', value: 1 } : step;
            if ('job' in push) {
              await running.gateway.push(gauge(push.value), { path: `job/${push.job}` });
              model.push(push.job, push.value, nowMs);
            }
            if (step === 'restart') await running.restart();
            else if ('passedMs' in step) nowMs += step.passedMs;
            else if ('sources' in step) {
              held = step.sources;
              await running.setRules({
                sources: held.map(({ match, ...silence }) => ({
                  match: `{job=~"${match}"}`,
                  path_labels: 'drop',
                  ...Object.fromEntries(
                    Object.entries(silence).map(([key, value]) => [key, value === 0 ? 0 : `${value}ms`]),
                  ),
                })),
              });
            }
            model.expire(silenceOf, nowMs);
            expect(await running.page(plainText)).toBe(model.page);
            expect(await sourcesOf(running)).toEqual(model.sources);
          }
        } finally {
          await running.gateway.close();
        }
      },
    ),
    { numRuns: runs(100) },
  );
});
