import { expect, it } from 'vitest';

import { accessWarnings } from '../../src/access/warnings.ts';
import type { Role } from '../../src/model/roles.ts';
import { readRules } from '../../src/rules/file/read-rules.ts';

const all = { host: undefined };
const users = new Map([['ann', '']]);
const none = new Map<string, string>();
const served = (...roles: Role[]): ReadonlySet<Role> => new Set(roles);

it.each<
  [
    what: string,
    access: string,
    web: Parameters<typeof accessWarnings>[1],
    address: object,
    warning: RegExp | undefined,
  ]
>([
  ['nothing is said', '', undefined, all, /^anybody who reaches/],
  ['of an address of this machine', '', undefined, { host: '10.1.2.3' }, /^anybody/],
  ['loopback', '', undefined, { host: '127.0.0.1' }, undefined],
  ['loopback of IPv6', '', undefined, { host: '::1' }, undefined],
  ['its name', '', undefined, { host: 'localhost' }, undefined],
  ['a name that begins like it', '', undefined, { host: 'localhost.example' }, /^anybody/],
  ['a Unix socket', '', undefined, { path: '/run/pag.sock' }, undefined],
  ['no pushes there', '', undefined, { ...all, served: served('scrape') }, undefined],
  ['pushes there', '', undefined, { ...all, served: served('push') }, /^anybody/],
  ['passwords', '', { tls: undefined, users }, all, undefined],
  ['headers alone', '', { tls: undefined, users: none }, all, /^anybody/],
  ['tokens, and all else open', 'access: {tokens: []}', undefined, all, /^anybody/],
  ['it is meant', 'access: {anonymous: [push]}', undefined, all, undefined],
  ['a user who is there', 'access: {users: {ann: [scrape]}}', { tls: undefined, users }, all, undefined],
  [
    'a user who is not',
    'access: {users: {anne: [scrape]}}',
    { tls: undefined, users },
    all,
    /"anne", who is no user/,
  ],
])('%s', (_what, access, web, address, warning) => {
  const [first, ...others] = accessWarnings(readRules(access).rules!.access, web, [address as typeof all]);
  if (warning === undefined) expect(first).toBeUndefined();
  else expect(first).toMatch(warning);
  expect(others).toEqual([]);
});
