import { readFileSync } from 'node:fs';

import { describe, expect, test } from 'vitest';

import { environmentName, flags, options } from '../../src/config/flags.ts';
import { flagReference, helpText } from '../../src/config/help.ts';
import { systemdSockets } from '../../src/config/systemd.ts';
import { formatListenAddress, parseListenAddress } from '../../src/config/listen-address.ts';
import { parseConfig } from '../../src/config/parse.ts';
import { defaultGatewayOptions } from '../../src/gateway/options.ts';
import { parseOrigin } from '../../src/http/option-values.ts';
import { defaultHttpOptions } from '../../src/http/options.ts';
import { flagGroups } from '../../src/options/option.ts';
import { shareOf } from '../../src/options/share.ts';
import { parsePath } from '../../src/options/values.ts';
import { formatSize, parseSize } from '../../src/primitives/size.ts';
import { formatDuration, parseDuration } from '../../src/primitives/duration.ts';

function configOf(argv: readonly string[], env: Record<string, string> = {}, memoryBytes = 2 ** 50) {
  const invocation = parseConfig(argv, env, memoryBytes);
  if (invocation.kind !== 'run') throw new Error(JSON.stringify(invocation));
  return invocation.config;
}

function errorsOf(argv: readonly string[], env: Record<string, string> = {}): readonly string[] {
  const invocation = parseConfig(argv, env);
  return invocation.kind === 'errors' ? invocation.errors : [];
}

test('without flags it is what an embedder gets', () => {
  const config = configOf([]);
  expect(config.gateway).toEqual(defaultGatewayOptions);
  expect(config.http).toEqual(defaultHttpOptions);
  expect(config.listenAddresses).toEqual([{ host: undefined, port: 9091 }]);
});

describe('the memory there is', () => {
  const MIB = 2 ** 20;

  test('decides about the limits that are not given', () => {
    const { http, gateway, memoryBytes } = configOf([], {}, 512 * MIB);
    expect(memoryBytes).toBe(512 * MIB);
    expect(http.bodiesBytesMax).toBe(48 * MIB);
    expect(gateway.limits.seriesBytesTotalMax).toBe(80 * MIB);
  });
  test('may be given', () =>
    expect(configOf(['--limit.memory=512MiB'], {}, 2 ** 40).http.bodiesBytesMax).toBe(48 * MIB));
  test('yields to a limit that is given', () => {
    const argv = [
      '--web.max-inflight-size=20MiB',
      '--limit.series-bytes-total=1GiB',
      '--scrape.cache-size=0',
    ];
    const { http, gateway } = configOf(argv, {}, 512 * MIB);
    expect(http.bodiesBytesMax).toBe(20 * MIB);
    expect(gateway.limits.seriesBytesTotalMax).toBe(1024 * MIB);
    expect(gateway.scrapeCacheBytesMax).toBe(0);
  });
  test.each([128, 512, 4096].map((mib) => [mib] as const))('all shares of %d MiB leave room', (mib) => {
    const shares = options.flatMap(({ share }) => share ?? []);
    expect(shares.length).toBeGreaterThan(9);
    const sum = shares.reduce((total, share) => total + shareOf(mib * MIB, share), 0);
    if (mib >= 512) expect(sum).toBeLessThan(mib * MIB * 0.75);
  });
});

describe('spellings of a flag', () => {
  test.each([
    ['two dashes and =', ['--job-prune-duration=2s', '--by-job']],
    ['two dashes and a blank', ['--by-job', '--job-prune-duration', '2s']],
    ['one dash', ['-by-job', '-job-prune-duration', '2s']],
    ['one dash and =', ['-by-job=true', '-job-prune-duration=2s']],
  ])('%s', (_, argv) => {
    const { gateway } = configOf(argv);
    expect(gateway.byJob).toBe(true);
    expect(gateway.jobPruneDurationMs).toBe(2000);
  });

  test('--no- turns off', () =>
    expect(configOf(['--no-by-job'], { PAG_BY_JOB: 'true' }).gateway.byJob).toBe(false));
  test('aliases of the original', () => {
    const config = configOf(['-listen', ':80', '-push-path', '/push', '-cors', 'https://a.example']);
    expect(config.listenAddresses).toEqual([{ host: undefined, port: 80 }]);
    expect(config.http.pushPath).toBe('/push/');
    expect(config.http.corsOrigins).toEqual(['https://a.example']);
  });
  test('repeated', () =>
    expect(configOf(['-listen', ':1', '--web.listen-address=[::1]:2']).listenAddresses).toEqual([
      { host: undefined, port: 1 },
      { host: '::1', port: 2 },
    ]));
});

