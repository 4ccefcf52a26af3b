/** Which level of the log is written while members are updated one after another; here by versions that read one level more than there is. */
import { expect, test } from 'vitest';

import { Lead } from '../../src/cluster/lead.ts';
import { readBlock } from '../../src/cluster/log/block.ts';
import { Chain } from '../../src/cluster/log/chain.ts';
import { LOG_LEVEL } from '../../src/cluster/log/level.ts';
import { Member } from '../../src/cluster/member.ts';
import type { MemberGateway } from '../../src/cluster/member.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { collectingLog } from '../support/collecting-log.ts';
import { MemoryEngine, MemoryLog } from '../support/memory-log.ts';
import { Random } from './simulation/random.ts';
import { VirtualProcess, VirtualTime } from './simulation/virtual-time.ts';

const NEXT = LOG_LEVEL + 1;
const MINUTE_MS = 60_000;
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

/** Of the log, beside which members are forgotten by virtual time. */
class Engine extends MemoryEngine {
  readonly time = new VirtualTime();

  open(): MemoryLog {
    const { time, members } = this;
    const log = new MemoryLog(this);
    return Object.assign(log, {
      members: {
        put: async (name: string, said: string) => void members.set(name, { said, atMs: time.nowMs }),
        list: async () =>
          [...members].map(([name, { said, atMs }]) => ({ name, said, ageMs: time.nowMs - atMs })),
      },
    });
  }

  get lastLevel(): number {
    return readBlock(this.blocks.at(-1)!, NEXT).level;
  }
}

interface Kept extends MemberGateway {
  readonly journal: Journal;
  readonly records: string[];
}

class Started {
  readonly member: Member<Kept>;
  fatal: Error | undefined;
  readonly lines;

  constructor(engine: Engine, name: string, level: number) {
    const random = new Random(level);
    const { log: messages, lines } = collectingLog();
    this.lines = lines;
    this.member = new Member<Kept>({
      name,
      level,
      log: engine.open(),
      timing: new VirtualProcess(engine.time, random),
      self: { cluster: 'one', url: `http://${name}` },
      leaseMs: 3_000,
      holdMs: 10_000,
      digestIntervalMs: 3_600_000,
      version: 'test',
      messages,
      create: keeping,
      randomBytes: (count) => random.bytes(count),
      onFatal: (error) => {
        this.fatal = error;
      },
    });
    this.member.start();
  }

  get leads(): boolean {
    return this.member.isLeading;
  }

  append(record: string): Promise<void> {
    const { journal } = this.member.current;
    return journal.whenCommitted(journal.append(Buffer.from(record)));
  }
}

function keeping(journal: Journal): Kept {
  const records: string[] = [];
  return {
    journal,
    records,
    open: async () =>
      void (await journal.recover({
        async snapshot(_, parts) {
          for await (const part of parts) records.push(text(part));
        },
        record: (_, record) => void records.push(text(record)),
      })),
    fail: () => undefined,
    takeSnapshot: async () => undefined,
    close: () => journal.close(),
    ledgerMs: () => 0,
    async digest(begun) {
      begun();
      return '';
    },
  };
}

test('the next level is written once all members read it, and who does not then stops and says so', async () => {
  const engine = new Engine();
  const { time } = engine;
  const old = new Started(engine, 'a', LOG_LEVEL);
  await time.pass(1_000);
  const updated = new Started(engine, 'b', NEXT);
  await time.pass(2 * MINUTE_MS);
  expect([old.leads, updated.leads, old.member.roll.members]).toEqual([true, false, 2]);
  await old.append('one');
  // The one that is updated leads, and the other one may come back with its version of before.
  const closed = old.member.close();
  await time.pass(2 * MINUTE_MS);
  await closed;
  expect([updated.leads, updated.member.roll.members]).toEqual([true, 1]);
  await updated.append('two');
  expect(engine.lastLevel).toBe(LOG_LEVEL);
  const again = new Started(engine, 'a', LOG_LEVEL);
  await time.pass(2 * MINUTE_MS);
  expect([again.member.role, again.member.current.records]).toEqual(['following', ['one', 'two']]);
  again.member.abandon();
  // Now it is updated as well.
  const both = new Started(engine, 'a', NEXT);
  await time.pass(2 * MINUTE_MS);
  await updated.append('three');
  expect([engine.lastLevel, both.member.level, both.member.role]).toEqual([NEXT, NEXT, 'following']);
  expect(updated.lines.filter(([, message]) => message.startsWith('all members read a newer'))).toHaveLength(
    1,
  );
  const downgraded = new Started(engine, 'c', LOG_LEVEL);
  while (downgraded.fatal === undefined) await time.pass(1_000);
  expect(downgraded.fatal?.message).toMatch(
    `is of level ${NEXT}, and this version reads levels up to ${LOG_LEVEL}: update this member`,
  );
  // It does not go back for it.
  await time.pass(MINUTE_MS);
  await updated.append('four');
  expect([engine.lastLevel, updated.leads, both.member.current.records]).toEqual([
    NEXT,
    true,
    ['one', 'two', 'three', 'four'],
  ]);
  updated.member.abandon();
  await time.pass(10_000);
  expect([both.leads, engine.lastLevel]).toEqual([true, NEXT]);
  both.member.abandon();
});

