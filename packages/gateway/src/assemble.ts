/** The one place where the parts are put together, for the process and for those who embed the gateway. */
import { readFileSync } from 'node:fs';

import { Gateway } from './gateway/gateway.ts';
import { gatewayOptionTable } from './gateway/options.ts';
import { limitTable } from './store/limits.ts';
import type { GatewayOptions } from './gateway/options.ts';
import type { CurrentRules } from './gateway/pushes/pushes.ts';
import { createTelemetry } from './gateway/telemetry/prom-telemetry.ts';
import { httpOptionTable } from './http/options.ts';
import type { HttpOptions } from './http/options.ts';
import { createServer } from './http/server.ts';
import type { GatewayServer } from './http/server.ts';
import { openFileJournal } from './journal/file-journal.ts';
import type { Journal } from './journal/journal.ts';
import { storageOptionTable } from './journal/options.ts';
import type { StorageOptions } from './journal/options.ts';
import type { RequestError } from './model/errors.ts';
import { limitsIn } from './options/option.ts';
import type { Clock } from './primitives/clock.ts';
import type { Log } from './primitives/log.ts';

export interface Assembly {
  readonly gateway: Gateway;
  readonly server: GatewayServer;
}

export interface Parts {
  readonly gatewayOptions: GatewayOptions;
  readonly httpOptions: HttpOptions;
  /** What limits that were not given are shares of. */
  readonly memoryBytes: number;
  /** None when left out. */
  readonly rules?: CurrentRules | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** With a journal that keeps things the gateway must be opened before it takes pushes; without one it keeps everything in memory. */
export function assemble(
  parts: Parts & { readonly journal?: Journal; readonly storage?: StorageOptions },
): Assembly {
  const { gatewayOptions, httpOptions, journal, clock, log } = parts;
  const version = packageVersion();
  const { scrapesMax, viewsBytesMax } = httpOptions;
  const scrapes = { scrapesMax, viewsBytesMax };
  const gateway = new Gateway({ options: gatewayOptions, clock, log, journal, scrapes, rules: parts.rules });
  const telemetry = createTelemetry({
    version,
    holdings: () => gateway.holdingsByType(),
    limits: limitsOf(parts),
  });
  gateway.telemetry = telemetry;
  const { byJob } = gatewayOptions;
  const whyNotReady = (): RequestError | undefined => gateway.whyClosed;
  const server = createServer({ gateway, telemetry, options: httpOptions, byJob, log, version, whyNotReady });
  return { gateway, server };
}

/** For the own metrics. */
function limitsOf({
  gatewayOptions,
  httpOptions,
  memoryBytes,
  storage,
}: Parts & { readonly storage?: StorageOptions }): Readonly<Record<string, number>> {
  return {
    ...limitsIn(limitTable, gatewayOptions.limits),
    ...limitsIn(gatewayOptionTable, gatewayOptions),
    ...limitsIn(httpOptionTable, httpOptions),
    ...(storage === undefined ? {} : limitsIn(storageOptionTable, storage)),
    memory_bytes: memoryBytes,
  };
}

/**
 * The same, with what is kept in files, whose folder is taken for this process. Rejects with StorageProblem. After
 * `onFailure` nothing becomes safe any more.
 */
export async function assembleDurable(
  parts: Parts & {
    readonly storage: StorageOptions & { readonly path: string };
    readonly onFailure: (error: Error) => void;
  },
): Promise<Assembly> {
  const { storage, onFailure, ...others } = parts;
  let assembly: Assembly | undefined;
  const journal = await openFileJournal({
    ...storage,
    log: parts.log,
    onFailure: (error) => {
      assembly?.gateway.fail();
      onFailure(error);
    },
    onPressure: () => void assembly?.gateway.snapshots.take(),
    onCommit: (seconds) => assembly?.gateway.telemetry?.committed(seconds),
  });
  assembly = assemble({ ...others, journal, storage });
  return assembly;
}

export function packageVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
