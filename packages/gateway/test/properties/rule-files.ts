/** Files of rules that say something of every setting, as values that a model can ask, and as what a gateway reads. */
import fc from 'fast-check';

import type { GaugePolicy } from '../../src/rules/rules.ts';

export const jobs = ['a', 'b', 'c'] as const;
export type Job = (typeof jobs)[number];
export const ls = ['a', 'b'] as const;
export type L = (typeof ls)[number];
export type Family = 'c_total' | 'g' | 'h' | 'k' | 's' | 'u';
export type Mode = 'add' | 'by-job';

/** Whatever is asked of time is looked at so often. Silence is never due in the moment in which something else is. */
export const TICK_MS = 250;

interface SenderRule {
  readonly mode: Mode;
  readonly resets: 'overwrite' | 'accumulate';
  /** 0 for ever. */
  readonly pruneMs: number;
  readonly forgetMs: number;
  readonly dropsPod: boolean;
}

export interface GaugeRule {
  readonly policy: GaugePolicy;
  readonly windowMs: number | undefined;
}

interface TtlRule {
  readonly family: Family | undefined;
  readonly l: L | undefined;
  /** 0 for ever. */
  readonly ttlMs: number;
}

export interface RuleFile {
  /** That of the last job is the entry for all who are left. */
  readonly senders: Readonly<Record<Job, SenderRule>>;
  /** What takes the label `pod` away, of everything and of some. */
  readonly labeldrop: boolean;
  readonly podless: Readonly<Partial<Record<Family, 'without' | 'by'>>>;
  /** Of the gauge `g`, by its label `l`; of `k` there is one. */
  readonly g: Readonly<Record<L, GaugeRule>>;
  readonly k: GaugeRule;
  readonly ttls: readonly TtlRule[];
  /** Of the histogram `h` with one label `l`, and with the other. */
  readonly buckets: Readonly<Record<L, readonly number[] | undefined>>;
  readonly summaries: boolean;
}

export function gaugeRuleOf(file: RuleFile, family: Family, l: L): GaugeRule {
  return family === 'g' ? file.g[l] : file.k;
}

export function ttlMsOf(file: RuleFile, family: Family, l: L): number {
  const first = file.ttls.find((rule) => (rule.family ?? family) === family && (rule.l ?? l) === l);
  return first === undefined || first.ttlMs === 0 ? Number.POSITIVE_INFINITY : first.ttlMs;
}

/** Whether any series of a family goes, whatever its labels are. */
export function mayExpire(file: RuleFile, family: Family): boolean {
  const own = file.ttls.filter((rule) => (rule.family ?? family) === family);
  const last = own.findIndex((rule) => rule.l === undefined);
  return own.slice(0, last < 0 ? own.length : last + 1).some((rule) => rule.ttlMs > 0);
}

export function losesPod(file: RuleFile, family: Family, job: Job): boolean {
  return file.labeldrop || file.senders[job].dropsPod || file.podless[family] !== undefined;
}

export function modesOf({ senders }: RuleFile): 'add' | 'by-job' | 'both' {
  const modes = new Set(jobs.map((job) => senders[job].mode));
  return modes.size === 2 ? 'both' : [...modes][0]!;
}

function span(ms: number): string | number {
  return ms === 0 ? 0 : `${ms}ms`;
}

/** What is for senders by job alone is refused in an entry that says that they add. */
function sourceEntry(job: Job, { mode, resets, pruneMs, forgetMs, dropsPod }: SenderRule): object {
  return {
    ...(job === jobs.at(-1) ? {} : { match: `{job="${job}"}` }),
    mode,
    ...(mode === 'by-job' && {
      counter_resets: resets,
      prune_after: span(pruneMs),
      forget_after: span(forgetMs),
    }),
    ...(dropsPod && { metric_relabel_configs: [{ action: 'labeldrop', regex: 'pod' }] }),
  };
}

