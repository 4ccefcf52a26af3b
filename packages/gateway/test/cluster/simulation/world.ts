/**
 * A cluster on virtual time: the real gateway, records, journal, takeover and forwarding, on a faulty log and network. Senders push, somebody
 * scrapes, and things go wrong as the seed says. What was promised is checked all the way; a broken promise is thrown.
 */
import { readBlock } from '../../../src/cluster/log/block.ts';
import { partsOf } from '../../../src/embed.ts';
import { silentLog } from '../../../src/primitives/log.ts';
import { Engine, noFaults } from './faulty-log.ts';
import type { EngineOptions, Faults } from './faulty-log.ts';
import { HOLD_MS, LEASE_MS, MemberProcess } from './member-process.ts';
import type { SenderRequest, Surroundings } from './member-process.ts';
import { Network } from './network.ts';
import { Operator } from './operator.ts';
import { Random } from './random.ts';
import { Adder, PUSHES, Source } from './senders.ts';
import { onVirtualLoop } from './virtual-loop.ts';
import { VirtualTime } from './virtual-time.ts';

const TROUBLES = 22;
/** The most that the log loses of what was committed. */
const BLOCKS_LOST_MAX = 20;
const BLOCK_BYTES_MAX = 512;
const TYPE = '# TYPE c_total counter\n';
const PAD = 'x'.repeat(1_200);
/** Of senders, until they give up, or try again by another member. */
const PATIENCE_MS: readonly number[] = [1_500, 6_000, 14_000];
const SCRAPE_MS = 12_000;
/** After all was well again: until nobody is in the middle of a lease, and then longer than one. What is late comes within both. */
const [SETTLED_MS, QUIET_MS] = [1.1 * LEASE_MS + 1_000, 1.1 * LEASE_MS + 500];
/** Until another one leads after one that has said that it stops. */
const HANDOVER_MS = 1_000;
/** Until one leads in any case. */
const LEADS_MS = 3 * LEASE_MS;

const defaults = partsOf({ log: silentLog });

export interface Outcome {
  readonly acknowledged: number;
  readonly scrapes: number;
  readonly blocks: number;
  readonly overtaken: number;
  readonly takeovers: number;
  readonly failovers: number;
  readonly snapshots: number;
  /** Digests of a leader's that were compared. */
  readonly compared: number;
  /** How often an operator had a member begin the log anew. */
  readonly refounded: number;
}

export interface WorldOptions extends EngineOptions {
  /** Now and then the log loses what was acknowledged. */
  readonly loses?: boolean;
  /** Is told all that happens. */
  readonly tell?: ((what: string) => void) | undefined;
}

type Answered = 'counted' | 'unknown' | 'nobody';

export class World {
  readonly #random: Random;
  /**
   * What one member held is to be told from what came by another one meanwhile. How long it was held is known but for how late a standby reads the log,
   * so that all is read in time here; senders by job need that.
   */
  readonly #isOrdered: boolean;
  readonly #time = new VirtualTime();
  readonly #engine: Engine;
  readonly #faults: Faults = { ...noFaults };
  readonly #around: Surroundings;
  readonly #network: Network;
  readonly #operator: Operator;
  readonly #loses: boolean;
  readonly #members = new Map<string, MemberProcess>();
  readonly #senders: readonly (Adder | Source)[];
  #isCalm = false;
  /** Members that have not come to their end yet. */
  #stopping = 0;
  /** One leads that does not know in which order sources pushed before it was there: what was held may win. Sums say nothing from then on. */
  #isInDoubt = false;
  /** Senders do not ask it, if there is another one. */
  #avoided: string | undefined;
  #scrapes = 0;
  #overtaken = 0;
  #leads = 0;
  #snapshots = 0;
  #compared = 0;
  readonly #shown = new Map<string, ReadonlyMap<string, number>>();
  #problem: Error | undefined;
  readonly #tell: (what: string) => void;

