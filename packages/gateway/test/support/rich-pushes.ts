/** Random pushes with all that OpenMetrics and protobuf can say: start times, exemplars, native buckets, units. */
import fc from 'fast-check';

import * as pb from './protobuf.ts';

export interface RichNative {
  readonly schema: number;
  readonly zeroThreshold: number;
  readonly zeroCount: number;
  /** For each bucket how many are left out before it, and its count. */
  readonly positive: readonly (readonly [gap: number, count: number])[];
  readonly negative: readonly (readonly [gap: number, count: number])[];
  readonly packed: boolean;
}

export interface RichMetric {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** Of classic buckets, each alone; the last one is `+Inf`. */
  readonly counts: readonly number[];
  readonly startSeconds: number | undefined;
  readonly exemplar: pb.Labels | undefined;
  readonly native: RichNative | undefined;
  readonly isFloat: boolean;
}

export interface RichFamily {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram' | 'gaugehistogram' | 'summary';
  readonly help: string | undefined;
  readonly hasUnit: boolean;
  /** Protobuf only: its metrics after the first come in a message of their own. */
  readonly isSplit: boolean;
  readonly metrics: readonly RichMetric[];
}

const buckets = fc.array(fc.tuple(fc.integer({ min: 0, max: 4 }), fc.nat(3)), { maxLength: 4 });

const native: fc.Arbitrary<RichNative> = fc.record({
  schema: fc.constantFrom(-1, 0, 3),
  zeroThreshold: fc.constantFrom(0, 1e-128, 0.001),
  zeroCount: fc.nat(2),
  positive: buckets,
  negative: buckets,
  packed: fc.boolean(),
});

const metric: fc.Arbitrary<RichMetric> = fc.record({
  labels: fc.constantFrom({}, { a: '1' }, { a: '2', b: 'x # y' }, { a: '"} 1 # {' }, { b: '\\\n', a: '' }),
  value: fc.constantFrom(0, 1, 2, 7, 2.5),
  counts: fc.array(fc.nat(3), { minLength: 3, maxLength: 3 }),
  startSeconds: fc.option(fc.constantFrom(1_700_000_000, 1_700_000_000.25, 1_600_000_000), {
    nil: undefined,
  }),
  exemplar: fc.option(fc.constantFrom({}, { trace_id: 'a"b' }, { trace_id: 'x', span_id: '# {' }), {
    nil: undefined,
  }),
  native: fc.option(native, { nil: undefined }),
  isFloat: fc.boolean(),
});

/** The name says the type, so that pushes never conflict. */
export const richFamilies: fc.Arbitrary<readonly RichFamily[]> = fc.uniqueArray(
  fc
    .record({
      type: fc.constantFrom('counter', 'gauge', 'histogram', 'gaugehistogram', 'summary'),
      which: fc.nat(1),
      help: fc.option(fc.constantFrom('', 'Some help.'), { nil: undefined }),
      hasUnit: fc.boolean(),
      isSplit: fc.boolean(),
      metrics: fc.uniqueArray(metric, {
        minLength: 1,
        maxLength: 3,
        selector: ({ labels }) => JSON.stringify({ a: '', b: '', ...labels }),
      }),
    })
    .map(({ which, ...family }) => ({ ...family, name: `${family.type}_${which}_seconds` }) as RichFamily),
  { minLength: 1, maxLength: 4, selector: ({ name }) => name },
);

const bounds = [0.5, 2, Number.POSITIVE_INFINITY];

function cumulative(counts: readonly number[]): number[] {
  let sum = 0;
  return counts.map((count) => (sum += count));
}

export function asOpenMetrics(families: readonly RichFamily[]): string {
  return `${families.map((family) => openMetricsFamily(family)).join('')}# EOF\n`;
}

