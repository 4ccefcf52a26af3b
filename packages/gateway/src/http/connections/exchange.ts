import type { IncomingMessage, ServerResponse } from 'node:http';

import type { Principal } from '../../access/principal.ts';
import type { Vouched } from '../../cluster/forward/seal.ts';
import type { ForwardedKey } from '../../store/forwarded.ts';
import type { ErrorCode } from '../../model/errors.ts';
import type { Role } from '../../model/roles.ts';

/** What handlers ask of the connection that a request came on. */
interface RequestConnection {
  /** Why it broke off, if it did. */
  readonly failureCode: ErrorCode | undefined;
  /** The handler of the request is done; its reply may still be on its way. */
  handled(exchange: Exchange): void;
  /** Whether no request came after this one, so that its reply may end the connection. */
  isLast(exchange: Exchange): boolean;
}

/** Of a push or delete that the leader of a cluster took from its sender: see http/cluster.ts. */
export interface OwnNumber {
  readonly key: ForwardedKey;
  /** Whether another member may lead by now, so that this error is not for the sender. */
  isOvertaken(error: unknown): boolean;
  /** Has the one that leads answer; `body` is decompressed, and it is `heldMs` ago that it was whole. */
  passOn(body: Uint8Array | undefined, heldMs: number, error: unknown): Promise<void>;
}

/** One request on its way through the handlers, and its reply. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Raw path without the query, behind the prefix of all paths; empty where it does not begin with that. */
  readonly path: string;
  /** What is served where it came in; undefined for everything. */
  readonly served: ReadonlySet<Role> | undefined;
  /** What the member of the cluster says that passed it on; undefined for a request of a sender. */
  readonly vouched: Vouched | 'forged' | undefined;
  /** Undefined where it came by way of another member, or changes nothing, and without a cluster. */
  own: OwnNumber | undefined;
  /** Pushes of one connection may run together. */
  readonly isPush: boolean;
  /** Who sends it, once that is known; undefined where everybody may do everything. */
  principal: Principal | undefined;
  /** The client waits for `100 Continue` before it sends the body. */
  readonly expectsContinue: boolean;
  /** Undefined where many requests share a connection without an order, as in HTTP/2. */
  readonly connection: RequestConnection | undefined;
  /** Taken from the budget of requests that were sent ahead. */
  budgeted: number;
  /** Its handler is done. */
  isHandled: boolean;
  /** Of the body, decompressed, once it is known. */
  bodyBytes: number | undefined;
}

/** The path of a request target, raw. Proxies may send the absolute form, RFC 9112, section 3.2.2. */
export function pathOf(target: string): string {
  const query = target.indexOf('?');
  const path = query === -1 ? target : target.slice(0, query);
  if (path.startsWith('/')) return path;
  const authority = path.indexOf('://');
  if (authority === -1) return path;
  const start = path.indexOf('/', authority + 3);
  return start === -1 ? '/' : path.slice(start);
}
