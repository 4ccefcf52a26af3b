/** Growth that a count of series or families does not bound. */
import { describe, expect, test, vi } from 'vitest';

import { PendingSeries } from '../../src/store/pending-series.ts';
import type { Limits } from '../../src/store/limits.ts';
import { idsOfLeaving } from '../../src/ingest/freed.ts';
import { goneBytes, seriesBytes, usageOf } from '../../src/state/usage.ts';
import { defaultLimits } from '../../src/store/limits.ts';
import { createGateway } from '../../src/index.ts';
import { plainText } from '../../src/model/exposition-format.ts';
import { aliveBytes } from '../support/collect-garbage.ts';
import { RestartingGateway } from '../support/restarting.ts';
import { WorkingState } from './working-state.ts';
import { atOnce } from '../../src/primitives/turns.ts';
import { viewOf } from '../../src/read/view.ts';

const MIB = 2 ** 20;

function stateWith(limits: Partial<Limits>, byJob = false): WorkingState {
  return new WorkingState({ byJob, summaries: 'discard' }, 1, { ...defaultLimits, ...limits });
}

describe('a short body that stands for much', () => {
  test('is refused when what it stands for is too much, not when all of it is read', async () => {
    const add = vi.spyOn(PendingSeries.prototype, 'add');
    const gateway = createGateway({ pathLabels: 'add', limits: { seriesBytesTotalMax: 32 * MIB } });
    const path = `job/a/long/${'x'.repeat(15_000)}`;
    const body = Array.from({ length: 50_000 }, (_, i) => `s{a="${i}"} 1\n`).join('');
    await expect(gateway.push(body, { path })).rejects.toMatchObject({
      code: 'series_limit',
      message: expect.stringContaining('more than 16777216 bytes of new series') as string,
      location: { line: 1108, column: 1 },
    });
    expect(add.mock.calls.length).toBeLessThan(1200);
    add.mockRestore();
  });

  test('a push of nothing but TYPE lines is refused before it fills memory', async () => {
    const gateway = createGateway({ limits: { familiesMax: 10 } });
    const lines = (count: number): string =>
      Array.from({ length: count }, (_, i) => `# TYPE t${i} counter\n`).join('');
    expect(await gateway.push(`${lines(10_000)}x 1\n`)).toBe('applied');
    await expect(gateway.push(lines(10_011))).rejects.toMatchObject({ code: 'families_limit' });
  });
});

