/** What a log on NATS refuses, and what it says then: servers that may lose what they acknowledge, streams that somebody changed, wrong credentials. */
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { jetstreamManager } from '@nats-io/jetstream';
import type { JetStreamManager, StreamConfig } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';

import { openNatsLog } from '../../../src/cluster/engines/nats/nats-log.ts';
import type { NatsLogOptions } from '../../../src/cluster/engines/nats/nats-log.ts';
import { LogBroken, LogUnavailable } from '../../../src/cluster/log/shared-log.ts';
import type { SharedLog } from '../../../src/cluster/log/shared-log.ts';
import { StorageProblem } from '../../../src/journal/journal.ts';
import { eventually } from '../../support/eventually.ts';
import { temporaryFolder } from '../../support/folders.ts';
import { decentralized } from '../../support/nats-credentials.ts';
import { natsReason, natsServer, startNats } from '../../support/nats.ts';
import type { NatsCluster, NatsOptions } from '../../support/nats.ts';
import { freePort } from '../../support/prometheus.ts';
import { findProgram, run } from '../../support/programs.ts';

const isMissing = natsServer === '';
/** For what waiting could change. */
const impatient: NatsLogOptions = { openTimeoutMs: 2_000 };
const patient: NatsLogOptions = { openTimeoutMs: 60_000 };
const PATIENCE_MS = 90_000;

function patiently<T>(what: string, ask: () => Promise<T | undefined | false>): Promise<T> {
  return eventually(what, ask, PATIENCE_MS);
}

async function opened(url: string): Promise<Awaited<ReturnType<typeof openNatsLog>>> {
  const log = await openNatsLog(url);
  onTestFinished(() => log.close());
  return log;
}

/** What opening says; it has to refuse. */
async function refusal(url: string, options = impatient): Promise<Error> {
  const outcome = await openNatsLog(url, options).catch((error: unknown) => error as Error);
  if (outcome instanceof Error) return outcome;
  await outcome.close();
  throw new Error(`${url} was opened`);
}

async function problem(url: string): Promise<string> {
  const error = await refusal(url, patient);
  expect(error).toBeInstanceOf(StorageProblem);
  expect(error).toMatchObject({ kind: 'unusable' });
  return error.message;
}

async function administrate(cluster: NatsCluster): Promise<JetStreamManager> {
  const nc = await connect({ servers: cluster.servers.map(({ port }) => `127.0.0.1:${port}`) });
  onTestFinished(() => nc.close());
  return jetstreamManager(nc, { timeout: 60_000 });
}

async function started(options: NatsOptions): Promise<NatsCluster> {
  const cluster = await startNats({ servers: 1, ...options });
  onTestFinished(() => cluster.stop());
  return cluster;
}

const bytes = (text: string): Uint8Array => Buffer.from(text);

async function tailOf(log: SharedLog, count: number): Promise<string[]> {
  const read: string[] = [];
  for await (const block of log.tail(0, AbortSignal.timeout(PATIENCE_MS))) {
    read.push(Buffer.from(block.bytes).toString());
    if (read.length === count) break;
  }
  return read;
}