describe('environment', () => {
  test('names are made from the flags', () =>
    expect(environmentName(flags[0]!)).toBe('PAG_WEB_LISTEN_ADDRESS'));
  test('is read', () =>
    expect(configOf([], { PAG_WEB_LISTEN_ADDRESS: ':1, :2' }).listenAddresses).toHaveLength(2));
  test('a switch may be 1 or 0', () => {
    expect(configOf([], { PAG_BY_JOB: '1' }).gateway.byJob).toBe(true);
    expect(configOf([], { PAG_BY_JOB: '0' }).gateway.byJob).toBe(false);
  });
  test('the command line wins', () =>
    expect(configOf(['--log.level=error'], { PAG_LOG_LEVEL: 'debug' }).log.level).toBe('error'));
});

describe('trusted proxies', () => {
  const proxiesOf = (...values: readonly string[]): readonly string[] =>
    configOf(values.map((value) => `--web.trusted-proxies=${value}`)).http.trustedProxies;
  test('are none by default', () => expect(proxiesOf()).toEqual([]));
  test('may be none', () => expect(proxiesOf('none')).toEqual([]));
  test('are addresses and blocks', () =>
    expect(proxiesOf('10.0.0.0/8', '::1')).toEqual(['10.0.0.0/8', '::1']));
  test.each(['10.0.0.0/33', 'proxy.example', ''])('%s is no proxy', (value) =>
    expect(errorsOf([`--web.trusted-proxies=${value}`])).toEqual([
      expect.stringContaining('is not an address or block of addresses'),
    ]),
  );
});

describe('options of other gateways', () => {
  test.each([
    ['--apiListen=:80', 'use --web.listen-address (see docs/guides/migrating.md)'],
    ['--persistence.file=/data/x', 'use --storage.path'],
    ['--tls-cert=server.crt', 'use --web.config.file with TLS'],
    ['--no-push.enable-utf8-names', 'UTF-8 names are always accepted'],
  ])('%s says what to do instead', (argument, advice) =>
    expect(errorsOf([argument]).join('\n')).toContain(advice),
  );
  test('what keeps strangers out there does not go unnoticed here', () => {
    expect(errorsOf([], { PAG_AUTHUSERS: 'user=password' })).toEqual([
      'PAG_AUTHUSERS: remove it, and use --web.config.file with TLS and basic_auth_users (see docs/guides/access.md)',
    ]);
    expect(errorsOf([], { PAG_AUTHUSERS: '' })).toEqual([]);
  });
  test('other variables are a warning', () => {
    const invocation = parseConfig([], { PAG_APILISTEN: ':80' });
    expect(invocation.kind === 'run' && invocation.warnings).toEqual([
      'unknown environment variable PAG_APILISTEN is not read; use --web.listen-address',
    ]);
  });
});

test('unknown variables are a warning, as others may have set them', () => {
  const invocation = parseConfig([], { PAG_PORT: 'tcp://10.0.0.1:80', PAG_BY_JOB: '' });
  expect(invocation.kind === 'run' && invocation.warnings).toEqual([
    'unknown environment variable PAG_PORT is not read; see --help for those that are',
  ]);
});

