/**
 * The gateway's own metrics, through prom-client. What is called on every push counts in plain numbers; metrics get
 * their values when the page is asked for.
 */
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';

import { errorTable } from '../../model/errors.ts';
import type { ErrorCode } from '../../model/errors.ts';
import { metricTypes } from '../../model/metric-type.ts';
import { PlainHistogram } from './plain-histogram.ts';
import { cutReasons } from '../api.ts';
import type { CutReason } from '../api.ts';
import { turnedAwayReasons } from '../scrapes/scrape-turn.ts';
import type { TurnedAwayReason } from '../scrapes/scrape-turn.ts';
import type { ScrapesReport } from '../scrapes/scrapes.ts';
import { ignoredReasons } from './telemetry.ts';
import type { ConfigReport, HoldingsByType, IgnoredReason, StorageReport, Telemetry } from './telemetry.ts';

/** Each own metric: its type, labels and meaning. docs/reference/metrics.md lists the same rows; a test compares. */
export const ownMetrics = {
  pushes_total: ['counter', ['result', 'code'], 'Pushes, by result and error code.'],
  push_samples_total: ['counter', [], 'Samples read from accepted pushes.'],
  push_body_bytes_total: ['counter', [], 'Bytes of push bodies, after decompression.'],
  push_duration_seconds: [
    'histogram',
    [],
    'Time to decode and apply an accepted push, after receiving its body.',
  ],
  scrape_duration_seconds: ['histogram', [], 'Time to write a scrape, up to its last byte.'],
  scrape_bytes_total: ['counter', [], 'Bytes of scrapes, before compression.'],
  scrapes_open: ['gauge', [], 'Scrapes in progress (--limit.scrapes).'],
  pushes_waiting: ['gauge', [], 'Pushes and deletes waiting in the queue.'],
  scrapes_waiting: ['gauge', [], 'Scrapes waiting in the queue.'],
  scrapes_turned_away_total: [
    'counter',
    ['reason'],
    'Scrapes answered 503, by reason: the queue was full (queue_full), or the scrape waited too long (waited).',
  ],
  scrapes_cut_total: [
    'counter',
    ['reason'],
    'Scrapes aborted, by reason: the client read nothing for a minute (stalled), the scrape timed out (lifetime), or the client read slowly while others were waiting or memory was low (pressure).',
  ],
  scrape_views: ['gauge', [], 'Read views held by scrapes in progress, each of a point in time.'],
  scrape_views_bytes: [
    'gauge',
    [],
    'Memory used by read views, by output that clients have not read yet, and by deleted series that cannot be reused yet.',
  ],
  samples_ignored_total: [
    'counter',
    ['reason'],
    'Samples ignored, by reason: NaN or infinite (non_finite), a NaN or infinite sum of a histogram or summary (non_finite_sum), part of a summary (summary), dropped by a relabelling rule (relabel), of new series beyond a limit of the rules (series_limit), or untyped with the name of a family declared since (stray_untyped). Also series left out of a scrape because their escaped names collide (name_collision).',
  ],
  samples_overflowed_total: [
    'counter',
    [],
    'Samples of new series beyond a limit of the rules that were added to a series whose labels read __overflow__ (on_limit: overflow).',
  ],
  last_push_timestamp_seconds: [
    'gauge',
    [],
    'Unix time of the last accepted push, including before a restart; 0 if unknown.',
  ],
  series: ['gauge', ['type'], 'Number of series, by metric type.'],
  families: ['gauge', ['type'], 'Number of metric families, by metric type.'],
  sources: [
    'gauge',
    ['state'],
    'Number of sources in by-job mode, by state: live, or pruned for inactivity.',
  ],
  sources_retired_total: ['counter', [], 'Sources deleted or forgotten.'],
  expired_series_total: [
    'counter',
    [],
    'Series dropped because they were not pushed for their ttl, or in their window.',
  ],
  deleted_series_total: [
    'counter',
    ['request'],
    'Series deleted through the admin API, by request: delete_series or wipe. A histogram or summary counts as one.',
  ],
  suspect_sources: [
    'gauge',
    ['reason'],
    'Paths with suspicious pushes, by reason: totals in add mode (totals_in_add_mode), two processes on one path (two_on_one_path), or a newer start time with each push (invented_start_times). At most 1000 paths are tracked.',
  ],
  late_pushes_total: [
    'counter',
    [],
    'Pushes that changed nothing, because their start times and values are older than those their source has already pushed, or because another member of the cluster held them while their source pushed.',
  ],
  series_bytes: ['gauge', [], 'Bytes used by series: names, labels and per-sample data.'],
  metadata_bytes: ['gauge', [], 'Bytes used by the names, HELP texts and units of families.'],
  source_bytes: ['gauge', [], 'Bytes used by sources in by-job mode and their last pushes.'],
  other_spellings_bytes: [
    'gauge',
    [],
    'Bytes used to recognize series with labels in non-canonical order or format.',
  ],
  limit: [
    'gauge',
    ['of'],
    'Limits, named after the metric that counts the same (without the prefix). The others are limits on one push, series, histogram or HELP text, on the bytes of all pushes in progress (bodies_bytes) and on connections, and the memory available to the gateway (memory_bytes).',
  ],
  exemplars: ['gauge', [], 'Number of exemplars.'],
  exemplars_dropped_total: ['counter', [], 'Exemplars dropped because of --limit.exemplars.'],
  idempotent_replays_total: [
    'counter',
    [],
    'Repeated pushes with the same Idempotency-Key, which were not counted again.',
  ],
  idempotency_keys: ['gauge', [], 'Number of idempotency keys.'],
  idempotency_keys_evicted_total: [
    'counter',
    [],
    'Idempotency keys evicted before they expired, because there were too many.',
  ],
  storage_commits_total: ['counter', [], 'Commits: groups of records written to storage.'],
  storage_commit_duration_seconds: ['histogram', [], 'Time to commit a group of records.'],
  storage_record_bytes_total: [
    'counter',
    [],
    'Bytes of records written, one record for each push or other change.',
  ],
  storage_waiting_records: ['gauge', [], 'Records waiting to be committed.'],
  storage_waiting_bytes: ['gauge', [], 'Bytes of records waiting to be committed.'],
  storage_size_bytes: ['gauge', [], 'Size of all storage files.'],
  storage_last_snapshot_timestamp_seconds: [
    'gauge',
    [],
    'Unix time of the last snapshot; 0 if there was none since the start.',
  ],
  storage_last_snapshot_size_bytes: ['gauge', [], 'Size of the last snapshot.'],
  storage_last_snapshot_duration_seconds: ['gauge', [], 'Duration of the last snapshot.'],
  storage_snapshots_failed_total: ['counter', [], 'Snapshots that failed.'],
  storage_replayed_records: ['gauge', [], 'Records replayed at startup, after the snapshot.'],
  storage_replay_duration_seconds: [
    'gauge',
    [],
    'Time to read the snapshot and replay the records at startup.',
  ],
  storage_damages: [
    'gauge',
    [],
    'Corruptions found at startup and moved aside; if greater than 0, data was lost.',
  ],
  config_last_reload_successful: [
    'gauge',
    [],
    'Whether the last reload of the configuration file succeeded: 1 or 0; 1 without a file.',
  ],
  config_last_reload_success_timestamp_seconds: [
    'gauge',
    [],
    'Unix time of the last successful load of the configuration file; 0 without a file.',
  ],
  web_config_last_reload_successful: [
    'gauge',
    [],
    'Whether the last reload of the web configuration file succeeded: 1 or 0; 1 without a file.',
  ],
  web_config_last_reload_success_timestamp_seconds: [
    'gauge',
    [],
    'Unix time of the last successful load of the web configuration file; 0 without a file.',
  ],
  token_pushes_total: [
    'counter',
    ['token', 'result'],
    'Pushes by the token that they came with; result: accepted or refused.',
  ],
  token_series: [
    'gauge',
    ['token'],
    'Series that were first pushed with a token and are still there, counted as series does.',
  ],
  build_info: [
    'gauge',
    ['version', 'node_version'],
    'A metric with a constant 1 value labeled by version and node_version.',
  ],
} as const;

