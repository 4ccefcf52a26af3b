import { count, countInMemory, duration, shareOfMemory, size, strings, urlPath } from '../options/kinds.ts';
import { withDefaults } from '../options/option.ts';
import type { OptionTable } from '../options/option.ts';
import { parseHostName, parseOrigin, parseProxy } from './option-values.ts';

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
  /** Host names that requests may come for, with or without a port; `*` for all. Addresses are always let in. */
  readonly allowedHosts: readonly string[];
  /** Addresses and CIDR blocks of proxies whose `X-Forwarded-For` says where a request comes from. */
  readonly trustedProxies: readonly string[];
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
    help: 'Prefix of the paths that take pushes.',
  }),
  telemetryPath: urlPath({
    flag: 'web.telemetry-path',
    default: '/-/metrics',
    help: "Where the gateway's own metrics are, apart from the users'.",
  }),
  corsOrigins: strings({
    flag: 'web.cors-origin',
    alias: 'cors',
    placeholder: 'origin',
    parse: parseOrigin,
    default: ['*'],
    help: 'Web origin whose pages may push, read and delete; * lets pages of all origins push. With exact origins alone, pushes from others are refused.',
  }),
  bodyBytesMax: size({
    flag: 'web.max-body-size',
    default: 16 * MIB,
    help: 'Largest body of a push, as sent and after decompression as well.',
    limitOf: 'body_bytes',
  }),
  bodiesBytesMax: shareOfMemory({
    flag: 'web.max-inflight-size',
    share: { of64: 6, min: 32 * MIB, max: 256 * MIB },
    help: 'Largest sum of all bodies held at one time; pushes beyond are answered 503.',
    limitOf: 'bodies_bytes',
  }),
  decodersBytesMax: shareOfMemory({ share: { of64: 4, min: 32 * MIB, max: 128 * MIB } }),
  scrapesMax: count({
    flag: 'limit.scrapes',
    default: 16,
    help: 'Most scrapes under way at one time; more wait a little, and are then answered 503.',
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
    help: 'Most connections at one time, per address; more are closed at once.',
    limitOf: 'connections',
  }),
  allowedHosts: strings({
    flag: 'web.allowed-hosts',
    placeholder: 'host',
    parse: parseHostName,
    default: ['*'],
    help: 'Host name that requests may come for, with or without a port, or * for all. With names, requests for others are refused, against DNS rebinding; IP addresses and health checks are let in.',
  }),
  trustedProxies: strings({
    flag: 'web.trusted-proxies',
    placeholder: 'addresses',
    parse: parseProxy,
    wanted: 'a list of addresses and CIDR blocks',
    default: [],
    none: 'none',
    help: 'Address or CIDR block, such as 10.0.0.0/8, of proxies whose X-Forwarded-For is believed: senders and scrapers are then told apart, and named in the log, by the address that it says.',
  }),
  readTimeoutMs: duration({
    flag: 'web.read-timeout',
    default: 30_000,
    help: 'Time for a whole request to arrive; then it is answered 408.',
  }),
  shutdownTimeoutMs: duration({
    flag: 'web.shutdown-timeout',
    default: 10_000,
    help: 'Time for requests under way to finish after SIGTERM or SIGINT.',
  }),
};

export const defaultHttpOptions: HttpOptions = withDefaults(httpOptionTable);
