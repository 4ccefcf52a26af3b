/** Keys and ages of pushes, in headers and in URLs; what a page of another origin may read of the reply. */
import { expect, onTestFinished, test } from 'vitest';

import { readPushKey } from '../../src/http/routes/push-key.ts';
import { createGateway, RequestError } from '../../src/index.ts';
import type { EmbeddedOptions } from '../../src/index.ts';
import { collectingLog } from '../support/collecting-log.ts';
import { run } from './helpers.ts';

async function started(options: EmbeddedOptions = {}): Promise<string> {
  const gateway = createGateway(options);
  onTestFinished(() => gateway.close());
  const { port } = await gateway.start({ host: '127.0.0.1' });
  return `http://127.0.0.1:${port}/metrics`;
}

const key = (header: string | undefined, query: string) =>
  readPushKey(header === undefined ? {} : { 'idempotency-key': header }, `/metrics/job/a${query}`);

test.each([
  [undefined, '', undefined, undefined],
  ['k', '', 'k', undefined],
  ['"k"', '', 'k', undefined],
  [undefined, '?idempotency-key=k', 'k', undefined],
  [undefined, '?token=pag_x&idempotency-key=%22k%22', 'k', undefined],
  ['"k"', '?idempotency-key=k&idempotency-key=k', 'k', undefined],
  ['k', '?first-attempt-age=12', 'k', 12_000],
  [undefined, '?first-attempt-age=0.25&idempotency-key=k', 'k', 250],
  [undefined, '?first-attempt-age=0&idempotency-key=k', 'k', 0],
  [undefined, '?idempotency-key=k&first-attempt-age=1&first-attempt-age=2', 'k', 2000],
  [undefined, `?idempotency-key=${'k'.repeat(255)}`, 'k'.repeat(255), undefined],
  [undefined, '?scraper=a', undefined, undefined],
] as const)('header %s and URL %s', (header, query, idempotencyKey, firstAttemptAgeMs) => {
  expect(key(header, query)).toEqual({ idempotencyKey, firstAttemptAgeMs });
});

test.each([
  [
    'a',
    '?idempotency-key=b',
    'invalid_idempotency_key',
    'different Idempotency-Keys in its header and its URL',
  ],
  [undefined, '?idempotency-key=a&idempotency-key=b', 'invalid_idempotency_key', 'several in its URL'],
  [undefined, '?idempotency-key=', 'invalid_idempotency_key', 'is empty'],
  ['', '?idempotency-key=b', 'invalid_idempotency_key', 'is empty'],
  [undefined, `?idempotency-key=${'k'.repeat(256)}`, 'invalid_idempotency_key', '256 characters long'],
  // A token's keys are told from those of others by a line break.
  [undefined, '?idempotency-key=a%0Ab', 'invalid_idempotency_key', 'outside of printable ASCII'],
  [undefined, '?idempotency-key=%E4', 'invalid_idempotency_key', 'outside of printable ASCII'],
  ['k', '?first-attempt-age=', 'invalid_parameter', 'not ""'],
  ['k', '?first-attempt-age=-1', 'invalid_parameter', 'not "-1"'],
  ['k', '?first-attempt-age=1e3', 'invalid_parameter', 'not "1e3"'],
  ['k', '?first-attempt-age=1&first-attempt-age=x', 'invalid_parameter', 'not "x"'],
  [undefined, '?first-attempt-age=1', 'invalid_parameter', 'without an Idempotency-Key'],
] as const)('header %s and URL %s are refused', (header, query, code, text) => {
  expect(() => key(header, query)).toThrowError(
    expect.objectContaining({ code, message: expect.stringContaining(text) as string }),
  );
});

test('a key in the URL is that of the header, and neither is ever logged', async () => {
  const { log, lines } = collectingLog({ isDebugEnabled: true });
  let nowMs = 1e12;
  const url = await started({ log, clock: { now: () => nowMs } });
  nowMs += 60_000;
  const push = async (query: string, headers: Record<string, string> = {}, body = 'c_total 1\n') => {
    const { status, headers: replied } = await fetch(`${url}${query}`, { method: 'POST', body, headers });
    return [status, replied.get('idempotency-replayed')];
  };
  expect(await push('?idempotency-key=secret-1')).toEqual([202, null]);
  expect(await push('?idempotency-key=secret-1&first-attempt-age=3600')).toEqual([202, 'true']);
  expect(await push('', { 'idempotency-key': 'secret-1' })).toEqual([202, 'true']);
  expect(await push('?idempotency-key=secret-1', { 'idempotency-key': 'secret-1' })).toEqual([202, 'true']);
  expect(await push('?idempotency-key=secret-1', {}, 'c_total 2\n')).toEqual([422, null]);
  expect(await push('?idempotency-key=secret-2', { 'idempotency-key': 'secret-1' })).toEqual([400, null]);
  expect(await push('?idempotency-key=secret-3&first-attempt-age=59')).toEqual([202, null]);
  expect(await push('?idempotency-key=secret-4&first-attempt-age=60')).toEqual([409, null]);
  expect(await push('?idempotency-key=secret-5', {}, 'c_total x\n')).toEqual([400, null]);
  expect(await push('/job/?idempotency-key=secret-6')).toEqual([400, null]);
  expect(await (await fetch(url)).text()).toContain('c_total 2\n');
  expect(lines.length).toBeGreaterThan(3);
  expect(JSON.stringify(lines)).not.toContain('secret');
});

test('the time that a body takes is part of the age', async () => {
  const { gateway, open } = await run();
  const client = open();
  client.write('POST /metrics?idempotency-key=k&first-attempt-age=7 HTTP/1.1\r\nHost: a\r\n');
  client.write('Expect: 100-continue\r\nContent-Length: 2\r\n\r\n');
  await client.until(({ received }) => received.includes('100 Continue'));
  // However late the timer is, more than 20 ms go by.
  await new Promise((resolve) => setTimeout(resolve, 25));
  client.write('a\n');
  await client.until(({ received }) => received.includes('202'));
  expect(gateway.lastAgeMs).toBeGreaterThan(7_020);
});

test('pages of other origins may read when to retry', async () => {
  const { gateway, send } = await run({ corsOrigins: ['https://shop.example'] });
  const exposed = async (origin: string | undefined) => {
    const { status, headers } = await send('POST', '/metrics', {
      headers: origin === undefined ? {} : { origin },
    });
    return [status, headers['retry-after'], headers['access-control-expose-headers']];
  };
  gateway.failure = new RequestError('overloaded', 'too much');
  expect(await exposed('https://shop.example')).toEqual([503, '1', 'Retry-After']);
  expect(await exposed(undefined)).toEqual([503, '1', undefined]);
  gateway.failure = new RequestError('idempotency_key_forgotten', 'long ago');
  expect(await exposed('https://shop.example')).toEqual([409, undefined, undefined]);
});
