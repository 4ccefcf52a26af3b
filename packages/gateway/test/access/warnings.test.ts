import { expect, it } from 'vitest';

import { AccessWarnings } from '../../src/access/warnings.ts';
import type { AccessRules } from '../../src/rules/access.ts';
import type { Role } from '../../src/model/roles.ts';
import { readRules } from '../../src/rules/file/read-rules.ts';
import { collectingLog } from '../support/collecting-log.ts';

const all = { host: undefined };
const users = new Map([['ann', '']]);
const none = new Map<string, string>();
type Web = ConstructorParameters<typeof AccessWarnings>[2]['web'];

const accessOf = (yaml: string): AccessRules | undefined => readRules(yaml).rules!.access;
const served = (...roles: Role[]): ReadonlySet<Role> => new Set(roles);

it.each<[what: string, access: string, web: Web, address: object, warning: RegExp | undefined]>([
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
  const { log, lines } = collectingLog();
  void new AccessWarnings(log, [address as typeof all], { access: accessOf(access), web });
  const [first, ...others] = lines.map(([, message]) => message);
  if (warning === undefined) expect(first).toBeUndefined();
  else expect(first).toMatch(warning);
  expect(others).toEqual([]);
});

it('is said again only once it was not so in between', () => {
  const { log, lines } = collectingLog();
  const warnings = new AccessWarnings(log, [all], { access: undefined, web: undefined });
  let seen = 0;
  const said = (): readonly string[] => {
    const fresh = lines.slice(seen).map(([, message]) => message.slice(0, 7));
    seen = lines.length;
    return fresh;
  };
  expect(said()).toEqual(['anybody']);
  warnings.access = accessOf('access: {tokens: []}');
  warnings.web = { tls: undefined, users: none };
  expect(said()).toEqual([]);
  warnings.access = accessOf('access: {anonymous: [push]}');
  warnings.access = accessOf('access: {users: {ann: [push]}}');
  expect(said()).toEqual(['access.', 'anybody']);
  warnings.web = { tls: undefined, users };
  warnings.web = { tls: undefined, users: none };
  expect(said()).toEqual(['access.', 'anybody']);
});
