/** Pages in protobuf, case by case, as protobufjs reads them. */
import { describe, expect, test } from 'vitest';

import { ScrapeCache } from '../../src/exposition/scrape-cache.ts';
import { noNativeBuckets } from '../../src/model/native-histogram.ts';
import type { NativeView } from '../../src/model/read-view.ts';
import { readExposition } from '../support/read-exposition.ts';
import { madeExpositionBytes } from './made-exposition.ts';
import type { MadeFamily, MadeRow } from './made-exposition.ts';

const format = { format: 'protobuf', escaping: 'allow-utf-8' } as const;
const Inf = Number.POSITIVE_INFINITY;

async function metricOf(type: MadeFamily['type'], row: MadeRow) {
  const page = await madeExpositionBytes([{ name: 'm', type, rows: [row] }], { format });
  return readExposition(page)[0]!.metric![0]!;
}

test('bytes of a counter', async () => {
  const rows = [{ labels: 'a="x"', value: 3, startMs: 1_500 }];
  const page = await madeExpositionBytes([{ name: 'c_total', type: 'counter', help: 'H', rows }], { format });
  const value = '090000000000000840';
  const start = `1a07${'0801'}${'1080cab5ee01'}`.replace('1a07', '1a08');
  const counter = `1a13${value}${start}`;
  const label = '0a06' + '0a0161' + '120178';
  const metric = `221d${label}${counter}`;
  const head = `0a07${Buffer.from('c_total').toString('hex')}` + '120148' + '1800';
  expect(page.toString('hex')).toBe(`2d${head}${metric}`);
});

test('types, help and unit', async () => {
  const types = [
    'counter',
    'gauge',
    'summary',
    'untyped',
    'histogram',
    'gaugehistogram',
    'info',
    'stateset',
  ] as const;
  const families = types.map((type) => ({ name: type, type, rows: [{ value: 1 }] }));
  const [first, ...rest] = families;
  const page = await madeExpositionBytes(
    [{ ...first!, help: 'a\n\\', unit: 's', name: 'counter_s_total' }, ...rest],
    { format },
  );
  const read = readExposition(page);
  expect(read.map((family) => [family.name, family.type])).toEqual([
    ['counter_s_total', 0],
    ['gauge', 1],
    ['summary', 2],
    ['untyped', 3],
    ['histogram', 4],
    ['gaugehistogram', 5],
    ['info', 1],
    ['stateset', 1],
  ]);
  expect(read.map(({ help, unit }) => [help, unit])).toEqual([
    ['a\n\\', 's'],
    ...rest.map(() => [undefined, undefined]),
  ]);
});

describe('labels', () => {
  const long = 'x'.repeat(130);
  const veryLong = 'y"\\'.repeat(20_000);
  test.each([
    ['none', {}, ''],
    ['plain', { a: '1', b: '' }, 'a="1",b=""'],
    ['escaped', { a: '"\\\n', b: 'n' }, String.raw`a="\"\\\n",b="n"`],
    ['named in quotes', { 'a.b"\\': 'é', c: '=,' }, String.raw`"a.b\"\\"="é",c="=,"`],
    ['long values', { a: long, b: 'c' }, `a="${long}",b="c"`],
    ['long names', { [long]: 'c', b: long }, `${long}="c",b="${long}"`],
    ['very long', { a: veryLong }, `a="${veryLong.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`],
    [
      'of 127 and 128 bytes',
      { a: 'x'.repeat(120), b: 'x'.repeat(121) },
      `a="${'x'.repeat(120)}",b="${'x'.repeat(121)}"`,
    ],
  ])('%s', async (_, expected, labels) => {
    const { label = [] } = await metricOf('gauge', { labels, value: 1 });
    expect(Object.fromEntries(label.map(({ name, value }) => [name, value]))).toEqual(expected);
  });
});

