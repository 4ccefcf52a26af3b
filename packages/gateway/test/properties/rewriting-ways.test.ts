/**
 * The ways to read a push by rules are the dearest of them, done faster. A gateway whose rules are set anew before each push has learnt
 * nothing of what they make of its series; another, with the same rules all the time, must take and refuse the same, in the same words.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { createGateway, RequestError } from '../../src/index.ts';
import type { EmbeddedGateway, EmbeddedOptions, PushOptions } from '../../src/index.ts';
import type { WrittenRelabelRule, WrittenRules } from '../rules/rules.ts';
import { asOpenMetrics, asProtobuf, richFamilies } from '../support/rich-pushes.ts';
import { runs } from '../support/runs.ts';

interface Body {
  readonly body: string | Uint8Array;
  readonly format: NonNullable<PushOptions['format']>;
}

/** Fewer, and the same again and again, so that nearly all of them meet. */
const labelText = fc
  .subarray(
    [
      ['pod', ['a', 'b', '']],
      ['code', ['1', 'x y', '"']],
      ['job', ['own']],
    ] as const,
    { maxLength: 2 },
  )
  .chain((names) =>
    fc.tuple(
      ...names.map(([name, values]) =>
        fc.constantFrom(...values).map((value) => `${name}="${value.replace('"', '\\"')}"`),
      ),
    ),
  )
  .map((all) => all.join(','));
const count = fc.oneof(fc.nat(9).map(String), fc.constantFrom('2.5', '1e1', 'NaN', '-1', '+Inf'));
const plainCount = fc.nat(9);

function series(name: string, labels: string): string {
  return labels === '' ? name : `${name}{${labels}}`;
}

const single = fc
  .tuple(
    fc.constantFrom('c_total', 'g', 'u', 'h', 'h_count', 'debug'),
    labelText,
    fc.oneof({ weight: 9, arbitrary: plainCount.map(String) }, { weight: 1, arbitrary: count }),
  )
  .map(([name, labels, value]) => [`${series(name, labels)} ${value}`]);
const histogram = fc
  .tuple(labelText, fc.subarray(['0.5', '1', '2.0']), plainCount, fc.subarray(['inf', 'sum', 'count']))
  .map(([labels, bounds, value, parts]) => {
    const inner = labels === '' ? '' : `${labels},`;
    return [
      ...bounds.map((le, i) => `h_bucket{${inner}le="${le}"} ${Math.min(i, value)}`),
      ...(parts.includes('inf') ? [`h_bucket{${inner}le="+Inf"} ${value + 3}`] : []),
      ...(parts.includes('sum') ? [`${series('h_sum', labels)} 0.5`] : []),
      ...(parts.includes('count') ? [`${series('h_count', labels)} ${value + 3}`] : []),
    ];
  });
const summary = fc
  .tuple(labelText, plainCount)
  .map(([labels, value]) => [
    `s{${labels === '' ? '' : `${labels},`}quantile="0.5"} 1`,
    `${series('s_sum', labels)} 2`,
    `${series('s_count', labels)} ${value}`,
  ]);
const types = { c_total: 'counter', g: 'gauge', h: 'histogram', debug: 'gauge' };
const typeLine = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom(...Object.entries(types)) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom('h', 'h_count', 'u'), fc.constantFrom('gauge')) },
);
const metadata = typeLine.map(([name, type]) => [`# TYPE ${name} ${type}`, `# HELP ${name} Some help.`]);
const text: fc.Arbitrary<Body> = fc
  .tuple(
    fc.subarray(Object.entries(types)),
    fc.array(
      fc.oneof(
        { weight: 6, arbitrary: single },
        { weight: 5, arbitrary: histogram },
        { weight: 1, arbitrary: summary },
        { weight: 1, arbitrary: metadata },
      ),
      { maxLength: 6 },
    ),
  )
  .map(([declared, lines]) => ({
    // Who does not declare a summary that others have discarded is told apart from them, which is another matter.
    body: [
      '# TYPE s summary',
      ...declared.map(([name, type]) => `# TYPE ${name} ${type}`),
      ...lines.flat(),
      '',
    ].join('\n'),
    format: 'text',
  }));
const openMetrics: fc.Arbitrary<Body> = richFamilies.map((families) => ({
  body: asOpenMetrics(families),
  format: 'openmetrics',
}));
const protobuf: fc.Arbitrary<Body> = richFamilies.map((families) => ({
  body: asProtobuf(families),
  format: 'protobuf',
}));
const body = fc.oneof(
  { weight: 4, arbitrary: text },
  { weight: 1, arbitrary: openMetrics },
  { weight: 2, arbitrary: protobuf },
);

