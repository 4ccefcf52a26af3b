/** What an operator may not have meant, of who may come in. */
import type { Role } from '../model/roles.ts';
import { quote } from '../primitives/quote.ts';
import type { AccessRules } from '../rules/access.ts';
import { needsCertificate } from './web-config.ts';
import type { WebConfig } from './web-config.ts';

/** A Unix socket has no host, as it has a path. */
type Listened = ({ readonly host: string | undefined } | { readonly path: string }) & {
  readonly served?: ReadonlySet<Role> | undefined;
};

export function accessWarnings(
  access: AccessRules | undefined,
  web: Pick<WebConfig, 'tls' | 'users'> | undefined,
  addresses: readonly Listened[],
): readonly string[] {
  const warnings: string[] = [];
  for (const name of access?.users.keys() ?? [])
    if (web?.users.has(name) !== true)
      warnings.push(
        `access.users names ${quote(name)}, who is no user of the web configuration file; users that are not named may do everything`,
      );
  if (arePushesOpen(access, web) && addresses.some(isReachable))
    warnings.push(
      'anybody who reaches this address may push; see docs/guides/access.md, or say access: {anonymous: [push, delete, scrape, read]} if that is meant',
    );
  return warnings;
}

/** Where nobody has said so. */
function arePushesOpen(
  access: AccessRules | undefined,
  web: Pick<WebConfig, 'tls' | 'users'> | undefined,
): boolean {
  if (access?.anonymous !== undefined || (web?.users.size ?? 0) > 0) return false;
  return web?.tls === undefined || !needsCertificate(web.tls.clientAuth);
}

/** From other machines, for pushes. */
function isReachable(address: Listened): boolean {
  if ('path' in address || address.served?.has('push') === false) return false;
  return address.host === undefined || !/^(127\.|::1$|localhost$)/.test(address.host);
}
