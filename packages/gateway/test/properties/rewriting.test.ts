/**
 * What rules make of a push is what another sender might have pushed to a gateway without rules: the same series, renamed and added up by
 * plain words. In both modes, however often it is pushed, and whatever the rules were before.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';

import type { Label } from '../../src/model/labels.ts';
import { seriesText } from '../../src/model/series-text.ts';
import { plainText } from '../../src/model/exposition-format.ts';
import { NAME_LABEL } from '../../src/model/labels.ts';
import { relabel } from '../../src/rules/relabel.ts';
import { oneByOne, rulesOf } from '../rules/rules.ts';
import type { WrittenRelabelRule } from '../rules/rules.ts';
import { RestartingGateway } from '../support/restarting.ts';
import { runs } from '../support/runs.ts';

type Labels = Readonly<Record<string, string>>;

interface Single {
  readonly name: 'hits_total' | 'load' | 'thing';
  readonly labels: Labels;
  readonly value: number;
}

interface Histogram {
  readonly labels: Labels;
  /** In each bucket alone, by its bound; the last is infinite. */
  readonly counts: readonly (readonly [bound: string, count: number])[];
  readonly sum: number;
}

interface Push {
  readonly path: string;
  readonly singles: readonly Single[];
  readonly histograms: readonly Histogram[];
}

interface Era {
  readonly rules: readonly WrittenRelabelRule[];
  readonly without: readonly string[] | undefined;
  readonly added: readonly string[] | undefined;
}

interface Told {
  readonly name: string;
  readonly labels: Labels;
}

const types = { hits_total: 'counter', load: 'gauge', thing: 'untyped' } as const;

const labels = fc.dictionary(fc.constantFrom('pod', 'code', 'zone'), fc.constantFrom('a', 'b', '1'), {
  maxKeys: 3,
});
const single: fc.Arbitrary<Single> = fc.record({
  name: fc.constantFrom('hits_total', 'load', 'thing'),
  labels,
  value: fc.integer({ min: 0, max: 64 }).map((value) => value / 8),
});
const histogram: fc.Arbitrary<Histogram> = fc
  .record({
    labels,
    bounds: fc.subarray(['0.5', '1', '2', '5']),
    counts: fc.array(fc.nat({ max: 9 }), { minLength: 5, maxLength: 5 }),
    sum: fc.nat({ max: 99 }),
  })
  .map(({ bounds, counts, ...others }) => ({
    ...others,
    counts: [...bounds, '+Inf'].map((bound, i) => [bound, counts[i]!] as const),
  }));
const keyOf = (of: Labels): string =>
  JSON.stringify(Object.entries(of).toSorted(([a], [b]) => (a < b ? -1 : 1)));
const push: fc.Arbitrary<Push> = fc.record({
  path: fc.constantFrom('job/a', 'job/b', 'job/a/instance/1'),
  singles: fc.uniqueArray(single, { selector: (each) => each.name + keyOf(each.labels), maxLength: 12 }),
  histograms: fc.uniqueArray(histogram, { selector: (each) => keyOf(each.labels), maxLength: 4 }),
});
const rule: fc.Arbitrary<WrittenRelabelRule> = fc.constantFrom<WrittenRelabelRule>(
  { action: 'labeldrop', regex: 'pod' },
  { action: 'labeldrop', regex: 'pod|code' },
  { action: 'drop', source_labels: ['zone'], regex: 'a' },
  { action: 'drop', source_labels: ['__name__', 'le'], regex: '.*_bucket;1' },
  { action: 'drop', source_labels: ['__name__'], regex: 'latency_.*' },
  { action: 'drop', source_labels: ['__name__'], regex: 'load' },
  { action: 'keep', source_labels: ['code'], regex: '|1' },
  {
    source_labels: ['__name__'],
    regex: '(latency|hits)_(.*)',
    target_label: '__name__',
    replacement: 'my_${1}_$2',
  },
  { source_labels: ['__path_job'], target_label: 'app' },
  { source_labels: ['code'], target_label: 'zone' },
  { action: 'labelmap', regex: 'z(.*)', replacement: 'pod' },
  { action: 'hashmod', source_labels: ['pod'], modulus: 2, target_label: 'pod' },
  { action: 'labelkeep', regex: '__name__|le|zone' },
);
const rules = fc.array(rule, { maxLength: 3 });
const added = fc.option(fc.constantFrom(['job'], ['job', 'instance']), { nil: undefined });
const without = fc.option(fc.subarray(['pod', 'zone', 'le'], { minLength: 1 }), { nil: undefined });