describe.skipIf(isMissing)(`streams of NATS, which ${natsReason}`, { timeout: 600_000 }, () => {
  let cluster: NatsCluster;
  beforeAll(async () => {
    if (!isMissing) cluster = await startNats({ servers: 1 });
  });
  afterAll(() => cluster?.stop());

  const changes: Readonly<Record<string, readonly [Partial<StreamConfig>, says: RegExp]>> = {
    'max-age': [
      { max_age: 600_000_000_000 },
      /max_age is 600000000000 instead of 0 \(messages would be dropped/,
    ],
    discard: [{ discard: 'old' }, /discard is "old" instead of "new"/],
    subjects: [{ subjects: ['subjects.blocks', 'more.>'] }, /subjects is \["subjects.blocks","more.>"\]/],
    'per-subject': [{ max_msgs_per_subject: 5 }, /max_msgs_per_subject is 5/],
    rollup: [{ allow_rollup_hdrs: true }, /allow_rollup_hdrs is true/],
    'no-ack': [{ no_ack: true }, /no_ack is true/],
  };

  for (const [name, [change, says]] of Object.entries(changes)) {
    test(`one that was changed: ${name}`, async () => {
      const log = await opened(cluster.url(name));
      await log.append(0, bytes('a'));
      await (await administrate(cluster)).streams.update(name, change);
      expect(await problem(cluster.url(name))).toMatch(says);
      const later = log.end();
      await expect(later).rejects.toThrow(LogBroken);
      await expect(later).rejects.toThrow(says);
      await expect(later).rejects.toThrow(`nats stream edit ${name}`);
    });
  }

  test('one that was made for something else', async () => {
    const jsm = await administrate(cluster);
    await jsm.streams.add({ name: 'memory', subjects: ['memory.blocks'], storage: 'memory' });
    expect(await problem(cluster.url('memory'))).toMatch(
      /storage is "memory" instead of "file" .*; discard is "old" .*; deny_delete is false/,
    );
    await jsm.streams.add({ name: 'taken-stream', subjects: ['taken.blocks'] });
    expect(await problem(cluster.url('taken'))).toMatch(
      /Stream taken of NATS cannot be used: subjects overlap/,
    );
  });

  test('one that is deleted, and made again', async () => {
    const log = await opened(cluster.url('deleted'));
    await log.append(0, bytes('a'));
    const tail = tailOf(log, 2);
    // Of a consumer that is silent it is found out only when it is asked again.
    const tailEnds = expect(tail).rejects.toThrow();
    const jsm = await administrate(cluster);
    await jsm.streams.delete('deleted');
    const says = await patiently('the append to say so', async () =>
      log.append(1, bytes('b')).then(
        () => undefined,
        (error: unknown) => error instanceof LogBroken && error.message,
      ),
    );
    expect(says).toContain('the stream was deleted');
    await expect(log.end()).rejects.toThrow(LogBroken);
    await tailEnds;
    await expect(tailOf(log, 1)).rejects.toThrow(LogBroken);
    await opened(cluster.url('deleted'));
    await expect(log.end()).rejects.toThrow(/was deleted, and made again/);
    await expect(tailOf(log, 1)).rejects.toThrow(LogBroken);
  });

  test('single blocks cannot be deleted, and a full stream keeps what it has', async () => {
    const log = await opened(cluster.url('full'));
    for (let i = 0; i < 5; i += 1) await log.append(i, bytes(`block ${i}`));
    const jsm = await administrate(cluster);
    await expect(jsm.streams.deleteMessage('full', 2)).rejects.toThrow(/delete not permitted/);
    await jsm.streams.update('full', { max_msgs: 5 });
    const full = log.append(5, bytes('too many'));
    await expect(full).rejects.toThrow(LogUnavailable);
    await expect(full).rejects.toThrow(/maximum messages exceeded/);
    expect(await tailOf(log, 5)).toEqual([0, 1, 2, 3, 4].map((i) => `block ${i}`));
    await jsm.streams.update('full', { max_msgs: -1 });
    expect(await log.append(5, bytes('fits'))).toBe('appended');
  });

  test('a snapshot that has lost some of it', async () => {
    const log = await opened(cluster.url('cut'));
    const parts = async function* (): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < 8; i += 1) yield new Uint8Array(200_000).fill(i);
    };
    await log.putSnapshot(3, parts());
    const jsm = await administrate(cluster);
    await jsm.streams.deleteMessage('cut-snapshots', 2);
    const read = (async () => {
      for await (const part of log.getSnapshot(3)) expect(part).toHaveLength(200_000);
    })();
    await expect(read).rejects.toThrow(LogBroken);
    await expect(read).rejects.toThrow(/snapshot 3 of stream cut-snapshots has 6 of its 7 chunks/);
    await log.putSnapshot(4, parts());
    expect(await log.snapshots()).toEqual([4, 3]);
    await log.trim(4);
    expect(await log.snapshots()).toEqual([4]);
    const { state } = await jsm.streams.info('cut-snapshots');
    expect(state.messages).toBe(8);
  });

  test('more replicas than servers, and fewer than usual', async () => {
    expect(await problem(cluster.url('three', { replicas: '3' }))).toMatch(
      /cannot keep 3 copies of stream three.* run a cluster of at least as many servers/,
    );
    const { warnings } = await opened(cluster.url('one'));
    expect(warnings).toEqual([expect.stringMatching(/keeps 1 of the usual 3 replicas: what the disk/)]);
  });
});

