import type { Limits } from '../store/aggregation-config.ts';
import { enumValue, count, duration, onOff, shareOfMemory, size } from '../options/kinds.ts';
import { withDefaults } from '../options/option.ts';
import type { OptionTable } from '../options/option.ts';

const KIB = 2 ** 10;
const MIB = 2 ** 20;
const GIB = 2 ** 30;

/** How the gateway aggregates. Each field is a flag, in the tables below. */
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

export const gatewayOptionTable: OptionTable<Omit<GatewayOptions, 'limits'>> = {
  byJob: onOff({
    flag: 'by-job',
    alias: 'by-job',
    default: false,
    help: "A push replaces the source's earlier push; the scrape sums over sources.",
  }),
  jobPruneDurationMs: duration({
    flag: 'job-prune-duration',
    alias: 'job-prune-duration',
    default: 0,
    help: 'The gauges of a source that is silent for longer are taken off the page; 0 means never.',
    onlyByJob: true,
  }),
  jobCounterResets: enumValue(['overwrite', 'accumulate', 'accumulate-by-value'], {
    flag: 'job-counter-resets',
    default: 'overwrite',
    help: 'A smaller counter replaces the larger (overwrite), or is a restart, and the sum goes on (accumulate). Where a source tells start times, these say what is a restart and what comes late, unless only values count (accumulate-by-value).',
    onlyByJob: true,
  }),
  jobForgetDurationMs: duration({
    flag: 'job-forget-duration',
    default: 0,
    help: 'A source silent for longer is folded into the totals and forgotten; 0 means never.',
    onlyByJob: true,
  }),
  pathLabels: enumValue(['drop', 'add'], {
    flag: 'push.path-labels',
    default: 'drop',
    help: 'Labels of the path only tell sources apart (drop), or are added to every series too (add).',
  }),
  emptyInstance: onOff({
    flag: 'push.empty-instance',
    default: true,
    help: 'With --by-job and path labels added, as Pushgateway: series without an instance get instance="", so that a scraper with honor_labels gives them none.',
  }),
  pushTimes: onOff({
    flag: 'push.push-times',
    default: true,
    help: 'With --by-job and path labels added, as Pushgateway: push_time_seconds and push_failure_time_seconds of each source.',
  }),
  summaries: enumValue(['discard', 'sum-and-count'], {
    flag: 'push.summaries',
    default: 'discard',
    help: 'Summaries are dropped (discard), or kept without their quantiles (sum-and-count).',
  }),
  openmetrics: enumValue(['strict', 'lenient'], {
    flag: 'push.openmetrics',
    default: 'strict',
    help: 'OpenMetrics is refused where it breaks any rule of its specification (strict), or only where it could be misread (lenient).',
  }),
  idempotencyWindowMs: duration({
    flag: 'push.idempotency-window',
    default: 24 * 60 * 60 * 1000,
    help: 'How long the Idempotency-Key of a push is remembered; sent again within it, the push counts once.',
  }),
  idempotencyKeysMax: count({
    flag: 'push.idempotency-max-keys',
    default: 1_000_000,
    help: 'Most keys remembered, about 70 bytes each; past it the oldest go of the job that holds the most.',
    limitOf: 'idempotency_keys',
  }),
  scrapeCacheBytesMax: shareOfMemory({
    flag: 'scrape.cache-size',
    share: { of64: 1, min: 4 * MIB, max: 64 * MIB },
    allowZero: true,
    help: 'Most text kept of families that have not changed between scrapes, all formats together; the rest is written anew. 0 keeps none.',
  }),
  nativeAsClassic: onOff({
    flag: 'scrape.native-as-classic',
    default: false,
    help: 'In text and OpenMetrics, which have no native histograms, show their buckets as classic ones; without it, only count and sum.',
  }),
  zeroFirst: onOff({
    flag: 'scrape.zero-first',
    default: false,
    help: 'In text, show a counter or histogram that is new to who scrapes as 0 once, so that increase() sees its first value. Who scrapes is told by address and User-Agent, or by the query parameter scraper.',
  }),
  openmetricsCreated: onOff({
    flag: 'scrape.openmetrics-created',
    default: false,
    help: 'In OpenMetrics, show when counting began, in a line _created for each series. Prometheus stores each as a series of its own, unless it runs with created-timestamp-zero-ingestion.',
  }),
};

export const limitTable: OptionTable<Limits> = {
  seriesMax: count({
    flag: 'limit.series',
    default: 5_000_000,
    help: 'Most samples held, as the page shows them; a histogram series is one per bucket plus two.',
    limitOf: 'series',
  }),
  familiesMax: count({
    flag: 'limit.families',
    default: 50_000,
    help: 'Most families held.',
    limitOf: 'families',
  }),
  sourcesMax: count({
    flag: 'limit.sources',
    default: 1_000_000,
    help: 'Most sources remembered in by-job mode.',
    limitOf: 'sources',
  }),
  bucketsMax: count({
    flag: 'limit.buckets',
    default: 500,
    help: 'Most buckets of one histogram series, over all senders.',
    limitOf: 'histogram_buckets',
  }),
  nativeBucketsMax: count({
    flag: 'limit.native-buckets',
    default: 160,
    help: 'Most buckets of one native histogram, on the page and of each resolution among its senders; past it the resolution is lowered.',
    limitOf: 'native_histogram_buckets',
  }),
  exemplarsMax: count({
    flag: 'limit.exemplars',
    default: 100_000,
    allowZero: true,
    help: 'Most exemplars kept in all; past it, series with none get none. 0 keeps none.',
    limitOf: 'exemplars',
  }),
  labelsMax: count({
    flag: 'limit.labels',
    default: 64,
    help: 'Most labels of one series.',
    limitOf: 'series_labels',
  }),
  // Addresses and lengths of what is kept have so many bits, of which the largest sizes leave half.
  seriesBytesMax: size({
    flag: 'limit.series-bytes',
    default: 16 * KIB,
    max: 60 * KIB,
    help: 'Longest name and labels of one series; at most 60KiB.',
    limitOf: 'one_series_bytes',
  }),
  seriesBytesTotalMax: shareOfMemory({
    flag: 'limit.series-bytes-total',
    share: { of64: 10, min: 16 * MIB, max: 2048 * MIB },
    max: 8 * GIB,
    help: 'Most bytes of all series: names, labels, and what goes with each sample.',
    limitOf: 'series_bytes',
  }),
  helpBytesMax: size({
    flag: 'limit.help-bytes',
    default: 16 * KIB,
    help: 'Longest HELP of one family.',
    limitOf: 'help_bytes',
  }),
  metadataBytesTotalMax: shareOfMemory({
    flag: 'limit.metadata-bytes-total',
    share: { of64: 2, min: 4 * MIB, max: 128 * MIB },
    help: 'Most bytes of the names, help and units of all families.',
    limitOf: 'metadata_bytes',
  }),
  sourceBytesTotalMax: shareOfMemory({
    flag: 'limit.source-bytes-total',
    share: { of64: 6, min: 16 * MIB, max: 2048 * MIB },
    help: 'Most bytes of all sources in by-job mode, and of what each pushed last.',
    limitOf: 'source_bytes',
  }),
  otherSpellingsBytesMax: shareOfMemory({
    share: { of64: 2, min: 4 * MIB, max: 256 * MIB },
    limitOf: 'other_spellings_bytes',
  }),
};

export const defaultLimits: Limits = withDefaults(limitTable);

export const defaultGatewayOptions: GatewayOptions = {
  ...withDefaults(gatewayOptionTable),
  limits: defaultLimits,
};
