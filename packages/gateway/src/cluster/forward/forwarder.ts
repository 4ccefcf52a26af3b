/**
 * Passes requests on to the leader, and what it answers back. While nobody leads, or the leader cannot be reached, they are held, for so long as
 * `holdMs` says; then they are answered 503. What was passed on and not answered is tried again, with the number by which it counts once.
 *
 *   pass  ─▶  a leader?  ─no─▶  hold  ─▶ woken by `leaderChanged`, or from time to time  ─▶ …
 *               │ yes           ▲ │
 *               ▼               │ └─ 503 when the hold is over
 *            attempt ─ again ───┘
 *               └─ answered
 *
 * A leader is always reached over HTTP, also where this member has begun to lead by then, as `leader()` is its own URL.
 */
import { Agent } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import type { AgentOptions } from 'node:https';

import { ClientGone } from '../../model/client-gone.ts';
import { RequestError } from '../../model/errors.ts';
import type { Log } from '../../primitives/log.ts';
import type { ForwardedKey } from '../../store/forwarded.ts';
import { Attempt } from './attempt.ts';
import type { Sending, Tried, Try } from './attempt.ts';
import { HangUps } from './hang-ups.ts';
import { requestHeaders, timeoutMsOf } from './headers.ts';
import { Held, Hold } from './hold.ts';
import type { HoldBounds } from './hold.ts';
import { Numbers } from './numbers.ts';
import type { Numbered } from './numbers.ts';
import type { Seal, Who } from './seal.ts';

export interface ForwardBounds extends HoldBounds {
  readonly holdMs: number;
  /** To the leader; as many requests are passed on at one time. */
  readonly connectionsMax: number;
  readonly connectMs: number;
  /** Beyond the hold, until the first byte of a reply: pushes wait for their turn there. */
  readonly replyMs: number;
  /**
   * A sender who closes its side so long after its request was whole has hung up, where it has to wait. Sooner, it may be one that does so with each
   * request and waits for the reply all the same.
   */
  readonly hangUpMs: number;
}

export const defaultForwardBounds: Omit<ForwardBounds, 'holdMs' | 'heldBytesMax'> = {
  heldMax: 4096,
  connectionsMax: 256,
  connectMs: 2000,
  replyMs: 20_000,
  hangUpMs: 500,
};

interface ForwarderDeps {
  /** The name of this member, and what grows with each start of it: milliseconds since the Unix epoch will do. */
  readonly member: string;
  readonly incarnation: number;
  readonly seal: Seal;
  /** Where the leader is to be asked, as it says itself; undefined while nobody leads. */
  readonly leader: () => URL | undefined;
  readonly bounds: ForwardBounds;
  readonly log: Log;
  /** Milliseconds that never go back. */
  readonly now?: (() => number) | undefined;
  /** For leaders with https: whom to trust, and what to show. */
  readonly tls?: Pick<AgentOptions, 'ca' | 'cert' | 'key'> | undefined;
  /** Begins a try; over HTTP where it is left out. */
  readonly attempt?: ((sending: Sending) => Try) | undefined;
}

/** A request that was let in, and is for the leader. */
export interface Passed {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** As it was sent; undefined for a request without one. */
  readonly body: Uint8Array | undefined;
  /** It is not compressed any more, whatever its headers say. */
  readonly isDecoded?: boolean | undefined;
  /** `counted` is to count once; `once` must not be done twice, so it is not tried again where it may have been done; `read` changes nothing. */
  readonly kind: 'counted' | 'once' | 'read';
  /** The reply goes on for as long as its reader stays. */
  readonly isStream?: boolean | undefined;
  /** Who shares with whom; see senderOf. */
  readonly sender: string;
  readonly address: string | undefined;
  readonly who: Who;
}

interface ForwardReport {
  readonly held: number;
  readonly heldBytes: number;
  /** Requests under way to the leader. */
  readonly underWay: number;
  /** Answered by the leader, since the start. */
  readonly answered: number;
  readonly triedAgain: number;
  /** For which no leader was found in time, or no place to wait. */
  readonly refused: number;
}

/** Between tries of a leader that fails. */
const [BACKOFF_MS, BACKOFF_MS_MAX] = [25, 400];
/** To a leader that fails: so many are under way at one time, and so far apart. */
const [PROBES, PROBE_EVERY_MS] = [4, 25];
/** Who waits for a connection is woken when one is free; should that be somebody who does not need it, it looks by itself. */
const LOOK_EVERY_MS = 1000;
const TOLD_EVERY_MS = 10_000;
const ACCEPTED = 202;