  constructor(seed: number, options: WorldOptions = {}) {
    const random = (this.#random = new Random(seed));
    const time = this.#time;
    const { tell = () => undefined } = options;
    this.#tell = (what) => tell(`${String(Math.round(time.nowMs)).padStart(7)} ms  ${what}`);
    const byJob = (this.#isOrdered = random.chance(0.35));
    this.#engine = new Engine(time, { random: this.#fork(), ...options });
    this.#loses = options.loses ?? false;
    this.#operator = new Operator(this.#engine, this.#fork(), this.#tell);
    this.#network = new Network(time, { random: this.#fork(), faults: this.#faults, isOrdered: byJob });
    this.#senders = Array.from({ length: 4 }, (_, i) =>
      byJob ? new Source(String(i)) : new Adder(String(i), i % 2 === 0),
    );
    this.#around = {
      time,
      engine: this.#engine,
      network: this.#network,
      faults: this.#faults,
      parts: {
        ...defaults,
        gatewayOptions: { ...defaults.gatewayOptions, byJob, zeroFirst: random.chance(0.3) },
      },
      blockBytesMax: BLOCK_BYTES_MAX,
      readsInTime: byJob,
      tell: this.#tell,
      find: (name) => this.#members.get(name),
      onFatal: (name, error) => this.#check(false, `${name} gave up: ${String(error)}`),
      onError: (name, message) => this.#said(name, message),
      onLeads: (name) => this.#hasBegunToLead(name),
    };
  }

  #fork(): Random {
    return new Random(this.#random.below(2 ** 31));
  }

