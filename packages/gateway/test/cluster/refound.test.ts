/** A log that has lost its last blocks, as after a failover to a server that lacked them: nobody goes on, until an operator says from what. */
import { afterEach, beforeEach, expect, test } from 'vitest';

import { readBlock } from '../../src/cluster/log/block.ts';
import { readSaid, sayOrder } from '../../src/cluster/said.ts';
import { VirtualCluster } from '../support/cluster/virtual-cluster.ts';
import type { VirtualMember } from '../support/cluster/virtual-cluster.ts';
import type { LogBlock, SharedLog } from '../../src/cluster/log/shared-log.ts';
import { MemoryLog } from '../support/memory-log.ts';

/** A handle by which no later block than this one comes. */
class Slow extends MemoryLog {
  upTo = Number.POSITIVE_INFINITY;

  override async *tail(after: number, signal: AbortSignal): AsyncGenerator<LogBlock, void> {
    for await (const block of super.tail(after, signal)) {
      if (block.number > this.upTo)
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      if (signal.aborted) return;
      yield block;
    }
  }
}

/** A handle that appends no block which begins the log anew, for as long as it is held. */
class Held extends MemoryLog {
  isHeld = false;

  override async append(
    after: number,
    block: Uint8Array,
    before?: Uint8Array,
  ): Promise<'appended' | 'overtaken'> {
    while (this.isHeld && readBlock(block).kind === 'refound')
      await new Promise<void>((resolve) => void cluster.time.at(100, resolve));
    return super.append(after, block, before);
  }
}

/** Of several snapshots of one number it gives back the first. */
class KeepsFirst extends MemoryLog {
  override async putSnapshot(number: number, parts: AsyncIterable<Uint8Array>): Promise<void> {
    const first = cluster.engine.snapshots.get(number);
    await super.putSnapshot(number, parts);
    if (first !== undefined) cluster.engine.snapshots.set(number, first);
  }
}

let cluster: VirtualCluster;
beforeEach(() => {
  cluster = new VirtualCluster();
});
afterEach(() => cluster.end());

/** The first leads, and has counted so many pushes, each in a block of its own. */
async function pair(pushes = 10, log?: SharedLog): Promise<readonly [VirtualMember, VirtualMember]> {
  const one = cluster.start('one');
  await cluster.pass(5_000);
  const two = cluster.start('two', log);
  await cluster.pass(1_000);
  await count(one, pushes);
  return [one, two];
}

async function count(by: VirtualMember, pushes: number): Promise<void> {
  for (let i = 0; i < pushes; i += 1)
    expect(await cluster.until(cluster.push(by, 'a_total'))).toBe('counted');
  await cluster.pass(200);
}

const kinds = (): string[] => cluster.engine.blocks.map((block) => readBlock(block).kind);

test('members whose log has lost blocks take nothing and do not take over, and say what to do', async () => {
  const [one, two] = await pair();
  const { end } = cluster.engine;
  cluster.engine.lose(end - 4);
  await cluster.pass(15_000);
  expect(cluster.engine.end).toBe(end - 4);
  const message = `the log ends with block ${end - 4}, and this member has seen block ${end}: the engine has lost what was acknowledged; return to the server that has it, or go on with what members have: prom-aggregation-gateway storage refound`;
  for (const { member, said } of [one, two]) {
    expect([member.isLogShort, member.problem]).toEqual([true, message]);
    expect(said.filter((each) => each === message).length).toBe(1);
  }
  expect(await cluster.until(cluster.push(one, 'a_total'), 100)).toBe('overloaded');
  await expect(cluster.scrape(one)).rejects.toThrow('could be an old one');
});

test.each([
  ['that leads', 'one'],
  ['that follows', 'two'],
])('an operator has the member %s begin the log anew: all that was counted counts once', async (_, name) => {
  const [one, two] = await pair();
  cluster.engine.lose(cluster.engine.end - 4);
  // Taken before anybody knows.
  const late = [cluster.push(one, 'b_total'), cluster.push(one, 'a_total', 'key')];
  await cluster.pass(6_000);
  const listed = await cluster.refound();
  expect([listed.code, listed.text]).toEqual([0, expect.stringContaining('storage refound one')]);
  expect(listed.lines.length).toBe(3);
  const { code, text } = await cluster.refound(name);
  expect([code, text]).toEqual([
    0,
    expect.stringMatching(`the log goes on with block .* from what http://${name} had`),
  ]);
  expect(kinds().filter((kind) => kind === 'refound').length).toBe(1);
  await cluster.pass(10_000);
  const [leader, other] = name === 'one' ? [one, two] : [two, one];
  expect([leader.member.isLeading, other.member.role]).toEqual([true, 'following']);
  for (const { member } of [one, two])
    expect([member.isLogShort, member.problem]).toEqual([false, undefined]);
  const outcome = name === 'one' ? 'counted' : 'not_leading';
  expect(await Promise.all(late)).toEqual([outcome, outcome]);
  if (name === 'two') await cluster.until(cluster.push(two, 'a_total', 'key'));
  else expect(await cluster.until(cluster.push(one, 'a_total', 'key'))).toBe('counted');
  await count(leader, 5);
  const page = await cluster.scrape(leader);
  expect([page.get('a_total'), page.get('b_total')]).toEqual([16, name === 'one' ? 1 : undefined]);
  // Those who join have the same: one that was there, and one that is new.
  cluster.kill(leader);
  await cluster.pass(10_000);
  expect(await cluster.scrape(other)).toEqual(page);
  const three = cluster.start('three');
  await cluster.pass(3_000);
  await cluster.until(other.member.close());
  await cluster.pass(3_000);
  expect(await cluster.scrape(three)).toEqual(page);
});

