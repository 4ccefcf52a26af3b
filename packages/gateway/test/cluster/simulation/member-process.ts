/** A process of the simulated cluster: the real gateway, member, forwarder and seal, with a network in the place of HTTP. */
import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';

import { gatewayOf } from '../../../src/assemble.ts';
import type { Parts } from '../../../src/assemble.ts';
import { defaultForwardBounds, Forwarder } from '../../../src/cluster/forward/forwarder.ts';
import type { Passed } from '../../../src/cluster/forward/forwarder.ts';
import type { Sending, Try, Tried } from '../../../src/cluster/forward/attempt.ts';
import { MEMBER_HEADER, Seal } from '../../../src/cluster/forward/seal.ts';
import { Member } from '../../../src/cluster/member.ts';
import type { MemberGateway } from '../../../src/cluster/member.ts';
import type { Gateway } from '../../../src/gateway/gateway.ts';
import { MemberReplaced } from '../../../src/gateway/pushes/forwarded.ts';
import { isOvertaken, memberHeaders } from '../../../src/http/cluster.ts';
import { parsePushPath } from '../../../src/http/routes/push-path.ts';
import type { Journal } from '../../../src/journal/journal.ts';
import { RequestError } from '../../../src/model/errors.ts';
import type { Log } from '../../../src/primitives/log.ts';
import type { ForwardedFrom } from '../../../src/wal/forwarded-command.ts';
import { FaultyLog } from './faulty-log.ts';
import type { Engine, Faults } from './faulty-log.ts';
import type { Network } from './network.ts';
import { Random } from './random.ts';
import { VirtualProcess } from './virtual-time.ts';
import type { VirtualTime } from './virtual-time.ts';

const WALL_MS = 1_700_000_000_000;
export const LEASE_MS = 3_000;
export const HOLD_MS = 10_000;
/** Between two comparisons of states. */
const DIGEST_MS = 4_000;
const ACCEPTED = 202;
const UNAVAILABLE = 503;
/** A connection takes no longer, and a reply. */
const [CONNECT_MS, REPLY_MS] = [500, 2_000];

interface Kept extends MemberGateway {
  readonly gateway: Gateway;
}

/** What a sender asks for. */
export interface SenderRequest {
  readonly method: 'POST' | 'PUT' | 'DELETE';
  /** Behind the push path. */
  readonly path: string;
  readonly body: string;
  readonly idempotencyKey: string | undefined;
}

export interface Surroundings {
  readonly time: VirtualTime;
  readonly engine: Engine;
  readonly network: Network;
  readonly faults: Faults;
  readonly parts: Parts;
  readonly blockBytesMax: number;
  readonly readsInTime: boolean;
  /** Is told what the members log. */
  readonly tell: (what: string) => void;
  readonly find: (name: string) => MemberProcess | undefined;
  readonly onFatal: (name: string, error: Error) => void;
  /** A member has logged an error. */
  readonly onError: (name: string, message: string) => void;
  readonly onLeads: (name: string) => void;
}

export class MemberProcess {
  readonly name: string;
  readonly process: VirtualProcess;
  readonly log: FaultyLog;
  readonly member: Member<Kept>;
  readonly forwarder: Forwarder;
  readonly #seal = new Seal('secret');
  readonly #around: Surroundings;
  readonly startedMs: number;

