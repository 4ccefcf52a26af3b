/**
 * The rules of aggregation written down the slow and obvious way: every source keeps what it last pushed, and the page is
 * summed up anew each time. Knows one counter, one gauge, one untyped family and one histogram family.
 */
import { ExactSum } from './exact.ts';

export interface Push {
  readonly source: string;
  readonly method: 'PUT' | 'POST';
  readonly counters: Readonly<Record<string, number>>;
  readonly gauges: Readonly<Record<string, number>>;
  readonly untyped: Readonly<Record<string, number>>;
  /** Per series: count of each bucket alone, by bound; `Infinity` included. */
  readonly histograms: Readonly<
    /** The sum may be NaN or infinite. */
    Record<string, { readonly buckets: ReadonlyMap<number, number>; readonly sum: number }>
  >;
}

interface Contribution {
  readonly family: string;
  readonly series: string;
  readonly bound?: number;
  value: number;
}

interface NaiveSource {
  lastPushMs: number;
  pruned: boolean;
  readonly has: Map<string, Contribution>;
}

export class NaiveGateway {
  readonly #sources = new Map<string, NaiveSource>();
  #retired: Contribution[] = [];
  /** What senders that add have pushed. */
  #added: Contribution[] = [];
  readonly #accumulate: boolean;
  /** A bound once shown stays, at no count of its own, so that no bucket series vanishes. */
  #bounds: Contribution[] = [];

  constructor(resets: 'overwrite' | 'accumulate') {
    this.#accumulate = resets === 'accumulate';
  }

  /** Adds what a sender pushes that is no source. */
  add({ counters, gauges, untyped, histograms: all }: Push): void {
    for (const [family, values] of Object.entries({ c: counters, g: gauges, u: untyped }))
      for (const [series, value] of Object.entries(values)) this.#added.push({ family, series, value });
    for (const [series, { buckets, sum }] of Object.entries(all)) {
      for (const [bound, value] of buckets) this.#added.push({ family: 'hb', series, bound, value });
      if (Number.isFinite(sum)) this.#added.push({ family: 'hs', series, value: sum });
    }
  }