describe('what is wrong is told', () => {
  test.each([
    ['unknown flag', ['--web.listen-adress=:1'], 'did you mean --web.listen-address?'],
    ['unknown word', ['start'], 'unexpected argument "start"'],
    ['value missing', ['--log.level'], 'a value is missing'],
    ['given twice', ['--log.level=info', '-log.level', 'warn'], 'given twice'],
    ['no duration', ['--web.shutdown-timeout=5'], 'write it like 90s'],
    ['no size', ['--web.max-body-size=5 apples'], 'write it like 16MiB'],
    ['no choice', ['--push.summaries=keep'], 'not one of discard, sum-and-count'],
    ['origin with a slash', ['--cors=https://a.example/'], 'remove the trailing slash'],
    ['paths that collide', ['--web.telemetry-path=/metrics'], 'is already in use'],
    ['push path and telemetry', ['--push-path=/p', '--web.telemetry-path=/p'], 'overlaps with'],
    ['telemetry below the push path', ['--web.telemetry-path=/metrics/own'], 'overlaps with'],
    ['body above all bodies', ['--web.max-body-size=1GiB'], '--web.max-inflight-size: must not be less than'],
    ['a store without room', ['--storage.max-size=1KiB'], '--storage.max-size: must be at least 1MiB'],
    ['no read timeout', ['--web.read-timeout=0'], 'must be greater than 0'],
    ['origin with capitals', ['--cors=https://A.example'], 'write https://a.example'],
    ['series too long', ['--limit.series-bytes=1MiB'], 'the maximum is 60KiB'],
    ['more bytes of series than have addresses', ['--limit.series-bytes-total=9GiB'], 'the maximum is 8GiB'],
    ['push path of its own', ['--web.push-path=/-/push'], 'are reserved for the gateway'],
    ['negative', ['--limit.series=-1'], 'not a whole number'],
  ])('%s', (_, argv, message) => expect(errorsOf(argv).join('\n')).toContain(message));

  test('all at once', () =>
    expect(errorsOf(['--a=1', '--log.level=x'], { PAG_BY_JOB: 'yes' })).toHaveLength(3));
  test('contradictions in the same go', () =>
    expect(errorsOf(['--log.level=x', '--push-path=/-/p', '--web.read-timeout=0'])).toHaveLength(3));
  test('what cannot be read contradicts nothing', () =>
    expect(errorsOf(['--web.max-body-size=x', '--web.max-inflight-size=1KiB'])).toHaveLength(1));
  test('by the name in the environment', () =>
    expect(errorsOf([], { PAG_BY_JOB: 'perhaps' })).toEqual(['PAG_BY_JOB: "perhaps" is not true or false']));
  test('job flags without by-job are doubtful', () => {
    const invocation = parseConfig(['--job-prune-duration=90s'], {});
    expect(invocation.kind === 'run' && invocation.warningsWithoutByJob).toEqual([
      '--job-prune-duration has no effect without --by-job, or a rule for sources with mode: by-job',
    ]);
  });
});

describe('values', () => {
  test.each([
    ['0', 0],
    ['90s', 90_000],
    ['1h30m', 5_400_000],
    ['1.5s', 1500],
    ['1.1s', 1100],
    ['0s', 0],
    ['500ms', 500],
    ['1d', 86_400_000],
    ['1w', 604_800_000],
  ])('duration %s', (text, ms) => expect(parseDuration(text)).toEqual({ value: ms }));
  test.each(['', '1', '-1s', '1x', 's', '1 s', 'Infinity', '1e3s', '0.4ms', `${'9'.repeat(400)}s`])(
    'no duration: %s',
    (text) => expect(parseDuration(text)).toHaveProperty('problem'),
  );
  test('durations are written as they are read', () => expect(formatDuration(5_400_500)).toBe('1h30m500ms'));
  test.each([
    ['16MiB', 16_777_216],
    ['1GB', 1e9],
    ['512KiB', 524_288],
    ['1000', 1000],
  ])('size %s', (text, bytes) => expect(parseSize(text)).toEqual({ value: bytes }));
  test.each(['', '0', '-1', 'MiB', '1Mib', '1e9', '9007199254740993'])('no size: %s', (text) =>
    expect(parseSize(text)).toHaveProperty('problem'),
  );
  test('sizes are written as they are read', () => expect(formatSize(16_777_216)).toBe('16MiB'));
  test.each([
    [':80', undefined, 80],
    ['127.0.0.1:9091', '127.0.0.1', 9091],
    ['[::1]:9091', '::1', 9091],
    ['localhost:0', 'localhost', 0],
  ])('address %s, and back', (text, host, port) => {
    expect(parseListenAddress(text)).toEqual({ value: { host, port } });
    expect(formatListenAddress({ host, port })).toBe(text);
  });
  test.each([
    '',
    '80',
    ':',
    ':65536',
    '::1:80',
    'a b:1',
    'http://a:1',
    'a/b:1',
    '[a]:1',
    '[]:1',
    '[1.2.3.4]:1',
    '256.0.0.1:1',
    '1.2.3:1',
  ])('no address: %s', (text) => expect(parseListenAddress(text)).toHaveProperty('problem'));
  test.each([
    '*',
    'https://a.example',
    'http://a.example:8080',
    'http://[::1]:8080',
    'chrome-extension://abc',
  ])('origin %s', (text) => expect(parseOrigin(text)).toEqual({ value: text }));
  test.each([
    '',
    'a.example',
    'https://',
    'https://a.example/',
    'https://a.example/b',
    'https://*.example',
    'https://A.example',
    'https://a.example:443',
    'https://u@a.example',
    'https://a:99999',
  ])('no origin: %s', (text) => expect(parseOrigin(text)).toHaveProperty('problem'));
  test.each(['', 'a', '/a b', '/a?b', '/a#b', '/a//b', '/é'])('no path: %s', (text) =>
    expect(parsePath(text)).toHaveProperty('problem'),
  );
});

