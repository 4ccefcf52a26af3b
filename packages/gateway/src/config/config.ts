import type { GatewayOptions } from '../gateway/options.ts';
import type { HttpOptions } from '../http/options.ts';
import type { StorageOptions } from '../journal/options.ts';
import type { ListenAddress } from './listen-address.ts';

/** The whole configuration of the process, made once from the command line and the environment. */
export interface Config {
  readonly listenAddresses: readonly ListenAddress[];
  readonly http: HttpOptions;
  readonly gateway: GatewayOptions;
  readonly storage: StorageOptions;
  readonly log: LogOptions;
  /** Bytes of memory that the budgets were made for. */
  readonly memoryBytes: number;
}

export interface LogOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly format: 'logfmt' | 'json';
}