  /** `accumulate`: what a counter that falls means of this source, where it is not what it means of all. */
  push(push: Push, nowMs: number, accumulate: boolean = this.#accumulate): void {
    const source: NaiveSource = this.#sources.get(push.source) ?? {
      lastPushMs: nowMs,
      pruned: false,
      has: new Map(),
    };
    this.#sources.set(push.source, source);
    source.lastPushMs = nowMs;
    source.pruned = false;
    if (push.method === 'PUT') {
      for (const [key, { family }] of source.has)
        if (family === 'g' || family === 'u') source.has.delete(key);
    }
    for (const [series, value] of Object.entries(push.counters))
      this.#set(source, { family: 'c', series, value }, accumulate);
    for (const [series, value] of Object.entries(push.gauges))
      this.#set(source, { family: 'g', series, value }, accumulate);
    for (const [series, value] of Object.entries(push.untyped))
      this.#set(source, { family: 'u', series, value }, accumulate);
    for (const [series, { buckets, sum }] of Object.entries(push.histograms)) {
      for (const bound of buckets.keys()) this.#bounds.push({ family: 'hb', series, bound, value: 0 });
      const before = [...source.has.entries()].filter(
        ([, { family, series: of }]) => family[0] === 'h' && of === series,
      );
      const now = new Map<string, Contribution>();
      for (const [bound, value] of buckets)
        now.set(`h b ${series} ${bound}`, { family: 'hb', series, bound, value });
      const bucketsBefore = before.filter(([, { family }]) => family === 'hb');
      const isRestart =
        bucketsBefore.length > 0 &&
        (bucketsBefore.length !== buckets.size ||
          bucketsBefore.some(([key, { value }]) => value > (now.get(key)?.value ?? -1)));
      const known = source.has.get(`h s ${series}`)?.value;
      const last = accumulate && isRestart ? 0 : known;
      const counted = Number.isFinite(sum) ? sum : known === undefined ? undefined : last;
      if (counted !== undefined) now.set(`h s ${series}`, { family: 'hs', series, value: counted });
      for (const [key, contribution] of before) {
        source.has.delete(key);
        if (accumulate && isRestart) this.#retired.push(contribution);
      }
      for (const [key, contribution] of now) source.has.set(key, contribution);
    }
  }

  #set(source: NaiveSource, contribution: Contribution, accumulate: boolean): void {
    const key = `${contribution.family} ${contribution.series}`;
    const before = source.has.get(key);
    if (
      accumulate &&
      contribution.family === 'c' &&
      before !== undefined &&
      contribution.value < before.value
    ) {
      this.#retired.push(before);
    }
    source.has.set(key, contribution);
  }

  delete(name: string): void {
    const source = this.#sources.get(name);
    if (source === undefined) return;
    this.#sources.delete(name);
    for (const contribution of source.has.values()) {
      if (contribution.family !== 'g' && contribution.family !== 'u') this.#retired.push(contribution);
    }
  }

  /** A series goes, by the first letter of its family. */
  drop(family: string, series: string): void {
    const stays = (one: Contribution): boolean => one.family[0] !== family || one.series !== series;
    for (const { has } of this.#sources.values())
      for (const [key, one] of has) if (!stays(one)) has.delete(key);
    this.#retired = this.#retired.filter(stays);
    this.#added = this.#added.filter(stays);
    this.#bounds = this.#bounds.filter(stays);
  }

  wipe(): void {
    this.#sources.clear();
    this.#retired = [];
    this.#added = [];
    this.#bounds = [];
  }

  expire(nowMs: number, pruneMs: number, forgetMs: number): void {
    for (const [name, source] of this.#sources) {
      if (nowMs - source.lastPushMs > pruneMs) {
        for (const [key, { family }] of source.has) if (family === 'g') source.has.delete(key);
      }
      if (nowMs - source.lastPushMs <= forgetMs) continue;
      this.#sources.delete(name);
      for (const contribution of source.has.values())
        if (contribution.family !== 'g') this.#retired.push(contribution);
    }
  }

  page(): string {
    const all = [
      ...this.#bounds,
      ...this.#retired,
      ...this.#added,
      ...[...this.#sources.values()].flatMap((source) => [...source.has.values()]),
    ];
    const lines: string[] = [];
    for (const [family, name, type] of [
      ['c', 'c_total', 'counter'],
      ['g', 'g', 'gauge'],
    ] as const) {
      lines.push(...simple(all, family, name, type));
    }
    lines.push(...histograms(all));
    lines.push(...simple(all, 'u', 'u', 'untyped'));
    return lines.map((line) => `${line}\n`).join('');
  }
}

function simple(all: readonly Contribution[], family: string, name: string, type: string): string[] {
  const sums = sumBy(
    all.filter((one) => one.family === family),
    (one) => one.series,
  );
  if (sums.size === 0) return [];
  const series = [...sums.keys()].toSorted();
  return [
    `# TYPE ${name} ${type}`,
    ...series.map((label) => `${name}{s="${label}"} ${sums.get(label)!.value}`),
  ];
}

function histograms(all: readonly Contribution[]): string[] {
  const series = [...new Set(all.filter((one) => one.family === 'hb').map((one) => one.series))].toSorted();
  if (series.length === 0) return [];
  const lines = ['# TYPE h histogram'];
  for (const label of series) {
    const mine = all.filter((one) => one.series === label);
    const buckets = sumBy(
      mine.filter((one) => one.family === 'hb'),
      (one) => one.bound!,
    );
    let cumulative = 0;
    for (const bound of [...buckets.keys()].toSorted((a, b) => a - b)) {
      cumulative += buckets.get(bound)!.value;
      lines.push(`h_bucket{s="${label}",le="${bound === Infinity ? '+Inf' : bound}"} ${cumulative}`);
    }
    const sum = sumBy(
      mine.filter((one) => one.family === 'hs'),
      () => 0,
    ).get(0);
    if (sum !== undefined) lines.push(`h_sum{s="${label}"} ${sum.value}`);
    lines.push(`h_count{s="${label}"} ${cumulative}`);
  }
  return lines;
}

function sumBy<K>(all: readonly Contribution[], keyOf: (one: Contribution) => K): Map<K, ExactSum> {
  const sums = new Map<K, ExactSum>();
  for (const one of all) {
    const key = keyOf(one);
    sums.set(key, (sums.get(key) ?? new ExactSum()).add(one.value));
  }
  return sums;
}

/** The push as a sender would write it. */
export function pushText(push: Push): string {
  const lines = ['# TYPE c_total counter'];
  for (const [series, value] of Object.entries(push.counters)) lines.push(`c_total{s="${series}"} ${value}`);
  lines.push('# TYPE g gauge');
  for (const [series, value] of Object.entries(push.gauges)) lines.push(`g{s="${series}"} ${value}`);
  for (const [series, value] of Object.entries(push.untyped)) lines.push(`u{s="${series}"} ${value}`);
  lines.push('# TYPE h histogram');
  for (const [series, { buckets, sum }] of Object.entries(push.histograms)) {
    let cumulative = 0;
    for (const [bound, count] of [...buckets].toSorted(([a], [b]) => a - b)) {
      cumulative += count;
      lines.push(`h_bucket{s="${series}",le="${bound === Infinity ? '+Inf' : bound}"} ${cumulative}`);
    }
    lines.push(
      `h_sum{s="${series}"} ${String(sum).replace('Infinity', 'Inf')}`,
      `h_count{s="${series}"} ${cumulative}`,
    );
  }
  return `${lines.join('\n')}\n`;
}
