import type { Limits } from '../aggregate/rules.ts';
import { largestBudgets } from '../model/budgets.ts';
import type { Choices } from '../model/choices.ts';

/** How the gateway aggregates. Each field is a flag of the command line; docs/reference/flags.md says what it means. */
export interface GatewayOptions {
  readonly byJob: boolean;
  /** 0 means never. */
  readonly jobPruneDurationMs: number;
  readonly jobCounterResets: 'overwrite' | 'accumulate' | 'accumulate-by-value';
  /** 0 means never. */
  readonly jobForgetDurationMs: number;
  readonly pathLabels: 'drop' | 'add';
  /** In by-job mode with path labels added: series without an instance have an empty one. */
  readonly emptyInstance: boolean;
  /** In by-job mode with path labels added: `push_time_seconds` and `push_failure_time_seconds` of each source. */
  readonly pushTimes: boolean;
  readonly summaries: 'discard' | 'sum-and-count';
  readonly openmetrics: 'strict' | 'lenient';
  /** How long the key of a push is remembered, so that a retry counts once. */
  readonly idempotencyWindowMs: number;
  readonly idempotencyKeysMax: number;
  /** 0 means that nothing is kept. */
  readonly scrapeCacheBytesMax: number;
  /** In text and OpenMetrics, native histograms have a classic bucket for each of theirs. */
  readonly nativeAsClassic: boolean;
  /** In text, what a scraper has not seen before is shown to it as 0 once. */
  readonly zeroFirst: boolean;
  /** OpenMetrics has a line `_created` for each series with a start time. */
  readonly openmetricsCreated: boolean;
  readonly limits: Limits;
}

/** The words that options which are one of a few may have. */
export const gatewayChoices: Choices<
  GatewayOptions,
  'jobCounterResets' | 'pathLabels' | 'summaries' | 'openmetrics'
> = {
  jobCounterResets: ['overwrite', 'accumulate', 'accumulate-by-value'],
  pathLabels: ['drop', 'add'],
  summaries: ['discard', 'sum-and-count'],
  openmetrics: ['strict', 'lenient'],
};

export const defaultLimits: Limits = {
  seriesMax: 5_000_000,
  familiesMax: 50_000,
  sourcesMax: 1_000_000,
  bucketsMax: 500,
  nativeBucketsMax: 160,
  exemplarsMax: 100_000,
  labelsMax: 64,
  seriesBytesMax: 16_384,
  seriesBytesTotalMax: largestBudgets.limits.seriesBytesTotalMax,
  helpBytesMax: 16_384,
  metadataBytesTotalMax: largestBudgets.limits.metadataBytesTotalMax,
  sourceBytesTotalMax: largestBudgets.limits.sourceBytesTotalMax,
  otherSpellingsBytesMax: largestBudgets.limits.otherSpellingsBytesMax,
};

/** Limits that cannot be any larger: what is kept has addresses and lengths of so many bits, of which this leaves half. */
export const largestLimits: Pick<Limits, 'seriesBytesMax' | 'seriesBytesTotalMax'> = {
  seriesBytesMax: 61_440,
  seriesBytesTotalMax: 8 * 2 ** 30,
};

export const defaultGatewayOptions: GatewayOptions = {
  byJob: false,
  jobPruneDurationMs: 0,
  jobCounterResets: 'overwrite',
  jobForgetDurationMs: 0,
  pathLabels: 'drop',
  emptyInstance: true,
  pushTimes: true,
  summaries: 'discard',
  openmetrics: 'strict',
  idempotencyWindowMs: 24 * 60 * 60 * 1000,
  idempotencyKeysMax: 1_000_000,
  scrapeCacheBytesMax: largestBudgets.gateway.scrapeCacheBytesMax,
  nativeAsClassic: false,
  zeroFirst: false,
  openmetricsCreated: false,
  limits: defaultLimits,
};
