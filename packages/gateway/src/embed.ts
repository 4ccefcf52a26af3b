import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { assemble, assembleDurable } from './assemble.ts';
import type { Assembly, Parts } from './assemble.ts';
import { checkOptions } from './check-options.ts';
import type { GatewayApi, PushFormat, PushOutcome } from './gateway/api.ts';
import { gatewayOptionTable } from './gateway/options.ts';
import { limitTable } from './store/limits.ts';
import type { Limits } from './store/limits.ts';
import type { GatewayOptions } from './gateway/options.ts';
import { httpOptionTable } from './http/options.ts';
import type { HttpOptions } from './http/options.ts';
import { parsePushPath } from './http/routes/push-path.ts';
import type { Journal } from './journal/journal.ts';
import { storageOptionTable } from './journal/options.ts';
import type { StorageOptions } from './journal/options.ts';
import { RequestError } from './model/errors.ts';
import { plainText } from './model/exposition-format.ts';
import type { EscapingScheme, ExpositionFormat } from './model/exposition-format.ts';
import { withDefaults } from './options/option.ts';
import { systemClock } from './primitives/clock.ts';
import type { Clock } from './primitives/clock.ts';
import { memoryOfMachine } from './primitives/memory.ts';
import { silentLog } from './primitives/log.ts';
import type { Log } from './primitives/log.ts';
import { showProblem } from './rules/file/problems.ts';
import { readRules } from './rules/file/read-rules.ts';
import { noRules } from './rules/rules.ts';
import type { Rules } from './rules/rules.ts';

/** Every field may be left out; defaults are those of the command line. */
export interface EmbeddedOptions extends Partial<Omit<GatewayOptions, 'limits'>>, Partial<HttpOptions> {
  readonly limits?: Partial<Limits>;
  /** Bytes of memory to plan with; limits that are left out are shares of it. By default what the container or machine has. */
  readonly memoryBytes?: number;
  readonly log?: Log;
  readonly clock?: Clock;
  /** What the configuration file of the process says, as its text or as the same keys and values. */
  readonly rules?: string | object;
}

export interface PushOptions {
  /** `POST` (default) or `PUT`; the difference shows in by-job mode only. */
  readonly method?: 'POST' | 'PUT';
  /** What follows the push path in a URL, such as `job/backup/instance/a`. Empty by default. */
  readonly path?: string;
  /**
   * What the body is written in: `text` (default), which is text 0.0.4, `openmetrics`, its version 1.0, or `protobuf`, delimited.
   */
  readonly format?: PushFormat;
  /** As the header of the same name: a push that was sent before with this key counts once. */
  readonly idempotencyKey?: string;
}

export interface ScrapeOptions {
  /** What the page is written in: `text` (default), which is text 0.0.4, `openmetrics`, its version 1.0, or `protobuf`, delimited. */
  readonly format?: ExpositionFormat['format'];
  /** How names are written that are not legacy names; `underscores` by default. */
  readonly escaping?: EscapingScheme;
  /** Who scrapes, for `zeroFirst`: any text that is the same for each scrape of one reader. Without it nothing is shown as 0 first. */
  readonly scraper?: string;
}

/** Where to keep what must outlive a restart; other fields have the defaults of the command line. */
export type EmbeddedStorage = Partial<StorageOptions> & { readonly path: string };

export interface EmbeddedGateway {
  /** Answers one request of a `node:http` server; bound, so that it can be handed over as it is. */
  readonly handler: (request: IncomingMessage, response: ServerResponse) => void;
  /** Applies a push whole and resolves once it is committed, or rejects with a RequestError and leaves no trace of it. */
  push(body: string | Uint8Array, options?: PushOptions): Promise<PushOutcome>;
  /** Retires a source in by-job mode. `path` as in PushOptions. */
  delete(path: string): Promise<void>;
  /** The aggregate now. Waits and rejects with a RequestError as scrapes over HTTP do where too many are under way. */
  scrape(options?: ScrapeOptions & { readonly format?: 'text' | 'openmetrics' }): Promise<string>;
  /** The same in any format. */
  scrapeBytes(options?: ScrapeOptions): Promise<Uint8Array>;
  /** Listens by itself, for those who have no server. Port 0 picks a free one. */
  start(listen?: { readonly host?: string; readonly port?: number }): Promise<AddressInfo>;
  /** Goes on by other rules, in the place of all of before. Rejects with a TypeError that says all that is wrong with them, and changes nothing. */
  setRules(rules: string | object): Promise<void>;
  /** Stops the clock and the server, if started. Pushes under way end first. */
  close(): Promise<void>;
}

/**
 * A gateway of your own, in memory; several in one process do not know each other. Throws a TypeError for an option that there is not, or
 * that has a value of another type.
 */
