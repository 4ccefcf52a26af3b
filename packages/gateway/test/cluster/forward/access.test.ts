/** Who sends what a member passes on, as the leader sees it, and that nobody else can say so. */
import { createHash } from 'node:crypto';

import { expect, onTestFinished, test } from 'vitest';

import { Access } from '../../../src/access/access.ts';
import { MEMBER_HEADER, Seal } from '../../../src/cluster/forward/seal.ts';
import { readRules } from '../../../src/rules/file/read-rules.ts';
import { FakeGateway, sendTo, waitFor } from '../../http/helpers.ts';
import { Members } from './members.ts';

const secret = 'a secret of the cluster';
const digestOf = (token: string): string => createHash('sha256').update(token).digest('hex');

function accessOf(rules: string, users: Readonly<Record<string, string>> = {}): Access {
  const read = readRules(rules);
  const access = new Access({
    now: () => performance.now(),
    wallMs: Date.now,
    rules: { current: read.rules! },
  });
  access.config = {
    tls: undefined,
    headers: [],
    users: new Map(Object.entries(users)),
    rateLimit: undefined,
  };
  onTestFinished(() => access.close());
  return access;
}

const rules = `access:
  anonymous: [scrape]
  users: {ann: [push]}
  tokens:
    - {name: mobile, sha256: ${digestOf('one')}, may: [push], sources: '{job="a"}', limits: {pushes_per_second: 1, burst: 3, body: 100}}
    - {name: reader, sha256: ${digestOf('two')}, may: [read]}
`;

async function cluster(leads = rules, enters = rules, more: object = {}) {
  const members = new Members();
  const gateway = new FakeGateway();
  const a = await members.add('a', gateway, { access: accessOf(leads), ...more });
  const b = await members.add('b', new FakeGateway(), { access: accessOf(enters), ...more });
  members.lead(a);
  const send = (
    to: number,
    token: string | undefined,
    method = 'POST',
    path = '/metrics/job/a',
    body = 'a 1\n',
  ) =>
    sendTo(to, method, path, {
      ...(method === 'GET' ? {} : { body }),
      headers: token === undefined ? {} : { Authorization: `Bearer ${token}` },
    });
  return { members, gateway, a, b, send };
}

test('the member that takes a request refuses who may not send it, and the leader never sees it', async () => {
  const { a, b, gateway, send } = await cluster();
  expect((await send(b.port, undefined)).status).toBe(401);
  expect((await send(b.port, 'wrong')).status).toBe(401);
  expect((await send(b.port, 'two')).status).toBe(403);
  expect((await send(b.port, 'one', 'GET', '/metrics')).status).toBe(403);
  expect(b.forwarder.report.answered).toBe(0);
  expect((await send(b.port, undefined, 'GET', '/metrics')).status).toBe(200);
  expect((await send(b.port, 'two', 'GET', '/api/v1/labels')).status).toBe(200);
  expect([gateway.pushes.length, gateway.scrapes.length, gateway.lists.length]).toEqual([0, 1, 1]);
  expect(a.telemetry.refused).toEqual([]);
});

test('the leader knows the token, and judges its paths, its rate and its limits for all members together', async () => {
  const { a, b, gateway, send } = await cluster();
  expect((await send(b.port, 'one')).status).toBe(202);
  expect((await send(a.port, 'one')).status).toBe(202);
  const wrongPath = await send(b.port, 'one', 'POST', '/metrics/job/b');
  expect([wrongPath.status, wrongPath.text]).toEqual([403, expect.stringContaining('token mobile')]);
  const tooLong = await send(b.port, 'one', 'POST', '/metrics/job/a', 'a 1\n'.repeat(100));
  expect([tooLong.status, tooLong.text]).toEqual([413, expect.stringContaining('limits.body')]);
  expect((await send(b.port, 'one')).status).toBe(202);
  expect((await send(b.port, 'one')).status).toBe(429);
  expect((await send(a.port, 'one')).status).toBe(429);
  expect(a.telemetry.byToken.filter(([, result]) => result === 'accepted')).toEqual([
    ['mobile', 'accepted'],
    ['mobile', 'accepted'],
    ['mobile', 'accepted'],
  ]);
  expect(gateway.pushes.length).toBe(3);
});

