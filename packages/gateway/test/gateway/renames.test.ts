/** How many stored series other rules would rename or drop. */
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';

import { embed } from '../../src/embed.ts';
import { describeRenames } from '../../src/gateway/renames.ts';
import type { Renames } from '../../src/gateway/renames.ts';
import type { EmbeddedOptions } from '../../src/index.ts';
import { createGateway, RequestError } from '../../src/index.ts';
import { collectingLog } from '../support/collecting-log.ts';
import { eventually } from '../support/eventually.ts';
import { KeptJournal } from '../support/kept-journal.ts';
import { runs } from '../support/runs.ts';
import { arbitraryLabels, arbitraryRelabelRule } from '../rules/arbitrary-relabelling.ts';
import { rulesOf } from '../rules/rules.ts';
import type { WrittenRules } from '../rules/rules.ts';
import { seriesText } from '../../src/model/series-text.ts';

async function opened(options: EmbeddedOptions = {}, journal = new KeptJournal()) {
  const assembly = embed(options, journal);
  await assembly.gateway.open(60_000);
  return assembly;
}

/** What other rules would make of what was pushed by the first ones. */
async function renamesBy(
  before: WrittenRules,
  pushed: string,
  after: WrittenRules,
): Promise<Renames | undefined> {
  const { gateway, embedded } = await opened({ rules: before });
  await embedded.push(pushed, { path: 'job/a' });
  await embedded.setRules(after);
  return gateway.renamesSince(rulesOf(before));
}

const all = { looked: 1, leftOut: [] };
const pods = '# TYPE c counter\nc{pod="a",code="1"} 1\nc{pod="b",code="1"} 1\nc{code="2"} 1\nd{pod="a"} 1\n';
const histogram = [
  '# TYPE h histogram',
  ...['1', '2', '+Inf'].map((le) => `h_bucket{pod="a",le="${le}"} 1`),
  'h_sum{pod="a"} 1',
  'h_count{pod="a"} 1',
  '',
].join('\n');
const dropPod = { metric_relabel_configs: [{ action: 'labeldrop', regex: 'pod' }] } as const;

const cases: readonly (readonly [
  what: string,
  WrittenRules,
  pushed: string,
  WrittenRules,
  Renames | undefined,
])[] = [
  ['a label that goes', {}, pods, dropPod, { renamed: 3, dropped: 0, ...all }],
  [
    'a label that goes from one metric',
    {},
    pods,
    { metrics: [{ match: 'c', without: ['pod'] }] },
    { renamed: 2, dropped: 0, ...all },
  ],
  [
    'labels that stay',
    {},
    pods,
    { metrics: [{ match: '{pod="a"}', by: ['pod'] }] },
    { renamed: 1, dropped: 0, ...all },
  ],
  [
    'series that go',
    {},
    pods,
    { metric_relabel_configs: [{ source_labels: ['pod'], regex: 'a', action: 'drop' }] },
    { renamed: 0, dropped: 2, ...all },
  ],
  ['a histogram', {}, histogram, dropPod, { renamed: 1, dropped: 0, ...all }],
  [
    'a bucket that goes',
    {},
    histogram,
    { metric_relabel_configs: [{ source_labels: ['le'], regex: '2', action: 'drop' }] },
    { renamed: 1, dropped: 0, ...all },
  ],
  [
    'a histogram that goes',
    {},
    histogram,
    { metric_relabel_configs: [{ source_labels: ['__name__'], regex: 'h_.*', action: 'drop' }] },
    { renamed: 0, dropped: 1, ...all },
  ],
  [
    'a histogram that is renamed, and has fewer labels by its new name',
    { metrics: [{ match: 'x', without: ['code'] }] },
    histogram,
    {
      metric_relabel_configs: [
        { source_labels: ['__name__'], regex: 'h(_.*)', target_label: '__name__', replacement: 'x$1' },
      ],
      metrics: [{ match: 'x', without: ['pod'] }],
    },
    { renamed: 1, dropped: 0, ...all },
  ],
  ['rules that were there before', dropPod, pods, dropPod, undefined],
  ['other settings', dropPod, pods, { ...dropPod, metrics: [{ match: 'c', type: 'gauge' }] }, undefined],
  ['rules that go', dropPod, pods, {}, { renamed: 0, dropped: 0, ...all }],
  [
    'what rules have made already',
    {},
    'load{zone="eu-1"} 1\n',
    {
      metric_relabel_configs: [
        { source_labels: ['zone'], regex: '(.*)', target_label: 'zone', replacement: 'x-$1' },
      ],
    },
    { renamed: 0, dropped: 0, ...all },
  ],
  [
    'rules on labels of the path',
    {},
    pods,
    {
      metric_relabel_configs: [
        { source_labels: ['__path_job'], regex: 'a', action: 'drop' },
        { source_labels: ['__path_job'], target_label: '__tmp_job' },
        { source_labels: ['__tmp_job'], target_label: 'job' },
        { source_labels: ['code', '__tmp_job'], regex: '2;a', action: 'drop' },
        { source_labels: ['code'], regex: '2', action: 'drop' },
      ],
    },
    { renamed: 0, dropped: 1, looked: 1, leftOut: ['rules on labels of the path'] },
  ],
  [
    'rules of sources beside others',
    {},
    pods,
    { ...dropPod, sources: [{ path_labels: ['job'] }] },
    { renamed: 3, dropped: 0, looked: 1, leftOut: ['rules of sources'] },
  ],
  [
    'rules of sources alone',
    dropPod,
    pods,
    { ...dropPod, sources: [{ match: '{job="a"}', ...dropPod }] },
    { renamed: 0, dropped: 0, looked: undefined, leftOut: ['rules of sources'] },
  ],
  [
    'sources that change nothing',
    dropPod,
    pods,
    { ...dropPod, sources: [{ match: '{job="a"}' }] },
    undefined,
  ],
  ['an empty store', {}, '', dropPod, undefined],
];

