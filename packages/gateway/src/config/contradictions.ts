/** What is wrong with options that can each be read. */
import type { HttpOptions } from '../http/options.ts';
import type { StorageOptions } from '../journal/options.ts';
import type { FlagName } from '../options/option.ts';
import type { Config } from './config.ts';

/** Of a store: segments are allocated ahead, and the next snapshot needs room beside the last ones. */
const STORE_BYTES_MIN = 2 ** 20;

interface Contradiction {
  /** Flags that do not go together; the first is the one to change. */
  readonly names: readonly [FlagName, ...FlagName[]];
  readonly problem: string;
}

export function contradictions({ http, storage }: Config): Contradiction[] {
  return [...pathContradictions(http), ...sizeContradictions(http, storage)];
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
