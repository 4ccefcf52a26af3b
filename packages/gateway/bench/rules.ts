/** What rules add to pushes: CPU time with them held against that without, in rounds by turns. */
import type { EmbeddedOptions } from 'prom-aggregation-gateway';

import { embed } from '../dist/embed.js';
import { memoryJournal } from '../dist/journal/memory.js';
import { Pattern } from '../dist/rules/pattern.js';
import { noRules } from '../dist/rules/rules.js';
import type { RelabelRule, Rules, SourceRule } from '../dist/rules/rules.js';
import { largePush, smallProtobufPush, smallPush } from './data.ts';

const ROUNDS = 9;
/** Of one push, in bytes of body. */
const ROUND_BYTES = 4_000_000;

function relabelling(rule: Partial<RelabelRule> & { readonly expression: string }): RelabelRule {
  const { expression, ...others } = rule;
  return {
    action: 'replace',
    sourceLabels: [],
    separator: ';',
    modulus: 0,
    targetLabel: '',
    replacement: '$1',
    regex: new Pattern(expression),
    ...others,
  };
}

/** None of them matches. */
const manyRules: Rules = {
  ...noRules,
  relabel: Array.from({ length: 200 }, (_, i) =>
    relabelling({
      action: 'drop',
      sourceLabels: ['__name__', 'pod'],
      expression: `metric_${i}_.*;[a-z]+-${i}`,
    }),
  ),
};
const withoutPod: Rules = { ...noRules, relabel: [relabelling({ action: 'labeldrop', expression: 'pod' })] };
const job: SourceRule = { match: undefined, pathLabels: ['job'], relabel: [] };

interface Workload {
  readonly name: string;
  readonly rules: Rules;
  /** Of the gateway with these rules. */
  readonly options?: EmbeddedOptions;
  readonly bodies: readonly Uint8Array[];
  readonly format?: 'text' | 'protobuf';
}

function workloads(series: number, pods: number): readonly Workload[] {
  const small = Buffer.from(smallPush());
  return [
    { name: 'small push, 200 rules', rules: manyRules, bodies: [small] },
    {
      name: 'small protobuf push, 200 rules',
      rules: manyRules,
      bodies: [smallProtobufPush()],
      format: 'protobuf',
    },
    { name: 'large push, 200 rules', rules: manyRules, bodies: [Buffer.from(largePush({ series }))] },
    {
      name: `labeldrop, ${pods} pods`,
      rules: withoutPod,
      bodies: Array.from({ length: pods }, (_, pod) => podPush(pod)),
    },
    { name: 'small push, path_labels: [job]', rules: { ...noRules, sources: [job] }, bodies: [small] },
    {
      name: 'large push, path_labels: [job]',
      rules: { ...noRules, sources: [job] },
      bodies: [Buffer.from(largePush({ series }))],
    },
    {
      name: 'small protobuf push, path_labels: [job]',
      rules: { ...noRules, sources: [job] },
      bodies: [smallProtobufPush()],
      format: 'protobuf',
    },
    {
      name: 'small push, --push.path-labels=add',
      rules: noRules,
      options: { pathLabels: 'add' },
      bodies: [small],
    },
  ];
}

function podPush(pod: number): Buffer {
  return Buffer.from(
    Array.from(
      { length: 100 },
      (_, i) => `http_requests_total{pod="web-${pod}",handler="/h${i}",code="200"} ${i + 1}\n`,
    ).join(''),
  );
}

/** A line for each workload. */
export async function rulesLines(smoke: boolean): Promise<string[]> {
  const lines: string[] = [];
  for (const workload of smoke ? workloads(1_000, 10) : workloads(10_000, 1_000))
    lines.push(await lineOf(workload));
  return lines;
}

async function lineOf({ name, rules, options = {}, bodies, format = 'text' }: Workload): Promise<string> {
  const gateways = [
    embed({}, memoryJournal(), noRules).embedded,
    embed(options, memoryJournal(), rules).embedded,
  ];
  const bytes = bodies.reduce((sum, { length }) => sum + length, 0);
  const repeats = Math.max(1, Math.round(ROUND_BYTES / bytes));
  const micros: [number[], number[]] = [[], []];
  for (let round = 0; round <= ROUNDS; round += 1)
    for (const which of round % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
      const before = process.cpuUsage();
      for (let i = 0; i < repeats; i += 1)
        for (const body of bodies) await gateways[which]!.push(body, { path: 'job/bench', format });
      const { user, system } = process.cpuUsage(before);
      // The first round learns.
      if (round > 0) micros[which].push((user + system) / repeats / bodies.length);
    }
  for (const gateway of gateways) await gateway.close();
  const [without, ruled] = [median(micros[0]), median(micros[1])];
  return `${name}: ${ruled.toFixed(1)} µs, ${(ruled / without).toFixed(2)} × without rules`;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}
