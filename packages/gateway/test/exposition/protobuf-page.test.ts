/** Pages of protobuf as another reader sees them. */
import { expect, test } from 'vitest';

import { KeptPages } from '../../src/exposition/kept-text.ts';
import type { MetricType } from '../../src/model/metric-type.ts';
import { noNativeBuckets } from '../../src/model/native-histogram.ts';
import type { NativeView } from '../../src/model/page-view.ts';
import { readFamilies } from '../support/read-families.ts';
import { madeBytes } from './made-page.ts';
import type { MadeFamily, MadeRow } from './made-page.ts';

const format = { format: 'protobuf', escaping: 'allow-utf-8' } as const;
const { POSITIVE_INFINITY } = Number;

async function pageOf(...families: readonly MadeFamily[]): Promise<ReturnType<typeof readFamilies>> {
  return readFamilies(await madeBytes(families, { format }));
}

/** What a reader sees of the only metric. */
async function metricOf(type: MetricType, row: MadeRow): Promise<unknown> {
  const [family] = (await pageOf({ name: 'x', type, rows: [row] })) as readonly [{ metric: [unknown] }];
  return family.metric[0];
}

async function histogramOf(row: MadeRow): Promise<unknown> {
  return ((await metricOf('histogram', row)) as { histogram: unknown }).histogram;
}

test('each type in full', async () => {
  const exemplar = { labels: [{ name: 'trace.id', value: 'a"é' }], value: 0.5, timestampMs: 1520879607789 };
  const seenExemplar = {
    label: [{ name: 'trace.id', value: 'a"é' }],
    value: 0.5,
    timestamp: { seconds: 1520879607, nanos: 789_000_000 },
  };
  const startMs = 1520872607123;
  const startTimestamp = { seconds: 1520872607, nanos: 123_000_000 };
  const page = await pageOf(
    {
      name: 'a_seconds_total',
      type: 'counter',
      help: 'A "help"\\\n',
      unit: 'seconds',
      rows: [{ labels: 'l="1",m="2"', value: 3, startMs, exemplars: { [-1]: exemplar } }],
    },
    { name: 'b', type: 'gauge', help: '', rows: [{ value: -1.5 }] },
    { name: 'c', type: 'summary', rows: [{ value: 4, sum: 5.5, startMs }] },
    { name: 'd', type: 'untyped', rows: [{ value: Number.NaN }] },
    {
      name: 'e',
      type: 'histogram',
      rows: [
        {
          value: 3,
          sum: -2,
          startMs,
          buckets: [
            [-0.5, 1],
            [POSITIVE_INFINITY, 3],
          ],
          exemplars: { 1: exemplar },
        },
      ],
    },
    { name: 'f', type: 'gaugehistogram', rows: [{ value: 1, buckets: [[POSITIVE_INFINITY, 1]] }] },
    { name: 'g_info', type: 'info', rows: [{ labels: 'version="1"', value: 1 }] },
    { name: 'h', type: 'stateset', rows: [{ labels: 'h="on"', value: 0 }] },
  );
  const counter = { value: 3, exemplar: seenExemplar, startTimestamp };
  const label = [
    { name: 'l', value: '1' },
    { name: 'm', value: '2' },
  ];
  const histogram = {
    sampleCount: 3,
    sampleSum: -2,
    bucket: [
      { cumulativeCount: 1, upperBound: -0.5 },
      { cumulativeCount: 3, upperBound: POSITIVE_INFINITY, exemplar: seenExemplar },
    ],
    startTimestamp,
  };
  expect(page).toEqual([
    { name: 'a_seconds_total', help: 'A "help"\\\n', type: 0, unit: 'seconds', metric: [{ label, counter }] },
    { name: 'b', help: '', type: 1, metric: [{ gauge: { value: -1.5 } }] },
    { name: 'c', type: 2, metric: [{ summary: { sampleCount: 4, sampleSum: 5.5, startTimestamp } }] },
    { name: 'd', type: 3, metric: [{ untyped: { value: Number.NaN } }] },
    { name: 'e', type: 4, metric: [{ histogram }] },
    {
      name: 'f',
      type: 5,
      metric: [
        { histogram: { sampleCount: 1, bucket: [{ cumulativeCount: 1, upperBound: POSITIVE_INFINITY }] } },
      ],
    },
    {
      name: 'g_info',
      type: 1,
      metric: [{ label: [{ name: 'version', value: '1' }], gauge: { value: 1 } }],
    },
    { name: 'h', type: 1, metric: [{ label: [{ name: 'h', value: 'on' }], gauge: { value: 0 } }] },
  ]);
});

