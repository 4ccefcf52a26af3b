/**
 * One try to have the leader answer a request: it is sent, and the reply passed back as it comes, or, where it is short and a lost one is asked for
 * again, once it is whole.
 *
 * Only a member of the cluster says `Pag-Member` in its reply, and what it means:
 *
 *   answered       the reply is for the sender
 *   again          nothing was done, as this member does not lead (any more)
 *   unknown        it may have been done, as its log failed
 *   replaced N     this member's numbers are those of an earlier process
 *   forged         the seal is not that of this cluster
 */
import { request as httpRequest } from 'node:http';
import type { ClientRequest, IncomingMessage, RequestOptions, ServerResponse } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import type { Socket } from 'node:net';

import { replyHeaders } from './headers.ts';
import { MEMBER_HEADER } from './seal.ts';

/** What comes of a try. */
export type Tried =
  | { readonly kind: 'answered'; readonly status: number | undefined }
  /** `mayBeDone`: the leader may have had the request, and done what it asks for. */
  | { readonly kind: 'again'; readonly mayBeDone: boolean; readonly why: string }
  | { readonly kind: 'replaced'; readonly incarnation: number }
  | { readonly kind: 'forged' };

/** One that is under way. */
export interface Try {
  readonly done: Promise<Tried>;
  /** Whether a reply has come, and all that is left is to pass it on. */
  readonly isReplying: boolean;
  abandon(why: string): void;
  drop(): void;
}

export interface Sending {
  readonly leader: URL;
  readonly agent: RequestOptions['agent'];
  readonly method: string;
  readonly path: string;
  /** Names and values by turns, as they are when there is a connection: they say how old the request is. */
  readonly headers: () => readonly string[];
  readonly body: Uint8Array | undefined;
  /** Where the reply goes. */
  readonly response: ServerResponse;
  /** Whether nothing is written before the reply is whole. */
  readonly whole: boolean;
  /** It may have been done already, so that a refusal for want of room or rate says nothing of it. */
  readonly insists: boolean;
  /** How long connecting may take, and then the reply until its headers. */
  readonly connectMs: number;
  readonly replyMs: number;
}

/** Of replies that are collected: those to pushes and to admins are short. */
const WHOLE_BYTES_MAX = 1 << 20;

const HEADERS_TOO_LARGE = 431;

