/** Tokens: who may do what with one, from where, and how much. */
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';

import { describe, expect, it, test } from 'vitest';

import { routeTable } from '../../src/http/routes/routes.ts';
import { roles } from '../../src/model/roles.ts';
import { pathOf } from '../http/path-of.ts';
import { ask, serve } from './serving.ts';
import type { Answer, Asking } from './serving.ts';

const digestOf = (token: string): string => createHash('sha256').update(token).digest('hex');

/** A line of the file for a token whose name is its text. */
const token = (text: string, more: string = ''): string =>
  `{name: ${text}, sha256: ${digestOf(text)}${more === '' ? '' : `, ${more}`}}`;

const rulesOf = (tokens: readonly string[], more: string = 'anonymous: []'): string =>
  `access:\n  ${more}\n  tokens:\n${tokens.map((each) => `    - ${each}\n`).join('')}`;

const bearer = (text: string): Asking => ({ plain: true, headers: { Authorization: `Bearer ${text}` } });
const push = (more: Asking = {}): Asking => ({
  plain: true,
  method: 'POST',
  path: '/metrics/job/x',
  body: 'a 1\n',
  ...more,
});

async function served(rules: string, web: string = '', options: object = {}, reload?: () => Promise<string>) {
  const serving = await serve(web, { rules, options, reload });
  const { port } = serving;
  return { ...serving, ask: (asking: Asking): Promise<Answer> => ask(port, asking) };
}

describe('a token that may', () => {
  it.each(roles)('%s may do that, and nothing else', async (role) => {
    const other = roles.find((each) => each !== role)!;
    const { ask: send } = await served(
      rulesOf([
        token('one', `may: [${role}]`),
        token('rest', `may: [${roles.filter((each) => each !== role).join(', ')}]`),
      ]),
      '',
      { enableAdminApi: true },
    );
    for (const { place, methods, handler, role: needed } of routeTable) {
      if (needed === undefined || handler === 'preflight') continue;
      for (const method of methods) {
        const asking = {
          method,
          path: pathOf[place]!,
          body: method === 'POST' || method === 'PUT' ? 'a 1\n' : undefined!,
        };
        const statuses = [];
        for (const who of ['one', 'rest'])
          statuses.push((await send({ ...bearer(who), ...asking })).status === 403);
        // A reload is not enabled here, which is 403 as well.
        const expected = handler === 'reload' ? [true, true] : [needed !== role, needed === role];
        expect(statuses, `${method} ${place} with ${role} and ${other}`).toEqual(expected);
        expect((await send({ plain: true, ...asking })).status, `${method} ${place} without`).toBe(401);
      }
    }
    for (const path of ['/-/healthy', '/-/ready'])
      expect((await send({ plain: true, path })).status).toBe(200);
  });

  it('push says what else it may not', async () => {
    const { ask: send } = await served(rulesOf([token('web')]));
    expect(await send({ ...bearer('web'), path: '/metrics' })).toMatchObject({
      status: 403,
      text: 'token web may push, not scrape\n',
    });
  });
});

