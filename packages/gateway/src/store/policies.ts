/**
 * What an accumulator is and does, a row for each kind: which types have it, how it begins, how values come together in it, which
 * values it takes, what its going down means, and what is left of it when its sources are gone. Whoever has to know asks the table,
 * so that another way to combine what is pushed is a row.
 */
import { metricTypes } from '../model/metric-type.ts';
import type { MetricType } from '../model/metric-type.ts';

/** Stores keep these numbers: add at the end only. */
export const AccumulatorKind = {
  FREE: 0,
  COUNTER: 1,
  GAUGE: 2,
  UNTYPED: 3,
  /** A start time. */
  CREATED: 4,
  /** Observations in one bucket alone, not cumulative. */
  BUCKET: 5,
  COUNT: 6,
  SUM: 7,
  /** Observations in one native bucket; its `bound` says which (native-accumulators.ts). */
  NATIVE_BUCKET: 8,
  /** Observations in the zero bucket; its `bound` is the threshold. */
  NATIVE_ZERO: 9,
  /** Observations of senders of native buckets; its `bound` is their schema. */
  NATIVE_COUNT: 10,
  /** Gauges that show something else than a sum: what rules ask for (gauge-rules.ts). */
  MAXIMUM: 11,
  MINIMUM: 12,
  LAST: 13,
  AVERAGE: 14,
  /** How many sources have the series. */
  SOURCES: 15,
} as const;

export type AccumulatorKind = (typeof AccumulatorKind)[keyof typeof AccumulatorKind];

interface Policy {
  /** Types of families that may have it. A family that is no distribution has the first kind that names its type, see `rowKindOf`. */
  readonly types: readonly MetricType[];
  /** What it is of a histogram or summary series; undefined for one that is a series, and a row, of its own. */
  readonly part?: 'bucket' | 'count' | 'sum' | 'native';
  /** What it is before any value came. */
  readonly start: number;
  /**
   * How a value is taken into the total where there are no sources; left out, it is added. NaN changes nothing, unless it can be a value.
   */
  readonly combine?: (total: number, value: number) => number;
  /**
   * In by-job mode: what the total is of what sources contribute. Left out, it is the sum. With `nothing` no source holds a part of it, and
   * `combine` takes values in there as well.
   */
  readonly ofSources?: 'nothing' | 'largest' | 'smallest' | 'newest' | 'number';
  /** The exposition shows the total divided by the number of contributors. */
  readonly isAverage?: true;
  /** Without sources it means nothing: pushes of senders that add are refused. */
  readonly onlyByJob?: true;
  /**
   * `counts`: zero or more, all else is refused. `observations`: what is not finite is left out, and what was stays. `states`: what is
   * not finite says that there is no value, and withdraws what was. `extremes`: the same, but infinities are values. `all`: so is NaN.
   */
  readonly values: 'counts' | 'observations' | 'states' | 'extremes' | 'all';
  /** Whether an untyped series can go on as one, with what it holds. */
  readonly fromUntyped: 'always' | 'unless negative' | 'never';
  /** What a value below the one before means with `accumulate`: that it, or all of its histogram or summary, began anew. */
  readonly falls?: 'restart' | 'restart of all';
  /** Start times may be told of it. Of a histogram or summary the count has them. */
  readonly begins?: true;
  readonly exemplars?: true;
  /** It has a `bound`. */
  readonly bounded?: true;
  /** What becomes of it when no source has a part of it any more. `series at zero`: where series go with their source, once it is zero. */
  readonly unheld: 'goes' | 'goes at zero' | 'series at zero' | 'stays';
  /** Sources that are gone do not count as contributors. Of others they do, for ever, as stores have it that are older than that. */
  readonly countsLiveSources?: true;
  /** It goes when its source is silent for long, as it said how things are. */
  readonly expires?: true;
}

const histograms = ['histogram', 'gaugehistogram'] as const;

/** What gauges have in common that are no sum. */
const ruled = {
  types: ['gauge'],
  // What was counted before is a sum.
  fromUntyped: 'never',
  unheld: 'goes',
  countsLiveSources: true,
  expires: true,
} satisfies Partial<Policy>;

const native: Policy = {
  types: histograms,
  part: 'native',
  start: 0,
  values: 'counts',
  fromUntyped: 'never',
  falls: 'restart of all',
  bounded: true,
  // What sources counted that are forgotten stays.
  unheld: 'goes at zero',
};

