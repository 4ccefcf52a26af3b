/**
 * All flags, in one table, from which the parser, the help, the names in the environment and the reference page are made.
 */
import { defaultGatewayOptions, gatewayChoices, largestLimits } from '../gateway/options.ts';
import { parseHostName, parseOrigin, parseProxy } from '../http/option-values.ts';
import { defaultHttpOptions } from '../http/options.ts';
import { defaultStorageOptions, storageChoices } from '../journal/options.ts';
import { budgetShares } from '../model/budgets.ts';
import type { Budgets } from '../model/budgets.ts';
import {
  formatDuration,
  formatSize,
  parseCount,
  parseDuration,
  parsePath,
  parseSize,
} from '../options/values.ts';
import type { Parsed } from '../options/values.ts';
import { parseListenAddress } from './listen-address.ts';

/** Groups of the help, in its order, with their headings. */
export const flagGroups = {
  web: 'How it is reached',
  job: 'By-job mode',
  push: 'What is kept of a push',
  scrape: 'How it is read',
  storage: 'What outlives a restart',
  limit: 'Limits; a push that would go past one is refused whole, where nothing else is said',
  log: 'Logs',
} as const;

export interface Flag {
  readonly name: string;
  readonly group: keyof typeof flagGroups;
  /** The name in weaveworks' and technicianted's gateways. */
  readonly alias?: string;
  /** What the help shows for the value; none for a flag that is on or off. */
  readonly value?: string;
  readonly repeatable?: boolean;
  /** As it would be written on the command line. */
  readonly default: string;
  readonly meaning: string;
  /** How the default follows from other flags, in words. */
  readonly share?: string;
  readonly parse: (text: string) => Parsed<unknown>;
}

const AUTO = 'auto';

const { limits } = defaultGatewayOptions;
const http = defaultHttpOptions;

function choice(...choices: readonly string[]): Pick<Flag, 'value' | 'parse'> {
  return {
    value: choices.join('|'),
    parse: (text) =>
      choices.includes(text)
        ? { value: text }
        : { problem: `${JSON.stringify(text)} is none of ${choices.join(', ')}` },
  };
}

const onOrOff: Pick<Flag, 'parse'> = {
  parse: (text) =>
    /^(?:true|false|1|0)$/.test(text)
      ? { value: text === 'true' || text === '1' }
      : { problem: `${JSON.stringify(text)} is neither true nor false` },
};

const duration: Pick<Flag, 'value' | 'parse'> = { value: 'duration', parse: parseDuration };
const interval: Pick<Flag, 'value' | 'parse'> = {
  value: 'duration',
  parse: (text) =>
    text === '0' ? { problem: '"0" is no interval; write it like 1s or 5m' } : parseDuration(text),
};
const size: Pick<Flag, 'value' | 'parse'> = { value: 'size', parse: parseSize };
/** A size that follows the memory there is unless it is given; undefined then. `AUTO` is how it is written. */
function budget(
  name: keyof Budgets,
  parse: Flag['parse'] = parseSize,
): Pick<Flag, 'value' | 'default' | 'parse'> & { readonly share: string } {
  const { of64, min, max } = budgetShares[name];
  return {
    value: 'size',
    default: AUTO,
    parse: (text) => (text === AUTO ? { value: undefined } : parse(text)),
    share: `auto: ${of64}/64 of --limit.memory, from ${formatSize(min)} to ${formatSize(max)}.`,
  };
}
function sizeUpTo(most: number): Flag['parse'] {
  return (text) => {
    const parsed = parseSize(text);
    const isTooMuch = 'value' in parsed && parsed.value > most;
    return isTooMuch ? { problem: `at most ${formatSize(most)} can be kept` } : parsed;
  };
}
const count: Pick<Flag, 'value' | 'parse'> = { value: 'count', parse: parseCount };
const path: Pick<Flag, 'value' | 'parse'> = { value: 'path', parse: parsePath };