describe('a token comes', () => {
  const basic = (text: string): Asking => ({ auth: `any:${text}` });
  it.each<[name: string, asking: Asking, status: number]>([
    ['as a bearer', bearer('web'), 202],
    ['as a password', basic('web'), 202],
    ['in the URL, where it may', { path: '/metrics/job/x?token=url' }, 202],
    ['in the URL, where it may not', { path: '/metrics/job/x?token=web' }, 401],
    ['wrong', bearer('wrong'), 401],
    ['wrong, as a password', basic('wrong'), 401],
    ['wrong, in the URL', { path: '/metrics/job/x?token=wrong' }, 401],
    ['as its digest', bearer(digestOf('web')), 401],
    ['as nothing', {}, 401],
    ['in another scheme', { headers: { Authorization: 'Digest web' } }, 401],
    ['with a blank in it', { headers: { Authorization: 'Bearer we b' } }, 401],
    [
      'wrong in the header and right in the URL',
      { path: '/metrics/job/x?token=url', headers: { Authorization: 'Bearer wrong' } },
      401,
    ],
    ['after its last day', bearer('old'), 401],
    ['on its last day', bearer('today'), 202],
  ])('%s', async (_name, asking, status) => {
    const today = new Date().toISOString().slice(0, 10);
    const {
      ask: send,
      gateway,
      lines,
    } = await served(
      rulesOf([
        token('web'),
        token('url', 'in_url: true'),
        token('old', 'expires: 2020-02-29'),
        token('today', `expires: ${today}`),
      ]),
    );
    const answer = await send(push(asking));
    expect(answer.status, answer.text).toBe(status);
    expect(gateway.pushes).toHaveLength(status === 202 ? 1 : 0);
    if (status === 401) expect(answer.headers['www-authenticate']).toMatch(/^Basic .*Bearer /);
    expect(JSON.stringify(lines)).not.toMatch(/=url|wrong|we b/);
    expect(answer.text).not.toMatch(/wrong|=url/);
  });
});

describe('paths that a token may use', () => {
  it.each<[path: string, status: number]>([
    ['/metrics/job/shop', 202],
    ['/metrics/job/shop/instance/a', 202],
    ['/metrics/job@base64/c2hvcA', 202],
    ['/metrics/job/%73hop', 202],
    ['/metrics/job/other', 403],
    ['/metrics/job/shop%2F..%2Fother', 403],
    ['/metrics/job/shop/job/other', 400],
    ['/metrics/job/other/job/shop', 400],
    ['/metrics/job@base64/b3RoZXI', 403],
    ['/metrics/instance/shop', 403],
    ['/metrics/job/shop/../other', 400],
    ['/metrics/job/other/../shop', 400],
    ['/metrics//job/shop', 400],
    ['/metrics/job/shop//job/other', 400],
    ['/metrics/%6Aob/other', 403],
    ['/metrics/job/SHOP', 403],
    ['/metrics/job/shop%0A', 403],
    ['/metrics/job/shop ', 403],
    ['/metrics/job/shop%252F..%252Fother', 403],
    ['/metrics/job%2Fother', 400],
    ['/metrics%2Fjob%2Fother', 404],
    ['/metrics/job/shop/%6Aob/other', 400],
    ['/metrics/job/shop/job@base64/b3RoZXI', 400],
    ['/metrics/job@base64/b3RoZXI/job/shop', 400],
    ['/metrics/job%40base64/b3RoZXI', 403],
    ['/metrics/job@base64/c2hvcA==', 202],
    ['/metrics/job@base64/c2hvcC8uLi9vdGhlcg', 403],
    ['/metrics/./job/shop', 400],
    ['/metrics/job/shop;job=other', 403],
    ['/metrics/job/shop\\..\\other', 403],
    ['/metrics/job/shop?job=other', 202],
    ['/metrics/job/shop#/../other', 400],
    ['/metrics/job/shop/instance/..%2F..%2Fother', 202],
    ['/metrics/job/sh%EF%BC%8Fop', 403],
    ['/metrics/job/shop%00', 403],
    ['/metrics/job/', 400],
    ['/metrics', 403],
    ['/metrics/', 403],
  ])('%s', async (path, status) => {
    const { ask: send, gateway } = await served(
      rulesOf([token('shop', `sources: '{job="shop"}', may: [push, delete]`)]),
    );
    for (const method of ['POST', 'PUT', 'DELETE']) {
      const answer = await send({
        ...bearer('shop'),
        method,
        path: path.replace(' ', '%20'),
        body: method === 'DELETE' ? '' : 'a 1\n',
      });
      // DELETE needs a job in any case.
      if (method !== 'DELETE' || !/^\/metrics\/?$/.test(path))
        expect(answer.status, `${method} ${answer.text}`).toBe(status);
    }
    if (status !== 202) expect([gateway.pushes, gateway.deletes]).toEqual([[], []]);
    else for (const { labels } of gateway.pushes) expect(labels['job']).toBe('shop');
  });

  it('are named in the refusal', async () => {
    const { ask: send } = await served(rulesOf([token('shop', `sources: '{job="shop"}'`)]));
    expect(
      (await send({ ...push(), ...bearer('shop'), method: 'POST', path: '/metrics/job/x', body: 'a 1\n' }))
        .text,
    ).toBe('token shop may only use paths that match "{job=\\"shop\\"}"\n');
  });
});

