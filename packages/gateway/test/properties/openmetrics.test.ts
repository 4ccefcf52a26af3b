/** Laws about OpenMetrics: it says the same as text, however the two are mixed, and is read the same wherever it is cut. */
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { WorkingState } from '../state/working-state.ts';
import { createGateway } from '../../src/index.ts';
import { runs } from '../support/runs.ts';
import { expectSame } from '../support/expect-same.ts';

const types = ['counter', 'gauge', 'histogram', 'summary', 'unknown'] as const;

interface Metric {
  readonly labels: string;
  readonly value: number;
  readonly created: boolean;
  readonly bounds: readonly string[];
}

interface Family {
  readonly name: string;
  readonly type: (typeof types)[number];
  readonly help: string | undefined;
  readonly metrics: readonly Metric[];
}

const metric: fc.Arbitrary<Metric> = fc.record({
  labels: fc.constantFrom('', 'a="1"', 'a="2",b="x # y"', 'a="\\"} 1 # {"'),
  value: fc.constantFrom(0, 1, 2, 3, 7),
  created: fc.boolean(),
  bounds: fc.subarray(['0.5', '1', '1.0', '2.5']),
});

/** The name says the type, so that pushes never conflict. */
const family: fc.Arbitrary<Family> = fc
  .record({
    type: fc.constantFrom(...types),
    help: fc.option(fc.constantFrom('', 'Some \\\\ help.\\n'), { nil: undefined }),
    metrics: fc.uniqueArray(metric, { minLength: 1, maxLength: 3, selector: (each) => each.labels }),
  })
  .map((each) => ({ ...each, name: `x_${each.type}` }));

const families = fc.uniqueArray(family, { minLength: 1, maxLength: 4, selector: (each) => each.name });

function line(name: string, labels: string, value: number | string, more = ''): string {
  const all = [labels, more].filter((part) => part !== '').join(',');
  return `${name}${all === '' ? '' : `{${all}}`} ${value}\n`;
}

function samplesOf({ name, type }: Family, { labels, value, bounds }: Metric): string {
  switch (type) {
    case 'counter':
      return line(`${name}_total`, labels, value);
    case 'gauge':
    case 'unknown':
      return line(name, labels, value);
    case 'summary':
      return (
        line(name, labels, value, 'quantile="0.5"') +
        line(`${name}_sum`, labels, value) +
        line(`${name}_count`, labels, 2)
      );
    case 'histogram': {
      const unique = bounds.filter((bound) => !(bound === '1.0' && bounds.includes('1')));
      const buckets = unique.map((bound, i) => line(`${name}_bucket`, labels, i * value, `le="${bound}"`));
      const count = unique.length * value;
      return (
        buckets.join('') +
        line(`${name}_bucket`, labels, count, 'le="+Inf"') +
        line(`${name}_sum`, labels, `${value}.5`) +
        line(`${name}_count`, labels, count)
      );
    }
  }
}

function hasCreated({ type }: Family): boolean {
  return type === 'counter' || type === 'histogram' || type === 'summary';
}

function asOpenMetrics(all: readonly Family[], typeFirst: boolean): string {
  const body = all.map((each) => {
    const help = each.help === undefined ? '' : `# HELP ${each.name} ${each.help}\n`;
    const type = `# TYPE ${each.name} ${each.type}\n`;
    const metrics = each.metrics.map((one) => {
      const created =
        one.created && hasCreated(each) ? line(`${each.name}_created`, one.labels, 1e9 + one.value) : '';
      return samplesOf(each, one) + created;
    });
    return (typeFirst ? type + help : help + type) + metrics.join('');
  });
  return `${body.join('')}# EOF\n`;
}

function asText(all: readonly Family[]): string {
  const body = all.map((each) => {
    const name = each.type === 'counter' ? `${each.name}_total` : each.name;
    const help = each.help === undefined ? '' : `# HELP ${name} ${each.help}\n`;
    const samples = each.metrics.map((one) => samplesOf(each, one)).join('');
    return `${help}# TYPE ${name} ${each.type === 'unknown' ? 'untyped' : each.type}\n${samples}`;
  });
  return body.join('');
}

test('pushed as text, as OpenMetrics or in any mix, the page is the same', async () => {
  const push = fc.record({ all: families, openmetrics: fc.boolean(), typeFirst: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(
      fc.array(push, { minLength: 1, maxLength: 8 }),
      fc.constantFrom('discard' as const, 'sum-and-count' as const),
      fc.boolean(),
      async (pushes, summaries, byJob) => {
        const [text, mixed, openmetrics] = [1, 2, 3].map(() => createGateway({ summaries, byJob }));
        for (const { all, ...how } of pushes) {
          const inText = asText(all);
          const inOpenMetrics = asOpenMetrics(all, how.typeFirst);
          const path = 'job/a';
          await text!.push(inText, { path });
          await openmetrics!.push(inOpenMetrics, { path, format: 'openmetrics' });
          if (how.openmetrics) await mixed!.push(inOpenMetrics, { path, format: 'openmetrics' });
          else await mixed!.push(inText, { path });
          const page = await text!.scrape();
          expect(await openmetrics!.scrape()).toBe(page);
          expect(await mixed!.scrape()).toBe(page);
        }
      },
    ),
    { numRuns: runs(60) },
  );
});

test('read in slices, wherever they end, a body is what it is in one go', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(families, fc.nat(200), fc.boolean()), { minLength: 1, maxLength: 5 }),
      fc.nat({ max: 400 }),
      (pushes, damageAt) => {
        const [whole, sliced] = [new WorkingState({}, 1), new WorkingState({}, 2)];
        for (const [all, openMetricsSlice, isDamaged] of pushes) {
          let body = asOpenMetrics(all, true);
          // A line that goes elsewhere breaks all kinds of rules.
          if (isDamaged) body = moved(body, damageAt);
          const outcome = whole.push(body, { openMetricsSlice: body.length });
          expect(sliced.push(body, { openMetricsSlice })).toBe(outcome);
          expectSame(sliced.facts(), whole.facts());
        }
      },
    ),
    { numRuns: runs(150) },
  );
});

function moved(body: string, at: number): string {
  const lines = body.trimEnd().split('\n');
  const [line = ''] = lines.splice(at % lines.length, 1);
  return `${lines.toSpliced((at * 7) % (lines.length + 1), 0, line).join('\n')}\n`;
}

test('a known body is refused for the same reasons as a new one', () => {
  fc.assert(
    fc.property(families, fc.nat(400), fc.boolean(), (all, at, discards) => {
      const summaries = discards ? 'discard' : 'sum-and-count';
      const [pendingSeries, knowing] = [1, 2].map((seed) => new WorkingState({ summaries }, seed)) as [
        WorkingState,
        WorkingState,
      ];
      const good = asOpenMetrics(all, true);
      expect(knowing.push(good, { openMetricsSlice: 100 })).toBe('taken');
      expect(knowing.push(good, { openMetricsSlice: 100 })).toBe('taken');
      const body = moved(good, at);
      expect(knowing.push(body, { openMetricsSlice: 100 })).toBe(
        pendingSeries.push(body, { openMetricsSlice: 100 }),
      );
    }),
    { numRuns: runs(1000) },
  );
});
