/** Random bodies of protobuf for the fuzzer, with all that its messages can hold; a part of them contradicts itself. */
import * as pb from '../support/protobuf.ts';
import type { Random } from '../support/random.ts';

const labels: readonly pb.Labels[] = [
  {},
  {},
  { a: '1' },
  { a: '2', b: '1' },
  { b: '1', a: '2' },
  { a: '' },
  { 'l.m': '1' },
  { a: '\n"\\' },
  { le: '1' },
  { quantile: '0.5' },
];
const values = [0, 1, 2, 3, 10, 0.1, 1e20, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e-9];
const counts = [0, 1, 2, 3, 5, 8];
const bounds = [-1, 0, 0.1, 1, 2, 10, Number.POSITIVE_INFINITY];
const types: readonly (pb.TypeName | undefined)[] = [
  undefined,
  'counter',
  'gauge',
  'summary',
  'untyped',
  'histogram',
  'histogram',
  'gaugeHistogram',
];
const gaps = [0, 0, 1, 5, 40];

export function randomProtobuf(random: Random, names: readonly string[]): string {
  const parts: Buffer[] = [];
  for (let i = 1 + random.below(3); i > 0; i -= 1) parts.push(randomFamily(random, random.pick(names)));
  return Buffer.concat(parts).toString('latin1');
}

function randomFamily(random: Random, name: string): Buffer {
  const type = random.pick(types);
  const metrics: Buffer[] = [];
  for (let i = random.below(3); i >= 0; i -= 1) metrics.push(randomMetric(random, type ?? 'counter'));
  return pb.family(
    name,
    {
      type,
      ...(random.chance(30) ? { help: random.pick(['', 'Some.', 'A \\ b \n c']) } : {}),
      ...(random.chance(20) ? { unit: random.pick(['', 'sum', 's']) } : {}),
    },
    ...metrics,
  );
}

function randomMetric(random: Random, type: pb.TypeName): Buffer {
  const own = random.pick(labels);
  switch (type) {
    case 'counter':
      return pb.counter(
        own,
        random.pick(random.chance(15) ? values : counts),
        ...exemplars(random, 2),
        ...start(random, 3),
      );
    case 'gauge':
      return pb.gauge(own, random.pick(values));
    case 'untyped':
      return pb.untyped(own, random.pick(values));
    case 'summary': {
      const is = { count: random.pick(counts), sum: random.pick(counts), quantiles: [[0.5, 1]] as const };
      return pb.summary(own, is, ...start(random, 4));
    }
    case 'histogram':
    case 'gaugeHistogram':
      return Buffer.concat([pb.labelFields(own), pb.bytes(7, ...histogramFields(random))]);
  }
}

function histogramFields(random: Random): Buffer[] {
  const buckets: Buffer[] = [];
  let held = 0;
  for (const bound of bounds.filter(() => random.chance(35))) {
    held += random.below(3);
    buckets.push(pb.bucket(bound, held, ...exemplars(random, 3)));
  }
  const isFloat = random.chance(20);
  const isNative = random.chance(50);
  const native = {
    schema: random.chance(3) ? 9 : random.pick([-4, 0, 3, 8]),
    zeroThreshold: random.pick([0, 1e-128, 0.5]),
    zeroCount: random.below(2),
    positive: randomBuckets(random),
    negative: randomBuckets(random),
    packed: random.chance(50),
  };
  const inNative = [...native.positive, ...native.negative].reduce(
    (sum, [, count]) => sum + count,
    native.zeroCount,
  );
  const total = random.chance(10) ? random.pick(counts) : isNative ? inNative : held;
  return [
    isFloat ? pb.double(4, total) : pb.number(1, total),
    pb.double(2, random.pick(random.chance(15) ? values : counts)),
    // Most histograms have buckets of one kind, or they would hardly ever agree with the count.
    ...(isNative && random.chance(80) ? [] : buckets),
    ...(isNative ? pb.nativeFields(native, isFloat) : []),
    ...start(random, 15),
    ...exemplars(random, 16),
  ];
}

function randomBuckets(random: Random): [gap: number, count: number][] {
  return Array.from({ length: random.below(4) }, () => [random.pick(gaps), random.below(4)]);
}

function start(random: Random, field: number): Buffer[] {
  if (random.chance(50)) return [];
  return [
    pb.timestamp(field, random.pick([0, -1, 1_600_000_000, 1_700_000_000, 2n ** 62n]), random.below(1e9)),
  ];
}

function exemplars(random: Random, field: number): Buffer[] {
  if (random.chance(70)) return [];
  const bad: pb.Labels = { a: 'b', '': '' };
  const own = random.chance(3) ? bad : random.pick([{}, { a: 'b' }, { a: 'x'.repeat(130) }]);
  return [pb.exemplar(field, own, random.pick(values))];
}

/** Some bytes are others, so that most lengths stay what they are. */
export function changed(random: Random, body: string): string {
  const bytes = Buffer.from(body, 'latin1');
  if (bytes.length === 0) return body;
  for (let i = 1 + random.below(3); i > 0; i -= 1) bytes[random.below(bytes.length)] = random.below(256);
  return bytes.toString('latin1');
}