const PREFIX = 'prom_aggregation_gateway_';
const PUSH_BUCKETS = [0.00001, 0.00003, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1];
const COMMIT_BUCKETS = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10];
const SCRAPE_BUCKETS = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30];

type OwnMetric = keyof typeof ownMetrics;

const errorCodes = Object.keys(errorTable) as readonly ErrorCode[];

interface TelemetryDeps extends ConfigReports {
  readonly version: string;
  readonly holdings: () => HoldingsByType;
  /** By what they are of: an own metric, all its series together, or what no metric counts. */
  readonly limits?: Readonly<Record<string, number>>;
}

/** Each left out where there is no such file. */
interface ConfigReports {
  readonly config?: (() => ConfigReport) | undefined;
  readonly webConfig?: (() => ConfigReport) | undefined;
}

export function createTelemetry(deps: TelemetryDeps): Telemetry {
  const registry = new Registry();
  ofProcess ??= processMetrics();
  const shared = ofProcess;
  const totals: Totals = { accepted: 0, replayed: 0, samples: 0, overflowed: 0, bytes: 0, scraped: 0 };
  // From 0 on, as what begins at 1 shows no increase().
  const refused = new Map<ErrorCode, number>(errorCodes.map((code) => [code, 0]));
  const ignored = new Map<IgnoredReason, number>(ignoredReasons.map((reason) => [reason, 0]));
  const pushDuration = histogram('push_duration_seconds', PUSH_BUCKETS);
  const scrapeDuration = histogram('scrape_duration_seconds', SCRAPE_BUCKETS);
  const commitDuration = histogram('storage_commit_duration_seconds', COMMIT_BUCKETS);
  const collect = collectors(registry);
  collect.counter('pushes_total', (set) => {
    set(totals.accepted, { result: 'accepted', code: 'ok' });
    for (const [code, count] of refused) set(count, { result: 'refused', code });
  });
  collectTotals(collect, totals);
  collect.counter('samples_ignored_total', (set) => {
    for (const [reason, count] of ignored) set(count, { reason });
  });
  // Asked for once a page: it counts every family, and the page shows one point in time.
  let holdings = deps.holdings();
  addHoldings(registry, () => holdings);
  collect.gauge('limit', (set) => {
    for (const [of, limit] of Object.entries(deps.limits ?? {})) set(limit, { of });
  });
  const scrapes = addScrapes(registry, () => holdings.scrapes);
  addStorage(registry, () => holdings.storage);
  addConfigReports(collect, deps);
  collect.gauge('build_info', (set) => set(1, { version: deps.version, node_version: process.version }));
  const pushedBy = countByToken(collect);
  return {
    pushedBy,
    pushReplayed() {
      totals.replayed += 1;
    },
    pushAccepted(samples, bytes, seconds) {
      totals.accepted += 1;
      totals.samples += samples;
      totals.bytes += bytes;
      pushDuration.observe(seconds);
    },
    pushRefused(code, bytes) {
      refused.set(code, (refused.get(code) ?? 0) + 1);
      totals.bytes += bytes;
    },
    samplesIgnored(reason, count) {
      ignored.set(reason, (ignored.get(reason) ?? 0) + count);
    },
    samplesOverflowed(count) {
      totals.overflowed += count;
    },
    committed(seconds) {
      commitDuration.observe(seconds);
    },
    scraped(seconds, bytes) {
      scrapeDuration.observe(seconds);
      totals.scraped += bytes;
    },
    ...scrapes,
    ...addDeletions(registry),
    async page() {
      holdings = deps.holdings();
      const histograms = [pushDuration, scrapeDuration, commitDuration].map((one) => `\n${one.text()}`);
      const own = await Promise.all([shared.metrics(), registry.metrics()]);
      return { contentType: registry.contentType, body: own.join('\n') + histograms.join('') };
    },
  };
}

