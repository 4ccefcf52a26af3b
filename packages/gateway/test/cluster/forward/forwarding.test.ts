/** Any member takes pushes, deletes and scrapes: two or three servers before one state, of which one leads. */
import { expect, onTestFinished, test } from 'vitest';

import { embed } from '../../../src/embed.ts';
import { FakeGateway, RawClient, sendTo, waitFor } from '../../http/helpers.ts';
import type { Reply } from '../../http/helpers.ts';
import { KeptJournal } from '../../support/kept-journal.ts';
import type { Member } from './members.ts';
import { Members } from './members.ts';

const counter = '# TYPE a_total counter\na_total 1\n';

/** Two members that share what a real gateway holds. */
async function pair(more: Parameters<Members['add']>[2] = {}, options: Parameters<typeof embed>[0] = {}) {
  const { gateway } = embed(options, new KeptJournal());
  await gateway.open(3_600_000);
  onTestFinished(() => gateway.close());
  const members = new Members();
  const [a, b] = [await members.add('a', gateway, more), await members.add('b', gateway, more)];
  members.lead(a);
  return { members, a, b, gateway };
}

async function fakes(more: Parameters<Members['add']>[2] = {}) {
  const members = new Members();
  const [one, two] = [new FakeGateway(), new FakeGateway()];
  const [a, b] = [await members.add('a', one, more), await members.add('b', two, more)];
  members.lead(a);
  return { members, a, b, one, two };
}

function push(
  to: Member,
  body: string | Uint8Array = counter,
  path = '/metrics/job/a',
  headers = {},
): Promise<Reply> {
  return sendTo(to.port, 'POST', path, { body, headers });
}

async function page(from: Member): Promise<string> {
  return (await sendTo(from.port, 'GET', '/metrics')).text;
}

/** Until so many requests are held. */
const holds = (member: Member, count: number) => waitFor(() => member.forwarder.report.held === count);

test('a push, a scrape, a list and a delete to a member are answered by the leader', async () => {
  const { a, b } = await pair({}, { byJob: true });
  expect((await push(b)).status).toBe(202);
  expect(await page(b)).toContain('a_total 1\n');
  expect(await page(a)).toBe(await page(b));
  const list = await sendTo(b.port, 'GET', '/api/v1/label/__name__/values');
  expect([list.status, list.text]).toEqual([200, expect.stringContaining('"a_total"')]);
  expect((await push(b, '# TYPE g gauge\ng 1\n')).status).toBe(202);
  expect((await sendTo(b.port, 'DELETE', '/metrics/job/a')).status).toBe(202);
  expect(await page(a)).not.toContain('g 1\n');
  const wiped = await sendTo(b.port, 'POST', '/api/v1/admin/wipe', { body: '' });
  expect([wiped.status, wiped.text]).toEqual([202, expect.stringContaining('1 series')]);
  const { answered, held, underWay, triedAgain, refused } = b.forwarder.report;
  expect({ answered, held, underWay, triedAgain, refused }).toEqual({
    answered: 7,
    held: 0,
    underWay: 0,
    triedAgain: 0,
    refused: 0,
  });
});

test('what the leader refuses is refused with its words, in the format that is asked for', async () => {
  const { a, b } = await pair();
  const headers = { Accept: 'application/problem+json' };
  const [direct, passed] = await Promise.all([
    push(a, 'a{ 1\n', undefined, headers),
    push(b, 'a{ 1\n', undefined, headers),
  ]);
  expect([passed.status, passed.text]).toEqual([direct.status, direct.text]);
  expect(passed.headers['pag-member']).toBeUndefined();
  expect(a.telemetry.refused.map(([code]) => code)).toEqual(['syntax', 'syntax']);
  expect(b.telemetry.refused).toEqual([]);
});

test('health, own metrics and what a browser asks first are answered by each member', async () => {
  const { members, b } = await fakes();
  members.lead(undefined);
  expect((await sendTo(b.port, 'GET', '/-/healthy')).status).toBe(200);
  expect((await sendTo(b.port, 'GET', '/-/ready')).status).toBe(200);
  expect((await sendTo(b.port, 'GET', '/-/metrics')).text).toBe('own 1\n');
  expect(
    (await sendTo(b.port, 'OPTIONS', '/metrics/job/a', { headers: { Origin: 'https://x.example' } })).status,
  ).toBe(204);
  expect((await sendTo(b.port, 'GET', '/api/v1/status/buildinfo')).status).toBe(200);
});

