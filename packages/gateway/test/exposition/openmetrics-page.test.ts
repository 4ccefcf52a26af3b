/** Pages of OpenMetrics with what only some senders tell, and what becomes of that which is no OpenMetrics. */
import { expect, test } from 'vitest';

import type { ExpositionOptions } from '../../src/exposition/family-writer.ts';
import { ScrapeCache } from '../../src/exposition/scrape-cache.ts';
import { formatBound } from '../../src/exposition/openmetrics/format-bound.ts';
import { createGateway } from '../../src/index.ts';
import type { MetricType } from '../../src/model/metric-type.ts';
import type { NativeView } from '../../src/model/read-view.ts';
import * as pb from '../support/protobuf.ts';
import { madeExposition } from './made-exposition.ts';
import type { MadeFamily, MadeRow } from './made-exposition.ts';

const openmetrics = { format: 'openmetrics' } as const;

async function pageOf(
  families: readonly MadeFamily[],
  options: Partial<ExpositionOptions> = {},
): Promise<string> {
  const page = await madeExposition(families, { format: openmetrics, options });
  expect(page.endsWith('# EOF\n')).toBe(true);
  return page.slice(0, -'# EOF\n'.length);
}

function family(name: string, type: MetricType, ...rows: MadeRow[]): MadeFamily {
  return { name, type, rows };
}

const { POSITIVE_INFINITY } = Number;

test('each type in full', async () => {
  const trace = { labels: [{ name: 'trace_id', value: 'a"b' }], value: 0.5, timestampMs: 1520879607789 };
  const page = await pageOf([
    {
      ...family('a_seconds_total', 'counter', {
        labels: 'l="1"',
        value: 3,
        startMs: 1520872607123,
        exemplars: { [-1]: trace },
      }),
      help: 'A "help"\\\n',
      unit: 'seconds',
    },
    family('build_info', 'info', { labels: 'version="1"', value: 1 }),
    family('door', 'stateset', { labels: 'door="open"', value: 1 }, { labels: 'door="shut"', value: 0 }),
    family('gh', 'gaugehistogram', {
      value: 4,
      sum: -5,
      buckets: [
        [-1, 1],
        [POSITIVE_INFINITY, 4],
      ],
      exemplars: { 0: { labels: [], value: -2, timestampMs: undefined } },
    }),
    family('h', 'histogram', {
      labels: 'l="1"',
      value: 4,
      sum: 5.25,
      startMs: 1000,
      buckets: [
        [0.005, 1],
        [1, 2],
        [1e6, 3],
        [POSITIVE_INFINITY, 4],
      ],
      exemplars: { 1: trace },
    }),
    family('q', 'summary', { value: 2, sum: 3, startMs: 0.5 }),
    family('x', 'untyped', { value: Number.NaN }),
  ]);
  expect(page).toBe(`\
# HELP a_seconds A \\"help\\"\\\\\\n
# TYPE a_seconds counter
# UNIT a_seconds seconds
a_seconds_total{l="1"} 3 # {trace_id="a\\"b"} 0.5 1520879607.789
a_seconds_created{l="1"} 1520872607.123
# TYPE build info
build_info{version="1"} 1
# TYPE door stateset
door{door="open"} 1
door{door="shut"} 0
# TYPE gh gaugehistogram
gh_bucket{le="-1.0"} 1 # {} -2
gh_bucket{le="+Inf"} 4
gh_gcount 4
gh_gsum -5
# TYPE h histogram
h_bucket{l="1",le="0.005"} 1
h_bucket{l="1",le="1.0"} 2 # {trace_id="a\\"b"} 0.5 1520879607.789
h_bucket{l="1",le="1e+06"} 3
h_bucket{l="1",le="+Inf"} 4
h_count{l="1"} 4
h_sum{l="1"} 5.25
h_created{l="1"} 1
# TYPE q summary
q_count 2
q_sum 3
q_created 0.0005
# TYPE x unknown
x NaN
`);
});