interface Totals {
  accepted: number;
  replayed: number;
  samples: number;
  overflowed: number;
  bytes: number;
  scraped: number;
}

function collectTotals(collect: ReturnType<typeof collectors>, totals: Readonly<Totals>): void {
  collect.counter('push_samples_total', (set) => set(totals.samples));
  collect.counter('push_body_bytes_total', (set) => set(totals.bytes));
  collect.counter('samples_overflowed_total', (set) => set(totals.overflowed));
  collect.counter('scrape_bytes_total', (set) => set(totals.scraped));
  collect.counter('idempotent_replays_total', (set) => set(totals.replayed));
}

/** One for all gateways of the process: what collects these metrics can never be stopped, and would keep its gateway in memory. */
let ofProcess: Registry | undefined;

function processMetrics(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}

function addHoldings(registry: Registry, holdings: () => HoldingsByType): void {
  const collect = collectors(registry);
  collect.gauge('series', (set) => {
    const { series } = holdings();
    for (const type of metricTypes) set(series[type], { type });
  });
  collect.gauge('families', (set) => {
    const { families } = holdings();
    for (const type of metricTypes) set(families[type], { type });
  });
  collect.gauge('sources', (set) => {
    const { sourcesLive, sourcesPruned } = holdings();
    set(sourcesLive, { state: 'live' });
    set(sourcesPruned, { state: 'pruned' });
  });
  collect.gauge('token_series', (set) => {
    for (const [token, series] of holdings().seriesByToken) set(series, { token });
  });
  collect.gauge('series_bytes', (set) => set(holdings().usage.seriesBytes));
  collect.gauge('metadata_bytes', (set) => set(holdings().usage.metadataBytes));
  collect.gauge('source_bytes', (set) => set(holdings().usage.sourceBytes));
  collect.gauge('other_spellings_bytes', (set) => set(holdings().usage.seriesCacheBytes));
  collect.counter('sources_retired_total', (set) => set(holdings().sourcesRetired));
  collect.counter('expired_series_total', (set) => set(holdings().seriesExpired));
  collect.gauge('suspect_sources', (set) => {
    for (const [reason, paths] of holdings().suspects) set(paths, { reason });
  });
  collect.counter('late_pushes_total', (set) => set(holdings().pushesLate));
  collect.gauge('exemplars', (set) => set(holdings().exemplars));
  collect.counter('exemplars_dropped_total', (set) => set(holdings().exemplarsDropped));
  collect.gauge('last_push_timestamp_seconds', (set) => set((holdings().lastPushMs ?? 0) / 1000));
  collect.gauge('pushes_waiting', (set) => set(holdings().pushesWaiting));
  collect.gauge('idempotency_keys', (set) => set(holdings().idempotencyKeys));
  collect.counter('idempotency_keys_evicted_total', (set) => set(holdings().idempotencyKeysEvicted));
}

