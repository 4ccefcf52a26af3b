import { largestBudgets } from '../model/budgets.ts';

/** How the gateway is reached over HTTP. Each field is a flag of the command line. */
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

export const defaultHttpOptions: HttpOptions = {
  pushPath: '/metrics/',
  telemetryPath: '/-/metrics',
  corsOrigins: ['*'],
  bodyBytesMax: 16 * 1024 * 1024,
  bodiesBytesMax: largestBudgets.http.bodiesBytesMax,
  decodersBytesMax: largestBudgets.http.decodersBytesMax,
  scrapesMax: 16,
  viewsBytesMax: largestBudgets.http.viewsBytesMax,
  requestsPerConnectionMax: 64,
  requestsMax: largestBudgets.http.requestsMax,
  allowedHosts: ['*'],
  trustedProxies: [],
  connectionsMax: 10_000,
  readTimeoutMs: 30_000,
  shutdownTimeoutMs: 10_000,
};