test('names in quotes', async () => {
  const page = await madeExposition(
    [
      { ...family('a.b_total', 'counter', { labels: '"l.l"="1"', value: 1, startMs: 1000 }), help: '' },
      family('h.h', 'histogram', { value: 1, sum: 1, buckets: [[POSITIVE_INFINITY, 1]] }),
    ],
    { format: { ...openmetrics, escaping: 'allow-utf-8' } },
  );
  expect(page).toBe(`\
# HELP "a.b"${' '}
# TYPE "a.b" counter
{"a.b_total","l.l"="1"} 1
{"a.b_created","l.l"="1"} 1
# TYPE "h.h" histogram
{"h.h_bucket",le="+Inf"} 1
{"h.h_count"} 1
{"h.h_sum"} 1
# EOF
`);
});

test('what is no info and no state is a gauge', async () => {
  expect(
    await pageOf([
      { ...family('build', 'info', { value: 1 }), unit: 'build' },
      family('code_info', 'info', { value: 0 }),
      family('door', 'stateset', { labels: 'door="open"', value: 2 }),
      family('gate', 'stateset', { labels: 'door="gate"', value: 1 }),
    ]),
  ).toBe(`\
# TYPE build gauge
build 1
# TYPE code_info gauge
code_info 0
# TYPE door gauge
door{door="open"} 2
# TYPE gate gauge
gate{door="gate"} 1
`);
});

test('histograms that OpenMetrics has no way to say', async () => {
  const [one, two] = [
    [1, 1],
    [POSITIVE_INFINITY, 2],
  ] as const;
  expect(
    await pageOf([
      family(
        'h',
        'histogram',
        { labels: 'no="sum"', value: 2, buckets: [one, two] },
        { labels: 'sum="negative"', value: 2, sum: -1, buckets: [one, two] },
        { labels: 'bound="negative"', value: 2, sum: 1, buckets: [[-1, 1], two] },
        {
          labels: 'count="fraction"',
          value: 2.5,
          sum: 1,
          buckets: [
            [1, 0.4],
            [POSITIVE_INFINITY, 2.5],
          ],
        },
      ),
      family('s', 'summary', { value: 1, sum: -1 }, { labels: 'l="1"', value: 0.25 }),
    ]),
  ).toBe(`\
# TYPE h histogram
h_bucket{no="sum",le="1.0"} 1
h_bucket{no="sum",le="+Inf"} 2
h_bucket{sum="negative",le="1.0"} 1
h_bucket{sum="negative",le="+Inf"} 2
h_bucket{bound="negative",le="-1.0"} 1
h_bucket{bound="negative",le="+Inf"} 2
h_bucket{count="fraction",le="1.0"} 0
h_bucket{count="fraction",le="+Inf"} 3
h_count{count="fraction"} 3
h_sum{count="fraction"} 1
# TYPE s summary
s_count 1
s_count{l="1"} 0
`);
});

const value: MadeRow = { value: 1, startMs: 1000 };
const distribution: MadeRow = { value: 1, sum: 2, buckets: [[POSITIVE_INFINITY, 1]] };

