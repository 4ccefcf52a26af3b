/** What a member shows that does not lead: what the leader knows, and of itself what it did not pass on. */
import { createHash } from 'node:crypto';

import { afterEach, expect, onTestFinished, test, vi } from 'vitest';

import { Access } from '../../../src/access/access.ts';
import { embed } from '../../../src/embed.ts';
import { readRules } from '../../../src/rules/file/read-rules.ts';
import { sendTo, waitFor } from '../../http/helpers.ts';
import { watching } from '../../http/serving-insight.ts';
import { KeptJournal } from '../../support/kept-journal.ts';
import type { Member } from './members.ts';
import { Members } from './members.ts';

afterEach(() => void vi.useRealTimers());

/** Two members, each with what only it knows; what is pushed is the matter of who leads. */
async function pair(more: Parameters<Members['add']>[2] = {}) {
  const gatewayOf = async () => {
    const { gateway } = embed({}, new KeptJournal());
    await gateway.open(3_600_000);
    onTestFinished(() => gateway.close());
    return gateway;
  };
  const [one, two] = [await gatewayOf(), await gatewayOf()];
  const members = new Members();
  const [a, b] = [await members.add('a', one, more), await members.add('b', two, more)];
  members.lead(a);
  return { members, a, b, one, two };
}

const push = (to: Member, body = 'a 1\n', headers = {}) =>
  sendTo(to.port, 'POST', '/metrics/job/x', { body, headers });

async function data(from: Member, path: string, headers = {}): Promise<any> {
  const { status, text } = await sendTo(from.port, 'GET', path, { headers });
  expect([status, text]).toEqual([200, expect.anything()]);
  return (JSON.parse(text) as { data: unknown }).data;
}

test('who watches a member sees what the leader does, whichever it came by', async () => {
  const { a, b } = await pair();
  const reader = watching(b.port);
  await waitFor(() => reader.of('hello').length === 1);
  expect(reader.of('hello')).toEqual([{ version: '1.2.3', mode: 'add', member: 'a' }]);
  await push(b);
  await push(a);
  await push(b, 'a x\n');
  await waitFor(() => reader.of('push').length === 2 && reader.of('refusal').length === 1);
  expect((await data(b, '/api/v1/families')).families).toHaveLength(1);
});

test('who asks a member is told which it is', async () => {
  const { members, a, b } = await pair();
  expect((await data(a, '/api/v1/status/me')).member).toEqual({ name: 'a', leads: true });
  expect((await data(b, '/api/v1/status/me')).member).toEqual({ name: 'b', leads: false });
  members.lead(b);
  expect((await data(b, '/api/v1/status/me')).member).toEqual({ name: 'b', leads: true });
});

test('who watches has to come again when another member leads, and then sees what that does', async () => {
  const { members, a, b, one } = await pair();
  const [direct, passed] = [watching(a.port), watching(b.port)];
  await waitFor(() => direct.of('hello').length === 1 && passed.of('hello').length === 1);
  members.lead(b);
  await waitFor(() => passed.isOver());
  // As a member does that was overtaken.
  await one.close();
  await waitFor(() => direct.isOver());
  const again = watching(b.port);
  await push(b);
  await waitFor(() => again.of('push').length === 1);
  expect(again.of('hello')).toMatchObject([{ member: 'b' }]);
});

test('those who watch do not keep others from finding out that the leader answers again', async () => {
  const { a, b } = await pair({ bounds: { holdMs: 60_000 } });
  const readers = Array.from({ length: 8 }, () => watching(b.port));
  await waitFor(() => readers.every((reader) => reader.of('hello').length === 1));
  a.wire.mode = 'lose';
  // Of which no event is made, so that the streams go on.
  const scraped = sendTo(b.port, 'GET', '/metrics');
  await waitFor(() => a.wire.lost > 0);
  a.wire.mode = 'pass';
  expect((await scraped).status).toBe(200);
  expect(readers.some((reader) => reader.isOver())).toBe(false);
});

test('a member shows by itself what it refused and did not pass on', async () => {
  const digest = createHash('sha256').update('good').digest('hex');
  const file = `access: { anonymous: [read], tokens: [{ name: ci, sha256: ${digest}, may: [push, read] }] }`;
  const { rules } = readRules(file);
  const access = new Access({
    now: () => performance.now(),
    wallMs: () => Date.now(),
    rules: { current: rules! },
  });
  onTestFinished(() => access.close());
  const { b } = await pair({ access });
  expect((await push(b, 'a 1\n', { authorization: 'Bearer bad' })).status).toBe(401);
  expect((await push(b, 'a x\n', { authorization: 'Bearer good' })).status).toBe(400);
  expect((await data(b, '/api/v1/refusals')).refusals).toMatchObject([{ code: 'syntax', by: 'token ci' }]);
  const { refusals } = await data(b, '/api/v1/refusals?member=self');
  expect(refusals).toMatchObject([{ code: 'unauthorized' }]);
});

test('the page itself is there while nobody leads', async () => {
  const { members, b } = await pair();
  members.lead(undefined);
  const { status, headers, text } = await sendTo(b.port, 'GET', '/', { headers: { accept: 'text/html' } });
  expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
  expect(text).toContain('<!doctype html>');
});

test('who may not read any more does not go on to watch by way of a member', async () => {
  vi.useFakeTimers({ toFake: ['setInterval'] });
  const digest = createHash('sha256').update('good').digest('hex');
  const { rules } = readRules(`access: { tokens: [{ name: ci, sha256: ${digest}, may: [read] }] }`);
  const inForce = { current: rules! };
  const access = new Access({ now: () => performance.now(), wallMs: () => Date.now(), rules: inForce });
  onTestFinished(() => access.close());
  const { b } = await pair({ access });
  const reader = watching(b.port, '', { authorization: 'Bearer good' });
  await waitFor(() => reader.of('hello').length === 1);
  vi.advanceTimersByTime(15_000);
  expect(reader.isOver()).toBe(false);
  inForce.current = readRules('access: { anonymous: [] }').rules!;
  vi.advanceTimersByTime(15_000);
  await waitFor(() => reader.isOver());
});

test('who watches by way of a member does not hold up its end', async () => {
  const { b } = await pair({ options: { shutdownTimeoutMs: 600_000 } });
  const reader = watching(b.port);
  await waitFor(() => reader.of('hello').length === 1);
  await b.server.close();
  await waitFor(() => reader.isOver());
});
