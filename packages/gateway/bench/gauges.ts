/** What gauges cost that show something else than a sum, and rules that say so: each held against the same without rules. */
import { createGateway } from 'prom-aggregation-gateway';

import { largePush, smallPush } from './data.ts';

const ROUNDS = 9;
/** Of one push of new series. */
const NEW_SERIES = 2_000;
const encoder = new TextEncoder();

type Pusher = (i: number) => Promise<unknown>;

/** A line for each policy: the present maximum of so many sources falls at each push. */
export async function gaugeLines(sources: number, pushes: number): Promise<string[]> {
  const lines: string[] = [];
  for (const policy of ['max', 'min', 'last', 'avg', 'count']) {
    const metricRules = JSON.stringify({ metrics: [{ match: 'queue_depth', gauge: policy }] });
    const ratio = await ratioOf(await falling(sources, ''), await falling(sources, metricRules), pushes);
    lines.push(`the largest of ${sources} values falls at each push: ${policy} ${ratio.toFixed(2)} × sum`);
  }
  return lines;
}

/** A line for each size of a push, in add mode: what it costs to have a window. */
export async function windowLines({ smoke }: { readonly smoke: boolean }): Promise<string[]> {
  const rules = (window: object): string =>
    JSON.stringify({ metrics: [{ match: 'queue_depth', gauge: 'max', ...window }] });
  const lines: string[] = [];
  for (const [series, pushes] of [
    [20, smoke ? 500 : 10_000],
    [10_000, smoke ? 5 : 50],
  ] as const) {
    const names = Array.from({ length: series }, (_, i) => `queue_depth{queue="q-${i}"} ${i}\n`);
    const body = encoder.encode(`# TYPE queue_depth gauge\n${names.join('')}`);
    for (const window of ['1s', '5m']) {
      const ratio = await ratioOf(adding(body, rules({})), adding(body, rules({ window })), pushes);
      lines.push(`${series} gauges, window ${window}: ${ratio.toFixed(3)} × max of all`);
    }
  }
  return lines;
}

function adding(body: Uint8Array, rules: string): Pusher {
  const gateway = createGateway({ rules });
  return () => gateway.push(body);
}

/** A line for each workload, by job, with so many rules. */
export async function ruleLines(rules: number, { smoke }: { readonly smoke: boolean }): Promise<string[]> {
  const rulesFor = (name: string): string =>
    JSON.stringify({
      metrics: Array.from({ length: rules }, (_, i) => ({
        match: `{__name__=~"${name}",pod=~"x.*${i}"}`,
        gauge: 'max',
      })),
    });
  const rulesOf = (match: (i: number) => string, setting: object): string =>
    JSON.stringify({ metrics: Array.from({ length: rules }, (_, i) => ({ match: match(i), ...setting })) });
  const drops = Array.from({ length: rules }, (_, i) => ({
    action: 'drop',
    source_labels: ['__name__', 'pod'],
    regex: `metric_${i}_.*;[a-z]+-${i}`,
  }));
  const ofLabel = (i: number): string => `{__name__=~"queue_.*",pod=~"p.*x${i}"}`;
  const relabelling = (all: readonly object[]): string => JSON.stringify({ metric_relabel_configs: all });
  const news = smoke ? 1 : 5;
  const large = encoder.encode(largePush({ series: smoke ? 1_000 : 10_000 }));
  const rows: readonly (readonly [string, (metricRules: string) => Pusher, string, number])[] = [
    ['small push', repeating(encoder.encode(smallPush())), rulesFor('.*'), smoke ? 500 : 10_000],
    ['large push', repeating(large), rulesFor('.*'), smoke ? 5 : 100],
    ['new gauges of another name', newGauges, rulesFor('other_.*'), news],
    ['new gauges of which the label begins otherwise', newGauges, rulesFor('queue_.*'), news],
    ['new gauges of which the label is looked at', newGauges, rulesOf(ofLabel, { gauge: 'max' }), news],
    [
      'new gauges, without, of other names',
      newGauges,
      rulesOf((i) => `{__name__=~"other_${i}_.*"}`, { without: ['zone'] }),
      news,
    ],
    [
      'new gauges, without, of which the label is looked at',
      newGauges,
      rulesOf(ofLabel, { without: ['zone'] }),
      news,
    ],
    ['new gauges, relabelling that drops others', newGauges, relabelling(drops), news],
    [
      'new gauges that lose a label',
      newGauges,
      relabelling([...drops.slice(1), { action: 'labeldrop', regex: 'zone' }]),
      news,
    ],
  ];
  const lines: string[] = [];
  for (const [name, pusher, metricRules, pushes] of rows) {
    const ratio = await ratioOf(pusher(''), pusher(metricRules), pushes);
    lines.push(`${name}, ${rules} rules: ${ratio.toFixed(3)} × without`);
  }
  return lines;
}

/** Whoever has the largest value pushes one that is smaller than all others. */
async function falling(sources: number, metricRules: string): Promise<Pusher> {
  const gateway = createGateway({ byJob: true, rules: metricRules });
  const push = (i: number): Promise<unknown> =>
    gateway.push(`# TYPE queue_depth gauge\nqueue_depth ${2 ** 30 - i}\n`, {
      path: `job/bench/instance/${i % sources}`,
      method: 'PUT',
    });
  for (let i = 0; i < sources; i += 1) await push(i);
  return (i) => push(sources + i);
}

function repeating(body: Uint8Array): (metricRules: string) => Pusher {
  return (metricRules) => {
    const gateway = createGateway({ byJob: true, rules: metricRules });
    return () => gateway.push(body, { path: 'job/bench' });
  };
}

function newGauges(metricRules: string): Pusher {
  const gateway = createGateway({ byJob: true, rules: metricRules });
  return (i) => {
    const from = i * NEW_SERIES;
    const lines = Array.from(
      { length: NEW_SERIES },
      (_, k) => `queue_depth{pod="pod-${from + k}",zone="a"} 1\n`,
    );
    return gateway.push(`# TYPE queue_depth gauge\n${lines.join('')}`, { path: 'job/bench' });
  };
}

/** How much longer the second takes: the median of rounds, in turns. */
async function ratioOf(one: Pusher, other: Pusher, pushes: number): Promise<number> {
  const ratios: number[] = [];
  // The first round warms up.
  for (let round = 0; round <= ROUNDS; round += 1) {
    const before = await microsOf(one, round * pushes, pushes);
    ratios.push((await microsOf(other, round * pushes, pushes)) / before);
  }
  const sorted = ratios.slice(1).toSorted((a, b) => a - b);
  return sorted[ROUNDS >> 1]!;
}

async function microsOf(push: Pusher, from: number, pushes: number): Promise<number> {
  const before = process.cpuUsage();
  for (let i = from; i < from + pushes; i += 1) await push(i);
  const { user, system } = process.cpuUsage(before);
  return user + system;
}