  constructor(name: string, random: Random, around: Surroundings) {
    const { time, engine, faults, parts, blockBytesMax, readsInTime } = around;
    this.name = name;
    this.startedMs = time.nowMs;
    this.#around = around;
    const process = (this.process = new VirtualProcess(time, random));
    const log = (this.log = new FaultyLog(engine, { random, process, faults, blockBytesMax, readsInTime }));
    const aheadMs = random.below(100_000) - 50_000;
    const clock = { now: () => WALL_MS + aheadMs + time.nowMs, elapsed: () => time.nowMs };
    const create = (journal: Journal): Kept => {
      const gateway = gatewayOf({ ...parts, clock, journal });
      return {
        gateway,
        open: async () => {
          await gateway.open(3_600_000);
          around.onLeads(name);
        },
        fail: (why) => gateway.fail(why),
        takeSnapshot: () => gateway.snapshots.take(),
        close: () => gateway.close(),
        ledgerMs: () => gateway.ledgerMs(),
        digest: async (begun) => (await gateway.digest(begun)).digest,
      };
    };
    const messages = logTo((what) => around.tell(`${name}: ${what}`));
    this.member = new Member({
      name,
      log,
      timing: process,
      self: { cluster: 'c', url: `http://${name}` },
      leaseMs: LEASE_MS,
      holdMs: HOLD_MS,
      digestIntervalMs: DIGEST_MS,
      version: '1',
      messages: {
        ...messages,
        error(message, fields) {
          messages.error(message, fields);
          around.onError(name, message);
        },
      },
      create,
      randomBytes: (count) => random.bytes(count),
      onFatal: (error) => around.onFatal(name, error),
    });
    this.forwarder = new Forwarder({
      member: name,
      incarnation: Math.floor(WALL_MS + time.nowMs),
      seal: this.#seal,
      leader: () => {
        const url = this.member.leader?.url;
        return url === undefined ? undefined : new URL(url);
      },
      bounds: { ...defaultForwardBounds, holdMs: HOLD_MS, heldBytesMax: 1 << 20 },
      log: messages,
      now: () => time.nowMs,
      attempt: (sending) => this.#attempt(sending),
    });
    this.member.onChange(() => this.forwarder.leaderChanged());
    process.reach(() => this.member.start());
  }

  get isLeading(): boolean {
    return this.member.isLeading;
  }

  get gateway(): Gateway {
    return this.member.current.gateway;
  }

  kill(): void {
    const { gateway } = this;
    this.process.kill();
    this.member.abandon();
    this.forwarder.close();
    gateway.close().catch(() => undefined);
  }

  /** SIGTERM. */
  async stop(): Promise<void> {
    await this.member.close();
    this.forwarder.close();
    this.process.kill();
  }

  /** Answers a sender, as http/cluster.ts has it. Resolves with the status; `hangUp` is given what to call when the sender waits no more. */
  async answer(request: SenderRequest, hangUp: (run: () => void) => void): Promise<number> {
    const passed = passedOf(request);
    const reply = passed.response as unknown as FakeResponse;
    hangUp(() =>
      this.process.reach(() => {
        reply.destroyed = true;
        reply.emit('close');
      }),
    );
    try {
      if (this.isLeading) await this.#answerHere(request, passed);
      else await this.forwarder.pass(passed);
    } catch (error) {
      if (!(error instanceof RequestError)) return UNAVAILABLE;
      return error.status;
    }
    return reply.statusCode;
  }

