/**
 * A cluster on virtual time: the real gateway, records, journal and takeover, on a faulty log. Senders push, somebody scrapes, and things go wrong
 * as the seed says. What was promised is checked all the way; a broken promise is thrown.
 */
import { Numbers } from '../../../src/cluster/forward/numbers.ts';
import { refoundBy } from '../../../src/cluster/refound-order.ts';
import { embed } from '../../../src/embed.ts';
import { Member } from '../../../src/cluster/member.ts';
import { readSaid } from '../../../src/cluster/said.ts';
import type { MemberGateway } from '../../../src/cluster/member.ts';
import type { PushRequest } from '../../../src/gateway/api.ts';
import { parsePushPath } from '../../../src/http/routes/push-path.ts';
import type { Journal } from '../../../src/journal/journal.ts';
import { RequestError } from '../../../src/model/errors.ts';
import { silentLog } from '../../../src/primitives/log.ts';
import { FaultyLog, newEngine, noFaults } from './faulty-log.ts';
import type { Engine, Faults } from './faulty-log.ts';
import { Random } from './random.ts';
import { VirtualProcess, VirtualTime } from './virtual-time.ts';

const WALL_MS = 1_700_000_000_000;
const LEASE_MS = 3_000;
const HOLD_MS = 10_000;
const LONG_PAD = 'x'.repeat(6_000);

type Embedded = ReturnType<typeof embed>;
interface Kept extends MemberGateway {
  readonly of: Embedded;
}

interface Running {
  readonly name: string;
  readonly process: VirtualProcess;
  readonly log: FaultyLog;
  readonly member: Member<Kept>;
  /** Of what it passes on. */
  readonly numbers: Numbers;
}

interface Sender {
  readonly label: string;
  readonly hasKeys: boolean;
  made: number;
  acknowledged: number;
  /** Without a key, and nobody knows whether it counts. */
  unsure: number;
}

export interface Outcome {
  readonly acknowledged: number;
  readonly scrapes: number;
  readonly blocks: number;
  readonly overtaken: number;
  readonly takeovers: number;
  readonly refounded: number;
}

export class World {
  readonly #random: Random;
  readonly #time = new VirtualTime();
  readonly #engine: Engine;
  readonly #faults: Faults = { ...noFaults };
  readonly #members = new Map<string, Running>();
  readonly #senders: readonly Sender[];
  #isCalm = false;
  #scrapes = 0;
  #overtaken = 0;
  #leads = 0;
  #lastPage = new Map<string, number>();
  #problem: Error | undefined;
  /** Whether the log has lost blocks, and nobody has begun it anew yet. */
  #isShort = false;
  #refounded = 0;
  readonly #loses: boolean;

