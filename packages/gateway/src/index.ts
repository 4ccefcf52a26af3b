/** The public API, for those who embed the gateway in a Node server of their own. */
export { createGateway, openGateway } from './create-gateway.ts';
export type {
  EmbeddedGateway,
  EmbeddedOptions,
  EmbeddedStorage,
  PushOptions,
  ScrapeOptions,
} from './embedded.ts';
export type { PushFormat, PushOutcome } from './model/push-outcome.ts';
export { StorageProblem } from './journal/journal.ts';
export type { StorageOptions } from './journal/options.ts';
export { RequestError } from './model/errors.ts';
export type { ErrorCode, Location } from './model/errors.ts';
export type { EscapingScheme } from './model/exposition-format.ts';
export type { Limits } from './store/limits.ts';
export type { GatewayOptions } from './gateway/options.ts';
export type { HttpOptions } from './http/options.ts';
export type { Log, LogFields } from './primitives/log.ts';
export type { Clock } from './primitives/clock.ts';
