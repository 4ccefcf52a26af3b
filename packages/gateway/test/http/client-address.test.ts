import type { IncomingMessage } from 'node:http';
import { describe, expect, onTestFinished, test } from 'vitest';

import { createGateway } from '../../src/index.ts';
import { trustedProxies, parseNetwork } from '../../src/http/senders/client-address.ts';
import { BodyIntake } from '../../src/http/bodies/body.ts';
import { HttpClient } from '../../src/http/senders/http-client.ts';
import { FakeRequest } from './fake-request.ts';
import { run } from './helpers.ts';
import { collectingLog } from '../support/collecting-log.ts';

function request(remoteAddress: string | undefined, forwarded?: string): IncomingMessage {
  const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded };
  return { socket: { remoteAddress }, headers } as unknown as IncomingMessage;
}

const trusted = ['10.0.0.0/8', '192.0.2.7', 'fd00::/8'];

test.each<
  [what: string, peer: string | undefined, forwarded: string | undefined, address: string | undefined]
>([
  ['no header', '10.0.0.1', undefined, '10.0.0.1'],
  ['a client of the proxy', '10.0.0.1', '198.51.100.1', '198.51.100.1'],
  ['a peer that is no proxy', '198.51.100.9', '198.51.100.1', '198.51.100.9'],
  ['a neighbour of a proxy', '192.0.2.8', '198.51.100.1', '192.0.2.8'],
  ['a proxy over IPv6', 'fd12::1', '198.51.100.1', '198.51.100.1'],
  ['a proxy whose IPv4 address is mapped', '::ffff:10.0.0.1', '198.51.100.1', '198.51.100.1'],
  ['proxies in a row', '10.0.0.1', '198.51.100.1, 192.0.2.7,10.9.9.9', '198.51.100.1'],
  ['what the client claims', '10.0.0.1', '203.0.113.5, 198.51.100.1', '198.51.100.1'],
  ['a client that is a proxy', '10.0.0.1', '10.0.0.2', '10.0.0.2'],
  ['what is no address', '10.0.0.1', '198.51.100.1, unknown', '10.0.0.1'],
  ['what is no address, before a proxy', '10.0.0.1', 'unknown, 10.0.0.2', '10.0.0.2'],
  ['an empty header', '10.0.0.1', '', '10.0.0.1'],
  ['a comma too many', '10.0.0.1', '198.51.100.1,', '10.0.0.1'],
  ['a comma before', '10.0.0.1', ',10.0.0.2', '10.0.0.2'],
  ['a port', '10.0.0.1', '198.51.100.1:4711', '198.51.100.1'],
  ['IPv6', '10.0.0.1', '2001:0DB8:0:0:0::1', '2001:db8::1'],
  ['IPv6 with a port', '10.0.0.1', '[2001:db8::1]:4711', '2001:db8::1'],
  ['a mapped client', '10.0.0.1', '::ffff:198.51.100.1', '198.51.100.1'],
  ['a connection that has gone', undefined, '198.51.100.1', undefined],
])('%s', (_what, peer, forwarded, address) => {
  expect(trustedProxies(trusted).addressOf(request(peer, forwarded))).toBe(address);
});

test('without proxies the header means nothing', () => {
  expect(trustedProxies([]).addressOf(request('10.0.0.1', '198.51.100.1'))).toBe('10.0.0.1');
});

describe('networks', () => {
  test.each([
    ['10.0.0.1', { address: '10.0.0.1', prefix: 32, family: 'ipv4' }],
    ['10.0.0.0/8', { address: '10.0.0.0', prefix: 8, family: 'ipv4' }],
    ['fd00::/8', { address: 'fd00::', prefix: 8, family: 'ipv6' }],
    ['::1', { address: '::1', prefix: 128, family: 'ipv6' }],
    ['0.0.0.0/0', { address: '0.0.0.0', prefix: 0, family: 'ipv4' }],
  ])('%s', (text, network) => expect(parseNetwork(text)).toEqual(network));

  test.each([
    '',
    '10.0.0',
    '10.0.0.0/33',
    'fd00::/129',
    '10.0.0.0/',
    '10.0.0.0/x',
    'proxy.example',
    'fe80::1%0',
  ])('%s is none', (text) => expect(parseNetwork(text)).toBeUndefined());
});

test('the log names the sender that the proxy names', async () => {
  const { log, lines } = collectingLog();
  const gateway = createGateway({ log, trustedProxies: ['127.0.0.1'] });
  onTestFinished(() => gateway.close());
  const { port } = await gateway.start({ host: '127.0.0.1' });
  const headers = { 'X-Forwarded-For': '203.0.113.5, 198.51.100.1' };
  await fetch(`http://127.0.0.1:${port}/metrics`, { method: 'POST', headers, body: 'a x\n' });
  await fetch(`http://127.0.0.1:${port}/metrics/job`, { method: 'DELETE', headers });
  expect(lines).toMatchObject([
    ['warn', 'push refused', { remote: '198.51.100.1' }],
    ['warn', 'delete refused', { remote: '198.51.100.1', path: '/metrics/job' }],
  ]);
});

test('senders and scrapers share by the address that the proxy names', async () => {
  const { gateway, send } = await run({ trustedProxies: ['127.0.0.1'] });
  const senders: (string | undefined)[] = [];
  gateway.push = async ({ client }) => {
    senders.push(client?.sender);
    return 'applied';
  };
  const headers = { 'X-Forwarded-For': '2001:db8:1:2:3::4', 'User-Agent': 'x' };
  await send('POST', '/metrics', { headers, body: 'a 1\n' });
  await send('GET', '/metrics', { headers });
  expect(senders).toEqual(['2001:db8:1:2']);
  expect(gateway.scrapes).toMatchObject([{ network: '2001:db8:1:2::/64', scraper: '2001:db8:1:2:3::4 x' }]);
});

test('bodies share memory by the address that the proxy names', async () => {
  const limits = { bodyBytesMax: 1_000, bodiesBytesMax: 10_000, decodersBytesMax: 1e6 };
  const seen: string[] = [];
  const intake = new BodyIntake(limits);
  const fake = new FakeRequest({ 'x-forwarded-for': '198.51.100.1' });
  const client = new HttpClient(fake.message, ({ headers }) => {
    seen.push(String(headers['x-forwarded-for']));
    return seen.at(-1);
  });
  const received = intake.receive(fake.message, { coding: undefined, client });
  fake.send('a 1\n').finish();
  expect((await received).bytes()).toHaveLength(4);
  expect(seen).toEqual(['198.51.100.1']);
});

test('a proxy that is none is an error of the option', () => {
  expect(() => createGateway({ trustedProxies: ['proxy.example'] })).toThrow(
    'the option trustedProxies is "proxy.example"; it must be a list of addresses and CIDR blocks',
  );
});
