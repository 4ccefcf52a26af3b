/** Laws about pages of protobuf: another reader finds what the state has, and a gateway that is pushed the page has it too. */
import fc from 'fast-check';
import { expect, test } from 'vitest';

import type { Exemplar } from '../../src/model/exemplar.ts';
import type { Label } from '../../src/model/labels.ts';
import { hasBuckets, metricTypes } from '../../src/model/metric-type.ts';
import type { MetricType } from '../../src/model/metric-type.ts';
import type { NativeBuckets } from '../../src/model/native-histogram.ts';
import type { NativeView } from '../../src/model/page-view.ts';
import { seriesText } from '../../src/model/series-text.ts';
import { asText, pushedFamily } from '../exposition/arbitrary-families.ts';
import { madeBytes } from '../exposition/made-page.ts';
import type { MadeFamily, MadeRow } from '../exposition/made-page.ts';
import { readFamilies } from '../support/read-families.ts';
import { RestartingGateway } from '../support/restarting.ts';

const protobuf = { format: 'protobuf', escaping: 'allow-utf-8', version: '0.0.4' } as const;
const text = { format: 'text', escaping: 'allow-utf-8', version: '1.0.0' } as const;
const nowMs = 1_700_000_000_000;

const anyText = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.constantFrom('\\', '"', '\n', '\\n', 'a="b",c="d"', '{}', 'x'.repeat(127), '"'.repeat(128)),
);
const labels = fc.uniqueArray(
  fc.record({
    name: fc.oneof(fc.constantFrom('a', 'le_', 'b.c', '1'), anyText).filter((name) => name !== ''),
    value: anyText.filter((value) => value !== ''),
  }),
  { selector: ({ name }) => name, maxLength: 4 },
);
const ms = fc.integer({ min: -nowMs, max: 10 * nowMs });
const exemplar: fc.Arbitrary<Exemplar> = fc.record({
  labels,
  value: fc.double(),
  timestampMs: fc.option(ms, { nil: undefined }),
});
const count = fc.oneof(fc.nat(3), fc.nat(), fc.constantFrom(0.5, 2 ** 40, 2 ** 52, 2 ** 60));
const nativeBuckets: fc.Arbitrary<NativeBuckets> = fc
  .uniqueArray(fc.tuple(fc.integer({ min: -20, max: 20 }), count), {
    selector: ([index]) => index,
    maxLength: 8,
  })
  .map((pairs) => pairs.toSorted(([a], [b]) => a - b))
  .map((pairs) => ({ indexes: pairs.map(([index]) => index), counts: pairs.map(([, each]) => each) }));
const native: fc.Arbitrary<NativeView> = fc
  .record({
    schema: fc.integer({ min: -4, max: 8 }),
    zeroThreshold: fc.constantFrom(0, 2 ** -10),
    zeroCount: count,
    positive: nativeBuckets,
    negative: nativeBuckets,
    exemplars: fc.array(exemplar, { maxLength: 2 }),
  })
  .map((found) => {
    const all = [found.zeroCount, ...found.positive.counts, ...found.negative.counts];
    return { ...found, count: all.reduce((sum, each) => sum + each, 0), sum: 0 };
  });

interface Row extends MadeRow {
  readonly own: readonly Label[];
}

const row = fc.record({
  own: labels,
  value: fc.oneof(fc.double(), count),
  sum: fc.double(),
  startMs: fc.oneof(fc.constant(Number.NaN), ms),
  counts: fc.array(fc.tuple(count, fc.option(exemplar)), { minLength: 1, maxLength: 5 }),
  single: fc.option(exemplar),
  native: fc.option(native, { nil: undefined }),
  // Senders of classic buckets alone count as well.
  more: fc.constantFrom(0, 1),
});

type AnyRow = typeof row extends fc.Arbitrary<infer Found> ? Found : never;

function rowOf(type: MetricType, { own, value, sum, startMs, counts, single, ...more }: AnyRow): Row {
  const inner = seriesText('x', own).slice('x{'.length, -1);
  const whole: Row = { own, labels: inner, value, sum, startMs };
  if (type === 'counter') return single === null ? whole : { ...whole, exemplars: { [-1]: single } };
  if (type === 'summary') return { ...whole, value: Math.floor(counts[0]![0]) };
  if (!hasBuckets(type)) return whole;
  const exemplars: Record<number, Exemplar> = {};
  let total = 0;
  const buckets = counts.map(([each, seen], i): [number, number] => {
    if (seen !== null) exemplars[i] = seen;
    total += each;
    return [i + 1 === counts.length ? Number.POSITIVE_INFINITY : i - 1.5, total];
  });
  if (more.native === undefined) return { ...whole, value: total, buckets, exemplars };
  return { ...whole, value: more.native.count + more.more, native: more.native };
}

