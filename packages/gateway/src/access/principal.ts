/** Who sends a request, and what they may do. */
import { RequestError } from '../model/errors.ts';
import type { GroupingKey } from '../model/labels.ts';
import { roles } from '../model/roles.ts';
import type { Role } from '../model/roles.ts';
import { quote } from '../primitives/quote.ts';
import type { Token } from './tokens.ts';

export interface Principal {
  /** As messages and logs have it; undefined for whoever says nothing of themselves. */
  readonly name: string | undefined;
  readonly may: ReadonlySet<Role>;
  readonly token: Token | undefined;
  /** Of the web configuration. */
  readonly user?: string | undefined;
  /** Browsers send it by themselves, with whatever page: a name and a password. */
  readonly isAmbient: boolean;
}

export const everything: ReadonlySet<Role> = new Set(roles);

/** Throws RequestError. */
export function checkMay({ name, may }: Principal, role: Role): void {
  if (may.has(role)) return;
  if (name === undefined)
    throw new RequestError(
      'unauthorized',
      may.size === 0 ? 'a token or password is needed' : `a token or password is needed to ${verbs[role]}`,
    );
  throw new RequestError('forbidden', `${name} may ${[...may].join(', ') || 'do nothing'}, not ${role}`);
}

const verbs: Readonly<Record<Role, string>> = {
  push: 'push',
  delete: 'delete',
  scrape: 'scrape',
  read: 'read this page',
  admin: 'use the admin API',
  lifecycle: 'reload',
};

/** Throws RequestError for a path that a token may not use. */
export function checkSource({ name, token }: Principal, key: GroupingKey): void {
  const sources = token?.rule.sources;
  if (sources === undefined || sources.matches('', key.labels)) return;
  throw new RequestError('forbidden', `${name} may only use paths that match ${quote(sources.text)}`);
}
