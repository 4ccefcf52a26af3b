import { defaultLimits } from '../store/limits.ts';
import type { Limits } from '../store/limits.ts';
import { enumValue, count, duration, onOff, shareOfMemory } from '../options/kinds.ts';
import { withDefaults } from '../options/option.ts';
import type { OptionTable } from '../options/option.ts';

const MIB = 2 ** 20;

/** How the gateway aggregates. Each field is a flag, in the tables below. */
export interface GatewayOptions {
  readonly byJob: boolean;
  /** 0 means never. */
  readonly jobPruneDurationMs: number;
  readonly jobCounterResets: 'overwrite' | 'accumulate' | 'accumulate-by-value';
  /** 0 means never. */
  readonly jobForgetDurationMs: number;
  /** How long a series stays that is not pushed, where no rule says it; 0 means for ever. */
  readonly seriesTtlMs: number;
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

export const gatewayOptionTable: OptionTable<Omit<GatewayOptions, 'limits'>> = {
  byJob: onOff({
    flag: 'by-job',
    alias: 'by-job',
    default: false,
    help: 'Each push replaces the previous push of the same source, and the scrape shows the sum over all sources. Rules may say otherwise for some senders (mode).',
  }),
  jobPruneDurationMs: duration({
    flag: 'job-prune-duration',
    alias: 'job-prune-duration',
    default: 0,
    help: 'Remove the gauges of a source that has not pushed for this long. Rules may say otherwise for some senders (prune_after). 0 means never.',
    onlyByJob: true,
  }),
  jobCounterResets: enumValue(['overwrite', 'accumulate', 'accumulate-by-value'], {
    flag: 'job-counter-resets',
    default: 'overwrite',
    help: 'What to do when a counter decreases: overwrite it, or treat it as a restart and keep adding (accumulate). If a source sends start times, restarts and late pushes are detected by start time, except with accumulate-by-value. Rules may say otherwise for some senders (counter_resets).',
    onlyByJob: true,
  }),
  jobForgetDurationMs: duration({
    flag: 'job-forget-duration',
    default: 0,
    help: 'Fold a source that has not pushed for this long into the totals and forget it. Rules may say otherwise for some senders (forget_after). 0 means never.',
    onlyByJob: true,
  }),
  seriesTtlMs: duration({
    flag: 'series.ttl',
    default: 0,
    help: 'Drop a series that has not been pushed for this long; a gauge, in by-job mode, is withdrawn for each source that has not. Rules may say otherwise for some (ttl). 0 means never.',
  }),
  pathLabels: enumValue(['drop', 'add'], {
    flag: 'push.path-labels',
    default: 'drop',
    help: 'Whether labels in the path only identify the source (drop), or are also added to every series (add).',
  }),
  emptyInstance: onOff({
    flag: 'push.empty-instance',
    default: true,
    help: 'Like Pushgateway, add instance="" to series without an instance label, so that Prometheus with honor_labels does not add one. Applies with --by-job and --push.path-labels=add.',
  }),
  pushTimes: onOff({
    flag: 'push.push-times',
    default: true,
    help: 'Like Pushgateway, expose push_time_seconds and push_failure_time_seconds for each source. Applies with --by-job and --push.path-labels=add.',
  }),
  summaries: enumValue(['discard', 'sum-and-count'], {
    flag: 'push.summaries',
    default: 'discard',
    help: 'Whether to drop summaries (discard), or to keep them without their quantiles (sum-and-count).',
  }),
  openmetrics: enumValue(['strict', 'lenient'], {
    flag: 'push.openmetrics',
    default: 'strict',
    help: 'Whether to refuse OpenMetrics that violates the specification in any way (strict), or only if it is ambiguous (lenient).',
  }),
  idempotencyWindowMs: duration({
    flag: 'push.idempotency-window',
    default: 24 * 60 * 60 * 1000,
    help: 'How long to remember the Idempotency-Key of a push. A push repeated within this time is counted once.',
  }),
  idempotencyKeysMax: count({
    flag: 'push.idempotency-max-keys',
    default: 1_000_000,
    help: 'Maximum number of idempotency keys to remember, at about 70 bytes each. Beyond it, the oldest keys of the job with the most keys are evicted.',
    limitOf: 'idempotency_keys',
  }),
  scrapeCacheBytesMax: shareOfMemory({
    flag: 'scrape.cache-size',
    share: { of64: 1, min: 4 * MIB, max: 64 * MIB },
    allowZero: true,
    help: 'Maximum size of the cache of rendered families, for all formats together. Families that have not changed since the last scrape are served from it. 0 disables the cache.',
  }),
  nativeAsClassic: onOff({
    flag: 'scrape.native-as-classic',
    default: false,
    help: 'Expose native histograms as classic histograms in the text and OpenMetrics formats, which do not support them. If not set, only their count and sum are exposed.',
  }),
  zeroFirst: onOff({
    flag: 'scrape.zero-first',
    default: false,
    help: 'In the text format, show each new counter and histogram to a scraper as 0 once, so that increase() sees its first value. Scrapers are identified by address and User-Agent, or by the query parameter scraper.',
  }),
  openmetricsCreated: onOff({
    flag: 'scrape.openmetrics-created',
    default: false,
    help: 'Expose start times in OpenMetrics, as a _created line for each series. Prometheus stores each as a separate series, unless it runs with created-timestamp-zero-ingestion.',
  }),
};

export const defaultGatewayOptions: GatewayOptions = {
  ...withDefaults(gatewayOptionTable),
  limits: defaultLimits,
};
