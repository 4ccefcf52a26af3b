/** Laws about pushes in protobuf: they mean what the same text means, however cut, and our reader sees what another one sees. */
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { expect, test } from 'vitest';

import { PushBuilder } from '../../src/ingest/push-builder.ts';
import { State } from '../../src/state/state.ts';
import { beginProtobuf } from '../../src/exposition/protobuf/decode.ts';
import { defaultGatewayOptions } from '../../src/gateway/options.ts';
import { createGateway, RequestError } from '../../src/index.ts';
import { PushProblem } from '../../src/model/errors.ts';
import { formatFloat64 } from '../../src/primitives/float.ts';
import * as pb from '../support/protobuf.ts';
import { metricsProto } from '../support/metrics-proto.ts';
import { runs } from '../support/runs.ts';

type Simple = 'counter' | 'gauge' | 'untyped';

interface Metric {
  readonly labels: pb.Labels;
  readonly value: number;
  readonly counts: readonly number[];
  readonly sum: number;
}

interface Family {
  readonly which: number;
  readonly type: Simple | 'histogram' | 'summary';
  readonly help: string | undefined;
  readonly bounds: readonly number[];
  readonly metrics: readonly Metric[];
}

const labels = fc.dictionary(
  fc.constantFrom('a', 'b', 'x_y', 'zone'),
  fc.constantFrom('', '1', 'é', 'a"b', 'line\nfeed', 'a\\b', 'longer value of a label'),
  { maxKeys: 3, noNullPrototype: true },
);
const canonical = (given: pb.Labels): string =>
  JSON.stringify(
    Object.entries(given)
      .filter(([, value]) => value !== '')
      .map((pair) => JSON.stringify(pair))
      .toSorted((a, b) => (a < b ? -1 : 1)),
  );

/** Each name has one type, so that pushes agree. */
const nameOf = ({ type, which }: Family): string => `${type}_${which}`;

const families = fc.uniqueArray(
  fc.record({
    which: fc.nat(2),
    type: fc.constantFrom('counter', 'gauge', 'untyped', 'histogram', 'summary'),
    help: fc.constantFrom(undefined, '', 'Help.', 'a\nb\\c'),
    bounds: fc.uniqueArray(fc.constantFrom(-1, 0, 0.1, 1, 2.5, 10, 1e6), { maxLength: 4 }),
    metrics: fc.uniqueArray(
      fc.record({
        labels,
        value: fc.double({ min: 0, max: 1e12, noNaN: true }),
        counts: fc.array(fc.nat(100), { minLength: 5, maxLength: 5 }),
        sum: fc.double({ min: -1e12, max: 1e12, noNaN: true }),
      }),
      { selector: (metric) => canonical(metric.labels), maxLength: 4 },
    ),
  }),
  { maxLength: 6, selector: (family) => nameOf(family as Family) },
) as fc.Arbitrary<readonly Family[]>;

function cumulative(counts: readonly number[], bounds: readonly number[]): [number, number][] {
  let count = 0;
  return bounds.toSorted((a, b) => a - b).map((bound, i) => [bound, (count += counts[i]!)]);
}

function asProtobuf(all: readonly Family[]): Buffer {
  return Buffer.concat(
    all.map((family) => {
      const { type, help, bounds } = family;
      const metrics = family.metrics.map((metric) => {
        const buckets = cumulative(metric.counts, bounds);
        const count = (buckets.at(-1)?.[1] ?? 0) + metric.counts[4]!;
        if (type === 'histogram') return pb.histogram(metric.labels, { count, sum: metric.sum, buckets });
        if (type === 'summary')
          return pb.summary(metric.labels, { count, sum: metric.sum, quantiles: buckets });
        return { counter: pb.counter, gauge: pb.gauge, untyped: pb.untyped }[type](
          metric.labels,
          metric.value,
        );
      });
      return pb.family(nameOf(family), { type, ...(help === undefined ? {} : { help }) }, ...metrics);
    }),
  );
}

function asText(all: readonly Family[]): string {
  let text = '';
  for (const family of all) {
    const name = nameOf(family);
    if (family.help !== undefined) {
      text += `# HELP ${name} ${family.help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n`;
    }
    text += `# TYPE ${name} ${family.type}\n`;
    for (const metric of family.metrics) {
      const buckets = cumulative(metric.counts, family.bounds);
      const count = (buckets.at(-1)?.[1] ?? 0) + metric.counts[4]!;
      if (family.type !== 'histogram' && family.type !== 'summary') {
        text += `${name}${spelled(metric.labels)} ${metric.value}\n`;
        continue;
      }
      const isHistogram = family.type === 'histogram';
      for (const [bound, value] of isHistogram ? [...buckets, [Infinity, count] as const] : buckets) {
        const more = { [isHistogram ? 'le' : 'quantile']: formatFloat64(bound) };
        text += `${name}${isHistogram ? '_bucket' : ''}${spelled({ ...metric.labels, ...more })} ${value}\n`;
      }
      text += `${name}_sum${spelled(metric.labels)} ${metric.sum}\n${name}_count${spelled(metric.labels)} ${count}\n`;
    }
  }
  return text;
}

