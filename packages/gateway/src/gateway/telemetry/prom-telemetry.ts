/**
 * The gateway's own metrics, through prom-client. What is called on every push counts in plain numbers; metrics get
 * their values when the page is asked for.
 */
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';

import { errorTable } from '../../model/errors.ts';
import type { ErrorCode } from '../../model/errors.ts';
import { metricTypes } from '../../model/metric-type.ts';
import { ownMetrics, PREFIX } from './own-metrics.ts';
import type { OwnMetric } from './own-metrics.ts';
import { PlainHistogram } from './plain-histogram.ts';
import { cutReasons } from '../api.ts';
import type { CutReason } from '../api.ts';
import { turnedAwayReasons } from '../scrapes/scrape-turn.ts';
import type { TurnedAwayReason } from '../scrapes/scrape-turn.ts';
import type { ScrapesReport } from '../scrapes/scrapes.ts';
import { ignoredReasons } from './telemetry.ts';
import type { ConfigReport, HoldingsByType, IgnoredReason, StorageReport, Telemetry } from './telemetry.ts';

const PUSH_BUCKETS = [0.00001, 0.00003, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1];
const COMMIT_BUCKETS = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10];
const SCRAPE_BUCKETS = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30];

const errorCodes = Object.keys(errorTable) as readonly ErrorCode[];

/** Of a member of a cluster. */
interface ClusterReport {
  readonly leads: boolean;
  readonly block: number;
  readonly silentMs: number;
  readonly configDiffers: boolean;
  readonly overtaken: number;
  readonly members: number;
  readonly level: number;
  readonly digestsCompared: number;
  readonly stateDiffers: boolean;
  readonly requestsHeld: number;
}

interface TelemetryDeps extends ConfigReports {
  readonly cluster?: (() => ClusterReport) | undefined;
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
  addCluster(collect, deps.cluster);
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

function addCluster(collect: ReturnType<typeof collectors>, report: (() => ClusterReport) | undefined): void {
  const from = (of: (report: ClusterReport) => number): Fill => {
    return (set) => set(report === undefined ? 0 : of(report()));
  };
  collect.gauge(
    'cluster_leads',
    from(({ leads }) => (leads ? 1 : 0)),
  );
  collect.gauge(
    'cluster_block',
    from(({ block }) => block),
  );
  collect.gauge(
    'cluster_silent_seconds',
    from(({ silentMs }) => silentMs / 1000),
  );
  collect.gauge(
    'cluster_config_differs',
    from(({ configDiffers }) => (configDiffers ? 1 : 0)),
  );
  collect.counter(
    'cluster_overtaken_total',
    from(({ overtaken }) => overtaken),
  );
  collect.counter(
    'cluster_digests_compared_total',
    from(({ digestsCompared }) => digestsCompared),
  );
  collect.gauge(
    'cluster_state_differs',
    from(({ stateDiffers }) => (stateDiffers ? 1 : 0)),
  );
  collect.gauge(
    'cluster_members',
    from(({ members }) => members),
  );
  collect.gauge(
    'cluster_log_level',
    from(({ level }) => level),
  );
  collect.gauge(
    'cluster_requests_held',
    from(({ requestsHeld }) => requestsHeld),
  );
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