describe.skipIf(isMissing)(`servers of NATS, which ${natsReason}`, { timeout: 600_000 }, () => {
  test('those that do not sync each write', async () => {
    const cluster = await started({ sync: '2m' });
    const says = await problem(cluster.url('a'));
    expect(says).toMatch(/NATS server n1 may lose acknowledged pushes: http:\/\/127.0.0.1:\d+\/varz says/);
    expect(says).toContain('sync_interval: always');
    // Nothing was made there.
    const { streams } = await administrate(cluster);
    await expect(streams.info('a')).rejects.toThrow(/not found/);
    expect(await problem(cluster.url('a', { monitor: '' }).replace('&monitor=', ''))).toMatch(
      /\?monitor=http:\/\/host:8222.*\?sync=always-asserted/,
    );
    await opened(cluster.url('a', { sync: 'always-asserted' }).replace(/&monitor=[^&]*/, ''));
  });

  test('monitors that do not answer, and those of something else', async () => {
    const cluster = await started({});
    const [{ monitor }] = cluster.servers as [(typeof cluster.servers)[0]];
    const gone = `http://127.0.0.1:${await freePort()}`;
    const none = await refusal(cluster.url('a', { monitor: gone }));
    expect(none).toBeInstanceOf(LogUnavailable);
    expect(none.message).toContain(`NATS monitor ${gone} cannot be asked`);
    expect((await refusal(cluster.url('a', { monitor: `${monitor}/healthz` }))).message).toMatch(
      /is answered 404/,
    );
    const { warnings } = await opened(cluster.url('a', { monitor: `${monitor},${gone}` }));
    expect(warnings.join('\n')).toContain(`NATS monitor ${gone} cannot be asked`);
    const other = await started({});
    const { warnings: others } = await opened(cluster.url('a', { monitor: other.servers[0]!.monitor }));
    expect(others.length).toBeGreaterThan(0);
  });

  test('nobody is there', async () => {
    const port = await freePort();
    const error = await refusal(`nats://me:secret@127.0.0.1:${port}/a?sync=always-asserted`);
    expect(error).toBeInstanceOf(LogUnavailable);
    expect(error.message).toContain(`NATS at nats://127.0.0.1:${port}/a cannot be reached`);
    expect(error.message).not.toContain('secret');
  });

  test('without JetStream', async () => {
    const cluster = await started({ config: ['jetstream: disabled'] });
    const error = await refusal(cluster.url('a'));
    expect(error.message).toMatch(/runs without JetStream/);
  });

  test('wrong passwords, right ones from a file, and a file that is replaced', async () => {
    const config = [
      'authorization { users: [{ user: me, password: "p@ss word" }, { user: some, password: b, permissions: { publish: "x" } }] }',
    ];
    const cluster = await started({ config });
    const wrong = await problem(cluster.url('a', {}, 'me:wrong-secret'));
    expect(wrong).toMatch(/the credentials are refused/);
    expect(wrong).not.toContain('wrong-secret');
    expect(await problem(cluster.url('a'))).toMatch(/the credentials are refused/);
    expect(await problem(cluster.url('a', {}, 'some:b'))).toMatch(/grant the user \$JS\.API\.>/);
    await opened(cluster.url('a', {}, 'me:p%40ss%20word'));
    const file = join(temporaryFolder(), 'password');
    writeFileSync(file, 'p@ss word\n');
    const log = await opened(cluster.url('a', { 'password-file': file }, 'me'));
    await log.append(0, bytes('a'));
    // What it had serves as long as the file cannot be read.
    rmSync(file);
    await cluster.servers[0]!.kill();
    cluster.servers[0]!.start();
    await cluster.untilHealthy();
    await patiently('the log to be back', () =>
      log.end().then(
        (end) => end === 1,
        () => false,
      ),
    );
  });

  test('a reader whose word to go on is lost is given all the same', async () => {
    const config = [
      'authorization { users: [{ user: a, password: a }, { user: b, password: b, permissions: { publish: { deny: "$JS.FC.>" } } }] }',
    ];
    const cluster = await started({ config });
    const writer = await opened(cluster.url('a', {}, 'a:a'));
    const count = 8;
    const block = new Uint8Array(writer.blockBytesMax);
    for (let i = 0; i < count; i += 1) await writer.append(i, block);
    const reader = await opened(cluster.url('a', {}, 'b:b'));
    let read = 0;
    let stalled = 0;
    while (read < count) {
      try {
        for await (const { number } of reader.tail(read, AbortSignal.timeout(60_000))) {
          expect(number).toBe((read += 1));
          if (read === count) break;
        }
      } catch (error) {
        expect(error).toBeInstanceOf(LogUnavailable);
        stalled += 1;
      }
    }
    expect(stalled).toBeGreaterThan(0);
  });

  test('a creds file, which is read again when the servers come back', async () => {
    const { config, creds } = decentralized();
    const cluster = await started({ config });
    const file = join(temporaryFolder(), 'creds');
    writeFileSync(file, decentralized().creds);
    expect(await problem(cluster.url('a', { creds: file }))).toMatch(/the credentials are refused/);
    writeFileSync(file, 'no creds');
    expect(await problem(cluster.url('a', { creds: file }))).toMatch(/the credentials cannot be used/);
    writeFileSync(file, creds);
    const log = await opened(cluster.url('a', { creds: file }));
    expect(await log.append(0, bytes('a'))).toBe('appended');
    writeFileSync(file, 'half of it');
    await cluster.servers[0]!.kill();
    cluster.servers[0]!.start();
    await cluster.untilHealthy();
    await patiently('the log to be back', async () => (await log.end().catch(() => 0)) === 1);
  });

  test('TLS by an authority that is named', async ({ skip }) => {
    skip(findProgram('openssl') === undefined, 'needs openssl, of the Debian package of that name');
    const folder = temporaryFolder();
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
    const ask = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=nats';
    const files = ['-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', cert];
    const made = await run(findProgram('openssl')!, [...ask.split(' '), ...files]);
    expect(made).toMatchObject({ code: 0 });
    const cluster = await started({ config: [`tls { cert_file: "${cert}", key_file: "${key}" }`] });
    const url = cluster.url('a').replace('nats://127.0.0.1', 'tls://localhost');
    expect(await problem(url)).toMatch(/TLS failed .* name the authority with ca=/);
    const log = await opened(`${url}&ca=${cert}`);
    expect(await log.append(0, bytes('a'))).toBe('appended');
    expect(await problem(`${url}&ca=${key}`)).toMatch(/TLS failed|cannot be used/);
    expect(await problem(cluster.url('a').replace('127.0.0.1', 'localhost'))).toMatch(/TLS failed/);
    const plain = await started({});
    expect(await problem(plain.url('a', { tls: 'required' }))).toMatch(/TLS failed/);
    expect(
      await problem(`${plain.url('a').replace('nats://127.0.0.1', 'tls://localhost')}&ca=${cert}`),
    ).toMatch(/TLS failed/);
  });

  test('a log that was trimmed to its end keeps its numbers when the server restarts', async () => {
    const cluster = await started({});
    const log = await opened(cluster.url('trimmed'));
    for (let i = 0; i < 9; i += 1) await log.append(i, bytes(`block ${i}`));
    await log.trim(9);
    const [node] = cluster.servers as [(typeof cluster.servers)[0]];
    await node.kill();
    node.start();
    await cluster.untilHealthy();
    const again = await opened(cluster.url('trimmed'));
    expect(await again.end()).toBe(9);
    expect(await again.append(9, bytes('next'))).toBe('appended');
  });

  /** Changes a byte in block 20 of so many, and starts the server again. */
  async function damaged(
    count: number,
    blockBytes: number,
  ): Promise<{ log: SharedLog; text: (i: number) => string }> {
    const cluster = await started({});
    const log = await opened(cluster.url('flipped'));
    const text = (i: number): string => `block ${i} `.padEnd(blockBytes, '.');
    for (let i = 0; i < count; i += 1) await log.append(i, bytes(text(i)));
    const [node] = cluster.servers as [(typeof cluster.servers)[0]];
    await node.kill();
    const folder = join(node.store, 'jetstream', '$G', 'streams', 'flipped', 'msgs');
    const files = readdirSync(folder).filter((name) => name.endsWith('.blk'));
    for (const file of files.map((name) => join(folder, name))) {
      const stored = readFileSync(file);
      const at = stored.indexOf('block 20 ');
      if (at < 0) continue;
      stored[at + 100]! ^= 1;
      writeFileSync(file, stored);
    }
    node.start();
    await cluster.untilHealthy();
    await patiently('the log to be back', () =>
      log.end().then(
        () => true,
        (error: unknown) => !(error instanceof LogUnavailable),
      ),
    );
    return { log, text };
  }

  test('a byte that changes on the disk: blocks that are missing from the middle are not passed over', async () => {
    const { log, text } = await damaged(60, 300_000);
    const read: string[] = [];
    const reading = (async () => {
      for await (const block of log.tail(0, AbortSignal.timeout(PATIENCE_MS))) {
        read.push(Buffer.from(block.bytes).toString());
      }
    })();
    await expect(reading).rejects.toThrow(LogBroken);
    await expect(reading).rejects.toThrow(/block 21 is missing from stream flipped/);
    expect(read).toEqual(Array.from({ length: 20 }, (_, i) => text(i)));
  });

  test('a byte that changes on the disk: a log that got shorter takes no more', async () => {
    const { log, text } = await damaged(50, 200);
    expect(await tailOf(log, 20)).toEqual(Array.from({ length: 20 }, (_, i) => text(i)));
    const says = await patiently('the append to be refused', () =>
      log.append(50, bytes('more')).then(
        (outcome) => expect.fail(outcome),
        (error: unknown) => !(error instanceof LogUnavailable) && error,
      ),
    );
    expect(says).toBeInstanceOf(LogBroken);
    expect((says as Error).message).toMatch(/ends with block 20, though block 50 was acknowledged/);
  });
});