export class Attempt implements Try {
  readonly #sending: Sending;
  readonly #request: ClientRequest;
  #finish!: (tried: Tried) => void;
  readonly done: Promise<Tried>;
  #isConnected = false;
  #isOver = false;
  /** What comes of it is in the reply. */
  #isReplying = false;
  /** The reply has begun to go to the sender. */
  #hasBegun = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(sending: Sending) {
    this.#sending = sending;
    this.done = new Promise((resolve) => {
      this.#finish = (tried) => {
        this.#isOver = true;
        clearTimeout(this.#timer);
        resolve(tried);
      };
    });
    const { leader, agent, method, path } = sending;
    const hostname = leader.hostname.replace(/^\[(.*)\]$/, '$1');
    const request = (this.#request = (leader.protocol === 'https:' ? httpsRequest : httpRequest)({
      agent,
      hostname,
      port: leader.port === '' ? undefined : Number(leader.port),
      servername: isIP(hostname) === 0 ? hostname : '',
      method,
      path,
      setHost: false,
    }));
    request.on('socket', (socket: Socket) => this.#connecting(socket));
    request.on('response', (reply) => this.#replied(reply));
    request.on('error', (error) => {
      if (!this.#isReplying) this.#failed(shown(error));
    });
    request.on('close', () => {
      if (!this.#isReplying) this.#failed('the connection was closed');
    });
  }

  get isReplying(): boolean {
    return this.#isReplying;
  }

  /** The leader is another one by now. To no effect once the reply has begun. */
  abandon(why: string): void {
    if (this.#hasBegun) return;
    this.#failed(why);
    this.#request.destroy();
  }

  /** Nobody waits for the reply any more. */
  drop(): void {
    this.#failed('the sender has gone');
    this.#request.destroy();
  }

  #connecting(socket: Socket): void {
    const { connectMs } = this.#sending;
    // Also of the handshake of TLS.
    const isOpen = !socket.connecting && (this.#request.reusedSocket || !('encrypted' in socket));
    if (isOpen) this.#connected();
    else {
      this.#timer = setTimeout(
        () => this.abandon(`it did not take a connection in ${connectMs / 1000} s`),
        connectMs,
      );
      socket.once('encrypted' in socket ? 'secureConnect' : 'connect', () => this.#connected());
    }
  }

  #connected(): void {
    clearTimeout(this.#timer);
    if (this.#isOver) return;
    const { replyMs, headers, body } = this.#sending;
    this.#isConnected = true;
    try {
      const all = headers();
      for (let i = 0; i < all.length; i += 2) this.#request.appendHeader(all[i]!, all[i + 1]!);
      this.#request.end(body);
    } catch (error) {
      this.abandon(`the request cannot be sent: ${(error as Error).message}`);
      return;
    }
    this.#timer = setTimeout(() => this.abandon(`it did not answer in ${replyMs / 1000} s`), replyMs);
  }

  #failed(why: string): void {
    this.#finish({ kind: 'again', mayBeDone: this.#isConnected, why });
  }

  #replied(reply: IncomingMessage): void {
    clearTimeout(this.#timer);
    const [said, number] = String(reply.headers[MEMBER_HEADER] ?? '').split(' ');
    if (this.#isOver) {
      reply.destroy();
      return;
    }
    // The parser of a member says it, which knows nothing of members.
    if (said === 'answered' || reply.statusCode === HEADERS_TOO_LARGE) {
      this.#isReplying = true;
      if (this.#sending.whole) void this.#passWhole(reply);
      else this.#passOn(reply);
      return;
    }
    reply.on('error', () => undefined);
    reply.resume();
    if (said === 'replaced') this.#finish({ kind: 'replaced', incarnation: Number(number) });
    else if (said === 'forged') this.#finish({ kind: 'forged' });
    else if (said === 'again') this.#finish({ kind: 'again', mayBeDone: false, why: 'it does not lead' });
    else if (said === 'unknown') this.#failed('its log failed');
    else this.#failed(`what answers there is no member of the cluster (status ${reply.statusCode})`);
  }

  async #passWhole(reply: IncomingMessage): Promise<void> {
    const parts: Buffer[] = [];
    let bytes = 0;
    try {
      for await (const part of reply as AsyncIterable<Buffer>) {
        bytes += part.length;
        if (bytes > WHOLE_BYTES_MAX) throw new Error('its reply is too long');
        parts.push(part);
      }
    } catch (error) {
      this.abandon(`its reply is incomplete: ${(error as Error).message}`);
      return;
    }
    const { response, insists } = this.#sending;
    if (this.#isOver) return;
    if (insists && (reply.statusCode === 429 || reply.statusCode === 503)) {
      this.#failed(`it answers ${reply.statusCode}`);
      return;
    }
    this.#hasBegun = true;
    // The body is free for others once this is over.
    if (!this.#request.writableFinished) this.#request.destroy();
    if (!response.destroyed) {
      response.writeHead(reply.statusCode!, replyHeaders(reply));
      response.end(Buffer.concat(parts));
    }
    this.#finish({ kind: 'answered', status: reply.statusCode });
  }

  #passOn(reply: IncomingMessage): void {
    const { response } = this.#sending;
    this.#hasBegun = true;
    const finish = (): void => this.#finish({ kind: 'answered', status: reply.statusCode });
    // What is cut off must not pass for whole.
    const cut = (): void => {
      if (!response.writableFinished) {
        response.socket?.resetAndDestroy();
        response.destroy();
      }
      finish();
    };
    reply.once('error', cut);
    reply.once('close', () => {
      if (!reply.complete) cut();
    });
    response.once('finish', finish);
    response.once('close', finish);
    if (response.destroyed) {
      this.drop();
      return;
    }
    response.writeHead(reply.statusCode!, replyHeaders(reply));
    reply.pipe(response);
  }
}

/** In one line: of OpenSSL messages have several, and its code says as much. */
function shown({ code, message }: NodeJS.ErrnoException): string {
  return code?.startsWith('ERR_SSL') === true ? code : message.split('\n', 1)[0]!;
}
