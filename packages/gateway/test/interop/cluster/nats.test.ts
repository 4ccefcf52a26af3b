/** The log on three real NATS servers with three replicas, while they are killed; and what is refused. */
import { connect as connectTcp, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { jetstreamManager } from '@nats-io/jetstream';
import type { JetStreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';

import { openNatsLog } from '../../../src/cluster/engines/nats/nats-log.ts';
import { LogUnavailable } from '../../../src/cluster/log/shared-log.ts';
import type { SharedLog } from '../../../src/cluster/log/shared-log.ts';
import { sharedLogContract } from '../../cluster/log/contract.ts';
import { PairMember } from '../../support/cluster/pair.ts';
import { eventually } from '../../support/eventually.ts';
import { natsReason, natsServer, startNats } from '../../support/nats.ts';
import type { NatsCluster, NatsNode } from '../../support/nats.ts';

const isMissing = natsServer === '';

async function opened(url: string): Promise<SharedLog> {
  const log = await openNatsLog(url);
  onTestFinished(() => log.close());
  return log;
}

/** Asks of the servers what no member would. */
async function administrate(cluster: NatsCluster): Promise<JetStreamManager> {
  const nc = await connect({ servers: cluster.servers.map(({ port }) => `127.0.0.1:${port}`) });
  onTestFinished(() => nc.close());
  return jetstreamManager(nc, { timeout: 60_000 });
}

let running = { isOver: false };
beforeEach(() => {
  running = { isOver: false };
});
afterEach(() => {
  running.isOver = true;
});

/** Asks again after LogUnavailable, as members do, as long as the test runs. */
async function untilAvailable<T>(ask: () => Promise<T>): Promise<T> {
  const run = running;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (run.isOver || !(error instanceof LogUnavailable)) throw error;
      await sleep(50);
    }
  }
}

async function blockAt(log: SharedLog, number: number): Promise<Uint8Array> {
  return untilAvailable(async () => {
    for await (const { bytes } of log.tail(number - 1, AbortSignal.timeout(300_000))) return bytes;
    throw new Error(`block ${number} did not come`);
  });
}

/** Appends blocks one after another until it is to end, and holds each to what is said of it. */
class Writer {
  readonly acknowledged: string[] = [];
  /** Blocks that were found to be there after an attempt of unknown outcome. */
  resolved = 0;
  readonly #log: SharedLog;
  #isEnding = false;
  readonly #done: Promise<void>;

  constructor(log: SharedLog) {
    this.#log = log;
    this.#done = this.#run();
  }

