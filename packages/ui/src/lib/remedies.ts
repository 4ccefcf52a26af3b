/** What to change, by the code of an error; as docs/reference/errors.md has it. */
export const remedies: Readonly<Record<string, string>> = {
  syntax:
    'Fix what the message points at. A body ends in a line feed; with curl, use --data-binary instead of -d.',
  invalid_utf8: 'Write the body as UTF-8.',
  carriage_return: 'End lines with LF only.',
  newlines_stripped: 'With curl, use --data-binary: -d strips newlines.',
  invalid_name: 'Rename the metric or label, or quote the name: {"my.metric"}.',
  invalid_value: 'Counters, counts and buckets must not be negative, NaN or infinite.',
  invalid_histogram: 'Make buckets cumulative, and +Inf equal to _count.',
  duplicate_series: 'Send each series once per push.',
  duplicate_label: 'Use each label once per series.',
  duplicate_metadata: 'Write one HELP and one TYPE line per family, before its samples.',
  type_conflict: 'Rename the metric, or declare it with the type in the message.',
  unsupported_type: 'Leave the family out, or use one of the types in the message.',
  body_unreadable: 'Send the complete body, compressed as stated in Content-Encoding.',
  invalid_path: 'Write the path as job/<job>/<label>/<value>.',
  job_missing: 'Push to /metrics/job/<job>: in by-job mode each sender has its own job.',
  invalid_idempotency_key: 'Use a new UUID for each push.',
  invalid_parameter: 'Fix or remove the parameter in the message.',
  invalid_host: 'Send one Host header.',
  unauthorized: 'Send a token, or a user and a password of the web configuration file.',
  forbidden: 'Use a token or user that may do this; the message says what this one may.',
  origin_not_allowed: 'Add the origin with --web.cors-origin.',
  lifecycle_disabled: 'Start the gateway with --web.enable-lifecycle, or reload with SIGHUP.',
  admin_api_disabled: 'Start the gateway with --web.enable-admin-api.',
  not_found: 'Use one of the paths in the message.',
  method_not_allowed: 'Use one of the methods in the Allow header.',
  request_timeout: 'Send faster, or push less at once.',
  idempotency_key_forgotten: 'Do not retry: the push may have been counted already.',
  body_too_large: 'Push less at once, or raise --web.max-body-size.',
  unsupported_media_type: 'Set the protobuf parameters given in the message.',
  unsupported_encoding: 'Compress once, with gzip, deflate, br, snappy or zstd.',
  host_not_allowed: 'Use a host listed in --web.allowed-hosts, or add this one.',
  series_limit: 'Use fewer label values (Cardinality shows which), or raise the limit.',
  families_limit: 'Send fewer metrics, or raise the limit.',
  metadata_limit: 'Shorten the HELP text, or raise the limit in the message.',
  sources_limit: 'Use fewer jobs and instances, or set --job-forget-duration to forget silent sources.',
  buckets_limit: 'Use the same bucket boundaries in all senders.',
  labels_limit: 'Send fewer or shorter labels.',
  idempotency_key_reused: 'Use a new key for each push; reuse it only for retries.',
  too_many_attempts: 'Correct the password, and retry later.',
  too_many_requests: 'Retry after Retry-After seconds, or raise the limit of the token.',
  overloaded: 'Retry after Retry-After seconds.',
  storage_full: 'Free disk space, or raise --storage.max-size; pushes are then accepted again.',
  storage_failed: 'Repair the disk and restart the gateway.',
  shutting_down: 'Retry after Retry-After seconds.',
  no_leader: 'Retry after Retry-After seconds; see whether the log of the cluster can be reached.',
  not_leading: 'Retry after Retry-After seconds: another member takes over.',
  member_replaced: 'Give each member of the cluster a --cluster.name of its own.',
  reload_failed: 'Fix what the reply lists; the previous rules stay in force.',
  body_already_read: 'If embedded, pass requests to the gateway before any body parser.',
  internal: 'See the log of the gateway, and report the bug.',
};

/** Of pushes that were taken and of which nothing counts, by what came of them. */
const advices: Readonly<Record<string, string>> = {
  dropped:
    'Nothing of it counts: summaries are dropped unless the gateway runs with --push.summaries=sum-and-count. A histogram can be added up. NaN and infinite values are dropped as well.',
  'dropped by rules': 'Nothing of it counts: rules of the configuration file drop all of it.',
  'dropped by limits':
    'Nothing of it counts: a limit of the configuration file is reached, and says to drop what is beyond.',
  late: 'Nothing of it counts: a newer push of the same sender came before it.',
};

export function adviceFor(outcome: string): string | undefined {
  return advices[outcome];
}
