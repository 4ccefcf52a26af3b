/** Laws about pages of protobuf: another writer writes the same bytes, and who reads one knows what was on it. */
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { hasBuckets } from '../../src/model/metric-type.ts';
import type { NativeBuckets } from '../../src/model/native-histogram.ts';
import { escapingSchemes, plainText } from '../../src/model/exposition-format.ts';
import type { NativeView } from '../../src/model/read-view.ts';
import { parseSeriesText, seriesText } from '../../src/model/series-text.ts';
import { asText, familyWithAll, pushedFamily } from '../exposition/arbitrary-families.ts';
import { linesOf, madeExpositionBytes } from '../exposition/made-exposition.ts';
import type { PushedFamily } from '../exposition/arbitrary-families.ts';
import type { MadeFamily, MadeRow } from '../exposition/made-exposition.ts';
import { histogram } from '../histogram/arbitraries.ts';
import { RestartingGateway } from '../support/restarting.ts';
import { asOpenMetrics, asProtobuf, richFamilies } from '../support/rich-pushes.ts';
import { readExposition, rewritten } from '../support/read-exposition.ts';
import type {
  ReadExemplar,
  ReadHistogram,
  ReadMetric,
  ReadSpan,
  ReadTimestamp,
} from '../support/read-exposition.ts';
import { runs } from '../support/runs.ts';

const protobuf = { format: 'protobuf', version: '0.0.4', escaping: 'allow-utf-8' } as const;

const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.constantFrom('', '"', '\\', '\n', 'n', 'a"b\\c\nd', '="', 'x'.repeat(127), 'é'.repeat(100)),
);
const labels = fc
  .uniqueArray(
    fc.record({ name: fc.constantFrom('a', 'b_c', 'd.e', '"', '\\é', 'l'.repeat(130)), value: text }),
    { selector: ({ name }) => name, maxLength: 5 },
  )
  .map((pairs) => seriesText('x', pairs).slice(2, -1));

const native: fc.Arbitrary<NativeView> = fc
  .record({ base: histogram, scale: fc.constantFrom(1, 1, 0.5), exemplars: fc.nat(2) })
  .map(({ base, scale, exemplars }) => ({
    ...base,
    zeroCount: base.zeroCount * scale,
    count: base.count * scale,
    positive: scaled(base.positive, scale),
    negative: scaled(base.negative, scale),
    exemplars: Array.from({ length: exemplars }, (_, i) => ({ labels: [], value: i, timestampMs: 1_000 })),
  }));

function scaled({ indexes, counts }: NativeBuckets, scale: number): NativeBuckets {
  return { indexes, counts: counts.map((count) => count * scale) };
}

/** Those of other laws, with other labels, and native buckets for some. */
const families: fc.Arbitrary<readonly MadeFamily[]> = fc
  .array(
    fc.record({
      family: familyWithAll(['gaugehistogram']),
      help: fc.option(text, { nil: undefined }),
      labels: fc.uniqueArray(labels, { minLength: 3, maxLength: 3 }),
      natives: fc.array(fc.option(native, { nil: undefined }), { minLength: 3, maxLength: 3 }),
      more: fc.constantFrom(0, 1, 0.5),
    }),
    { maxLength: 5 },
  )
  .map((made) =>
    made.map(({ family, help, labels: own, natives, more }, i) => ({
      ...family,
      name: `n${i}_${family.name}`,
      ...(help === undefined ? {} : { help }),
      rows: family.rows.map((row, j): MadeRow => {
        const withNative = hasBuckets(family.type) ? natives[j] : undefined;
        if (withNative === undefined) return { ...row, labels: own[j]! };
        return { ...row, labels: own[j]!, native: withNative, value: withNative.count + more };
      }),
    })),
  );

