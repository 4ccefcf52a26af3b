/**
 * What web pages of other origins may do. `*` lets all of them push, which is what a gateway for browsers is for; only origins
 * that are named may also read the exposition and retire sources. CORS alone keeps nobody out: a page may always send a
 * simple POST, and only the reply is hidden from it. So where only exact origins are configured, a push that names another
 * is refused.
 *
 * Headers are flat arrays of name, value, name, value, as `writeHead` takes them without further work.
 */
import { RequestError } from '../../model/errors.ts';
import { quote } from '../../primitives/quote.ts';

export type FlatHeaders = readonly string[];

/** What a request asks for, as far as origins are concerned. */
export type CorsPurpose = 'push' | 'read' | 'retire';

export interface CorsPolicy {
  /** For any reply that a page may want to read, errors too. */
  headersFor(origin: string | undefined, purpose: CorsPurpose): FlatHeaders;
  /** All headers of the reply to a preflight. */
  preflightHeadersFor(origin: string | undefined): FlatHeaders;
  /**
   * Throws RequestError `origin_not_allowed`. Requests without an Origin do not come from pages and always pass, and so do
   * those of the gateway's own pages, by the Host header.
   */
  check(origin: string | undefined, purpose: CorsPurpose, host: string | undefined): void;
}

const preflightHeaders: FlatHeaders = [
  'Access-Control-Allow-Headers',
  'Content-Type, Content-Encoding, Authorization, Idempotency-Key',
  'Access-Control-Max-Age',
  '86400',
];
const pushMethods: FlatHeaders = ['Access-Control-Allow-Methods', 'POST, PUT, OPTIONS'];
const allMethods: FlatHeaders = ['Access-Control-Allow-Methods', 'POST, PUT, DELETE, GET, HEAD, OPTIONS'];

const anyOriginHeaders: FlatHeaders = ['Access-Control-Allow-Origin', '*'];
const noHeaders: FlatHeaders = [];
const varies: FlatHeaders = ['Vary', 'Origin'];

/** `origins` holds `*`, which lets all push, and exact origins as browsers write them. */
export function corsPolicy(origins: readonly string[]): CorsPolicy {
  const anyMayPush = origins.includes('*');
  const named = new Map<string, FlatHeaders>(
    origins
      .filter((origin) => origin !== '*')
      .map((origin) => [
        origin,
        [...varies, 'Access-Control-Allow-Origin', origin, 'Access-Control-Allow-Credentials', 'true'],
      ]),
  );
  const hidden = named.size === 0 ? noHeaders : varies;
  const others = anyMayPush ? [...hidden, ...anyOriginHeaders] : varies;
  const headersFor = (origin: string | undefined, purpose: CorsPurpose): FlatHeaders => {
    const ofOrigin = origin === undefined ? undefined : named.get(origin);
    return ofOrigin ?? (purpose === 'push' ? others : hidden);
  };
  return {
    headersFor,
    preflightHeadersFor(origin) {
      const methods = origin !== undefined && named.has(origin) ? allMethods : pushMethods;
      return [...headersFor(origin, 'push'), ...methods, ...preflightHeaders];
    },
    check(origin, purpose, host) {
      if (origin === undefined || purpose === 'read' || named.has(origin)) return;
      if (purpose === 'push' && anyMayPush) return;
      if (isOwn(origin, host)) return;
      throw new RequestError(
        'origin_not_allowed',
        `pages of origin ${quote(origin)} are not allowed to ${purpose === 'push' ? 'push' : 'delete'}; add the origin with --web.cors-origin`,
      );
    },
  };
}

/** Whether a page was loaded from where it now sends its request to. */
function isOwn(origin: string, host: string | undefined): boolean {
  return URL.canParse(origin) && new URL(origin).host === host?.toLowerCase();
}

/** The headers of a policy with all that the reply varies by in one header. */
export function withVary(names: readonly string[], headers: FlatHeaders): FlatHeaders {
  const at = headers.findIndex((header, i) => i % 2 === 0 && header === 'Vary');
  if (at === -1) return ['Vary', names.join(', '), ...headers];
  return headers.with(at + 1, [...names, headers[at + 1]].join(', '));
}