test('labels come without quotes and escapes, whatever is in them and however long they are', async () => {
  const long = 'é"'.repeat(40_000);
  const spelled = long.replaceAll('"', String.raw`\"`);
  const labels = async (text: string): Promise<unknown> =>
    ((await metricOf('gauge', { labels: text, value: 1 })) as { label?: unknown }).label;
  expect(await labels('')).toBe(undefined);
  expect(await labels(String.raw`"a.\"\\\nb"="x\\n\n\"",c="=,{}"`)).toEqual([
    { name: 'a."\\\nb', value: 'x\\n\n"' },
    { name: 'c', value: '=,{}' },
  ]);
  expect(await labels(String.raw`"${spelled}"="\\",b="${spelled}",c="d"`)).toEqual([
    { name: long, value: '\\' },
    { name: 'b', value: long },
    { name: 'c', value: 'd' },
  ]);
});

test.each([126, 127, 128, 129, 16_383, 16_384, 65_535, 65_536, 2 ** 21])(
  'a label of %s bytes',
  async (bytes) => {
    const value = 'v'.repeat(bytes);
    expect(await metricOf('gauge', { labels: `a="${value}"`, value: 1 })).toEqual({
      label: [{ name: 'a', value }],
      gauge: { value: 1 },
    });
  },
);

test('a family of many slices', async () => {
  const rows = Array.from({ length: 9000 }, (_, i) => ({
    labels: i % 1000 === 0 ? `a="${'x'.repeat(i * 10 + 1)}"` : `a="${i}"`,
    value: i,
  }));
  const page = await pageOf({ name: 'x', type: 'counter', rows }, { name: 'y', type: 'counter', rows });
  const metric = rows.map(({ labels, value }) => ({
    label: [{ name: 'a', value: labels.slice(3, -1) }],
    counter: { value },
  }));
  expect(page).toEqual([
    { name: 'x', type: 0, metric },
    { name: 'y', type: 0, metric },
  ]);
});

test('counts that are not whole, or past every whole number there is, are floats', async () => {
  const of = (value: number): Promise<unknown> =>
    histogramOf({ value, buckets: [[POSITIVE_INFINITY, value]] });
  const upperBound = POSITIVE_INFINITY;
  for (const sampleCount of [0, 127, 128, 2 ** 31, 2 ** 32 + 5, 2 ** 53, 2 ** 63 + 2048, 2 ** 64 - 2048]) {
    const bucket = [{ cumulativeCount: sampleCount, upperBound }];
    expect(await of(sampleCount)).toEqual({ sampleCount, bucket });
  }
  for (const sampleCountFloat of [0.5, 2 ** 64, 1e300]) {
    const bucket = [{ cumulativeCountFloat: sampleCountFloat, upperBound }];
    expect(await of(sampleCountFloat)).toEqual({ sampleCountFloat, bucket });
  }
  // A summary has nothing but whole ones.
  expect(await metricOf('summary', { value: 2.6 })).toEqual({ summary: { sampleCount: 3 } });
  expect(await metricOf('summary', { value: -1 })).toEqual({ summary: { sampleCount: 0 } });
});