const relabelRules = [
  { action: 'labeldrop', regex: 'pod|a' },
  { action: 'labeldrop', regex: 'pod|code|b' },
  { action: 'drop', source_labels: ['__name__'], regex: 'debug.*' },
  { action: 'drop', source_labels: ['le'], regex: '1' },
  { action: 'drop', source_labels: ['pod'], regex: 'b' },
  { source_labels: ['le'], regex: '0.5', target_label: 'code', replacement: 'half' },
  { source_labels: ['__path_job'], target_label: 'app' },
  { source_labels: ['__name__'], regex: 'h_(.*)', target_label: '__name__', replacement: 'my_$1' },
  { action: 'labelmap', regex: 'code', replacement: 'pod' },
] as const;
const metricRules = [
  { match: '{__name__=~"c.*|h|u"}', without: ['pod', 'a'] },
  { match: 'h', by: ['code'] },
  { match: '{__name__=~"u|h_count"}', type: 'counter' },
  { match: 'h{pod!="a"}', buckets: [0.5, 2] },
  { match: '{__name__=~"g.*"}', gauge: 'max' },
] as const;
const manyRules: fc.Arbitrary<WrittenRules> = fc.record({
  sources: fc.oneof(
    fc.constant([]),
    fc
      .constantFrom<'add' | readonly string[]>('add', ['job'], ['instance', 'pod'], ['zone'])
      .map((labels) => [{ path_labels: labels }]),
  ),
  // One that does nothing, as without any the push is read by none.
  metric_relabel_configs: fc
    .subarray([...relabelRules], { maxLength: 2 })
    .map((all) => [{ action: 'labeldrop', regex: 'nothing' } as const, ...all]),
  metrics: fc.subarray([...metricRules], { maxLength: 2 }),
});

const onlyLabels: fc.Arbitrary<WrittenRules> = fc
  .constantFrom<'add' | readonly string[]>('add', ['job'], ['job', 'pod'])
  .map((labels) => ({ sources: [{ path_labels: labels }] }));
const rules = fc.oneof({ weight: 3, arbitrary: manyRules }, { weight: 1, arbitrary: onlyLabels });

async function outcome(
  gateway: EmbeddedGateway,
  { body: pushed, format }: Body,
  path: string,
): Promise<string> {
  try {
    return JSON.stringify(await gateway.push(pushed, { path, format }));
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    return `${error.code}: ${error.text}`;
  }
}

const options: fc.Arbitrary<EmbeddedOptions> = fc.record({
  byJob: fc.boolean(),
  summaries: fc.constantFrom('discard', 'sum-and-count'),
  emptyInstance: fc.boolean(),
});
const paths = fc.constantFrom('job/a', 'job/a/instance/1', 'job/a/instance/2', 'job/b/zone/z/pod/b');
const push = fc.record({ which: fc.nat(), path: paths });

/** Does nothing, but keeps pushes from being read as if there were no rules, since it looks at what they do not have. */
const inert: WrittenRelabelRule = {
  source_labels: ['__path_job'],
  regex: 'nobody',
  target_label: 'nothing',
};

function withInert(written: WrittenRules): WrittenRules {
  return { ...written, metric_relabel_configs: [...(written.metric_relabel_configs ?? []), inert] };
}

/** Pushes the same to both, and expects the same of them. `withInert` unless the second is to have the rules as they are written. */
class Both {
  #nowMs = 1.8e12;
  #written: WrittenRules;
  readonly #knowing: EmbeddedGateway;
  readonly #unknowing: EmbeddedGateway;

  readonly #rulesOfUnknowing: (written: WrittenRules) => WrittenRules;

  constructor(
    written: WrittenRules,
    given: EmbeddedOptions,
    rulesOfUnknowing: (written: WrittenRules) => WrittenRules = withInert,
  ) {
    this.#rulesOfUnknowing = rulesOfUnknowing;
    const clock = { now: (): number => this.#nowMs };
    this.#written = written;
    this.#knowing = createGateway({ ...given, clock, rules: written });
    this.#unknowing = createGateway({ ...given, clock, rules: rulesOfUnknowing(written) });
  }

  async setRules(written: WrittenRules): Promise<void> {
    this.#written = written;
    await this.#knowing.setRules(written);
  }

  async push(pushed: Body, path: string): Promise<void> {
    this.#nowMs += 1000;
    await this.#unknowing.setRules(this.#rulesOfUnknowing(this.#written));
    expect(await outcome(this.#knowing, pushed, path)).toBe(await outcome(this.#unknowing, pushed, path));
    for (const format of ['text', 'openmetrics'] as const)
      expect(await this.#knowing.scrape({ format })).toBe(await this.#unknowing.scrape({ format }));
  }

  async close(): Promise<void> {
    await Promise.all([this.#knowing.close(), this.#unknowing.close()]);
  }
}

test('learnt or not, what rules make of pushes is the same', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(body, { minLength: 1, maxLength: 3 }),
      fc.array(push, { minLength: 2, maxLength: 12 }),
      rules,
      options,
      async (bodies, pushes, written, given) => {
        const both = new Both(written, given);
        for (const { which, path } of pushes) await both.push(bodies[which % bodies.length]!, path);
        await both.close();
      },
    ),
    { numRuns: runs(300) },
  );
});

test('learnt or not, labels of the path by flag are added alike', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(body, { minLength: 1, maxLength: 3 }),
      fc.array(push, { minLength: 2, maxLength: 12 }),
      options,
      async (bodies, pushes, given) => {
        const both = new Both({}, { ...given, pathLabels: 'add' }, (written) => ({ ...written }));
        for (const { which, path } of pushes) await both.push(bodies[which % bodies.length]!, path);
        await both.close();
      },
    ),
    { numRuns: runs(300) },
  );
});

