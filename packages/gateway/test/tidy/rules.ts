/** What the checks hold the code base to, and what is not so yet. A list of exceptions gets shorter; whoever adds to one says why. */
import type { Layers } from './layers.ts';
import type { BannedWord } from './words.ts';

export const fileLinesMax = 500;
export const functionLinesMax = 70;

const nouns = ['model', 'primitives'] as const;
/** What holds the numbers, from below. */
const rooms = ['store', 'sources', 'state', 'ingest', 'wal', 'snapshot', 'read'] as const;
const httpFolders = [
  'http/senders',
  'http/replies',
  'http/connections',
  'http/bodies',
  'http/routes',
  'http/openapi',
] as const;
const gatewayFolders = [
  'gateway/api.ts',
  'gateway/insight-api.ts',
  'gateway/options.ts',
  'gateway/ledger',
  'gateway/scrapes',
  'gateway/insight',
  'gateway/pushes',
  'gateway/deletions',
  'gateway/statistics',
  'gateway/listings',
  'gateway/telemetry',
] as const;
const belowGateway = ['journal', ...rooms, 'exposition', 'histogram', 'rules', 'options', ...nouns] as const;
const clusterFolders = ['cluster/timing.ts', 'cluster/log', 'cluster/engines', 'cluster/forward'] as const;
const belowHttp = [
  'access',
  ...gatewayFolders,
  'gateway',
  ...clusterFolders,
  'cluster',
  ...belowGateway,
] as const;

/**
 * From below: each may import itself and what its row names. A folder in which files stand above others has a row for each; rows of folders
 * that are not there yet do no harm.
 */
export const layers: Layers = {
  primitives: [],
  model: ['primitives'],
  options: ['primitives'],
  histogram: nouns,
  rules: nouns,
  store: ['options', 'histogram', 'rules', ...nouns],
  sources: ['store', 'histogram', 'rules', ...nouns],
  state: ['store', 'sources', 'histogram', 'rules', ...nouns],
  ingest: ['store', 'sources', 'state', 'histogram', 'rules', ...nouns],
  wal: ['store', 'sources', 'state', 'histogram', 'rules', ...nouns],
  snapshot: ['store', 'sources', 'state', 'wal', 'histogram', 'rules', ...nouns],
  read: ['store', 'sources', 'state', 'histogram', 'rules', ...nouns],
  exposition: ['histogram', ...nouns],
  journal: ['options', ...nouns],
  access: ['rules', ...nouns],
  'cluster/timing.ts': [],
  'cluster/log': ['cluster/timing.ts', ...nouns],
  'cluster/engines': ['cluster/timing.ts', 'cluster/log', 'journal', ...nouns],
  'cluster/forward': ['store', ...nouns],
  cluster: [
    'cluster/timing.ts',
    'cluster/log',
    'cluster/engines',
    'gateway/api.ts',
    'gateway/insight-api.ts',
    'gateway/insight',
    'gateway/telemetry',
    'gateway',
    ...belowGateway,
  ],
  'gateway/insight-api.ts': ['rules', ...nouns],
  'gateway/api.ts': ['gateway/insight-api.ts', 'wal', 'rules', 'store', ...nouns],
  'gateway/options.ts': ['options', 'store', ...nouns],
  'gateway/ledger': ['gateway/options.ts', 'journal', ...rooms, 'rules', ...nouns],
  'gateway/scrapes': [
    'gateway/api.ts',
    'gateway/options.ts',
    'gateway/ledger',
    'store',
    'read',
    'exposition',
    ...nouns,
  ],
  'gateway/insight': [
    'gateway/api.ts',
    'gateway/insight-api.ts',
    'gateway/options.ts',
    'gateway/ledger',
    'gateway/scrapes',
    'gateway/deletions',
    'gateway/statistics',
    'gateway/listings',
    'store',
    'sources',
    'state',
    'ingest',
    'wal',
    'read',
    'rules',
    'exposition',
    ...nouns,
  ],
  'gateway/pushes': [
    'gateway/api.ts',
    'gateway/insight-api.ts',
    'gateway/options.ts',
    'gateway/ledger',
    'gateway/insight',
    'store',
    'sources',
    'state',
    'ingest',
    'wal',
    'rules',
    'exposition',
    ...nouns,
  ],
  'gateway/deletions': [
    'gateway/api.ts',
    'gateway/options.ts',
    'gateway/ledger',
    'store',
    'sources',
    'state',
    'wal',
    'rules',
    ...nouns,
  ],
  'gateway/statistics': ['gateway/api.ts', 'gateway/options.ts', 'gateway/scrapes', 'exposition', ...nouns],
  'gateway/listings': [
    'gateway/api.ts',
    'gateway/options.ts',
    'gateway/scrapes',
    'gateway/statistics',
    'read',
    'rules',
    'exposition',
    ...nouns,
  ],
  'gateway/telemetry': ['gateway/api.ts', 'gateway/ledger', 'gateway/scrapes', ...belowGateway],
  gateway: [...gatewayFolders, ...belowGateway],
  'http/senders': belowHttp,
  'http/replies': belowHttp,
  'http/connections': ['http/replies', ...belowHttp],
  'http/bodies': ['http/senders', ...belowHttp],
  'http/routes': ['http/senders', 'http/replies', 'http/connections', 'http/bodies', ...belowHttp],
  'http/openapi': ['http/routes', ...belowHttp],
  http: [...httpFolders, ...belowHttp],
  config: [...httpFolders, 'http', 'cluster', ...belowHttp],
  '.': ['config', 'cluster', ...httpFolders, 'http', ...belowHttp],
};

