/**
 * The streams of a log, how they have to be set up for it to keep its promise, and whether the servers do. The stream `NAME` has the blocks,
 * `NAME-snapshots` what lets the oldest of them go, `NAME-members` what members say of themselves.
 */
import { JetStreamApiError } from '@nats-io/jetstream';
import type { StreamConfig, StreamInfo } from '@nats-io/jetstream';

import { StorageProblem } from '../../../journal/journal.ts';
import { LogBroken, LogUnavailable } from '../../log/shared-log.ts';
import { NOT_CLUSTERED, describe, isForbidden, isStreamGone } from './connection.ts';
import type { Connection } from './connection.ts';
import type { NatsTarget } from './url.ts';

/** How often, and with what between, until a stream is believed to be gone. */
const GONE_ASKS = 4;
const GONE_DELAY_MS = 500;
const VARZ_TIMEOUT_MS = 3_000;
const MEMBER_AGE_MS_MAX = 3_600_000;
const NS_PER_MS = 1_000_000;
/** Of NATS: too few servers are there now. */
const NO_PEERS = 10_005;

type Settings = Partial<StreamConfig> & Pick<StreamConfig, 'name' | 'subjects' | 'num_replicas'>;

export interface StreamNames {
  readonly blocks: string;
  readonly snapshots: string;
  readonly members: string;
}

export function namesOf(target: NatsTarget): StreamNames {
  return {
    blocks: target.name,
    snapshots: `${target.name}-snapshots`,
    members: `${target.name}-members`,
  };
}

const common = {
  retention: 'limits',
  max_msgs: -1,
  max_bytes: -1,
  max_msg_size: -1,
} as const satisfies Partial<StreamConfig>;

export function blocksSettings(target: NatsTarget): Settings {
  const { blocks } = namesOf(target);
  return {
    ...common,
    name: blocks,
    description: 'Blocks of prom-aggregation-gateway; to be appended to by it alone',
    subjects: [`${blocks}.blocks`],
    storage: 'file',
    num_replicas: target.replicas,
    discard: 'new',
    max_age: 0,
    max_msgs_per_subject: -1,
    // Purging cannot be denied, as it is how blocks are trimmed.
    deny_delete: true,
    deny_purge: false,
    allow_rollup_hdrs: false,
  };
}

export function snapshotsSettings(target: NatsTarget): Settings {
  const { snapshots } = namesOf(target);
  return {
    ...common,
    name: snapshots,
    description: 'Snapshots of prom-aggregation-gateway',
    subjects: [`${snapshots}.>`],
    storage: 'file',
    num_replicas: target.replicas,
    discard: 'new',
    max_age: 0,
    max_msgs_per_subject: -1,
  };
}

export function membersSettings(target: NatsTarget): Settings {
  const { members } = namesOf(target);
  return {
    ...common,
    name: members,
    description: 'What members of prom-aggregation-gateway say of themselves',
    subjects: [`${members}.>`],
    storage: 'memory',
    num_replicas: target.replicas,
    discard: 'old',
    max_age: MEMBER_AGE_MS_MAX * NS_PER_MS,
    max_msgs_per_subject: 1,
    allow_direct: true,
  };
}

interface Check {
  readonly setting: keyof StreamConfig;
  readonly isMet: (actual: Partial<StreamConfig>, wanted: Settings) => boolean;
  /** What would happen. */
  readonly otherwise: string;
}

const isUnset = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === false ||
  (Array.isArray(value) && value.length === 0) ||
  (typeof value === 'number' && value <= 0);

const unset = (setting: keyof StreamConfig, otherwise: string): Check => ({
  setting,
  isMet: (actual) => isUnset(actual[setting]),
  otherwise,
});

/** Of streams that keep what they are given. `max_bytes` and `max_msgs` may be set: with `discard: new` a full stream refuses. */
const keepingChecks: readonly Check[] = [
  {
    setting: 'subjects',
    isMet: ({ subjects }, wanted) => String(subjects) === String(wanted.subjects),
    otherwise: 'it would take messages of others, or none of the gateway',
  },
  {
    setting: 'storage',
    isMet: ({ storage }) => storage === 'file',
    otherwise: 'all would be lost when the servers restart',
  },
  {
    setting: 'num_replicas',
    isMet: ({ num_replicas = 1 }, wanted) => num_replicas >= wanted.num_replicas,
    otherwise: 'there would be fewer copies than replicas= of the URL asks for',
  },
  {
    setting: 'retention',
    isMet: ({ retention }) => retention === 'limits',
    otherwise: 'messages would go once they were read',
  },
  {
    setting: 'discard',
    isMet: ({ discard }) => discard === 'new',
    otherwise: 'a full stream would drop its oldest messages instead of refusing new ones',
  },
  unset('max_age', 'messages would be dropped by their age'),
  unset('max_msgs_per_subject', 'all but the newest messages would be dropped'),
  unset('max_msg_size', 'long messages would be refused'),
  unset('allow_msg_ttl', 'messages could be dropped by their age'),
  unset('no_ack', 'nothing would be acknowledged'),
  unset('sealed', 'nothing could be added'),
  unset('mirror', 'its messages would be those of another stream'),
  unset('sources', 'it would take messages of another stream'),
  unset('subject_transform', 'it would rename the subjects of its messages'),
  {
    setting: 'persist_mode',
    isMet: ({ persist_mode = 'default' }) => persist_mode === 'default',
    otherwise: 'messages would be acknowledged before they are on disk',
  },
];

