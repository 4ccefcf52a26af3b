/** What an operator may not have meant, of who may come in. */
import type { Role } from '../model/roles.ts';
import type { Log } from '../primitives/log.ts';
import { quote } from '../primitives/quote.ts';
import type { AccessRules } from '../rules/access.ts';
import { needsCertificate } from './web-config.ts';
import type { WebConfig } from './web-config.ts';

/** A Unix socket has no host, as it has a path. */
type Listened = ({ readonly host: string | undefined } | { readonly path: string }) & {
  readonly served?: ReadonlySet<Role> | undefined;
};

/** Undefined without such a file. */
type Web = Pick<WebConfig, 'tls' | 'users'> | undefined;

/** Logs each once it is true: at the start, or from a reload of either file on. */
export class AccessWarnings {
  readonly #log: Log;
  readonly #addresses: readonly Listened[];
  #access: AccessRules | undefined;
  #web: Web;
  #said: ReadonlySet<string> = new Set();

  constructor(
    log: Log,
    addresses: readonly Listened[],
    { access, web }: { readonly access: AccessRules | undefined; readonly web: Web },
  ) {
    this.#log = log;
    this.#addresses = addresses;
    this.#access = access;
    this.#web = web;
    this.#say();
  }

  set access(access: AccessRules | undefined) {
    this.#access = access;
    this.#say();
  }

  set web(web: Web) {
    this.#web = web;
    this.#say();
  }

  #say(): void {
    const warnings = new Set(accessWarnings(this.#access, this.#web, this.#addresses));
    for (const warning of warnings) if (!this.#said.has(warning)) this.#log.warn(warning);
    this.#said = warnings;
  }
}

function accessWarnings(
  access: AccessRules | undefined,
  web: Web,
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
function arePushesOpen(access: AccessRules | undefined, web: Web): boolean {
  if (access?.anonymous !== undefined || (web?.users.size ?? 0) > 0) return false;
  return web?.tls === undefined || !needsCertificate(web.tls.clientAuth);
}

/** From other machines, for pushes. */
function isReachable(address: Listened): boolean {
  if ('path' in address || address.served?.has('push') === false) return false;
  return address.host === undefined || !/^(127\.|::1$|localhost$)/.test(address.host);
}