test('what the rules of the leader say holds, where those of the member that took a request are others', async () => {
  const others = rules.replace('may: [push]', 'may: [scrape]').replace(digestOf('two'), digestOf('three'));
  const { b, gateway, send } = await cluster(others, rules);
  const refused = await send(b.port, 'one');
  expect([refused.status, refused.text]).toEqual([
    403,
    expect.stringContaining('token mobile may scrape, not push'),
  ]);
  expect((await send(b.port, 'two', 'GET', '/api/v1/labels')).status).toBe(401);
  expect(gateway.pushes.length).toBe(0);
});

test('a password is looked at once, by the member that took the request', async () => {
  // Of "push", with the least work.
  const users = { ann: '$2b$04$pgkzZ9VMBsJ.TIfnnc9fvuf.sDLTpXqUDRVUGtLKy9z1vRLD/eIbO' };
  const members = new Members();
  const gateway = new FakeGateway();
  const a = await members.add('a', gateway, { access: accessOf(rules, users) });
  const b = await members.add('b', new FakeGateway(), { access: accessOf(rules, users) });
  members.lead(a);
  const basic = (pair: string) => ({ Authorization: `Basic ${Buffer.from(pair).toString('base64')}` });
  const wrong = await sendTo(b.port, 'POST', '/metrics/job/a', {
    body: 'a 1\n',
    headers: basic('ann:wrong'),
  });
  expect(wrong.status).toBe(401);
  const seal = new Seal(secret);
  const url = '/metrics/job/a';
  const vouched = {
    member: 'b',
    key: undefined,
    heldMs: 0,
    address: '10.1.1.1',
    who: { user: 'ann', isAmbient: true },
  };
  const headers = { [MEMBER_HEADER]: seal.close({ method: 'POST', url }, vouched) };
  expect((await sendTo(a.port, 'POST', url, { body: 'a 1\n', headers })).status).toBe(202);
  expect(
    (
      await sendTo(a.port, 'DELETE', url, {
        headers: { [MEMBER_HEADER]: seal.close({ method: 'DELETE', url }, vouched) },
      })
    ).status,
  ).toBe(403);
});

test('the leader sees the address of the sender, not that of the member', async () => {
  const { b, gateway } = await cluster('', '', { options: { trustedProxies: ['127.0.0.1'] } });
  const headers = { 'X-Forwarded-For': '203.0.113.7' };
  await sendTo(b.port, 'GET', '/metrics', { headers });
  expect(gateway.scrapes[0]).toMatchObject({
    scraper: '203.0.113.7 ',
    network: expect.stringContaining('203.0.113'),
  });
});

test('a seal that is not of the cluster is refused, wherever it comes', async () => {
  const { members, a, b, gateway } = await cluster();
  const url = '/metrics/job/a';
  const vouched = {
    member: 'b',
    key: undefined,
    heldMs: 0,
    address: undefined,
    who: { token: digestOf('one') },
  };
  const good = new Seal(secret).close({ method: 'POST', url }, vouched);
  const [text = '', mac = ''] = good.split('.');
  const said = { ...JSON.parse(Buffer.from(text, 'base64url').toString()), who: { user: 'root' } };
  const forged = [
    new Seal('another secret').close({ method: 'POST', url }, vouched),
    // Of another method, of another path, of other words.
    new Seal(secret).close({ method: 'PUT', url }, vouched),
    new Seal(secret).close({ method: 'POST', url: `${url}/instance/x` }, vouched),
    `${Buffer.from(JSON.stringify(said)).toString('base64url')}.${mac}`,
    text,
    `.${mac}`,
    '',
    'x'.repeat(60),
  ];
  for (const header of forged) {
    for (const { port } of [a, b]) {
      const reply = await sendTo(port, 'POST', url, {
        body: 'a 1\n',
        headers: { [MEMBER_HEADER]: header, Authorization: 'Bearer one' },
      });
      expect([reply.status, reply.text], header).toEqual([
        403,
        expect.stringContaining('cluster.secret-file'),
      ]);
    }
  }
  expect(gateway.pushes.length).toBe(0);
  expect(
    (await sendTo(a.port, 'POST', url, { body: 'a 1\n', headers: { [MEMBER_HEADER]: good } })).status,
  ).toBe(202);
  // And where this one does not lead, it goes no further.
  members.lead(undefined);
  const refused = await sendTo(a.port, 'POST', url, { body: 'a 1\n', headers: { [MEMBER_HEADER]: good } });
  expect([refused.status, refused.headers[MEMBER_HEADER]]).toEqual([503, 'again']);
});

