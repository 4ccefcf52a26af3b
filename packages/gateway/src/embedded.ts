/** What embedders see. Its imports lead to nothing inside, as the package has the types that this leads to. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { PushFormat, PushOutcome } from './model/push-outcome.ts';
import type { GatewayOptions } from './gateway/options.ts';
import type { HttpOptions } from './http/options.ts';
import type { StorageOptions } from './journal/options.ts';
import type { EscapingScheme, ExpositionFormat } from './model/exposition-format.ts';
import type { Clock } from './primitives/clock.ts';
import type { Log } from './primitives/log.ts';
import type { Limits } from './store/limits.ts';

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
  /** For a retry: at most so long ago it was sent for the first time. Where its key may have been forgotten since, it is refused. */
  readonly firstAttemptAgeMs?: number;
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