test.each<[name: string, families: readonly MadeFamily[], types: string]>([
  ['a counter without the suffix', [family('a', 'counter', value)], 'a unknown'],
  ['a counter that is nothing but the suffix', [family('_total', 'counter', value)], '_total unknown'],
  [
    'a counter beside a family of its name',
    [family('a', 'gauge', value), family('a_total', 'counter', value)],
    'a gauge, a_total unknown',
  ],
  [
    'a counter beside a gauge that has the name of its start times',
    [family('a_created', 'gauge', value), family('a_total', 'counter', value)],
    'a_created gauge, a_total unknown',
  ],
  [
    'a counter beside its start times',
    [{ ...family('a_created', 'gauge', value), startTimes: true }, family('a_total', 'counter', value)],
    'a counter',
  ],
  [
    'start times of a counter that cannot show them',
    [
      family('a', 'gauge', value),
      { ...family('a_created', 'gauge', value), startTimes: true },
      family('a_total', 'counter', value),
    ],
    'a gauge, a_created gauge, a_total unknown',
  ],
  [
    'start times of what is not on the page',
    [{ ...family('a_created', 'gauge', value), startTimes: true }],
    'a_created gauge',
  ],
  [
    'a counter whose name is that of start times',
    [family('a_created_total', 'counter', value), family('a_total', 'counter', value)],
    'a_created_total unknown, a counter',
  ],
  [
    'a counter and an info of one name',
    [family('a_info', 'info', value), family('a_total', 'counter', value)],
    'a_info gauge, a counter',
  ],
  [
    'a counter whose name is that of a sample of a histogram',
    [family('h', 'histogram', distribution), family('h_count_total', 'counter', value)],
    'h histogram, h_count_total unknown',
  ],
  [
    'a histogram beside a gauge that has the name of its start times',
    [family('h', 'histogram', distribution), family('h_created', 'gauge', value)],
    'h_bucket unknown, h_sum unknown, h_count unknown, h_created gauge',
  ],
  [
    'a gauge histogram beside a gauge that has the name of its sum',
    [family('h', 'gaugehistogram', distribution), family('h_gsum', 'gauge', value)],
    'h_bucket unknown, h_sum unknown, h_count unknown, h_gsum gauge',
  ],
  [
    'a summary beside its start times',
    [family('s', 'summary', distribution), { ...family('s_created', 'gauge', value), startTimes: true }],
    's summary',
  ],
])('%s', async (_name, families, types) => {
  const page = await madeExposition(families, { format: openmetrics });
  const told = [...page.matchAll(/^# TYPE (.*)$/gm)].map(([, type]) => type);
  expect(told.join(', ')).toBe(types);
  if (/gaugehistogram/.test(JSON.stringify(families)) && !types.includes('unknown')) return;
  const gateway = createGateway({ summaries: 'sum-and-count' });
  await gateway.push(page, { format: 'openmetrics' });
});

test('parts of a histogram have all its samples', async () => {
  const rows = [
    {
      labels: 'l="1"',
      value: 3,
      sum: 4,
      buckets: [
        [1, 2],
        [POSITIVE_INFINITY, 3],
      ],
    },
    { value: 1, buckets: [[POSITIVE_INFINITY, 1]] },
  ] satisfies MadeRow[];
  expect(await pageOf([family('h', 'histogram', ...rows), family('h_created', 'gauge', { value: 1 })]))
    .toBe(`\
# TYPE h_bucket unknown
h_bucket{l="1",le="1"} 2
h_bucket{l="1",le="+Inf"} 3
h_bucket{le="+Inf"} 1
# TYPE h_sum unknown
h_sum{l="1"} 4
# TYPE h_count unknown
h_count{l="1"} 3
h_count 1
# TYPE h_created gauge
h_created 1
`);
});

test('lines for start times are left out when asked, and so are families of them', async () => {
  const starts = { ...family('a_created', 'gauge', value), startTimes: true };
  expect(await pageOf([starts, family('a_total', 'counter', value)], { created: false })).toBe(
    '# TYPE a counter\na_total 1\n',
  );
});

test('text that is kept is not shown when start times or other families change it', async () => {
  const kept = new ScrapeCache(1 << 20);
  const made = (families: readonly MadeFamily[]): Promise<string> =>
    madeExposition(families, { format: openmetrics, kept });
  const counter = { ...family('a_total', 'counter', value), version: 1 };
  const late = { ...family('a_total', 'counter', { value: 1, startMs: 5000 }), version: 1 };
  const starts = { ...family('a_created', 'gauge', value), startTimes: true };
  expect(await made([counter])).toBe('# TYPE a counter\na_total 1\na_created 1\n# EOF\n');
  // It is kept as long as nothing says otherwise.
  expect(await made([late])).toContain('a_created 1\n');
  expect(await made([{ ...starts, version: 1 }, late])).toContain('a_created 5\n');
  expect(await made([{ ...starts, version: 1 }, counter])).toContain('a_created 5\n');
  expect(await made([{ ...starts, version: 2 }, counter])).toContain('a_created 1\n');
  expect(await made([family('a', 'gauge', value), counter])).toContain('# TYPE a_total unknown');
});

const native: NativeView = {
  schema: 0,
  zeroThreshold: 0.001,
  zeroCount: 1,
  count: 6,
  sum: 10,
  positive: { indexes: [0, 2], counts: [2, 3] },
  negative: { indexes: [], counts: [] },
  exemplars: [{ labels: [], value: 3, timestampMs: 1000 }],
};

test('native buckets are classic ones where that is asked for, and there are no others', async () => {
  const families = [
    family(
      'h',
      'histogram',
      { labels: 'l="1"', value: 7, sum: 10, buckets: [[POSITIVE_INFINITY, 7]], native },
      {
        labels: 'l="2"',
        value: 6,
        sum: 10,
        buckets: [
          [1, 2],
          [POSITIVE_INFINITY, 6],
        ],
        native,
      },
    ),
  ];
  const others = `\
h_bucket{l="2",le="1"} 2
h_bucket{l="2",le="+Inf"} 6
h_sum{l="2"} 10
h_count{l="2"} 6
`;
  expect(await madeExposition(families)).toBe(`\
# TYPE h histogram
h_bucket{l="1",le="+Inf"} 7
h_sum{l="1"} 10
h_count{l="1"} 7
${others}`);
  expect(await madeExposition(families, { options: { nativeAsClassic: true } })).toBe(`\
# TYPE h histogram
h_bucket{l="1",le="0.001"} 1
h_bucket{l="1",le="1"} 3
h_bucket{l="1",le="4"} 6
h_bucket{l="1",le="+Inf"} 7
h_sum{l="1"} 10
h_count{l="1"} 7
${others}`);
  expect(await pageOf(families, { nativeAsClassic: true })).toContain(`\
h_bucket{l="1",le="1.0"} 3
h_bucket{l="1",le="4.0"} 6 # {} 3 1
h_bucket{l="1",le="+Inf"} 7
h_count{l="1"} 7
`);
});

test('a gauge histogram in parts leaves their names to no other', async () => {
  const page = await pageOf([
    family('x', 'gaugehistogram', { value: 2, sum: 3, buckets: [[POSITIVE_INFINITY, 2]] }),
    family('x_count_total', 'counter', { value: 5 }),
    family('x_gsum', 'gauge', { value: 1 }),
    family('x_sum_info', 'info', { labels: 'v="1"', value: 1 }),
  ]);
  expect(page).toBe(`\
# TYPE x_bucket unknown
x_bucket{le="+Inf"} 2
# TYPE x_sum unknown
x_sum 3
# TYPE x_count unknown
x_count 2
# TYPE x_count_total unknown
x_count_total 5
# TYPE x_gsum gauge
x_gsum 1
# TYPE x_sum_info gauge
x_sum_info{v="1"} 1
`);
});

test.each(['s\n# EOF\nx', 's t', 'µs', 's"'])('the unit %j, which is no word, is left out', async (unit) => {
  const gateway = createGateway();
  const name = `a_${unit}`;
  await gateway.push(pb.family(name, { type: 'gauge', unit }, pb.gauge({}, 1)), { format: 'protobuf' });
  const page = await gateway.scrape({ format: 'openmetrics', escaping: 'allow-utf-8' });
  const written = JSON.stringify(name);
  expect(page).toBe(`# TYPE ${written} gauge\n{${written}} 1\n# EOF\n`);
});

test.each([
  [0, '0.0'],
  [1, '1.0'],
  [-1, '-1.0'],
  [0.005, '0.005'],
  [0.0001, '0.0001'],
  [0.00001, '1e-05'],
  [2.5, '2.5'],
  [100_000, '100000.0'],
  [999_999.5, '999999.5'],
  [1e6, '1e+06'],
  [1_234_567, '1.234567e+06'],
  [-1e21, '-1e+21'],
  [1.5e300, '1.5e+300'],
  [POSITIVE_INFINITY, '+Inf'],
])('the bound %f is %s', (bound, text) => {
  expect(formatBound(bound)).toBe(text);
  expect(Number(text.replace('Inf', 'Infinity'))).toBe(bound);
});
