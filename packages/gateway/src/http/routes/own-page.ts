/**
 * Whether a request comes from the gateway's own page. Others cannot send its header without asking first, and browsers say whether both are of one origin.
 * A page whose name was made to point here after it was loaded (DNS rebinding) seems to be of one as well. So where nobody says who they are,
 * the name must be one that cannot be made to: an address, localhost, or a name that is configured.
 */
import { isIP } from 'node:net';

import type { Exchange } from '../connections/exchange.ts';

export function isFromOwnPage(
  { request: { headers }, principal }: Pick<Exchange, 'request' | 'principal'>,
  allowedHosts: readonly string[],
): boolean {
  const { origin, host = '', 'sec-fetch-site': site } = headers;
  if (headers['x-requested-with'] !== 'fetch') return false;
  if (origin !== undefined && !URL.canParse(origin)) return false;
  const shown = origin === undefined ? host.toLowerCase() : new URL(origin).host;
  // Browsers that are not asked by TLS or on localhost do not say it, but send an Origin with whatever changes something.
  const isSame =
    site === undefined ? origin !== undefined && shown === host.toLowerCase() : site === 'same-origin';
  return isSame && (principal?.name !== undefined || isFixed(shown, allowedHosts));
}

function isFixed(host: string, allowedHosts: readonly string[]): boolean {
  const name = host.replace(/:\d*$/, '');
  if (isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0 || /(?:^|\.)localhost$/.test(name)) return true;
  return allowedHosts.some((allowed) => [host, name].includes(allowed.toLowerCase()));
}
