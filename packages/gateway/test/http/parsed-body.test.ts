/** A body parser in front of the handler, as frameworks have them. */
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gunzipSync, gzipSync } from 'node:zlib';
import { expect, onTestFinished, test } from 'vitest';

import { createGateway } from '../../src/index.ts';
import type { EmbeddedGateway, EmbeddedOptions } from '../../src/index.ts';

type Parser = (request: IncomingMessage & { body?: unknown }) => Promise<void>;

async function behind(
  parser: Parser,
  options: EmbeddedOptions = {},
): Promise<{ readonly url: string; readonly gateway: EmbeddedGateway }> {
  const gateway = createGateway(options);
  const server = createServer((request, response) => {
    void parser(request).then(() => gateway.handler(request, response));
  }).listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise((resolve) => server.once('listening', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`, gateway };
}

const raw: Parser = async (request) => void (request.body = await buffer(request));
const text: Parser = async (request) => void (request.body = (await buffer(request)).toString());
const inflating: Parser = async (request) => void (request.body = gunzipSync(await buffer(request)));
const lost: Parser = async (request) => void (await buffer(request));
const form: Parser = async (request) =>
  void (request.body = Object.fromEntries(new URLSearchParams((await buffer(request)).toString())));
const firstChunk: Parser = async (request) => {
  await new Promise((resolve) => request.once('data', resolve));
  request.pause();
};
const noParser: Parser = async (request) => void (request.body = {});

const push = (
  url: string,
  body: BodyInit | undefined,
  headers: Record<string, string> = {},
): Promise<Response> => fetch(url, { method: 'POST', headers, ...(body === undefined ? {} : { body }) });

test.each([
  ['leaves a buffer', raw],
  ['leaves a string', text],
  ['has nothing to do', noParser],
])('one that %s: the push counts', async (_what, parser) => {
  const { url, gateway } = await behind(parser);
  expect((await push(url, 'c_total{a="ü"} 1\n')).status).toBe(202);
  expect(await gateway.scrape()).toContain('c_total{a="ü"} 1\n');
});

test('one that decompresses: the push counts', async () => {
  const { url, gateway } = await behind(inflating);
  const reply = await push(url, gzipSync('c_total 1\n'), { 'Content-Encoding': 'gzip' });
  expect(reply.status).toBe(202);
  expect(await gateway.scrape()).toContain('c_total 1\n');
});

test.each([
  ['leaves an object', form],
  ['leaves nothing', lost],
  ['has begun to read', firstChunk],
])('one that %s: 500, and what to do', async (_what, parser) => {
  const { url, gateway } = await behind(parser);
  const reply = await push(url, 'c_total 1\n', { Accept: 'application/problem+json' });
  expect(reply.status).toBe(500);
  expect(await reply.json()).toMatchObject({
    code: 'body_already_read',
    detail:
      "the body of this push was already read, for example by a body parser; put the gateway's handler first, or leave the body in request.body as a Buffer or string",
  });
  expect(await gateway.scrape()).toBe('');
});

test.each([
  ['leaves nothing', lost],
  ['leaves an object', form],
  ['leaves a buffer', raw],
])('an empty push and one that %s: a push of nothing', async (_what, parser) => {
  const { url } = await behind(parser);
  expect((await push(url, undefined)).status).toBe(202);
});

test('a body that is too large is refused as any other', async () => {
  const { url } = await behind(raw, { bodyBytesMax: 20 });
  expect((await push(url, `# ${'x'.repeat(20)}\n`, { 'Content-Encoding': 'identity' })).status).toBe(413);
  const grown = await behind(inflating, { bodyBytesMax: 100 });
  const reply = await push(grown.url, gzipSync(`# ${'x'.repeat(200)}\n`), { 'Content-Encoding': 'gzip' });
  expect(reply.status).toBe(413);
});