function spelled(given: pb.Labels): string {
  const escaped = (value: string): string =>
    value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
  return `{${Object.entries(given)
    .map(([name, value]) => `${name}="${escaped(value)}"`)
    .join(',')}}`;
}

test('the same by text and by protobuf gives the same page, in any mix', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(families, fc.boolean()), { minLength: 1, maxLength: 6 }),
      fc.constantFrom('discard' as const, 'sum-and-count' as const),
      fc.boolean(),
      fc.constantFrom('drop' as const, 'add' as const),
      async (pushes, summaries, byJob, pathLabels) => {
        const options = { summaries, byJob, pathLabels, clock: { now: () => 1_700_000_000_000 } };
        const [text, mixed, binary] = [
          createGateway(options),
          createGateway(options),
          createGateway(options),
        ];
        for (const [all, inText] of [...pushes, ...pushes]) {
          const path = `job/${all.length % 2}`;
          const asBytes = asProtobuf(all);
          await text.push(asText(all), { path });
          await binary.push(asBytes, { path, format: 'protobuf' });
          if (inText) await mixed.push(asText(all), { path });
          else await mixed.push(asBytes, { path, format: 'protobuf' });
          const page = await text.scrape();
          expect(await binary.scrape()).toBe(page);
          expect(await mixed.scrape()).toBe(page);
        }
      },
    ),
    { numRuns: runs(60) },
  );
});

const hashSeed = 7;
const { limits } = defaultGatewayOptions;

/** What a batch of the body says: or what is wrong with it. */
function readIn(body: Uint8Array, step: number): unknown {
  const state = new State(
    { byJob: false, summaries: 'discard', counterResets: 'overwrite' },
    limits,
    hashSeed,
  );
  const builder = new PushBuilder(state);
  builder.begin(body);
  try {
    const decoder = beginProtobuf(body, builder);
    while (!decoder.advance(step));
    const { accumulators, values, offsets, length, samples } = builder.finish();
    return [accumulators.slice(0, length), values.slice(0, length), offsets.slice(0, length), samples];
  } catch (error) {
    if (!(error instanceof PushProblem)) throw error;
    return [error.code, error.message, error.offset];
  }
}

test('slices anywhere give what one go gives', () => {
  fc.assert(
    fc.property(families, fc.integer({ min: 1, max: 300 }), (all, step) => {
      const body = asProtobuf(all);
      expect(readIn(body, step)).toEqual(readIn(body, body.length));
    }),
    { numRuns: runs(200) },
  );
});

/** A good body with some bytes changed, left out or put in. */
const mutated = fc
  .tuple(families, fc.array(fc.tuple(fc.nat(), fc.nat(255), fc.nat(2)), { minLength: 1, maxLength: 4 }))
  .map(([all, changes]) => {
    const bytes = [...asProtobuf(all)];
    for (const [at, byte, kind] of changes) {
      const place = bytes.length === 0 ? 0 : at % bytes.length;
      if (kind === 0) bytes[place] = byte;
      else bytes.splice(place, kind - 1, ...(kind === 1 ? [byte] : []));
    }
    return Buffer.from(bytes);
  });
const random = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes));

test('of random and mutated bytes, what is refused leaves no trace, however it is cut', async () => {
  await fc.assert(
    fc.asyncProperty(families, fc.oneof(mutated, mutated, random), fc.nat(50), async (first, body, step) => {
      expect(readIn(body, step + 1)).toEqual(readIn(body, Math.max(body.length, 1)));
      const [gateway, untroubled] = [createGateway(), createGateway()];
      const all = asProtobuf(first);
      for (const each of [gateway, untroubled]) await each.push(all, { format: 'protobuf' });
      let taken = true;
      try {
        await gateway.push(body, { format: 'protobuf' });
      } catch (error) {
        if (!(error instanceof RequestError) || error.code === 'internal') throw error;
        taken = false;
      }
      // Read in words by one and by its bytes by the other.
      if (taken) await untroubled.push(body, { format: 'protobuf' });
      for (const each of [gateway, untroubled]) {
        await each.push(all, { format: 'protobuf' }).catch((error: unknown) => {
          if (!(error instanceof RequestError)) throw error;
        });
      }
      expect(await gateway.scrape()).toBe(await untroubled.scrape());
    }),
    { numRuns: runs(200) },
  );
});

const MetricFamily = protobuf.parse(metricsProto).root.lookupType('io.prometheus.client.MetricFamily');