describe('pages', () => {
  const A = 'https://shop.example';
  const from = (origin: string | undefined, more: Asking): Asking => ({
    ...push(more),
    headers: { ...more.headers, ...(origin === undefined ? {} : { Origin: origin }) },
  });

  it.each<[flag: readonly string[], origin: string | undefined, status: number, allowed: string | undefined]>(
    [
      [['*'], A, 202, A],
      [['*'], 'https://other.example', 403, '*'],
      [['*'], undefined, 202, '*'],
      [['https://main.example'], A, 202, A],
      [['https://main.example'], 'https://main.example', 403, 'https://main.example'],
      [['https://main.example'], 'https://other.example', 403, undefined],
    ],
  )('with --web.cors-origin=%j, of %s', async (corsOrigins, origin, status, allowed) => {
    const { ask: send } = await served(rulesOf([token('web', `origins: ["${A}"]`)]), '', { corsOrigins });
    const answer = await send(from(origin, bearer('web')));
    expect([answer.status, answer.headers['access-control-allow-origin']]).toEqual([status, allowed]);
  });

  it('ask before they push, without a token, and are answered by the origins of all', async () => {
    const { ask: send } = await served(rulesOf([token('web', `origins: ["${A}"]`)]), '', {
      corsOrigins: ['https://main.example'],
    });
    const preflight = async (origin: string): Promise<unknown> => {
      const { status, headers } = await send({
        plain: true,
        method: 'OPTIONS',
        path: '/metrics/job/x',
        headers: {
          Origin: origin,
          'Access-Control-Request-Method': 'POST',
          'Access-Control-Request-Headers': 'authorization',
        },
      });
      return [
        status,
        headers['access-control-allow-origin'],
        /authorization/i.test(String(headers['access-control-allow-headers'])),
      ];
    };
    expect(await preflight(A)).toEqual([204, A, true]);
    expect(await preflight('https://main.example')).toEqual([204, 'https://main.example', true]);
    expect(await preflight('https://other.example')).toEqual([204, undefined, true]);
  });

  it('read replies to what they ask with their token, and to nothing else', async () => {
    const web = "basic_auth_users: {dave: '$2b$04$OwAfr0Ey5tBiJ.YO0D2l0ugpReyWK5y7/Pcp.Ey9NH5sVG3JR3ZeC'}";
    const { ask: send } = await served(
      rulesOf(
        [token('web', `origins: ["${A}"]`), token('read', `may: [scrape], origins: ["${A}"]`)],
        'anonymous: [scrape]',
      ),
      web,
    );
    const allowed = async (asking: Asking): Promise<unknown> =>
      (await send({ ...asking, plain: true, headers: { ...asking.headers, Origin: A } })).headers[
        'access-control-allow-origin'
      ];
    for (const path of ['/metrics', '/nothing']) {
      expect(await allowed({ path })).toBeUndefined();
      expect(await allowed({ path, auth: 'dave:dave123' })).toBeUndefined();
      expect(await allowed({ path, ...bearer('read') })).toBe(A);
    }
    expect(await allowed(push(bearer('wrong')))).toBe(A);
  });

  it.each<[what: string, headers: Record<string, string>, isIn: boolean]>([
    ['curl', {}, true],
    [
      'a page of its name that came without TLS',
      { Origin: 'http://gw', 'Sec-Fetch-Site': 'cross-site' },
      false,
    ],
    ['a page of another origin', { Origin: 'https://evil.example' }, false],
    ['a page of another origin that hides it', { Origin: 'null' }, false],
    ['a form of another site', { 'Sec-Fetch-Site': 'cross-site' }, false],
    ['a page of a neighbour', { 'Sec-Fetch-Site': 'same-site' }, false],
    ['a page of its own', { Origin: 'http://gw', 'Sec-Fetch-Site': 'same-origin' }, true],
    ['a person at the address bar', { 'Sec-Fetch-Site': 'none' }, true],
    ['a page of an origin that is named', { Origin: 'https://main.example' }, true],
  ])('of %s, with a password that the browser knows', async (_what, headers, isIn) => {
    const web = "basic_auth_users: {dave: '$2b$04$OwAfr0Ey5tBiJ.YO0D2l0ugpReyWK5y7/Pcp.Ey9NH5sVG3JR3ZeC'}";
    const options = { corsOrigins: ['*', 'https://main.example'], enableAdminApi: true };
    let reloads = 0;
    const reload = async (): Promise<string> => `${(reloads += 1)}\n`;
    const { ask: send, gateway } = await served('access: {tokens: []}', web, options, reload);
    const dave = { plain: true, auth: 'dave:dave123', headers: { Host: 'gw', ...headers } } as const;
    const statuses = [];
    for (const [method, path] of [
      ['POST', '/metrics/job/x'],
      ['DELETE', '/metrics/job/x'],
      ['POST', '/-/reload'],
      ['PUT', '/api/v1/admin/wipe'],
    ] as const)
      statuses.push((await send({ ...dave, method, path, body: method === 'POST' ? 'a 1\n' : '' })).status);
    const isOfPage = Object.keys(headers).length > 0;
    expect(statuses).toEqual(isIn ? [202, 202, 200, isOfPage ? 403 : 202] : [403, 403, 403, 403]);
    const did = [gateway.pushes.length, gateway.deletes.length, reloads, gateway.deletions.length];
    expect(did).toEqual(isIn ? [1, 1, 1, isOfPage ? 0 : 1] : [0, 0, 0, 0]);
    expect((await send({ ...dave, path: '/metrics' })).status).toBe(200);
  });
});

