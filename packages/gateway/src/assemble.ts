/** The one place where the parts are put together, for the process and for those who embed the gateway. */
import { readFileSync } from 'node:fs';

import { Gateway } from './gateway/gateway.ts';
import type { GatewayOptions } from './gateway/options.ts';
import { createTelemetry } from './gateway/prom-telemetry.ts';
import type { HttpOptions } from './http/options.ts';
import { createServer } from './http/server.ts';
import type { GatewayServer } from './http/server.ts';
import type { Clock } from './primitives/clock.ts';
import type { Log } from './primitives/log.ts';

export interface Assembly {
  readonly gateway: Gateway;
  readonly server: GatewayServer;
}

export function assemble(parts: {
  readonly gatewayOptions: GatewayOptions;
  readonly httpOptions: HttpOptions;
  readonly clock: Clock;
  readonly log: Log;
}): Assembly {
  const { gatewayOptions, httpOptions, clock, log } = parts;
  const version = packageVersion();
  const gateway = new Gateway({ options: gatewayOptions, clock, log });
  const telemetry = createTelemetry({ version, clock, holdings: () => gateway.holdingsByType() });
  gateway.telemetry = telemetry;
  const { byJob } = gatewayOptions;
  const server = createServer({ gateway, telemetry, options: httpOptions, byJob, log, version });
  return { gateway, server };
}

export function packageVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
