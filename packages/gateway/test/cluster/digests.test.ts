/** Members compare their states by digests that go through the log: that they do, what they make of a difference, and what may happen between a mark and its digest. */
import { setImmediate as nextTurn } from 'node:timers/promises';

import { expect, onTestFinished, test } from 'vitest';

import { readBlock, readDigest } from '../../src/cluster/log/block.ts';
import type { Block } from '../../src/cluster/log/block.ts';
import { Member } from '../../src/cluster/member.ts';
import type { MemberGateway } from '../../src/cluster/member.ts';
import type { SharedLog } from '../../src/cluster/log/shared-log.ts';
import { embed } from '../../src/embed.ts';
import type { Ledger } from '../../src/gateway/ledger/ledger.ts';
import { defaultGatewayOptions } from '../../src/gateway/options.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { deferred } from '../../src/primitives/deferred.ts';
import { silentLog } from '../../src/primitives/log.ts';
import type { LogFields } from '../../src/primitives/log.ts';
import { MemoryEngine, MemoryLog } from '../support/memory-log.ts';
import { follow, HistoryJournal } from '../support/replicas.ts';
import { shortenSteps } from '../support/short-steps.ts';
import { Random } from './simulation/random.ts';
import { VirtualProcess, VirtualTime } from './simulation/virtual-time.ts';

const INTERVAL_MS = 60_000;
const WALL_MS = 1_700_000_000_000;
/** Of a counter, which is found in a snapshot by it. */
const COUNT = 12_345;

interface Kept extends MemberGateway {
  readonly of: ReturnType<typeof embed>;
}

interface Setup {
  readonly log?: SharedLog;
  readonly version?: string;
  /** Called in the turn of which a digest is taken, once the state may go on. */
  readonly onTaken?: () => void;
  /** Turns before it can be taken. */
  readonly turns?: number;
  /** What happens before a digest that was begun is had. */
  readonly beforeDigest?: () => Promise<void>;
}

class Cluster {
  readonly time = new VirtualTime();
  readonly engine = new MemoryEngine();
  /** Those of warnings and errors, with the URL of who said it. */
  readonly said: (LogFields & { readonly by: string; readonly message: string })[] = [];
  readonly #random = new Random(1);