/** A family with everything there is to it. */
const family: fc.Arbitrary<Omit<MadeFamily, 'rows'> & { readonly rows: readonly Row[] }> = fc
  .record({
    name: fc.oneof(fc.constantFrom('a', 'a_total', 'a.b', 'é'), anyText),
    type: fc.constantFrom(...metricTypes),
    help: fc.option(anyText, { nil: undefined }),
    rows: fc.array(row, { minLength: 1, maxLength: 4 }),
  })
  .map(({ name, type, help, rows }) => ({
    name,
    type,
    ...(help === undefined ? {} : { help }),
    rows: rows.map((each) => rowOf(type, each)),
  }));

const numbers: Readonly<Record<MetricType, number>> = {
  counter: 0,
  gauge: 1,
  summary: 2,
  untyped: 3,
  histogram: 4,
  gaugehistogram: 5,
  info: 1,
  stateset: 1,
};

function timestamp(given: number): object {
  const seconds = Math.floor(given / 1000);
  return { seconds, nanos: (given - seconds * 1000) * 1_000_000 };
}

function list(name: string, values: readonly unknown[]): object {
  return values.length === 0 ? {} : { [name]: values };
}

function start(startMs = Number.NaN): object {
  return !(startMs > 0) ? {} : { startTimestamp: timestamp(startMs) };
}

function seenExemplar({ labels: own, value, timestampMs }: Exemplar): object {
  const time = timestampMs === undefined ? {} : { timestamp: timestamp(timestampMs) };
  return { ...list('label', own), value, ...time };
}

/** What is to be found of a row, but for native buckets. */
function seenMetric(type: MetricType, made: Row): object {
  const sorted = made.own.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const label = list('label', sorted);
  const { value, sum = Number.NaN } = made;
  const sampleSum = Number.isNaN(sum) ? {} : { sampleSum: sum };
  switch (type) {
    case 'counter': {
      const seen = made.exemplars?.[-1];
      const more = seen === undefined ? {} : { exemplar: seenExemplar(seen) };
      return { ...label, counter: { value, ...more, ...start(made.startMs) } };
    }
    case 'summary':
      return { ...label, summary: { sampleCount: value, ...sampleSum, ...start(made.startMs) } };
    case 'untyped':
      return { ...label, untyped: { value } };
    case 'gauge':
    case 'info':
    case 'stateset':
      return { ...label, gauge: { value } };
    case 'histogram':
    case 'gaugehistogram': {
      const bucket = (made.buckets ?? []).map(([upperBound, cumulative], i) => {
        const seen = made.exemplars?.[i];
        const more = seen === undefined ? {} : { exemplar: seenExemplar(seen) };
        const field = Number.isInteger(cumulative) ? 'cumulativeCount' : 'cumulativeCountFloat';
        return { upperBound, [field]: cumulative, ...more };
      });
      const seen = list('exemplars', (made.native?.exemplars ?? []).map(seenExemplar));
      return {
        ...label,
        histogram: { ...sampleSum, ...list('bucket', bucket), ...start(made.startMs), ...seen },
      };
    }
  }
}

interface SeenHistogram {
  readonly sampleCount?: number;
  readonly sampleCountFloat?: number;
  readonly schema?: number;
  readonly zeroThreshold?: number;
  readonly zeroCount?: number;
  readonly zeroCountFloat?: number;
  readonly negativeSpan?: readonly { readonly offset?: number; readonly length?: number }[];
  readonly negativeDelta?: readonly number[];
  readonly negativeCount?: readonly number[];
  readonly positiveSpan?: readonly { readonly offset?: number; readonly length?: number }[];
  readonly positiveDelta?: readonly number[];
  readonly positiveCount?: readonly number[];
}

/** Index and count of each bucket that holds something, as the text of the specification says to read them. */
function bucketsIn(
  spans: SeenHistogram['negativeSpan'] = [],
  deltas: readonly number[] = [],
  counts: readonly number[] = [],
): readonly (readonly [number, number])[] {
  let sum = 0;
  const all = deltas.length > 0 ? deltas.map((delta) => (sum += delta)) : [...counts];
  let index = 0;
  const found = spans.flatMap(({ offset = 0, length = 0 }) => {
    index += offset;
    const first = index;
    index += length;
    return all.splice(0, length).map((each, i): [number, number] => [first + i, each]);
  });
  expect(all).toEqual([]);
  return found.filter(([, each]) => each !== 0);
}

function pairs({ indexes, counts }: NativeBuckets): readonly (readonly [number, number])[] {
  return indexes.map((index, i) => [index, counts[i]!] as const).filter(([, each]) => each !== 0);
}

