/** What one connection may do at a time, and what is answered in which order when it breaks the rules. */
import { setTimeout as sleep } from 'node:timers/promises';

import { describe, expect, test } from 'vitest';

import type { FakeGateway, RawClient } from './helpers.ts';
import { run } from './helpers.ts';
import { framings } from './framing-corpus.ts';

function statusesOf({ received }: RawClient): readonly number[] {
  return [...received.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map(([, status]) => Number(status));
}

const push = 'POST /metrics/job/x HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\na 1\n';
const scrape = 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n';
const own = 'GET /-/metrics HTTP/1.1\r\nHost: x\r\n\r\n';
const last = 'GET /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';

test.each(framings)('$name', async ({ sent, statuses, counted }) => {
  const { gateway, telemetry, open } = await run();
  const client = open();
  for (const part of [sent].flat()) client.write(part);
  await client.until(({ closed }) => closed);
  expect(statusesOf(client)).toEqual(statuses);
  expect(gateway.pushes.map(({ body }) => body)).toEqual(counted);
  expect(telemetry.refused.length).toBeLessThanOrEqual(1);
});

test.each(framings)('$name, cut in all places', async ({ sent, statuses, counted }) => {
  const { gateway, open } = await run();
  const client = open();
  client.socket.setNoDelay(true);
  for (const part of [sent].flat()) {
    const step = Math.ceil(part.length / 24);
    for (let at = 0; at < part.length; at += step) {
      client.write(part.slice(at, at + step));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  await client.until(({ closed }) => closed);
  expect(statusesOf(client)).toEqual(statuses);
  expect(gateway.pushes.map(({ body }) => body)).toEqual(counted);
});

/** Each push takes a while, as if it waited for the disk. Counts how many do at a time. */
function slowly(gateway: FakeGateway): { readonly most: number } {
  const running = { now: 0, most: 0 };
  const counted = gateway.push.bind(gateway);
  gateway.push = async (request) => {
    running.now += 1;
    running.most = Math.max(running.most, running.now);
    await sleep(20);
    running.now -= 1;
    return counted(request);
  };
  return running;
}

describe('requests that are sent ahead', () => {
  test('run together where they are pushes, but only so many', async () => {
    const { gateway, open } = await run({ requestsPerConnectionMax: 4 });
    const running = slowly(gateway);
    const client = open();
    client.write(push.repeat(15) + last);
    await client.until(({ closed }) => closed);
    expect(statusesOf(client)).toEqual([...Array.from({ length: 15 }, () => 202), 200]);
    expect(running.most).toBe(4);
  });

  test('begin one after the other where they are anything else', async () => {
    const { gateway, telemetry, open } = await run();
    const begun: string[] = [];
    telemetry.page = async () => {
      begun.push('own');
      return { contentType: 'text/plain', body: 'own 1\n' };
    };
    const scraped = gateway.scrape.bind(gateway);
    gateway.scrape = (request) => {
      begun.push(`scrape after ${telemetry.scrapes.length}`);
      return scraped(request);
    };
    const client = open();
    client.write(scrape + scrape + own + scrape + last);
    await client.until(({ closed }) => closed);
    expect(statusesOf(client)).toEqual([200, 200, 200, 200, 200]);
    expect(begun).toEqual(['scrape after 0', 'scrape after 1', 'own', 'scrape after 2']);
  });

  test('are not made where the replies before them are not read', async () => {
    const { gateway, open } = await run();
    gateway.slices = Array.from({ length: 64 }, () => '#'.repeat(1 << 20));
    const client = open();
    client.socket.pause();
    client.write(scrape.repeat(50));
    await client.until(() => gateway.scrapes.length === 1);
    await sleep(50);
    expect(gateway.scrapes.length).toBe(1);
  });

  test('are refused once too many wait, in their order, and end the connection', async () => {
    const { gateway, telemetry, open } = await run({ requestsPerConnectionMax: 2 });
    slowly(gateway);
    const client = open();
    client.write(push.repeat(40));
    await client.until(({ closed }) => closed);
    const statuses = statusesOf(client);
    expect(statuses).toEqual([...Array.from({ length: 10 }, () => 202), 503]);
    expect(gateway.pushes.length).toBe(10);
    expect(telemetry.refused).toEqual([['overloaded', 4]]);
    expect(client.received).toMatch(/Retry-After: 1/);
  });

  test('take from one budget of all connections, and give it back', async () => {
    const { gateway, open } = await run({ requestsMax: 3 });
    const stalled = open();
    gateway.slices = Array.from({ length: 64 }, () => '#'.repeat(1 << 20));
    stalled.socket.pause();
    stalled.write(scrape.repeat(4));
    await stalled.until(() => gateway.scrapes.length === 1);
    slowly(gateway);
    const other = open();
    other.write(push + push);
    await other.until(({ closed }) => closed);
    expect(statusesOf(other)).toEqual([202, 503]);
    stalled.socket.destroy();
    const third = open();
    await sleep(50);
    third.write(push + push + last);
    await third.until(({ closed }) => closed);
    expect(statusesOf(third)).toEqual([202, 202, 200]);
  });
});

describe('hosts', () => {
  const request = (host: string, path = '/metrics/job/x', method = 'POST'): string =>
    `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`;
  const statusFor = async (sent: string): Promise<number | undefined> => {
    const { open } = await run({ allowedHosts: ['gateway.example', 'other.example:9091'] });
    const client = open();
    client.write(sent);
    await client.until(({ closed }) => closed);
    return statusesOf(client)[0];
  };

  test.each([
    ['gateway.example', 202],
    ['Gateway.Example:9091', 202],
    ['other.example:9091', 202],
    ['other.example', 421],
    ['evil.example', 421],
    ['gateway.example.evil.example', 421],
    ['127.0.0.1', 421],
  ])('%s: %d', async (host, status) => expect(await statusFor(request(host))).toBe(status));

  test('probes of health may come for any', async () =>
    expect(await statusFor(request('10.0.0.7', '/-/healthy', 'GET'))).toBe(200));

  test('the absolute form of a target decides', async () =>
    expect(await statusFor(request('gateway.example', 'http://evil.example/metrics/job/x'))).toBe(421));
});

test('no reply may be taken for a page or a script', async () => {
  const { send, gateway } = await run();
  const replies = [
    await send('POST', '/metrics/job/x', { body: 'a 1\n' }),
    await send('GET', '/metrics'),
    await send('HEAD', '/metrics'),
    await send('OPTIONS', '/metrics/job/x'),
    await send('DELETE', '/metrics/job/x'),
    await send('GET', '/'),
    await send('GET', '/-/metrics'),
    await send('GET', '/-/healthy'),
    await send('GET', '/nothing'),
    await send('PATCH', '/metrics/job/x'),
  ];
  expect(gateway.pushes.length).toBe(1);
  expect(replies.map(({ headers }) => headers['x-content-type-options'])).toEqual(
    replies.map(() => 'nosniff'),
  );
});