test('a member that must not lead by what it has read begins no log anew, and says why, until it may', async () => {
  const [one, two] = await pair();
  two.whyNotLead = 'it cannot read the rules';
  cluster.kill(one);
  cluster.engine.lose(cluster.engine.end - 4);
  await cluster.pass(10_000);
  const command = cluster.refound('two');
  await cluster.pass(10_000);
  expect(two.member.problem).toMatch(/has seen block .* refound, but not from this member: it cannot read/);
  expect(two.said.filter((each) => each === two.member.problem).length).toBe(1);
  expect([two.member.isLeading, kinds().includes('refound')]).toEqual([false, false]);
  two.whyNotLead = undefined;
  expect((await cluster.until(command)).code).toBe(0);
  expect(two.member.isLeading).toBe(true);
});

test.each([
  ['that leads', 'one'],
  ['that follows', 'two'],
])('the member %s begins the log anew in blocks of the level that all members read', async (_, name) => {
  const [one, two] = ['one', 'two'].map((each) => cluster.start(each, undefined, { level: 2 })) as [
    VirtualMember,
    VirtualMember,
  ];
  await cluster.pass(5_000);
  await count(one, 5);
  expect(two.member.role).toBe('following');
  const { end } = cluster.engine;
  expect(one.member.level).toBe(1);
  await cluster.pass(75_000);
  expect(one.member.level).toBe(2);
  cluster.engine.lose(end);
  await cluster.pass(10_000);
  // Of this version, it does not read the next level.
  const { text } = await cluster.refound(name);
  expect(text).toMatch(/^the log has gone on with block .*, which is of level 2/);
  const blocks = cluster.engine.blocks.map((block) => readBlock(block, 2));
  expect(blocks.filter(({ kind }) => kind === 'refound').map(({ level }) => level)).toEqual([2]);
  await cluster.pass(10_000);
  for (const each of [one, two]) expect([each.member.level, each.member.isLogShort]).toEqual([2, false]);
  expect([one.said, two.said].flat().filter((each) => each.startsWith('fatal'))).toEqual([]);
});

test('a log that has its blocks again goes on, and nothing was lost', async () => {
  const [one, two] = await pair();
  const bringBack = cluster.engine.lose(cluster.engine.end - 4);
  const late = cluster.push(one, 'a_total');
  await cluster.pass(20_000);
  bringBack();
  expect(await cluster.until(late)).toBe('counted');
  await cluster.pass(3_000);
  for (const { member } of [one, two]) expect(member.isLogShort).toBe(false);
  expect([one.member.isLeading, two.member.timesOvertaken]).toEqual([true, 0]);
  await count(one, 1);
  expect((await cluster.scrape(one)).get('a_total')).toBe(12);
  expect(kinds()).not.toContain('refound');
  expect((await cluster.refound('one')).code).toBe(1);
});

test('a member that has not seen what is lost does not take over while another one has it', async () => {
  const [one, two] = await pair();
  cluster.kill(two);
  const { end } = cluster.engine;
  cluster.engine.lose(end - 4);
  await cluster.pass(4_000);
  const again = cluster.start('two');
  await cluster.pass(30_000);
  expect(cluster.engine.end).toBe(end - 4);
  expect(again.member.problem).toContain(
    `and the member one has seen block ${end}: the engine has lost what was acknowledged`,
  );
  expect(again.said.join()).toContain('or stop that member to go on without');
  expect(again.member.isLogShort).toBe(true);
  expect((await cluster.refound('two')).text).toContain('no member two says');
  expect((await cluster.refound('one')).code).toBe(0);
  await cluster.pass(10_000);
  expect([again.member.isLogShort, again.member.role]).toEqual([false, 'following']);
  cluster.kill(one);
  await cluster.pass(10_000);
  expect((await cluster.scrape(again)).get('a_total')).toBe(10);
});