const withoutPod: WrittenRules = { metric_relabel_configs: [{ action: 'labeldrop', regex: 'pod' }] };
const withJob: WrittenRules = { sources: [{ path_labels: ['job'] }] };
const whole = (labels: string, more = ''): string =>
  ['# TYPE h histogram', `h_bucket{${labels}le="1"} 1`, `h_bucket{${labels}le="+Inf"} 2`]
    .concat(`${series('h_sum', labels.slice(0, -1))} 3`, `${series('h_count', labels.slice(0, -1))} 2`, more)
    .join('\n');
/** What rarely comes by chance. Each is pushed some times, but `once`; between two bodies rules may change. */
const meetings: Readonly<
  Record<
    string,
    {
      readonly rules: WrittenRules;
      readonly pushes: readonly (string | { readonly once: string } | { readonly rules: WrittenRules })[];
    }
  >
> = {
  'series that become one': {
    rules: withoutPod,
    pushes: [
      '# TYPE c counter\nc{pod="a"} 5\n',
      '# TYPE c counter\nc{pod="b"} 7\n',
      '# TYPE c counter\nc{pod="a"} 5\nc{pod="b"} 7\n',
      '# TYPE c counter\nc{pod="a"} 3\nc{pod="b"} 8\n',
      '# TYPE c counter\nc{pod="a"} 0.1\nc{pod="b"} 0.2\n',
      '# TYPE g gauge\ng{pod="a"} 5\n',
      '# TYPE g gauge\ng{pod="b"} 7\n',
      '# TYPE g gauge\ng{pod="a"} 5\ng{pod="b"} 7\n',
    ],
  },
  'halves of two histograms that become one': {
    rules: withoutPod,
    pushes: [
      whole('pod="a",'),
      whole('pod="b",'),
      '# TYPE h histogram\nh_bucket{pod="a",le="1"} 1\nh_bucket{pod="a",le="+Inf"} 2\nh_count{pod="b"} 7\n',
    ],
  },
  'a bucket that becomes part of another histogram than those beside it': {
    rules: {
      metric_relabel_configs: [
        { source_labels: ['le'], regex: '0.5', target_label: 'code', replacement: 'half' },
      ],
    },
    pushes: [
      whole('code="half",', 'h_bucket{code="half",le="0.5"} 1\n'),
      whole(''),
      { once: '# TYPE h histogram\nh_bucket{le="0.5"} 1\n' },
      whole('', 'h_bucket{le="0.5"} 1\n'),
    ],
  },
  'a count that becomes one of a histogram with the push': {
    rules: withJob,
    pushes: ['h_count 3\n', '# TYPE h histogram\nh_count 3\n', `${whole('')}\n`],
  },
  'a histogram that is declared behind what may be its samples': {
    rules: withoutPod,
    pushes: ['h_count 3\n# TYPE h histogram\n', 'h_count 3\n', 'h_count{pod="a"} 3\n# TYPE h histogram\n'],
  },
  'a type by rule that a refused push had learnt': {
    rules: withJob,
    pushes: [
      'u 5\n',
      { rules: { ...withJob, metrics: [{ match: 'u', type: 'counter' }] } },
      { once: 'u 5\nu{\n' },
      'u 5\n',
    ],
  },
};

test.each(Object.entries(meetings))('learnt or not: %s', async (_, { rules: written, pushes }) => {
  for (const options of [{}, { byJob: true }]) {
    const both = new Both(written, options);
    for (const each of pushes) {
      if (typeof each === 'string')
        // A way that failed is not tried at once.
        for (let times = 0; times < 6; times += 1) await both.push({ body: each, format: 'text' }, 'job/a');
      else if ('once' in each) await both.push({ body: each.once, format: 'text' }, 'job/a/instance/1');
      else await both.setRules(each.rules);
    }
    await both.close();
  }
});
