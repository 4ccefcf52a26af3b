import type { ClusterOptions } from '../cluster/options.ts';
import type { GatewayOptions } from '../gateway/options.ts';
import type { HttpOptions } from '../http/options.ts';
import type { StorageOptions } from '../journal/options.ts';
import { enumValue, onOff, option, problemUnless, several, single, sizeKind } from '../options/kinds.ts';
import type { OptionTable } from '../options/option.ts';
import { parseListenAddress } from './listen-address.ts';
import type { ListenAddress } from './listen-address.ts';

/** The whole configuration of the process, made once from the command line and the environment. */
export interface Config extends ProcessOptions {
  readonly http: HttpOptions;
  readonly gateway: GatewayOptions;
  readonly storage: StorageOptions;
  readonly cluster: ClusterOptions;
  readonly log: LogOptions;
}

interface ProcessOptions {
  readonly listenAddresses: readonly ListenAddress[];
  /** Bytes of memory to plan with. */
  readonly memoryBytes: number;
  /** Undefined without one. */
  readonly configFile: string | undefined;
  /** Whether it may be reloaded over HTTP. */
  readonly lifecycle: boolean;
  /** Undefined without one. */
  readonly webConfigFile: string | undefined;
  /** Listens on what systemd has opened, instead of addresses. */
  readonly systemdSocket: boolean;
}

export interface LogOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly format: 'logfmt' | 'json';
}

/** A path; none by default. */
const file: Parameters<typeof option<string | undefined>>[1] = {
  placeholder: 'file',
  parse: single((text) => ({ value: text === '' ? undefined : text })),
  problemWith: (value) => (value === undefined ? undefined : problemUnless('string')(value)),
  defaultText: '',
  defaultFor: () => undefined,
};

export const processOptionTable: OptionTable<ProcessOptions> = {
  listenAddresses: option(
    {
      flag: 'web.listen-address',
      alias: 'listen',
      help: 'Address to listen on, such as :80, 127.0.0.1:9091, [::1]:9091 or unix:/run/pag.sock. What follows a semicolon is all that is served there: push, delete, scrape, read, admin, lifecycle; as in :9092;push.',
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
      help: 'Memory available to the gateway, from which the defaults of other limits are derived. auto: the memory limit of the container, or else the memory of the machine.',
    },
    { ...sizeKind({}), defaultText: 'auto', defaultFor: (memoryBytes) => memoryBytes },
  ),
  configFile: option(
    {
      flag: 'config.file',
      help: 'YAML file that says what metrics and senders mean: relabelling, gauges, buckets, types. It is reloaded on SIGHUP. If empty, there is none.',
    },
    file,
  ),
  systemdSocket: onOff({
    flag: 'web.systemd-socket',
    default: false,
    help: 'Listen on the sockets passed by systemd (socket activation) instead of on --web.listen-address.',
  }),
  webConfigFile: option(
    {
      flag: 'web.config.file',
      help: 'YAML file with certificates for TLS and users with passwords, in the format of the Prometheus exporter-toolkit. It is read again whenever it changes. If empty, neither is used.',
    },
    file,
  ),
  lifecycle: onOff({
    flag: 'web.enable-lifecycle',
    default: false,
    help: 'Reload the configuration file on POST or PUT to /-/reload. If not set, such requests are answered 403.',
  }),
};

export const logOptionTable: OptionTable<LogOptions> = {
  level: enumValue(['debug', 'info', 'warn', 'error'], {
    flag: 'log.level',
    default: 'info',
    help: 'Minimum log level.',
  }),
  format: enumValue(['logfmt', 'json'], {
    flag: 'log.format',
    default: 'logfmt',
    help: 'Output format of log messages, which go to stderr.',
  }),
};