export const flags: readonly Flag[] = [
  {
    name: 'web.listen-address',
    group: 'web',
    alias: 'listen',
    value: 'address',
    repeatable: true,
    default: ':9091',
    meaning: 'Address to listen on, such as :80, 127.0.0.1:9091 or [::1]:9091.',
    parse: parseListenAddress,
  },
  {
    name: 'web.push-path',
    group: 'web',
    alias: 'push-path',
    ...path,
    default: http.pushPath,
    meaning: 'Prefix of the paths that take pushes.',
  },
  {
    name: 'web.telemetry-path',
    group: 'web',
    ...path,
    default: http.telemetryPath,
    meaning: "Where the gateway's own metrics are, apart from the users'.",
  },
  {
    name: 'web.cors-origin',
    group: 'web',
    alias: 'cors',
    value: 'origin',
    repeatable: true,
    default: '*',
    meaning:
      'Web origin whose pages may push, read and delete; * lets pages of all origins push. With exact origins alone, pushes from others are refused.',
    parse: parseOrigin,
  },
  {
    name: 'web.max-body-size',
    group: 'web',
    ...size,
    default: formatSize(http.bodyBytesMax),
    meaning: 'Largest body of a push, as sent and after decompression as well.',
  },
  {
    name: 'web.max-inflight-size',
    group: 'web',
    ...budget('bodiesBytesMax'),
    meaning: 'Largest sum of all bodies held at one time; pushes beyond are answered 503.',
  },
  {
    name: 'web.max-connections',
    group: 'web',
    ...count,
    default: String(http.connectionsMax),
    meaning: 'Most connections at one time, per address; more are closed at once.',
  },
  {
    name: 'web.allowed-hosts',
    group: 'web',
    value: 'host',
    repeatable: true,
    default: '*',
    meaning:
      'Host name that requests may come for, with or without a port, or * for all. With names, requests for others are refused, against DNS rebinding; IP addresses and health checks are let in.',
    parse: parseHostName,
  },
  {
    name: 'web.trusted-proxies',
    group: 'web',
    value: 'addresses',
    repeatable: true,
    default: 'none',
    meaning:
      'Address or CIDR block, such as 10.0.0.0/8, of proxies whose X-Forwarded-For is believed: senders and scrapers are then told apart, and named in the log, by the address that it says.',
    parse: parseProxy,
  },
  {
    name: 'web.read-timeout',
    group: 'web',
    ...duration,
    default: formatDuration(http.readTimeoutMs),
    meaning: 'Time for a whole request to arrive; then it is answered 408.',
  },
  {
    name: 'web.shutdown-timeout',
    group: 'web',
    ...duration,
    default: formatDuration(http.shutdownTimeoutMs),
    meaning: 'Time for requests under way to finish after SIGTERM or SIGINT.',
  },
  {
    name: 'by-job',
    group: 'job',
    alias: 'by-job',
    ...onOrOff,
    default: 'false',
    meaning: "A push replaces the source's earlier push; the scrape sums over sources.",
  },
  {
    name: 'job-prune-duration',
    group: 'job',
    alias: 'job-prune-duration',
    ...duration,
    default: '0',
    meaning: 'The gauges of a source that is silent for longer are taken off the page; 0 means never.',
  },
  {
    name: 'job-counter-resets',
    group: 'job',
    ...choice(...gatewayChoices.jobCounterResets),
    default: 'overwrite',
    meaning:
      'A smaller counter replaces the larger (overwrite), or is a restart, and the sum goes on (accumulate). Where a source tells start times, these say what is a restart and what comes late, unless only values count (accumulate-by-value).',
  },
  {
    name: 'job-forget-duration',
    group: 'job',
    ...duration,
    default: '0',
    meaning: 'A source silent for longer is folded into the totals and forgotten; 0 means never.',
  },
  {
    name: 'push.path-labels',
    group: 'push',
    ...choice(...gatewayChoices.pathLabels),
    default: 'drop',
    meaning: 'Labels of the path only tell sources apart (drop), or are added to every series too (add).',
  },
  {
    name: 'push.empty-instance',
    group: 'push',
    ...onOrOff,
    default: String(defaultGatewayOptions.emptyInstance),
    meaning:
      'With --by-job and path labels added, as Pushgateway: series without an instance get instance="", so that a scraper with honor_labels gives them none.',
  },
  {
    name: 'push.push-times',
    group: 'push',
    ...onOrOff,
    default: String(defaultGatewayOptions.pushTimes),
    meaning:
      'With --by-job and path labels added, as Pushgateway: push_time_seconds and push_failure_time_seconds of each source.',
  },
  {
    name: 'push.summaries',
    group: 'push',
    ...choice(...gatewayChoices.summaries),
    default: 'discard',
    meaning: 'Summaries are dropped (discard), or kept without their quantiles (sum-and-count).',
  },
  {
    name: 'push.openmetrics',
    group: 'push',
    ...choice(...gatewayChoices.openmetrics),
    default: 'strict',
    meaning:
      'OpenMetrics is refused where it breaks any rule of its specification (strict), or only where it could be misread (lenient).',
  },
  {
    name: 'push.idempotency-window',
    group: 'push',
    ...duration,
    default: formatDuration(defaultGatewayOptions.idempotencyWindowMs),
    meaning:
      'How long the Idempotency-Key of a push is remembered; sent again within it, the push counts once.',
  },
  {
    name: 'push.idempotency-max-keys',
    group: 'push',
    ...count,
    default: String(defaultGatewayOptions.idempotencyKeysMax),
    meaning:
      'Most keys remembered, about 70 bytes each; past it the oldest go of the job that holds the most.',
  },
  {
    name: 'scrape.cache-size',
    group: 'scrape',
    ...budget('scrapeCacheBytesMax', (text) => (text === '0' ? { value: 0 } : parseSize(text))),
    meaning:
      'Most text kept of families that have not changed between scrapes, all formats together; the rest is written anew. 0 keeps none.',
  },
  {
    name: 'scrape.native-as-classic',
    group: 'scrape',
    ...onOrOff,
    default: String(defaultGatewayOptions.nativeAsClassic),
    meaning:
      'In text and OpenMetrics, which have no native histograms, show their buckets as classic ones; without it, only count and sum.',
  },
  {
    name: 'scrape.zero-first',
    group: 'scrape',
    ...onOrOff,
    default: String(defaultGatewayOptions.zeroFirst),
    meaning:
      'In text, show a counter or histogram that is new to who scrapes as 0 once, so that increase() sees its first value. Who scrapes is told by address and User-Agent, or by the query parameter scraper.',
  },
  {
    name: 'scrape.openmetrics-created',
    group: 'scrape',
    ...onOrOff,
    default: String(defaultGatewayOptions.openmetricsCreated),
    meaning:
      'In OpenMetrics, show when counting began, in a line _created for each series. Prometheus stores each as a series of its own, unless it runs with created-timestamp-zero-ingestion.',
  },
  {
    name: 'storage.path',
    group: 'storage',
    value: 'folder',
    default: defaultStorageOptions.path ?? '',
    meaning:
      'Folder for what must outlive a restart; created when missing, used by one process at a time. Empty, or - in the environment, keeps everything in memory.',
    parse: (text) => ({ value: text === '' || text === '-' ? undefined : text }),
  },
  {
    name: 'storage.sync',
    group: 'storage',
    ...choice(...storageChoices.sync),
    default: defaultStorageOptions.sync,
    meaning:
      'A push is answered once it is on disk (commit), or once it is written, with the disk synced at an interval: that survives a crash of the process, and may lose one interval at a power cut (interval).',
  },
  {
    name: 'storage.sync-interval',
    group: 'storage',
    ...interval,
    default: formatDuration(defaultStorageOptions.syncIntervalMs),
    meaning: 'Time between syncs of the disk with --storage.sync=interval.',
  },
  {
    name: 'storage.snapshot-interval',
    group: 'storage',
    ...interval,
    default: formatDuration(defaultStorageOptions.snapshotIntervalMs),
    meaning: 'Time between snapshots, which let old records go, where enough was pushed to be worth one.',
  },
  {
    name: 'storage.max-size',
    group: 'storage',
    ...size,
    default: formatSize(defaultStorageOptions.bytesMax),
    meaning: 'Most space taken on disk; pushes that no longer fit are answered 503.',
  },
  {
    name: 'storage.on-corruption',
    group: 'storage',
    ...choice(...storageChoices.onCorruption),
    default: defaultStorageOptions.onCorruption,
    meaning:
      'When what is kept turns out to be damaged: do not start (fail), or move the damage aside, start from what is whole and say what was lost (quarantine).',
  },
  {
    name: 'storage.accept-mode-change',
    group: 'storage',
    ...onOrOff,
    default: String(defaultStorageOptions.acceptModeChange),
    meaning:
      'Start with a store that was kept in the other mode, or in by-job mode with another --push.path-labels. Without it such a start is refused, as sources would count twice and gauges would be lost.',
  },
  {
    name: 'limit.memory',
    group: 'limit',
    value: 'size',
    default: AUTO,
    meaning:
      'Memory to plan with; limits that are not given are shares of it. auto: what the container may use, or else what the machine has.',
    parse: (text) => (text === AUTO ? { value: undefined } : parseSize(text)),
  },
  {
    name: 'limit.scrapes',
    group: 'limit',
    ...count,
    default: String(http.scrapesMax),
    meaning: 'Most scrapes under way at one time; more wait a little, and are then answered 503.',
  },
  {
    name: 'limit.series',
    group: 'limit',
    ...count,
    default: String(limits.seriesMax),
    meaning: 'Most samples held, as the page shows them; a histogram series is one per bucket plus two.',
  },
  {
    name: 'limit.families',
    group: 'limit',
    ...count,
    default: String(limits.familiesMax),
    meaning: 'Most families held.',
  },
  {
    name: 'limit.sources',
    group: 'limit',
    ...count,
    default: String(limits.sourcesMax),
    meaning: 'Most sources remembered in by-job mode.',
  },
  {
    name: 'limit.buckets',
    group: 'limit',
    ...count,
    default: String(limits.bucketsMax),
    meaning: 'Most buckets of one histogram series, over all senders.',
  },
  {
    name: 'limit.native-buckets',
    group: 'limit',
    ...count,
    default: String(limits.nativeBucketsMax),
    meaning:
      'Most buckets of one native histogram, on the page and of each resolution among its senders; past it the resolution is lowered.',
  },
  {
    name: 'limit.exemplars',
    group: 'limit',
    ...count,
    default: String(limits.exemplarsMax),
    meaning: 'Most exemplars kept in all; past it, series with none get none. 0 keeps none.',
    parse: (text) => (text === '0' ? { value: 0 } : parseCount(text)),
  },
  {
    name: 'limit.labels',
    group: 'limit',
    ...count,
    default: String(limits.labelsMax),
    meaning: 'Most labels of one series.',
  },
  {
    name: 'limit.series-bytes',
    group: 'limit',
    ...size,
    default: formatSize(limits.seriesBytesMax),
    meaning: 'Longest name and labels of one series; at most 60KiB.',
    parse: sizeUpTo(largestLimits.seriesBytesMax),
  },
  {
    name: 'limit.series-bytes-total',
    group: 'limit',
    ...budget('seriesBytesTotalMax', sizeUpTo(largestLimits.seriesBytesTotalMax)),
    meaning: 'Most bytes of all series: names, labels, and what goes with each sample.',
  },
  {
    name: 'limit.help-bytes',
    group: 'limit',
    ...size,
    default: formatSize(limits.helpBytesMax),
    meaning: 'Longest HELP of one family.',
  },
  {
    name: 'limit.metadata-bytes-total',
    group: 'limit',
    ...budget('metadataBytesTotalMax'),
    meaning: 'Most bytes of the names, help and units of all families.',
  },
  {
    name: 'limit.source-bytes-total',
    group: 'limit',
    ...budget('sourceBytesTotalMax'),
    meaning: 'Most bytes of all sources in by-job mode, and of what each pushed last.',
  },
  {
    name: 'log.level',
    group: 'log',
    ...choice('debug', 'info', 'warn', 'error'),
    default: 'info',
    meaning: 'Least severe messages to log.',
  },
  {
    name: 'log.format',
    group: 'log',
    ...choice('logfmt', 'json'),
    default: 'logfmt',
    meaning: 'How log lines are written, to stderr.',
  },
];

/** `web.listen-address` is `PAG_WEB_LISTEN_ADDRESS` in the environment. */
export function environmentName(flag: Flag): string {
  return `PAG_${flag.name.toUpperCase().replaceAll(/[.-]/g, '_')}`;
}

export function isSwitch(flag: Flag): boolean {
  return flag.value === undefined;
}
