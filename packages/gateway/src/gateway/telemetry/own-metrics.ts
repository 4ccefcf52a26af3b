/** What the gateway says of itself. */
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
  cluster_leads: ['gauge', [], 'Whether this member of a cluster leads (1) or not (0); 0 without a cluster.'],
  cluster_block: [
    'gauge',
    [],
    'Number of the block of the log of the cluster that this member read or appended last.',
  ],
  cluster_silent_seconds: [
    'gauge',
    [],
    'Time since this member read the last block of the log of the cluster; on the leader, time that an append has waited for its outcome.',
  ],
  cluster_config_differs: [
    'gauge',
    [],
    'Whether the rules in force in the cluster are those of another configuration file than that of this member (1).',
  ],
  cluster_overtaken_total: ['counter', [], 'How often another member took over while this one led.'],
  cluster_members: [
    'gauge',
    [],
    'Members of the cluster that this one has heard of in the last 30 seconds, itself among them.',
  ],
  cluster_log_level: [
    'gauge',
    [],
    'Level of the log of the cluster: versions that do not read it cannot join any more.',
  ],
  cluster_digests_compared_total: [
    'counter',
    [],
    'Digests of the state of the leader that this member has compared with its own (--cluster.digest-interval).',
  ],
  cluster_state_differs: [
    'gauge',
    [],
    'Whether the state of this member differed from that of the leader when they were compared last (1).',
  ],
  cluster_requests_held: [
    'gauge',
    [],
    'Requests for the leader that this member holds until one leads (--cluster.hold).',
  ],
  build_info: [
    'gauge',
    ['version', 'node_version'],
    'A metric with a constant 1 value labeled by version and node_version.',
  ],
} as const;

export const PREFIX = 'prom_aggregation_gateway_';

export type OwnMetric = keyof typeof ownMetrics;

/** docs/reference/metrics.md, made from the table above. */
export function metricsReference(): string {
  const rows = Object.entries(ownMetrics).map(
    ([name, [type, labels, help]]) =>
      `| \`${PREFIX}${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`,
  );
  return `${[
    '# Own metrics',
    '',
    'Made from the table in `packages/gateway/src/gateway/telemetry/own-metrics.ts` by `npm run reference`; do not edit.',
    '',
    'Exposed at `/-/metrics`, separate from the pushed metrics, together with the default metrics of prom-client (`process_…`, `nodejs_…`).',
    '',
    '| metric | type | labels | meaning |',
    '| --- | --- | --- | --- |',
    ...rows,
  ].join('\n')}\n`;
}
