/** Whatever happens to a gateway with limits, a token has as many series as the page has of it: each pushes series with its name on them. */
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { Limited, token } from '../support/limited.ts';
import { runs } from '../support/runs.ts';

const tokens = ['a', 'b'] as const;
const label = fc.integer({ min: 0, max: 9 }).map(String);

const rules = fc
  .record({
    most: fc.integer({ min: 1, max: 25 }),
    ofJob: fc.integer({ min: 1, max: 30 }),
    ofFamily: fc.option(fc.integer({ min: 1, max: 8 })),
    onLimit: fc.constantFrom('drop', 'refuse'),
    buckets: fc.constantFrom('', '1', '2', '1, 4', '8'),
    drops: fc.boolean(),
  })
  .map(({ most, ofJob, ofFamily, onLimit, buckets, drops }) =>
    [
      'access:\n  tokens:',
      token('a', `series_max: ${most}, on_limit: ${onLimit}`).trimEnd(),
      token('b', 'new_series_per_hour: 200, on_limit: drop').trimEnd(),
      `sources:\n- {match: '{job="x"}', job_series_max: ${ofJob}, on_limit: ${onLimit}}`,
      'metrics:',
      `- {match: other, series_max: 1}`,
      ...(ofFamily === null ? [] : [`- {match: c_total, series_max: ${ofFamily}, on_limit: drop}`]),
      ...(buckets === '' ? [] : [`- {match: h, buckets: [${buckets}]}`]),
      ...(drops ? ['metric_relabel_configs: [{action: labeldrop, regex: pod}]'] : []),
      '',
    ].join('\n'),
  );

const series = (name: string, owner: string, i: string, more = ''): string =>
  `${name}{owner="${owner}",i="${i}"${more}}`;

const pushed = fc.record({
  owner: fc.constantFrom(...tokens),
  path: fc.constantFrom('job/x', 'job/x/instance/1', 'job/y', 'job/y/instance/1'),
  method: fc.constantFrom('PUT' as const, 'POST' as const),
  format: fc.constantFrom('text' as const, 'openmetrics' as const),
  isLong: fc.nat(9).map((chance) => chance === 0),
  gauges: fc.uniqueArray(label, { maxLength: 5 }),
  counters: fc.uniqueArray(label, { maxLength: 5 }),
  histograms: fc.uniqueArray(label, { maxLength: 3 }),
  bounds: fc.subarray([1, 2, 4, 8]),
  sums: fc.constantFrom('1', 'NaN'),
  value: fc.constantFrom('1', '2', 'NaN'),
  pod: fc.constantFrom('', ',pod="1"', ',pod="2"'),
});
type Pushed = typeof pushed extends fc.Arbitrary<infer Value> ? Value : never;

function bodyOf({ owner, format, isLong, gauges, counters, histograms, bounds, sums, value, pod }: Pushed) {
  const isOpenMetrics = format === 'openmetrics';
  return [
    ...(isLong ? Array.from({ length: 140 }, () => `# ${'x'.repeat(1000)}`) : []),
    '# TYPE g gauge',
    ...gauges.map((i) => `${series('g', owner, i, pod)} ${value}`),
    `# TYPE ${isOpenMetrics ? 'c' : 'c_total'} counter`,
    ...counters.map((i) => `${series('c_total', owner, i, pod)} 1${isOpenMetrics ? ' # {t="x"} 1' : ''}`),
    '# TYPE h histogram',
    ...histograms.flatMap((i) => [
      ...bounds.map((bound, at) => `${series('h_bucket', owner, i, `,le="${bound}.0"`)} ${at}`),
      `${series('h_bucket', owner, i, ',le="+Inf"')} ${bounds.length}`,
      `${series('h_sum', owner, i)} ${sums}`,
      `${series('h_count', owner, i)} ${bounds.length}`,
    ]),
    ...(isOpenMetrics ? ['# EOF'] : []),
    '',
  ].join('\n');
}

const step = fc.oneof(
  { weight: 8, arbitrary: pushed },
  {
    weight: 1,
    arbitrary: fc.record({ deleted: fc.constantFrom('job/x', 'job/x/instance/1', 'job/y/instance/1') }),
  },
  { weight: 1, arbitrary: fc.record({ match: fc.constantFrom('g', 'h', '{i="1"}', '{i=~"[2-5]"}') }) },
  { weight: 1, arbitrary: fc.record({ rules }) },
  { weight: 1, arbitrary: fc.record({ snapshot: fc.boolean() }) },
);

test('tokens have what the page has of them', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.boolean(),
      rules,
      fc.array(step, { maxLength: 30, size: 'max' }),
      async (byJob, first, steps) => {
        const limited = await Limited.with(first, { byJob, openmetrics: 'lenient' });
        for (const each of [...steps, { snapshot: false }, { snapshot: true }]) {
          if ('snapshot' in each) await limited.restart(each);
          else if ('rules' in each) await limited.reload(each.rules);
          else if ('match' in each) await limited.deleteSeries(each.match);
          else if ('deleted' in each) await limited.delete(each.deleted);
          else {
            const { owner, path, method, format } = each;
            const outcome = await limited.push(bodyOf(each), { token: owner, path, method, format });
            expect(outcome).toMatch(/^(applied|dropped|series_limit: )/);
          }
          const lines = await limited.lines();
          for (const owner of tokens) {
            const of = lines.filter((line) => line.includes(`owner="${owner}"`));
            expect(limited.seriesOf(owner)).toBe(of.length);
          }
        }
        await limited.close();
      },
    ),
    { numRuns: runs(100) },
  );
});
