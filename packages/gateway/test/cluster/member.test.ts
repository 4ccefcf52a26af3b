/** What a member says of itself: whether the log answers it while it leads, and whether another process goes by its URL. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';

import { Overtaken } from '../../src/cluster/lead.ts';
import { BlockWriter, readBlock, writeBeat } from '../../src/cluster/log/block.ts';
import { Chain } from '../../src/cluster/log/chain.ts';
import { Member } from '../../src/cluster/member.ts';
import type { MemberGateway } from '../../src/cluster/member.ts';
import { LogTrimmed, LogUnavailable } from '../../src/cluster/log/shared-log.ts';
import type { SharedLog } from '../../src/cluster/log/shared-log.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { ByteWriter } from '../../src/primitives/byte-writer.ts';
import { silentLog } from '../../src/primitives/log.ts';
import { MemoryEngine, MemoryLog } from '../support/memory-log.ts';
import { Random } from './simulation/random.ts';
import { VirtualProcess, VirtualTime } from './simulation/virtual-time.ts';

const LEASE_MS = 3_000;

interface Kept extends MemberGateway {
  readonly journal: Journal;
  /** Records that it was given, `beat` for each beat, and `live` for each time that it was told that the last one was appended just now. */
  readonly given: string[];
}

class Members {
  readonly time = new VirtualTime();
  readonly engine = new MemoryEngine();
  readonly #random = new Random(1);

