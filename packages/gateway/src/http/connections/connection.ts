/**
 * What one connection may do at a time.
 *
 * Pushes of one connection run together, as each waits for the disk. Anything else begins only when every reply before it
 * has been taken, and nothing begins beside it: what is not read is not made. Requests that may not begin yet wait in
 * their order, and nothing more is read until they have begun. By then the parser has found all requests of the packet,
 * which may be thousands of tiny ones; so each after the first takes from a budget of all connections, and one too many is
 * answered 503, after the replies before it, and ends the connection.
 */
import type { Socket } from 'node:net';

import { RequestError } from '../../model/errors.ts';
import type { ErrorCode } from '../../model/errors.ts';
import { brokenOff } from '../replies/client-error.ts';
import type { ClientErrorReply } from '../replies/client-error.ts';
import type { Exchange } from './exchange.ts';

/** What the connections of all servers have in common. */
export interface ConnectionRules {
  /** Pushes begun and not yet answered. */
  readonly requestsPerConnectionMax: number;
  /** A peer that takes nothing of its replies for so long is cut off. */
  readonly stallTimeoutMs: number;
  /** For requests that come while others of their connection are not answered. */
  readonly budget: RequestBudget;
  begin(exchange: Exchange): void;
  /** Answers a request that did not begin. */
  refuse(exchange: Exchange, error: RequestError): void;
  /** A request broke off before it had begun. */
  brokenOff(exchange: Exchange, code: ErrorCode): void;
}

/** So many times as many as may have begun may also wait. */
const WAITING_FACTOR = 4;

/** Requests that come after one whose reply ends the connection; with more of them it is cut off at once. */
const IGNORED_MAX = 8;

/** What one of the budget's requests stands for. One that waits holds at most the 64 KiB of one packet. */
const BUDGETED_BODY_BYTES = 32 * 1024;

/** How long a sender may go on after the last reply, so that it gets to read it, before the connection is closed. */
const LINGER_MS = 1_000;

export class RequestBudget {
  #left: number;

  constructor(requestsMax: number) {
    this.#left = requestsMax;
  }

  get left(): number {
    return this.#left;
  }

  take(requests: number): boolean {
    if (this.#left < requests) return false;
    this.#left -= requests;
    return true;
  }

  give(requests: number): void {
    this.#left += requests;
  }
}

interface Failure {
  readonly code: ErrorCode | undefined;
  reply: string;
}

export class Connection {
  readonly #socket: Socket;
  readonly #rules: ConnectionRules;
  /** Begun and, as far as is known, not answered. A request that is not a push is alone here. */
  readonly #begun: Exchange[] = [];
  readonly #waiting: Exchange[] = [];
  /** A reply has gone out after which the connection ends. */
  #closing = false;
  #isClosed = false;
  /** A request has been answered 503; the reply comes after those before it, and ends the connection. */
  #refused = false;
  #ignored = 0;
  #holding = false;
  #mayHold = false;
  #advancing = false;
  #advanceScheduled = false;
  #awaited: Exchange | undefined;
  #failure: Failure | undefined;
  #unsentMark = 0;
  #stalledSinceMs: number | undefined;

  constructor(socket: Socket, rules: ConnectionRules) {
    this.#socket = socket;
    this.#rules = rules;
  }

  /** Why the connection broke off, if it did. */
  get failureCode(): ErrorCode | undefined {
    return this.#failure?.code;
  }

  /** Begins the request now or later, or answers it with 503, or drops it where the connection ends before its turn. */
  take(exchange: Exchange): void {
    this.#forgetAnswered();
    if (this.#begun.length > 0 || this.#waiting.length > 0 || this.#closing || this.#refused) {
      this.#takePipelined(exchange);
      return;
    }
    this.#begun.push(exchange);
    this.#rules.begin(exchange);
  }

