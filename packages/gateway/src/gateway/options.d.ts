import type { Limits } from '../aggregate/rules.ts';
import type { Choices } from '../model/choices.ts';
/** How the gateway aggregates. Each field is a flag of the command line; docs/reference/flags.md says what it means. */
export interface GatewayOptions {
  readonly byJob: boolean;
  /** 0 means never. */
  readonly jobPruneDurationMs: number;
  readonly jobCounterResets: 'overwrite' | 'accumulate';
  /** 0 means never. */
  readonly jobForgetDurationMs: number;
  readonly pathLabels: 'drop' | 'add';
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
export declare const gatewayChoices: Choices<
  GatewayOptions,
  'jobCounterResets' | 'pathLabels' | 'summaries' | 'openmetrics'
>;
export declare const defaultLimits: Limits;
export declare const defaultGatewayOptions: GatewayOptions;