  async acknowledges(count: number): Promise<void> {
    const from = this.acknowledged.length;
    const enough = (): boolean => this.acknowledged.length >= from + count;
    await Promise.race([eventually(`${count} more appended`, enough, 300_000), this.#done]);
  }

  end(): Promise<void> {
    this.#isEnding = true;
    return this.#done;
  }

  async #run(): Promise<void> {
    while (!this.#isEnding) {
      const after = this.acknowledged.length;
      const text = `block ${after + 1} of ${Math.random()} `.padEnd(300, '.');
      await this.#appendSurely(after, Buffer.from(text));
      this.acknowledged.push(text);
    }
  }

  async #appendSurely(after: number, block: Uint8Array): Promise<void> {
    const outcome = await untilAvailable(() => this.#log.append(after, block));
    if (outcome === 'appended') return;
    this.resolved += 1;
    // There is no other writer, so it can only be what an earlier attempt has put there.
    expect(Buffer.from(await blockAt(this.#log, after + 1)).toString()).toBe(Buffer.from(block).toString());
  }
}

/** Reads along, from the beginning. */
class Reader {
  readonly blocks: string[] = [];
  readonly #log: SharedLog;
  readonly #ending = new AbortController();
  readonly #done: Promise<void>;

  constructor(log: SharedLog) {
    this.#log = log;
    this.#done = this.#run();
  }

  async end(count: number): Promise<void> {
    await Promise.race([
      eventually(`${count} blocks to be read`, () => this.blocks.length >= count, 300_000),
      this.#done,
    ]);
    this.#ending.abort();
    await this.#done;
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      await untilAvailable(async () => {
        for await (const { number, bytes } of this.#log.tail(this.blocks.length, signal)) {
          expect(number).toBe(this.blocks.length + 1);
          this.blocks.push(Buffer.from(bytes).toString());
        }
      });
    }
  }
}

let cluster: NatsCluster;

beforeAll(async () => {
  if (!isMissing) cluster = await startNats();
});

afterAll(() => cluster?.stop());

describe.skipIf(isMissing)(`NATS, which ${natsReason}`, { timeout: 600_000 }, () => {
  let made = 0;
  sharedLogContract('three servers', async () => {
    const name = `contract-${(made += 1)}`;
    const jsm = await administrate(cluster);
    onTestFinished(async () => {
      for (const stream of [name, `${name}-snapshots`, `${name}-members`]) await jsm.streams.delete(stream);
    });
    return () => openNatsLog(cluster.url(name));
  });
});

// A busy machine takes many times as long as a quiet one, and so do elections.
describe('while servers are killed', { timeout: 600_000 }, () => {
  const troubles: Readonly<Record<string, (stream: string) => Promise<void>>> = {
    'a server that does not lead is killed': async (stream) => {
      const leader = await cluster.leaderOf(stream);
      await killAWhile([cluster.servers.find((node) => node !== leader)!]);
    },
    'the leader is killed': async (stream) => {
      await killAWhile([await cluster.leaderOf(stream)]);
    },
    'all are killed': async () => {
      await killAWhile(cluster.servers);
    },
    'the leader is stopped for a while, and goes on': async (stream) => {
      const leader = await cluster.leaderOf(stream);
      leader.signal('SIGSTOP');
      await sleep(4_000);
      leader.signal('SIGCONT');
      await cluster.untilHealthy();
    },
  };

  async function killAWhile(nodes: readonly NatsNode[]): Promise<void> {
    await Promise.all(nodes.map((node) => node.kill()));
    await sleep(1_000);
    for (const node of nodes) node.start();
    await cluster.untilHealthy();
  }

  for (const [title, trouble] of Object.entries(troubles)) {
    test(`nothing acknowledged is lost while ${title}`, async ({ skip }) => {
      skip(isMissing, natsReason);
      const stream = title.replaceAll(/[^a-z]+/g, '-');
      const [log, other] = [await opened(cluster.url(stream)), await opened(cluster.url(stream))];
      const [writer, reader] = [new Writer(log), new Reader(other)];
      await writer.acknowledges(100);
      for (let round = 0; round < 2; round += 1) {
        await trouble(stream);
        await writer.acknowledges(50);
      }
      await writer.end();
      await reader.end(writer.acknowledged.length);
      expect(reader.blocks).toEqual(writer.acknowledged);
      expect(await untilAvailable(() => other.end())).toBe(writer.acknowledged.length);
    });
  }

  test('a member starts while a server is dead, behind a port that takes connections and closes them', async ({
    skip,
  }) => {
    skip(isMissing, natsReason);
    const member = await PairMember.of(cluster, { table: 'starts' });
    await member.start();
    await member.ready();
    await member.kill();
    const [server] = cluster.servers as [NatsNode];
    await server.kill();
    onTestFinished(async () => {
      server.start();
      await cluster.untilHealthy();
    });
    await member.start();
    await member.ready();
  });

  test('snapshots are whole while servers are killed', async ({ skip }) => {
    skip(isMissing, natsReason);
    const [log, other] = [await opened(cluster.url('snapshots')), await opened(cluster.url('snapshots'))];
    let isDone = false;
    const killing = (async () => {
      for (let round = 0; !isDone; round += 1) {
        await killAWhile([
          round % 2 === 0 ? await cluster.leaderOf('snapshots-snapshots') : cluster.servers[2]!,
        ]);
        await sleep(500);
      }
    })();
    for (let number = 1; number <= 3; number += 1) {
      const parts = Array.from({ length: 60 }, (_, i) => Buffer.alloc(100_000 + i, number * 60 + i));
      const slowly = async function* (): AsyncGenerator<Uint8Array> {
        for (const part of parts) {
          await sleep(100);
          yield part;
        }
      };
      await untilAvailable(() => log.putSnapshot(number, slowly()));
      const read = await untilAvailable(async () => {
        const found: Uint8Array[] = [];
        for await (const part of other.getSnapshot(number)) found.push(part);
        return found;
      });
      expect(read.map((part) => Buffer.compare(part, parts.shift()!))).toEqual(Array(60).fill(0));
      await untilAvailable(() => other.trim(number));
    }
    isDone = true;
    await killing;
    expect(await untilAvailable(() => other.snapshots())).toEqual([3]);
  });

  test('replies that are lost leave no block out, and none twice', async ({ skip }) => {
    skip(isMissing, natsReason);
    const { direct, log, proxy } = await overUnreliable();
    proxy.cutEvery = 15;
    const [writer, reader] = [new Writer(log), new Reader(log)];
    await writer.acknowledges(300);
    proxy.cutEvery = 0;
    await writer.end();
    await reader.end(writer.acknowledged.length);
    expect(reader.blocks).toEqual(writer.acknowledged);
    expect(await direct.end()).toBe(writer.acknowledged.length);
    expect(proxy.cut).toBeGreaterThan(5);
    expect(writer.resolved).toBeGreaterThan(0);
  });

  test('chunks of a snapshot that are stored twice are read once', async ({ skip }) => {
    skip(isMissing, natsReason);
    const { single, direct, log, proxy } = await overUnreliable();
    const parts = Array.from({ length: 100 }, (_, i) => Buffer.alloc(200_000 + i, i));
    const given = async function* (): AsyncGenerator<Uint8Array> {
      yield* parts;
    };
    proxy.cutEvery = 4;
    await log.putSnapshot(1, given());
    proxy.cutEvery = 0;
    expect(proxy.cut).toBeGreaterThan(0);
    const { streams } = await administrate(single);
    const whole = await streams.getMessage('lossy-snapshots', { last_by_subj: 'lossy-snapshots.1.whole' });
    const { attempt, chunks } = whole!.json<{ attempt: string; chunks: number }>();
    const { state } = await streams.info('lossy-snapshots', { subjects_filter: '>' });
    expect(state.subjects?.[`lossy-snapshots.1.${attempt}`]).toBeGreaterThan(chunks);
    const read: number[] = [];
    for await (const part of direct.getSnapshot(1)) read.push(Buffer.compare(part, parts[read.length]!));
    expect(read).toEqual(Array(100).fill(0));
  });
});

/** One server, a log on it, and another by way of connections that are cut. */
async function overUnreliable(): Promise<{
  readonly single: NatsCluster;
  readonly direct: SharedLog;
  readonly log: SharedLog;
  readonly proxy: Unreliable;
}> {
  const single = await startNats({ servers: 1 });
  onTestFinished(() => single.stop());
  const [{ port, monitor }] = single.servers as [NatsNode];
  const proxy = await unreliable(port);
  const direct = await opened(single.url('lossy'));
  const log = await opened(`nats://127.0.0.1:${proxy.port}/lossy?replicas=1&monitor=${monitor}`);
  return { single, direct, log, proxy };
}

interface Unreliable {
  readonly port: number;
  /** Instead of handing back each so many-th acknowledgement; 0 for none. */
  cutEvery: number;
  readonly cut: number;
}

/** Passes all on to the port, and cuts connections. */
async function unreliable(to: number): Promise<Unreliable> {
  const sockets = new Set<Socket>();
  const state = { port: 0, cutEvery: 0, cut: 0 };
  let acknowledgements = 0;
  const server = createServer((near) => {
    const far = connectTcp(to, '127.0.0.1');
    for (const [socket, peer] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => peer.destroy()).on('close', () => peer.destroy());
    }
    near.on('data', (data) => void far.write(data));
    far.on('data', (data: Buffer) => {
      if (data.includes('"seq"')) acknowledgements += 1;
      if (state.cutEvery > 0 && acknowledgements >= state.cutEvery) {
        acknowledgements = 0;
        state.cut += 1;
        near.destroy();
      } else {
        near.write(data);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  state.port = (server.address() as AddressInfo).port;
  return state;
}