describe('limits of a token', () => {
  it('pushes a second, in the long run, and at once', async () => {
    const { ask: send } = await served(
      rulesOf([token('web', 'limits: {pushes_per_second: 1, burst: 3}'), token('other')]),
    );
    const statuses = [];
    for (let i = 0; i < 4; i += 1) statuses.push(await send(push(bearer('web'))));
    expect(statuses.slice(0, 3).map(({ status }) => status)).toEqual([202, 202, 202]);
    // The machine may have been slow.
    const last = statuses[3]!;
    if (last.status !== 202) {
      expect([last.status, last.text, last.headers['retry-after']]).toEqual([
        429,
        'token web may push 1 times a second (pushes_per_second); retry later\n',
        '1',
      ]);
    }
    expect((await send(push(bearer('other')))).status).toBe(202);
  });

  it('bytes a second, decompressed', async () => {
    const { ask: send } = await served(rulesOf([token('web', 'limits: {bytes_per_second: 1}')]));
    const body = gzipSync(`a{b="${'x'.repeat(10_000)}"} 1\n`);
    const zipped = { ...bearer('web').headers, 'Content-Encoding': 'gzip' };
    expect((await send(push({ body, headers: zipped }))).status).toBe(202);
    const { status, text } = await send(push(bearer('web')));
    expect([status, text]).toEqual([
      429,
      'token web may push 1 bytes a second (bytes_per_second); retry later\n',
    ]);
  });

  it('bytes a second, of a body that is refused as well', async () => {
    const { ask: send } = await served(rulesOf([token('web', 'limits: {bytes_per_second: 1}')]));
    const body = gzipSync(`a{b="${'x'.repeat(10_000)}"} 1\n`);
    const broken = push({
      body: body.subarray(0, -8),
      headers: { ...bearer('web').headers, 'Content-Encoding': 'gzip' },
    });
    expect((await send(broken)).status).toBe(400);
    expect((await send(broken)).status).toBe(429);
  });

  it.each([
    ['as sent', 'x'.repeat(2000), {}],
    ['decompressed', gzipSync('x'.repeat(2000)), { 'Content-Encoding': 'gzip' }],
    ['in chunks', undefined, { 'Transfer-Encoding': 'chunked' }],
  ])('bytes of a body, %s', async (_name, body, headers) => {
    const { ask: send } = await served(rulesOf([token('web', 'limits: {body: 1KiB}'), token('other')]));
    const sent = push({ body: body ?? 'x'.repeat(2000), headers: { ...bearer('web').headers, ...headers } });
    const { status, text } = await send(sent);
    expect([status, text]).toEqual([
      413,
      expect.stringMatching(/larger than 1024 bytes.* or raise limits\.body of the token\n$/),
    ]);
    expect((await send({ ...sent, headers: { ...bearer('other').headers, ...headers } })).status).not.toBe(
      413,
    );
  });
});