describe('start times', () => {
  test.each([
    ['none', Number.NaN, undefined],
    ['whole', 1_700_000_000_000, { seconds: 1_700_000_000 }],
    ['with a fraction', 1_700_000_000_123, { seconds: 1_700_000_000, nanos: 123_000_000 }],
    ['of a double of seconds', 1_700_000_000.123_456 * 1_000, { seconds: 1_700_000_000, nanos: 123_456_000 }],
    ['rounded up to a second', 999.999_999_9, { seconds: 1 }],
    ['before 1970', -1, { seconds: -1, nanos: 999_000_000 }],
    ['after 2106', 5e12 + 1, { seconds: 5_000_000_000, nanos: 1_000_000 }],
    ['in the year 10 000', 253_402_300_800_000, undefined],
    ['never', Inf, undefined],
    ['0, which readers take for none', 0, undefined],
  ])('%s', async (_, startMs, expected) => {
    const { counter } = await metricOf('counter', { value: 1, startMs });
    expect(counter?.startTimestamp).toEqual(expected);
    const { summary } = await metricOf('summary', { value: 1, sum: 2, startMs });
    expect(summary).toEqual({ sampleCount: 1, sampleSum: 2, ...(expected && { startTimestamp: expected }) });
    const { histogram } = await metricOf('histogram', { value: 1, startMs });
    expect(histogram?.startTimestamp).toEqual(expected);
  });
});

test('exemplars of counters and buckets', async () => {
  const labels = [{ name: 'trace_id', value: 'é"' }];
  const exemplar = { labels, value: 0.5, timestampMs: 1_500 };
  const bare = { labels: [], value: -1, timestampMs: undefined };
  const told = { label: labels, value: 0.5, timestamp: { seconds: 1, nanos: 500_000_000 } };
  const { counter } = await metricOf('counter', { value: 1, exemplars: { [-1]: exemplar } });
  expect(counter).toEqual({ value: 1, exemplar: told });
  const row = {
    value: 3,
    buckets: [
      [1, 1],
      [Inf, 3],
    ],
    exemplars: { 0: bare, 1: exemplar },
  } as const;
  const { histogram } = await metricOf('histogram', row);
  expect(histogram).toEqual({
    sampleCount: 3,
    bucket: [
      { cumulativeCount: 1, upperBound: 1, exemplar: { value: -1 } },
      { cumulativeCount: 3, upperBound: Inf, exemplar: told },
    ],
  });
});

test('counts that are none are floats, but for summaries, which have no field for them', async () => {
  const row = {
    value: 2.5,
    sum: Number.NaN,
    buckets: [
      [-1, 1],
      [Inf, 2.5],
    ],
  } as const;
  expect((await metricOf('gaugehistogram', row)).histogram).toEqual({
    sampleCountFloat: 2.5,
    bucket: [
      { cumulativeCount: 1, upperBound: -1 },
      { cumulativeCountFloat: 2.5, upperBound: Inf },
    ],
  });
  const rounded = [
    [2.5, 3],
    [2 ** 60, 2 ** 60],
    [1e21, 2 ** 64 - 2 ** 11],
    [Inf, 2 ** 64 - 2 ** 11],
    [-1, 0],
    [Number.NaN, 0],
  ] as const;
  for (const [value, sampleCount] of rounded) {
    expect((await metricOf('summary', { value })).summary).toEqual({ sampleCount });
  }
  expect((await metricOf('histogram', { value: 2 ** 53, sum: 0 })).histogram).toEqual({
    sampleCount: 2 ** 53,
    sampleSum: 0,
  });
  expect((await metricOf('histogram', { value: 2 ** 54 })).histogram).toEqual({ sampleCountFloat: 2 ** 54 });
});