test('bodies go on as they were sent, also compressed, chunked, or announced first', async () => {
  const { gzipSync } = await import('node:zlib');
  const { b, one } = await fakes();
  const gzip = { 'Content-Encoding': 'gzip' };
  expect((await push(b, gzipSync(counter), undefined, gzip)).status).toBe(202);
  await sendTo(b.port, 'PUT', '/metrics/job/a', { chunks: ['# TYPE a_total', ' counter\n', 'a_total 1\n'] });
  const client = new RawClient(b.port);
  client.write(
    `POST /metrics/job/a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: ${counter.length}\r\n\r\n`,
  );
  await client.until(({ received }) => received.startsWith('HTTP/1.1 100 Continue\r\n'));
  client.write(counter);
  await client.until(({ received }) => received.includes('HTTP/1.1 202 Accepted\r\n'));
  expect(one.pushes.map(({ body, method }) => [method, body])).toEqual([
    ['POST', counter],
    ['PUT', counter],
    ['POST', counter],
  ]);
});

test('while nobody leads requests are held, and go on once somebody does, also this member itself', async () => {
  const { members, a, b, gateway } = await pair();
  await a.wire.cut();
  members.lead(undefined);
  const replies = Promise.all([...Array.from({ length: 40 }, () => push(b)), page(b)]);
  await holds(b, 41);
  members.lead(b);
  const statuses = (await replies).slice(0, -1).map((reply) => (reply as Reply).status);
  expect(new Set(statuses)).toEqual(new Set([202]));
  expect(await page(b)).toContain('a_total 40\n');
  expect(gateway.holdings().pushes).toBe(40);
  expect(b.forwarder.report).toMatchObject({ held: 0, heldBytes: 0, refused: 0 });
});

test('a push whose reply was lost counts once, by whoever leads then', async () => {
  const { members, a, b, gateway } = await pair();
  a.wire.mode = 'lose';
  const pushed = Promise.all(Array.from({ length: 10 }, () => push(b)));
  await waitFor(() => a.wire.lost >= 4 && gateway.holdings().pushes >= 1);
  members.lead(b);
  const replies = await pushed;
  expect(replies.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 202));
  // Its sender has sent it once.
  expect(replies.map(({ headers }) => headers['idempotency-replayed'])).toEqual(
    Array.from({ length: 10 }, () => undefined),
  );
  expect(await page(b)).toContain('a_total 10\n');
  expect(gateway.holdings().pushes).toBe(10);
});

test('a leader that stands still is left for the next one', async () => {
  const { members, a, b } = await pair({ bounds: { replyMs: 3_600_000 } });
  expect((await push(b)).status).toBe(202);
  a.wire.mode = 'stall';
  const replies = Promise.all([push(b), page(b)]);
  await waitFor(() => b.forwarder.report.underWay === 2);
  members.lead(b);
  const [pushed, shown] = await replies;
  expect(pushed.status).toBe(202);
  expect(shown).toMatch(/a_total [12]\n/);
  expect(await page(b)).toContain('a_total 2\n');
});

test('a leader that is killed and comes back is found again', async () => {
  const { a, b } = await pair();
  expect((await push(b)).status).toBe(202);
  await a.wire.cut();
  const sinceMs = performance.now();
  const before = b.forwarder.report.triedAgain;
  const replies = Promise.all(Array.from({ length: 20 }, () => push(b)));
  await waitFor(() => b.forwarder.report.triedAgain >= 4);
  // A few try, for all of them.
  expect(b.forwarder.report.underWay).toBeLessThanOrEqual(4);
  // And none of them without a pause. Those that began before it was known to fail are not among them.
  const tried = b.forwarder.report.triedAgain - before - 20;
  expect(tried).toBeLessThanOrEqual((performance.now() - sinceMs) / 25 + 1);
  await a.wire.open();
  expect(new Set((await replies).map(({ status }) => status))).toEqual(new Set([202]));
  expect(await page(b)).toContain('a_total 21\n');
});

test.each(['nobody leads', 'the leader is gone', 'the leader stands still'])(
  'past the hold it is 503 with Retry-After, where %s',
  async (why) => {
    const { members, a, b, gateway } = await pair({ bounds: { holdMs: 150, replyMs: 50 } });
    if (why === 'nobody leads') members.lead(undefined);
    if (why === 'the leader is gone') await a.wire.cut();
    if (why === 'the leader stands still') a.wire.mode = 'stall';
    const [pushed, scraped] = await Promise.all([push(b), sendTo(b.port, 'GET', '/metrics')]);
    for (const reply of [pushed, scraped]) {
      expect([reply.status, reply.headers['retry-after']]).toEqual([503, '1']);
      expect(reply.text).toMatch(/^no leader of the cluster could be reached in time: .*; retry later\n$/);
    }
    expect(gateway.holdings().pushes).toBe(0);
    expect(b.telemetry.refused).toEqual([['no_leader', counter.length]]);
    expect(b.forwarder.report).toMatchObject({ held: 0, heldBytes: 0, underWay: 0, refused: 2 });
  },
);