test('what protobufjs reads is what was there, and it writes the same bytes', async () => {
  await fc.assert(
    fc.asyncProperty(families, async (all) => {
      const page = await madeExpositionBytes(all, { format: protobuf });
      expect(Buffer.from(rewritten(page)).equals(page)).toBe(true);
      const read = readExposition(page);
      const words = all.map(({ name, help, unit, type, rows }) => ({
        name,
        help,
        unit:
          (type === 'counter' ? /_seconds(?:_total)?$/ : /_seconds$/).test(name) && unit ? unit : undefined,
        // Native histograms have a message of their own.
        rows: rows
          .map((row) => told(type, row))
          .toSorted((a, b) => Number(a.native !== undefined) - Number(b.native !== undefined)),
      }));
      const found = [...new Set(read.map(({ name }) => name))].map((name) => {
        const messages = read.filter((message) => message.name === name);
        const { help, unit } = messages.at(-1)!;
        return { name, help, unit, rows: messages.flatMap(({ metric = [] }) => metric.map(readRow)) };
      });
      expect(found).toEqual(words);
    }),
    { numRuns: runs(300) },
  );
});

/** As `readRow` has it. */
function told(type: MadeFamily['type'], row: MadeRow) {
  const { value, sum = Number.NaN, startMs = Number.NaN, buckets = [], exemplars = {} } = row;
  const given = parseSeriesText(`x{${row.labels}}`).labels;
  const counts = type === 'counter' || type === 'summary' || hasBuckets(type);
  const exemplar = (i: number) => {
    const one = exemplars[i];
    return one && { ...one, labels: [...one.labels] };
  };
  return {
    labels: given,
    value: type === 'summary' ? Math.round(value) : value,
    sum: (type === 'summary' || hasBuckets(type)) && !Number.isNaN(sum) ? sum : undefined,
    startMs: counts && startMs !== 0 && !Number.isNaN(startMs) ? startMs : undefined,
    exemplar: type === 'counter' ? exemplar(-1) : undefined,
    buckets: hasBuckets(type) ? buckets.map(([bound, count], i) => [bound, count, exemplar(i)]) : [],
    native: row.native && {
      schema: row.native.schema,
      zeroThreshold: row.native.zeroThreshold,
      zeroCount: row.native.zeroCount,
      positive: row.native.positive,
      negative: row.native.negative,
      exemplars: row.native.exemplars,
    },
  };
}

function readRow({ label = [], gauge, untyped, counter, summary, histogram: whole }: ReadMetric) {
  const single = gauge ?? untyped ?? counter;
  const count = whole?.sampleCountFloat ?? whole?.sampleCount ?? summary?.sampleCount;
  return {
    labels: label,
    value: single?.value ?? count,
    sum: summary?.sampleSum ?? whole?.sampleSum,
    startMs: milliseconds((counter ?? summary ?? whole)?.startTimestamp),
    exemplar: readExemplar(counter?.exemplar),
    buckets: (whole?.bucket ?? []).map((bucket) => [
      bucket.upperBound,
      bucket.cumulativeCountFloat ?? bucket.cumulativeCount,
      readExemplar(bucket.exemplar),
    ]),
    native: whole?.schema === undefined ? undefined : readNative(whole),
  };
}

function milliseconds(time: ReadTimestamp | undefined): number | undefined {
  return time && time.seconds * 1_000 + (time.nanos ?? 0) / 1e6;
}

function readExemplar(exemplar: ReadExemplar | undefined) {
  return (
    exemplar && {
      labels: exemplar.label ?? [],
      value: exemplar.value,
      timestampMs: milliseconds(exemplar.timestamp),
    }
  );
}

function readNative(whole: ReadHistogram) {
  const { schema, zeroThreshold, zeroCount, zeroCountFloat, exemplars = [] } = whole;
  const { positiveSpan, positiveDelta, positiveCount, negativeSpan, negativeDelta, negativeCount } = whole;
  return {
    schema,
    zeroThreshold,
    zeroCount: zeroCountFloat ?? zeroCount,
    positive: readBuckets(positiveSpan, positiveCount ?? added(positiveDelta)),
    negative: readBuckets(negativeSpan, negativeCount ?? added(negativeDelta)),
    exemplars: exemplars.map(readExemplar),
  };
}