test('a member that was not heard for ten minutes is not waited for', async () => {
  const engine = new Engine();
  const { time } = engine;
  const old = new Started(engine, 'a', LOG_LEVEL);
  await time.pass(15_000);
  const updated = new Started(engine, 'b', NEXT);
  await time.pass(2 * MINUTE_MS);
  old.member.abandon();
  await time.pass(9 * MINUTE_MS);
  expect([updated.leads, engine.lastLevel]).toEqual([true, LOG_LEVEL]);
  await time.pass(2 * MINUTE_MS);
  expect(engine.lastLevel).toBe(NEXT);
  updated.member.abandon();
});

test('members that start together with different versions hear of each other before the next level is written', async () => {
  const engine = new Engine();
  const { time } = engine;
  const updated = new Started(engine, 'b', NEXT);
  await time.pass(50_000);
  const old = new Started(engine, 'a', LOG_LEVEL);
  await time.pass(5 * MINUTE_MS);
  expect([updated.leads, old.member.role, old.fatal, engine.lastLevel]).toEqual([
    true,
    'following',
    undefined,
    LOG_LEVEL,
  ]);
  for (const { member } of [updated, old]) member.abandon();
});

test.each(['', '{', '{"level":"2"}', '[]', 'null'])(
  'a member that does not say which level it reads reads the lowest: %j',
  async (said) => {
    const engine = new Engine();
    const updated = new Started(engine, 'b', NEXT);
    engine.members.set('member a', { said, atMs: 0 });
    await engine.time.pass(2 * MINUTE_MS);
    expect([updated.leads, engine.lastLevel]).toEqual([true, LOG_LEVEL]);
    updated.member.abandon();
  },
);

test('what is not said by members is not taken for theirs', async () => {
  const engine = new Engine();
  const updated = new Started(engine, 'b', NEXT);
  for (const name of ['a', 'ahead a', 'members']) engine.members.set(name, { said: '', atMs: 0 });
  await engine.time.pass(2 * MINUTE_MS);
  expect([updated.leads, engine.lastLevel, updated.member.roll.members]).toEqual([true, NEXT, 1]);
  updated.member.abandon();
});

test('a member to which the list of members is closed leads all the same', async () => {
  const engine = new Engine();
  const closed = (): Promise<never> => Promise.reject(new Error('permission denied'));
  const open = engine.open.bind(engine);
  engine.open = () => Object.assign(open(), { members: { put: closed, list: closed } });
  const updated = new Started(engine, 'b', NEXT);
  await engine.time.pass(2 * MINUTE_MS);
  await updated.append('one');
  expect([updated.leads, engine.lastLevel]).toEqual([true, LOG_LEVEL]);
  updated.member.abandon();
});

test('a snapshot of a level that a member does not read is refused as well', async () => {
  const engine = new Engine();
  const { time } = engine;
  const updated = new Started(engine, 'b', NEXT);
  await time.pass(2 * MINUTE_MS);
  for (let times = 0; times < 3; times += 1) {
    await updated.append('one');
    const { journal } = updated.member.current;
    await journal.snapshot(journal.logIndex, parts());
  }
  expect(engine.first).toBeGreaterThan(1);
  const old = new Started(engine, 'a', LOG_LEVEL);
  while (old.fatal === undefined) await time.pass(1_000);
  expect(old.fatal?.message).toMatch(/^the snapshot of block \d+ is of level 2, and this version reads/);
  updated.member.abandon();
});

async function* parts(): AsyncGenerator<Uint8Array, void> {
  yield Buffer.from('state');
}

test('a record that not all members read is not appended', async () => {
  const engine = new Engine();
  const levels = {
    read: NEXT,
    agreed: LOG_LEVEL,
    ofRecord: (code: number) => (code === 99 ? NEXT : LOG_LEVEL),
  };
  const chain = Object.assign(new Chain(NEXT), { log: new Uint8Array(16) });
  const lead = new Lead(chain, {
    log: engine.open(),
    timing: new VirtualProcess(engine.time, new Random(1)),
    name: 'b',
    url: 'http://b',
    self: { cluster: 'one', url: 'http://b' },
    levels,
    writer: new Uint8Array(8),
    newLog: new Uint8Array(16),
    holdMs: 10_000,
    ledgerMs: () => 0,
    onFailure: () => undefined,
    onAhead: () => undefined,
    onRefounded: () => undefined,
    takeSnapshot: async () => undefined,
  });
  const [known, unknown] = [Uint8Array.of(98), Uint8Array.of(99)];
  expect(() => lead.append(unknown)).toThrow('BUG: a record of kind 99');
  lead.append(known);
  levels.agreed = NEXT;
  expect(lead.level).toBe(NEXT);
  lead.append(unknown);
  // Of one that comes too late.
  levels.agreed = LOG_LEVEL;
  await lead.whenCommitted(2);
  expect(engine.lastLevel).toBe(NEXT);
  lead.stop(new Error('over'));
});
