/** What users and headers of a web configuration file make of requests. */
import { readFileSync } from 'node:fs';

import { describe, expect, it, test } from 'vitest';

import { webConfigReference } from '../../src/access/reference.ts';
import { RequestRate } from '../../src/access/requests.ts';
import { ask, serve } from './serving.ts';

/** The password is dave123. */
const users = "basic_auth_users: {dave: '$2y$10$2UXri9cIDdgeKjBo4Rlpx.U3ZLDV8X1IxKmsfOvhcM5oXQt/mLmXq'}";
const dave = { auth: 'dave:dave123', plain: true } as const;
const nobody = { plain: true } as const;

describe('with users', () => {
  it.each([
    ['the start page', 'GET', '/'],
    ['a scrape', 'GET', '/metrics'],
    ['own metrics', 'GET', '/-/metrics'],
    ['a push', 'POST', '/metrics/job/x'],
    ['a delete', 'DELETE', '/metrics/job/x'],
    ['a reload', 'POST', '/-/reload'],
    ['the admin API', 'PUT', '/api/v1/admin/wipe'],
    ['what is not there', 'GET', '/nothing'],
    ['an OPTIONS that is no preflight', 'OPTIONS', '/metrics/job/x'],
  ])('%s is for them alone', async (_name, method, path) => {
    const { port, gateway } = await serve(users);
    const { status, headers, text } = await ask(port, { ...nobody, method, path });
    expect([status, headers['www-authenticate'], text]).toEqual([
      401,
      'Basic realm="prom-aggregation-gateway", Bearer realm="prom-aggregation-gateway"',
      'a token or password is needed\n',
    ]);
    expect(gateway.pushes).toEqual([]);
    expect(
      (await ask(port, { ...dave, method, path, body: method === 'POST' ? 'a 1\n' : '' })).status,
    ).not.toBe(401);
  });

  it.each([
    ['health', 'GET', '/-/healthy', {}, 200],
    ['readiness', 'GET', '/-/ready', {}, 200],
    [
      'a preflight, which browsers send without a password',
      'OPTIONS',
      '/metrics/job/x',
      { Origin: 'https://a.example', 'Access-Control-Request-Method': 'POST' },
      204,
    ],
  ])('%s is for everybody', async (_name, method, path, headers, status) => {
    const { port } = await serve(users);
    expect((await ask(port, { ...nobody, method, path, headers })).status).toBe(status);
  });

  it('takes a push whose body was sent before the password was known to be right', async () => {
    const { port, gateway } = await serve(users);
    const body = `a{b="${'x'.repeat(200_000)}"} 1\n`;
    expect((await ask(port, { ...dave, method: 'POST', path: '/metrics/job/x', body })).status).toBe(202);
    expect(gateway.pushes[0]?.body).toBe(body);
  });

  it('does not read what a stranger sends', async () => {
    const { port, telemetry } = await serve(users);
    const body = 'x'.repeat(10_000);
    const { status } = await ask(port, { ...nobody, method: 'POST', path: '/metrics/job/x', body });
    expect(status).toBe(401);
    expect(telemetry.refused).toEqual([['unauthorized', 10_000]]);
  });

  it('goes by other ones once the file says so', async () => {
    const { port, rewrite } = await serve(users);
    expect((await ask(port, dave)).status).toBe(200);
    await rewrite(users.replace('dave', 'carol'));
    expect((await ask(port, dave)).status).toBe(401);
    expect((await ask(port, { ...dave, auth: 'carol:dave123' })).status).toBe(200);
  });

  it('are not of a cost at which one would keep all others waiting', async () => {
    const dear = (cost: number): string =>
      users.replaceAll(/\$2([aby])\$\d\d/g, (_, version) => `$2${version}$${cost}`);
    await expect(serve(dear(19))).rejects.toThrow(/a bcrypt hash of cost 19 takes too long/);
    expect((await serve(dear(18))).lines.map(([, message]) => message)).toEqual([
      expect.stringContaining('a bcrypt hash of cost 18 takes seconds to check'),
    ]);
  });

  it('stay in force where the file has none any more, as while it is being written', async () => {
    const { port, rewrite, file } = await serve(users);
    for (const text of ['', '# Users:', 'basic_auth_users:', 'basic_auth_users: {}']) {
      await rewrite(text);
      expect([file.report.isSuccess, (await ask(port, nobody)).status]).toEqual([false, 401]);
    }
  });
});

test('the reference is made from the tables', () => {
  const page = new URL('../../../../docs/reference/web-configuration.md', import.meta.url);
  expect(readFileSync(page, 'utf8')).toBe(webConfigReference());
});

test('headers are on all replies, refusals and health as well', async () => {
  const { port } = await serve(
    `${users}\nhttp_server_config: {headers: {Content-Security-Policy: "default-src 'none'"}}`,
  );
  for (const path of ['/', '/-/healthy', '/metrics']) {
    expect((await ask(port, { ...nobody, path })).headers['content-security-policy']).toBe(
      "default-src 'none'",
    );
    expect((await ask(port, { ...dave, path })).headers['content-security-policy']).toBe(
      "default-src 'none'",
    );
  }
});

test('a rate that is passed is answered 429, for everybody', async () => {
  const { port } = await serve('rate_limit: {interval: 1h, burst: 2}');
  const statuses = [];
  for (let i = 0; i < 3; i += 1) statuses.push(await ask(port, nobody));
  expect(statuses.map(({ status }) => status)).toEqual([200, 200, 429]);
  expect(statuses[2]!.headers['retry-after']).toBe('1');
});

test('tokens come back with time, up to the burst', () => {
  let nowMs = 5;
  const rate = new RequestRate(() => nowMs);
  rate.set({ intervalMs: 100, burst: 3 });
  const taken = (): number => {
    for (let count = 0; ; count += 1) {
      try {
        rate.take();
      } catch {
        return count;
      }
    }
  };
  expect(taken()).toBe(3);
  nowMs += 250;
  expect(taken()).toBe(2);
  nowMs += 50;
  expect(taken()).toBe(1);
  nowMs += 1e6;
  expect(taken()).toBe(3);
  rate.set(undefined);
  rate.take();
});
