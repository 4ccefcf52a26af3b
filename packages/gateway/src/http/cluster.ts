/**
 * A request in a cluster: answered here, or passed on to the member that leads.
 *
 *   from a sender   let in as ever, then answered where this member leads, and else passed on
 *   from a member   as it says who sends it, answered where this member leads, and else refused, so that nothing goes round
 *
 * Health, own metrics, reloads and what a browser asks before it sends are of each member.
 */
import type { IncomingMessage } from 'node:http';

import type { Principal } from '../access/principal.ts';
import type { Forwarder, Passed } from '../cluster/forward/forwarder.ts';
import type { Numbered } from '../cluster/forward/numbers.ts';
import type { Seal, Vouched, Who } from '../cluster/forward/seal.ts';
import { MEMBER_HEADER } from '../cluster/forward/seal.ts';
import { MemberReplaced } from '../gateway/pushes/forwarded.ts';
import { RequestError } from '../model/errors.ts';
import type { ForwardedKey } from '../store/forwarded.ts';
import type { BodyIntake } from './bodies/body.ts';
import type { Exchange, OwnNumber } from './connections/exchange.ts';
import type { FlatHeaders } from './replies/cors.ts';
import { asksForHtml } from './routes/page.ts';
import { queryOf, valueOf } from './routes/parameters.ts';
import type { Handler, HandlerName } from './routes/routes.ts';
import type { AddressOf } from './senders/client-address.ts';
import { HttpClient } from './senders/http-client.ts';
import { senderOf } from './senders/sender.ts';

/** What the HTTP layer asks of the cluster. */
export interface ClusterDoor {
  /** Of this member. */
  readonly name: string;
  /** Whether this member answers: it leads, and its state is whole. Asked for each request. */
  readonly leads: () => boolean;
  readonly forwarder: Forwarder;
  readonly seal: Seal;
}

type Kind = Passed['kind'];

interface MemberRequests {
  /** What a member says of a request. */
  readonly open: (request: IncomingMessage) => Exchange['vouched'];
  /** Where it comes from, as the member says that passed it on. */
  readonly addressOf: AddressOf;
}

export function memberRequests(door: ClusterDoor | undefined, directly: AddressOf): MemberRequests {
  if (door === undefined) return { open: () => undefined, addressOf: directly };
  const vouchedFor = new WeakMap<IncomingMessage, Vouched>();
  return {
    open(request) {
      const vouched = door.seal.open(request);
      if (typeof vouched === 'object') vouchedFor.set(request, vouched);
      return vouched;
    },
    addressOf(request) {
      const vouched = vouchedFor.get(request);
      return vouched === undefined ? directly(request) : vouched.address;
    },
  };
}

/** Those of the leader. */
const kinds: Readonly<Partial<Record<HandlerName, Kind>>> = {
  push: 'counted',
  retire: 'counted',
  scrape: 'read',
  deleteSeries: 'once',
  deleteSources: 'once',
  wipe: 'once',
  listMetadata: 'read',
  listLabels: 'read',
  listValues: 'read',
  listSeries: 'read',
  tsdbStatus: 'read',
  refusals: 'read',
  watch: 'read',
  families: 'read',
  listSources: 'read',
  family: 'read',
  validate: 'read',
  explain: 'read',
  watchSenders: 'read',
  history: 'read',
  scrapers: 'read',
  audit: 'read',
  limits: 'read',
  rules: 'read',
  pushedMetrics: 'read',
  page: 'read',
};

const FORM_BYTES_MAX = 64 * 1024;
const CHECK_AGAIN_MS = 15_000;

/** Of which each member has its own as well, as it refuses what it does not pass on: `member=self` asks for that of this one. */
const ofEach: ReadonlySet<HandlerName> = new Set(['refusals', 'scrapers', 'audit']);

function isOfThisMember({ request }: Exchange, handler: HandlerName): boolean {
  // It has no data, and says itself what is wrong where nobody leads.
  if (handler === 'page') return asksForHtml(request);
  return ofEach.has(handler) && valueOf(queryOf(request), 'member') === 'self';
}

/** How to pass a request on; undefined where it is to be answered here. Throws RequestError where it is neither. */
export function wayOf(
  door: ClusterDoor | undefined,
  exchange: Exchange,
  handler: HandlerName,
): Kind | undefined {
  const { vouched } = exchange;
  const kind = kinds[handler];
  if (door === undefined || kind === undefined || door.leads()) return undefined;
  if (isOfThisMember(exchange, handler)) return undefined;
  if (vouched === undefined) return kind;
  throw new RequestError('not_leading', 'this member of the cluster does not lead; ask the one that does');
}

export interface PassDeps {
  readonly forwarder: Forwarder;
  /** Called when the server stops. */
  readonly onStop: Set<() => void>;
  /** Rejects where who asks may not read any more. */
  readonly checkAgain: (exchange: Exchange) => Promise<void>;
  readonly intake: BodyIntake;
  readonly addressOf: AddressOf;
}

function passedOf(
  { addressOf }: Pick<PassDeps, 'addressOf'>,
  { request, response, principal }: Exchange,
  kind: Kind,
): Omit<Passed, 'body'> {
  const address = addressOf(request);
  return { request, response, kind, sender: senderOf(address), address, who: whoIs(principal) };
}