/** Also counts those that are not begun or not finished. */
function addScrapes(
  registry: Registry,
  report: () => ScrapesReport,
): Pick<Telemetry, 'scrapeTurnedAway' | 'scrapeCut'> {
  const collect = collectors(registry);
  const cut = new Map<CutReason, number>(cutReasons.map((reason) => [reason, 0]));
  const turnedAway = new Map<TurnedAwayReason, number>(turnedAwayReasons.map((reason) => [reason, 0]));
  collect.gauge('scrapes_open', (set) => set(report().open));
  collect.gauge('scrapes_waiting', (set) => set(report().waiting));
  collect.gauge('scrape_views', (set) => set(report().views));
  collect.gauge('scrape_views_bytes', (set) => set(report().bytes));
  collect.counter('scrapes_turned_away_total', (set) => {
    for (const [reason, count] of turnedAway) set(count, { reason });
  });
  collect.counter('scrapes_cut_total', (set) => {
    for (const [reason, count] of cut) set(count, { reason });
  });
  return {
    scrapeTurnedAway: (reason) => void turnedAway.set(reason, (turnedAway.get(reason) ?? 0) + 1),
    scrapeCut: (reason) => void cut.set(reason, (cut.get(reason) ?? 0) + 1),
  };
}

function addDeletions(registry: Registry): Pick<Telemetry, 'seriesDeleted'> {
  const counts = { delete_series: 0, wipe: 0 };
  collectors(registry).counter('deleted_series_total', (set) => {
    for (const [request, count] of Object.entries(counts)) set(count, { request });
  });
  return {
    seriesDeleted: (what, count) => void (counts[what === 'all' ? 'wipe' : 'delete_series'] += count),
  };
}