describe('native histograms', () => {
  const native: NativeView = {
    schema: -1,
    zeroThreshold: 0.001,
    zeroCount: 2,
    count: 12,
    sum: 5,
    positive: { indexes: [-2, -1, 2, 9], counts: [1, 4, 2, 1] },
    negative: { indexes: [3], counts: [2] },
    exemplars: [],
  };
  const spans = {
    schema: -1,
    zeroThreshold: 0.001,
    negativeSpan: [{ offset: 3, length: 1 }],
    positiveSpan: [
      { offset: -2, length: 5 },
      { offset: 6, length: 1 },
    ],
  };
  const floats = { zeroCountFloat: 2, negativeCount: [2], positiveCount: [1, 4, 0, 0, 2, 1] };

  test('of whole numbers', async () => {
    const { histogram } = await metricOf('histogram', { value: 12, sum: 5, native });
    expect(histogram).toEqual({
      sampleCount: 12,
      sampleSum: 5,
      ...spans,
      zeroCount: 2,
      negativeDelta: [2],
      positiveDelta: [1, 3, -4, 0, 2, -1],
    });
  });

  test('beside classic buckets of senders who gave no native ones, the count is a float and theirs as well', async () => {
    const { histogram } = await metricOf('histogram', {
      value: 13,
      sum: 5,
      native,
      buckets: [
        [1, 10],
        [Inf, 13],
      ],
    });
    expect(histogram).toEqual({
      sampleCountFloat: 13,
      sampleSum: 5,
      bucket: [
        { cumulativeCount: 10, upperBound: 1 },
        { cumulativeCount: 13, upperBound: Inf },
      ],
      ...spans,
      ...floats,
    });
  });

  test('of floats', async () => {
    const half = { ...native, zeroCount: 1.5 };
    const { histogram } = await metricOf('gaugehistogram', { value: 11.5, sum: 5, native: half });
    expect(histogram).toEqual({
      sampleCountFloat: 11.5,
      sampleSum: 5,
      ...spans,
      ...floats,
      zeroCountFloat: 1.5,
    });
  });

  test('with counts too large for exact arithmetic', async () => {
    const large = {
      ...native,
      zeroCount: 0,
      positive: { indexes: [0, 1, 2], counts: [2 ** 53, 1, 1] },
      negative: noNativeBuckets,
    };
    const { histogram } = await metricOf('histogram', { value: 2 ** 53, native: large });
    expect(histogram).toMatchObject({ sampleCountFloat: 2 ** 53, positiveCount: [2 ** 53, 1, 1] });
    const down = { ...large, positive: { indexes: [0, 1], counts: [2 ** 53 - 2, 1] } };
    const { histogram: second } = await metricOf('histogram', { value: 2 ** 53 - 1, native: down });
    expect(second).toMatchObject({ sampleCount: 2 ** 53 - 1, positiveDelta: [2 ** 53 - 2, 3 - 2 ** 53] });
  });

  test('that are empty are told by a span of nothing', async () => {
    const none = {
      schema: 3,
      zeroThreshold: 0,
      zeroCount: 0,
      count: 0,
      sum: 0,
      positive: noNativeBuckets,
      negative: noNativeBuckets,
    };
    const { histogram } = await metricOf('histogram', {
      value: 0,
      sum: 0,
      native: { ...none, exemplars: [] },
    });
    expect(histogram).toEqual({
      sampleCount: 0,
      sampleSum: 0,
      schema: 3,
      zeroThreshold: 0,
      zeroCount: 0,
      positiveSpan: [{ offset: 0, length: 0 }],
    });
  });

  test('with a zero bucket alone too, for Prometheus does not look at that of floats', async () => {
    const zeros = { ...native, zeroThreshold: 0, positive: noNativeBuckets, negative: noNativeBuckets };
    const row = { value: 2.5, native: { ...zeros, zeroCount: 2.5 } };
    expect((await metricOf('histogram', row)).histogram).toEqual({
      sampleCountFloat: 2.5,
      schema: -1,
      zeroThreshold: 0,
      zeroCountFloat: 2.5,
      positiveSpan: [{ offset: 0, length: 0 }],
    });
  });

  test('have a message of their own, as Prometheus tells by the first metric of one what the others are', async () => {
    const rows = [
      { labels: 'i="1"', value: 12, native },
      { labels: 'i="2"', value: 1 },
      { labels: 'i="3"', value: 12, native },
    ];
    const family = { name: 'h_seconds', type: 'histogram', help: 'H', unit: 'seconds', rows } as const;
    const read = readExposition(await madeExpositionBytes([family], { format }));
    expect(read.map(({ name, help, unit }) => [name, help, unit])).toEqual([
      ['h_seconds', 'H', 'seconds'],
      ['h_seconds', 'H', 'seconds'],
    ]);
    const labelsOf = (i: number) => read[i]!.metric!.map(({ label }) => label![0]!.value);
    expect([labelsOf(0), labelsOf(1)]).toEqual([['2'], ['1', '3']]);
  });

  test('with exemplars', async () => {
    const labels = [{ name: 't', value: '1' }];
    const exemplars = [1, 2].map((value) => ({ labels, value, timestampMs: value * 1_000 }));
    const { histogram } = await metricOf('histogram', { value: 12, native: { ...native, exemplars } });
    expect(histogram?.exemplars).toEqual(
      [1, 2].map((value) => ({ label: labels, value, timestamp: { seconds: value } })),
    );
  });
});