test('more than may be held is 503 at once, the newest of the sender who has most', async () => {
  const { members, b, one } = await fakes({
    bounds: { heldMax: 3 },
    options: { trustedProxies: ['127.0.0.1'] },
  });
  members.lead(undefined);
  const from = (address: string) => push(b, counter, '/metrics/job/a', { 'X-Forwarded-For': address });
  const flood = [from('10.0.0.1'), from('10.0.0.1'), from('10.0.0.1')];
  await holds(b, 3);
  const over = await from('10.0.0.1');
  expect([over.status, over.headers['retry-after']]).toEqual([503, '1']);
  expect(over.text).toMatch(/too many requests wait/);
  const other = from('10.0.0.2');
  const refused = await Promise.race(flood);
  expect(refused.status).toBe(503);
  await holds(b, 3);
  members.lead(members.all[0]);
  const statuses = (await Promise.all([...flood, other])).map(({ status }) => status);
  expect(statuses.toSorted((x, y) => x - y)).toEqual([202, 202, 202, 503]);
  expect((await other).status).toBe(202);
  expect(one.pushes.length).toBe(3);
});

test('more bytes than may be held are 503 at once', async () => {
  const { members, b } = await fakes({ bounds: { heldBytesMax: counter.length * 2 } });
  members.lead(undefined);
  const held = [push(b), push(b)];
  await holds(b, 2);
  expect((await push(b)).status).toBe(503);
  expect(b.forwarder.report.heldBytes).toBe(counter.length * 2);
  members.lead(members.all[0]);
  expect((await Promise.all(held)).map(({ status }) => status)).toEqual([202, 202]);
});

test('a request whose sender has hung up is dropped, held or on its way', async () => {
  const { members, a, b, one } = await fakes({ bounds: { hangUpMs: 0 } });
  members.lead(undefined);
  const client = new RawClient(b.port);
  client.write(
    `POST /metrics/job/a HTTP/1.1\r\nHost: x\r\nContent-Length: ${counter.length}\r\n\r\n${counter}`,
  );
  await holds(b, 1);
  client.socket.destroy();
  await holds(b, 0);
  a.wire.mode = 'stall';
  members.lead(a);
  const other = new RawClient(b.port);
  other.write(
    `POST /metrics/job/a HTTP/1.1\r\nHost: x\r\nContent-Length: ${counter.length}\r\n\r\n${counter}`,
  );
  await waitFor(() => b.forwarder.report.underWay === 1 && a.wire.stalled > counter.length);
  other.socket.resetAndDestroy();
  await waitFor(() => b.forwarder.report.underWay === 0);
  a.wire.mode = 'pass';
  expect((await push(b, 'b 1\n')).status).toBe(202);
  expect(one.pushes.map(({ body }) => body)).toEqual(['b 1\n']);
  expect(b.forwarder.report.refused).toBe(0);
});

test('a head that has no room for what a member adds is refused as any that is too large', async () => {
  const { a, b } = await fakes();
  const headers = { 'X-Large': 'x'.repeat(16_384 - 200) };
  expect((await push(a, counter, undefined, headers)).status).toBe(202);
  expect((await push(b, counter, undefined, headers)).status).toBe(431);
  expect((await push(b)).status).toBe(202);
});

