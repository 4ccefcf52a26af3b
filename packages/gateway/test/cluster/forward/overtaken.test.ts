/** A leader that another member overtakes, or that stops, while its own senders wait. */
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';

import { expect, onTestFinished, test } from 'vitest';

import { Access } from '../../../src/access/access.ts';
import { embed } from '../../../src/embed.ts';
import type { GatewayApi } from '../../../src/gateway/api.ts';
import { parsePushPath } from '../../../src/http/routes/push-path.ts';
import { RequestError } from '../../../src/index.ts';
import { readRules } from '../../../src/rules/file/read-rules.ts';
import { FakeGateway, RawClient, sendTo, waitFor } from '../../http/helpers.ts';
import { KeptJournal } from '../../support/kept-journal.ts';
import { Members } from './members.ts';

const counter = '# TYPE a_total counter\na_total 1\n';

/** The first of two members has done what it is asked for, or not, when it learns that its log fails. */
async function overtaken(isDone: boolean, more: Parameters<Members['add']>[2] = {}) {
  const { gateway } = embed({ byJob: true }, new KeptJournal());
  await gateway.open(3_600_000);
  onTestFinished(() => gateway.close());
  const members = new Members();
  const fails =
    <Args extends unknown[]>(does: (...args: Args) => Promise<unknown>) =>
    async (...args: Args): Promise<never> => {
      if (isDone) await does(...args);
      members.lead(b);
      throw new RequestError('storage_failed', 'overtaken');
    };
  const failing = new Proxy<GatewayApi>(gateway, {
    get(of, name) {
      if (name === 'push') return fails((request: Parameters<GatewayApi['push']>[0]) => of.push(request));
      if (name === 'delete') return fails((...args: Parameters<GatewayApi['delete']>) => of.delete(...args));
      if (name === 'scrape')
        return () => {
          members.lead(b);
          throw new RequestError('storage_failed', 'overtaken');
        };
      const value: unknown = Reflect.get(of, name);
      return typeof value === 'function' ? (value as () => unknown).bind(of) : value;
    },
  });
  const a = await members.add('a', failing, more);
  const b = await members.add('b', gateway, more);
  members.lead(a);
  return { members, a, b, gateway };
}

test.each([
  ['counted', true],
  ['not counted', false],
])('a push that was %s by a leader that is overtaken counts once', async (_what, isDone) => {
  const { members, a, b, gateway } = await overtaken(isDone);
  for (const body of [Buffer.from(counter), gzipSync(counter)]) {
    members.lead(a);
    const headers: Record<string, string> = body[0] === 0x1f ? { 'Content-Encoding': 'gzip' } : {};
    const reply = await sendTo(a.port, 'POST', '/metrics/job/a', { body, headers });
    expect([reply.status, reply.headers['idempotency-replayed']]).toEqual([202, undefined]);
  }
  expect(gateway.holdings().pushes).toBe(2);
  expect((await sendTo(b.port, 'GET', '/metrics')).text).toContain('a_total 1\n');
});

test('a delete that was done by a leader that is overtaken is not done again', async () => {
  const { a, b } = await overtaken(true);
  const gauge = { body: '# TYPE g gauge\ng 1\n' };
  await sendTo(b.port, 'POST', '/metrics/job/a', gauge).catch(() => undefined);
  expect((await sendTo(a.port, 'DELETE', '/metrics/job/a')).status).toBe(202);
  expect((await sendTo(b.port, 'GET', '/metrics')).text).not.toContain('g 1');
});

test('a scrape of a leader that is overtaken is answered by the one that leads', async () => {
  const { a, b, gateway } = await overtaken(true);
  await gateway.push({ method: 'POST', key: parsePushPath('job/a'), body: Buffer.from(counter) });
  const reply = await sendTo(a.port, 'GET', '/metrics');
  expect([reply.status, reply.text]).toEqual([200, counter]);
  expect(b.telemetry.scrapes.length).toBe(1);
});

test('a leader whose log fails, and that still leads, says so to scrapers', async () => {
  const members = new Members();
  const gateway = new FakeGateway();
  const a = await members.add('a', gateway);
  members.lead(a);
  gateway.slices = [new RequestError('storage_failed', 'the log cannot be reached')];
  expect((await sendTo(a.port, 'GET', '/metrics')).status).toBe(503);
});

test('a member that stops answers what comes on connections that are open', async () => {
  const members = new Members();
  const [one, two] = [new FakeGateway(), new FakeGateway()];
  const [a, b] = [await members.add('a', one), await members.add('b', two)];
  members.lead(a);
  const head = `POST /metrics/job/a HTTP/1.1\r\nHost: x\r\nContent-Length: ${counter.length}\r\n`;
  const clients = [new RawClient(a.port), new RawClient(a.port)];
  for (const client of clients) {
    // So that it is in the middle of a request.
    client.write(`${head}Expect: 100-continue\r\n\r\n`);
    await client.until(({ received }) => received.includes('100 Continue'));
  }
  const closed = a.server.close();
  const [first, second] = clients as [RawClient, RawClient];
  first.write(`${counter}${head}\r\n${counter}`);
  await first.until(({ received }) => received.split('202 Accepted').length === 3);
  members.lead(b);
  second.write(`${counter}${head}\r\n${counter}`);
  await second.until(({ received }) => received.split('202 Accepted').length === 3);
  for (const { received } of clients) expect(received).toContain('Connection: close');
  // What had begun was of the one that led then.
  expect([one.pushes.length, two.pushes.length]).toEqual([3, 1]);
  await closed;
});

test('a push that may have been counted is not refused for its rate', async () => {
  const sha256 = createHash('sha256').update('one').digest('hex');
  const rules = `access:\n  anonymous: [scrape]\n  tokens:\n    - {name: t, sha256: ${sha256}, may: [push], limits: {pushes_per_second: 1, burst: 1}}\n`;
  const access = (): Access => {
    const made = new Access({
      now: () => performance.now(),
      wallMs: Date.now,
      rules: { current: readRules(rules).rules! },
    });
    onTestFinished(() => made.close());
    return made;
  };
  const { gateway } = embed({}, new KeptJournal());
  await gateway.open(3_600_000);
  onTestFinished(() => gateway.close());
  const members = new Members();
  const a = await members.add('a', gateway, { access: access() });
  const b = await members.add('b', gateway, { access: access() });
  members.lead(a);
  a.wire.mode = 'lose';
  const reply = sendTo(b.port, 'POST', '/metrics/job/a', {
    body: counter,
    headers: { Authorization: 'Bearer one' },
  });
  await waitFor(() => a.wire.lost > 0 && gateway.holdings().pushes === 1);
  a.wire.mode = 'pass';
  expect((await reply).status).toBe(202);
  expect(gateway.holdings().pushes).toBe(1);
});

test('the age of a first attempt grows while it is held', async () => {
  const members = new Members();
  const gateway = new FakeGateway();
  let passedMs = 0;
  const a = await members.add('a', gateway);
  const b = await members.add('b', new FakeGateway(), {
    now: () => performance.now() + passedMs,
    bounds: { holdMs: 3_600_000 },
  });
  const reply = sendTo(b.port, 'POST', '/metrics/job/a?first-attempt-age=5&idempotency-key=k', {
    body: counter,
  });
  await waitFor(() => b.forwarder.report.held === 1);
  passedMs = 60_000;
  members.lead(a);
  expect((await reply).status).toBe(202);
  expect(gateway.lastAgeMs).toBeGreaterThanOrEqual(65_000);
});