test('families of start times are not shown where others show them', async () => {
  const created = { name: 'a_created', type: 'gauge', startTimes: true, rows: [{ value: 1 }] } as const;
  const total = { name: 'a_total', type: 'counter', rows: [{ value: 1 }] } as const;
  const names = async (families: readonly MadeFamily[]): Promise<readonly string[]> =>
    readExposition(await madeExpositionBytes(families, { format })).map(({ name }) => name);
  expect(await names([created, total])).toEqual(['a_total']);
  expect(await names([created])).toEqual(['a_created']);
  expect(await names([{ ...created, startTimes: false }, total])).toEqual(['a_created', 'a_total']);
});

test.each([
  ['a_seconds', 'gauge', 'seconds'],
  ['a_seconds_total', 'counter', 'seconds'],
  ['a_total', 'counter', undefined],
  ['a_total_seconds', 'counter', 'seconds'],
  ['a_seconds_total', 'gauge', undefined],
  ['aseconds', 'gauge', undefined],
  ['seconds', 'gauge', undefined],
] as const)('a unit that is not a suffix of the name %s of a %s is left out', async (name, type, unit) => {
  const [family] = readExposition(
    await madeExpositionBytes([{ name, type, unit: 'seconds', rows: [{ value: 1 }] }], { format }),
  );
  expect(family!.unit).toBe(unit);
});

test('an empty page is empty', async () => {
  expect(await madeExpositionBytes([], { format })).toHaveLength(0);
});

test.each([1, 50, 5_000])(
  'a page of large and small families comes whole, also when it was kept (%d rows)',
  async (count) => {
    const rows = Array.from({ length: count }, (_, i) => ({
      labels: `i="${i}",pad="${'p'.repeat(i % 300)}"`,
      value: i,
    }));
    const families: MadeFamily[] = ['a', 'b', 'c'].map((name, i) => ({
      name,
      type: 'gauge',
      version: 1,
      rows: i === 1 ? rows : rows.slice(0, 2),
    }));
    const kept = new ScrapeCache(1 << 30);
    const first = await madeExpositionBytes(families, { format, kept });
    const read = readExposition(first);
    expect(read.map((family) => family.metric?.length)).toEqual(families.map((family) => family.rows.length));
    expect(read[1]!.metric!.map((metric) => metric.gauge!.value)).toEqual(rows.map((row) => row.value));
    expect((await madeExpositionBytes(families, { format, kept })).equals(first)).toBe(true);
    const changed = await madeExpositionBytes([{ ...families[0]!, version: 2 }, ...families.slice(1)], {
      format,
      kept,
    });
    expect(changed.equals(first)).toBe(true);
  },
);

test('a metric longer than a slice stays in one piece', async () => {
  const buckets = Array.from({ length: 10_000 }, (_, i) => [i, i] as const);
  const rows = [1, 2, 3].map((i) => ({ labels: `i="${i}"`, value: 9_999, buckets }));
  const [family] = readExposition(
    await madeExpositionBytes([{ name: 'h', type: 'histogram', rows }], { format }),
  );
  expect(family!.metric!.map(({ histogram }) => histogram!.bucket!.length)).toEqual([10_000, 10_000, 10_000]);
});