  /** Goes through it all; throws where a promise is broken. */
  run(): Promise<Outcome> {
    return onVirtualLoop({ time: this.#time, random: this.#fork() }, () => this.#run());
  }

  async #run(): Promise<Outcome> {
    for (const name of ['a', 'b', 'c'].slice(0, 2 + this.#random.below(2))) this.#boot(name);
    for (const sender of this.#senders)
      this.#begin(sender instanceof Adder ? this.#add(sender) : this.#put(sender));
    for (const scraper of ['p', 'q']) this.#begin(this.#scrapeNowAndThen(scraper));
    this.#begin(this.#operator.run());
    for (let left = TROUBLES; left > 0 && this.#problem === undefined; left -= 1) {
      this.#mischief();
      await this.#time.pass(100 + this.#random.below(1_800));
    }
    this.#calm();
    const isOver = (): boolean => !this.#operator.isNeeded && this.#senders.every((each) => each.isOver);
    this.#check(await this.#until(isOver, 120_000), 'not all senders were answered in the end');
    await this.#pass(SETTLED_MS);
    const leads = this.#leads;
    await this.#pass(QUIET_MS);
    this.#check(this.#leads === leads, 'another member took over, and nothing was wrong');
    await this.#compareMembers();
    if (this.#problem !== undefined) throw this.#problem;
    return {
      acknowledged: this.#senders.reduce((sum, { acknowledged }) => sum + acknowledged, 0),
      scrapes: this.#scrapes,
      blocks: this.#engine.blocks.length,
      overtaken: this.#overtaken,
      takeovers: this.#leads,
      failovers: this.#engine.failovers,
      snapshots: this.#snapshots,
      compared: this.#compared,
      refounded: this.#operator.refounded,
    };
  }

  #hasBegunToLead(name: string): void {
    this.#leads += 1;
    const startedMs = this.#members.get(name)?.startedMs ?? 0;
    const isNew = startedMs > 0 && this.#time.nowMs - startedMs < 1.5 * HOLD_MS;
    if (this.#isOrdered && isNew) this.#isInDoubt = true;
  }

  #begin(what: Promise<void>): void {
    what.catch((error: unknown) => this.#check(false, String(error)));
  }

  async #pass(ms: number): Promise<void> {
    if (this.#problem === undefined) await this.#time.pass(ms);
  }

  /** Whether it comes to that in so long. */
  async #until(isSo: () => boolean, ms: number): Promise<boolean> {
    const endMs = this.#time.nowMs + ms;
    while (!isSo() && this.#time.nowMs < endMs && this.#problem === undefined) await this.#time.pass(100);
    return isSo();
  }

  #boot(name: string): void {
    this.#tell(`${name} starts`);
    this.#members.set(name, new MemberProcess(name, this.#fork(), this.#around));
  }

  /** Members have the same records, so they have the same state. */
  #said(name: string, message: string): void {
    if (/differs|differed from/.test(message)) this.#check(false, `${name}: ${message}`);
  }

  #leave(process: MemberProcess): void {
    this.#overtaken += process.member.timesOvertaken;
    this.#compared += process.member.digestsCompared;
    this.#members.delete(process.name);
  }

  /** It starts again, with an empty disk. */
  #bootSoon({ name }: MemberProcess, withinMs: number = 4_000): void {
    this.#time.at(this.#isCalm ? 1 : this.#random.below(withinMs), () => this.#boot(name));
  }

  #kill(process: MemberProcess, backWithinMs?: number): void {
    if (this.#isCalm || this.#operator.isNeeded || this.#members.get(process.name) !== process) return;
    this.#tell(`${process.name} is killed`);
    process.kill();
    this.#leave(process);
    this.#bootSoon(process, backWithinMs);
  }

  #stop(process: MemberProcess): void {
    this.#tell(`${process.name} is stopped`);
    this.#leave(process);
    this.#stopping += 1;
    const stopped = process.stop().finally(() => (this.#stopping -= 1));
    this.#begin(stopped.then(() => this.#bootSoon(process)));
  }

  #mischief(): void {
    const random = this.#random;
    const someMs = 500 + random.below(7_000);
    Object.assign(
      this.#faults,
      random.chance(0.5) ? noFaults : { lost: 0.1, replyLost: 0.1, late: this.#isOrdered ? 0 : 0.05 },
    );
    this.#engine.isSlow = random.chance(0.3);
    const all = [...this.#members.values()];
    const leader = this.#leader();
    if (this.#loses && !this.#operator.isNeeded && random.chance(0.2)) this.#lose();
    // What was acknowledged, and is in no log, dies with who has it; nobody knows of it who does not hear of it.
    if (this.#operator.isNeeded) {
      Object.assign(this.#faults, noFaults);
      return;
    }
    const one = random.chance(0.5) ? leader : all[random.below(3)];
    if (one === undefined) return;
    const does: readonly (() => void)[] = [
      () => this.#kill(one),
      () => this.#stop(one),
      () => this.#part(one, someMs),
      ...(this.#isOrdered
        ? []
        : [
            () => this.#pause(one, someMs),
            () => this.#pause(one, LEASE_MS + someMs),
            () => this.#pause(leader ?? one, LEASE_MS + someMs),
            () => this.#cutOff(one, someMs),
            () => {
              this.#cutOff(one, someMs);
              this.#part(one, someMs, 1);
            },
            () => {
              this.#cutOff(leader ?? one, LEASE_MS + someMs);
              this.#part(leader ?? one, LEASE_MS + someMs, 1);
            },
          ]),
      () => this.#failOver(leader),
      () => this.#relay(leader),
      () => this.#snapshot(),
      () => this.#snapshot(),
      () => this.#snapshot(),
      () => undefined,
    ];
    if (random.chance(0.02)) for (const each of all) this.#kill(each);
    else random.pick(does)();
  }

  /** Sometimes who has appended what is lost is killed, and others have read it. */
  #failOver(leader: MemberProcess | undefined): void {
    this.#tell('another server of the log goes on soon');
    this.#engine.failOverSoon();
    if (leader === undefined || this.#random.chance(0.5)) return;
    this.#time.at(this.#random.below(1_000), () => this.#kill(leader));
  }

  /** So that all that the next leader knows is from a snapshot, and what was answered just before is asked for again. */
  #relay(leader: MemberProcess | undefined): void {
    if (leader === undefined) return;
    Object.assign(this.#faults, { lost: 0, replyLost: 0.4, late: 0 });
    this.#time.at(500, () => this.#snapshot());
    this.#time.at(800, () => {
      const [first, ...others] = [...this.#members.values()].filter((each) => each !== leader);
      if (first !== undefined) this.#kill(first, 1);
      // Who has asked is still there, and does not lead.
      if (!this.#isOrdered) for (const each of others) this.#cutOff(each, 2 * LEASE_MS);
    });
    this.#time.at(1_200, () => this.#kill(leader));
  }

  #lose(): void {
    const { blocks } = this.#engine;
    const all = [...this.#members.values()];
    const leader = this.#leader();
    // Whoever is one block behind has not acknowledged that one.
    if (leader === undefined || leader.member.blockNumber < blocks.length - 1) return;
    if (leader.log.isCutOff || leader.process.isPaused) return;
    const kept = leader.member.blockNumber - 1 - this.#random.below(BLOCKS_LOST_MAX);
    const last = blocks[kept - 1];
    // Nor does anybody wait for a lease, or for nothing, who has read none of what is lost: it could take over before it hears of that.
    if (last === undefined || readBlock(last).kind === 'handover') return;
    const mayBeLate = ({ member, process, log }: MemberProcess): boolean =>
      member.isLeading ||
      process.isPaused ||
      log.isCutOff ||
      (member.blockNumber <= kept && member.silentMs > LEASE_MS / 3);
    // Nor has one that led before a block under way, which would follow again.
    if (this.#stopping > 0 || all.some((each) => each !== leader && mayBeLate(each))) return;
    this.#tell(`the log loses what is behind block ${kept}, which ${leader.name} has led`);
    this.#operator.lost(leader);
    this.#engine.lose(kept, this.#random.chance(0.5));
  }

  #pause({ name, process }: MemberProcess, ms: number): void {
    this.#tell(`${name} pauses for ${ms} ms`);
    process.pause();
    this.#time.at(ms, () => process.resume());
  }

  /** From the log. */
  #cutOff({ name, log }: MemberProcess, ms: number): void {
    // So that it has nothing to commit, and does not find out that it leads no more.
    if (this.#random.chance(0.5)) {
      this.#avoided = name;
      this.#time.at(ms, () => (this.#avoided = undefined));
    }
    this.#tell(`${name} is cut off from the log for ${ms} ms`);
    log.isCutOff = true;
    this.#time.at(ms, () => (log.isCutOff = false));
  }

  /** From each of the others by this chance. */
  #part({ name }: MemberProcess, ms: number, chance: number = 0.7): void {
    this.#tell(`${name} is cut off from others for ${ms} ms`);
    for (const other of this.#members.keys())
      if (other !== name && this.#random.chance(chance)) this.#network.part(name, other, ms);
  }

  #snapshot(): void {
    const leader = this.#leader();
    if (leader === undefined || this.#isCalm) return;
    this.#tell(`${leader.name} takes a snapshot`);
    this.#snapshots += 1;
    leader.process.reach(() => void leader.gateway.snapshots.take());
  }

  #calm(): void {
    this.#tell('all is well again');
    this.#isCalm = true;
    Object.assign(this.#faults, noFaults);
    this.#engine.isSlow = false;
    this.#network.healAll();
    for (const { process, log } of this.#members.values()) {
      process.resume();
      log.isCutOff = false;
    }
  }

  /** Of those who believe that they lead, any one. */
  #leader(): MemberProcess | undefined {
    const leading = [...this.#members.values()].filter((each) => each.isLeading);
    return leading.length === 0 ? undefined : this.#random.pick(leading);
  }

  async #add(sender: Adder): Promise<void> {
    const { label, hasKeys } = sender;
    const random = this.#random;
    const pads = label === '3';
    while (sender.sent < PUSHES) {
      await this.#sleep(random.below(1_200));
      const nth = sender.sent;
      let body = `${TYPE}c_total{sender="${label}"} ${sender.next()}\n`;
      if (pads && random.chance(0.3)) {
        body += `pad{nth="${nth}${PAD}"} 1\n`;
        // Of a record that is in the log in part.
        if (random.chance(0.4)) this.#time.at(20 + random.below(120), () => this.#snapshot());
      }
      const idempotencyKey = hasKeys ? `${label} ${nth}` : undefined;
      for (;;) {
        const outcome = await this.#ask({ method: 'POST', path: sender.path, body, idempotencyKey });
        if (outcome === 'counted') sender.acknowledge(this.#time.nowMs);
        else if (outcome === 'unknown' && !hasKeys) sender.unsure += 1;
        else {
          await this.#sleep(100 + random.below(400));
          continue;
        }
        break;
      }
    }
  }

  async #put(sender: Source): Promise<void> {
    const random = this.#random;
    const { label, path } = sender;
    const ask = async (method: 'PUT' | 'DELETE', body: string): Promise<boolean> =>
      (await this.#ask({ method, path, body, idempotencyKey: undefined })) === 'counted';
    while (!sender.isOver) {
      await this.#sleep(random.below(1_200));
      // The last one until it is known to count; others may be given up, and what comes after them says more.
      if (sender.sent < PUSHES) sender.next();
      if (await ask('PUT', `${TYPE}c_total{sender="${label}"} ${sender.value}\n`)) {
        sender.acknowledge(this.#time.nowMs);
        if (label !== '0' || !random.chance(0.2)) continue;
        while (!(await ask('DELETE', ''))) await this.#sleep(random.below(1_000));
        sender.deleted();
      }
    }
  }

  /** By way of any member. `nobody` where no process has had it. */
  #ask(request: SenderRequest): Promise<Answered> {
    const all = [...this.#members.values()];
    if (all.length === 0) return Promise.resolve('nobody');
    const others = all.filter(({ name }) => name !== this.#avoided);
    const entry = this.#random.pick(others.length === 0 ? all : others);
    const patienceMs = this.#random.pick(PATIENCE_MS);
    const hangsUp = this.#random.chance(0.5);
    const what = `${request.method} ${request.path} ${request.body.slice(0, 60).replaceAll('\n', ' ')} by ${entry.name}`;
    this.#tell(what);
    return new Promise((resolve) => {
      let hangUp: () => void = () => {};
      const takeBack = this.#time.at(patienceMs, () => {
        resolve('unknown');
        if (hangsUp) hangUp();
      });
      this.#network.arrive(entry.process, () => {
        entry
          .answer(request, (run) => (hangUp = run))
          .then(
            (status) =>
              entry.process.reach(() => {
                takeBack();
                this.#tell(`${what}: ${status}`);
                this.#check(status === 202 || status === 503, `a sender was answered ${status}`);
                resolve(status === 202 ? 'counted' : 'unknown');
              }),
            (error: unknown) =>
              entry.process.reach(() => this.#check(false, `a sender was answered ${String(error)}`)),
          );
      });
    });
  }

  async #scrapeNowAndThen(scraper: string): Promise<void> {
    while (!this.#isCalm || !this.#senders.every((each) => each.isOver)) {
      await this.#sleep(300 + this.#random.below(1_500));
      const leader = this.#leader();
      // One that gives up soon may ask another one meanwhile.
      if (leader !== undefined)
        await this.#scrape(leader, scraper, this.#random.chance(0.5) ? 1_000 : SCRAPE_MS);
    }
  }

  /** Whether it has got a page. */
  async #scrape(from: MemberProcess, scraper: string, timeoutMs: number = SCRAPE_MS): Promise<boolean> {
    const begunMs = this.#time.nowMs;
    const text = await new Promise<string | undefined>((resolve) => {
      this.#time.at(timeoutMs, () => resolve(undefined));
      from.process.reach(() => {
        from.page(scraper).then(
          (page) => from.process.reach(() => resolve(page)),
          (error: unknown) =>
            from.process.reach(() => this.#check(false, `a scrape was answered ${String(error)}`)),
        );
      });
    });
    if (text === undefined) return false;
    this.#scrapes += 1;
    const page = pageOf(text);
    this.#tell(`${from.name} shows ${scraper} ${JSON.stringify([...page])}`);
    const before = this.#shown.get(scraper) ?? new Map<string, number>();
    this.#shown.set(scraper, page);
    for (const sender of this.#senders) {
      const { label } = sender;
      const value = page.get(label);
      const isZeroFirst = value === 0 && (before.get(label) ?? 0) === 0;
      if (this.#around.parts.gatewayOptions.zeroFirst && isZeroFirst) continue;
      const problem = sender.problemOf({ begunMs, value, before: before.get(label) });
      if (problem !== undefined && !this.#isInDoubt) this.#check(false, `sender ${label}: ${problem}`);
    }
    return true;
  }

  /** Each of them shows the same when it leads, and all that has to be there. */
  async #compareMembers(): Promise<void> {
    let withinMs = LEADS_MS;
    while (this.#members.size > 0 && this.#problem === undefined) {
      this.#check(await this.#until(() => this.#leader() !== undefined, withinMs), 'nobody leads in the end');
      const leader = this.#leader();
      if (leader === undefined) return;
      let hasPage: boolean | undefined;
      // Who is not known yet is shown all as it is.
      void this.#scrape(leader, `last of ${leader.name}`).then((has) => (hasPage = has));
      await this.#until(() => hasPage !== undefined, SCRAPE_MS);
      this.#check(hasPage === true, 'no page in the end');
      this.#leave(leader);
      let hasStopped = false;
      void leader.stop().then(() => (hasStopped = true));
      await this.#until(() => hasStopped, 2_000);
      this.#check(hasStopped, 'it does not stop');
      withinMs = HANDOVER_MS;
    }
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#time.at(ms, resolve));
  }

  #check(isSo: boolean, what: string): void {
    if (!isSo) this.#problem ??= new Error(`at ${Math.round(this.#time.nowMs)} ms: ${what}`);
  }
}

function pageOf(text: string): ReadonlyMap<string, number> {
  return new Map(
    [...text.matchAll(/^c_total\{.*sender="(\w+)"\} (\S+)$/gm)].map(([, label, value]) => [
      label!,
      Number(value),
    ]),
  );
}