/** Has the leader answer. The body is received whole first, and goes on as it was sent. */
export async function passOn(
  deps: PassDeps,
  exchange: Exchange,
  { handler, kind }: { readonly handler: HandlerName; readonly kind: Kind },
): Promise<void> {
  if (handler === 'watch') return passStreamOn(deps, exchange);
  const { forwarder, intake, addressOf } = deps;
  const { request, response, principal } = exchange;
  const client = new HttpClient(request, addressOf);
  const passed = passedOf({ addressOf }, exchange, kind);
  if (request.method !== 'POST' && request.method !== 'PUT') {
    request.resume();
    return forwarder.pass({ ...passed, body: undefined });
  }
  const isBody = handler === 'push' || handler === 'validate';
  const bytesMax = isBody ? principal?.token?.rule.limits.body : FORM_BYTES_MAX;
  intake.check(request, bytesMax);
  if (exchange.expectsContinue) response.writeContinue();
  const received = await intake.receive(request, { coding: undefined, client, bytesMax });
  try {
    const body = received.bytes();
    exchange.bodyBytes = body.length;
    await forwarder.pass({ ...passed, body });
  } finally {
    received.free();
  }
}

/** What goes on for as long as who asks may read, another member does not lead, and this one does not stop. */
async function passStreamOn(deps: PassDeps, exchange: Exchange): Promise<void> {
  const { forwarder, onStop, checkAgain } = deps;
  const { request, response } = exchange;
  const stop = (): void => {
    response.destroy();
  };
  const timer = setInterval(() => void checkAgain(exchange).catch(stop), CHECK_AGAIN_MS).unref();
  onStop.add(stop);
  request.resume();
  try {
    await forwarder.pass({ ...passedOf(deps, exchange, 'read'), body: undefined, isStream: true });
  } finally {
    clearInterval(timer);
    onStop.delete(stop);
  }
}

/**
 * Answers a request here. Where it came from its sender, and this member turns out not to lead any more before it was answered, it is passed on:
 * what changes something with the number that it got here, so that it counts once.
 */
export function answerHere(
  deps: PassDeps & ClusterDoor,
  exchange: Exchange,
  { name, handler }: { readonly name: HandlerName; readonly handler: Handler },
): Promise<void> {
  const kind = kinds[name];
  if (kind === undefined || kind === 'once' || exchange.vouched !== undefined) return handler(exchange);
  if (kind === 'counted') return answerCounted(deps, exchange, handler);
  return handler(exchange).catch((error: unknown) => {
    const { method } = exchange.request;
    const isAgain = isOvertaken(error) && !deps.leads() && !exchange.response.headersSent;
    if (!isAgain || (method !== 'GET' && method !== 'HEAD')) throw error;
    return passOn(deps, exchange, { handler: name, kind });
  });
}

async function answerCounted(deps: PassDeps, exchange: Exchange, handler: Handler): Promise<void> {
  const { forwarder } = deps;
  const number = forwarder.take();
  if (number === undefined) return handler(exchange);
  exchange.own = new Own(deps, exchange, number);
  try {
    await handler(exchange);
  } finally {
    const { request, response } = exchange;
    forwarder.settle(number, response.statusCode === 202 && request.method !== 'DELETE');
  }
}

class Own implements OwnNumber {
  readonly #deps: PassDeps;
  readonly #exchange: Exchange;
  readonly #number: Numbered;

  constructor(deps: PassDeps, exchange: Exchange, number: Numbered) {
    this.#deps = deps;
    this.#exchange = exchange;
    this.#number = number;
  }

  get key(): ForwardedKey {
    return this.#deps.forwarder.keyOf(this.#number);
  }

  isOvertaken(error: unknown): boolean {
    return isOvertaken(error);
  }

  passOn(body: Uint8Array | undefined, heldMs: number, error: unknown): Promise<void> {
    const passed = { ...passedOf(this.#deps, this.#exchange, 'counted'), body, isDecoded: true };
    const known = error instanceof MemberReplaced ? error.incarnation : undefined;
    return this.#deps.forwarder.passAgain(passed, { number: this.#number, heldMs, known });
  }
}

/** Whether an error may come of another member having taken over. */
export function isOvertaken(error: unknown): boolean {
  return (
    error instanceof RequestError &&
    ['storage_failed', 'shutting_down', 'not_leading', 'member_replaced'].includes(error.code)
  );
}

function whoIs(principal: Principal | undefined): Who {
  return { token: principal?.token?.rule.sha256, user: principal?.user, isAmbient: principal?.isAmbient };
}

/** What a member is to make of an answer, as a header; nothing for senders. See cluster/forward/attempt.ts. */
export function memberHeaders({ vouched }: Pick<Exchange, 'vouched'>, error?: RequestError): FlatHeaders {
  return vouched === undefined ? [] : [MEMBER_HEADER, meaningOf(vouched, error)];
}

function meaningOf(vouched: Vouched | 'forged', error: RequestError | undefined): string {
  if (vouched === 'forged') return 'forged';
  if (error instanceof MemberReplaced) return `replaced ${error.incarnation}`;
  switch (error?.code) {
    case 'not_leading':
    case 'shutting_down':
      return 'again';
    case 'storage_failed':
      return 'unknown';
    default:
      return 'answered';
  }
}

/** Whether the sender gets another answer than this error. */
export function isOfMember(exchange: Exchange, error: RequestError): boolean {
  const [, meaning = 'answered'] = memberHeaders(exchange, error);
  return meaning !== 'answered';
}

export function forged(): RequestError {
  return new RequestError(
    'forbidden',
    `the header ${MEMBER_HEADER} is for members of the cluster, and this one is not sealed with its secret; give all members the same --cluster.secret-file, and leave the header out otherwise`,
  );
}