  /** The handler of the request is done; its reply may still be on its way. */
  handled(exchange: Exchange): void {
    exchange.isHandled = true;
    if (this.#isClosed) this.#giveBack(exchange);
    // So that an idle connection keeps no request.
    else this.#forgetAnswered();
  }

  /** Whether no request came after this one, so that its reply may end the connection. */
  isLast(exchange: Exchange): boolean {
    return this.#waiting.length === 0 && this.#begun.at(-1) === exchange;
  }

  /**
   * What came is no request, or not a whole one. Requests before it are answered first, as they may have counted; then comes
   * this reply, and the connection ends.
   */
  fail({ code, reply }: ClientErrorReply): void {
    if (this.#failure !== undefined) return;
    this.#failure = { code, reply };
    this.#forgetAnswered();
    const last = this.#waiting.at(-1) ?? this.#begun.at(-1);
    if (last !== undefined && !last.request.complete) this.#breakOff(last, this.#failure);
    this.#advance();
  }

  /**
   * The peer sends no more. A sender still waits for the replies to its pushes; any other has gone, and what is being made for
   * it would be made for nobody.
   */
  peerEnded(): void {
    this.#forgetAnswered();
    if (this.#begun[0]?.isPush !== true) this.#socket.end();
    // Of a body after an Upgrade, Node does not say that it broke off.
    else if (this.#begun.at(-1)?.request.complete === false) this.fail(brokenOff);
  }

  /** What has begun and still waits for its turn counts until it has had it. */
  closed(): void {
    for (const exchange of this.#begun) if (exchange.isHandled) this.#giveBack(exchange);
    for (const exchange of this.#waiting) this.#giveBack(exchange);
    this.#begun.length = 0;
    this.#waiting.length = 0;
    this.#closing = true;
    this.#isClosed = true;
  }

  /** Called every few seconds. Cuts the connection off when its peer has taken nothing for too long. */
  sweep(nowMs: number): void {
    this.#forgetAnswered();
    const unsent = this.#socket.writableLength;
    if (unsent === 0) {
      this.#stalledSinceMs = undefined;
      return;
    }
    const mark = takenBytes(this.#socket);
    if (this.#stalledSinceMs === undefined || mark !== this.#unsentMark) {
      this.#stalledSinceMs = nowMs;
      this.#unsentMark = mark;
    } else if (nowMs - this.#stalledSinceMs >= this.#rules.stallTimeoutMs) {
      resetConnection(this.#socket);
    }
  }

  #takePipelined(exchange: Exchange): void {
    if (this.#endsBefore()) {
      this.#ignore(exchange);
      return;
    }
    const { requestsPerConnectionMax, budget } = this.#rules;
    const pipelined = this.#begun.length + this.#waiting.length;
    const requests = budgetedRequests(exchange);
    if (pipelined >= requestsPerConnectionMax * (1 + WAITING_FACTOR) || !budget.take(requests)) {
      this.#refused = true;
      exchange.response.shouldKeepAlive = false;
      this.#rules.refuse(exchange, tooManyPipelined());
      return;
    }
    exchange.budgeted = requests;
    if (this.#waiting.length === 0 && this.#mayBegin(exchange)) {
      this.#begun.push(exchange);
      this.#rules.begin(exchange);
      return;
    }
    this.#waiting.push(exchange);
    this.#hold();
    this.#awaitReply();
  }

  /** Whether the connection ends with a reply that is before the next request. */
  #endsBefore(): boolean {
    const last = this.#waiting.at(-1) ?? this.#begun.at(-1);
    return this.#closing || this.#refused || last?.response.shouldKeepAlive === false;
  }

  #ignore({ request }: Exchange): void {
    request.resume();
    this.#ignored += 1;
    if (this.#ignored > IGNORED_MAX) this.#socket.destroy();
  }

  #mayBegin(exchange: Exchange): boolean {
    const [first] = this.#begun;
    if (first === undefined) return true;
    return exchange.isPush && first.isPush && this.#begun.length < this.#rules.requestsPerConnectionMax;
  }

  /** Begins what waits, as far as it may, and ends a connection that has failed once all is answered. */
  #advance(): void {
    if (this.#advancing) return;
    this.#advancing = true;
    this.#forgetAnswered();
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (this.#endsBegun()) this.#dropWaiting();
      else if (this.#mayBegin(next)) {
        this.#waiting.shift();
        this.#begun.push(next);
        this.#rules.begin(next);
      } else break;
    }
    this.#advancing = false;
    if (this.#waiting.length === 0) this.#release();
    if (this.#waiting.length > 0 || this.#failure !== undefined) this.#awaitReply();
  }

  #endsBegun(): boolean {
    return this.#closing || this.#begun.at(-1)?.response.shouldKeepAlive === false;
  }

  #dropWaiting(): void {
    for (const exchange of this.#waiting) {
      this.#giveBack(exchange);
      exchange.request.resume();
    }
    this.#waiting.length = 0;
  }

  /** Comes back when the oldest reply has been taken: in a turn of its own, as each may cost much of one. */
  #awaitReply(): void {
    this.#forgetAnswered();
    const [first] = this.#begun;
    if (first === undefined) {
      if (this.#waiting.length === 0) this.#end();
      else this.#advanceSoon();
    } else if (first !== this.#awaited) {
      this.#awaited = first;
      first.response.once('finish', () => this.#advanceSoon());
    }
  }

  #advanceSoon(): void {
    if (this.#advanceScheduled) return;
    this.#advanceScheduled = true;
    setImmediate(() => {
      this.#advanceScheduled = false;
      this.#advance();
    });
  }

  #forgetAnswered(): void {
    if (this.#begun.length === 0) return;
    for (let first = this.#begun[0]; first?.response.writableFinished === true; first = this.#begun[0]) {
      this.#begun.shift();
      this.#giveBack(first);
      if (!first.response.shouldKeepAlive) this.#closing = true;
    }
  }

  #giveBack(exchange: Exchange): void {
    if (exchange.budgeted === 0) return;
    this.#rules.budget.give(exchange.budgeted);
    exchange.budgeted = 0;
  }

  /** Reads no more until `#release`. */
  #hold(): void {
    if (this.#holding) return;
    this.#holding = true;
    if (!this.#mayHold) {
      this.#mayHold = true;
      // Node resumes the socket at the end of each request, and when somebody reads a body.
      this.#socket.on('resume', () => {
        if (this.#holding) this.#socket.pause();
      });
    }
    this.#socket.pause();
  }

  #release(): void {
    if (!this.#holding) return;
    this.#holding = false;
    this.#socket.resume();
  }

  /** The last request will never be whole. */
  #breakOff(last: Exchange, failure: Failure): void {
    if (this.#waiting.at(-1) === last) {
      this.#waiting.pop();
      this.#giveBack(last);
      if (failure.code !== undefined) this.#rules.brokenOff(last, failure.code);
    } else if (last.isPush && !last.response.headersSent) {
      // The failure is its reply.
      this.#begun.pop();
      this.#giveBack(last);
    } else {
      // Its own reply has begun, or does not depend on the body.
      failure.reply = '';
    }
  }

  #end(): void {
    const socket = this.#socket;
    if (this.#closing || this.#refused || this.#failure === undefined || !socket.writable) return;
    this.#closing = true;
    socket.end(this.#failure.reply);
    // Closing a socket while unread bytes lie in it resets the connection, and the sender loses the reply with it.
    socket.resume();
    const timer = setTimeout(() => socket.destroy(), LINGER_MS);
    socket.once('close', () => clearTimeout(timer));
  }
}

function budgetedRequests({ request }: Exchange): number {
  if (request.headers['transfer-encoding'] !== undefined) return 2;
  return Number(request.headers['content-length'] ?? 0) > BUDGETED_BODY_BYTES ? 2 : 1;
}

/** Grows as the peer takes something, also while one long write is under way. */
function takenBytes(socket: Socket): number {
  const { _handle: handle } = socket as { readonly _handle?: { readonly writeQueueSize?: number } | null };
  return socket.bytesWritten - socket.writableLength - (handle?.writeQueueSize ?? 0);
}

/** Lets go at once of all that the peer has not taken. */
function resetConnection(socket: Socket): void {
  if ('encrypted' in socket) socket.destroy();
  else socket.resetAndDestroy();
}

function tooManyPipelined(): RequestError {
  return new RequestError('overloaded', 'too many pipelined requests; wait for replies before sending more');
}