export function createGateway(options: EmbeddedOptions = {}): EmbeddedGateway {
  checkOptions(options, { isDurable: false });
  const parts = partsOf(options);
  return embeddedGateway(assemble(parts), parts);
}

/**
 * A gateway of your own whose state outlives a restart. Resolves when it has read what it kept, and rejects with a StorageProblem that
 * says what to do when that cannot be read, or when another process uses the folder. Should the disk fail later, the log says
 * so and pushes are rejected; only a restart helps then.
 */
export async function openGateway(
  options: EmbeddedOptions & { readonly storage: EmbeddedStorage },
): Promise<EmbeddedGateway> {
  checkOptions(options, { isDurable: true });
  const { storage: given, ...others } = options;
  const parts = partsOf(others);
  const { path } = given;
  const storage = { ...withDefaults(storageOptionTable, given, parts.memoryBytes), path };
  const onFailure = (error: Error): void =>
    parts.log.error('the storage failed; restart the gateway', { path, error: String(error) });
  const assembly = await assembleDurable({ ...parts, storage, onFailure });
  try {
    await assembly.gateway.open(storage.snapshotIntervalMs, storage);
  } catch (error) {
    await assembly.gateway.close();
    throw error;
  }
  return embeddedGateway(assembly, parts);
}

/** The parts, and what embedders see of them. Rules that were read already take the place of those of the options. */
export function embed(
  options: EmbeddedOptions,
  journal: Journal,
  rules?: Rules,
): Assembly & { readonly embedded: EmbeddedGateway } {
  const given = partsOf(options);
  const parts = rules === undefined ? given : { ...given, rules };
  const assembly = assemble({ ...parts, journal });
  return { ...assembly, embedded: embeddedGateway(assembly, parts) };
}

function partsOf(options: EmbeddedOptions): Parts {
  const {
    log = silentLog,
    clock = systemClock,
    memoryBytes = memoryOfMachine(),
    limits = {},
    rules: givenRules,
    ...given
  } = options;
  const gatewayOptions = {
    ...withDefaults(gatewayOptionTable, given, memoryBytes),
    limits: withDefaults(limitTable, limits, memoryBytes),
  };
  const httpOptions = withDefaults(httpOptionTable, given, memoryBytes);
  const rules = givenRules === undefined ? noRules : rulesOf(givenRules, gatewayOptions);
  return { gatewayOptions, httpOptions, memoryBytes, clock, log, rules };
}

/** Throws a TypeError. */
function rulesOf(given: string | object, circumstances: GatewayOptions): Rules {
  // JSON is YAML.
  const text = typeof given === 'string' ? given : JSON.stringify(given, undefined, 2);
  const { rules, problems } = readRules(text, circumstances);
  if (rules !== undefined) return rules;
  const errors = problems.filter(({ severity }) => severity === 'error');
  throw new TypeError(errors.map((error) => showProblem('rules', error)).join('\n'));
}

function embeddedGateway({ gateway, server }: Assembly, { gatewayOptions }: Parts): EmbeddedGateway {
  return {
    handler: server.handler,
    async push(body, { method = 'POST', path = '', format, idempotencyKey } = {}) {
      const bytes = typeof body === 'string' ? Buffer.from(body) : body;
      if (!(bytes instanceof Uint8Array)) throw new TypeError('a push must be a string or a Uint8Array');
      if (method !== 'POST' && method !== 'PUT') {
        throw new TypeError(`the method of a push must be POST or PUT, not ${JSON.stringify(method)}`);
      }
      try {
        return await gateway.push({ method, key: parsePushPath(path), format, body: bytes, idempotencyKey });
      } catch (error) {
        // The gateway counts what it takes; what is refused is counted by whoever answers for it.
        const code = error instanceof RequestError ? error.code : 'internal';
        gateway.telemetry?.pushRefused(code, bytes.length);
        throw error;
      }
    },
    async delete(path) {
      await gateway.delete(parsePushPath(path));
    },
    async scrape(options) {
      return (await pageOf(gateway, options)).toString('utf8');
    },
    scrapeBytes: (options) => pageOf(gateway, options),
    async setRules(rules) {
      await gateway.setRules(rulesOf(rules, gatewayOptions));
    },
    start: ({ host, port = 0 } = {}) => server.listen({ host, port }),
    async close() {
      await server.close();
      await gateway.close();
    },
  };
}

async function pageOf(gateway: GatewayApi, options: ScrapeOptions = {}): Promise<Buffer> {
  const { format = plainText.format, escaping = plainText.escaping, scraper } = options;
  const slices: Uint8Array[] = [];
  for await (const slice of gateway.scrape({ format: { ...plainText, format, escaping }, scraper })) {
    slices.push(slice);
  }
  return Buffer.concat(slices);
}
