/** What metrics, labels and series there are, over HTTP: what is read of a request, and what is answered. */
import { describe, expect, it } from 'vitest';

import type { Listed } from '../../src/gateway/api.ts';
import { RequestError } from '../../src/model/errors.ts';
import { eventually } from '../support/eventually.ts';
import { run, waitFor } from './helpers.ts';

const FORM = { 'Content-Type': 'application/x-www-form-urlencoded' };
const client = expect.anything() as unknown;

const none = { limit: Infinity, client };

describe('a request', () => {
  it.each<[string, object]>([
    ['/api/v1/metadata', { what: 'metadata', metric: undefined, ...none }],
    [
      '/api/v1/metadata?limit=2&metric=a&limit_per_metric=1',
      { what: 'metadata', metric: 'a', limit: 2, client },
    ],
    ['/api/v1/metadata?limit=0', { what: 'metadata', metric: undefined, limit: 0, client }],
    ['/api/v1/metadata?limit=-1', { what: 'metadata', metric: undefined, ...none }],
    ['/api/v1/labels', { what: 'labels', match: [], ...none }],
    ['/api/v1/labels?limit=3', { what: 'labels', match: [], limit: 3, client }],
    ['/api/v1/labels?limit=0', { what: 'labels', match: [], ...none }],
    ['/api/v1/labels?match[]=a&match%5B%5D=b', { what: 'labels', match: ['a', 'b'], ...none }],
    // There is only now.
    ['/api/v1/series?match[]=a&start=yesterday&end=&other=1', { what: 'series', match: ['a'], ...none }],
    ['/api/v1/label/job/values', { what: 'values', label: 'job', match: [], ...none }],
    ['/api/v1/label/__name__/values?match[]=a', { what: 'values', label: '__name__', match: ['a'], ...none }],
    ['/api/v1/label/a.b/values', { what: 'values', label: 'a.b', match: [], ...none }],
    ['/api/v1/label/a%2Fb%C3%A4/values', { what: 'values', label: 'a/bä', match: [], ...none }],
    ['/api/v1/label/U__a_2e_b/values', { what: 'values', label: 'a.b', match: [], ...none }],
    ['/api/v1/label/U__a__b/values', { what: 'values', label: 'a_b', match: [], ...none }],
    // It only looks escaped.
    ['/api/v1/label/U__a_b/values', { what: 'values', label: 'U__a_b', match: [], ...none }],
  ])('GET %s is read', async (path, expected) => {
    const { gateway, send } = await run();
    const reply = await send('GET', path);
    expect([reply.status, reply.headers['content-type']]).toEqual([200, 'application/json']);
    expect(JSON.parse(reply.text)).toEqual({ status: 'success', data: ['a', 'b'] });
    expect(gateway.lists).toEqual([expected]);
  });

  it.each(['/api/v1/labels', '/api/v1/series'])('POST %s has a form', async (path) => {
    const { gateway, telemetry, send } = await run();
    const body = 'match[]=b&limit=7&start=1';
    const reply = await send('POST', `${path}?match[]=a&limit=9`, { headers: FORM, body });
    expect(reply.status).toBe(200);
    expect(gateway.lists).toEqual([{ what: path.slice(8), match: ['b', 'a'], limit: 7, client }]);
    const large = await send('POST', path, { headers: FORM, body: `match[]=${'a'.repeat(70_000)}` });
    expect([large.status, JSON.parse(large.text)]).toEqual([
      413,
      {
        status: 'error',
        errorType: 'bad_data',
        error: 'the parameters are larger than 65536 bytes; use several requests',
      },
    ]);
    // It is no push, whatever becomes of it.
    expect([gateway.pushes, telemetry.refused]).toEqual([[], []]);
  });

  it.each([
    ['/api/v1/series', 'match[] is missing; say which series, as in match[]=up{job="x"}'],
    ['/api/v1/series?match=a', 'match[] is missing; say which series, as in match[]=up{job="x"}'],
    ['/api/v1/labels?limit=ten', 'limit is "ten"; it must be a whole number'],
    ['/api/v1/labels?limit=1.5', 'limit is "1.5"; it must be a whole number'],
    ['/api/v1/labels?limit=-1', 'limit is -1; it must not be negative'],
    ['/api/v1/metadata?limit=1e3', 'limit is "1e3"; it must be a whole number'],
    ['/api/v1/metadata?limit_per_metric=x', 'limit_per_metric is "x"; it must be a whole number'],
    ['/api/v1/label//values', 'the label name is empty'],
    ['/api/v1/label/%/values', 'the label name "%" is not valid percent-encoded UTF-8'],
    ['/api/v1/label/%ff/values', 'the label name "%ff" is not valid percent-encoded UTF-8'],
  ])('%s is refused as Prometheus does it', async (path, error) => {
    const { gateway, send, errors } = await run();
    const reply = await send('GET', path);
    expect([reply.status, reply.headers['content-type']]).toEqual([400, 'application/json']);
    expect(JSON.parse(reply.text)).toEqual({ status: 'error', errorType: 'bad_data', error });
    expect(gateway.lists).toEqual([]);
    const head = await send('HEAD', path);
    expect([head.status, head.text]).toEqual([400, '']);
    expect(errors).toEqual([]);
  });

  it('that finds nothing of a path is not read as one', async () => {
    const { send } = await run();
    for (const path of ['/api/v1/label/a', '/api/v1/label/a/b/values', '/api/v1/query?query=a'])
      expect((await send('GET', path)).status, path).toBe(404);
  });

  it('looks for nothing with HEAD', async () => {
    const { gateway, send } = await run();
    for (const path of ['/api/v1/metadata', '/api/v1/labels', '/api/v1/label/a/values']) {
      const reply = await send('HEAD', path);
      expect([reply.status, reply.headers['content-type'], reply.text]).toEqual([
        200,
        'application/json',
        '',
      ]);
    }
    expect(gateway.lists).toEqual([]);
  });

  it('comes behind a prefix', async () => {
    const { gateway, send } = await run({ routePrefix: '/pag' });
    for (const [path, status] of [
      ['/pag/api/v1/label/a/values', 200],
      ['/pag/api/v1/series?match[]=a', 200],
      ['/api/v1/label/a/values', 404],
    ] as const)
      expect((await send('GET', path)).status, path).toBe(status);
    expect(gateway.lists).toHaveLength(2);
  });

  it('with another method is refused', async () => {
    const { telemetry, send } = await run();
    for (const [path, allow] of [
      ['/api/v1/labels', 'GET, HEAD, POST'],
      ['/api/v1/label/a/values', 'GET, HEAD'],
      ['/api/v1/metadata', 'GET, HEAD'],
    ] as const) {
      const reply = await send('PUT', path);
      expect([reply.status, reply.headers.allow]).toEqual([405, allow]);
    }
    // A path below /api/v1/label may be a mistaken push; the others are none.
    expect(telemetry.refused).toEqual([]);
  });

  it('counts as no push that was refused', async () => {
    const { telemetry, send } = await run({ allowedHosts: ['a'] });
    const headers = { ...FORM, Host: 'b' };
    for (const path of ['/api/v1/series', '/api/v1/labels'])
      expect((await send('POST', path, { headers, body: 'match[]=a' })).status).toBe(421);
    expect(telemetry.refused).toEqual([]);
    expect((await send('POST', '/metrics', { headers, body: 'a 1\n' })).status).toBe(421);
    expect(telemetry.refused).toHaveLength(1);
  });

  it('is no push where all paths are', async () => {
    const { gateway, send } = await run({ pushPath: '/' });
    const body = 'match[]=a';
    expect((await send('POST', '/api/v1/series', { headers: FORM, body })).status).toBe(200);
    expect((await send('GET', '/api/v1/label/a/values')).status).toBe(200);
    expect([gateway.lists.length, gateway.pushes.length]).toEqual([2, 0]);
  });
});