test('the help names every flag', () => {
  for (const flag of flags) expect(helpText()).toContain(`--${flag.name}`);
});

test('the help has every group, once and not empty', () => {
  for (const heading of Object.values(flagGroups)) {
    expect(helpText().split(`\n${heading}:\n  --`)).toHaveLength(2);
  }
});

test('docs/reference/flags.md is made from the table', () => {
  const page = readFileSync(new URL('../../../../docs/reference/flags.md', import.meta.url), 'utf8');
  expect(page).toBe(flagReference());
});

describe('storage commands', () => {
  test('a command and a folder', () => {
    expect(parseConfig(['storage', 'verify', '--storage.path=x'], {})).toEqual({
      kind: 'storage',
      command: 'verify',
      path: 'x',
    });
    expect(parseConfig(['storage', 'export'], { PAG_STORAGE_PATH: 'y' })).toMatchObject({ path: 'y' });
    expect(parseConfig(['storage', 'inspect'], {})).toMatchObject({ path: 'data/' });
  });
  test('to go on with a log that has lost blocks', () => {
    const log = 'postgres://db/pushes';
    expect(parseConfig(['storage', 'refound', `--storage.log=${log}`], {})).toEqual({
      kind: 'refound',
      logUrl: log,
      member: undefined,
      force: false,
    });
    // The name that a member has in its own environment is none that was chosen.
    const env = { PAG_STORAGE_LOG: log, PAG_CLUSTER_NAME: 'one', PAG_STORAGE_PATH: 'x' };
    expect(parseConfig(['storage', 'refound', 'two', '--force'], env)).toMatchObject({
      logUrl: log,
      member: 'two',
      force: true,
    });
    expect(parseConfig(['storage', 'refound', '--help'], {})).toEqual({ kind: 'help' });
  });
  test.each([
    [['storage', 'refound'], '--storage.log: the URL of the log is missing'],
    [['storage', 'refound', 'a', 'b', '--storage.log=nats://n'], 'unexpected argument "b"; name one member'],
    [['storage', 'refound', '--force', '--storage.log=nats://n'], '--force: name the member to go on from'],
    [
      ['storage', 'refound', '--storage.log=nats://n', '--by-job'],
      '--by-job: storage refound only takes --storage.log and --force',
    ],
    [['storage'], 'storage: a command is missing: inspect, verify, export, refound'],
    [['storage', 'repair'], 'storage: a command is missing: inspect, verify, export, refound'],
    [['storage', 'verify', '--storage.path='], '--storage.path: the directory of the store is missing'],
    [['storage', 'verify', '--by-job'], '--by-job: storage commands only take --storage.path'],
  ])('%j', (argv, error) => expect(errorsOf(argv)).toEqual([error]));
});

test('storage.path: empty on the command line or - in the environment keeps nothing', () => {
  expect(configOf(['--storage.path=']).storage.path).toBeUndefined();
  expect(configOf([], { PAG_STORAGE_PATH: '-' }).storage.path).toBeUndefined();
  expect(configOf([], { PAG_STORAGE_PATH: '' }).storage.path).toBe('data/');
  expect(errorsOf(['--storage.snapshot-interval=0'])).toEqual([
    '--storage.snapshot-interval: "0" is not an interval; write it like 1s or 5m',
  ]);
});