test('once who has what is lost has stopped, others go on with what the log has', async () => {
  const [one, two] = await pair();
  cluster.kill(two);
  cluster.engine.lose(cluster.engine.end - 4);
  await cluster.pass(4_000);
  const again = cluster.start('two');
  await cluster.pass(10_000);
  // It waits for nothing.
  await cluster.until(one.member.close(), 1_000);
  await cluster.pass(10_000);
  expect(again.member.isLeading).toBe(true);
  expect((await cluster.scrape(again)).get('a_total')).toBeLessThan(10);
});

test('where another member has gone on without what is lost, that is said, and not undone', async () => {
  const [one, two] = await pair();
  cluster.kill(two);
  one.process.pause();
  cluster.engine.lose(cluster.engine.end - 4);
  const again = cluster.start('two');
  await cluster.pass(8_000);
  await count(again, 1);
  const before = await cluster.scrape(again);
  const { end } = cluster.engine;
  one.process.resume();
  await cluster.pass(10_000);
  expect(cluster.engine.end).toBeGreaterThan(end);
  expect(one.said.join()).toContain(
    'and another member went on without them: what was acknowledged in them is lost',
  );
  expect([one.member.isLogShort, one.member.role]).toEqual([false, 'following']);
  expect((await cluster.refound('one')).text).toContain(
    'no member says that it has seen more than the log has',
  );
  expect(await cluster.scrape(again)).toEqual(before);
});

test('a leader that has not noticed puts nothing behind a block that another one has put in the place of a lost one', async () => {
  const [one, two] = await pair();
  cluster.kill(two);
  one.process.pause();
  const { end } = cluster.engine;
  cluster.engine.lose(end - 1);
  const again = cluster.start('two');
  for (let left = 100; left > 0 && cluster.engine.end < end; left -= 1) await cluster.pass(50);
  expect(kinds().at(-1)).toBe('takeover');
  again.process.pause();
  const late = cluster.push(one, 'a_total');
  await cluster.pass(100);
  expect(cluster.engine.end).toBe(end);
  one.process.resume();
  again.process.resume();
  await cluster.pass(10_000);
  expect([await late, one.member.role]).toEqual(['not_leading', 'following']);
  await count(again, 2);
  const page = await cluster.scrape(again);
  const three = cluster.start('three');
  await cluster.pass(2_000);
  await cluster.until(again.member.close());
  await cluster.pass(5_000);
  const leader = cluster.members.find(({ member }) => member.isLeading)!;
  expect([one, three]).toContain(leader);
  expect(await cluster.scrape(leader)).toEqual(page);
});

test('a member that has seen less than another is named by force alone', async () => {
  const log = new Slow(cluster.engine);
  const [one, two] = await pair(5, log);
  log.upTo = cluster.engine.end;
  await count(one, 3);
  const { end } = cluster.engine;
  cluster.engine.lose(end - 6);
  log.upTo = Number.POSITIVE_INFINITY;
  await cluster.pass(10_000);
  const { code, text } = await cluster.refound('two');
  expect([code, text]).toEqual([
    1,
    expect.stringMatching(/one has seen block \d+, and two block \d+: .* --force/),
  ]);
  expect(cluster.engine.end).toBe(end - 6);
  expect((await cluster.refound('two', { force: true })).code).toBe(0);
  await cluster.pass(10_000);
  expect([two.member.isLeading, one.member.role]).toEqual([true, 'following']);
  const page = await cluster.scrape(two);
  await cluster.until(two.member.close());
  await cluster.pass(3_000);
  expect(await cluster.scrape(one)).toEqual(page);
});

test('two operators at once, who name different members: both are told who has done it', async () => {
  const [one] = await pair();
  cluster.engine.lose(cluster.engine.end - 4);
  await cluster.pass(6_000);
  const told = await Promise.all([cluster.refound('one'), cluster.refound('two')]);
  expect(told.map(({ code }) => code)).toEqual([0, 0]);
  expect(told[0].text).toBe(told[1].text);
  expect(kinds().filter((kind) => kind === 'refound').length).toBe(1);
  await cluster.pass(10_000);
  const leader = [...cluster.members].find(({ member }) => member.isLeading)!;
  expect((await cluster.scrape(leader)).get('a_total')).toBe(10);
  expect(one.said.join()).not.toContain('fatal');
});

