import type { IncomingMessage } from 'node:http';

import { describe, expect, it } from 'vitest';

import { hostPolicy } from '../../src/http/routes/hosts.ts';
import { run } from './helpers.ts';

function request(host: string | undefined, more: Partial<IncomingMessage> = {}): IncomingMessage {
  const headers = host === undefined ? {} : { host };
  const rawHeaders = host === undefined ? [] : ['Host', host];
  return {
    url: '/metrics',
    httpVersionMajor: 1,
    httpVersionMinor: 1,
    headers,
    rawHeaders,
    ...more,
  } as IncomingMessage;
}

describe('hosts', () => {
  const policy = hostPolicy(['gw.example', 'other.example:8080']);
  it.each<[string, IncomingMessage, string]>([
    ['a name', request('gw.example'), '/metrics'],
    ['a name with a port', request('gw.example:9091'), '/metrics'],
    ['a name in capitals', request('GW.Example'), '/metrics'],
    ['a name and the port that goes with it', request('other.example:8080'), '/metrics'],
    ['an address', request('10.0.0.1'), '/metrics'],
    ['an address with a port', request('10.0.0.1:9091'), '/metrics'],
    ['an IPv6 address', request('[::1]'), '/metrics'],
    ['an IPv6 address with a port', request('[fd00::1]:9091'), '/metrics'],
    ['nothing', request(''), '/metrics'],
    ['HTTP/1.0 without a Host', request(undefined, { httpVersionMinor: 0 }), '/metrics'],
    ['a health check', request('localhost:9091'), '/-/healthy'],
    ['a readiness check', request('localhost:9091'), '/-/ready'],
    ['the name in an absolute target', request('x', { url: 'http://gw.example:80/metrics' }), '/metrics'],
    [
      'HTTP/2',
      {
        stream: {},
        url: '/',
        httpVersionMajor: 2,
        headers: { ':authority': 'gw.example' },
      } as unknown as IncomingMessage,
      '/metrics',
    ],
  ])('lets in %s', (_name, asked, path) => expect(() => policy.check(asked, path)).not.toThrow());

  it.each<[string, IncomingMessage, RegExp]>([
    [
      'another name',
      request('evil.example'),
      /"evil.example" is not allowed; use a host listed in --web.allowed-hosts/,
    ],
    ['another port where one is named', request('other.example:80'), /other.example:80/],
    ['a name that ends like one', request('evil-gw.example'), /evil-gw/],
    ['what begins like an address', request('10.0.0.1.evil.example'), /evil/],
    [
      'another name in an absolute target',
      request('gw.example', { url: 'http://evil.example/metrics' }),
      /evil/,
    ],
    [
      'another name behind a user',
      request('x', { url: 'http://gw.example@evil.example/metrics' }),
      /"evil.example"/,
    ],
    ['a name of 10 KB', request('a'.repeat(10_000)), /^.{1,400}$/],
    [
      'HTTP/2 for another name',
      {
        stream: {},
        url: '/',
        httpVersionMajor: 2,
        headers: { ':authority': 'evil' },
      } as unknown as IncomingMessage,
      /evil/,
    ],
    ['no Host', request(undefined), /has no Host/],
    [
      'two Hosts',
      request('gw.example', { rawHeaders: ['Host', 'gw.example', 'hOST', 'x'] }),
      /2 Host headers/,
    ],
    [
      'HTTP/2.0 as text',
      request('gw.example', { httpVersionMajor: 2, httpVersion: '2.0' }),
      /HTTP\/2.0 is not/,
    ],
  ])('refuses %s', (_name, asked, message) => {
    expect(() => policy.check(asked, '/metrics')).toThrowError(message);
  });

  it('are all let in by default', () => {
    expect(() => hostPolicy(['*']).check(request('evil.example'), '/metrics')).not.toThrow();
  });

  it('that are not allowed get 421, and their pushes are counted as refused', async () => {
    const { gateway, telemetry, send } = await run({ allowedHosts: ['gw.example'] });
    const reply = await send('POST', '/metrics', { headers: { Host: 'evil.example' }, body: 'a 1\n' });
    expect([reply.status, reply.text]).toEqual([421, expect.stringContaining('--web.allowed-hosts')]);
    expect([gateway.pushes, telemetry.refused]).toEqual([[], [['host_not_allowed', 4]]]);
    expect((await send('GET', '/', { headers: { Host: 'gw.example:1' } })).status).toBe(200);
  });
});

describe('X-Content-Type-Options', () => {
  it.each([
    ['POST', '/metrics', 202],
    ['DELETE', '/metrics/job/x', 202],
    ['OPTIONS', '/metrics/job/x', 204],
    ['GET', '/metrics', 200],
    ['HEAD', '/metrics', 200],
    ['GET', '/-/metrics', 200],
    ['GET', '/-/healthy', 200],
    ['GET', '/-/ready', 200],
    ['GET', '/', 200],
    ['GET', '/nowhere', 404],
    ['PATCH', '/metrics', 405],
  ])('is nosniff: %s %s', async (method, path, status) => {
    const { send } = await run();
    const reply = await send(method, path);
    expect([reply.status, reply.headers['x-content-type-options']]).toEqual([status, 'nosniff']);
  });
});