/** Where everything is kept in memory these are all 0. */
function addStorage(registry: Registry, storage: () => StorageReport | undefined): void {
  const collect = collectors(registry);
  const gauge = (name: OwnMetric, value: (report: StorageReport) => number): void =>
    collect.gauge(name, (set) => set(valueOf(storage(), value)));
  const counter = (name: OwnMetric, value: (report: StorageReport) => number): void =>
    collect.counter(name, (set) => set(valueOf(storage(), value)));
  counter('storage_commits_total', ({ commits }) => commits);
  counter('storage_record_bytes_total', ({ recordBytes }) => recordBytes);
  gauge('storage_waiting_records', ({ waitingRecords }) => waitingRecords);
  gauge('storage_waiting_bytes', ({ waitingBytes }) => waitingBytes);
  gauge('storage_size_bytes', ({ storedBytes }) => storedBytes);
  gauge('storage_last_snapshot_timestamp_seconds', ({ snapshots }) => (snapshots.last?.wallMs ?? 0) / 1000);
  gauge('storage_last_snapshot_size_bytes', ({ snapshots }) => snapshots.last?.bytes ?? 0);
  gauge('storage_last_snapshot_duration_seconds', ({ snapshots }) => snapshots.last?.seconds ?? 0);
  counter('storage_snapshots_failed_total', ({ snapshots }) => snapshots.failed);
  gauge('storage_replayed_records', ({ recovery }) => recovery.records);
  gauge('storage_replay_duration_seconds', ({ recovery }) => recovery.seconds);
  gauge('storage_damages', ({ recovery }) => recovery.lost.length);
}

function countByToken(collect: ReturnType<typeof collectors>): Telemetry['pushedBy'] {
  const byToken = new Map<string, { accepted: number; refused: number }>();
  collect.counter('token_pushes_total', (set) => {
    for (const [token, counts] of byToken)
      for (const result of ['accepted', 'refused'] as const) set(counts[result], { token, result });
  });
  return (token, result) => {
    const counts = byToken.get(token) ?? { accepted: 0, refused: 0 };
    counts[result] += 1;
    byToken.set(token, counts);
  };
}

function addConfigReports(
  collect: ReturnType<typeof collectors>,
  { config, webConfig }: ConfigReports,
): void {
  for (const [prefix, report] of [
    ['', config],
    ['web_', webConfig],
  ] as const) {
    collect.gauge(`${prefix}config_last_reload_successful`, (set) =>
      set(report?.().isSuccess === false ? 0 : 1),
    );
    collect.gauge(`${prefix}config_last_reload_success_timestamp_seconds`, (set) =>
      set((report?.().lastSuccessMs ?? 0) / 1000),
    );
  }
}

function valueOf(report: StorageReport | undefined, of: (report: StorageReport) => number): number {
  return report === undefined ? 0 : of(report);
}

type Fill = (set: (value: number, labels?: Record<string, string>) => void) => void;

/** Metrics that get their values when the page is asked for. */
function collectors(registry: Registry) {
  return {
    counter(name: OwnMetric, fill: Fill): void {
      new Counter({
        ...described(name, registry),
        collect() {
          this.reset();
          fill((value, labels = {}) => this.inc(labels, value));
        },
      });
    },
    gauge(name: OwnMetric, fill: Fill): void {
      new Gauge({
        ...described(name, registry),
        collect() {
          fill((value, labels = {}) => this.set(labels, value));
        },
      });
    },
  };
}

function histogram(name: OwnMetric, bounds: readonly number[]): PlainHistogram {
  return new PlainHistogram({ name: PREFIX + name, help: ownMetrics[name][2], bounds });
}

function described(name: OwnMetric, registry: Registry) {
  const [, labelNames, help] = ownMetrics[name];
  return { name: PREFIX + name, help, labelNames: [...labelNames], registers: [registry] };
}

/** docs/reference/metrics.md, made from the table above. */
export function metricsReference(): string {
  const rows = Object.entries(ownMetrics).map(
    ([name, [type, labels, help]]) =>
      `| \`${PREFIX}${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`,
  );
  return `${[
    '# Own metrics',
    '',
    'Made from the table in `packages/gateway/src/gateway/telemetry/prom-telemetry.ts` by `npm run reference`; do not edit.',
    '',
    'Exposed at `/-/metrics`, separate from the pushed metrics, together with the default metrics of prom-client (`process_…`, `nodejs_…`).',
    '',
    '| metric | type | labels | meaning |',
    '| --- | --- | --- | --- |',
    ...rows,
  ].join('\n')}\n`;
}