/** Without TLS, and with it. */
type Agents = readonly [Agent, TlsAgent];

/** A request on its way, over all tries. */
class Passage {
  readonly passed: Passed;
  readonly held: Held;
  readonly wholeMs: number;
  number: Numbered | undefined;
  attempt: { readonly leader: URL; readonly attempt: Try } | undefined;
  /** Since when it has to wait. */
  troubledMs: number | undefined;
  #waits = 0;
  /** Its sender has closed its side of the connection, and hardly waits. */
  hasHungUp = false;
  /** What it has been sent to may have done it. */
  mayBeDone = false;
  /** As its sender may know: no addresses of members. The log has the rest. */
  why = 'none leads';

  constructor(passed: Passed, nowMs: number) {
    this.passed = passed;
    this.wholeMs = nowMs;
    this.held = new Held(passed.sender, passed.body?.length ?? 0);
  }

  /** How long to wait before it is looked again whether the leader answers. */
  nextBackoffMs(): number {
    this.#waits += 1;
    return Math.min(BACKOFF_MS * 2 ** Math.min(this.#waits, 10), BACKOFF_MS_MAX);
  }

  get isGone(): boolean {
    const { request, response, kind } = this.passed;
    const mayBeGone = this.hasHungUp && (kind === 'read' || this.troubledMs !== undefined);
    return mayBeGone || response.destroyed || request.socket.destroyed;
  }
}

export class Forwarder {
  readonly #deps: ForwarderDeps;
  readonly #now: () => number;
  readonly #hold: Hold;
  readonly #numbers: Numbers;
  readonly #hangUps = new HangUps();
  /** For what may be tried again, when a connection that was kept has been closed by then. */
  readonly #kept: Agents;
  readonly #fresh: Agents;
  /** The leader has not answered lately: a few find out when it does, for all others. */
  #isFailing = false;
  #nextProbeMs = 0;
  #whyFailing = 'the leader does not answer';
  readonly #underWay = new Set<Passage>();
  #answered = 0;
  #triedAgain = 0;
  #refused = 0;
  #isClosed = false;
  readonly #toldMs = new Map<string, number>();

  constructor(deps: ForwarderDeps) {
    this.#deps = deps;
    this.#now = deps.now ?? (() => performance.now());
    this.#hold = new Hold(deps.bounds);
    this.#numbers = new Numbers(deps.member, deps.incarnation);
    const { connectionsMax } = deps.bounds;
    this.#kept = agentsOf({ keepAlive: true, maxFreeSockets: connectionsMax, noDelay: true, ...deps.tls });
    this.#fresh = agentsOf({ keepAlive: false, ...deps.tls });
  }

  get report(): ForwardReport {
    return {
      held: this.#hold.size,
      heldBytes: this.#hold.bytes,
      underWay: this.#underWay.size,
      answered: this.#answered,
      triedAgain: this.#triedAgain,
      refused: this.#refused,
    };
  }

  /** To be called whenever `leader()` has become another one, or none. */
  leaderChanged(): void {
    const leader = this.#deps.leader();
    for (const { attempt, passed } of this.#underWay) {
      if (leader === undefined || attempt === undefined || attempt.leader.href === leader.href) continue;
      // Of the old one nothing more will come.
      if (passed.isStream === true && attempt.attempt.isReplying) passed.response.destroy();
      // What must not be done twice waits for what the old one says.
      else if (passed.kind !== 'once') attempt.attempt.abandon('another member leads');
    }
    this.#isFailing = false;
    this.#hold.wakeAll();
  }

  /** Resolves once the reply has been given. Rejects with RequestError, to be answered, or with ClientGone. */
  pass(passed: Passed): Promise<void> {
    return this.#pass(new Passage(passed, this.#now()));
  }

  /** A number for what this member takes from its sender while it leads; undefined where there is none. */
  take(): Numbered | undefined {
    return this.#numbers.take();
  }

  keyOf(number: Numbered): ForwardedKey {
    return this.#numbers.keyOf(number);
  }

  /** To be called once what has a number has been answered, or will not be passed on; `isTaken` says that it was a push, and counts. */
  settle(number: Numbered, isTaken: boolean): void {
    if (isTaken) this.#numbers.taken(number);
    this.#numbers.settle(number);
  }

  /**
   * The same as `pass` for what this member began to count as the leader, by this number, which it may have done; `heldMs` is how long ago.
   * Where that was refused, as a later incarnation of the member is known, `known` is that, and nothing was done.
   */
  passAgain(
    passed: Passed,
    {
      number,
      heldMs,
      known,
    }: { readonly number: Numbered; readonly heldMs: number; readonly known: number | undefined },
  ): Promise<void> {
    const passage = new Passage(passed, this.#now() - heldMs);
    passage.mayBeDone = known === undefined;
    if (known !== undefined && !this.#numbers.replacedBy(known)) throw this.#otherOfThisName();
    if (known === undefined) passage.number = number;
    return this.#pass(passage);
  }

  async #pass(passage: Passage): Promise<void> {
    const { passed } = passage;
    const onClose = (): void => {
      passage.attempt?.attempt.drop();
      passage.held.wake?.(new ClientGone());
    };
    passed.response.once('close', onClose);
    const onEnd = (): void => {
      // Who reads and closes its side is gone for the scrapes of this gateway as well.
      const isRead = passed.kind === 'read';
      passage.hasHungUp = isRead || this.#now() - passage.wholeMs >= this.#deps.bounds.hangUpMs;
      if (!passage.hasHungUp) return;
      if (isRead) passage.attempt?.attempt.drop();
      passage.held.wake?.(new ClientGone());
    };
    const { httpVersionMajor, socket } = passed.request;
    const unwatch = httpVersionMajor === 1 ? this.#hangUps.watch(socket, onEnd) : undefined;
    try {
      await this.#tryUntilAnswered(passage);
      this.#answered += 1;
    } catch (error) {
      if (passage.isGone) throw new ClientGone();
      if (!(error instanceof ClientGone)) this.#refused += 1;
      throw error;
    } finally {
      passed.response.off('close', onClose);
      unwatch?.();
      if (passage.number !== undefined) this.#numbers.settle(passage.number);
      this.#hold.leave(passage.held);
      // It may have been woken for a connection that it did not need.
      this.#wakeNext();
    }
  }

  /** What waits or is under way is refused, and so is what comes from now on. */
  close(): void {
    this.#isClosed = true;
    this.#hold.wakeAll(stopped());
    for (const agent of [...this.#kept, ...this.#fresh]) agent.destroy();
  }

  async #tryUntilAnswered(passage: Passage): Promise<void> {
    for (;;) {
      if (passage.isGone) throw new ClientGone();
      if (this.#isClosed) throw stopped();
      const leader = this.#deps.leader();
      if (leader === undefined) {
        await this.#wait(passage, Number.POSITIVE_INFINITY);
      } else if (!this.#mayTry()) {
        passage.why = this.#isFailing ? this.#whyFailing : 'too many requests are on their way to it';
        await this.#wait(passage, this.#isFailing ? passage.nextBackoffMs() : LOOK_EVERY_MS);
      } else {
        const tried = await this.#attempt(passage, leader);
        if (tried.kind === 'answered') return;
        this.#mayGoOn(passage, tried, leader);
        this.#triedAgain += 1;
        const isSame = this.#deps.leader()?.href === leader.href;
        await this.#wait(passage, isSame ? passage.nextBackoffMs() : 0);
      }
    }
  }

  #mayTry(): boolean {
    if (!this.#isFailing) return this.#underWay.size < this.#deps.bounds.connectionsMax;
    const nowMs = this.#now();
    if (this.#unanswered >= PROBES || nowMs < this.#nextProbeMs) return false;
    this.#nextProbeMs = nowMs + PROBE_EVERY_MS;
    return true;
  }

  /** Under way, and without a reply that has begun: streams go on for as long as they like. */
  get #unanswered(): number {
    let count = 0;
    for (const { attempt } of this.#underWay) if (attempt?.attempt.isReplying !== true) count += 1;
    return count;
  }

  /** A connection is free. To a leader that fails everybody looks again in their own time. */
  #wakeNext(): void {
    if (!this.#isFailing) this.#hold.wakeOne();
  }

  async #attempt(passage: Passage, leader: URL): Promise<Tried> {
    const { passed } = passage;
    if (passed.kind === 'counted') {
      passage.number ??= this.#numbers.take();
      if (passage.number === undefined)
        return { kind: 'again', mayBeDone: false, why: 'too many are waited for' };
    }
    const sending = this.#sendingOf(passage, leader);
    const attempt = this.#deps.attempt?.(sending) ?? new Attempt(sending);
    this.#underWay.add(passage);
    passage.attempt = { leader, attempt };
    try {
      const tried = await attempt.done;
      if (tried.kind !== 'answered') {
        this.#isFailing = this.#deps.leader()?.href === leader.href;
        return tried;
      }
      const isTaken = tried.status === ACCEPTED && passed.request.method !== 'DELETE';
      if (passage.number !== undefined && isTaken) this.#numbers.taken(passage.number);
      if (this.#isFailing) {
        this.#isFailing = false;
        this.#hold.wakeAll();
      }
      return tried;
    } finally {
      passage.attempt = undefined;
      this.#underWay.delete(passage);
      this.#wakeNext();
    }
  }

  #sendingOf({ passed, number, wholeMs, mayBeDone }: Passage, leader: URL): Sending {
    const { member, seal, bounds } = this.#deps;
    const { request, response, body, isDecoded, kind, address, who } = passed;
    const headers = (): string[] => {
      const heldMs = Math.floor(this.#now() - wholeMs);
      const key = number && this.#numbers.keyOf(number);
      const sealed = seal.close(request, { member, key, heldMs, address, who });
      return requestHeaders(request, {
        host: leader.host,
        sealed,
        heldMs,
        bodyBytes: body?.length,
        isDecoded,
      });
    };
    const [plain, tls] = kind === 'once' ? this.#fresh : this.#kept;
    return {
      leader,
      agent: leader.protocol === 'https:' ? tls : plain,
      method: request.method ?? 'GET',
      path: request.url ?? '/',
      headers,
      body,
      response,
      whole: kind !== 'read',
      insists: kind === 'counted' && mayBeDone,
      connectMs: bounds.connectMs,
      replyMs: bounds.holdMs + bounds.replyMs,
    };
  }

  /** Throws RequestError where a try that failed is the last one. */
  #mayGoOn(passage: Passage, tried: Exclude<Tried, { kind: 'answered' }>, leader: URL): void {
    const { passed, number } = passage;
    switch (tried.kind) {
      case 'again':
        passage.why = this.#whyFailing = 'the leader does not answer';
        this.#tell('warn', 'passing on to the leader failed', { leader: leader.origin, why: tried.why });
        if (tried.mayBeDone) passage.mayBeDone = true;
        if (tried.mayBeDone && passed.kind === 'once' && !passage.isGone) throw maybeDone();
        return;
      case 'forged':
        passage.why = this.#whyFailing = 'the leader refuses this member';
        this.#tell('error', 'the leader has another --cluster.secret-file', { leader: leader.origin });
        return;
      case 'replaced':
        // What was sent as one that may have been counted must not be sent as another one.
        if (passage.mayBeDone || number === undefined || !this.#numbers.replacedBy(tried.incarnation)) {
          throw this.#otherOfThisName();
        }
        passage.number = undefined;
    }
  }

  #otherOfThisName(): RequestError {
    const { member } = this.#deps;
    this.#tell('error', 'another process has the name of this member; give each its own --cluster.name', {
      member,
    });
    return new RequestError('no_leader', 'another member of the cluster has the same name; retry later');
  }

  async #wait(passage: Passage, ms: number): Promise<void> {
    const nowMs = this.#now();
    passage.troubledMs ??= nowMs;
    const timeoutMs = timeoutMsOf(passage.passed.request.headers) ?? Number.POSITIVE_INFINITY;
    const holdMs = Math.min(this.#deps.bounds.holdMs, timeoutMs);
    const leftMs = passage.troubledMs + holdMs - nowMs;
    if (leftMs <= 0) throw notInTime(passage.why);
    if (passage.isGone) throw new ClientGone();
    await this.#hold.wait(passage.held, Math.min(ms, leftMs));
  }

  #tell(level: 'warn' | 'error', message: string, fields: Readonly<Record<string, string>>): void {
    const nowMs = this.#now();
    if (nowMs < (this.#toldMs.get(message) ?? Number.NEGATIVE_INFINITY) + TOLD_EVERY_MS) return;
    this.#toldMs.set(message, nowMs);
    this.#deps.log[level](message, fields);
  }
}

function agentsOf(options: AgentOptions): Agents {
  return [new Agent(options), new TlsAgent(options)];
}

function notInTime(why: string): RequestError {
  return new RequestError(
    'no_leader',
    `no leader of the cluster could be reached in time: ${why}; retry later`,
  );
}

function maybeDone(): RequestError {
  return new RequestError(
    'no_leader',
    'the leader was lost before it answered, so this may have been done; look first, as with dry_run, then try again',
  );
}

function stopped(): RequestError {
  return new RequestError('shutting_down', 'the gateway is shutting down; retry later');
}
