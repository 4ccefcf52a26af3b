import {
  count,
  countInMemory,
  duration,
  onOff,
  option,
  shareOfMemory,
  size,
  single,
  strings,
  text,
  urlPath,
} from '../options/kinds.ts';
import { withDefaults } from '../options/option.ts';
import type { OptionTable } from '../options/option.ts';
import type { Parsed } from '../primitives/duration.ts';
import { parseExternalUrl, parseHostName, parseOrigin, parsePrefix, parseProxy } from './option-values.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/** About what a request takes while it waits: its objects, headers, and what of its body has come. */
const REQUEST_BYTES = 32 * KIB;

/** How the gateway is reached over HTTP. Each field has a row in the table below. */
export interface HttpOptions {
  /** Begins and ends with a slash. */
  readonly pushPath: string;
  readonly telemetryPath: string;
  /** `*`, or exact origins such as `https://shop.example`. */
  readonly corsOrigins: readonly string[];
  /** Of a body, as sent and after decompression as well. */
  readonly bodyBytesMax: number;
  /** Of all bodies being received at one time; further pushes are answered 503. */
  readonly bodiesBytesMax: number;
  /** Of all decoders of compressed bodies at one time, windows included; further pushes wait, then are answered 503. */
  readonly decodersBytesMax: number;
  /** Scrapes under way at one time; further ones wait, then are answered 503. */
  readonly scrapesMax: number;
  /** Of what open scrapes keep, so that each shows one point in time; one scrape is always let in. */
  readonly viewsBytesMax: number;
  /** Pushes of one connection begun and not yet answered; four times as many more may wait, and further requests are answered 503. */
  readonly requestsPerConnectionMax: number;
  /** Requests of all connections that came before the one before them was answered; further ones are answered 503. */
  readonly requestsMax: number;
  /** By which others reach the gateway, without a slash at its end; empty where it is not known. */
  readonly externalUrl: string;
  /** Before all paths, without a slash at its end. `undefined` is that of `externalUrl`. */
  readonly routePrefix: string | undefined;
  /** Host names that requests may come for, with or without a port; `*` for all. Addresses are always let in. */
  readonly allowedHosts: readonly string[];
  /** Addresses and CIDR blocks of proxies whose `X-Forwarded-For` says where a request comes from. */
  readonly trustedProxies: readonly string[];
  /** Whether series and sources may be deleted by selectors, and everything wiped. */
  readonly enableAdminApi: boolean;
  readonly connectionsMax: number;
  /** For a whole request to arrive. */
  readonly readTimeoutMs: number;
  readonly shutdownTimeoutMs: number;
}

export const httpOptionTable: OptionTable<HttpOptions> = {
  pushPath: urlPath({
    flag: 'web.push-path',
    alias: 'push-path',
    default: '/metrics/',
    endsWithSlash: true,
    help: 'Path prefix that pushes are accepted under.',
  }),
  telemetryPath: urlPath({
    flag: 'web.telemetry-path',
    default: '/-/metrics',
    help: "Path under which to expose the gateway's own metrics.",
  }),
  corsOrigins: strings({
    flag: 'web.cors-origin',
    alias: 'cors',
    placeholder: 'origin',
    parse: parseOrigin,
    default: ['*'],
    help: 'Web origin whose pages may push, read and delete. * allows pages of any origin to push; without it, pushes from other origins are refused.',
  }),
  bodyBytesMax: size({
    flag: 'web.max-body-size',
    default: 16 * MIB,
    help: 'Maximum size of a push body, both compressed and decompressed.',
    limitOf: 'body_bytes',
  }),
  bodiesBytesMax: shareOfMemory({
    flag: 'web.max-inflight-size',
    share: { of64: 6, min: 32 * MIB, max: 256 * MIB },
    help: 'Maximum total size of the push bodies in memory at once. Further pushes are answered 503.',
    limitOf: 'bodies_bytes',
  }),
  decodersBytesMax: shareOfMemory({ share: { of64: 4, min: 32 * MIB, max: 128 * MIB } }),
  scrapesMax: count({
    flag: 'limit.scrapes',
    default: 16,
    help: 'Maximum number of concurrent scrapes. Further scrapes wait briefly, then are answered 503.',
    limitOf: 'scrapes_open',
  }),
  viewsBytesMax: shareOfMemory({
    share: { of64: 3, min: 16 * MIB, max: 1024 * MIB },
    limitOf: 'scrape_views_bytes',
  }),
  requestsPerConnectionMax: count({ default: 64 }),
  requestsMax: countInMemory({
    share: { of64: 2, min: 256 * REQUEST_BYTES, max: 16_384 * REQUEST_BYTES },
    eachBytes: REQUEST_BYTES,
  }),
  connectionsMax: count({
    flag: 'web.max-connections',
    default: 10_000,
    help: 'Maximum number of simultaneous connections per listen address. Further connections are closed immediately.',
    limitOf: 'connections',
  }),
  externalUrl: text({
    flag: 'web.external-url',
    placeholder: 'url',
    parse: parseExternalUrl,
    default: '',
    help: 'URL under which the gateway is reachable, for example behind a proxy. Used for links; its path is the default of --web.route-prefix.',
  }),
  routePrefix: option(
    {
      flag: 'web.route-prefix',
      help: 'Prefix of all paths of the gateway, such as /gateway, or / for none. If empty, the path of --web.external-url.',
    },
    {
      placeholder: 'path',
      parse: single((given): Parsed<string | undefined> =>
        given === '' ? { value: undefined } : parsePrefix(given),
      ),
      problemWith: (value) =>
        value === undefined || (typeof value === 'string' && 'value' in parsePrefix(value))
          ? undefined
          : `is ${JSON.stringify(value)}; it must be a path prefix`,
      defaultText: '',
      defaultFor: () => undefined,
    },
  ),
  allowedHosts: strings({
    flag: 'web.allowed-hosts',
    placeholder: 'host',
    parse: parseHostName,
    default: ['*'],
    help: 'Host name to accept in the Host header, with or without a port, or * for any. Requests for other names are refused, to prevent DNS rebinding. IP addresses and health checks are always accepted.',
  }),
  trustedProxies: strings({
    flag: 'web.trusted-proxies',
    placeholder: 'addresses',
    parse: parseProxy,
    wanted: 'a list of addresses and CIDR blocks',
    default: [],
    none: 'none',
    help: 'IP address or CIDR block, such as 10.0.0.0/8, of trusted proxies; unix for all who connect to a Unix socket. The client address is taken from their X-Forwarded-For header, and the scheme of links from X-Forwarded-Proto.',
  }),
  enableAdminApi: onOff({
    flag: 'web.enable-admin-api',
    default: false,
    help: 'Serve requests that delete series and sources by selector, or everything. Anyone who can reach the gateway can use them.',
  }),
  readTimeoutMs: duration({
    flag: 'web.read-timeout',
    default: 30_000,
    help: 'Maximum duration for reading a request, after which it is answered 408.',
  }),
  shutdownTimeoutMs: duration({
    flag: 'web.shutdown-timeout',
    default: 10_000,
    help: 'How long to wait for requests in progress after SIGTERM or SIGINT.',
  }),
};

export const defaultHttpOptions: HttpOptions = withDefaults(httpOptionTable);