test.each([
  [0, undefined],
  [0.5, { seconds: 0, nanos: 500_000 }],
  [-1, undefined],
  [1_600_000_000.123 * 1000, { seconds: 1_600_000_000, nanos: 123_000_000 }],
  [999.999_9, { seconds: 1, nanos: 0 }],
  [253_402_300_799_999, { seconds: 253_402_300_799, nanos: 999_000_000 }],
  [253_402_300_800_000, undefined],
  [1e300, undefined],
  [-1e300, undefined],
])('a start at %s ms', async (startMs, startTimestamp) => {
  const counter = { value: 1, ...(startTimestamp === undefined ? {} : { startTimestamp }) };
  expect(await metricOf('counter', { value: 1, startMs })).toEqual({ counter });
});

test('an exemplar may be older than 1970, and its labels are escaped', async () => {
  const labels = [{ name: 'trace.id', value: 'x' }];
  const rows = [{ value: 1, exemplars: { [-1]: { labels, value: 2, timestampMs: -1 } } }];
  const page = await madeBytes([{ name: 'x', type: 'counter', rows }], {
    format: { format: 'protobuf', escaping: 'underscores' },
  });
  const exemplar = {
    label: [{ name: 'trace_id', value: 'x' }],
    value: 2,
    timestamp: { seconds: -1, nanos: 999_000_000 },
  };
  expect(readFamilies(page)).toEqual([{ name: 'x', type: 0, metric: [{ counter: { value: 1, exemplar } }] }]);
});

test('a unit that the name does not end with is left out, as readers refuse it', async () => {
  const unitOf = async (name: string, type: MetricType, unit: string): Promise<unknown> =>
    (await pageOf({ name, type, unit, rows: [{ value: 1 }] }))[0]?.['unit'];
  expect(await unitOf('x_seconds', 'gauge', 'seconds')).toBe('seconds');
  expect(await unitOf('x_seconds_total', 'counter', 'seconds')).toBe('seconds');
  expect(await unitOf('x_seconds', 'counter', 'seconds')).toBe('seconds');
  expect(await unitOf('x_seconds_total', 'gauge', 'seconds')).toBe(undefined);
  expect(await unitOf('xseconds', 'gauge', 'seconds')).toBe(undefined);
  expect(await unitOf('x_total', 'counter', 'total')).toBe(undefined);
  expect(await unitOf('x_', 'gauge', '')).toBe(undefined);
});

const nothing: NativeView = {
  schema: 0,
  zeroThreshold: 0,
  zeroCount: 0,
  count: 0,
  sum: 0,
  positive: noNativeBuckets,
  negative: noNativeBuckets,
  exemplars: [],
};

test('native buckets that hold all that was counted', async () => {
  const native = {
    ...nothing,
    schema: -3,
    zeroThreshold: 0.25,
    zeroCount: 2,
    count: 21,
    positive: { indexes: [-2, -1, 2, 9], counts: [1, 4, 3, 7] },
    negative: { indexes: [0], counts: [4] },
    exemplars: [{ labels: [], value: 9, timestampMs: 1000 }],
  };
  expect(await histogramOf({ value: 21, sum: 3, native })).toEqual({
    sampleCount: 21,
    sampleSum: 3,
    schema: -3,
    zeroThreshold: 0.25,
    zeroCount: 2,
    negativeSpan: [{ offset: 0, length: 1 }],
    negativeDelta: [4],
    positiveSpan: [
      { offset: -2, length: 5 },
      { offset: 6, length: 1 },
    ],
    positiveDelta: [1, 3, -4, 0, 3, 4],
    exemplars: [{ value: 9, timestamp: { seconds: 1, nanos: 0 } }],
  });
});

