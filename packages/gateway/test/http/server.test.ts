import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import * as zlib from 'node:zlib';

import { describe, expect, it, onTestFinished } from 'vitest';

import { RequestError } from '../../src/model/errors.ts';
import { run, waitFor } from './helpers.ts';

describe('routes', () => {
  const cases: readonly [method: string, path: string, status: number, text: RegExp][] = [
    ['POST', '/metrics', 202, /^$/],
    ['PUT', '/metrics/', 202, /^$/],
    ['POST', '/metrics/job/x/?query=1', 202, /^$/],
    ['POST', 'http://gateway.example/metrics/job/x', 202, /^$/],
    ['DELETE', '/metrics/job/x', 202, /^nothing was deleted/],
    ['DELETE', '/metrics/', 400, /DELETE requires a job/],
    ['GET', '/metrics', 200, /^a 1\nb 2\n$/],
    ['GET', '/metrics/?x', 200, /^a 1\nb 2\n$/],
    ['HEAD', '/metrics', 200, /^$/],
    ['GET', '/-/healthy', 200, /^OK\n$/],
    ['GET', '/-/ready', 200, /^OK\n$/],
    ['GET', '/-/metrics', 200, /^own 1\n$/],
    ['HEAD', '/', 200, /^$/],
    ['GET', '/metrics/job/x', 405, /accepts pushes.*\/metrics/],
    ['POST', '/-/healthy', 405, /GET/],
    ['PATCH', '/metrics', 405, /POST or PUT/],
    ['GET', '/nowhere', 404, /push to \/metrics\//],
    ['POST', '/metricsjob/x', 404, /push to \/metrics\//],
    ['POST', '//metrics/job/x', 400, /empty segment/],
    ['POST', '/metrics//job/x', 400, /empty segment/],
    ['POST', '/metrics/job', 400, /odd number/],
    ['HEAD', '/nowhere', 404, /^$/],
    ['HEAD', '/metrics/job/x', 405, /^$/],
  ];
  it.each(cases)('%s %s: %i', async (method, path, status, text) => {
    const { send } = await run();
    const reply = await send(method, path);
    expect([reply.status, reply.text]).toEqual([status, expect.stringMatching(text)]);
  });

  it('405 says what is allowed', async () => {
    const { send } = await run();
    expect((await send('GET', '/metrics/job/x')).headers.allow).toBe('POST, PUT, DELETE, OPTIONS');
    expect((await send('PATCH', '/metrics')).headers.allow).toBe('POST, PUT, DELETE, OPTIONS, GET, HEAD');
  });

  it('hands labels and method on', async () => {
    const { gateway, send } = await run();
    await send('PUT', '/metrics/job/x/path/%2Fvar%2Ftmp', { body: 'a 1\n' });
    await send('DELETE', '/metrics/job/x');
    expect(gateway.pushes).toEqual([
      { method: 'PUT', labels: { job: 'x', path: '/var/tmp' }, body: 'a 1\n' },
    ]);
    expect(gateway.deletes).toEqual([{ job: 'x' }]);
  });

  it('says what to do with labels that are not percent-encoded', async () => {
    const { open } = await run();
    const client = open();
    client.write('POST /metrics/job/é HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n');
    await client.until(({ closed }) => closed);
    expect(client.received).toMatch(/^HTTP\/1.1 400 [^]*percent-encode/);
  });

  it.each(['/', '/push/', '/api/ui/metrics/'])('pushes below %s', async (pushPath) => {
    const { gateway, send } = await run({ pushPath });
    expect((await send('POST', `${pushPath}job/x`)).status).toBe(202);
    expect((await send('POST', pushPath)).status).toBe(202);
    expect((await send('GET', '/metrics')).text).toBe('a 1\nb 2\n');
    expect((await send('GET', '/')).status).toBe(200);
    expect((await send('POST', '/-/ready')).status).toBe(405);
    expect(gateway.pushes.map((push) => push.labels)).toEqual([{ job: 'x' }, {}]);
  });
});

describe('errors', () => {
  it('are what the gateway threw, and are counted with the size of the body', async () => {
    const { gateway, telemetry, send } = await run();
    gateway.failure = new RequestError('syntax', 'cannot parse value "1.x"', { line: 1, column: 3 });
    const reply = await send('POST', '/metrics/job/x', { body: 'a 1.x\n' });
    expect([reply.status, reply.text]).toEqual([400, 'line 1, column 3: cannot parse value "1.x"\n']);
    expect(reply.headers['access-control-allow-origin']).toBe('*');
    expect(telemetry.refused).toEqual([['syntax', 6]]);
  });

  it('tell nothing of our own mistakes', async () => {
    const { gateway, telemetry, errors, send } = await run();
    gateway.failure = new TypeError('secret');
    const reply = await send('POST', '/metrics', { body: 'a 1\n' });
    expect([reply.status, reply.text]).toEqual([500, expect.not.stringContaining('secret')]);
    expect([telemetry.refused, errors]).toEqual([[['internal', 4]], ['request failed']]);
  });

  it('keep the connection when the body is small', async () => {
    const { open } = await run();
    const client = open();
    const push = 'POST /metrics/job HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\na 1\n';
    client.write(push);
    await client.until(({ received }) => received.includes('odd number'));
    client.write(push.replace('/job', '/job/x'));
    await client.until(({ received }) => received.includes('HTTP/1.1 202 '));
  });

  it('answer what is not HTTP', async () => {
    const { open } = await run();
    const client = open();
    client.write('nonsense\r\n\r\n');
    await client.until(({ closed }) => closed);
    expect(client.received).toMatch(/^HTTP\/1.1 400 /);
  });

  it('answer headers that are too long', async () => {
    const { open } = await run();
    const client = open();
    client.write(`GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await client.until(({ closed }) => closed);
    expect(client.received).toMatch(/^HTTP\/1.1 431 /);
  });

  it('415 for the protobuf of OpenMetrics, which is another than that of Prometheus', async () => {
    const { send } = await run();
    const headers = { 'content-type': 'application/openmetrics-protobuf; version=1.0.0' };
    const reply = await send('POST', '/metrics/job/x', { headers, body: 'x' });
    expect([reply.status, reply.text]).toEqual([415, expect.stringMatching(/OpenMetrics protobuf/)]);
  });
  it('415 for protobuf that does not say what it is', async () => {
    const { send } = await run();
    const headers = { 'Content-Type': 'application/vnd.google.protobuf' };
    expect((await send('PUT', '/metrics/job/x', { headers, body: 'x' })).status).toBe(415);
  });
});

describe('pages from elsewhere', () => {
  it('may ask before a push', async () => {
    const { send } = await run();
    const headers = { Origin: 'https://shop.example', 'Access-Control-Request-Method': 'PUT' };
    const reply = await send('OPTIONS', '/metrics/job/x', { headers });
    expect(reply.status).toBe(204);
    expect(reply.headers).toMatchObject({
      allow: 'POST, PUT, DELETE, OPTIONS',
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'POST, PUT, OPTIONS',
      'access-control-allow-headers': 'Content-Type, Content-Encoding, Authorization, Idempotency-Key',
      'access-control-max-age': '86400',
    });
  });

  it('may not read or delete unless they are named', async () => {
    const { send } = await run({ corsOrigins: ['*', 'https://shop.example'] });
    const from = async (method: string, path: string, origin: string): Promise<unknown> => {
      const { status, headers } = await send(method, path, { headers: { Origin: origin } });
      return [status, headers['access-control-allow-origin']];
    };
    const [shop, evil] = ['https://shop.example', 'https://evil.example'];
    expect(await from('GET', '/metrics', evil)).toEqual([200, undefined]);
    expect(await from('GET', '/metrics', shop)).toEqual([200, shop]);
    expect(await from('GET', '/nothing', evil)).toEqual([404, undefined]);
    expect(await from('DELETE', '/metrics/job/x', evil)).toEqual([403, undefined]);
    expect(await from('DELETE', '/metrics/job/x', shop)).toEqual([202, shop]);
  });

  it('are refused when not listed', async () => {
    const { gateway, telemetry, send } = await run({ corsOrigins: ['https://shop.example'] });
    const from = (origin: string) =>
      send('POST', '/metrics/', { headers: { Origin: origin }, body: 'a 1\n' });
    expect((await from('https://evil.example')).status).toBe(403);
    expect((await from('https://shop.example')).status).toBe(202);
    expect((await send('POST', '/metrics/', { body: 'a 1\n' })).status).toBe(202);
    expect([gateway.pushes.length, telemetry.refused]).toEqual([2, [['origin_not_allowed', 4]]]);
  });
});

/** Undefined before Node 22.15. */
const { zstdDecompressSync } = zlib as { readonly zstdDecompressSync?: (body: Buffer) => Buffer };

/** How to undo each coding that replies of this Node may have. */
const codings: Readonly<Record<string, (body: Buffer) => Buffer>> = {
  gzip: zlib.gunzipSync,
  br: zlib.brotliDecompressSync,
  ...(zstdDecompressSync === undefined ? {} : { zstd: zstdDecompressSync }),
  identity: (body) => body,
};
const compressions = Object.keys(codings).filter((coding) => coding !== 'identity');

describe('scrape', () => {
  it.each(['GET', 'HEAD'])('is in the format that is asked for (%s)', async (method) => {
    const { gateway, send } = await run();
    const accept = 'application/openmetrics-text;version=1.0.0;escaping=dots,text/plain;q=0.5';
    const reply = await send(method, '/metrics', { headers: { Accept: accept } });
    expect(reply.headers).toMatchObject({
      'content-type': 'application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=dots',
      vary: 'Accept, Accept-Encoding',
    });
    const format = { format: 'openmetrics', version: '1.0.0', escaping: 'dots' };
    expect(gateway.scrapes.map((request) => request?.format)).toEqual(method === 'GET' ? [format] : []);
  });

  it('tells scrapers apart', async () => {
    const { gateway, send } = await run();
    await send('GET', '/metrics', { headers: { 'User-Agent': 'Prometheus/3.5.0' } });
    await send('GET', '/metrics?scraper=b%20c&x=1', { headers: { 'User-Agent': 'Prometheus/3.5.0' } });
    await send('GET', '/metrics?x=1');
    expect(gateway.scrapes.map((request) => request?.scraper)).toEqual([
      '127.0.0.1 Prometheus/3.5.0',
      'b c',
      '127.0.0.1 ',
    ]);
  });

  it.each(compressions)('compresses when asked (%s)', async (coding) => {
    const { telemetry, send } = await run();
    const headers = { 'Accept-Encoding': coding };
    const reply = await send('GET', '/metrics', { headers });
    expect(reply.headers).toMatchObject({
      'content-encoding': coding,
      'content-type': 'text/plain; version=0.0.4; charset=utf-8',
      vary: 'Accept, Accept-Encoding',
    });
    expect(codings[coding]!(reply.body).toString()).toBe('a 1\nb 2\n');
    expect((await send('HEAD', '/metrics', { headers })).headers).toMatchObject({
      'content-encoding': coding,
    });
    await waitFor(() => telemetry.scrapes.length > 0);
    expect(telemetry.scrapes).toEqual([8]);
  });

  it('varies by origin too where origins are named', async () => {
    const { send } = await run({ corsOrigins: ['https://shop.example'] });
    const reply = await send('GET', '/metrics', { headers: { Origin: 'https://shop.example' } });
    expect(reply.headers).toMatchObject({
      vary: 'Accept, Accept-Encoding, Origin',
      'access-control-allow-origin': 'https://shop.example',
    });
  });

  it.each(Object.keys(codings))('writes a large page whole (%s)', async (coding) => {
    const { gateway, send } = await run();
    gateway.slices = Array.from({ length: 200 }, (_, i) => `${String(i)} `.repeat(20_000));
    const reply = await send('GET', '/metrics', { headers: { 'Accept-Encoding': coding } });
    expect(codings[coding]!(reply.body).toString() === gateway.slices.join('')).toBe(true);
  });

  it('answers 500 when it fails at once', async () => {
    const { gateway, send } = await run();
    gateway.slices = [new Error('secret')];
    expect((await send('GET', '/metrics')).status).toBe(500);
  });

  it.each(Object.keys(codings))('does not pass for whole when it fails later (%s)', async (coding) => {
    const { gateway, telemetry, send } = await run();
    gateway.slices = ['a 1\n', new Error('secret')];
    const headers = { 'Accept-Encoding': coding };
    await expect(send('GET', '/metrics', { headers })).rejects.toThrow();
    expect(telemetry.scrapes).toEqual([]);
  });

  it.each(Object.keys(codings))('stops when the reader goes away (%s)', async (coding) => {
    const { gateway, open, errors } = await run();
    gateway.slices = Array.from({ length: 100_000 }, (_, i) => String(Math.sin(i)).repeat(5_000));
    const client = open();
    client.write(`GET /metrics HTTP/1.1\r\nHost: x\r\nAccept-Encoding: ${coding}\r\n\r\n`);
    await client.until(({ received }) => received.length > 0);
    client.socket.destroy();
    await waitFor(() => gateway.slicesReturned === 1);
    expect(errors).toEqual([]);
  });

  it.each(Object.keys(codings))('does not begin behind one that is not read (%s)', async (coding) => {
    const { gateway, open, errors } = await run();
    gateway.slices = Array.from({ length: 100_000 }, (_, i) => String(Math.sin(i)).repeat(5_000));
    const client = open();
    client.write(`GET /metrics HTTP/1.1\r\nHost: x\r\nAccept-Encoding: ${coding}\r\n\r\n`.repeat(12));
    await client.until(({ received }) => received.length > 0);
    client.socket.destroy();
    await waitFor(() => gateway.slicesReturned === 1);
    expect([gateway.scrapes.length, errors]).toEqual([1, []]);
  });
});

describe('the page', () => {
  it('is text for curl', async () => {
    const { send } = await run();
    const reply = await send('GET', '/', { headers: { Accept: '*/*', Host: '$(evil)' } });
    expect(reply.headers['content-type']).toBe('text/plain; charset=utf-8');
    expect(reply.text).toContain('--data-binary @- http://localhost:9091/metrics/\n');
    expect(reply.text).not.toContain('Looks wrong');
  });

  describe('says for whom the mode looks wrong', () => {
    const labels = [
      { name: 'instance', value: `<b>"'&\u0007\ud800` },
      { name: 'job', value: 'x/y' },
      { name: 'zone', value: '' },
    ];
    const path = "/metrics/job/x%2Fy/instance/%3Cb%3E%22'%26%07%EF%BF%BD/zone@base64/=";

    it('in text and JSON, with what senders choose as a path', async () => {
      const { gateway, send } = await run();
      gateway.suspects = [
        { remedy: 'pushes look like totals; run with --by-job', labels, paths: 1 },
        { remedy: 'two push there; give <each> its own', labels: [], paths: 3 },
      ];
      const warnings = [
        `Pushes look like totals; run with --by-job: ${path}`,
        'Two push there; give <each> its own: /metrics/ and 2 more',
      ];
      const { text } = await send('GET', '/');
      expect(text).toContain(`Looks wrong:\n${warnings.map((warning) => `  ${warning}\n`).join('')}`);
      const reply = await send('GET', '/', { headers: { Accept: 'application/json' } });
      expect(reply.headers['content-type']).toBe('application/json');
      expect(JSON.parse(reply.text)).toMatchObject({ version: '1.2.3', mode: 'add', warnings });
    });

    it('in text, of bounded length', async () => {
      const { gateway, send } = await run();
      gateway.suspects = [{ remedy: 'r', labels: [{ name: 'job', value: 'ü'.repeat(10_000) }], paths: 2 }];
      const { text } = await send('GET', '/', { headers: { Accept: '*/*' } });
      expect(text).toMatch(
        /^Looks wrong:\n {2}R: \/metrics\/job\/(?:%C3%BC)+%?C?3?%?B?C?… and 1 more\n\nPush:/m,
      );
      expect(text.length).toBeLessThan(1500);
    });
  });
});

describe('close', () => {
  it('lets an upload finish, and turns away what comes after', async () => {
    const { gateway, server, open } = await run();
    const accepted = noted('net.server.socket');
    const begun = noted('http.server.request.start');
    const uploading = open();
    uploading.write('POST /metrics/ HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\na 1\n');
    const late = open();
    await waitFor(() => accepted.count === 2 && begun.count === 1);
    const closed = server.close();
    late.write('POST /metrics/ HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\na 1\n');
    await late.until((client) => client.closed);
    expect(late.received).toMatch(/^HTTP\/1.1 503 /);
    expect(late.received).toMatch(/Connection: close/i);
    uploading.write('b 2\n');
    await uploading.until((client) => client.closed);
    expect(uploading.received).toMatch(/^HTTP\/1.1 202 /);
    await closed;
    expect(gateway.pushes.map((push) => push.body)).toEqual(['a 1\nb 2\n']);
  });

  it('answers all pushes that had begun on one connection', async () => {
    const { gateway, server, open } = await run();
    let begun = 0;
    let release = (): void => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    gateway.push = async () => {
      begun += 1;
      await released;
      return 'applied';
    };
    const client = open();
    client.write('POST /metrics/ HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\na 1\n'.repeat(3));
    await waitFor(() => begun === 3);
    const closed = server.close();
    release();
    await client.until((each) => each.closed);
    expect(client.received.match(/HTTP\/1.1 \d+/g)).toEqual(Array(3).fill('HTTP/1.1 202'));
    await closed;
  });

  it('does not wait for idle connections', async () => {
    const { server, open } = await run();
    const idle = open();
    idle.write('GET /-/ready HTTP/1.1\r\nHost: x\r\n\r\n');
    await idle.until(({ received }) => received.includes('OK'));
    const silent = open();
    await new Promise((resolve) => setTimeout(resolve, 20));
    const started = performance.now();
    await server.close();
    expect(performance.now() - started).toBeLessThan(1_500);
    await silent.until((client) => client.closed);
  });

  it('destroys what takes too long', async () => {
    const begun = noted('http.server.request.start');
    const { server, gateway, open } = await run({ shutdownTimeoutMs: 100 });
    const uploading = open();
    uploading.write('POST /metrics/ HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\na 1\n');
    await waitFor(() => begun.count === 1);
    await server.close();
    await uploading.until((client) => client.closed);
    expect([uploading.received, gateway.pushes]).toEqual(['', []]);
  });

  it('listens on several addresses, and closes all', async () => {
    const { server } = await run();
    const second = await server.listen({ host: undefined, port: 0 });
    expect((await fetch(`http://127.0.0.1:${second.port}/-/healthy`)).status).toBe(200);
    await server.close();
    await expect(fetch(`http://127.0.0.1:${second.port}/-/healthy`)).rejects.toThrow();
  });

  it('rejects when an address is taken', async () => {
    const { server, port } = await run();
    await expect(server.listen({ host: '127.0.0.1', port })).rejects.toThrow(/EADDRINUSE/);
  });
});

/** Counts what Node says on a channel until the test is over. */
function noted(channel: string): { readonly count: number } {
  const messages = { count: 0 };
  const note = (): void => void (messages.count += 1);
  subscribe(channel, note);
  onTestFinished(() => void unsubscribe(channel, note));
  return messages;
}
