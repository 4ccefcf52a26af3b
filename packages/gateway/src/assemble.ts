/** The one place where the parts are put together, for the process and for those who embed the gateway. */
import { Access } from './access/access.ts';
import { Gateway } from './gateway/gateway.ts';
import type { GatewayInUse } from './gateway/gateway.ts';
import type { Telemetry } from './gateway/telemetry/telemetry.ts';
import { gatewayOptionTable } from './gateway/options.ts';
import { limitTable } from './store/limits.ts';
import type { GatewayOptions } from './gateway/options.ts';
import type { OwnRules } from './gateway/rules-to-lead-by.ts';
import { createTelemetry } from './gateway/telemetry/prom-telemetry.ts';
import { httpOptionTable } from './http/options.ts';
import type { HttpOptions } from './http/options.ts';
import type { HandlerDeps } from './http/handler.ts';
import { createServer } from './http/server.ts';
import type { GatewayServer } from './http/server.ts';
import { openFileJournal } from './journal/file-journal.ts';
import type { Journal } from './journal/journal.ts';
import { storageOptionTable } from './journal/options.ts';
import type { StorageOptions } from './journal/options.ts';
import { RequestError } from './model/errors.ts';
import { limitsIn } from './options/option.ts';
import type { FileInForce } from './store/files-in-force.ts';
import type { Clock } from './primitives/clock.ts';
import { withoutTokens } from './primitives/hide-tokens.ts';
import type { Log } from './primitives/log.ts';
import { RulesReload } from './rules-file.ts';
import type { Rules } from './rules/rules.ts';
import { revision, version } from './version.ts';
import type { WebConfigFile } from './web-config-file.ts';

/** A gateway, and the parts around it. */
export interface Around<G extends GatewayInUse> {
  readonly gateway: G;
  readonly server: GatewayServer;
  /** Undefined without a configuration file. */
  readonly reload: RulesReload | undefined;
}

export type Assembly = Around<Gateway>;

export interface Parts {
  readonly gatewayOptions: GatewayOptions;
  readonly httpOptions: HttpOptions;
  /** What limits that were not given are shares of. */
  readonly memoryBytes: number;
  readonly clock: Clock;
  readonly log: Log;
  /** None when left out. */
  readonly rules?: Rules | undefined;
  /** Where the rules are from. */
  readonly configFile?: string | undefined;
  /** The same for the other members of a cluster. */
  readonly file?: FileInForce | undefined;
  /** Whether they may be reloaded over HTTP. */
  readonly lifecycle?: boolean;
  readonly webConfig?: WebConfigFile | undefined;
  /** Whether rules may change how known sources count. */
  readonly acceptsModeChange?: boolean;
}

interface Kept {
  readonly journal?: Journal;
  readonly storage?: StorageOptions;
  /** Of a member of a cluster. */
  readonly own?: () => OwnRules;
}

/** With a journal that keeps things the gateway must be opened before it takes pushes; without one it keeps everything in memory. */
export function assemble(given: Parts & Kept): Assembly {
  const parts = { ...given, log: withoutTokens(given.log) };
  const gateway = gatewayOf(parts);
  return assembleAround(gateway, parts, {
    watch(telemetry) {
      gateway.telemetry = telemetry;
    },
    whyNotReady: () => gateway.whyClosed,
  });
}

/** Alone; what is around it is made by `assembleAround`. */
export function gatewayOf(parts: Parts & Kept): Gateway {
  const { scrapesMax, viewsBytesMax } = parts.httpOptions;
  const gateway = new Gateway({
    options: parts.gatewayOptions,
    clock: parts.clock,
    log: parts.log,
    journal: parts.journal,
    scrapes: { scrapesMax, viewsBytesMax },
    rules: parts.rules,
    acceptsModeChange: parts.acceptsModeChange,
    own: parts.own,
  });
  gateway.insight.pushPath = parts.httpOptions.pushPath;
  gateway.insight.configFile = () => (gateway.choice?.differs === true ? null : (parts.configFile ?? null));
  return gateway;
}

interface Surroundings {
  /** Is given what counts, for all gateways there will be. */
  readonly watch: (telemetry: Telemetry) => void;
  readonly whyNotReady: () => RequestError | undefined;
  /** Of a member of a cluster. */
  readonly cluster?: HandlerDeps['cluster'];
  readonly clusterReport?: Parameters<typeof createTelemetry>[0]['cluster'];
}

export function assembleAround<G extends GatewayInUse>(
  gateway: G,
  parts: Parts & Kept,
  { watch, whyNotReady, cluster, clusterReport }: Surroundings,
): Around<G> {
  const { httpOptions, clock, log, webConfig } = parts;
  const reload = reloadOf(parts, gateway);
  const telemetry = createTelemetry({
    version,
    holdings: () => gateway.holdingsByType(),
    limits: limitsOf(parts),
    config: reload === undefined ? undefined : () => reload.report,
    webConfig: webConfig === undefined ? undefined : () => webConfig.report,
    cluster: clusterReport,
  });
  watch(telemetry);
  const access = new Access({
    now: () => performance.now(),
    wallMs: () => clock.now(),
    rules: gateway.rulesInForce,
  });
  webConfig?.keep(access);
  const server = createServer({
    gateway,
    telemetry,
    options: httpOptions,
    log,
    version,
    revision: revision(),
    whyNotReady,
    reload: parts.lifecycle === true ? (who) => reload?.run(who) ?? nothingToReload() : undefined,
    access,
    cluster,
  });
  return { gateway, server, reload };
}

function reloadOf(
  { configFile, file, gatewayOptions, clock, log }: Parts,
  gateway: GatewayInUse,
): RulesReload | undefined {
  if (configFile === undefined) return undefined;
  const how = { isShared: file !== undefined, circumstances: gatewayOptions };
  return new RulesReload({ path: configFile, how, gateway, clock, log });
}

function nothingToReload(): Promise<string> {
  return Promise.reject(
    new RequestError('reload_failed', 'there is no configuration file; start the gateway with --config.file'),
  );
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
