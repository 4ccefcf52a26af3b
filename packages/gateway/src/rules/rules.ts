/**
 * What an operator says about metrics and senders, compiled. A push goes through three phases, before its record is written:
 *
 *   relabelling       of each series as it was pushed, with the labels of its path; Prometheus' own
 *   without, by       labels that are taken away, matched on what relabelling left
 *   meaning           gauge, window, ttl, type, buckets: matched on the series as the exposition shows it, so never dependent on who pushed;
 *                     summary: on the name alone
 *
 * The first two say which series a sample is of, and are done with once that is known. The third is part of the state
 * (AggregationConfig), so that a replay comes to the same numbers.
 */
import type { AccessRules } from './access.ts';
import type { Pattern } from './pattern.ts';
import type { Selector } from './selector.ts';
import type { OnLimit } from './series-limit.ts';

export interface Rules {
  /** The first that matches the grouping key of a path holds for its pushes. */
  readonly sources: readonly SourceRule[];
  readonly relabel: readonly RelabelRule[];
  /** Each setting is that of the first rule that matches and has it. */
  readonly metrics: readonly MetricRule[];
  /** Who may do what; left out, everybody may do everything. */
  readonly access?: AccessRules | undefined;
}

export interface SourceRule {
  /** Undefined matches all. `__name__` is empty. */
  readonly match: Selector | undefined;
  /** Labels of the path that series get: all, none, or those named. Undefined: as the flag says. */
  readonly pathLabels: 'add' | 'drop' | readonly string[] | undefined;
  /** Done before those that hold for all. */
  readonly relabel: readonly RelabelRule[];
  /** What is left out of these is as the flags say. */
  readonly mode?: SenderModeName;
  readonly counterResets?: (typeof counterResets)[number];
  /** How long a source may be silent before its gauges go, and before it is forgotten; 0 for ever. */
  readonly pruneAfterMs?: number;
  readonly forgetAfterMs?: number;
  /** How many numbers one source may have, and all senders of a job may have brought. */
  readonly seriesMax?: number;
  readonly jobSeriesMax?: number;
  readonly onLimit?: OnLimit;
}

/** Each push takes the place of the one before it of the same source, or is added to all. */
export const senderModes = ['by-job', 'add'] as const;

type SenderModeName = (typeof senderModes)[number];

export const counterResets = ['overwrite', 'accumulate', 'accumulate-by-value'] as const;

export const relabelActions = [
  'replace',
  'keep',
  'drop',
  'keepequal',
  'dropequal',
  'hashmod',
  'labelmap',
  'labeldrop',
  'labelkeep',
  'lowercase',
  'uppercase',
] as const;

/** An entry of `metric_relabel_configs`; names, meaning and defaults are Prometheus'. */
export interface RelabelRule {
  readonly action: (typeof relabelActions)[number];
  readonly sourceLabels: readonly string[];
  readonly separator: string;
  readonly regex: Pattern;
  /** 0 for none. */
  readonly modulus: number;
  readonly targetLabel: string;
  readonly replacement: string;
}

export const gaugePolicies = ['sum', 'last', 'min', 'max', 'avg', 'count'] as const;

export type GaugePolicy = (typeof gaugePolicies)[number];

/** Those that may have a window. */
export const windowedPolicies: readonly GaugePolicy[] = ['min', 'max'];

/** What becomes of summaries: quantiles are dropped in any case. */
export const summaryTreatments = ['discard', 'sum-and-count'] as const;

export type SummaryTreatment = (typeof summaryTreatments)[number];

export interface MetricRule {
  /** Undefined matches all. */
  readonly match: Selector | undefined;
  readonly without?: readonly string[];
  readonly by?: readonly string[];
  readonly gauge?: GaugePolicy;
  /** With `min` and `max`, without sources: they are of so long. Left out: of all that was ever pushed. It goes with `gauge`. */
  readonly windowMs?: number;
  /** How long a series stays that nobody names any more; 0 for ever. */
  readonly ttlMs?: number;
  readonly type?: 'counter' | 'gauge';
  /** Upper bounds that grow, without infinity. */
  readonly buckets?: readonly number[];
  /** Its selector looks at the name alone. */
  readonly summary?: SummaryTreatment;
  /** How many numbers each of the families may have. Its selector looks at the name alone. */
  readonly seriesMax?: number;
  /** It goes with `seriesMax`. */
  readonly onLimit?: OnLimit;
  /** Of which it is, where the file has no entry for it. */
  readonly preset?: string;
}

/** What holds now. A push is read by the rules that hold when it begins; a reload puts others in their place, whole. */
export interface RulesInForce {
  current: Rules;
}

/** The rules that hold for some sender; undefined among them where for some none does. */
export function rulesOfSenders(sources: readonly SourceRule[]): readonly (SourceRule | undefined)[] {
  const last = sources.findIndex(({ match }) => match === undefined);
  return last < 0 ? [...sources, undefined] : sources.slice(0, last + 1);
}

/** How senders of a rule count; where it does not say it, or there is none, as the flag says. */
export function modeBy(rule: SourceRule | undefined, { byJob }: { readonly byJob: boolean }): SenderModeName {
  return rule?.mode ?? (byJob ? 'by-job' : 'add');
}

/** Which modes there are senders of. */
export function modesOf(
  sources: readonly SourceRule[],
  flags: { readonly byJob: boolean },
): ReadonlySet<SenderModeName> {
  return new Set(rulesOfSenders(sources).map((rule) => modeBy(rule, flags)));
}

export const noRules: Rules = { sources: [], relabel: [], metrics: [] };
