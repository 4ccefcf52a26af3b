/** Requests of the admin API: what is read of them, and who may send them. */
import { describe, expect, it } from 'vitest';

import { RequestError } from '../../src/model/errors.ts';
import { run } from './helpers.ts';
import type { Reply, Running } from './helpers.ts';

const enabled = { enableAdminApi: true } as const;
const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
const DELETE_SERIES = '/api/v1/admin/tsdb/delete_series';
const WIPE = '/api/v1/admin/wipe';
const SOURCES = '/api/v1/sources';
const requests = [
  ['POST', `${DELETE_SERIES}?match[]=up`],
  ['PUT', `${DELETE_SERIES}?match[]=up`],
  ['DELETE', `${SOURCES}?match[]={job="x"}`],
  ['POST', WIPE],
  ['PUT', WIPE],
] as const;

function asked({ gateway }: Running) {
  return gateway.deletions.map(({ what, match, isDryRun }) => ({ what, match, isDryRun }));
}

describe('the admin API', () => {
  it.each(requests)('is off by default: %s %s', async (method, path) => {
    const running = await run();
    const reply = await running.send(method, path);
    expect(reply.status).toBe(403);
    expect(reply.text).toContain('start the gateway with --web.enable-admin-api');
    expect(asked(running)).toEqual([]);
    // It was no push.
    expect(running.telemetry.refused).toEqual([]);
  });

  it('deletes series, as Prometheus is asked to', async () => {
    const running = await run(enabled);
    const reply = await running.send('POST', `${DELETE_SERIES}?match[]=up%7Bjob%3D%22a+b%22%7D&match[]=down`);
    expect([reply.status, reply.text]).toEqual([204, '']);
    expect(asked(running)).toEqual([{ what: 'series', match: ['up{job="a b"}', 'down'], isDryRun: false }]);
    expect(running.gateway.deletions[0]).toMatchObject({ remote: '127.0.0.1' });
    expect(running.gateway.deletions[0]?.client?.sender).toBe('127.0.0.1');
  });

  it('reads parameters of a form as well', async () => {
    const running = await run(enabled);
    const body = 'match%5B%5D=b&dry_run=1';
    for (const method of ['POST', 'PUT'])
      await running.send(method, `${DELETE_SERIES}?match[]=a`, {
        body,
        headers: { 'Content-Type': 'Application/x-www-form-urlencoded; charset=utf-8' },
      });
    await running.send('PUT', `${DELETE_SERIES}`, { chunks: ['match[]=b&', 'dry_run=1'], headers: form });
    await running.send('POST', `${DELETE_SERIES}?match[]=a`, { body });
    const both = { what: 'series', match: ['a', 'b'], isDryRun: true };
    expect(asked(running)).toEqual([
      both,
      both,
      { ...both, match: ['b'] },
      { what: 'series', match: ['a'], isDryRun: false },
    ]);
  });

  it('retires sources and says how many', async () => {
    const running = await run(enabled, { byJob: true });
    const reply = await running.send('DELETE', `${SOURCES}?match[]={job="x"}`);
    expect([reply.status, reply.text]).toEqual([202, '2 sources deleted\n']);
    expect(asked(running)).toEqual([{ what: 'sources', match: ['{job="x"}'], isDryRun: false }]);
  });

  it('says in add mode that there are no sources', async () => {
    const { send } = await run(enabled);
    const reply = await send('DELETE', `${SOURCES}?match[]={job="x"}`);
    expect(reply.status).toBe(202);
    expect(reply.text).toMatch(/^nothing was deleted: in add mode/);
  });

  it('wipes, as Pushgateway is asked to', async () => {
    const running = await run(enabled);
    const reply = await running.send('PUT', WIPE);
    expect([reply.status, reply.text]).toEqual([202, '7 series and 2 sources deleted\n']);
    expect(asked(running)).toEqual([{ what: 'all', match: [], isDryRun: false }]);
  });

  it.each([
    ['POST', `${DELETE_SERIES}?match[]=up&`, { series: 7, first_series: ['a{b="c"}'] }],
    ['DELETE', `${SOURCES}?match[]={job="x"}&`, { sources: 2, first_sources: ['{job="x"}'] }],
    ['PUT', `${WIPE}?`, { series: 7, first_series: ['a{b="c"}'], sources: 2, first_sources: ['{job="x"}'] }],
  ])('tells what would go: %s %s', async (method, path, expected) => {
    const running = await run(enabled);
    const reply = await running.send(method, `${path}dry_run=true`);
    expect([reply.status, reply.headers['content-type']]).toEqual([200, 'application/json']);
    expect(JSON.parse(reply.text)).toEqual(expected);
    expect(running.gateway.deletions[0]?.isDryRun).toBe(true);
  });

  it.each<[string, string, RegExp]>([
    [
      'POST',
      `${DELETE_SERIES}?match[]=up&start=1`,
      /^start is not supported, as the gateway keeps no history/,
    ],
    ['POST', `${DELETE_SERIES}?match[]=up&end=1`, /^end is not supported/],
    [
      'POST',
      `${DELETE_SERIES}?match[]=up&dryrun=true`,
      /^the parameter "dryrun" is unknown; use match\[\] and/,
    ],
    ['POST', `${DELETE_SERIES}?match[]=up&dry_run=yes`, /^dry_run is "yes"; it must be true or false/],
    ['PUT', `${WIPE}?match[]=up`, /^the parameter "match\[\]" is unknown; dry_run is the only one/],
    ['DELETE', `${SOURCES}?match[]=x&start=1`, /^the parameter "start" is unknown/],
  ])('refuses what it does not know: %s %s', async (method, path, message) => {
    const running = await run(enabled);
    const reply = await running.send(method, path, { headers: { Accept: 'application/json' } });
    expect(reply.status).toBe(400);
    expect(JSON.parse(reply.text)).toMatchObject({
      code: 'invalid_parameter',
      detail: expect.stringMatching(message) as unknown,
    });
    expect(asked(running)).toEqual([]);
  });

  it('answers with what the gateway says', async () => {
    const running = await run(enabled);
    running.gateway.failure = new RequestError('overloaded', 'another deletion is in progress');
    const reply = await running.send('PUT', WIPE);
    expect([reply.status, reply.headers['retry-after']]).toEqual([503, '1']);
    expect(running.telemetry.refused).toEqual([]);
  });

  it('takes no more than 64 KiB of parameters, announced or not, and none compressed', async () => {
    const running = await run(enabled);
    const large = `match[]=${'a'.repeat(65_536)}`;
    const announced = await running.send('POST', DELETE_SERIES, { body: large, headers: form });
    const chunked = await running.send('POST', DELETE_SERIES, { chunks: [large], headers: form });
    for (const reply of [announced, chunked]) {
      expect(reply.status).toBe(413);
      expect(reply.text).toContain('larger than 65536 bytes; use several requests');
    }
    const headers = { ...form, 'Content-Encoding': 'gzip' };
    expect((await running.send('POST', DELETE_SERIES, { body: 'x', headers })).status).toBe(415);
    expect(asked(running)).toEqual([]);
  });

  it('asks for the body of a client that waits for it', async () => {
    const running = await run(enabled);
    const client = running.open();
    client.write(
      `POST ${DELETE_SERIES} HTTP/1.1\r\nHost: x\r\nContent-Type: ${form['Content-Type']}\r\n` +
        'Content-Length: 9\r\nExpect: 100-continue\r\n\r\n',
    );
    await client.until(({ received }) => received.includes('100 Continue'));
    client.write('match[]=a');
    await client.until(({ received }) => received.includes('204 No Content'));
    expect(asked(running)).toEqual([{ what: 'series', match: ['a'], isDryRun: false }]);
  });

  it('takes other methods for a mistake', async () => {
    const { send } = await run(enabled);
    const replies = await Promise.all([
      send('GET', DELETE_SERIES),
      send('POST', SOURCES),
      send('OPTIONS', WIPE, { headers: { Origin: 'https://shop.example' } }),
    ]);
    expect(replies.map(({ status, headers }) => [status, headers['allow']])).toEqual([
      [405, 'POST, PUT'],
      [405, 'DELETE, GET, HEAD'],
      [405, 'POST, PUT'],
    ]);
    expect(corsOf(replies[2]!)).toEqual([]);
  });
});

