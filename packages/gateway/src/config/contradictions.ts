/** What is wrong with options that can each be read. */
import { clusterOptionTable, defaultClusterOptions, memberName } from '../cluster/options.ts';
import type { ClusterOptions } from '../cluster/options.ts';
import type { HttpOptions } from '../http/options.ts';
import type { StorageOptions } from '../journal/options.ts';
import type { FlagName } from '../options/option.ts';
import type { Config } from './config.ts';

/** Of a store: segments are allocated ahead, and the next snapshot needs room beside the last ones. */
const STORE_BYTES_MIN = 2 ** 20;

const NAME_CHARS_MAX = 64;
const LEASE_MS_MIN = 2000;

interface Contradiction {
  /** Flags that do not go together; the first is the one to change. */
  readonly names: readonly [FlagName, ...FlagName[]];
  readonly problem: string;
}

export function contradictions({ http, storage, cluster }: Config): Contradiction[] {
  return [
    ...pathContradictions(http),
    ...sizeContradictions(http, storage),
    ...clusterContradictions(cluster),
  ];
}

function* clusterContradictions(cluster: ClusterOptions): Generator<Contradiction> {
  const { logUrl, advertiseUrl, secretFile, leaseMs } = cluster;
  if (logUrl === undefined) {
    for (const field of Object.keys(defaultClusterOptions) as (keyof ClusterOptions)[]) {
      const { flag } = clusterOptionTable[field];
      if (cluster[field] !== defaultClusterOptions[field] && flag !== undefined)
        yield {
          names: [flag.name, 'storage.log'],
          problem: 'is for members of a cluster; set --storage.log as well',
        };
    }
    return;
  }
  if (advertiseUrl === undefined)
    yield {
      names: ['cluster.advertise-url', 'storage.log'],
      problem: 'is required with --storage.log: the URL at which other members reach this one',
    };
  else if (memberName(cluster).length > NAME_CHARS_MAX)
    yield {
      names: ['cluster.name', 'cluster.advertise-url'],
      problem: `is required where the host of --cluster.advertise-url is longer than ${NAME_CHARS_MAX} characters`,
    };
  if (secretFile === undefined)
    yield {
      names: ['cluster.secret-file', 'storage.log'],
      problem: 'is required with --storage.log: a file with a secret, the same for all members',
    };
  if (leaseMs < LEASE_MS_MIN)
    yield {
      names: ['cluster.lease'],
      problem: 'must be at least 2s, as the leader says that it is there once a second',
    };
}

function* pathContradictions({ pushPath, telemetryPath }: HttpOptions): Generator<Contradiction> {
  const names = ['web.telemetry-path', 'web.push-path'] as const;
  if (pushPath.startsWith('/-/')) {
    yield { names: [names[1]], problem: 'paths below /-/ are reserved for the gateway itself' };
  }
  if (['/', '/metrics', '/metrics/', '/-/healthy', '/-/ready', '/-/reload'].includes(telemetryPath)) {
    yield { names: [names[0]], problem: `${telemetryPath} is already in use` };
  } else if (pushPath !== '/' && `${telemetryPath}/`.startsWith(pushPath)) {
    // The push path takes pushes without its last slash too.
    yield { names, problem: `${telemetryPath} overlaps with the push path ${pushPath}` };
  }
}

function* sizeContradictions(http: HttpOptions, { bytesMax }: StorageOptions): Generator<Contradiction> {
  const { bodyBytesMax, bodiesBytesMax, readTimeoutMs } = http;
  if (bodiesBytesMax < bodyBytesMax) {
    yield {
      names: ['web.max-inflight-size', 'web.max-body-size'],
      problem: 'must not be less than --web.max-body-size',
    };
  }
  if (bytesMax < STORE_BYTES_MIN) {
    yield { names: ['storage.max-size'], problem: 'must be at least 1MiB' };
  }
  if (readTimeoutMs === 0) yield { names: ['web.read-timeout'], problem: 'must be greater than 0' };
}
