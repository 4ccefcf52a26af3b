/**
 * Which requests may come at all, by the version and the Host of their heads.
 *
 * Two Hosts are read differently by programs on the way, so they are refused. Where names are configured, a request for
 * another one is, too: a page whose name was made to point here after it was loaded could read all of it as its own
 * (DNS rebinding). That takes a name and a browser, so addresses are let in, and HTTP/1.0 without a Host.
 */
import type { IncomingMessage } from 'node:http';
import { isIPv4, isIPv6 } from 'node:net';

import { RequestError } from '../../model/errors.ts';
import { quote } from '../../primitives/quote.ts';
import { HEALTHY_PATH, READY_PATH } from './routes.ts';

interface HostPolicy {
  /** Throws RequestError `body_unreadable`, `invalid_host` or `host_not_allowed`. */
  check(request: IncomingMessage, path: string): void;
}

/** `allowed` holds `*`, which stands for all, or names and addresses, with or without a port. */
export function hostPolicy(allowed: readonly string[]): HostPolicy {
  const all = allowed.includes('*');
  const names = new Set(allowed.map((name) => name.toLowerCase()));
  return {
    check(request, path) {
      checkHead(request);
      if (!all) checkName(names, hostOf(request), path);
    },
  };
}

/** Of `node:http2`; the parser of HTTP/1 takes this version for its own, too. */
export function isHttp2(request: IncomingMessage): boolean {
  return request.httpVersionMajor === 2 && 'stream' in request;
}

function checkHead(request: IncomingMessage): void {
  if (request.httpVersionMajor !== 1) {
    if (isHttp2(request)) return;
    throw new RequestError('body_unreadable', `HTTP/${request.httpVersion} is not supported; use HTTP/1.1`);
  }
  let hosts = 0;
  const { rawHeaders } = request;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    if (name === 'Host' || (name.length === 4 && name.toLowerCase() === 'host')) hosts += 1;
  }
  if (hosts === 1 || (hosts === 0 && request.httpVersionMinor === 0)) return;
  throw new RequestError(
    'invalid_host',
    hosts === 0
      ? 'the request has no Host header, which HTTP/1.1 requires'
      : `the request has ${hosts} Host headers; send one`,
  );
}

function checkName(names: ReadonlySet<string>, sent: string, path: string): void {
  const host = sent.toLowerCase();
  if (names.has(host) || host === '' || path === HEALTHY_PATH || path === READY_PATH) return;
  const name = host.replace(/:\d*$/, '');
  if (names.has(name) || isIPv4(name) || (/^\[.*\]$/.test(name) && isIPv6(name.slice(1, -1)))) return;
  throw new RequestError(
    'host_not_allowed',
    `host ${quote(sent)} is not allowed; use a host listed in --web.allowed-hosts, or add this one`,
  );
}

/** The authority of a target in absolute form counts before the header, RFC 9112, section 3.2.2. */
function hostOf({ url = '', headers }: IncomingMessage): string {
  const absolute = url.startsWith('/') ? null : /^[^/?#]*:\/\/(?:[^/?#]*@)?([^/?#]*)/.exec(url);
  return absolute?.[1] ?? String(headers[':authority'] ?? headers.host ?? '');
}