/** Checks the native buckets and the count, and returns what is left. */
function withoutNative(seen: SeenHistogram, made: Row): object {
  const {
    sampleCount,
    sampleCountFloat,
    schema,
    zeroThreshold,
    zeroCount,
    zeroCountFloat,
    negativeSpan,
    negativeDelta,
    negativeCount,
    positiveSpan,
    positiveDelta,
    positiveCount,
    ...rest
  } = seen;
  expect(sampleCountFloat ?? sampleCount).toBe(made.value);
  expect(sampleCount === undefined).not.toBe(sampleCountFloat === undefined);
  if (made.native === undefined) {
    expect([schema, zeroThreshold, positiveSpan, negativeSpan]).toEqual(Array(4).fill(undefined));
    return rest;
  }
  const isFloat = sampleCountFloat !== undefined;
  expect(isFloat ? zeroCountFloat : zeroCount).toBe(made.native.zeroCount);
  if (isFloat) expect([zeroCount, positiveDelta, negativeDelta]).toEqual(Array(3).fill(undefined));
  else expect([zeroCountFloat, positiveCount, negativeCount]).toEqual(Array(3).fill(undefined));
  expect([schema, zeroThreshold]).toEqual([made.native.schema, made.native.zeroThreshold]);
  expect(bucketsIn(positiveSpan, positiveDelta, positiveCount)).toEqual(pairs(made.native.positive));
  expect(bucketsIn(negativeSpan, negativeDelta, negativeCount)).toEqual(pairs(made.native.negative));
  const isNative = positiveSpan !== undefined || negativeSpan !== undefined || zeroThreshold !== 0;
  expect(isNative).toBe(true);
  return rest;
}

test('another reader finds all that a family has', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(family, { maxLength: 4 }), async (families) => {
      const page = await madeBytes(families, { format: protobuf });
      const found = readFamilies(page) as readonly { readonly metric: readonly object[] }[];
      expect(found.length).toBe(families.length);
      for (const [i, { name, type, help, rows }] of families.entries()) {
        const { metric, ...head } = found[i]!;
        expect(head).toEqual({ name, type: numbers[type], ...(help === undefined ? {} : { help }) });
        const read = metric.map((each, place) => {
          const { histogram } = each as { readonly histogram?: SeenHistogram };
          if (histogram === undefined) return each;
          return { ...each, histogram: withoutNative(histogram, rows[place]!) };
        });
        expect(read).toEqual(rows.map((each) => seenMetric(type, each)));
      }
    }),
    { numRuns: 300 },
  );
}, 60_000);

async function emptyGateway(): Promise<RestartingGateway> {
  return RestartingGateway.start({ summaries: 'sum-and-count', clock: { now: () => nowMs } });
}

/** What protobuf can tell: there is always a sum, summaries count in whole numbers, and start times are no families. */
const pushed = pushedFamily
  .filter(({ name }) => !name.endsWith('_created') && !name.endsWith('_count'))
  .map((each) => ({
    ...each,
    rows: each.rows.map((given) => ({
      ...given,
      count: each.type === 'summary' ? Math.floor(given.count) : given.count,
      number: given.number > 100 ? 100 : given.number,
    })),
  }));

test('pushed into an empty gateway, a page makes the same page of text', async () => {
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(pushed, { minLength: 1, maxLength: 8 }), async (families) => {
      const [running, again] = await Promise.all([emptyGateway(), emptyGateway()]);
      // Some clash with what is there, and are refused.
      for (const each of families) await running.gateway.push(asText(each)).catch(() => {});
      await again.gateway.push(await running.bytes(protobuf), { format: 'protobuf' });
      const page = await running.page(text);
      expect(await again.page(text)).toBe(page);
      taken += page.length;
    }),
    { numRuns: 100 },
  );
  expect(taken).toBeGreaterThan(1000);
}, 60_000);

test('native buckets that went through a gateway go through another one unchanged', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('histogram' as const, 'gaugehistogram' as const),
      fc.array(fc.tuple(native, fc.option(fc.double({ min: -1e9, max: 1e9, noNaN: true }))), {
        minLength: 1,
        maxLength: 3,
      }),
      async (type, rows) => {
        const made = rows.map(([each, sum], i): MadeRow => {
          const shared = { ...each, zeroCount: Math.floor(each.zeroCount), exemplars: [] };
          return { labels: `a="${i}"`, value: each.count, sum: sum ?? Number.NaN, native: shared };
        });
        const [first, second] = await Promise.all([emptyGateway(), emptyGateway()]);
        const body = await madeBytes([{ name: 'h', type, rows: made }], { format: protobuf });
        await first.gateway.push(body, { format: 'protobuf' });
        const page = await first.bytes(protobuf);
        await second.gateway.push(page, { format: 'protobuf' });
        expect(readFamilies(await second.bytes(protobuf))).toEqual(readFamilies(page));
      },
    ),
    { numRuns: 200 },
  );
}, 60_000);