test('a member with another secret says so in its log, and holds what it gets', async () => {
  const members = new Members();
  const gateway = new FakeGateway();
  const a = await members.add('a', gateway);
  const b = await members.add('b', new FakeGateway(), { secret: 'another secret', bounds: { holdMs: 200 } });
  members.lead(a);
  const reply = await sendTo(b.port, 'POST', '/metrics/job/a', { body: 'a 1\n' });
  expect([reply.status, reply.text]).toEqual([
    503,
    expect.stringContaining('the leader refuses this member'),
  ]);
  expect(b.warnings).toContain('the leader has another --cluster.secret-file');
  expect(gateway.pushes.length).toBe(0);
});

test('what comes by way of a member needs no listener that serves it, and keeps its Host', async () => {
  const { b, gateway } = await cluster('', '', { options: { allowedHosts: ['metrics.example'] } });
  const reply = await sendTo(b.port, 'POST', '/metrics/job/a', {
    body: 'a 1\n',
    headers: { Host: 'metrics.example' },
  });
  expect(reply.status).toBe(202);
  const refused = await sendTo(b.port, 'POST', '/metrics/job/a', {
    body: 'a 1\n',
    headers: { Host: 'evil.example' },
  });
  expect(refused.status).toBe(421);
  expect(gateway.pushes.length).toBe(1);
});

test('pages of origins may do through a member what they may do at the leader', async () => {
  const { b, gateway } = await cluster('', '', { options: { corsOrigins: ['https://shop.example'] } });
  const from = (Origin: string) =>
    sendTo(b.port, 'POST', '/metrics/job/a', { body: 'a 1\n', headers: { Origin } });
  const taken = await from('https://shop.example');
  expect([taken.status, taken.headers['access-control-allow-origin']]).toEqual([202, 'https://shop.example']);
  expect((await from('https://evil.example')).status).toBe(403);
  expect(gateway.pushes.length).toBe(1);
});

test('credentials stay with the member that took the request', async () => {
  const { createServer } = await import('node:http');
  const seen: (readonly string[])[] = [];
  const server = createServer((request, response) => {
    seen.push(request.rawHeaders);
    response.writeHead(202, { [MEMBER_HEADER]: 'answered', Connection: 'x-hop', 'X-Hop': '1' }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { members, b } = await cluster();
  const other = new Members();
  const stand = await other.add('x', new FakeGateway());
  Object.defineProperty(stand.wire, 'url', {
    get: () => new URL(`http://127.0.0.1:${(server.address() as { port: number }).port}`),
  });
  members.lead(stand);
  const reply = await sendTo(b.port, 'POST', '/metrics/job/a', {
    body: 'a 1\n',
    headers: {
      Authorization: 'Bearer one',
      Cookie: 'a=b',
      'Idempotency-Key': 'k',
      'X-Forwarded-For': '10.0.0.1',
      Connection: 'close, X-Of-Connection',
      'X-Of-Connection': '1',
    },
  });
  expect([reply.status, reply.headers['x-hop']]).toEqual([202, undefined]);
  const names = seen[0]!.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase());
  expect(names.toSorted()).toEqual([
    'connection',
    'content-length',
    'host',
    'idempotency-key',
    MEMBER_HEADER,
  ]);
  expect(seen.join()).not.toContain('one');
  await waitFor(() => b.forwarder.report.underWay === 0);
});