function added(deltas: readonly number[] = []): readonly number[] {
  let last = 0;
  return deltas.map((delta) => (last += delta));
}

function readBuckets(spans: readonly ReadSpan[] = [], counts: readonly number[]): NativeBuckets {
  let next = 0;
  const all = spans.flatMap(({ offset, length }) => {
    next += offset + length;
    return Array.from({ length }, (_, i) => next - length + i);
  });
  expect(all).toHaveLength(counts.length);
  const indexes = all.filter((_, i) => counts[i] !== 0);
  return { indexes, counts: counts.filter((count) => count !== 0) };
}

const nowMs = 1_700_000_000_000;

async function emptyGateway(): Promise<RestartingGateway> {
  return RestartingGateway.start({ summaries: 'sum-and-count', clock: { now: () => nowMs } });
}

/** Of pages of text, where start times that the state counted itself are not shown, and told ones are. */
function withoutStarts(page: string): readonly string[] {
  return linesOf(page).filter((line) => !line.includes('_created'));
}

/** What a reader knows of a page: a sum that is left out is 0, and the order of what there is, which escaping may change, is nothing. */
function known(page: Uint8Array): unknown {
  const all = readExposition(page).map(({ metric = [], ...family }) => {
    const rows = metric.map(readRow).map(({ labels: own, sum = 0, ...row }) => {
      const named = own.toSorted((a, b) => (a.name < b.name ? -1 : 1));
      return { ...row, sum, series: seriesText('x', named) };
    });
    return { ...family, rows: rows.toSorted((a, b) => (a.series < b.series ? -1 : 1)) };
  });
  return all.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** Start times that no message can tell. */
function isNever({ name, rows }: PushedFamily): boolean {
  return name === 'a_created' && rows.some((row) => Math.abs(row.number) < 1e-6 || row.number > 1e12);
}

const toldFamily = pushedFamily.filter((family) => !isNever(family));
const push = fc.record({ all: richFamilies, isProtobuf: fc.boolean() });

test('pushed into an empty gateway, a page of all there is comes out again, and so does the text of it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(push, { minLength: 1, maxLength: 4 }), async (pushes) => {
      const [running, again] = await Promise.all([emptyGateway(), emptyGateway()]);
      for (const { all, isProtobuf } of pushes) {
        const body = isProtobuf ? asProtobuf(all) : asOpenMetrics(all);
        await running.gateway.push(body, { format: isProtobuf ? 'protobuf' : 'openmetrics' });
      }
      const page = await running.expositionBytes(protobuf);
      await again.gateway.push(page, { format: 'protobuf' });
      expect(readExposition(await again.expositionBytes(protobuf))).toEqual(readExposition(page));
      expect(withoutStarts(await again.page(plainText))).toEqual(
        withoutStarts(await running.page(plainText)),
      );
    }),
    { numRuns: runs(100) },
  );
});

test.each(escapingSchemes)(
  'pushed into an empty gateway, what was text comes out again (%s)',
  async (escaping) => {
    const format = { ...protobuf, escaping };
    let taken = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(toldFamily, { minLength: 1, maxLength: 8 }), async (all) => {
        const [running, again] = await Promise.all([emptyGateway(), emptyGateway()]);
        // Some clash with what is there, and are refused.
        for (const each of all) await running.gateway.push(asText(each)).catch(() => {});
        const page = await running.expositionBytes(format);
        await again.gateway.push(page, { format: 'protobuf' });
        expect(known(await again.expositionBytes(format))).toEqual(known(page));
        taken += page.length;
      }),
      { numRuns: runs(50, 10) },
    );
    expect(taken).toBeGreaterThan(1_000);
  },
);
