/** Where the gateway lies among the paths of its address, and of the addresses that others know. */
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';

import { RequestError } from '../../model/errors.ts';
import { quote } from '../../primitives/quote.ts';

interface PrefixOptions {
  readonly externalUrl: string;
  readonly routePrefix: string | undefined;
}

/** Before all paths, without a slash at its end. */
export function prefixOf({ externalUrl, routePrefix }: PrefixOptions): string {
  if (routePrefix !== undefined) return routePrefix;
  return pathIn(externalUrl);
}

function pathIn(externalUrl: string): string {
  return externalUrl === '' ? '' : new URL(externalUrl).pathname.replace(/\/$/, '');
}

/** The path behind the prefix; undefined for one that does not have it. */
export function withoutPrefix(path: string, prefix: string): string | undefined {
  if (prefix === '') return path;
  if (path === prefix) return '/';
  return path.startsWith(`${prefix}/`) ? path.slice(prefix.length) : undefined;
}

export function outsidePrefix(path: string, prefix: string): RequestError {
  return new RequestError(
    'not_found',
    `not found: ${quote(path)}; all paths of this gateway begin with ${prefix}/`,
  );
}

/** What URLs on the start page begin with. */
export interface Links {
  /** Of all, as a browser at this page needs it. */
  readonly path: string;
  /** The whole beginning of a URL, for a request that came with this Host. */
  readonly origin: (request: IncomingMessage, host: string) => string;
}

/** `isSecure` says whether a request came encrypted to where its sender sent it. */
export function linksOf(options: PrefixOptions, isSecure: (request: IncomingMessage) => boolean): Links {
  const { externalUrl } = options;
  if (externalUrl !== '') return { path: pathIn(externalUrl), origin: () => externalUrl };
  const path = prefixOf(options);
  return { path, origin: (request, host) => `${isSecure(request) ? 'https' : 'http'}://${host}${path}` };
}

/** Encrypted by this process; or by the proxy in front of it, as one that is trusted says. */
export function secureRequests(
  isProxied: (request: IncomingMessage) => boolean,
): (request: IncomingMessage) => boolean {
  return (request) => {
    if ((request.socket as Partial<TLSSocket>).encrypted === true) return true;
    const forwarded = request.headers['x-forwarded-proto'];
    return typeof forwarded === 'string' && isProxied(request) && /(?:^|,)\s*https\s*$/i.test(forwarded);
  };
}
