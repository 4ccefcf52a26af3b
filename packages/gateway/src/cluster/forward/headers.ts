/** Headers of what is passed on, and of replies that are passed back. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

import { MEMBER_HEADER } from './seal.ts';

/** Of one connection alone, RFC 9110, section 7.6.1. */
const ofConnection: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
/** Said anew, or not to be known by the leader: it does not look at credentials, and learns the address in another way. */
const saidAnew: ReadonlySet<string> = new Set([
  MEMBER_HEADER,
  'authorization',
  'content-length',
  'cookie',
  'expect',
  'host',
  'x-forwarded-for',
]);
const SCRAPE_TIMEOUT = 'x-prometheus-scrape-timeout-seconds';

/** For how long a scraper waits; undefined where it does not say. */
export function timeoutMsOf(headers: IncomingHttpHeaders): number | undefined {
  const seconds = Number(headers[SCRAPE_TIMEOUT] ?? Number.NaN);
  return seconds > 0 ? seconds * 1000 : undefined;
}

/** Names and values by turns. `host` is that of the leader, for requests that name none. */
export function requestHeaders(
  { rawHeaders, headers }: Pick<IncomingMessage, 'rawHeaders' | 'headers'>,
  {
    host,
    sealed,
    heldMs,
    bodyBytes,
    isDecoded = false,
  }: {
    readonly host: string;
    readonly sealed: string;
    readonly heldMs: number;
    readonly bodyBytes: number | undefined;
    /** The body is not compressed any more. */
    readonly isDecoded?: boolean | undefined;
  },
): string[] {
  const passed = ['Host', headers.host ?? String(headers[':authority'] ?? host), MEMBER_HEADER, sealed];
  if (bodyBytes !== undefined) passed.push('Content-Length', String(bodyBytes));
  const named = namedIn(headers.connection);
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const lower = rawHeaders[i]!.toLowerCase();
    if (lower.startsWith(':') || ofConnection.has(lower) || saidAnew.has(lower) || named.has(lower)) continue;
    if (isDecoded && lower === 'content-encoding') continue;
    const isTimeout = lower === SCRAPE_TIMEOUT && Number(rawHeaders[i + 1]) > 0;
    passed.push(rawHeaders[i]!, isTimeout ? secondsLeft(rawHeaders[i + 1]!, heldMs) : rawHeaders[i + 1]!);
  }
  return passed;
}

function secondsLeft(text: string, heldMs: number): string {
  return String(Math.max(Number(text) - heldMs / 1000, 0.001));
}

/** Of a reply of the leader, for the sender. */
export function replyHeaders({
  rawHeaders,
  headers,
}: Pick<IncomingMessage, 'rawHeaders' | 'headers'>): string[] {
  const passed: string[] = [];
  const named = namedIn(headers.connection);
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const lower = rawHeaders[i]!.toLowerCase();
    if (ofConnection.has(lower) || lower === MEMBER_HEADER || lower === 'date' || named.has(lower)) continue;
    passed.push(rawHeaders[i]!, rawHeaders[i + 1]!);
  }
  return passed;
}

const nothing: ReadonlySet<string> = new Set();

function namedIn(connection: string | undefined): ReadonlySet<string> {
  return connection === undefined
    ? nothing
    : new Set(connection.split(',').map((name) => name.trim().toLowerCase()));
}
