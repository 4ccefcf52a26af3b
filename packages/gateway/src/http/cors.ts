/**
 * Who may push from a web page. CORS alone keeps nobody out: a page may always send a simple POST, and only the reply is
 * hidden from it. So where exact origins are configured, a push that names another is refused.
 *
 * Headers are flat arrays of name, value, name, value, as `writeHead` takes them without further work.
 */
import { RequestError } from '../model/errors.ts';
import { quote } from '../primitives/quote.ts';

export type FlatHeaders = readonly string[];

export interface CorsPolicy {
  /** For any reply a page may want to read, errors too. */
  headersFor(origin: string | undefined): FlatHeaders;
  /** For the reply to a preflight, in addition to `headersFor`. */
  readonly preflightHeaders: FlatHeaders;
  /** Throws RequestError `origin_not_allowed`. Requests without an Origin do not come from pages and always pass. */
  check(origin: string | undefined): void;
}

const preflightHeaders: FlatHeaders = [
  'Access-Control-Allow-Methods',
  'POST, PUT, DELETE, OPTIONS',
  'Access-Control-Allow-Headers',
  'Content-Type, Content-Encoding, Authorization, Idempotency-Key',
  'Access-Control-Max-Age',
  '86400',
];

const anyOriginHeaders: FlatHeaders = ['Access-Control-Allow-Origin', '*'];
const anyOriginPolicy: CorsPolicy = {
  headersFor: () => anyOriginHeaders,
  preflightHeaders,
  check: () => {},
};

/** `origins` holds `*`, which stands for all, or exact origins as browsers write them. */
export function corsPolicy(origins: readonly string[]): CorsPolicy {
  if (origins.includes('*')) return anyOriginPolicy;
  const varies: FlatHeaders = ['Vary', 'Origin'];
  const allowed = new Map<string, FlatHeaders>(
    origins.map((origin) => [
      origin,
      [...varies, 'Access-Control-Allow-Origin', origin, 'Access-Control-Allow-Credentials', 'true'],
    ]),
  );
  return {
    headersFor: (origin) => (origin === undefined ? varies : (allowed.get(origin) ?? varies)),
    preflightHeaders,
    check(origin) {
      if (origin === undefined || allowed.has(origin)) return;
      throw new RequestError(
        'origin_not_allowed',
        `pages of origin ${quote(origin)} may not push here; add it with --web.cors-origin`,
      );
    },
  };
}

/** The headers of a policy with all that the reply varies by in one header. */
export function withVary(names: readonly string[], headers: FlatHeaders): FlatHeaders {
  const at = headers.findIndex((header, i) => i % 2 === 0 && header === 'Vary');
  if (at === -1) return ['Vary', names.join(', '), ...headers];
  return headers.with(at + 1, [...names, headers[at + 1]].join(', '));
}