test('a snapshot that takes its time is waited for, and nobody takes over meanwhile', async () => {
  const log = new Held(cluster.engine);
  const one = cluster.start('one', log);
  await cluster.pass(5_000);
  await count(one, 10);
  const { end } = cluster.engine;
  cluster.engine.lose(end - 4);
  await cluster.pass(4_000);
  const two = cluster.start('two');
  log.isHeld = true;
  const done = cluster.refound('one');
  await cluster.pass(40_000);
  expect(cluster.engine.end).toBe(end - 4);
  log.isHeld = false;
  expect((await done).code).toBe(0);
  await cluster.pass(5_000);
  expect([one.member.isLeading, two.member.role]).toEqual([true, 'following']);
});

test('a member whose block comes too late has done nothing, and joins anew', async () => {
  const log = new Held(cluster.engine);
  const one = cluster.start('one', log);
  await cluster.pass(5_000);
  const two = cluster.start('two');
  await cluster.pass(1_000);
  await count(one, 10);
  cluster.engine.lose(cluster.engine.end - 4);
  await cluster.pass(6_000);
  log.isHeld = true;
  const late = cluster.refound('one');
  await cluster.pass(4_000);
  const [said] = (await readSaid(log.members)).ahead.filter(({ name }) => name === 'two');
  await sayOrder(log.members, said);
  await cluster.pass(4_000);
  expect(two.member.isLeading).toBe(true);
  await count(two, 3);
  log.isHeld = false;
  await cluster.pass(10_000);
  const { code, text } = await late;
  expect([code, text]).toEqual([0, expect.stringContaining('from what http://two had')]);
  expect([one.member.role, one.said.join().includes('fatal')]).toEqual(['following', false]);
  const page = await cluster.scrape(two);
  expect(page.get('a_total')).toBe(13);
  cluster.kill(two);
  await cluster.pass(10_000);
  expect(await cluster.scrape(one)).toEqual(page);
});

test.each([
  ['is put over it', MemoryLog],
  ['is not found for it', KeepsFirst],
])(
  'a member dies before its block: its snapshot is of no log, and the next one of this number %s',
  async (_, Log) => {
    const log = new Held(cluster.engine);
    const one = cluster.start('one', log);
    await cluster.pass(5_000);
    const two = cluster.start('two', new Log(cluster.engine));
    await cluster.pass(1_000);
    await count(one, 10);
    cluster.engine.lose(cluster.engine.end - 4);
    await cluster.pass(6_000);
    log.isHeld = true;
    const late = cluster.refound('one');
    await cluster.pass(6_000);
    cluster.kill(one);
    expect(cluster.engine.snapshots.size).toBe(1);
    expect((await late).code).toBe(1);
    await cluster.pass(12_000);
    expect((await cluster.refound('two')).code).toBe(0);
    const three = cluster.start('three');
    await cluster.pass(15_000);
    await count(two, 3);
    const page = await cluster.scrape(two);
    expect(page.get('a_total')).toBe(13);
    expect(three.member.role).toBe('following');
    cluster.kill(two);
    await cluster.pass(10_000);
    expect(await cluster.scrape(three)).toEqual(page);
  },
);

test('a record that goes in parts, some of which are lost, counts once', async () => {
  const [one, two] = await pair();
  const before = cluster.engine.end;
  const long = `long_total{pad="${'x'.repeat(1000)}",nth="NTH"}`;
  const body = Array.from({ length: 1_300 }, (_, i) => `${long.replace('NTH', String(i))} 1\n`).join('');
  const pushed = one.member.current.of.embedded.push(body);
  while (cluster.engine.end < before + 2) await cluster.time.pass(1);
  expect(readBlock(cluster.engine.blocks.at(-1)!).kind).toBe('part');
  cluster.engine.lose(before - 2);
  await cluster.pass(6_000);
  expect((await cluster.refound('one')).code).toBe(0);
  await cluster.until(pushed);
  await count(one, 1);
  const page = await cluster.scrape(one);
  expect([page.size, page.get('a_total')]).toEqual([1_301, 11]);
  cluster.kill(one);
  await cluster.pass(12_000);
  expect(await cluster.scrape(two)).toEqual(page);
});

test('a snapshot of a block that is lost is not gone on from', async () => {
  const [one, two] = await pair();
  await cluster.until(one.member.current.takeSnapshot());
  await count(one, 3);
  const { end } = cluster.engine;
  const [kept] = [...cluster.engine.snapshots];
  cluster.engine.lose(end - 8);
  // A store of its own has it yet.
  cluster.engine.snapshots.set(...kept!);
  cluster.kill(two);
  await cluster.until(one.member.close());
  await cluster.pass(12_000);
  const three = cluster.start('three');
  await cluster.pass(10_000);
  expect(three.member.isLeading).toBe(true);
  await count(three, 15);
  const page = await cluster.scrape(three);
  cluster.kill(three);
  const four = cluster.start('four');
  await cluster.pass(10_000);
  expect(await cluster.scrape(four)).toEqual(page);
});
