/** Options of members of a cluster, as the command line and the environment give them. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { memberName, shownLogUrl } from '../../src/cluster/options.ts';
import { readSecret } from '../../src/cluster/secret-file.ts';
import { parseConfig } from '../../src/config/parse.ts';
import { temporaryFolder } from '../support/folders.ts';

const log = '--storage.log=postgres://pag:s3cret@db/pag';
const url = '--cluster.advertise-url=http://10.0.0.1:9091';
const secret = '--cluster.secret-file=/run/secret';

function clusterOf(argv: readonly string[], env: Record<string, string> = {}) {
  const parsed = parseConfig(argv, env);
  if (parsed.kind !== 'run') throw new Error(JSON.stringify(parsed));
  return parsed.config.cluster;
}

function errorsOf(argv: readonly string[], env: Record<string, string> = {}): readonly string[] {
  const parsed = parseConfig(argv, env);
  return parsed.kind === 'errors' ? parsed.errors : [];
}

test('a gateway by itself has none of them', () => {
  expect(clusterOf([])).toEqual({
    logUrl: undefined,
    advertiseUrl: undefined,
    secretFile: undefined,
    name: undefined,
    leaseMs: 3000,
    holdMs: 10_000,
    digestIntervalMs: 600_000,
  });
});

test('a member says where its log is, also in the environment, and where others reach it', () => {
  expect(clusterOf([url, secret, '--cluster.hold=30s'], { PAG_STORAGE_LOG: 'nats://a:4222,b:4222' })).toEqual(
    {
      logUrl: 'nats://a:4222,b:4222',
      advertiseUrl: 'http://10.0.0.1:9091',
      secretFile: '/run/secret',
      name: undefined,
      leaseMs: 3000,
      holdMs: 30_000,
      digestIntervalMs: 600_000,
    },
  );
  expect(memberName(clusterOf([log, url, secret]))).toBe('10.0.0.1:9091');
  expect(memberName(clusterOf([log, url, secret, '--cluster.name=pag-0']))).toBe('pag-0');
  expect(clusterOf([log, secret, '--cluster.advertise-url=https://[fd00::1]:443/']).advertiseUrl).toBe(
    'https://[fd00::1]',
  );
});

test.each([
  [
    [log],
    [
      '--cluster.advertise-url: is required with --storage.log',
      '--cluster.secret-file: is required with --storage.log',
    ],
  ],
  [[log, url], ['--cluster.secret-file: is required with']],
  [[log, secret], ['--cluster.advertise-url: is required with']],
  [
    [url, secret],
    [
      '--cluster.advertise-url: is for members of a cluster; set --storage.log',
      '--cluster.secret-file: is for members',
    ],
  ],
  [['--cluster.name=a'], ['--cluster.name: is for members of a cluster']],
  [
    ['--cluster.hold=1s', '--cluster.lease=5s'],
    ['--cluster.lease: is for', '--cluster.hold: is for'],
  ],
  [[log, url, secret, '--cluster.lease=1s'], ['--cluster.lease: must be at least 2s']],
  [[log, url, secret, '--cluster.name=a b'], ['--cluster.name: "a b" is not a name']],
  [
    [log, secret, `--cluster.advertise-url=http://${'a'.repeat(60)}.example:9091`],
    ['--cluster.name: is required where'],
  ],
  [
    [log, secret, '--cluster.advertise-url=10.0.0.1:9091'],
    ['--cluster.advertise-url: "10.0.0.1:9091" is not the URL'],
  ],
  [
    [log, secret, '--cluster.advertise-url=http://a:9091/metrics'],
    ['--cluster.advertise-url: "http://a:9091/metrics" is not'],
  ],
  [
    [log, secret, '--cluster.advertise-url=http://me:pw@a:9091'],
    ['--cluster.advertise-url: "http://***@a:9091" is not'],
  ],
  [
    [log, secret, '--cluster.advertise-url=http://0.0.0.0:9091'],
    ['--cluster.advertise-url: 0.0.0.0 is no address'],
  ],
])('%j is refused', (argv, errors) => {
  expect(errorsOf(argv)).toEqual(errors.map((error) => expect.stringContaining(error)));
});

test.each([
  'redis://:s3cret@db',
  'postgres://pag:s3cret',
  'postgres://pag:s3/cret@db/pag',
  'postgres://pag:s3#cret@db/pag',
  'postgres:pag:s3cret@db',
  's3cret',
  ' postgres://pag:s3cret@db/pag',
])('no password is in the error for the log at %s', (bad) => {
  const errors = [
    ...errorsOf([`--storage.log=${bad}`, url, secret]),
    ...errorsOf([url, secret], { PAG_STORAGE_LOG: bad }),
  ];
  // Of the second one nothing is wrong but that its host is one.
  if (bad !== 'postgres://pag:s3cret') expect(errors.length).toBeGreaterThanOrEqual(2);
  expect(errors.join('\n')).not.toMatch(/s3|cret/);
});

test('what is shown of a log has no user, password or parameters', () => {
  expect(shownLogUrl('postgres://pag:s3@cret@db:5432,db2/pag?password=x&sslmode=require')).toBe(
    'postgres://db:5432,db2/pag',
  );
  expect(shownLogUrl('nats://token@a:4222,b:4222')).toBe('nats://a:4222,b:4222');
  expect(shownLogUrl('what no one has checked')).toBe('log://');
});

test('the secret is read from its file, and is long enough', async () => {
  const folder = temporaryFolder();
  const path = join(folder, 'secret');
  writeFileSync(path, '0123456789abcdef\n');
  expect(await readSecret(path)).toEqual({ secret: '0123456789abcdef' });
  writeFileSync(path, 'short\n');
  const problem = await readSecret(path);
  expect(problem).toEqual({
    problem: expect.stringMatching(/secret: the secret has 5 characters, and needs at least 16/),
  });
  expect(JSON.stringify(problem)).not.toContain('short');
  writeFileSync(path, 'x'.repeat(5000));
  expect(await readSecret(path)).toEqual({ problem: expect.stringContaining('longer than 4096 bytes') });
  expect(await readSecret(join(folder, 'none'))).toEqual({
    problem: expect.stringContaining('no such file'),
  });
  expect(await readSecret(folder)).toEqual({ problem: expect.stringContaining('is a directory') });
});
