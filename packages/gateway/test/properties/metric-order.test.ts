/** A law of strict OpenMetrics: a body is taken just when all lines of each metric stand together, whether its lines are known or not. */
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { createGateway, RequestError } from '../../src/index.ts';
import type { EmbeddedGateway } from '../../src/index.ts';
import { runs } from '../support/runs.ts';

const types = ['counter', 'histogram', 'gaugehistogram', 'summary', 'stateset'] as const;
type Type = (typeof types)[number];

/** Suffix of the name, the label that is none of the metric's, and value. Bodies have them in this order, or turned round. */
const lines: Readonly<Record<Type, readonly (readonly [suffix: string, label: string, value: string])[]>> = {
  counter: [
    ['_total', '', '1'],
    ['_created', '', '1.6e9'],
  ],
  histogram: [
    ['_bucket', 'le="1.0"', '0'],
    ['_bucket', 'le="+Inf"', '2'],
    ['_count', '', '2'],
    ['_sum', '', '3'],
    ['_created', '', '1.6e9'],
  ],
  gaugehistogram: [
    ['_bucket', 'le="+Inf"', '2'],
    ['_gcount', '', '2'],
    ['_gsum', '', '3'],
  ],
  summary: [
    ['', 'quantile="0.5"', '1'],
    ['', 'quantile="0.9"', '1'],
    ['_count', '', '2'],
    ['_sum', '', '3'],
    ['_created', '', '1.6e9'],
  ],
  stateset: [
    ['', 'm="open"', '1'],
    ['', 'm="shut"', '0'],
    ['', 'm="a \\"b"', '0'],
  ],
};
/** Of metrics that differ: series keys of their labels. */
const metrics: readonly (readonly string[])[] = [
  ['', 'c=""'],
  ['a="1"', 'a="1",c=""'],
  ['a="1",b="2"', 'b="2",a="1"', '"b"="2",a="1"'],
  ['a="1\\",b=\\"2"'],
];

const spelled = fc.record({ which: fc.nat(2), isFirst: fc.boolean(), isQuoted: fc.boolean() });
type Spelled = typeof spelled extends fc.Arbitrary<infer T> ? T : never;

function spell(
  [suffix, label, value]: (typeof lines)[Type][number],
  metric: number,
  { which, isFirst, isQuoted }: Spelled,
): string {
  const own = metrics[metric]!;
  const labels = [own[which % own.length]!, label].filter((text) => text !== '');
  if (isFirst) labels.reverse();
  if (isQuoted) return `{${[`"m${suffix}"`, ...labels].join(',')}} ${value}\n`;
  return `m${suffix}${labels.length === 0 ? '' : `{${labels.join(',')}}`} ${value}\n`;
}

const body = fc
  .record({
    type: fc.constantFrom(...types),
    /** Metrics line by line; each has as many lines as there are. */
    order: fc.array(fc.nat(metrics.length - 1), { minLength: 1, maxLength: 14 }),
    isTogether: fc.boolean(),
    createdFirst: fc.boolean(),
    seriesCache: fc.array(spelled, { minLength: 14, maxLength: 14 }),
  })
  .map(({ type, order, isTogether, createdFirst, seriesCache }) => {
    const all = createdFirst
      ? lines[type].toSorted(([a], [b]) => Number(b === '_created') - Number(a === '_created'))
      : lines[type];
    // Some histograms would be incomplete, and some start times without their series.
    const isWhole = type !== 'summary' && type !== 'stateset';
    const metricOfLine = isWhole ? order.flatMap((metric) => [metric, metric]) : order;
    const given = isTogether ? metricOfLine.toSorted((a, b) => a - b) : metricOfLine;
    const counts = new Map<number, number>();
    const sequence: number[] = [];
    let text = `# TYPE m ${type}\n`;
    const add = (metric: number): void => {
      const count = counts.get(metric) ?? 0;
      if (count === all.length) return;
      counts.set(metric, count + 1);
      text += spell(all[count]!, metric, seriesCache[sequence.length % seriesCache.length]!);
      sequence.push(metric);
    };
    for (const metric of given) add(metric);
    for (const metric of [...counts.keys()].toReversed()) {
      if (isWhole) for (let left = all.length; left > 0; left -= 1) add(metric);
    }
    return { text: `${text}# EOF\n`, isGood: isConsecutive(sequence), type };
  });

function isConsecutive(sequence: readonly number[]): boolean {
  const changes = sequence.filter((metric, i) => i === 0 || metric !== sequence[i - 1]);
  return new Set(changes).size === changes.length;
}

async function outcome(gateway: EmbeddedGateway, text: string): Promise<string> {
  try {
    await gateway.push(text, { format: 'openmetrics' });
    return 'taken';
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    return error.text;
  }
}

/** All metrics, with the series keys that are likely. */
function teacher(type: Type): string {
  const all = metrics.flatMap((own, metric) =>
    own.length === 0
      ? []
      : lines[type].map((line) => spell(line, metric, { which: 0, isFirst: false, isQuoted: false })),
  );
  return `# TYPE m ${type}\n${all.join('')}# EOF\n`;
}

test('lines of each metric stand together, or the body is refused', async () => {
  let good = 0;
  await fc.assert(
    fc.asyncProperty(body, fc.boolean(), async ({ text, isGood, type }, discards) => {
      const options = { summaries: discards ? 'discard' : 'sum-and-count' } as const;
      const [knowing, unknowing] = [createGateway(options), createGateway(options)];
      expect(await outcome(knowing, teacher(type))).toBe('taken');
      const first = await outcome(unknowing, text);
      expect([first === 'taken', first]).toEqual([isGood, first]);
      expect(await outcome(unknowing, text)).toBe(first);
      expect(await outcome(knowing, text)).toBe(first);
      expect(await outcome(knowing, text)).toBe(first);
      if (isGood) good += 1;
      void knowing.close();
      void unknowing.close();
    }),
    { numRuns: runs(300, 60) },
  );
  expect(good).toBeGreaterThan(20);
});