/** Imports that go up all the same. Each goes with the change named here. */
export const upwardImportsKnown: Readonly<Record<string, string>> = {};

/** Circles of files, types included. */
export const circlesKnown: readonly (readonly string[])[] = [];

/** What the world outside starts or imports. */
export const entries: readonly string[] = ['index.ts', 'main.ts'];

/** Files that nobody imports. */
export const orphansKnown: Readonly<Record<string, string>> = {
  'access/reference.ts': 'npm run reference writes what it makes',
  'rules/file/schema.ts': 'npm run reference writes what it makes',
};

const settable = 'tests set it, to reach a bound without its size';
const compared = 'tests compare it with what is documented, or with another way to the same';
const whole = 'what tests go through where the program takes one step at a time';

/** `path name`, of exports that only tests use in another file. */
export const exportsForTests: Readonly<Record<string, string>> = {
  'cluster/forward/forwarder.ts ForwardBounds': settable,
  'gateway/insight/event-hub.ts READERS_MAX': compared,
  'gateway/insight/insight.ts RECENT_MAX': compared,
  'gateway/options.ts defaultGatewayOptions': settable,
  'http/options.ts defaultHttpOptions': settable,
  'http/cluster.ts isOvertaken': 'simulated members answer without HTTP',
  'http/bodies/body.ts BodyLimits': settable,
  'http/bodies/turns.ts TurnBounds': settable,
  'http/routes/tsdb-status.ts replyTo': whole,
  'journal/file-journal.ts FileJournalOptions': settable,
  'journal/lock.ts lockName': compared,
  'model/errors.ts MESSAGE_CHARS_MAX': compared,
  'primitives/crc32.ts crc32ByTable': compared,
  'primitives/quote.ts SHOWN_CHARS_MAX': compared,
  'exposition/text/decode.ts decodeText': whole,
  'snapshot/take-snapshot.ts takeSnapshot': whole,
  'snapshot/take-snapshot.ts Snapshot': whole,
  'snapshot/take-snapshot.ts Moment': whole,
  'histogram/add.ts subtractHistograms': compared,
  'histogram/resolution.ts reducedIndex': compared,
  'histogram/resolution.ts reduceToBuckets': compared,
};

/** Exports that nobody uses in another file, neither the program nor tests. */
export const exportsForNobody: Readonly<Record<string, string>> = {
  'read/prefetch-texts.ts prefetched': 'an export keeps the reads from being left out as without effect',
};

/** Not in any file of the repository. Spelled in pieces, so that this file does not hold them. */
export const bannedTexts: readonly string[] = [['/wo', 'rk/'].join(''), ['registry.', 'npmjs.org'].join('')];

/** One word for each thing: that of the glossary, and none of those here. A word is added once it is nowhere any more. */
export const bannedWords: readonly BannedWord[] = [
  { word: 'data point', say: 'sample' },
  { word: 'datapoint', say: 'sample' },
  {
    word: 'time series',
    say: 'series',
    except: { 'docs/guides/operating.md': 'names of Prometheus, maxTime and then seriesCountByMetricName' },
  },
  { word: 'timeseries', say: 'series' },
  { word: 'labelset', say: 'label set' },
  { word: 'group key', say: 'grouping key' },
  { word: 'whitelist', say: 'allowed' },
  { word: 'blacklist', say: 'refused' },
  { word: 'slave', say: 'replica' },
  { word: 'dummy', say: 'what it stands for' },
  { word: 'sanity', say: 'what is checked' },
  // Of what users see: plain English, as Prometheus' own docs write it.
  { word: 'is told', say: 'says, or reports', shown: true },
  { word: 'are told', say: 'say, or report', shown: true },
  { word: 'was told', say: 'was acknowledged', shown: true },
  { word: 'stands twice', say: 'appears twice, or duplicate', shown: true },
  { word: 'stand twice', say: 'appear twice, or duplicate', shown: true },
  { word: 'stands apart', say: 'is separated', shown: true },
  { word: 'may stand', say: 'is allowed', shown: true },
  { word: 'whoever', say: 'the sender, or the scraper', shown: true },
  { word: 'of before', say: 'previous', shown: true },
  { word: 'what was not', say: 'name it', shown: true },
  { word: 'has it that', say: 'says that', shown: true },
  { word: 'given up', say: 'lost', shown: true },
  { word: 'as many as there may', say: 'the maximum number of', shown: true },
  { word: 'made a mistake', say: 'internal error', shown: true },
  { word: 'a little later', say: 'retry later', shown: true },
  { word: 'begun anew', say: 'restarted', shown: true },
  { word: 'begin anew', say: 'restart', shown: true },
  { word: 'begins anew', say: 'restarts', shown: true },
  { word: 'falls silent', say: 'is inactive', shown: true },
  { word: 'spoken here', say: 'supported', shown: true },
  { word: 'read here', say: 'supported', shown: true },
  { word: 'broke off', say: 'incomplete, or aborted', shown: true },
  { word: 'breaks off', say: 'is truncated, or aborted', shown: true },
  { word: 'mend', say: 'fix', shown: true },
  { word: 'goes on to', say: 'continues to', shown: true },
  { word: 'puts it back', say: 'restores it', shown: true },
  { word: 'no room', say: 'no space', shown: true },
  { word: 'at night', say: 'troubleshooting', shown: true },
];