describe('config commands', () => {
  const commandOf = (argv: readonly string[], env: Record<string, string> = {}) =>
    parseConfig(['config', ...argv], env);
  test('take a file, and the flags that the gateway will have', () => {
    const checks = (pathLabels: string): object => ({
      kind: 'config',
      command: { name: 'check', file: 'a.yaml', options: { pathLabels } },
    });
    expect(commandOf(['check', 'a.yaml'])).toMatchObject(checks('drop'));
    expect(commandOf(['--push.path-labels', 'add', 'check', 'a.yaml'])).toMatchObject(checks('add'));
    expect(commandOf(['check', 'a.yaml'], { PAG_PUSH_PATH_LABELS: 'add' })).toMatchObject(checks('add'));
    expect(commandOf(['--help'])).toEqual({ kind: 'help' });
  });
  test('a push is tried as it would be sent', () => {
    const tested = { kind: 'config', command: { name: 'test', file: 'a.yaml', push: 'body' } };
    expect(commandOf(['test', 'a.yaml', '--push', 'body'])).toMatchObject(tested);
    expect(
      commandOf(['test', '--push=body', '--by-job', '--path=job/a', '--format=openmetrics', 'a.yaml']),
    ).toMatchObject({
      ...tested,
      command: { ...tested.command, path: 'job/a', format: 'openmetrics', options: { byJob: true } },
    });
    for (const [path, below] of [
      ['/metrics/job/a', 'job/a'],
      ['/job/a', 'job/a'],
      ['/metrics/', ''],
      ['metrics/b', 'metrics/b'],
    ])
      expect(commandOf(['test', '--push=body', `--path=${path}`, 'a.yaml'])).toMatchObject({
        command: { path: below },
      });
  });
  test.each([
    [[], 'config: a command is missing: check, test'],
    [['chekc', 'a.yaml'], 'config: unknown command "chekc"; did you mean check?'],
    [['a.yaml'], 'config: a command is missing: check, test'],
    [['test', 'a'], 'config test: a body is missing; write --push=FILE, or --push=- for standard input'],
    [['test', 'a', '--push'], '--push: a value is missing'],
    [['check', 'a', '--path=job/a'], '--path: only config test takes it'],
    [['test', 'a', '--push=b', '--push=c'], '--push: given twice'],
    [['test', 'a', '--push=b', '--format=json'], '--format: must be one of text, openmetrics, protobuf'],
    [
      ['test', 'a', '--push=b', '--web.push-path=/x'],
      '--web.push-path: config test takes flags of aggregation and scrapes only',
    ],
    [['check'], 'config check: the file is missing'],
    [['check', 'a', 'b'], 'unexpected argument "b"'],
    [
      ['check', 'a', '--scrape.zero-first'],
      '--scrape.zero-first: config check only takes --by-job, --job-prune-duration, --series.ttl, --push.path-labels',
    ],
    [['check', 'a', '--push.path-labels=all'], '--push.path-labels: "all" is not one of drop, add'],
  ])('%j is refused', (argv, error) => {
    expect(commandOf(argv)).toEqual({ kind: 'errors', errors: [error] });
  });
});

describe('listen addresses', () => {
  test.each([
    [':9092;push', { host: undefined, port: 9092, served: new Set(['push']) }],
    ['127.0.0.1:9093;scrape,admin', { host: '127.0.0.1', port: 9093, served: new Set(['scrape', 'admin']) }],
    ['[::1]:9091;read', { host: '::1', port: 9091, served: new Set(['read']) }],
    ['unix:/run/pag.sock', { path: '/run/pag.sock' }],
    ['unix:pag.sock;push,delete', { path: 'pag.sock', served: new Set(['push', 'delete']) }],
  ])('%s', (text, address) => {
    expect(parseListenAddress(text)).toEqual({ value: address });
    expect(formatListenAddress(address as never)).toBe(text);
  });

  test.each([
    [':9092;', /"" is nothing to serve; there are push, delete, scrape, read, admin, lifecycle/],
    [':9092;psuh', /"psuh" is nothing to serve; did you mean push\?/],
    [':9092;push;scrape', /"push;scrape" is nothing to serve/],
    ['unix:', /no Unix socket/],
    [`unix:/${'x'.repeat(200)}`, /1 to 103 bytes/],
    ['9091;push', /is not an address/],
  ])('%s is wrong', (text, why) => {
    const parsed = parseListenAddress(text);
    expect('problem' in parsed ? parsed.problem : '').toMatch(why);
  });

  test.each([
    [{}, []],
    [{ LISTEN_PID: '7', LISTEN_FDS: '2' }, [3, 4]],
    [{ LISTEN_PID: '8', LISTEN_FDS: '2' }, []],
    [{ LISTEN_PID: '7' }, []],
    [{ LISTEN_PID: '7', LISTEN_FDS: 'x' }, []],
    [{ LISTEN_PID: '7', LISTEN_FDS: '0' }, []],
  ])('of systemd: %j', (env, fds) => expect(systemdSockets(env, 7)).toEqual(fds));
});