test('many pushes of one connection are held together, and answered in their order', async () => {
  const { members, a, b, one } = await fakes();
  members.lead(undefined);
  const warnings: Error[] = [];
  const note = (warning: Error): void => void warnings.push(warning);
  process.on('warning', note);
  onTestFinished(() => void process.off('warning', note));
  const client = new RawClient(b.port);
  const pushOf = (path: string, body: string) =>
    `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  for (let i = 0; i < 40; i += 1) client.write(pushOf(i === 20 ? '/metrics/job' : '/metrics/job/a', 'a 1\n'));
  await holds(b, 40);
  members.lead(a);
  await client.until(({ received }) => received.split('HTTP/1.1 ').length === 41);
  const statuses = [...client.received.matchAll(/^HTTP\/1.1 (\d+)/gm)].map(([, status]) => status);
  expect(statuses.map((status, i) => (status === '202' ? undefined : [i, status])).filter(Boolean)).toEqual([
    [20, '400'],
  ]);
  expect(one.pushes.length).toBe(39);
  expect(warnings).toEqual([]);
});

test('who scrapes and closes its side is gone, held or not', async () => {
  const { members, a, b } = await fakes({ bounds: { hangUpMs: 60_000 } });
  for (const leader of [undefined, a]) {
    a.wire.mode = 'stall';
    members.lead(leader);
    const client = new RawClient(b.port);
    client.write('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n');
    await waitFor(() => b.forwarder.report.held + b.forwarder.report.underWay === 1);
    client.socket.end();
    await waitFor(() => b.forwarder.report.held + b.forwarder.report.underWay === 0);
  }
  expect(b.forwarder.report.refused).toBe(0);
});

test('who closes its side with the request waits all the same', async () => {
  const { members, b } = await fakes({ bounds: { hangUpMs: 60_000 } });
  members.lead(undefined);
  const client = new RawClient(b.port);
  client.socket.end(
    `POST /metrics/job/a HTTP/1.1\r\nHost: x\r\nContent-Length: ${counter.length}\r\n\r\n${counter}`,
  );
  await holds(b, 1);
  members.lead(members.all[0]);
  await client.until(({ received }) => received.startsWith('HTTP/1.1 202'));
});

test('what must not be done twice is not tried again once the leader may have done it', async () => {
  const { members, a, b, one } = await fakes();
  const wipe = () => sendTo(b.port, 'POST', '/api/v1/admin/wipe', { body: '' });
  a.wire.mode = 'lose';
  const lost = await wipe();
  expect([lost.status, lost.text]).toEqual([503, expect.stringContaining('may have been done')]);
  expect(one.deletions.length).toBe(1);
  a.wire.mode = 'pass';
  members.lead(undefined);
  const held = wipe();
  await holds(b, 1);
  members.lead(a);
  expect((await held).status).toBe(202);
  expect(one.deletions.length).toBe(2);
});

test('what is passed on never goes round: who does not lead says so, and it is tried again', async () => {
  const members = new Members();
  const [one, two, three] = [new FakeGateway(), new FakeGateway(), new FakeGateway()];
  let knows = false;
  // Each takes the other one for the leader.
  const a = await members.add('a', one, { leader: () => (knows ? c : b), leads: () => false });
  const b: Member = await members.add('b', two, { leader: () => (knows ? c : a), leads: () => false });
  const c: Member = await members.add('c', three, { leads: () => true });
  const reply = push(a);
  await waitFor(() => a.forwarder.report.triedAgain > 3);
  expect(b.forwarder.report.answered + b.forwarder.report.held).toBe(0);
  knows = true;
  for (const { forwarder } of members.all) forwarder.leaderChanged();
  expect((await reply).status).toBe(202);
  expect([one.pushes.length, two.pushes.length, three.pushes.length]).toEqual([0, 0, 1]);
  // Nothing of it is a refusal that a sender saw.
  expect(b.telemetry.refused).toEqual([]);
});

test('a leader that is shutting down, or whose log failed, is asked again', async () => {
  const { RequestError } = await import('../../../src/index.ts');
  const { a, b, one } = await fakes();
  for (const code of ['shutting_down', 'storage_failed'] as const) {
    one.failure = new RequestError(code, 'not now');
    const before = b.forwarder.report.triedAgain;
    const reply = push(b);
    await waitFor(() => b.forwarder.report.triedAgain > before);
    one.failure = undefined;
    expect((await reply).status).toBe(202);
  }
  // But what is for its sender to know is not.
  one.failure = new RequestError('overloaded', 'too much');
  expect((await push(b)).text).toBe('too much\n');
  expect(a.telemetry.refused.map(([code]) => code)).toEqual(['overloaded']);
});

test('what is no member of the cluster is not taken for the leader', async () => {
  const { members, a, b } = await fakes({ bounds: { holdMs: 200 } });
  const other = new Members();
  const stranger = await other.add('x', new FakeGateway());
  // A server of something else that answers 202 to anything.
  const { createServer } = await import('node:http');
  const server = createServer((_request, response) => response.writeHead(202).end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  Object.defineProperty(stranger.wire, 'url', {
    get: () => new URL(`http://127.0.0.1:${(server.address() as { port: number }).port}`),
  });
  members.lead(stranger);
  const reply = await push(b);
  expect([reply.status, reply.text]).toEqual([503, expect.stringContaining('the leader does not answer')]);
  expect(b.fields[0]).toMatchObject({ why: 'what answers there is no member of the cluster (status 202)' });
  members.lead(a);
  expect((await push(b)).status).toBe(202);
});

test('a page that the leader cuts off is cut off, and none that is whole', async () => {
  const { a, b, one } = await fakes();
  // So much that its beginning is with the sender by then.
  one.slices = [...Array.from({ length: 300 }, (_, i) => `a${i} ${'1'.repeat(4000)}\n`), new Error('gone')];
  await expect(sendTo(b.port, 'GET', '/metrics')).rejects.toThrow();
  expect(a.warnings).toContain('scrape aborted');
  one.slices = Array.from({ length: 300 }, (_, i) => `a${i} ${'1'.repeat(4000)}\n`);
  expect((await page(b)).length).toBe(one.slices.join('').length);
});
