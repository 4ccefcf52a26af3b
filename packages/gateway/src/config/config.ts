import type { GatewayOptions } from '../gateway/options.ts';
import type { HttpOptions } from '../http/options.ts';
import type { StorageOptions } from '../journal/options.ts';
import { enumValue, option, several, sizeKind } from '../options/kinds.ts';
import type { OptionTable } from '../options/option.ts';
import { parseListenAddress } from './listen-address.ts';
import type { ListenAddress } from './listen-address.ts';

/** The whole configuration of the process, made once from the command line and the environment. */
export interface Config extends ProcessOptions {
  readonly http: HttpOptions;
  readonly gateway: GatewayOptions;
  readonly storage: StorageOptions;
  readonly log: LogOptions;
}

interface ProcessOptions {
  readonly listenAddresses: readonly ListenAddress[];
  /** Bytes of memory to plan with. */
  readonly memoryBytes: number;
}

export interface LogOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly format: 'logfmt' | 'json';
}

export const processOptionTable: OptionTable<ProcessOptions> = {
  listenAddresses: option(
    {
      flag: 'web.listen-address',
      alias: 'listen',
      help: 'Address to listen on, such as :80, 127.0.0.1:9091 or [::1]:9091.',
    },
    {
      placeholder: 'address',
      repeatable: true,
      parse: several(parseListenAddress),
      // Embedders listen by themselves, or with start().
      problemWith: () => undefined,
      defaultText: ':9091',
      defaultFor: () => [{ host: undefined, port: 9091 }],
    },
  ),
  memoryBytes: option(
    {
      flag: 'limit.memory',
      help: 'Memory to plan with; limits that are not given are shares of it. auto: what the container may use, or else what the machine has.',
    },
    { ...sizeKind({}), defaultText: 'auto', defaultFor: (memoryBytes) => memoryBytes },
  ),
};

export const logOptionTable: OptionTable<LogOptions> = {
  level: enumValue(['debug', 'info', 'warn', 'error'], {
    flag: 'log.level',
    default: 'info',
    help: 'Least severe messages to log.',
  }),
  format: enumValue(['logfmt', 'json'], {
    flag: 'log.format',
    default: 'logfmt',
    help: 'How log lines are written, to stderr.',
  }),
};