/** By kind. */
const policies: readonly Policy[] = Object.values({
  [AccumulatorKind.FREE]: {
    types: [],
    start: Number.NaN,
    values: 'states',
    fromUntyped: 'never',
    unheld: 'stays',
  },
  [AccumulatorKind.COUNTER]: {
    types: ['counter'],
    start: 0,
    values: 'counts',
    fromUntyped: 'unless negative',
    falls: 'restart',
    begins: true,
    exemplars: true,
    unheld: 'series at zero',
    countsLiveSources: true,
  },
  [AccumulatorKind.GAUGE]: {
    types: ['gauge', 'info', 'stateset'],
    start: 0,
    values: 'states',
    fromUntyped: 'always',
    unheld: 'goes',
    expires: true,
  },
  [AccumulatorKind.UNTYPED]: {
    types: ['untyped'],
    start: 0,
    values: 'states',
    fromUntyped: 'always',
    unheld: 'goes',
  },
  [AccumulatorKind.CREATED]: {
    types: ['gauge'],
    start: Number.POSITIVE_INFINITY,
    combine: (total, value) => (value < total ? value : total),
    ofSources: 'nothing',
    values: 'states',
    fromUntyped: 'never',
    unheld: 'stays',
  },
  [AccumulatorKind.BUCKET]: {
    types: histograms,
    part: 'bucket',
    start: 0,
    values: 'counts',
    fromUntyped: 'never',
    falls: 'restart of all',
    exemplars: true,
    bounded: true,
    unheld: 'stays',
    countsLiveSources: true,
  },
  [AccumulatorKind.COUNT]: {
    types: [...histograms, 'summary'],
    part: 'count',
    start: 0,
    values: 'counts',
    fromUntyped: 'never',
    falls: 'restart of all',
    begins: true,
    unheld: 'series at zero',
    countsLiveSources: true,
  },
  [AccumulatorKind.SUM]: {
    types: [...histograms, 'summary'],
    part: 'sum',
    start: 0,
    values: 'observations',
    fromUntyped: 'never',
    unheld: 'stays',
    countsLiveSources: true,
  },
  [AccumulatorKind.NATIVE_BUCKET]: { ...native, exemplars: true },
  [AccumulatorKind.NATIVE_ZERO]: native,
  [AccumulatorKind.NATIVE_COUNT]: native,
  [AccumulatorKind.MAXIMUM]: {
    ...ruled,
    start: Number.NEGATIVE_INFINITY,
    combine: (total, value) => (value > total ? value : total),
    ofSources: 'largest',
    values: 'extremes',
  },
  [AccumulatorKind.MINIMUM]: {
    ...ruled,
    start: Number.POSITIVE_INFINITY,
    combine: (total, value) => (value < total ? value : total),
    ofSources: 'smallest',
    values: 'extremes',
  },
  [AccumulatorKind.LAST]: {
    ...ruled,
    start: Number.NaN,
    combine: (_, value) => value,
    ofSources: 'newest',
    values: 'all',
  },
  [AccumulatorKind.AVERAGE]: { ...ruled, start: 0, isAverage: true, onlyByJob: true, values: 'states' },
  [AccumulatorKind.SOURCES]: {
    ...ruled,
    start: 0,
    ofSources: 'number',
    onlyByJob: true,
    values: 'extremes',
  },
} satisfies Record<AccumulatorKind, Policy>);

const kinds: readonly AccumulatorKind[] = Object.values(AccumulatorKind);

export function policyOf(kind: AccumulatorKind): Policy {
  return policies[kind]!;
}

/**
 * The kinds of which something is true, as bits: what is asked for each number of a push has to cost no more than a comparison.
 * So there are 32 kinds at most.
 */
function kindsThat(isSo: (policy: Policy) => boolean): number {
  return kinds.reduce((bits: number, kind) => (isSo(policyOf(kind)) ? bits | (1 << kind) : bits), 0);
}

const grouped = kindsThat(({ part }) => part !== undefined);
const natives = kindsThat(({ part }) => part === 'native');
const combined = kindsThat(({ combine }) => combine !== undefined);
const unheld = kindsThat(({ ofSources }) => ofSources === 'nothing');
const derived = kindsThat(({ ofSources }) => ofSources !== undefined && ofSources !== 'nothing');
const ranked = derived & ~kindsThat(({ ofSources }) => ofSources === 'number');
const newest = kindsThat(({ ofSources }) => ofSources === 'newest');
const averages = kindsThat(({ isAverage: is }) => is === true);
const onlyByJob = kindsThat(({ onlyByJob: is }) => is === true);
const extremes = kindsThat(({ values }) => values === 'extremes' || values === 'all');
const all = kindsThat(({ values }) => values === 'all');
const counts = kindsThat(({ values }) => values === 'counts');
const observations = kindsThat(({ values }) => values === 'observations');
const begin = kindsThat(({ begins }) => begins === true);
const restart = kindsThat(({ falls }) => falls === 'restart');
const restartAll = kindsThat(({ falls }) => falls === 'restart of all');
const bounded = kindsThat(({ bounded: has }) => has === true);
const removable = kindsThat(({ unheld }) => unheld === 'goes');
const live = kindsThat(({ countsLiveSources }) => countsLiveSources === true);

