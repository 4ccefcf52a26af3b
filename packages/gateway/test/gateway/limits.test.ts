/** Every limit, in each way in which a push may be read, in both modes, and after a restart from records and from a snapshot. */
import { describe, expect, test } from 'vitest';

import type { Limits } from '../../src/store/limits.ts';
import type { EmbeddedOptions } from '../../src/index.ts';
import { RequestError } from '../../src/index.ts';
import type { LogFields } from '../../src/primitives/log.ts';
import { silentLog } from '../../src/primitives/log.ts';
import { plainText } from '../../src/model/exposition-format.ts';
import { RestartingGateway } from '../support/restarting.ts';
import type { PushedMetric, Way } from '../support/push-ways.ts';
import { ways } from '../support/push-ways.ts';

interface Case {
  readonly limits: Partial<Limits>;
  /** Taken. */
  readonly first: readonly PushedMetric[];
  /** Refused once the first is there. */
  readonly past: readonly PushedMetric[];
  readonly code: string;
  /** By-job mode only: the source of `past`, if it is not that of the first. */
  readonly source?: string;
}

const series = (name: string, ...values: readonly string[]): PushedMetric => ({
  name,
  series: values.map((a) => ({ a })),
});

const cases: Readonly<Record<string, Case>> = {
  'limit.series': {
    limits: { seriesMax: 3 },
    first: [series('x', '1', '2', '3')],
    past: [series('x', '4')],
    code: 'series_limit',
  },
  'limit.series-bytes-total': {
    limits: { seriesBytesTotalMax: 2000 },
    first: [series('x', 'v'.repeat(1000))],
    past: [series('x', 'w'.repeat(1000))],
    code: 'series_limit',
  },
  'limit.series-bytes-total, of samples': {
    limits: { seriesBytesTotalMax: 2000 },
    first: [series('x', '1')],
    past: [series('x', ...Array.from({ length: 20 }, (_, i) => `n${i}`))],
    code: 'series_limit',
  },
  'limit.series-bytes-total, of buckets': {
    limits: { seriesBytesTotalMax: 2000 },
    first: [series('x', '1')],
    past: [{ name: 'h', bounds: Array.from({ length: 20 }, (_, i) => i) }],
    code: 'series_limit',
  },
  'limit.families': {
    limits: { familiesMax: 1 },
    first: [series('x', '1')],
    past: [series('y', '1')],
    code: 'families_limit',
  },
  'limit.help-bytes': {
    limits: { helpBytesMax: 10 },
    first: [{ name: 'x', help: 'x'.repeat(10) }],
    past: [{ name: 'y', help: 'ÿ'.repeat(6) }],
    code: 'metadata_limit',
  },
  'limit.metadata-bytes-total': {
    limits: { metadataBytesTotalMax: 3000 },
    first: [{ name: 'x', help: 'h'.repeat(1000) }],
    past: [{ name: 'y', help: 'h'.repeat(1000) }],
    code: 'metadata_limit',
  },
  'limit.labels': {
    limits: { labelsMax: 2 },
    first: [{ name: 'x', series: [{ a: '1', b: '2' }] }],
    past: [{ name: 'x', series: [{ a: '1', b: '2', c: '3' }] }],
    code: 'labels_limit',
  },
  'limit.series-bytes': {
    limits: { seriesBytesMax: 100 },
    first: [series('x', 'v'.repeat(100 - 'x{a=""}'.length))],
    past: [series('x', 'v'.repeat(101 - 'x{a=""}'.length))],
    code: 'labels_limit',
  },
  'limit.buckets': {
    limits: { bucketsMax: 3 },
    first: [{ name: 'x', bounds: [1, 2] }],
    past: [{ name: 'x', bounds: [1, 2, 3] }],
    code: 'buckets_limit',
  },
  'limit.sources': {
    limits: { sourcesMax: 1 },
    first: [series('x', '1')],
    past: [series('x', '1')],
    code: 'sources_limit',
    source: 'job/other',
  },
  'limit.source-bytes-total': {
    limits: { sourceBytesTotalMax: 2000 },
    first: [series('x', '1', '2')],
    past: [series('y', ...Array.from({ length: 200 }, (_, i) => `${i}`))],
    code: 'sources_limit',
    source: 'job/a',
  },
  'limit.source-bytes-total, of a new source': {
    limits: { sourceBytesTotalMax: 200 },
    first: [series('x', '1', '2')],
    past: [series('x', '1', '2')],
    code: 'sources_limit',
    source: 'job/other',
  },
};