describe('an answer', () => {
  it('warns of what is left out', async () => {
    const { gateway, send } = await run();
    gateway.listed = { ...gateway.listed, warnings: ['results "truncated"'] };
    expect(JSON.parse((await send('GET', '/api/v1/labels')).text)).toEqual({
      status: 'success',
      data: ['a', 'b'],
      warnings: ['results "truncated"'],
    });
  });

  it.each<[RequestError | Error, number, string]>([
    [new RequestError('invalid_parameter', 'match[] "{"'), 400, 'bad_data'],
    [new RequestError('overloaded', 'too many scrapes'), 503, 'unavailable'],
    [new RequestError('shutting_down', 'the gateway is starting'), 503, 'unavailable'],
    [new Error('secret'), 500, 'internal'],
  ])('of %s', async (failure, status, errorType) => {
    const { gateway, send, errors } = await run();
    gateway.failure = failure;
    const reply = await send('GET', '/api/v1/labels');
    expect(reply.status).toBe(status);
    const isOurs = status === 500;
    const error = isOurs ? 'internal error; see the log of the gateway' : failure.message;
    expect(JSON.parse(reply.text)).toEqual({ status: 'error', errorType, error });
    expect(reply.headers['retry-after']).toBe(status === 503 ? '1' : undefined);
    expect(errors).toEqual(isOurs ? ['request failed'] : []);
  });

  it('is read by pages of origins that are named, also an error', async () => {
    const { send } = await run({ corsOrigins: ['https://ops.example'] });
    const allowed = async (path: string, origin: string) =>
      (await send('GET', path, { headers: { Origin: origin } })).headers['access-control-allow-origin'];
    for (const path of ['/api/v1/labels', '/api/v1/series', '/api/v1/status/buildinfo']) {
      expect(await allowed(path, 'https://ops.example')).toBe('https://ops.example');
      expect(await allowed(path, 'https://other.example')).toBe(undefined);
    }
  });

  it('says what was built', async () => {
    const { send } = await run();
    const reply = await send('GET', '/api/v1/status/buildinfo');
    expect(JSON.parse(reply.text)).toEqual({
      status: 'success',
      data: {
        version: '1.2.3',
        revision: '',
        branch: '',
        buildUser: '',
        buildDate: '',
        goVersion: '',
        application: 'prom-aggregation-gateway',
      },
    });
    expect((await send('HEAD', '/api/v1/status/buildinfo')).text).toBe('');
  });
});