/** Reads as another reader does, and writes what it found as text. */
function bySomebodyElse(body: Uint8Array): string {
  const reader = protobuf.Reader.create(body);
  let text = '';
  while (reader.pos < reader.len) {
    const family = MetricFamily.toObject(MetricFamily.decodeDelimited(reader), {
      defaults: true,
      arrays: true,
      longs: Number,
    }) as ReadFamily;
    text += `# TYPE ${family.name} ${family.type === 0 ? 'counter' : family.type === 1 ? 'gauge' : 'histogram'}\n`;
    for (const metric of family.metric) {
      const given = Object.fromEntries(metric.label.map(({ name, value }) => [name, value]));
      if (family.type !== 4) {
        const value = (family.type === 0 ? metric.counter : metric.gauge)?.value;
        text += `${family.name}${spelled(given)} ${value}\n`;
        continue;
      }
      const { sampleCount = 0, sampleCountFloat = 0, sampleSum, bucket = [] } = metric.histogram ?? {};
      for (const one of bucket) {
        const count = one.cumulativeCountFloat > 0 ? one.cumulativeCountFloat : one.cumulativeCount;
        const le = { le: formatFloat64(one.upperBound) };
        text += `${family.name}_bucket${spelled({ ...given, ...le })} ${count}\n`;
      }
      const count = sampleCountFloat > 0 ? sampleCountFloat : sampleCount;
      text += `${family.name}_sum${spelled(given)} ${sampleSum}\n${family.name}_count${spelled(given)} ${count}\n`;
    }
  }
  return text;
}

interface ReadFamily {
  readonly name: string;
  readonly type: number;
  readonly metric: readonly {
    readonly label: readonly { readonly name: string; readonly value: string }[];
    readonly counter?: { readonly value: number };
    readonly gauge?: { readonly value: number };
    readonly histogram?: {
      readonly sampleCount: number;
      readonly sampleCountFloat: number;
      readonly sampleSum: number;
      readonly bucket: readonly {
        readonly cumulativeCount: number;
        readonly cumulativeCountFloat: number;
        readonly upperBound: number;
      }[];
    };
  }[];
}

const message = fc.record({
  type: fc.constantFrom(0, 1, 4),
  help: fc.string(),
  unit: fc.string(),
  metric: fc.uniqueArray(
    fc.record({
      label: fc.uniqueArray(
        fc.record({ name: fc.constantFrom('a', 'b', 'c.d'), value: fc.string({ unit: 'grapheme' }) }),
        { selector: ({ name }) => name, maxLength: 3 },
      ),
      value: fc.double({ min: 0, max: 1e200, noNaN: true }),
      counts: fc.array(
        fc.oneof(
          fc.nat(),
          fc.maxSafeNat().map((count) => count / 8),
        ),
        { maxLength: 4 },
      ),
      isFloat: fc.boolean(),
      timestampMs: fc.nat(),
    }),
    {
      selector: ({ label }) => canonical(Object.fromEntries(label.map(({ name, value }) => [name, value]))),
      maxLength: 4,
    },
  ),
});

test('our reader sees what protobufjs sees', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(message, { maxLength: 4 }), async (messages) => {
      const body = Buffer.concat(
        messages.map(({ metric, ...family }, index) => {
          const metrics = metric.map(({ label, value, counts, isFloat, timestampMs }) => {
            const start = { seconds: 1_700_000_000, nanos: 5 };
            const exemplar = { label: [{ name: 't', value: 'x' }], value: 1, timestamp: start };
            let total = 0;
            const bucket = counts.map((count, i) => {
              total += isFloat ? count : Math.floor(count);
              const field = isFloat ? 'cumulativeCountFloat' : 'cumulativeCount';
              return { [field]: total, upperBound: i, exemplar };
            });
            const histogram = {
              [isFloat ? 'sampleCountFloat' : 'sampleCount']: total,
              sampleSum: value,
              bucket,
              startTimestamp: start,
            };
            const whole = { label, timestampMs };
            if (family.type === 4) return { ...whole, histogram };
            return family.type === 0
              ? { ...whole, counter: { value, exemplar, startTimestamp: start } }
              : { ...whole, gauge: { value } };
          });
          const name = `f${index}`;
          return MetricFamily.encodeDelimited(
            MetricFamily.create({ ...family, name, metric: metrics }),
          ).finish();
        }),
      );
      const [ours, theirs] = [createGateway(), createGateway()];
      await ours.push(body, { format: 'protobuf' });
      await theirs.push(bySomebodyElse(body).replaceAll('c.d=', '"c.d"='));
      const samples = (page: string): string => page.replaceAll(/^# HELP .*\n/gm, '');
      expect(samples(await ours.scrape())).toBe(samples(await theirs.scrape()));
    }),
    { numRuns: runs(200) },
  );
});