  constructor(seed: number, options: { readonly comparesAndSets?: boolean; readonly loses?: boolean } = {}) {
    this.#loses = options.loses ?? false;
    this.#random = new Random(seed);
    this.#engine = newEngine(options);
    for (const name of ['a', 'b', 'c'].slice(0, 2 + this.#random.below(2))) this.#boot(name);
    this.#senders = Array.from({ length: 4 }, (_, i) => ({
      label: `${i}${i === 3 ? LONG_PAD : ''}`,
      hasKeys: i % 2 === 0,
      made: 0,
      acknowledged: 0,
      unsure: 0,
    }));
  }

  /** Goes through it all; throws where a promise is broken. */
  async run(): Promise<Outcome> {
    const done = Promise.all([...this.#senders.map((each) => this.#send(each)), this.#scrapeNowAndThen()]);
    done.catch(() => undefined);
    for (let left = 30; left > 0 && this.#problem === undefined; left -= 1) {
      this.#mischief();
      await this.#time.pass(200 + this.#random.below(2_500));
    }
    this.#calm();
    for (let left = 60; left > 0 && !this.#isOver(); left -= 1) await this.#time.pass(2_000);
    this.#check(this.#isOver(), 'not all senders were answered in the end');
    await this.#time.pass(20_000);
    if (this.#problem === undefined) await done;
    await this.#compareMembers();
    if (this.#problem !== undefined) throw this.#problem;
    return {
      acknowledged: this.#senders.reduce((sum, { acknowledged }) => sum + acknowledged, 0),
      scrapes: this.#scrapes,
      blocks: this.#engine.blocks.length,
      overtaken: this.#overtaken,
      takeovers: this.#leads,
      refounded: this.#refounded,
    };
  }

  #boot(name: string): void {
    const random = new Random(this.#random.below(2 ** 31));
    const process = new VirtualProcess(this.#time, random);
    const log = new FaultyLog(this.#engine, { time: this.#time, random, process, faults: this.#faults });
    const aheadMs = random.below(100_000) - 50_000;
    const clock = { now: () => WALL_MS + aheadMs + this.#time.nowMs, elapsed: () => this.#time.nowMs };
    const create = (journal: Journal): Kept => {
      const of = embed({ clock, log: silentLog }, journal);
      return {
        of,
        open: async () => {
          await of.gateway.open(3_600_000);
          this.#leads += 1;
        },
        fail: (why) => of.gateway.fail(why),
        takeSnapshot: () => of.gateway.snapshots.take(),
        close: () => of.gateway.close(),
        ledgerMs: () => of.gateway.ledgerMs(),
      };
    };
    const member: Member<Kept> = new Member({
      log,
      timing: process,
      name,
      self: { cluster: 'c', url: name, config: '' },
      leaseMs: LEASE_MS,
      holdMs: HOLD_MS,
      messages: silentLog,
      create,
      randomBytes: (count) => random.bytes(count),
      onFatal: (error) => this.#check(false, `${name} gave up: ${String(error)}`),
    });
    const numbers = new Numbers(name, WALL_MS + this.#time.nowMs);
    this.#members.set(name, { name, process, log, member, numbers });
    member.start();
  }

  #kill({ name, process, member }: Running): void {
    process.kill();
    this.#overtaken += member.timesOvertaken;
    member.abandon();
    this.#members.delete(name);
    // It starts again, with an empty disk.
    this.#time.at(this.#isCalm ? 1 : this.#random.below(5_000), () => this.#boot(name));
  }

  #mischief(): void {
    const random = this.#random;
    const victim = [...this.#members.values()][random.below(3)];
    Object.assign(this.#faults, random.chance(0.5) ? noFaults : { lost: 0.1, replyLost: 0.1, late: 0.05 });
    if (victim === undefined) return;
    if (this.#loses && !this.#isShort && random.chance(0.2)) this.#lose();
    // What has been acknowledged, and is in no log, dies with who has it; nobody knows of it who does not hear of it.
    if (this.#isShort) Object.assign(this.#faults, noFaults);
    if (this.#isShort) return;
    const what = random.below(8);
    if (what === 0) this.#kill(victim);
    else if (what === 1) this.#pause(victim, 500 + random.below(9_000));
    else if (what === 2) this.#cutOff(victim, 500 + random.below(9_000));
    else if (what <= 4) this.#snapshot();
    else if (what === 5) {
      const leader = this.#leader();
      if (leader !== undefined) this.#pause(leader, 3_500 + random.below(5_000));
    } else if (what === 6) {
      const leader = this.#leader();
      if (leader !== undefined) this.#kill(leader);
    }
  }

  /** As a failover to a server that lacks the last blocks, of which snapshots may be in a store of their own. */
  #lose(): void {
    const { blocks, snapshots } = this.#engine;
    const leader = this.#leader();
    // Whoever is one block behind has not acknowledged that one.
    if (leader === undefined || leader.member.blockNumber < blocks.length - 1) return;
    if (leader.log.isCutOff || leader.process.isPaused) return;
    const kept = blocks.length - 1 - this.#random.below(20);
    if (kept < 1 || blocks[kept - 1] === undefined) return;
    // Nor from whom it comes too late.
    const mayBeLate = [...this.#members.values()].some(
      ({ member, process }) =>
        member !== leader.member &&
        (process.isPaused || (member.blockNumber <= kept && member.silentMs > LEASE_MS / 3)),
    );
    if (mayBeLate) return;
    blocks.length = kept;
    this.#engine.generation += 1;
    if (this.#random.chance(0.5))
      for (const number of snapshots.keys()) if (number > kept) snapshots.delete(number);
    this.#isShort = true;
    void this.#operate(leader);
  }

  /** Names the member that has most, once who led is one of them, until it has begun the log anew. */
  async #operate({ name }: Running): Promise<void> {
    const process = new VirtualProcess(this.#time, this.#random);
    const log = new FaultyLog(this.#engine, {
      time: this.#time,
      random: this.#random,
      process,
      faults: noFaults,
    });
    for (;;) {
      await this.#sleep(3_000 + this.#random.below(10_000));
      const { ahead } = await readSaid(log.members);
      const best = ahead.some((each) => each.name === name) ? ahead[0] : undefined;
      const command = { member: best?.name ?? name, force: false };
      const { code } = await refoundBy(log, command, () => undefined, process);
      if (code === 0) break;
      const member = this.#members.get(name)?.member;
      if (member === undefined) return;
      // Nobody has noticed yet, or it is over.
      if (member.isLeading && !member.isLogShort && member.silentMs < LEASE_MS) break;
    }
    this.#refounded += 1;
    this.#isShort = false;
  }

  #pause({ process }: Running, ms: number): void {
    process.pause();
    this.#time.at(ms, () => process.resume());
  }

  #cutOff({ log }: Running, ms: number): void {
    log.isCutOff = true;
    this.#time.at(ms, () => (log.isCutOff = false));
  }

  #snapshot(): void {
    const leader = this.#leader();
    if (leader !== undefined) void leader.member.current.of.gateway.snapshots.take();
  }

  #calm(): void {
    this.#isCalm = true;
    Object.assign(this.#faults, noFaults);
    for (const { process, log } of this.#members.values()) {
      process.resume();
      log.isCutOff = false;
    }
  }

  /** Of those who believe that they lead, any one. */
  #leader(): Running | undefined {
    const leading = [...this.#members.values()].filter(({ member }) => member.isLeading);
    return leading.length === 0 ? undefined : this.#random.pick(leading);
  }

  #isOver(): boolean {
    if (this.#isShort && this.#problem === undefined) return false;
    return (
      this.#problem !== undefined ||
      this.#senders.every(
        ({ made, acknowledged, unsure }) => made === PUSHES && acknowledged + unsure === PUSHES,
      )
    );
  }

  async #send(sender: Sender): Promise<void> {
    const { label, hasKeys } = sender;
    while (sender.made < PUSHES) {
      await this.#sleep(this.#random.below(1_500));
      sender.made += 1;
      const nth = sender.made;
      const key = hasKeys ? `${label.slice(0, 1)} ${nth}` : undefined;
      for (;;) {
        const entry = this.#anyMember();
        const outcome = entry === undefined ? 'nobody' : await this.#push(entry, label, key);
        if (outcome === 'counted') sender.acknowledged += 1;
        else if (outcome === 'unknown' && key === undefined) sender.unsure += 1;
        else {
          await this.#sleep(100 + this.#random.below(400));
          continue;
        }
        break;
      }
    }
  }

  #anyMember(): Running | undefined {
    const members = [...this.#members.values()];
    return members.length === 0 ? undefined : this.#random.pick(members);
  }

  /** By way of any member, which passes it on until it is answered. `nobody` where it has certainly not counted. */
  #push(entry: Running, label: string, key: string | undefined): Promise<Pushed> {
    return new Promise((resolve) => {
      // Who waits for longer hears nothing, as from a process that is gone.
      this.#time.at(GIVE_UP_MS, () => resolve('unknown'));
      entry.process.reach(() => void this.#passOn(entry, label, key).then(resolve));
    });
  }

  async #passOn(
    { process, member, numbers }: Running,
    label: string,
    idempotencyKey: string | undefined,
  ): Promise<Pushed> {
    const begunMs = this.#time.nowMs;
    const numbered = numbers.take()!;
    let mayHaveCounted = false;
    while (this.#time.nowMs - begunMs < HOLD_MS) {
      const leader = member.leader === undefined ? undefined : this.#members.get(member.leader.url);
      if (leader !== undefined) {
        const forwarded = { key: numbers.keyOf(numbered), heldMs: this.#time.nowMs - begunMs };
        const tried = await this.#tryAt(leader, process, { label, idempotencyKey, forwarded });
        if (tried === 'counted') {
          numbers.settle(numbered);
          return tried;
        }
        mayHaveCounted ||= tried === 'unknown';
      }
      await process.sleep(50);
    }
    numbers.settle(numbered);
    return mayHaveCounted ? 'unknown' : 'nobody';
  }

  /** Over the network, which may lose it or its reply. */
  #tryAt(leader: Running, from: VirtualProcess, push: Passed): Promise<Pushed> {
    const isLocal = leader.process === from;
    const { lost, replyLost, late } = isLocal ? noFaults : this.#faults;
    const random = this.#random;
    const delayMs = isLocal ? 0 : random.chance(late) ? random.below(8_000) : random.below(20);
    return new Promise((resolve) => {
      const answer = (outcome: Pushed, afterMs: number): void =>
        void this.#time.at(afterMs, () => from.reach(() => resolve(outcome)));
      answer('unknown', TRY_MS);
      if (random.chance(lost)) return;
      this.#time.at(delayMs, () =>
        leader.process.reach(() => {
          const { label, ...others } = push;
          const body = Buffer.from(`c_total{sender="${label}"} 1\n`);
          leader.member.current.of.gateway
            .push({ method: 'POST', key: parsePushPath(''), body, ...others })
            .then(
              () =>
                leader.process.reach(() => random.chance(replyLost) || answer('counted', random.below(20))),
              (error: unknown) =>
                leader.process.reach(() => answer(isSure(error) ? 'nobody' : 'unknown', random.below(20))),
            );
        }),
      );
    });
  }

  async #scrapeNowAndThen(): Promise<void> {
    while (!this.#isOver()) {
      await this.#sleep(300 + this.#random.below(1_000));
      const leader = this.#leader();
      if (leader === undefined) continue;
      const before = new Map(this.#senders.map(({ label, acknowledged }) => [label, acknowledged]));
      const page = await this.#scrape(leader);
      if (page !== undefined) this.#checkPage(page, before);
    }
  }

  #checkPage(page: ReadonlyMap<string, number>, before: ReadonlyMap<string, number>): void {
    this.#scrapes += 1;
    for (const { label, made, hasKeys } of this.#senders) {
      const shown = page.get(label) ?? 0;
      const name = label.slice(0, 1);
      this.#check(
        shown >= before.get(label)!,
        `sender ${name}: ${before.get(label)} were acknowledged, and a later scrape shows ${shown}`,
      );
      this.#check(
        shown <= made,
        `sender ${name}${hasKeys ? ' with keys' : ''}: ${made} were pushed, and a scrape shows ${shown}`,
      );
      this.#check(
        shown >= (this.#lastPage.get(label) ?? 0),
        `sender ${name}: the counter fell from ${this.#lastPage.get(label)} to ${shown}`,
      );
      this.#lastPage.set(label, shown);
    }
  }

  async #scrape({ process, member }: Running): Promise<ReadonlyMap<string, number> | undefined> {
    const text = await new Promise<string | undefined>((resolve) => {
      this.#time.at(12_000, () => resolve(undefined));
      process.reach(() => {
        member.current.of.embedded.scrape().then(
          (page) => process.reach(() => resolve(page)),
          () => process.reach(() => resolve(undefined)),
        );
      });
    });
    return text === undefined ? undefined : pageOf(text);
  }

  /** Each of them shows the same when it leads, and all that has to be there. */
  async #compareMembers(): Promise<void> {
    const left = [...this.#members.values()];
    for (let many = left.length; many > 0 && this.#problem === undefined; many -= 1) {
      await this.#time.pass(8_000);
      const leader = this.#leader();
      this.#check(leader !== undefined, 'nobody leads in the end');
      if (leader === undefined) return;
      const scraped = this.#scrape(leader);
      await this.#time.pass(5_000);
      const page = await scraped;
      this.#check(page !== undefined, 'no page in the end');
      for (const { label, hasKeys, acknowledged, unsure } of this.#senders) {
        const shown = page?.get(label) ?? 0;
        const most = hasKeys ? acknowledged : acknowledged + unsure;
        this.#check(
          shown >= acknowledged && shown <= most,
          `sender ${label.slice(0, 1)}: ${acknowledged} to ${most} pushes, and ${shown} in the end`,
        );
      }
      this.#checkPage(
        page ?? new Map(),
        new Map(this.#senders.map(({ label, acknowledged }) => [label, acknowledged])),
      );
      this.#members.delete(leader.name);
      this.#overtaken += leader.member.timesOvertaken;
      const closed = leader.member.close();
      await this.#time.pass(2_000);
      await closed;
    }
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#time.at(ms, resolve));
  }

  #check(isSo: boolean, what: string): void {
    if (!isSo) this.#problem ??= new Error(`at ${Math.round(this.#time.nowMs)} ms: ${what}`);
  }
}

const PUSHES = 25;
/** What a member waits for the leader's reply, and a sender for the member's. */
const TRY_MS = 2_000;
const GIVE_UP_MS = 14_000;

/** `nobody` has counted it, for sure. */
type Pushed = 'counted' | 'nobody' | 'unknown';

type Passed = Pick<PushRequest, 'idempotencyKey' | 'forwarded'> & { readonly label: string };

/** Whether it says that nothing was counted. */
function isSure(error: unknown): boolean {
  return error instanceof RequestError && ['not_leading', 'shutting_down', 'overloaded'].includes(error.code);
}

function pageOf(text: string): ReadonlyMap<string, number> {
  return new Map(
    [...text.matchAll(/^c_total\{sender="(\w+)"\} (\d+)$/gm)].map(([, label, value]) => [
      label!,
      Number(value),
    ]),
  );
}