function gaugeEntry(match: string, { policy, windowMs }: GaugeRule): object {
  return { match, gauge: policy, ...(windowMs !== undefined && { window: span(windowMs) }) };
}

export function textOf(file: RuleFile): object {
  const ofTtls = file.ttls.map(({ family, l, ttlMs }) => {
    const match = `${family ?? ''}${l === undefined ? '' : `{l="${l}"}`}`;
    return { ...(match !== '' && { match }), ttl: span(ttlMs) };
  });
  const ofBuckets = ls.flatMap((l) => {
    const buckets = file.buckets[l];
    return buckets === undefined ? [] : [{ match: `h{l="${l}"}`, buckets }];
  });
  return {
    sources: jobs.map((job) => sourceEntry(job, file.senders[job])),
    metric_relabel_configs: file.labeldrop ? [{ action: 'labeldrop', regex: 'p.d' }] : [],
    metrics: [
      ...Object.entries(file.podless).map(([match, how]) => ({
        match,
        ...(how === 'by' ? { by: ['l'] } : { without: ['pod'] }),
      })),
      ...ls.map((l) => gaugeEntry(`g{l="${l}"}`, file.g[l])),
      gaugeEntry('k', file.k),
      ...ofBuckets,
      ...(file.summaries ? [{ match: 's', summary: 'sum-and-count' }] : []),
      ...ofTtls,
    ],
  };
}

const sender = (mode: fc.Arbitrary<Mode>): fc.Arbitrary<SenderRule> =>
  fc.record({
    mode,
    resets: fc.constantFrom('overwrite', 'accumulate'),
    pruneMs: fc.constantFrom(0, 600, 1100),
    forgetMs: fc.constantFrom(0, 0, 1600, 2600),
    dropsPod: fc.integer({ max: 3, min: 0 }).map((one) => one === 0),
  });
const senders = fc
  .constantFrom('add', 'by-job', 'both', 'both', 'both')
  .map((which) => sender(which === 'both' ? fc.constantFrom('add', 'by-job') : fc.constant<Mode>(which)))
  .chain((one) => fc.record({ a: one, b: one, c: one }));
const gauge: fc.Arbitrary<GaugeRule> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      policy: fc.constantFrom('min', 'max'),
      windowMs: fc.constantFrom(undefined, 1200, 3000),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      policy: fc.constantFrom('sum', 'last', 'avg', 'count', 'sum', 'last'),
      windowMs: fc.constant(undefined),
    }),
  },
);
const family = fc.constantFrom<Family>('c_total', 'g', 'h', 'k', 's', 'u');
const ttl: fc.Arbitrary<TtlRule> = fc.record({
  family: fc.option(family, { nil: undefined }),
  l: fc.option(fc.constantFrom(...ls), { nil: undefined }),
  ttlMs: fc.constantFrom(0, 1000, 1500, 1500, 2500),
});
const list = fc.option(fc.subarray([0.5, 1, 2, 4], { minLength: 1 }), { nil: undefined });
/** One for all comes last, or there would be entries that never take effect, which are refused. */
const ttls = fc
  .uniqueArray(ttl, { maxLength: 4, size: 'max', selector: keyOfTtl })
  .map((all) => all.toSorted((one, other) => Number(isForAll(one)) - Number(isForAll(other))));
export const ruleFile: fc.Arbitrary<RuleFile> = fc.record({
  senders,
  labeldrop: fc.integer({ max: 3, min: 0 }).map((one) => one === 0),
  podless: fc.dictionary(family, fc.constantFrom('without', 'by'), { maxKeys: 2 }),
  g: fc.record({ a: gauge, b: gauge }),
  k: gauge,
  ttls,
  buckets: fc.record({ a: list, b: list }),
  summaries: fc.boolean(),
});

function keyOfTtl({ family: of, l }: TtlRule): string {
  return `${of} ${l}`;
}

function isForAll(rule: TtlRule): boolean {
  return rule.family === undefined && rule.l === undefined;
}