describe('web pages', () => {
  const any = { ...enabled, corsOrigins: ['*', 'https://shop.example'] };

  it.each(
    requests.flatMap((each) => ['https://shop.example', 'https://evil.example'].map((o) => [...each, o])),
  )('are kept out of the admin API: %s %s from %s', async (method = '', path = '', origin = '') => {
    const running = await run(any);
    const reply = await running.send(method, path, { headers: { Origin: origin } });
    expect(reply.status).toBe(403);
    expect(reply.text).toMatch(/^web pages are not allowed to use the admin API/);
    expect(corsOf(reply)).toEqual([]);
    expect(asked(running)).toEqual([]);
  });

  it('are kept out though their name points here, and where a browser names no origin', async () => {
    const running = await run(any);
    const rebound = { Origin: 'http://evil.example', Host: 'evil.example' };
    for (const headers of [rebound, { 'Sec-Fetch-Site': 'same-origin' }, { 'Sec-Fetch-Site': 'cross-site' }])
      expect((await running.send('PUT', WIPE, { headers })).status).toBe(403);
    expect(asked(running)).toEqual([]);
  });

  it.each<[what: string, headers: Record<string, string>, options: object, isIn: boolean]>([
    ['at an address', { Host: '127.0.0.1:9091', Origin: 'http://127.0.0.1:9091' }, {}, true],
    ['at an IPv6 address', { Host: '[::1]:9091', Origin: 'http://[::1]:9091' }, {}, true],
    ['at localhost', { Host: 'localhost:9091', 'Sec-Fetch-Site': 'same-origin' }, {}, true],
    [
      'by a name that is configured',
      { Host: 'gw:9091', Origin: 'http://gw:9091' },
      { allowedHosts: ['gw'] },
      true,
    ],
    [
      'by any name',
      { Host: 'gw:9091', Origin: 'http://gw:9091', 'Sec-Fetch-Site': 'same-origin' },
      {},
      false,
    ],
    ['of another origin', { Host: '127.0.0.1:9091', Origin: 'http://10.0.0.1' }, {}, false],
    ['of another port', { Host: '127.0.0.1:9091', Origin: 'http://127.0.0.1:80' }, {}, false],
    ['of another site', { Host: 'localhost', 'Sec-Fetch-Site': 'cross-site' }, {}, false],
    ['that hides its origin', { Host: 'localhost', Origin: 'null' }, {}, false],
    ['that a browser says nothing of', { Host: 'localhost', Referer: 'http://localhost/' }, {}, true],
  ])('of the page that it has itself, %s', async (what, headers, options, isIn) => {
    const running = await run({ ...enabled, ...options });
    const send = (more: Record<string, string>): Promise<Reply> =>
      running.send('PUT', WIPE, { headers: { ...headers, ...more } });
    expect((await send({ 'X-Requested-With': 'fetch' })).status).toBe(isIn ? 202 : 403);
    // What any page of this origin could be made to send by a form.
    const isNoPage = what === 'that a browser says nothing of';
    expect((await send({})).status).toBe(isNoPage ? 202 : 403);
  });

  it('hosts that are not allowed are not let in', async () => {
    const running = await run({ ...enabled, allowedHosts: ['gw.example'] });
    expect((await running.send('PUT', WIPE, { headers: { Host: 'other.example' } })).status).toBe(421);
    expect((await running.send('PUT', WIPE, { headers: { Host: 'gw.example' } })).status).toBe(202);
  });
});

function corsOf({ headers }: Reply): readonly string[] {
  return Object.keys(headers).filter((name) => name.startsWith('access-control-'));
}