  async #answerHere(request: SenderRequest, passed: Passed): Promise<void> {
    const { forwarder } = this;
    const reply = passed.response as unknown as FakeResponse;
    const number = forwarder.take();
    const begunMs = this.process.nowMs();
    try {
      await this.#count(request, number && { key: forwarder.keyOf(number), heldMs: 0 });
      reply.statusCode = ACCEPTED;
    } catch (error) {
      if (number === undefined || !isOvertaken(error)) throw error;
      const known = error instanceof MemberReplaced ? error.incarnation : undefined;
      await forwarder.passAgain(passed, { number, heldMs: this.process.nowMs() - begunMs, known });
    } finally {
      if (number !== undefined)
        forwarder.settle(number, reply.statusCode === ACCEPTED && request.method !== 'DELETE');
    }
  }

  async #count(
    { method, path, body, idempotencyKey }: SenderRequest,
    forwarded?: ForwardedFrom,
  ): Promise<void> {
    const key = parsePushPath(path);
    if (method === 'DELETE') await this.gateway.delete(key, undefined, forwarded);
    else await this.gateway.push({ method, key, body: Buffer.from(body), idempotencyKey, forwarded });
  }

  /** A try to have another member answer, over the network; attempt.ts does so over HTTP. */
  #attempt(sending: Sending): Try {
    const { time, network, find } = this.#around;
    const to = sending.leader.hostname;
    let isConnected = false;
    let finish!: (tried: Tried) => void;
    const done = new Promise<Tried>((resolve) => (finish = resolve));
    const fail = (why: string): void => finish({ kind: 'again', mayBeDone: isConnected, why });
    const after = (ms: number, run: () => void): (() => void) => time.at(ms, () => this.process.reach(run));
    const target = find(to);
    const isThere = target !== undefined && network.reaches(this.name, to);
    after(isThere ? 0 : CONNECT_MS, () => {
      if (!isThere) {
        fail('no connection');
        return;
      }
      isConnected = true;
      const header = sealedIn(sending.headers());
      const takeBack = after(REPLY_MS, () => fail('no reply'));
      void done.then(takeBack);
      network.send(this.name, to, target.process, () => {
        target.#answerMember(sending, header).then(
          (tried) =>
            target.process.reach(() => network.send(to, this.name, this.process, () => finish(tried))),
          (error: unknown) => target.process.reach(() => this.#around.onFatal(to, error as Error)),
        );
      });
    });
    void done.then((tried) => {
      if (tried.kind === 'answered')
        (sending.response as unknown as FakeResponse).statusCode = tried.status ?? UNAVAILABLE;
    });
    return { done, isReplying: false, abandon: fail, drop: () => fail('the sender has gone') };
  }

  async #answerMember(sending: Sending, header: string): Promise<Tried> {
    const request = sending.response as unknown as FakeResponse;
    const { method, path: url, insists } = sending;
    const vouched = this.#seal.open({ method, url, headers: { [MEMBER_HEADER]: header } });
    let status = ACCEPTED;
    let error: RequestError | undefined;
    try {
      if (!this.isLeading) throw new RequestError('not_leading', 'it does not lead');
      if (typeof vouched !== 'object' || vouched.key === undefined) throw new Error('no number');
      await this.#count(request.asked, { key: vouched.key, heldMs: vouched.heldMs });
    } catch (thrown) {
      if (!(thrown instanceof RequestError)) throw thrown;
      error = thrown;
      ({ status } = thrown);
    }
    const [, said = ''] = memberHeaders({ vouched }, error);
    const [meaning, number] = String(said).split(' ');
    if (meaning === 'again') return { kind: 'again', mayBeDone: false, why: 'it does not lead' };
    if (meaning === 'replaced') return { kind: 'replaced', incarnation: Number(number) };
    if (meaning === 'unknown' || (insists && status === UNAVAILABLE))
      return { kind: 'again', mayBeDone: true, why: 'its log failed' };
    return { kind: 'answered', status };
  }

  /** The page as this process shows it; undefined where it shows none. */
  async page(scraper: string | undefined): Promise<string | undefined> {
    try {
      const slices: Uint8Array[] = [];
      for await (const slice of this.gateway.scrape({ scraper })) slices.push(slice);
      return Buffer.concat(slices).toString('latin1');
    } catch (error) {
      if (error instanceof RequestError) return undefined;
      throw error;
    }
  }
}

function logTo(tell: (what: string) => void): Log {
  const say = (message: string, fields: object = {}): void => tell(`${message} ${JSON.stringify(fields)}`);
  return { debug: say, info: say, warn: say, error: say };
}

function sealedIn(headers: readonly string[]): string {
  return headers[headers.indexOf(MEMBER_HEADER) + 1]!;
}

class FakeResponse extends EventEmitter {
  statusCode = 0;
  destroyed = false;
  readonly asked: SenderRequest;

  constructor(asked: SenderRequest) {
    super();
    this.asked = asked;
  }
}

/** What the forwarder asks of a request and its response. */
function passedOf(asked: SenderRequest): Passed {
  const request = {
    method: asked.method,
    url: `/${asked.path}`,
    headers: { host: 'gateway' },
    rawHeaders: [],
    httpVersionMajor: 2,
    socket: { destroyed: false },
  };
  return {
    request: request as unknown as IncomingMessage,
    response: new FakeResponse(asked) as unknown as ServerResponse,
    body: asked.method === 'DELETE' ? undefined : Buffer.from(asked.body),
    kind: 'counted',
    sender: 'a sender',
    address: undefined,
    who: {},
  };
}