const blocksChecks: readonly Check[] = [
  ...keepingChecks,
  {
    setting: 'deny_delete',
    isMet: ({ deny_delete }) => deny_delete === true,
    otherwise: 'single blocks could be deleted',
  },
  unset('allow_rollup_hdrs', 'one message could drop all before it'),
];

/** What is wrong with the stream of blocks or of snapshots, as a sentence for the operator; undefined when nothing is. */
export function wrongWith(actual: Partial<StreamConfig>, wanted: Settings): string | undefined {
  const checks = wanted.deny_delete === true ? blocksChecks : keepingChecks;
  const found = checks.filter(({ isMet }) => !isMet(actual, wanted));
  if (found.length === 0) return undefined;
  const list = found.map(({ setting, otherwise }) => {
    const [is, should] = [actual[setting], wanted[setting as keyof Settings]];
    return `${setting} is ${shown(is)} instead of ${shown(should)} (${otherwise})`;
  });
  return (
    `Stream ${wanted.name} of NATS was changed, or made for something else: ${list.join('; ')}. ` +
    `Correct it with "nats stream edit ${wanted.name}", or name another stream in the URL`
  );
}

const shown = (value: unknown): string => (value === undefined ? 'not set' : JSON.stringify(value));

/** Makes the stream where there is none. Rejects with StorageProblem when it is not as it has to be, or cannot be made. */
export async function ensureStream(connection: Connection, wanted: Settings): Promise<StreamInfo> {
  const what = `opening stream ${wanted.name}`;
  try {
    return await existing(connection, wanted, what);
  } catch (error) {
    if (!isStreamGone(error)) throw explained(error, wanted);
  }
  try {
    await connection.ask(what, () => connection.jsm.streams.add({ ...wanted }));
  } catch (error) {
    // Another member may have made it meanwhile, a little differently.
    if (error instanceof LogUnavailable) throw error;
    return existing(connection, wanted, what).catch(() => Promise.reject(explained(error, wanted)));
  }
  return existing(connection, wanted, what);
}

async function existing(connection: Connection, wanted: Settings, what: string): Promise<StreamInfo> {
  const info = await infoOf(connection, wanted.name, what);
  const wrong = wanted.storage === 'file' ? wrongWith(info.config, wanted) : undefined;
  if (wrong !== undefined) throw new StorageProblem('unusable', wrong);
  return info;
}

function explained(error: unknown, wanted: Settings): unknown {
  if (error instanceof LogUnavailable || error instanceof StorageProblem) return error;
  const { code } = error as { code?: unknown };
  if (code === NO_PEERS || code === NOT_CLUSTERED) {
    const message =
      `NATS cannot keep ${wanted.num_replicas} copies of stream ${wanted.name} (${describe(error)}): ` +
      'run a cluster of at least as many servers with JetStream, or ask for fewer with ?replicas=';
    return code === NO_PEERS ? new LogUnavailable(message) : new StorageProblem('unusable', message);
  }
  const advice = isForbidden(error)
    ? `grant the user $JS.API.>, ${wanted.name}.>, _INBOX.> and $JS.FC.>`
    : 'look at it with "nats stream info"';
  return new StorageProblem(
    'unusable',
    `Stream ${wanted.name} of NATS cannot be used: ${describe(error)}; ${advice}`,
  );
}

/** Asks again where it is said to be gone, and rejects with that only when it is said time after time: servers that start say so of streams that they have. */
async function infoOf(
  connection: Connection,
  name: string,
  what: string,
  subjects?: string,
): Promise<StreamInfo> {
  for (let asked = 1; ; asked += 1) {
    try {
      const filter = subjects === undefined ? {} : { subjects_filter: subjects };
      return await connection.ask(what, () => connection.jsm.streams.info(name, filter));
    } catch (error) {
      if (!isStreamGone(error) || asked === GONE_ASKS) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, GONE_DELAY_MS));
  }
}

/** The same of a log that was open: when its stream is gone, it is broken. */
export async function openInfoOf(
  connection: Connection,
  name: string,
  what: string,
  subjects?: string,
): Promise<StreamInfo> {
  try {
    return await infoOf(connection, name, what, subjects);
  } catch (error) {
    if (isStreamGone(error)) throw new LogBroken(`NATS: ${what}: the stream was deleted`, { cause: error });
    throw unavailableBy(connection, what, error);
  }
}