function openMetricsFamily({ name, type, help, hasUnit, metrics }: RichFamily): string {
  const lines = [`# TYPE ${name} ${type}`];
  if (help !== undefined) lines.push(`# HELP ${name} ${help}`);
  if (hasUnit) lines.push(`# UNIT ${name} seconds`);
  for (const each of metrics) {
    const labels = Object.entries(each.labels);
    const series = (suffix: string, more: readonly [string, string][] = []): string =>
      `${name}${suffix}${spelled([...labels, ...more])}`;
    const exemplar =
      each.exemplar === undefined
        ? ''
        : ` # ${spelled(Object.entries(each.exemplar), true)} 0.25 1700000001.5`;
    const total = cumulative(each.counts).at(-1)!;
    if (type === 'counter') lines.push(`${series('_total')} ${each.value}${exemplar}`);
    else if (type === 'gauge') lines.push(`${series('')} ${each.value}`);
    else if (type === 'summary') {
      lines.push(
        `${series('', [['quantile', '0.5']])} 1`,
        `${series('_count')} ${total}`,
        `${series('_sum')} 2`,
      );
    } else {
      const [count, sum] = type === 'histogram' ? ['_count', '_sum'] : ['_gcount', '_gsum'];
      cumulative(each.counts).forEach((value, i) => {
        const le: [string, string] = ['le', ['0.5', '2.0', '+Inf'][i]!];
        lines.push(`${series('_bucket', [le])} ${value}${exemplar}`);
      });
      lines.push(`${series(count)} ${total}`, `${series(sum)} ${each.value}`);
    }
    if (each.startSeconds !== undefined && type !== 'gauge' && type !== 'gaugehistogram') {
      lines.push(`${series('_created')} ${each.startSeconds}`);
    }
  }
  return lines.map((line) => `${line}\n`).join('');
}

function spelled(labels: readonly (readonly [string, string])[], always = false): string {
  if (labels.length === 0) return always ? '{}' : '';
  const escaped = (value: string): string =>
    value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
  return `{${labels.map(([name, value]) => `${name}="${escaped(value)}"`).join(',')}}`;
}

export function asProtobuf(families: readonly RichFamily[]): Buffer {
  const firsts = families.map((family) =>
    protobufFamily(family.isSplit ? { ...family, metrics: family.metrics.slice(0, 1) } : family),
  );
  const seconds = families
    .filter(({ isSplit }) => isSplit)
    .map((family) => protobufFamily({ ...family, metrics: family.metrics.slice(1) }));
  return Buffer.concat([...firsts, ...seconds]);
}

function protobufFamily({ name, type, help, hasUnit, metrics }: RichFamily): Buffer {
  const is = {
    type: type === 'gaugehistogram' ? ('gaugeHistogram' as const) : type,
    ...(help === undefined ? {} : { help }),
    ...(hasUnit ? { unit: 'seconds' } : {}),
  };
  return pb.family(name, is, ...metrics.map((each) => protobufMetric(type, each)));
}

function protobufMetric(type: RichFamily['type'], each: RichMetric): Buffer {
  const { labels, value, startSeconds, exemplar } = each;
  const start = (field: number): Buffer[] =>
    startSeconds === undefined
      ? []
      : [pb.timestamp(field, Math.floor(startSeconds), (startSeconds % 1) * 1e9)];
  const exemplars = (field: number): Buffer[] =>
    exemplar === undefined ? [] : [pb.exemplar(field, exemplar, 0.25)];
  const total = cumulative(each.counts).at(-1)!;
  if (type === 'counter') return pb.counter(labels, value, ...exemplars(2), ...start(3));
  if (type === 'gauge') return pb.gauge(labels, value);
  if (type === 'summary')
    return pb.summary(labels, { count: total, sum: 2, quantiles: [[0.5, 1]] }, ...start(4));
  const count = each.native === undefined ? total : nativeCount(each.native);
  // Beside native buckets, which say how many there are, classic ones hold none.
  const classic = each.native === undefined ? cumulative(each.counts) : [];
  return Buffer.concat([
    pb.labelFields(labels),
    pb.bytes(
      7,
      ...(each.isFloat ? [] : [pb.number(1, count)]),
      pb.double(2, value),
      ...classic.map((held, i) =>
        each.isFloat
          ? pb.bytes(3, pb.double(2, bounds[i]!), ...exemplars(3), pb.double(4, held))
          : pb.bucket(bounds[i]!, held, ...exemplars(3)),
      ),
      ...(each.isFloat ? [pb.double(4, count)] : []),
      ...(each.native === undefined ? [] : pb.nativeFields(each.native, each.isFloat)),
      ...start(15),
      ...(each.native === undefined ? [] : exemplars(16)),
    ),
  ]);
}

function nativeCount({ zeroCount, positive, negative }: RichNative): number {
  return [...positive, ...negative].reduce((sum, [, count]) => sum + count, zeroCount);
}