const restarts: Readonly<Record<string, (run: RestartingGateway) => Promise<void>>> = {
  'at once': async () => {},
  'after a restart': (run) => run.restart(),
  'after a restart from a snapshot': async (run) => {
    await run.takeSnapshot();
    await run.restart();
  },
};

async function outcome(
  run: RestartingGateway,
  way: Way,
  metrics: readonly PushedMetric[],
  path = 'job/a',
): Promise<string> {
  const { body, format } = way(metrics);
  try {
    return await run.gateway.push(body, { format, path });
  } catch (error) {
    if (error instanceof RequestError) return error.code;
    throw error;
  }
}

describe.each(Object.entries(cases))('%s', (_, { limits, first, past, code, source }) => {
  describe.each(source === undefined ? [false, true] : [true])('by job: %s', (byJob) => {
    test.each(Object.entries(ways))('%s', async (__, way) => {
      const run = await RestartingGateway.start({ byJob, openmetrics: 'lenient', limits });
      expect(await outcome(run, way, first)).toBe('applied');
      const once = await run.page(plainText);
      let pushed = 1;
      for (const restart of Object.values(restarts)) {
        const page = await run.page(plainText);
        await restart(run);
        expect(await outcome(run, way, past, source)).toBe(code);
        expect(await run.page(plainText)).toBe(page);
        // What is known goes on to be counted.
        expect(await outcome(run, way, first)).toBe('applied');
        pushed += byJob ? 0 : 1;
        expect(await run.page(plainText)).toBe(timesAsMuch(once, pushed));
      }
      await run.gateway.close();
    });
  });
});

/** The page after so many pushes of the same. */
function timesAsMuch(page: string, times: number): string {
  return page.replaceAll(/ (\d+)$/gm, (_, value: string) => ` ${Number(value) * times}`);
}

describe('a store that holds more than it may', () => {
  const tiny: Partial<Limits> = {
    seriesMax: 1,
    seriesBytesTotalMax: 1,
    familiesMax: 1,
    metadataBytesTotalMax: 1,
    helpBytesMax: 1,
    sourcesMax: 1,
    sourceBytesTotalMax: 1,
    labelsMax: 1,
    seriesBytesMax: 1,
    bucketsMax: 1,
    exemplarsMax: 0,
    otherSpellingsBytesMax: 1,
  };
  const held: readonly PushedMetric[] = [
    { name: 'x', help: 'what x is', series: [{ a: '1', b: '2' }, { c: '3' }] },
    { name: 'y', bounds: [1, 2] },
  ];

  test.each([false, true])('opens, says so and goes on (by job: %s)', async (byJob) => {
    for (const restart of [restarts['after a restart']!, restarts['after a restart from a snapshot']!]) {
      const warnings: LogFields[] = [];
      const log = { ...silentLog, warn: (__: string, fields: LogFields = {}) => void warnings.push(fields) };
      const generous: EmbeddedOptions = { byJob, log };
      const run = await RestartingGateway.start(generous);
      const { body } = ways['text']!(held);
      await run.gateway.push(body, { path: 'job/a' });
      await run.gateway.push(body, { path: 'job/b' });
      const exemplar = '# TYPE e counter\ne_total 1 # {t="1"} 1\n# EOF\n';
      await run.gateway.push(exemplar, { path: 'job/a', format: 'openmetrics' });
      await restart(run);
      expect(warnings).toEqual([]);
      const page = await run.page(plainText);
      const om = { ...plainText, format: 'openmetrics' } as const;
      const openmetrics = await run.page(om);
      expect(openmetrics).toContain('# {t="1"} 1');
      await run.restart({ ...generous, limits: tiny });
      const flags = ['series', 'series-bytes-total', 'families', 'metadata-bytes-total', 'exemplars'];
      const byJobFlags = byJob ? ['sources', 'source-bytes-total'] : [];
      expect(warnings).toHaveLength(1);
      for (const flag of [...flags, ...byJobFlags])
        expect(warnings[0]!['over']).toContain(`--limit.${flag}: `);
      expect(await run.page(plainText)).toBe(page);
      expect(await run.page(om)).toBe(openmetrics);
      // Known by its text; what has to be read in words is under limits that are older than these.
      const known = '# TYPE x gauge\nx{a="1",b="2"} 1\nx{c="3"} 1\n';
      expect(await run.gateway.push(known, { path: 'job/a' })).toBe('applied');
      await expect(run.gateway.push('z 1\n', { path: 'job/a' })).rejects.toMatchObject({ status: 422 });
      await run.gateway.close();
    }
  });
});