describe('answers', () => {
  it('are made few at a time, and many more than wait are refused', async () => {
    const { gateway, send, open, errors } = await run();
    let finish: () => void = () => {};
    const finished = new Promise<void>((resolve) => (finish = resolve));
    let most = 0;
    let now = 0;
    gateway.list = async (request) => {
      gateway.lists.push(request);
      most = Math.max(most, (now += 1));
      await finished;
      now -= 1;
      return gateway.listed;
    };
    const clients = Array.from({ length: 36 }, () => open());
    for (const each of clients) each.write('GET /api/v1/labels HTTP/1.1\r\nHost: a\r\n\r\n');
    await eventually('all to wait', async () => (await send('GET', '/api/v1/labels')).status === 503);
    expect(gateway.lists).toHaveLength(4);
    clients[0]!.socket.destroy();
    await waitFor(() => gateway.lists[0]!.client!.isGone);
    finish();
    for (const each of clients.slice(1)) await each.until(({ received }) => received.includes('success'));
    expect(most).toBe(4);
    expect((await send('GET', '/api/v1/labels')).status).toBe(200);
    expect(errors).toEqual([]);
  });

  it('take the places of those before them, and no more', async () => {
    const { gateway, open } = await run();
    const finish: (() => void)[] = [];
    gateway.list = async (request) => {
      gateway.lists.push(request);
      await new Promise<void>((resolve) => finish.push(resolve));
      return gateway.listed;
    };
    const ask = () => {
      const asking = open();
      asking.write('GET /api/v1/labels HTTP/1.1\r\nHost: a\r\n\r\n');
      return asking;
    };
    const first = Array.from({ length: 6 }, ask);
    await waitFor(() => finish.length === 4);
    finish[0]!();
    await waitFor(() => finish.length === 5);
    first.push(ask(), ask());
    finish[1]!();
    await waitFor(() => finish.length === 6);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(finish).toHaveLength(6);
    for (let i = 2; i < 8; i += 1) {
      await waitFor(() => finish.length > i);
      finish[i]!();
    }
    for (const each of first) await each.until(({ received }) => received.includes('success'));
  });

  it('are written no faster than they are read, and a client that leaves meanwhile is no error', async () => {
    const { gateway, send, open, errors } = await run();
    const part = Buffer.from(`"${'x'.repeat(32_000)}",`);
    const long: Listed = {
      data: [Buffer.from('['), ...Array.from({ length: 250 }, () => part), Buffer.from('""]')],
      warnings: [],
    };
    gateway.listed = long;
    expect((JSON.parse((await send('GET', '/api/v1/labels')).text) as { data: unknown[] }).data).toHaveLength(
      251,
    );
    for (let i = 0; i < 10; i += 1) {
      const slow = open();
      slow.socket.pause();
      slow.write('GET /api/v1/labels HTTP/1.1\r\nHost: a\r\n\r\n');
      await waitFor(() => gateway.lists.length === i + 2);
      await new Promise((resolve) => setTimeout(resolve, 10));
      slow.socket.destroy();
    }
    // More than may be open at a time: the places of those who left are free.
    expect((await send('GET', '/api/v1/labels')).status).toBe(200);
    expect(errors).toEqual([]);
  });
});