describe('what rules would make of stored series', () => {
  test.each(cases)('%s', async (_, before, pushed, after, expected) => {
    const renames = await renamesBy(before, pushed, after);
    if (expected === undefined) expect(renames).toBeUndefined();
    else expect(renames).toMatchObject(expected);
  });

  test('an instance that is shown empty is as none', async () => {
    const { gateway, embedded } = await opened({ byJob: true, pathLabels: 'add' });
    await embedded.push('c{pod="a"} 1\n', { path: 'job/a' });
    expect(await embedded.scrape()).toContain('c{instance="",job="a",pod="a"} 1');
    await embedded.setRules({ metrics: [{ match: 'd', without: ['x'] }] });
    expect(await gateway.renamesSince(rulesOf({}))).toMatchObject({ renamed: 0, dropped: 0 });
  });
});

/** What a gateway with nothing else shows of one series; undefined where it drops it, and `refused` where the push is. */
async function shownAlone(series: string, rules: WrittenRules): Promise<string | undefined> {
  const gateway = createGateway({ rules });
  try {
    await gateway.push(`${series} 1\n`);
  } catch (error) {
    if (error instanceof RequestError) return 'refused';
    throw error;
  }
  return /^([^#].*) 1\n/m.exec(await gateway.scrape({ escaping: 'allow-utf-8' }))?.[1];
}

const labels = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'pod', '__tmp_x'), { minLength: 1 });
const metric = fc
  .record({
    match: fc.constantFrom(undefined, 'load', '{a="x"}', '{pod=~"web.*"}', '{__name__=~"foo|x.*",b!="y"}'),
    labels,
    isBy: fc.boolean(),
  })
  .map(({ match, labels: named, isBy }) => ({
    ...(match === undefined ? {} : { match }),
    ...(isBy ? { by: named } : { without: named }),
  }));

test('it is what becomes of each when it is pushed as it is shown', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(arbitraryLabels, { minLength: 1, maxLength: 6 }),
      fc.uniqueArray(arbitraryRelabelRule, { maxLength: 4, selector: (rule) => JSON.stringify(rule) }),
      fc.uniqueArray(metric, { maxLength: 2, selector: ({ match }) => match ?? '' }),
      async (sets, metric_relabel_configs, metrics) => {
        // What comes after it has no effect, and would be refused.
        fc.pre(metrics.length < 2 || metrics[0]!.match !== undefined);
        const rules = { metric_relabel_configs, metrics };
        const texts = new Set(
          sets.map(({ __name__: name, ...others }) =>
            seriesText(
              name!,
              Object.entries(others).map(([label, value]) => ({ name: label, value })),
            ),
          ),
        );
        const expected = { renamed: 0, dropped: 0 };
        for (const text of texts) {
          const shown = await shownAlone(text, rules);
          // Nobody can push it.
          if (shown === 'refused') return;
          const again = shown === undefined ? undefined : await shownAlone(shown, rules);
          if (again === 'refused') return;
          if (shown === undefined) expected.dropped += 1;
          else if (shown !== text && (again === shown || again === undefined)) expected.renamed += 1;
        }
        const pushed = [...texts].map((text) => `${text} 1\n`).join('');
        const renames = await renamesBy({}, pushed, rules);
        expect(renames ?? { renamed: 0, dropped: 0 }).toMatchObject(expected);
      },
    ),
    { numRuns: runs(300) },
  );
});

test('it takes no longer than somebody waits, and pushes go on', async () => {
  const series = Array.from({ length: 20_000 }, (_, i) => `c{pod="${i}"} 1\n`).join('');
  const { gateway, embedded } = await opened();
  await embedded.push(series);
  await embedded.setRules(dropPod);
  let nowMs = 0;
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => (nowMs += 10));
  const counting = gateway.renamesSince(rulesOf({}));
  let isCounted = false;
  void counting.then(() => (isCounted = true));
  await embedded.push('d 1\n');
  expect(isCounted).toBe(false);
  const renames = (await counting)!;
  clock.mockRestore();
  expect(renames.looked).toBeGreaterThan(0.01);
  expect(renames.looked).toBeLessThan(1);
  expect(renames.renamed).toBeGreaterThan(100);
  expect(describeRenames({ ...renames, renamed: 1234, looked: 0.4567 })).toEqual([
    'stored series that these rules would rename: at least 1234, drop: at least 0 (of 45% of all); they stay as they are until they expire, are forgotten or deleted',
  ]);
  await embedded.close();
});

test('a gateway that closes does not go on counting', async () => {
  const { gateway, embedded } = await opened();
  await embedded.push(Array.from({ length: 20_000 }, (_, i) => `c{pod="${i}"} 1\n`).join(''));
  await embedded.setRules(dropPod);
  const counting = gateway.renamesSince(rulesOf({}));
  await embedded.close();
  expect((await counting)!.looked).toBeLessThan(1);
});

test('a start says how many there are, and nothing where there are none', async () => {
  const journal = new KeptJournal();
  const { log, lines } = collectingLog();
  const { embedded } = await opened({}, journal);
  await embedded.push(pods);
  await opened({ rules: { metrics: [{ match: 'other', without: ['pod'] }] }, log }, journal.reopened());
  await opened({ rules: dropPod, log }, journal.reopened());
  await eventually('the log to say it', () => lines.length > 0);
  expect(lines).toEqual([
    [
      'info',
      'stored series that the rules would rename or drop stay as they are until they expire, are forgotten or deleted',
      { renamed: 3, dropped: 0 },
    ],
  ]);
});