describe('series that have gone', () => {
  const gauge = (value: string): string => `# TYPE g gauge\ng{v="${value.padEnd(1000, '.')}"} 1\n`;

  test('take room as long as they may be read, then none', () => {
    const working = stateWith({ seriesBytesTotalMax: 5000 }, true);
    const { state } = working;
    const view = viewOf(state);
    let pushed = 0;
    const outcomes: string[] = [];
    while (outcomes.at(-1) !== 'overloaded' && pushed < 50) {
      pushed += 1;
      outcomes.push(working.push(gauge(`${pushed}`), { method: 'PUT' }));
    }
    expect(outcomes).toEqual(['taken', 'taken', 'taken', 'taken', 'overloaded']);
    expect(seriesBytes(state.accumulators) + goneBytes(state.accumulators)).toBeLessThanOrEqual(5000);
    expect(state.wantsRecycling).toBe(false);
    view.close();
    expect(state.wantsRecycling).toBe(true);
    state.recycle();
    expect(goneBytes(state.accumulators)).toBe(0);
    expect(working.push(gauge('last'), { method: 'PUT' })).toBe('taken');
  });

  test('a gateway that was short of room for them takes the same push a little later', async () => {
    const gateway = createGateway({ byJob: true, limits: { seriesBytesTotalMax: 8000 } });
    const steps = 40;
    let refused = 0;
    for (let i = 0; i < steps; i += 1) {
      const push = () => gateway.push(gauge(`${i}`), { method: 'PUT', path: 'job/a' });
      await push().catch(async (error: unknown) => {
        expect(error).toMatchObject({ code: 'overloaded', status: 503 });
        refused += 1;
        await push();
      });
    }
    expect(refused).toBeGreaterThan(0);
    expect((await gateway.scrape()).match(/^g\{/gm)).toHaveLength(1);
  });

  test('are recycled for their bytes where they are few and long', () => {
    const working = stateWith({}, true);
    for (let i = 0; i < 100; i += 1) {
      const value = `${i}`.padEnd(15_000, '.');
      working.push(`# TYPE g gauge\ng{v="${value}"} 1\n`, { method: 'PUT' });
    }
    expect(working.state.accumulators.pendingFree.length).toBeLessThan(4096);
    expect(working.state.wantsRecycling).toBe(true);
  });
});

describe('discarded summaries', () => {
  const summary = (name: string): string =>
    `# TYPE ${name} summary\n${name}{quantile="0.5"} 1\n${name}_sum 2\n${name}_count 3\n`;

  test('take no place of the families that are kept', () => {
    const working = stateWith({ familiesMax: 3 });
    for (let i = 0; i < 100; i += 1) expect(working.push(summary(`s${i}`))).toBe('taken');
    for (const name of ['a', 'b', 'c']) expect(working.push(`${name} 1\n`)).toBe('taken');
    expect(working.push('d 1\n')).toBe('families_limit');
    expect(working.state.families.keptCount).toBe(3);
  });

  test('take room of their own, and past it are read and remembered no more', async () => {
    const limits = { metadataBytesTotalMax: 64 * 1024 };
    const working = stateWith(limits);
    for (let i = 0; i < 1000; i += 1) expect(working.push(summary(`s${i}`))).toBe('taken');
    const { families } = working.state;
    expect(families.discardedBytes).toBeLessThanOrEqual(4 * 1024);
    expect(families.discardedCount).toBeLessThan(10);
    // What is not remembered can still be known as something else, and discarded ones give way as before.
    expect(working.push('# TYPE s0 counter\ns0 1\n')).toBe('taken');
    expect(working.push('# TYPE s999 counter\ns999 1\n')).toBe('taken');
    expect(working.push(summary('s999'))).toBe('taken');
    expect(await working.page()).toBe('# TYPE s0 counter\ns0 1\n# TYPE s999 counter\ns999 1\n');
  });

  test('cannot be filled up by declaring what was untyped to be summaries', async () => {
    const working = stateWith({ metadataBytesTotalMax: 64 * 1024 });
    for (let i = 0; i < 100; i += 1) {
      expect(working.push(`s${i} 1\n`)).toBe('taken');
      expect(working.push(summary(`s${i}`))).toBe('taken');
    }
    const { discardedBytes, discardedCount, keptCount } = working.state.families;
    expect(discardedBytes).toBeLessThanOrEqual(4 * 1024);
    expect(discardedCount + keptCount).toBe(100);
    expect(await working.page()).not.toContain('_sum');
  });

  test('mean the same after a restart', async () => {
    const options = { limits: { metadataBytesTotalMax: 24 * 1024 } };
    const expositions = [];
    for (const restarting of [false, true]) {
      const run = await RestartingGateway.start(options);
      const outcomes: string[] = [];
      for (const body of [
        ...Array.from({ length: 10 }, (_, i) => summary(`s${i}`)),
        ...Array.from({ length: 10 }, (_, i) => `s${i}_sum 5\ns${i} 1\n`),
        ...Array.from({ length: 10 }, (_, i) => `# TYPE s${i} gauge\ns${i} 1\n`),
        ...Array.from({ length: 10 }, (_, i) => summary(`s${i}`)),
      ]) {
        outcomes.push(await run.gateway.push(body).catch((error: { code: string }) => error.code));
        if (restarting) await run.restart();
      }
      expositions.push({ outcomes, page: await run.page(plainText) });
      await run.gateway.close();
    }
    expect(expositions[1]).toEqual(expositions[0]);
    expect(new Set(expositions[0]!.outcomes)).toEqual(new Set(['applied', 'dropped']));
  });
});

describe('metadata', () => {
  test('of a HELP that is too long, the push says which it is and where', async () => {
    const gateway = createGateway({ limits: { helpBytesMax: 20 } });
    await expect(gateway.push(`a 1\n# HELP b ${'x'.repeat(21)}\nb 1\n`)).rejects.toMatchObject({
      code: 'metadata_limit',
      status: 422,
      message: 'the HELP of b is 21 bytes long, and the maximum is 20 (--limit.help-bytes)',
      location: { line: 2, column: 1 },
    });
    expect(await gateway.scrape()).toBe('');
  });

  test('that no longer fits is left out of families that are known, which go on', async () => {
    const gateway = createGateway({ limits: { metadataBytesTotalMax: 1400 } });
    await gateway.push('a 1\nb 1\n');
    await gateway.push(`# HELP a short\n# HELP b ${'x'.repeat(500)}\na 1\nb 1\n`);
    expect(await gateway.scrape()).toBe('# HELP a short\n# TYPE a untyped\na 2\n# TYPE b untyped\nb 2\n');
  });

  test('a HELP behind very many blanks keeps only itself', () => {
    const working = stateWith({});
    const blanks = ' '.repeat(200_000);
    const before = aliveBytes();
    for (let i = 0; i < 100; i += 1)
      working.push(`# HELP h${i}${blanks}twenty characters or more\nh${i} 1\n`);
    // All the lines are twenty million bytes.
    expect(aliveBytes() - before).toBeLessThan(5_000_000);
    expect(working.state.families.size).toBe(100);
  });

  test('families that come and go while nobody scrapes are not kept', () => {
    const working = stateWith({}, true);
    const name = (i: number): string => `g${i}_${'x'.repeat(10_000)}`;
    const before = aliveBytes();
    for (let i = 0; i < 2000; i += 1) {
      working.push(`# TYPE ${name(i)} gauge\n${name(i)} 1\n`, { method: 'PUT' });
      if (working.state.wantsRecycling) working.state.recycle();
    }
    expect(aliveBytes() - before).toBeLessThan(8_000_000);
    expect(working.state.families.size).toBe(1);
  });
});

describe('exemplars', () => {
  const exemplar = (name: string, value: string): string =>
    `# TYPE ${name} counter\n${name}_total 1 # {t="${value}"} 1\n`;
  const pushed = (working: WorkingState, ...bodies: readonly string[]): string =>
    working.push(`${bodies.join('')}# EOF\n`, { openMetricsSlice: 1000 });

  test('are no more than may be, and those that are known are replaced', () => {
    const working = stateWith({ exemplarsMax: 2 });
    expect(pushed(working, exemplar('a', '1'), exemplar('b', '1'), exemplar('c', '1'))).toBe('taken');
    expect(pushed(working, exemplar('a', '2'), exemplar('c', '2'))).toBe('taken');
    const { exemplars } = working.state.accumulators;
    expect([exemplars.size, exemplars.dropped]).toEqual([2, 2]);
    expect(exemplars.get(0)!.labels).toEqual([{ name: 't', value: '2' }]);
  });

  test('that a refused push had are not counted as dropped', () => {
    const working = stateWith({ exemplarsMax: 0 });
    expect(pushed(working, exemplar('a', '1'), 'a_total 1\n')).toBe('duplicate_series');
    expect(pushed(working, exemplar('a', '1'), exemplar('b', '1'))).toBe('taken');
    expect(working.state.accumulators.exemplars.dropped).toBe(2);
  });

  test('count among the bytes of series, and go without where there are too many of those', () => {
    const working = stateWith({ seriesBytesTotalMax: 1100 });
    const value = 'x'.repeat(100);
    for (const name of ['a', 'b', 'c']) pushed(working, exemplar(name, value));
    const { exemplars } = working.state.accumulators;
    expect([exemplars.size, exemplars.dropped]).toEqual([2, 1]);
    expect(usageOf(working.state).seriesBytes).toBeLessThanOrEqual(1100);
    pushed(working, exemplar('a', ''), exemplar('b', ''));
    pushed(working, exemplar('c', ''));
    expect(exemplars.size).toBe(3);
  });
});

describe('what sources have', () => {
  const gauges = (names: readonly string[]): string =>
    names.map((name) => `# TYPE ${name} gauge\n${name} 1\n`).join('');

  test('may change at its limit, and not grow', async () => {
    const gateway = createGateway({ byJob: true, limits: { sourceBytesTotalMax: 180 } });
    const push = (method: 'PUT' | 'POST', path: string, ...names: string[]): Promise<string> =>
      gateway.push(gauges(names), { method, path }).catch((error: { code: string }) => error.code);
    expect(await push('POST', 'job/a', 'a', 'b', 'c', 'd', 'e', 'f')).toBe('applied');
    expect(await push('POST', 'job/a', 'g')).toBe('applied');
    expect(await push('POST', 'job/a', 'h', 'i')).toBe('sources_limit');
    expect(await push('PUT', 'job/a', 'h', 'i', 'j', 'k', 'l', 'm', 'n')).toBe('applied');
    expect(await push('PUT', 'job/a', 'a')).toBe('applied');
    expect(await push('POST', 'job/b', 'b')).toBe('sources_limit');
    await gateway.delete('job/a');
    expect(await push('POST', 'job/b', 'b')).toBe('applied');
  });

  /** What each push makes of the bytes of sources, as foretold and as it was. */
  function growthsOf(
    { state }: WorkingState,
    pushes: readonly (() => void)[],
  ): readonly (readonly [number | undefined, number])[] {
    const { sources } = state;
    return pushes.map((pushing) => {
      const before = sources.bytes;
      let growth: number | undefined;
      const push = sources.push.bind(sources);
      const spy = vi.spyOn(sources, 'push').mockImplementation((key, batch, options) => {
        growth = atOnce(
          sources.foresee(key, batch, { put: options.method === 'PUT', leaving: idsOfLeaving(batch) }),
        ).growth;
        return push(key, batch, options);
      });
      pushing();
      spy.mockRestore();
      return [growth, sources.bytes - before];
    });
  }

  test('is foretold to the byte, with start times as well', () => {
    const working = new WorkingState({ byJob: true, counterResets: 'accumulate' }, 1);
    const all: readonly (readonly ['PUT' | 'POST', number, readonly string[]])[] = [
      ['POST', 0, ['x', 'y']],
      ['POST', 0, ['x', 'y']],
      ['POST', 5, ['y', 'z']],
      ['PUT', 9, ['q', 'x']],
      ['PUT', 9, []],
    ];
    const growths = growthsOf(
      working,
      all.map(([method, start, names]) => () => {
        const lines = names.map(
          (name) => `c_total{l="${name}"} 1\nc_created{l="${name}"} ${1.6e9 + start}\n`,
        );
        const text = `# TYPE c counter\n${lines.join('')}# TYPE g gauge\ng{l="${names.join('')}"} 1\n# EOF\n`;
        expect(working.push(text, { method, openMetricsSlice: 1000 })).toBe('taken');
      }),
    );
    for (const [foretold, grown] of growths) expect(foretold).toBe(grown);
  });

  test('is foretold to the byte', () => {
    const working = stateWith({}, true);
    const steps: readonly (readonly ['PUT' | 'POST', string, readonly string[]])[] = [
      ['POST', 'a', ['x', 'y']],
      ['POST', 'a', ['y', 'z']],
      ['PUT', 'a', ['z', 'q', 'r']],
      ['POST', 'b', ['x']],
      ['PUT', 'a', []],
      ['PUT', 'c', ['x', 'y', 'z']],
    ];
    const growths = growthsOf(
      working,
      steps.map(
        ([method, source, names]) =>
          () =>
            working.push(gauges(names), { method, source }),
      ),
    );
    for (const [foretold, grown] of growths) expect(foretold).toBe(grown);
  });

  test('is foretold to the byte where series expire, with what a push leaves out', () => {
    const working = new WorkingState({ byJob: true, metricRules: '[{"ttl":1000}]' }, 1);
    const steps: readonly (readonly ['PUT' | 'POST', readonly string[]])[] = [
      ['POST', ['x', 'y', 'z']],
      ['POST', ['y']],
      ['POST', ['q']],
      ['POST', ['x', 'z']],
      ['PUT', ['z', 'q']],
      ['POST', ['z']],
      ['POST', ['z', 'q']],
    ];
    const growths = growthsOf(
      working,
      steps.map(
        ([method, names]) =>
          () =>
            working.push(gauges(names), { method }),
      ),
    );
    for (const [foretold, grown] of growths) expect(foretold).toBe(grown);
    expect(growths[1]![1]).toBeGreaterThan(0);
  });
});

test('a HELP of a family that its own push takes away takes no room', async () => {
  const working = stateWith({}, false);
  working.push('h_count 1\n');
  working.push(
    '# TYPE h histogram\nh_bucket{le="+Inf"} 0\nh_count 0\n# HELP h_count Gone.\n# TYPE h_count untyped\nh_count{l="b"} 0\n',
  );
  const { metadataBytes } = usageOf(working.state);
  expect(usageOf((await working.restored(3)).state).metadataBytes).toBe(metadataBytes);
});