test('idempotency keys are those of a token', async () => {
  const { ask: send, gateway } = await served(rulesOf([token('one'), token('two')], 'anonymous: [push]'));
  const keys = [];
  for (const headers of [{}, bearer('one').headers, bearer('two').headers]) {
    await send(push({ headers: { ...headers, 'Idempotency-Key': 'k' } }));
    keys.push(gateway.lastKey);
  }
  // Without a token as it was before there were any.
  expect(keys).toEqual(['k', 'token one\nk', 'token two\nk']);
});

test('who is anonymous may do what is open today, where nothing is said; the admin API needs a token', async () => {
  const { ask: send } = await served(rulesOf([token('web')], 'users: {}'), '', { enableAdminApi: true });
  expect((await send(push())).status).toBe(202);
  expect((await send({ plain: true, path: '/metrics' })).status).toBe(200);
  expect((await send({ plain: true, path: '/' })).status).toBe(200);
  expect((await send({ plain: true, method: 'PUT', path: '/api/v1/admin/wipe' })).status).toBe(401);
  expect((await send({ plain: true, method: 'POST', path: '/-/reload' })).status).toBe(401);
});

test('users have the rights that they are given, and all where none are said', async () => {
  const web = `basic_auth_users:
  ann: '$2b$04$OwAfr0Ey5tBiJ.YO0D2l0ugpReyWK5y7/Pcp.Ey9NH5sVG3JR3ZeC'
  bob: '$2b$04$OwAfr0Ey5tBiJ.YO0D2l0ugpReyWK5y7/Pcp.Ey9NH5sVG3JR3ZeC'`;
  const { ask: send } = await served(rulesOf([token('web')], 'users: {bob: [scrape]}'), web);
  const statusOf = async (auth: string, asking: Asking): Promise<number> =>
    (await send({ ...asking, plain: true, auth })).status;
  expect(await statusOf('ann:dave123', push())).toBe(202);
  expect(await statusOf('bob:dave123', push())).toBe(403);
  expect(await statusOf('bob:dave123', { path: '/metrics' })).toBe(200);
  expect(await statusOf('bob:wrong', { path: '/metrics' })).toBe(401);
  expect((await send(push(bearer('web')))).status).toBe(202);
  expect((await send(push())).status).toBe(401);
});

test('pushes are counted by token, and refusals are logged with it', async () => {
  const { ask: send, telemetry, lines } = await served(rulesOf([token('web', 'limits: {body: 1KiB}')]));
  await send(push(bearer('web')));
  await send(push({ ...bearer('web'), body: 'x'.repeat(5000) }));
  await send(push(bearer('wrong')));
  expect(telemetry.byToken).toEqual([
    ['web', 'accepted'],
    ['web', 'refused'],
  ]);
  expect(lines.find(([, , { code }]) => code === 'body_too_large')?.[2]).toMatchObject({ by: 'token web' });
});

test('a stranger learns nothing of what there is', async () => {
  const { ask: send } = await served(rulesOf([token('web')]));
  for (const path of ['/nothing', '/metrics', '/-/reload', '/api/v1/admin/wipe', '/'])
    expect(await send({ plain: true, path })).toMatchObject({
      status: 401,
      text: 'a token or password is needed\n',
    });
});
