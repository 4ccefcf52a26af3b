import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { assemble } from './assemble.ts';
import { defaultGatewayOptions } from './gateway/options.ts';
import type { Limits } from './aggregate/rules.ts';
import type { GatewayOptions } from './gateway/options.ts';
import { defaultHttpOptions } from './http/options.ts';
import type { HttpOptions } from './http/options.ts';
import { parsePushPath } from './http/push-path.ts';
import { RequestError } from './model/errors.ts';
import { systemClock } from './primitives/clock.ts';
import type { Clock } from './primitives/clock.ts';
import { silentLog } from './primitives/log.ts';
import type { Log } from './primitives/log.ts';

/** Every field may be left out; defaults are those of the command line. */
export interface EmbeddedOptions extends Partial<Omit<GatewayOptions, 'limits'>>, Partial<HttpOptions> {
  readonly limits?: Partial<Limits>;
  readonly log?: Log;
  readonly clock?: Clock;
}

export interface PushOptions {
  /** `POST` (default) or `PUT`; the difference shows in by-job mode only. */
  readonly method?: 'POST' | 'PUT';
  /** What follows the push path in a URL, such as `job/backup/instance/a`. Empty by default. */
  readonly path?: string;
}

export interface EmbeddedGateway {
  /** Answers one request of a `node:http` server; bound, so that it can be handed over as it is. */
  readonly handler: (request: IncomingMessage, response: ServerResponse) => void;
  /** Applies a push whole, or rejects with a RequestError and leaves no trace of it. */
  push(body: string | Uint8Array, options?: PushOptions): Promise<void>;
  /** Retires a source in by-job mode. `path` as in PushOptions. */
  delete(path: string): Promise<void>;
  /** The aggregate now, as text 0.0.4. */
  scrape(): Promise<string>;
  /** Listens by itself, for those who have no server. Port 0 picks a free one. */
  start(listen?: { readonly host?: string; readonly port?: number }): Promise<AddressInfo>;
  /** Stops the clock and the server, if started. Pushes under way end first. */
  close(): Promise<void>;
}

/** A gateway of your own, in memory; several in one process do not know each other. */
export function createGateway(options: EmbeddedOptions = {}): EmbeddedGateway {
  const { log = silentLog, clock = systemClock, limits = {}, ...rest } = options;
  const given = defined(rest);
  const gatewayOptions = {
    ...defaultGatewayOptions,
    ...given,
    limits: { ...defaultGatewayOptions.limits, ...defined(limits) },
  };
  const httpOptions = { ...defaultHttpOptions, ...given };
  const { gateway, server } = assemble({ gatewayOptions, httpOptions, clock, log });
  return {
    handler: server.handler,
    async push(body, { method = 'POST', path = '' } = {}) {
      const bytes = typeof body === 'string' ? Buffer.from(body) : body;
      try {
        await gateway.push({ method, key: parsePushPath(path), body: bytes });
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
    async scrape() {
      const slices: Uint8Array[] = [];
      for await (const slice of gateway.scrape()) slices.push(slice);
      return Buffer.concat(slices).toString('utf8');
    },
    start: ({ host, port = 0 } = {}) => server.listen({ host, port }),
    async close() {
      await server.close();
      await gateway.close();
    },
  };
}

/** From plain JavaScript a field may be there and undefined: it is as if left out, and a limit stays a limit. */
function defined<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}
