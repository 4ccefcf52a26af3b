/** What a URL of NATS says, and what is wrong with it. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { parseNatsUrl } from '../../../src/cluster/engines/nats/url.ts';
import { StorageProblem } from '../../../src/journal/journal.ts';
import { temporaryFolder } from '../../support/folders.ts';

describe('a URL of NATS', () => {
  test('has defaults for all but the host', async () => {
    expect(await parseNatsUrl('nats://n1')).toEqual({
      servers: ['n1:4222'],
      name: 'prom-aggregation-gateway',
      replicas: 3,
      monitors: [],
      isSyncAsserted: false,
      authenticator: undefined,
      tls: undefined,
      shown: 'nats://n1:4222/prom-aggregation-gateway',
    });
  });

  test('names several servers, the stream, and where to ask', async () => {
    const url =
      'nats://n1:4222,n2.example:4333,[::1]:4444/metrics?replicas=5&monitor=http://n1:8222/,https://n2/x/&monitor=http://n3:1&sync=always-asserted';
    expect(await parseNatsUrl(url)).toMatchObject({
      servers: ['n1:4222', 'n2.example:4333', '[::1]:4444'],
      name: 'metrics',
      replicas: 5,
      monitors: ['http://n1:8222', 'https://n2/x', 'http://n3:1'],
      isSyncAsserted: true,
    });
  });

  test('has credentials, which are not shown', async () => {
    const shown = 'nats://n1:4222/a';
    const withPassword = await parseNatsUrl('nats://me:s%40cret@n1/a');
    expect(withPassword.shown).toBe(shown);
    expect(withPassword.authenticator?.('')).toEqual({ user: 'me', pass: 's@cret' });
    const withToken = await parseNatsUrl('nats://t0ken@n1/a');
    expect(withToken.shown).toBe(shown);
    expect(withToken.authenticator?.('')).toEqual({ auth_token: 't0ken' });
  });

  test('has credentials from files, as they are when they are asked for', async () => {
    const file = join(temporaryFolder(), 'secret');
    writeFileSync(file, 'first\n');
    const user = await parseNatsUrl(`nats://me@n1/a?password-file=${file}`);
    const token = await parseNatsUrl(`nats://n1/a?token-file=${file}`);
    expect(user.authenticator?.('')).toEqual({ user: 'me', pass: 'first' });
    writeFileSync(file, 'second');
    expect(user.authenticator?.('')).toEqual({ user: 'me', pass: 'second' });
    expect(token.authenticator?.('')).toEqual({ auth_token: 'second' });
  });

  test('goes on with the credentials that were usable', async () => {
    const file = join(temporaryFolder(), 'secret');
    writeFileSync(file, 'first');
    const { authenticator } = await parseNatsUrl(`nats://me@n1/a?password-file=${file}`);
    expect(authenticator?.('')).toEqual({ user: 'me', pass: 'first' });
    rmSync(file);
    expect(authenticator?.('')).toEqual({ user: 'me', pass: 'first' });
    writeFileSync(file, 'no creds');
    const { authenticator: other } = await parseNatsUrl(`nats://n1/a?creds=${file}`);
    expect(() => other?.('nonce')).toThrow(/credentials/);
  });

  test('has TLS by its scheme, or by files', async () => {
    const file = join(temporaryFolder(), 'pem');
    writeFileSync(file, '');
    expect((await parseNatsUrl('tls://n1')).tls).toEqual({});
    const url = `nats://n1?ca=${file}&cert=${file}&key=${file}`;
    expect((await parseNatsUrl(url)).tls).toEqual({ caFile: file, certFile: file, keyFile: file });
  });

  const wrong: Readonly<Record<string, RegExp>> = {
    'http://n1/a': /not of the form nats:\/\//,
    'nats://': /not of the form/,
    'nats:///a': /not of the form/,
    'nats://me:s3cret@': /not of the form/,
    'nats://me:s3@cret@n1/a/b': /not of the form/,
    'nats://n1/a#b': /not of the form/,
    'nats://n1:x/a': /"n1:x" is not host or host:port/,
    'nats://n1:0/a': /"n1:0" is not host/,
    'nats://n1:65536/a': /is not host/,
    'nats://n1,,n2/a': /"" is not host/,
    'nats://::1/a': /"::1" is not host/,
    'nats://n1/a.b': /"a.b" cannot be the name of a stream/,
    'nats://n1/a%20b': /cannot be the name of a stream/,
    'nats://n1/a?replica=3': /unknown parameter "replica"; there are replicas, monitor/,
    'nats://n1/a?replicas=3&replicas=1': /duplicate parameter replicas/,
    'nats://n1/a?replicas=0': /replicas=0 is not a number from 1 to 5/,
    'nats://n1/a?replicas=3.5': /replicas=3.5 is not/,
    'nats://n1/a?replicas=': /replicas= is not/,
    'nats://n1/a?monitor=n1:8222': /monitor=n1:8222 is not the URL of a monitoring port/,
    'nats://n1/a?monitor=': /monitor= is not the URL/,
    'nats://n1/a?monitor=http://me:s3cret@n1:8222': /monitor=… cannot have a user or password/,
    'nats://n1/a?sync=always': /only sync=always-asserted is allowed/,
    'nats://n1/a?creds=/nowhere/creds': /creds=\/nowhere\/creds: no such file/,
    'nats://n1/a?ca=/': /ca=\/: is a directory/,
    'nats://n1/a?cert=/dev/null': /name both/,
    'nats://n1/a?password-file=/dev/null': /password-file=… needs a user/,
    'nats://me:s3cret@n1/a?password-file=/dev/null': /more than one kind of credentials/,
    'nats://me:s3cret@n1/a?creds=/dev/null': /more than one kind of credentials/,
    'nats://n1/a?creds=/dev/null&token-file=/dev/null': /more than one kind of credentials/,
    'nats://me:s3cret%@n1/a': /percent-encoded/,
  };

  for (const [url, says] of Object.entries(wrong)) {
    test(`is refused: ${url}`, async () => {
      const error = await parseNatsUrl(url).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(StorageProblem);
      expect((error as Error).message).toMatch(says);
      expect((error as Error).message).not.toContain('s3cret');
    });
  }
});