  start(url: string, log: SharedLog = new MemoryLog(this.engine)): Member<Kept> {
    const member: Member<Kept> = new Member({
      name: url,
      log,
      timing: new VirtualProcess(this.time, this.#random),
      self: { cluster: 'one', url },
      leaseMs: LEASE_MS,
      holdMs: 10_000,
      digestIntervalMs: 600_000,
      version: '1',
      messages: silentLog,
      create: withNothing,
      randomBytes: (count) => Uint8Array.from({ length: count }, () => this.#random.below(256)),
      onFatal: (error) => {
        throw error;
      },
    });
    member.start();
    return member;
  }
}

/** The gateway of a member, without a state. */
function withNothing(journal: Journal): Kept {
  const given: string[] = [];
  return {
    journal,
    given,
    open: async () =>
      void (await journal.recover({
        snapshot: async () => undefined,
        record: (_, record) => void given.push(Buffer.from(record).toString()),
        time: () => void given.push('beat'),
        live: () => void given.push('live'),
      })),
    fail: () => undefined,
    takeSnapshot: async () => undefined,
    close: () => journal.close(),
    ledgerMs: () => 0,
    digest: async () => '',
  };
}

/** That appends only as long as nothing is in its way. */
class Cuttable extends MemoryLog {
  isCut = false;

  override append(after: number, block: Uint8Array): Promise<'appended' | 'overtaken'> {
    return this.isCut ? Promise.reject(new LogUnavailable('cut')) : super.append(after, block);
  }
}

/** Whose first append is answered late. */
class Slow extends MemoryLog {
  readonly #time: VirtualTime;
  #isFirst = true;

  constructor(engine: MemoryEngine, time: VirtualTime) {
    super(engine);
    this.#time = time;
  }

  override async append(after: number, block: Uint8Array): Promise<'appended' | 'overtaken'> {
    if (this.#isFirst) await new Promise<void>((resolve) => void this.#time.at(1_000, resolve));
    this.#isFirst = false;
    return super.append(after, block);
  }
}

/** Of which one append may come before another that was asked for sooner. */
class Uneven extends MemoryLog {
  #appends = 0;

  override async append(after: number, block: Uint8Array): Promise<'appended' | 'overtaken'> {
    for (let turns = (this.#appends += 1) % 3; turns > 0; turns -= 1) await nextTurn();
    return super.append(after, block);
  }
}

/** Reads them all; throws where one does not follow. */
function chainOf(blocks: readonly Uint8Array[]): Chain {
  const chain = new Chain();
  for (const [i, bytes] of blocks.entries()) chain.take({ number: i + 1, bytes });
  return chain;
}

test('a leader that the log does not answer is silent, though it does not know that another one took over', async () => {
  const members = new Members();
  const log = new Cuttable(members.engine);
  const one = members.start('http://one', log);
  // When it joins anew it reads what it wrote itself, which is of no double.
  let hadOwnUrl = false;
  one.onChange(() => (hadOwnUrl ||= one.hasOwnUrl));
  for (const times of [1, 2]) {
    await members.time.pass(10_000);
    expect([one.isLeading, one.silentMs < 1_500]).toEqual([true, true]);
    const other = members.start('http://other');
    log.isCut = true;
    await members.time.pass(20_000);
    expect([other.isLeading, other.silentMs < 1_500]).toEqual([true, true]);
    expect([one.isLeading, one.silentMs > 15_000]).toEqual([true, true]);
    log.isCut = false;
    await members.time.pass(10_000);
    expect([one.timesOvertaken, one.isLeading, one.silentMs < 1_500]).toEqual([times, false, true]);
    other.abandon();
  }
  expect(hadOwnUrl).toBe(false);
  one.abandon();
});

test('where the log fails, who waits is told that nobody knows whether it counts, which other members understand', async () => {
  const members = new Members();
  const log = new MemoryLog(members.engine);
  const one = members.start('http://one', log);
  await members.time.pass(2_500);
  const { journal } = one.current;
  const asked = [journal.whenCommitted(journal.append(new Uint8Array(8))), journal.confirm!()];
  log.append = () => Promise.reject(new LogTrimmed('block 9 was trimmed'));
  const outcomes = await Promise.all(asked.map((each) => each.catch((error: unknown) => error)));
  for (const error of outcomes) expect(error).toMatchObject({ code: 'storage_failed' });
  await members.time.pass(20_000);
  expect(one.isLeading).toBe(false);
  one.abandon();
});

test('a member that has read a block that a failover has lost appends nothing on it, and joins anew', async () => {
  const members = new Members();
  const one = members.start('http://one');
  await members.time.pass(2_500);
  const standby = members.start('http://standby');
  await members.time.pass(5_000);
  const { blocks } = members.engine;
  expect([one.isLeading, standby.isLeading, standby.blockNumber]).toEqual([true, false, blocks.length]);
  one.abandon();
  // What stands there now was appended by somebody else.
  const chain = chainOf(blocks.slice(0, -1));
  const payload = new ByteWriter();
  writeBeat(payload, { leader: chain.leader!, ledgerMs: 12_345 });
  const other = new BlockWriter().finish(chain.nextHead('beat', { writer: chain.writer, count: 0 }), payload);
  blocks[blocks.length - 1] = other;
  await members.time.pass(30_000);
  expect(standby.isLeading).toBe(true);
  expect(chainOf(blocks).number).toBe(blocks.length);
  standby.abandon();
});

test('a leader that stops says so, though scrapes go on to ask until then whether it leads', async () => {
  for (let turns = 0; turns < 30; turns += 1) {
    const members = new Members();
    const one = members.start('http://one', new Uneven(members.engine));
    await members.time.pass(2_500);
    const { journal } = one.current;
    const asked: Promise<unknown>[] = [];
    const ask = (): void => void asked.push(journal.confirm!().catch((error: unknown) => error));
    for (let i = 0; i < turns; i += 1) {
      ask();
      await nextTurn();
    }
    const closed = one.close();
    for (let i = 0; i < 24; i += 1) {
      if (i % (2 + (turns % 5)) === 0) ask();
      await nextTurn();
    }
    await closed;
    expect(readBlock(members.engine.blocks.at(-1)!).kind).toBe('handover');
    for (const outcome of await Promise.all(asked))
      expect(outcome === undefined || outcome instanceof Overtaken).toBe(true);
  }
});

test('a member finds out that who leads has its URL, and asks nobody then', async () => {
  const members = new Members();
  const one = members.start('http://one');
  await members.time.pass(5_000);
  const double = members.start('http://one');
  let changes = 0;
  double.onChange(() => (changes += 1));
  await members.time.pass(5_000);
  expect([one.isLeading, double.isLeading, double.hasOwnUrl]).toEqual([true, false, true]);
  expect([double.leader, double.problem]).toEqual([undefined, expect.stringContaining('a URL of its own')]);
  expect(changes).toBeGreaterThan(0);
  one.abandon();
  await members.time.pass(LEASE_MS * 2);
  expect([double.isLeading, double.hasOwnUrl]).toEqual([true, false]);
  double.abandon();
});

test('what a member wrote before it was restarted is of no double, and it asks nobody there', async () => {
  const members = new Members();
  const first = members.start('http://one');
  await members.time.pass(5_000);
  first.abandon();
  const [again, other] = [members.start('http://one'), members.start('http://other')];
  const seen: boolean[] = [];
  for (const member of [again, other]) member.onChange(() => seen.push(member.hasOwnUrl));
  const asked: (string | undefined)[] = [];
  again.onChange(() => asked.push(again.isLeading ? undefined : again.leader?.url));
  await members.time.pass(20_000);
  const [leader, standby] = again.isLeading ? [again, other] : [other, again];
  expect([leader.isLeading, standby.isLeading]).toEqual([true, false]);
  await leader.close();
  await members.time.pass(10_000);
  expect(standby.isLeading).toBe(true);
  expect(seen).not.toContain(true);
  expect(asked).not.toContain('http://one');
  standby.abandon();
});

test('what was appended while a member tried to take over was not appended just now, when it reads it', async () => {
  const members = new Members();
  const late = members.start('http://late', new Slow(members.engine, members.time));
  const first = members.start('http://first');
  await members.time.pass(100);
  const append = async (record: string): Promise<void> => {
    const { journal } = first.current;
    const committed = journal.whenCommitted(journal.append(Buffer.from(record)));
    await members.time.pass(2_000);
    await committed;
  };
  await append('one');
  expect(late.current.given).toContain('one');
  expect(late.current.given.slice(0, 2)).toEqual(['one', 'beat']);
  const before = late.current.given.length;
  await append('two');
  expect(late.current.given.slice(before, before + 2)).toEqual(['two', 'live']);
  for (const each of [first, late]) each.abandon();
});