/** What is left of a series, undefined for nothing. */
function told(
  series: Told,
  { rules: relabelling, without: drops = [], added = [] }: Era,
  path: string,
): Told | undefined {
  const [, job = '', , instance] = path.split('/');
  const all = {
    ...series.labels,
    ...(added.includes('job') ? { job } : {}),
    ...(added.includes('instance') && instance !== undefined ? { instance } : {}),
    [NAME_LABEL]: series.name,
    __path_job: job,
    ...(instance === undefined ? {} : { __path_instance: instance }),
  };
  const set = relabel(
    new Map(Object.entries(all).toSorted(([a], [b]) => (a < b ? -1 : 1))),
    oneByOne(rulesOf({ metric_relabel_configs: relabelling }).relabel),
  );
  if (set === undefined) return undefined;
  const left = [...set].filter(
    ([name]) => !name.startsWith('__') && (name === 'le' || !drops.includes(name)),
  );
  return { name: set.get(NAME_LABEL)!, labels: Object.fromEntries(left) };
}

function line({ name, labels: of }: Told, value: number): string {
  const list: Label[] = Object.entries(of).map(([label, text]) => ({ name: label, value: text }));
  return `${seriesText(name, list)} ${value}\n`;
}

const identity = (series: Told): Told => series;

function bodyOf(
  { singles, histograms }: Push,
  rewritten: (series: Told) => Told | undefined = identity,
): string {
  const families = new Map<string, Map<string, { readonly series: Told; value: number }>>();
  const add = (type: string, family: (name: string) => string, series: Told, value: number): void => {
    const becomes = rewritten(series);
    if (becomes === undefined) return;
    const head = `# TYPE ${family(becomes.name)} ${type}\n`;
    const lines = families.get(head) ?? new Map<string, { readonly series: Told; value: number }>();
    families.set(head, lines);
    const key = becomes.name + keyOf(becomes.labels);
    const known = lines.get(key);
    if (known === undefined) lines.set(key, { series: becomes, value });
    else known.value += value;
  };
  for (const { name, labels: of, value } of singles)
    add(types[name], (becomes) => becomes, { name, labels: of }, value);
  const base = (name: string): string => name.replace(/_(?:bucket|sum|count)$/, '');
  // With all bounds that any has, so that cumulative counts can be added up; which of them are shown is told by `boundsOf`.
  for (const each of histograms) {
    let cumulative = 0;
    for (const [bound, count] of each.counts) {
      cumulative += count;
      add('histogram', base, { name: 'latency_bucket', labels: { ...each.labels, le: bound } }, cumulative);
    }
    add('histogram', base, { name: 'latency_sum', labels: each.labels }, each.sum);
    add('histogram', base, { name: 'latency_count', labels: each.labels }, cumulative);
  }
  return [...families]
    .map(
      ([head, lines]) => head + [...lines.values()].map(({ series, value }) => line(series, value)).join(''),
    )
    .join('');
}

/** Senders of the same bounds, so that plain words can add up what is cumulative. */
function sameBounds(pushed: Push): Push {
  const bounds = pushed.histograms[0]?.counts.map(([bound]) => bound) ?? [];
  return {
    ...pushed,
    histograms: pushed.histograms.map((each) => ({
      ...each,
      counts: bounds.map((bound, i) => [bound, each.counts[i % each.counts.length]![1]] as const),
    })),
  };
}

test.each([false, true])('by job: %s', async (byJob) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          pushes: fc.array(push.map(sameBounds), { minLength: 1, maxLength: 4 }),
          rules,
          without,
          added,
        }),
        {
          minLength: 1,
          maxLength: 2,
        },
      ),
      async (eras) => {
        const ruled = await RestartingGateway.start({ byJob, emptyInstance: false });
        const plain = await RestartingGateway.start({ byJob, emptyInstance: false });
        for (const era of eras) {
          await ruled.setRules({
            sources: era.added === undefined ? [] : [{ path_labels: era.added }],
            metric_relabel_configs: era.rules,
            metrics: era.without === undefined ? [] : [{ without: era.without }],
          });
          for (const pushed of [...era.pushes, ...era.pushes]) {
            const { path } = pushed;
            await ruled.gateway.push(bodyOf(pushed), { path });
            await plain.gateway.push(
              bodyOf(pushed, (series) => told(series, era, path)),
              { path },
            );
            expect(await ruled.page(plainText)).toBe(await plain.page(plainText));
          }
        }
        void ruled.gateway.close();
        void plain.gateway.close();
      },
    ),
    { numRuns: runs(240) },
  );
});
