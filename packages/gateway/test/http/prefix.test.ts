/** Behind a proxy: prefixes of paths, and what links on the start page say. */
import { describe, expect, it, test } from 'vitest';

import { parseExternalUrl, parsePrefix } from '../../src/http/option-values.ts';
import { trustedProxies } from '../../src/http/senders/client-address.ts';
import { ask, serve } from '../access/serving.ts';
import { run } from './helpers.ts';

/** The first line of the start page that pushes, and its links. */
function shown(page: string): { readonly push: string | undefined; readonly links: readonly string[] } {
  return {
    push: /--data-binary @- (\S+)/.exec(page)?.[1],
    links: [...page.matchAll(/^ {2}(\/\S*)/gm)].map(([, path]) => path!),
  };
}

const links = ['/metrics', '/-/metrics', '/api/v1/status/tsdb', '/-/healthy', '/-/ready'];

test.each<[name: string, options: object, path: string, push: string, prefix: string]>([
  ['nothing', {}, '/', 'http://gw:9/metrics/', ''],
  ['a prefix', { routePrefix: '/pag' }, '/pag/', 'http://gw:9/pag/metrics/', '/pag'],
  ['a URL', { externalUrl: 'https://m.example' }, '/', 'https://m.example/metrics/', ''],
  [
    'a URL with a path, which is the prefix as well',
    { externalUrl: 'https://m.example/pag' },
    '/pag',
    'https://m.example/pag/metrics/',
    '/pag',
  ],
  [
    'a proxy that takes the path away',
    { externalUrl: 'https://m.example/pag', routePrefix: '' },
    '/',
    'https://m.example/pag/metrics/',
    '/pag',
  ],
])('links with %s', async (_name, options, path, push, prefix) => {
  const { send } = await run(options);
  const { text } = await send('GET', path, { headers: { Host: 'gw:9' } });
  expect(shown(text)).toEqual({ push, links: links.map((link) => prefix + link) });
});

describe('with a prefix', () => {
  it('all paths have it', async () => {
    const { send, gateway } = await run({ routePrefix: '/pag', enableAdminApi: true });
    expect((await send('POST', '/pag/metrics/job/x', { body: 'a 1\n' })).status).toBe(202);
    expect(gateway.pushes[0]?.labels).toEqual({ job: 'x' });
    for (const path of ['/pag/metrics', '/pag/-/healthy', '/pag/-/metrics', '/pag/', '/pag'])
      expect((await send('GET', path)).status, path).toBe(200);
    expect((await send('PUT', '/pag/api/v1/admin/wipe')).status).toBe(202);
  });

  it.each(['/', '/metrics', '/-/healthy', '/pagmetrics', '/pag2/metrics', '/x/pag/metrics'])(
    '%s is not found',
    async (path) => {
      const { send, telemetry } = await run({ routePrefix: '/pag' });
      const { status, text } = await send('POST', path, { body: 'a 1\n' });
      expect(status).toBe(404);
      expect(text).toBe(`not found: "${path}"; all paths of this gateway begin with /pag/\n`);
      expect(telemetry.refused).toEqual([]);
    },
  );
});

describe('the scheme of links', () => {
  it('is https over TLS', async () => {
    const { port } = await serve('tls_server_config: {cert_file: server.crt, key_file: server.key}');
    const { text } = await ask(port, { path: '/', headers: { Host: 'gw' } });
    expect(shown(text).push).toBe('https://gw/metrics/');
  });

  it.each([
    [['127.0.0.1'], 'https', 'https'],
    [['127.0.0.1'], 'http, HTTPS', 'https'],
    [['127.0.0.1'], 'https, http', 'http'],
    [['127.0.0.1'], 'httpsx', 'http'],
    [[], 'https', 'http'],
    [['10.0.0.1'], 'https', 'http'],
  ])('by way of proxies %j that say %j is %s', async (trusted, said, scheme) => {
    const { send } = await run({ trustedProxies: trusted });
    const { text } = await send('GET', '/', { headers: { Host: 'gw', 'X-Forwarded-Proto': said } });
    expect(shown(text).push).toBe(`${scheme}://gw/metrics/`);
  });
});

test.each<[trusted: readonly string[], address: string | undefined]>([
  [['unix'], '198.51.100.1'],
  [['10.0.0.0/8'], undefined],
])('who comes by a Unix socket, with proxies %j', (trusted, address) => {
  const request = { socket: {}, headers: { 'x-forwarded-for': '198.51.100.1' } };
  expect(trustedProxies(trusted).addressOf(request as never)).toBe(address);
});

describe('values', () => {
  test.each([
    ['https://m.example', 'https://m.example'],
    ['https://m.example/', 'https://m.example'],
    ['http://m.example:8080/a/b/', 'http://m.example:8080/a/b'],
    ['', ''],
  ])('the URL %j', (text, value) => expect(parseExternalUrl(text)).toEqual({ value }));
  test.each(['m.example', 'ftp://m.example', 'https://m.example/?a=b', 'https://u:p@m.example', '/pag'])(
    '%j is no URL',
    (text) => expect('problem' in parseExternalUrl(text)).toBe(true),
  );
  test.each([
    ['/', ''],
    ['/pag', '/pag'],
    ['/a/b/', '/a/b'],
  ])('the prefix %j', (text, value) => expect(parsePrefix(text)).toEqual({ value }));
  test.each(['pag', '//', '/a//b', '/a?b', '/a b'])('%j is no prefix', (text) =>
    expect('problem' in parsePrefix(text)).toBe(true),
  );
});
