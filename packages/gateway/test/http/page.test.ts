/** The page for browsers: who gets it, how it is cached, and that it runs nothing but its own files. */
import { brotliDecompressSync, gunzipSync } from 'node:zlib';

import { describe, expect, it } from 'vitest';

import { serve } from '../access/serving.ts';
import { run } from './helpers.ts';

const browser = { Accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
const users = "basic_auth_users: {dave: '$2y$10$2UXri9cIDdgeKjBo4Rlpx.U3ZLDV8X1IxKmsfOvhcM5oXQt/mLmXq'}";
const linksIn = (html: string): string[] =>
  [...html.matchAll(/(?:href|src|data-licenses)="([^"]+)"/g)].map(([, link]) => link!);

describe('the page for browsers', () => {
  it.each([
    ['at the root', {}, '/', '.'],
    ['below a prefix', { routePrefix: '/pag' }, '/pag/', '/pag'],
    ['below a prefix, without a slash', { routePrefix: '/pag' }, '/pag', '/pag'],
    ['behind a proxy', { externalUrl: 'https://m.example/x"y', routePrefix: '' }, '/', '/x%22y'],
  ])('names its own files, %s', async (_name, options, path, prefix) => {
    const { send } = await run(options);
    const { status, headers, text } = await send('GET', path, { headers: browser });
    expect([status, headers['content-type'], headers.vary]).toEqual([
      200,
      'text/html; charset=utf-8',
      'Accept',
    ]);
    const links = linksIn(text);
    expect(links.length).toBeGreaterThan(3);
    for (const link of links) expect(link.startsWith(`${prefix}/-/page/`), link).toBe(true);
    expect(text).not.toMatch(/<style|<script(?! type="module" src=)|\son\w+=|https?:/);
  });

  it('may run, load and ask for nothing but that', async () => {
    const { send } = await run();
    const { headers } = await send('GET', '/', { headers: browser });
    const policy = String(headers['content-security-policy']).split('; ');
    expect(policy).toContain("default-src 'none'");
    for (const each of policy) expect(each).toMatch(/^[a-z-]+ '(?:none|self|script)'$/);
    expect(headers['referrer-policy']).toBe('no-referrer');
  });

  it.each([
    ['br, gzip', 'br', brotliDecompressSync],
    ['gzip', 'gzip', gunzipSync],
    ['br;q=0, *', 'gzip', gunzipSync],
    ['', undefined, (body: Buffer) => body],
  ])('its files come compressed, for Accept-Encoding: %s', async (accepted, coding, decompress) => {
    const { send } = await run();
    const links = linksIn((await send('GET', '/', { headers: browser })).text);
    for (const link of links.map((each) => each.replace(/^\./, ''))) {
      const plain = await send('GET', link, { headers: { 'Accept-Encoding': 'identity' } });
      const { status, headers, body } = await send('GET', link, { headers: { 'Accept-Encoding': accepted } });
      expect([status, headers['content-encoding']]).toEqual([200, coding]);
      expect(headers['cache-control']).toBe('public, max-age=31536000, immutable');
      expect(headers['content-type']).toMatch(
        /^(?:text\/(?:css|javascript|plain); charset=utf-8|image\/svg\+xml)$/,
      );
      expect(decompress(body)).toEqual(plain.body);
    }
  });

  it.each(['/-/page/', '/-/page/files.json', '/-/page/index.html', '/-/page/..%2Findex.js', '/-/page/x/y'])(
    '%s is none of them',
    async (path) => {
      const { send } = await run();
      expect((await send('GET', path)).status).toBe(404);
    },
  );

  it('and its files are for everybody, and what is at / as text is not', async () => {
    const { send } = await serve(users);
    const page = await send('GET', '/', { headers: browser });
    expect(page.status).toBe(200);
    for (const link of linksIn(page.text)) expect((await send('GET', link.slice(1))).status).toBe(200);
    for (const Accept of ['*/*', 'text/plain', 'application/json', 'text/plain, text/html;q=0.5'])
      expect((await send('GET', '/', { headers: { Accept } })).status, Accept).toBe(401);
    // Neither to ask for something else with the Accept of a browser.
    for (const [method, path] of [
      ['POST', '/'],
      ['GET', '/metrics'],
      ['GET', '/api/v1/refusals'],
    ] as const)
      expect((await send(method, path, { headers: browser })).status, `${method} ${path}`).toBe(401);
  });

  it.each([
    [{}, 'Basic realm="prom-aggregation-gateway", Bearer realm="prom-aggregation-gateway"'],
    [{ 'Sec-Fetch-Dest': 'empty' }, 'Bearer realm="prom-aggregation-gateway"'],
    [{ 'X-Requested-With': 'fetch' }, 'Bearer realm="prom-aggregation-gateway"'],
  ])('asks for a password itself: with %j the browser is not made to', async (headers, challenge) => {
    const { send } = await serve(users);
    const reply = await send('GET', '/api/v1/refusals', { headers });
    expect([reply.status, reply.headers['www-authenticate']]).toEqual([401, challenge]);
  });
});
