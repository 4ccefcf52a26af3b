/**
 * For which hosts requests may come. A web page can make a name of its own lead to an address in the network of its visitor
 * (DNS rebinding) and is then of the same origin as the gateway; only the name in the Host header gives it away.
 */
import type { IncomingMessage } from 'node:http';

import { RequestError } from '../model/errors.ts';
import { quote } from '../primitives/quote.ts';
import { HEALTHY_PATH, READY_PATH } from './routes.ts';

/** Throws RequestError `invalid_host` or `host_not_allowed`. */
export type HostCheck = (request: IncomingMessage, path: string) => void;

/** `allowed` holds `*`, or hosts in small letters, with or without a port. Probes of health may come for any host. */
export function hostCheck(allowed: readonly string[]): HostCheck {
  const allowsAll = allowed.includes('*');
  const hosts = new Set(allowed);
  return (request, path) => {
    const { rawHeaders } = request;
    let hostHeaders = 0;
    for (let i = 0; i < rawHeaders.length; i += 2) {
      const name = rawHeaders[i]!;
      if (name.length === 4 && name.toLowerCase() === 'host') hostHeaders += 1;
    }
    if (hostHeaders > 1) {
      throw new RequestError('invalid_host', 'the request has two Host headers; send one');
    }
    if (allowsAll || path === HEALTHY_PATH || path === READY_PATH) return;
    const host = targetHost(request);
    if (hosts.has(host) || hosts.has(host.replace(/:\d+$/, ''))) return;
    throw new RequestError(
      'host_not_allowed',
      `requests for the host ${quote(host)} are not answered here; allow it with --web.allowed-hosts`,
    );
  };
}

/** The absolute form of a target says more than the header; RFC 9112, section 3.2.2. */
function targetHost({ url = '', headers }: IncomingMessage): string {
  const absolute = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(url)?.[1];
  return (absolute ?? headers.host ?? '').toLowerCase();
}