function isIn(bits: number, kind: number): boolean {
  return ((bits >>> kind) & 1) === 1;
}

/** Whether a source can contribute a number to it. */
export function isPossible(kind: number, number: number): boolean {
  return isIn(extremes, kind) ? isValue(kind, number) : Number.isFinite(number);
}

/** Part of a histogram or summary series. */
export function isGrouped(kind: number): boolean {
  return isIn(grouped, kind);
}

export function isNative(kind: number): boolean {
  return isIn(natives, kind);
}

/** Without sources its total is the sum of what was pushed. */
export function isSummed(kind: number): boolean {
  return !isIn(combined, kind);
}

/** In by-job mode each source holds a part of it. */
export function isContributed(kind: number): boolean {
  return !isIn(unheld, kind);
}

/** In by-job mode its total is something else than the sum of what sources contribute. */
export function isDerived(kind: number): boolean {
  return isIn(derived, kind);
}

/** In by-job mode its total is one of the numbers that sources contribute. */
export function isRanked(kind: number): boolean {
  return isIn(ranked, kind);
}

/** And that which came last. */
export function isNewest(kind: number): boolean {
  return isIn(newest, kind);
}

/** It is shown divided by the number of sources. */
export function isAverage(kind: number): boolean {
  return isIn(averages, kind);
}

/** To a sender that adds it means nothing. */
export function needsSources(kind: number): boolean {
  return isIn(onlyByJob, kind);
}

/** Infinities are values of it. */
export function takesInfinities(kind: number): boolean {
  return isIn(extremes, kind);
}

/** Whether a number of a batch is a value: NaN says that there is none, unless it can be one. */
export function isValue(kind: number, number: number): boolean {
  return number === number || isIn(all, kind);
}

/** Its values are zero or more, and finite. */
export function takesCounts(kind: number): boolean {
  return isIn(counts, kind);
}

/** A push that has no value for it leaves what was. */
export function staysWithoutValue(kind: number): boolean {
  return isIn(observations, kind);
}

/** A counter, or the count of a histogram or summary: what start times are told of. */
export function hasStartTime(kind: number): boolean {
  return isIn(begin, kind);
}

/** A value below the one before is a restart of this series alone. */
export function restartsAlone(kind: number): boolean {
  return isIn(restart, kind);
}

/** A value below the one before is a restart of the whole histogram or summary, unless that says how things are. */
export function restartsAll(kind: number): boolean {
  return isIn(restartAll, kind);
}

/** It has a bound, or a number of its native bucket in the place of one. */
export function hasBound(kind: number): boolean {
  return isIn(bounded, kind);
}

/** It says how things are: what a source said of it ends when the source takes it away, and it goes with the last one. */
export function isRemovable(kind: number): boolean {
  return isIn(removable, kind);
}

/** Its total stays when its sources are gone, and those do not count as contributors any more. */
export function isCounted(kind: number): boolean {
  return isIn(live, kind);
}

/** Whether a family of this type may have one of this kind. */
export function fits(kind: number, type: MetricType): boolean {
  return policies[kind]?.types.includes(type) === true;
}

/** By type, as each new series asks. */
const rowKinds = new Map<MetricType, AccumulatorKind>();
for (const type of metricTypes) {
  const kind = kinds.find((each) => fits(each, type) && !isGrouped(each));
  if (kind !== undefined) rowKinds.set(type, kind);
}

/** What the series of a family are whose rows are one sample each; undefined for histograms and summaries. */
export function rowKindOf({ type }: { readonly type: MetricType }): AccumulatorKind | undefined {
  return rowKinds.get(type);
}

/** Whether an untyped series of this total can go on as one of this kind. */
export function takesUntyped(kind: AccumulatorKind, total: number): boolean {
  const { fromUntyped } = policyOf(kind);
  return fromUntyped === 'always' || (fromUntyped === 'unless negative' && total >= 0);
}