test('native buckets that hold less, or fractions, are floats, and so is the count', async () => {
  const positive = { indexes: [1, 2], counts: [1, 3] };
  const floats = {
    schema: 0,
    zeroThreshold: 0,
    zeroCountFloat: 0,
    positiveSpan: [{ offset: 1, length: 2 }],
    positiveCount: [1, 3],
  };
  expect(
    await histogramOf({
      value: 5,
      buckets: [[POSITIVE_INFINITY, 5]],
      native: { ...nothing, count: 4, positive },
    }),
  ).toEqual({
    sampleCountFloat: 5,
    bucket: [{ cumulativeCount: 5, upperBound: POSITIVE_INFINITY }],
    ...floats,
  });
  expect(await histogramOf({ value: 5, native: { ...nothing, count: 5, positive } })).toEqual({
    sampleCountFloat: 5,
    ...floats,
  });
  expect(
    await histogramOf({ value: 4.5, native: { ...nothing, count: 4.5, zeroCount: 0.5, positive } }),
  ).toEqual({ sampleCountFloat: 4.5, ...floats, zeroCountFloat: 0.5 });
  const large = { indexes: [0, 1], counts: [2 ** 52, 0.25] };
  expect(
    await histogramOf({ value: 2 ** 52, native: { ...nothing, count: 2 ** 52, negative: large } }),
  ).toEqual({
    sampleCountFloat: 2 ** 52,
    schema: 0,
    zeroThreshold: 0,
    zeroCountFloat: 0,
    negativeSpan: [{ offset: 0, length: 2 }],
    negativeCount: [2 ** 52, 0.25],
  });
});

test('a native histogram without observations has a span that says that it is one', async () => {
  const none = { sampleCount: 0, schema: 0, zeroCount: 0 };
  expect(await histogramOf({ value: 0, native: nothing })).toEqual({
    ...none,
    zeroThreshold: 0,
    positiveSpan: [{}],
  });
  expect(await histogramOf({ value: 0, native: { ...nothing, zeroThreshold: 1 } })).toEqual({
    ...none,
    zeroThreshold: 1,
  });
});

test('start times stand with what they are of, and are no family then', async () => {
  const rows = [{ value: 1 }];
  const created = (name: string): MadeFamily => ({ name, type: 'gauge', startTimes: true, rows });
  const page = await pageOf(
    created('a_created'),
    { name: 'a_total', type: 'counter', rows },
    { name: 'b', type: 'gauge', rows },
    created('b_created'),
    { name: 'c', type: 'summary', rows },
    { name: 'c_created', type: 'gauge', rows },
  );
  expect(page.map(({ name }) => name)).toEqual(['a_total', 'b', 'b_created', 'c', 'c_created']);
});

test('families that did not change are shown again as they were', async () => {
  const kept = new KeptPages(1 << 24);
  const rows = Array.from({ length: 3000 }, (_, i) => ({ labels: `a="${'x'.repeat(50)}${i}"`, value: i }));
  const families = [1, 2, 3].map((version) => [
    ...Array.from({ length: 5 }, (_, i) => ({
      name: `a${i}`,
      type: 'gauge' as const,
      version: 1,
      rows: [{ value: i }],
    })),
    // What is kept is not looked at again.
    { name: 'b', type: 'counter' as const, version: 1, rows: version === 1 ? rows : rows.toReversed() },
    { name: 'c', type: 'gauge' as const, version, rows: [{ value: version }] },
  ]);
  const pages: Buffer[] = [];
  for (const each of families) pages.push(await madeBytes(each, { format, kept }));
  const fresh = await madeBytes(families[0]!, { format });
  expect(pages[0]!.equals(fresh)).toBe(true);
  const withoutLast = (page: Buffer): unknown => readFamilies(page).slice(0, -1);
  expect(withoutLast(pages[1]!)).toEqual(withoutLast(pages[0]!));
  expect(withoutLast(pages[2]!)).toEqual(withoutLast(pages[0]!));
  expect(readFamilies(pages[2]!).at(-1)).toEqual({ name: 'c', type: 1, metric: [{ gauge: { value: 3 } }] });
});

test('an empty page has no bytes', async () => {
  expect((await madeBytes([], { format })).length).toBe(0);
});