  async start(url: string, setup: Setup = {}): Promise<Member<Kept>> {
    const { log = new MemoryLog(this.engine), version = '1', onTaken, turns = 0, beforeDigest } = setup;
    const process = new VirtualProcess(this.time, this.#random);
    const say = (message: string, fields: LogFields = {}): void =>
      void this.said.push({ ...fields, by: url, message });
    const messages = { ...silentLog, warn: say, error: say };
    const clock = { now: () => WALL_MS + this.time.nowMs, elapsed: () => this.time.nowMs };
    const create = (journal: Journal): Kept => {
      const of = embed({ clock, log: messages }, journal);
      return {
        of,
        open: async () => void (await of.gateway.open(3_600_000)),
        fail: (why) => of.gateway.fail(why),
        takeSnapshot: () => of.gateway.snapshots.take(),
        close: () => of.gateway.close(),
        ledgerMs: () => of.gateway.ledgerMs(),
        async digest(begun) {
          for (let left = turns; left > 0; left -= 1) await nextTurn();
          const { digest } = await of.gateway.digest(() => {
            begun();
            queueMicrotask(() => onTaken?.());
          });
          await beforeDigest?.();
          return digest;
        },
      };
    };
    const member: Member<Kept> = new Member({
      log,
      timing: process,
      name: url,
      self: { cluster: 'one', url },
      leaseMs: 3_000,
      holdMs: 10_000,
      digestIntervalMs: INTERVAL_MS,
      version,
      messages,
      create,
      randomBytes: (count) => Uint8Array.from({ length: count }, () => this.#random.below(256)),
      onFatal: (error) => say(`stops: ${error.message}`),
    });
    member.start();
    onTestFinished(() => member.abandon());
    await this.time.pass(4_000);
    return member;
  }

  async push(member: Member<Kept>, value: number = 1): Promise<void> {
    const pushed = member.current.of.embedded.push(
      `# TYPE c_total counter\nc_total{l="${value}"} ${value}\n`,
    );
    await this.time.pass(100);
    await pushed;
  }

  async snapshot(member: Member<Kept>): Promise<void> {
    const before = this.engine.snapshots.size;
    void member.current.of.gateway.snapshots.take();
    for (let left = 50; this.engine.snapshots.size === before && left > 0; left -= 1)
      await this.time.pass(100);
    expect(this.engine.snapshots.size).toBe(before + 1);
  }

  /** Long enough for a mark and its digest. */
  async interval(): Promise<void> {
    await this.time.pass(INTERVAL_MS + 5_000);
  }

  blocks(...kinds: readonly Block['kind'][]): readonly Block[] {
    return this.engine.blocks.map((bytes) => readBlock(bytes)).filter(({ kind }) => kinds.includes(kind));
  }
}

/** Gives a snapshot in which a sum is another one than the leader put there. */
class Spoiled extends MemoryLog {
  reads = 0;
  readonly #times: number;

  constructor(engine: MemoryEngine, times: number) {
    super(engine);
    this.#times = times;
  }

  override async *getSnapshot(number: number): AsyncGenerator<Uint8Array, void> {
    this.reads += 1;
    let found = 0;
    for await (const part of super.getSnapshot(number)) {
      const bytes = Buffer.from(part);
      const sum = Buffer.from(Float64Array.of(COUNT).buffer);
      const at = bytes.indexOf(sum);
      if (at >= 0) found += 1;
      if (at >= 0 && this.reads <= this.#times) bytes.writeDoubleLE(COUNT + 1, at);
      yield bytes;
    }
    expect(found).toBe(1);
  }
}

function verdict({ digestsCompared, stateDiffers }: Member<Kept>): readonly [number, boolean] {
  return [digestsCompared, stateDiffers];
}

test('those that follow have what the leader has at each mark, whatever comes after it', async () => {
  const cluster = new Cluster();
  // The record after a mark is made in its turn.
  const onTaken = (): void => void leader.current.of.embedded.push(`u${pushes++} 1\n`);
  let pushes = 0;
  const leader = await cluster.start('http://one', {
    onTaken,
    beforeDigest: () => cluster.push(leader, 3),
  });
  // One is busy where it reads the mark.
  const standbys = [await cluster.start('http://two'), await cluster.start('http://three', { turns: 20 })];
  for (const nth of [1, 2]) {
    await cluster.push(leader, nth);
    await cluster.interval();
    expect(standbys.map(verdict)).toEqual([
      [nth, false],
      [nth, false],
    ]);
  }
  const marks = cluster.blocks('mark', 'digest');
  expect(marks.map(({ kind }) => kind)).toEqual(['mark', 'digest', 'mark', 'digest']);
  // A digest is of the records before its mark.
  for (const at of [0, 2]) expect(readDigest(marks[at + 1]!.payload).index).toBe(marks[at]!.first - 1);
  expect(marks[1]!.first).toBe(marks[0]!.first + 2);
  expect(cluster.said).toEqual([]);
  // What a mark and a digest bring is committed like what was before.
  const page = leader.current.of.embedded.scrape();
  await cluster.time.pass(1_000);
  expect(await page).toContain(`u${pushes - 1} 1\n`);
});

test('nothing is compared where nothing has changed', async () => {
  const cluster = new Cluster();
  await cluster.start('http://one');
  const standby = await cluster.start('http://two');
  for (let times = 0; times < 3; times += 1) await cluster.interval();
  expect(verdict(standby)).toEqual([1, false]);
  expect(cluster.blocks('mark', 'digest').length).toBe(2);
});

test('who differs says so, throws its state away, and joins anew', async () => {
  const cluster = new Cluster();
  const leader = await cluster.start('http://one');
  await cluster.push(leader, COUNT);
  await cluster.snapshot(leader);
  const log = new Spoiled(cluster.engine, 1);
  const standby = await cluster.start('http://two', { log });
  const other = await cluster.start('http://three');
  await cluster.push(leader);
  const spoiled = standby.current;
  await cluster.interval();
  expect([log.reads, standby.current === spoiled]).toEqual([2, false]);
  expect([standby, other].map(verdict)).toEqual([
    [1, true],
    [1, false],
  ]);
  const [mark, digest] = cluster.blocks('mark', 'digest');
  expect(cluster.said).toEqual([
    {
      by: 'http://two',
      message: 'the state of this member differs from that of the leader, after the same records',
      record: mark!.first - 1,
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
      leaders_digest: readDigest(digest!.payload).digest,
    },
    expect.objectContaining({ by: 'http://two', why: 'its state differs from that of the leader' }),
  ]);
  expect(cluster.said[0]!['digest']).not.toBe(cluster.said[0]!['leaders_digest']);
  await cluster.push(leader);
  await cluster.interval();
  expect([log.reads, ...verdict(standby)]).toEqual([2, 2, false]);
  expect([leader.isLeading, standby.role]).toEqual([true, 'following']);
});

test('who differs again keeps what the log gives, and takes over with it, which it says', async () => {
  const cluster = new Cluster();
  const leader = await cluster.start('http://one');
  await cluster.push(leader, COUNT);
  await cluster.snapshot(leader);
  const log = new Spoiled(cluster.engine, Number.POSITIVE_INFINITY);
  const standby = await cluster.start('http://two', { log });
  for (let times = 0; times < 4; times += 1) {
    await cluster.push(leader);
    await cluster.interval();
  }
  expect([log.reads, ...verdict(standby)]).toEqual([2, 4, true]);
  const messages = (): readonly string[] => cluster.said.map(({ message }) => message);
  expect(messages().filter((each) => each.includes('differs again')).length).toBe(3);
  leader.abandon();
  await cluster.time.pass(10_000);
  expect([standby.isLeading, standby.stateDiffers]).toEqual([true, true]);
  expect(messages().at(-1)).toContain('leads with a state that differed');
  // From here on it is the one that others are compared with, who read the same snapshot and records.
  const another = await cluster.start('http://three', { log: new Spoiled(cluster.engine, 1) });
  await cluster.interval();
  expect(verdict(another)).toEqual([1, false]);
});

test('a takeover between a mark and its digest: nothing is compared, and the next one is', async () => {
  const cluster = new Cluster();
  const never = deferred();
  const leader = await cluster.start('http://one', { beforeDigest: () => never.promise });
  const standbys = [await cluster.start('http://two'), await cluster.start('http://three')];
  await cluster.push(leader);
  await cluster.interval();
  expect(cluster.blocks('mark', 'digest').map(({ kind }) => kind)).toEqual(['mark']);
  leader.abandon();
  await cluster.time.pass(10_000);
  const [next, standby] = standbys.toSorted((a, b) => Number(b.isLeading) - Number(a.isLeading));
  expect([next!.isLeading, standby!.isLeading]).toEqual([true, false]);
  expect(standbys.map(verdict)).toEqual([
    [0, false],
    [0, false],
  ]);
  await cluster.interval();
  expect([verdict(next!), verdict(standby!)]).toEqual([
    [0, false],
    [1, false],
  ]);
});

test('the same where the leader hands over right after the mark', async () => {
  const cluster = new Cluster();
  const leader = await cluster.start('http://one', { onTaken: () => void leader.close() });
  const standby = await cluster.start('http://two');
  await cluster.push(leader);
  await cluster.interval();
  expect(cluster.blocks('mark', 'handover').map(({ kind }) => kind)).toEqual(['mark', 'handover']);
  expect([standby.isLeading, ...verdict(standby)]).toEqual([true, 0, false]);
});

test('who takes over while the state is copied for a digest waits for that', async () => {
  const journal = new HistoryJournal();
  const { gateway, embedded } = embed({}, journal);
  await gateway.open(3_600_000);
  await embedded.push(Array.from({ length: 200 }, (_, i) => `many{of="${i}"} 1\n`).join(''));
  shortenSteps(4_096);
  let follower: Ledger | undefined;
  await follow(journal.records, {
    options: defaultGatewayOptions,
    hashSeed: 1,
    async after(logIndex, ledger) {
      if (logIndex < journal.records.length) return;
      follower = ledger;
      await new Promise<void>((resolve) => void ledger.digest(() => queueMicrotask(resolve)));
      expect(ledger.applying).toBeDefined();
    },
  });
  expect(follower!.begin()).toBe(true);
});

test('who leads by the time it finds that it differed says so, and goes on', async () => {
  const cluster = new Cluster();
  const leader = await cluster.start('http://one');
  await cluster.push(leader, COUNT);
  await cluster.snapshot(leader);
  const wait = deferred();
  const standby = await cluster.start('http://two', {
    log: new Spoiled(cluster.engine, 1),
    beforeDigest: () => wait.promise,
  });
  await cluster.interval();
  expect(cluster.blocks('mark', 'digest').map(({ kind }) => kind)).toEqual(['mark', 'digest']);
  leader.abandon();
  await cluster.time.pass(10_000);
  const { current } = standby;
  wait.resolve();
  await cluster.time.pass(10_000);
  expect([standby.isLeading, standby.current === current, ...verdict(standby)]).toEqual([
    true,
    true,
    1,
    true,
  ]);
  expect(cluster.said.map(({ message }) => message)).toEqual([
    'the state of this member, which leads now, differed from that of the leader before',
  ]);
});

test('who joins after a mark has nothing to compare with its digest', async () => {
  const cluster = new Cluster();
  const wait = deferred();
  const leader = await cluster.start('http://one', { beforeDigest: () => wait.promise });
  await cluster.push(leader);
  await cluster.time.pass(INTERVAL_MS);
  expect(cluster.blocks('mark').length).toBe(1);
  const standby = await cluster.start('http://two');
  await cluster.push(leader);
  wait.resolve();
  await cluster.time.pass(5_000);
  expect(cluster.blocks('digest').length).toBe(1);
  expect(verdict(standby)).toEqual([0, false]);
  await cluster.interval();
  expect(verdict(standby)).toEqual([1, false]);
});

test('a slow member passes over marks until it has its digest of the one before', async () => {
  const cluster = new Cluster();
  const leader = await cluster.start('http://one');
  const wait = deferred();
  const standby = await cluster.start('http://two', { beforeDigest: () => wait.promise });
  for (let times = 0; times < 3; times += 1) {
    await cluster.push(leader);
    await cluster.interval();
  }
  expect([cluster.blocks('digest').length, ...verdict(standby)]).toEqual([3, 0, false]);
  wait.resolve();
  await cluster.push(leader);
  await cluster.interval();
  // The first and the last of them.
  expect(verdict(standby)).toEqual([2, false]);
  expect(cluster.said).toEqual([]);
});

test('a digest waits for a snapshot, and is marked where it is taken', async () => {
  const cluster = new Cluster();
  const wait = deferred();
  class Slow extends MemoryLog {
    override async putSnapshot(number: number, parts: AsyncIterable<Uint8Array>): Promise<void> {
      await wait.promise;
      await super.putSnapshot(number, parts);
    }
  }
  const leader = await cluster.start('http://one', { log: new Slow(cluster.engine) });
  const standby = await cluster.start('http://two');
  await cluster.push(leader);
  void leader.current.of.gateway.snapshots.take();
  await cluster.interval();
  expect(cluster.blocks('mark').length).toBe(0);
  await cluster.push(leader);
  wait.resolve();
  await cluster.time.pass(5_000);
  expect(cluster.engine.snapshots.size).toBe(1);
  expect(cluster.blocks('mark')[0]?.first).toBe(cluster.blocks('records').at(-1)!.first + 1);
  expect(verdict(standby)).toEqual([1, false]);
});

test('members of different versions do not compare', async () => {
  const cluster = new Cluster();
  const leader = await cluster.start('http://one');
  const standbys = [await cluster.start('http://two', { version: '2' }), await cluster.start('http://three')];
  await cluster.push(leader);
  await cluster.interval();
  expect(standbys.map(verdict)).toEqual([
    [0, false],
    [1, false],
  ]);
});

test('a digest that cannot be taken stops nobody', async () => {
  const cluster = new Cluster();
  let fails = true;
  const beforeDigest = async (): Promise<void> => {
    if (fails) throw new Error('no memory');
  };
  const leader = await cluster.start('http://one', { beforeDigest });
  const standby = await cluster.start('http://two', { beforeDigest });
  await cluster.push(leader);
  await cluster.interval();
  expect(cluster.said.map(({ by, message }) => `${by}: ${message}`)).toEqual(
    expect.arrayContaining(
      ['http://one', 'http://two'].map((by) => `${by}: no digest of the state could be taken`),
    ),
  );
  fails = false;
  await cluster.push(leader);
  await cluster.interval();
  expect([leader.isLeading, standby.role, ...verdict(standby)]).toEqual([true, 'following', 1, false]);
});