/** A refusal by the servers says nothing for certain while they start: that something is broken is for `openInfoOf` to say. */
export function unavailableBy(connection: Connection, what: string, error: unknown): unknown {
  return isForbidden(error) || error instanceof JetStreamApiError
    ? connection.unavailable(what, error)
    : error;
}

/** What a server says of itself at its monitoring port. */
interface Varz {
  readonly server_name?: string;
  readonly jetstream?: {
    readonly config?: { readonly sync_always?: boolean; readonly sync_interval?: number };
  };
}

export interface SyncReport {
  /** Names of servers that sync each write. */
  readonly synced: readonly string[];
  readonly warnings: readonly string[];
}

const whySync =
  'By default NATS acknowledges messages up to two minutes before they are synced to disk: a power cut of all servers loses them, with the stream itself. ' +
  'Set "sync_interval: always" in the jetstream block of each server';

/** Rejects with StorageProblem where servers do not sync, or nobody says that they do; with LogUnavailable where none can be asked. */
export async function checkSync({ monitors, isSyncAsserted }: NatsTarget): Promise<SyncReport> {
  if (monitors.length === 0) {
    if (isSyncAsserted) return { synced: [], warnings: [] };
    throw new StorageProblem(
      'unusable',
      `NATS may lose acknowledged pushes. ${whySync}, and let it be checked with ?monitor=http://host:8222, the monitoring ports of all servers with commas between, ` +
        'or assert it with ?sync=always-asserted',
    );
  }
  const answers = await Promise.allSettled(monitors.map(askVarz));
  const synced: string[] = [];
  const warnings: string[] = [];
  for (const [i, answer] of answers.entries()) {
    if (answer.status === 'rejected') {
      warnings.push(
        `NATS monitor ${monitors[i]} cannot be asked (${describe(answer.reason)}), so whether that server syncs each write is unknown`,
      );
      continue;
    }
    const { server_name: name = monitors[i]!, jetstream } = answer.value;
    if (jetstream?.config === undefined) {
      warnings.push(`NATS server ${name}, of monitor ${monitors[i]}, runs without JetStream`);
    } else if (jetstream.config.sync_always === true) {
      synced.push(name);
    } else {
      throw new StorageProblem(
        'unusable',
        `NATS server ${name} may lose acknowledged pushes: ${monitors[i]}/varz says that it does not sync each write. ${whySync}, and restart them one by one`,
      );
    }
  }
  if (synced.length === 0 && !isSyncAsserted) throw new LogUnavailable(warnings.join('; '));
  return { synced, warnings };
}

async function askVarz(monitor: string): Promise<Varz> {
  // The fetch of Node 20 may never settle where a connection is closed as it opens. AbortSignal.timeout() would let the process end meanwhile.
  const late = new AbortController();
  const timer = setTimeout(
    () => late.abort(new Error(`no answer in ${VARZ_TIMEOUT_MS / 1000} s`)),
    VARZ_TIMEOUT_MS,
  );
  try {
    const reply = await fetch(`${monitor}/varz`, { signal: late.signal });
    if (!reply.ok) throw new Error(`/varz is answered ${reply.status}`);
    return varzOf(await reply.json().catch(() => undefined));
  } finally {
    clearTimeout(timer);
  }
}

function varzOf(varz: unknown): Varz {
  if (typeof varz !== 'object' || varz === null || !('server_id' in varz))
    throw new Error('/varz is not that of a NATS server');
  return varz as Varz;
}

/** What is risky about where the stream lies, and not wrong. */
export function placementWarnings(
  target: NatsTarget,
  { config, cluster }: StreamInfo,
  serverName: string,
  { synced }: SyncReport,
): string[] {
  const warnings: string[] = [];
  if (config.num_replicas < 3) {
    const why =
      config.num_replicas === 1
        ? 'what the disk of one server loses is lost'
        : 'two servers are no more available than one, as both have to be there';
    warnings.push(`NATS keeps ${config.num_replicas} of the usual 3 replicas: ${why}`);
  }
  if (config.deny_purge) {
    warnings.push(`Stream ${config.name} denies purging, so the log is never trimmed and grows for ever`);
  }
  const peers = [cluster?.leader ?? '', ...(cluster?.replicas ?? []).map(({ name }) => name)];
  const servers = cluster === undefined ? [serverName] : peers.filter((name) => name !== '');
  const unchecked = servers.filter((name) => !synced.includes(name));
  if (unchecked.length > 0 && target.monitors.length > 0) {
    warnings.push(
      `NATS servers ${unchecked.join(', ')} have the stream, and no monitor= said that they sync each write`,
    );
  }
  return warnings;
}
