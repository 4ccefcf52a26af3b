/**
 * What web pages of other origins may do. `*` lets all of them push, which is what a gateway for browsers is for; only origins
 * that are named may also read the exposition and retire sources. CORS alone keeps nobody out: a page may always send a
 * simple POST, and only the reply is hidden from it. So where only exact origins are configured, a push that names another
 * is refused.
 *
 * Headers are flat arrays of name, value, name, value, as `writeHead` takes them without further work.
 */
import type { IncomingHttpHeaders } from 'node:http';

import { RequestError } from '../../model/errors.ts';
import type { Role } from '../../model/roles.ts';
import { quote } from '../../primitives/quote.ts';

export type FlatHeaders = readonly string[];

/** What a request asks for, as far as origins are concerned. */
export type CorsPurpose = 'push' | 'read' | 'retire';

export interface CorsPolicy {
  /** For any reply that a page may want to read, errors too. `ofToken` as with `check`. */
  headersFor(origin: string | undefined, purpose: CorsPurpose, ofToken?: readonly string[]): FlatHeaders;
  /** All headers of the reply to a preflight. */
  preflightHeadersFor(origin: string | undefined): FlatHeaders;
  /**
   * Throws RequestError `origin_not_allowed`. Requests without an Origin do not come from pages and always pass, and so do
   * those of the gateway's own pages, by the Host header. `ofToken` are the origins whose pages may use the token of the request, where it says so.
   */
  check(
    origin: string | undefined,
    purpose: CorsPurpose,
    host: string | undefined,
    ofToken?: readonly string[],
  ): void;
  /**
   * The same for a request with a password that a browser may have sent by itself, whatever page it was for: only pages of origins that are named
   * may change anything by it.
   */
  checkAmbient(headers: IncomingHttpHeaders, role: Role): void;
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

/** `origins` holds `*`, which lets all push, and exact origins as browsers write them. `isOfToken` names more of these. */
export function corsPolicy(
  origins: readonly string[],
  isOfToken: (origin: string) => boolean = () => false,
): CorsPolicy {
  const anyMayPush = origins.includes('*');
  const named = new Map<string, FlatHeaders>(
    origins.filter((origin) => origin !== '*').map((origin) => [origin, headersOfNamed(origin)]),
  );
  const hidden = named.size === 0 ? noHeaders : varies;
  const others = anyMayPush ? [...hidden, ...anyOriginHeaders] : varies;
  const headersFor = (
    origin: string | undefined,
    purpose: CorsPurpose,
    ofToken?: readonly string[],
  ): FlatHeaders => {
    const rest = purpose === 'push' ? others : hidden;
    if (origin === undefined) return rest;
    // What a browser may read by a password that it knows is not for pages that may push with a token.
    const mayRead = purpose === 'push' ? isOfToken(origin) : ofToken?.includes(origin) === true;
    return named.get(origin) ?? (mayRead ? headersOfNamed(origin) : rest);
  };
  return {
    headersFor,
    preflightHeadersFor(origin) {
      const isNamed = origin !== undefined && (named.has(origin) || isOfToken(origin));
      const methods = isNamed ? allMethods : pushMethods;
      return [...headersFor(origin, 'push'), ...methods, ...preflightHeaders];
    },
    check(origin, purpose, host, ofToken) {
      if (origin === undefined || purpose === 'read') return;
      if (ofToken !== undefined) {
        if (ofToken.includes(origin)) return;
        throw new RequestError(
          'origin_not_allowed',
          `pages of origin ${quote(origin)} may not use this token; add the origin to its origins`,
        );
      }
      if (named.has(origin) || (purpose === 'push' && anyMayPush) || isOwn(origin, host)) return;
      throw new RequestError(
        'origin_not_allowed',
        `pages of origin ${quote(origin)} are not allowed to ${purpose === 'push' ? 'push' : 'delete'}; add the origin with --web.cors-origin`,
      );
    },
    checkAmbient({ origin, host, 'sec-fetch-site': site }, role) {
      if (role === 'scrape' || role === 'read') return;
      const isOfPage =
        origin !== undefined || (site !== undefined && site !== 'none' && site !== 'same-origin');
      // Over TLS a page of the same name without it is no page of this gateway, and the browser says so.
      const isSame = site === undefined || site === 'same-origin';
      if (!isOfPage || (origin !== undefined && (named.has(origin) || (isSame && isOwn(origin, host)))))
        return;
      throw new RequestError(
        'origin_not_allowed',
        `a page of ${origin === undefined ? 'another origin' : quote(origin)} may not use a password that the browser knows; use a token, or add the origin with --web.cors-origin`,
      );
    },
  };
}

function headersOfNamed(origin: string): FlatHeaders {
  return [...varies, 'Access-Control-Allow-Origin', origin, 'Access-Control-Allow-Credentials', 'true'];
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
