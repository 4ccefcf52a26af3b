/** Pushes and deletes. The way of a good push is the hot path of the whole server: it makes no copies and few objects. */
import { checkSource } from '../../access/principal.ts';
import type { Principal } from '../../access/principal.ts';
import { takeBytes, takePush } from '../../access/tokens.ts';
import { RequestError } from '../../model/errors.ts';
import type { GatewayApi, PushOutcome } from '../../gateway/api.ts';
import type { Telemetry } from '../../gateway/telemetry/telemetry.ts';
import type { ForwardedFrom } from '../../wal/forwarded-command.ts';
import type { Log } from '../../primitives/log.ts';
import { shorten } from '../../primitives/quote.ts';
import type { BodyIntake } from '../bodies/body.ts';
import type { AddressOf } from '../senders/client-address.ts';
import type { CorsPolicy, FlatHeaders } from '../replies/cors.ts';
import type { Exchange } from '../connections/exchange.ts';
import { HttpClient } from '../senders/http-client.ts';
import { nosniff } from '../replies/headers.ts';
import { formatOf } from '../replies/media-type.ts';
import { explainMisread } from './misread.ts';
import { whoOf } from './audited.ts';
import { readPushKey } from './push-key.ts';
import { parsePushPath, PushPathReader } from './push-path.ts';
import type { Handler, Routes } from './routes.ts';
import { sendText } from '../replies/send-text.ts';

export interface PushDeps {
  readonly gateway: GatewayApi;
  readonly telemetry: Pick<Telemetry, 'pushedBy'>;
  readonly intake: BodyIntake;
  readonly cors: CorsPolicy;
  readonly routes: Routes;
  readonly state: { readonly stopping: boolean };
  readonly addressOf: AddressOf;
  readonly log: Log;
}

/** What is said with a 202, where the sender may think that something was done. */
export const NOTHING_DELETED =
  'nothing was deleted: in add mode the gateway does not track sources; see --by-job\n';
const NOTHING_DELETED_HERE =
  'nothing was deleted: pushes to this path are added, so the gateway does not track their source; see mode: by-job in the rules for sources\n';
const NOTHING_ADDED =
  'all samples of this push were ignored: summaries are dropped unless --push.summaries or a rule says sum-and-count, and so are NaN and infinite values\n';
const ALL_DROPPED =
  'all samples of this push were ignored: relabelling rules (metric_relabel_configs) or the metrics of the token drop them, or they are summaries, NaN or infinite values\n';
const ALL_BEYOND =
  'all samples of this push were ignored: its series are new, and beyond a series_max or new_series_per_hour of the rules; the others are summaries, NaN or infinite values, or dropped by rules\n';

export function pushHandler(deps: PushDeps): Handler {
  const { gateway, intake, cors, routes, addressOf } = deps;
  const accepted = acceptedLog(deps);
  const paths = new PushPathReader();
  return async (exchange) => {
    const { request, response, principal } = exchange;
    const headers = request.headers;
    const token = principal?.token;
    cors.check(headers.origin, 'push', headers.host, token?.rule.origins);
    const key = paths.read(routes.restOf(exchange.path));
    if (principal !== undefined) checkSource(principal, key);
    if (token !== undefined) takePush(token);
    const bytesMax = token?.rule.limits.body;
    const format = formatOf(headers['content-type']);
    const coding = intake.check(request, bytesMax);
    if (exchange.expectsContinue) response.writeContinue();
    const { firstAttemptAgeMs, ...pushKey } = readPushKey(headers, request.url ?? '');
    const idempotencyKey = ofSender(pushKey.idempotencyKey, principal);
    const begunMs = performance.now();
    const client = new HttpClient(request, addressOf);
    const received = await intake.receive(request, { coding, client, bytesMax }).catch((error: unknown) => {
      // A body that comes to nothing in the end was as much work.
      if (token !== undefined) takeBytes(token, Number(headers['content-length'] ?? bytesMax ?? 0));
      throw error;
    });
    const body = received.bytes();
    exchange.bodyBytes = body.length;
    if (token !== undefined) takeBytes(token, body.length);
    const wholeMs = performance.now();
    const tookMs = wholeMs - begunMs;
    let outcome: PushOutcome;
    try {
      outcome = await gateway.push({
        method: request.method === 'PUT' ? 'PUT' : 'POST',
        key,
        format,
        body,
        idempotencyKey,
        // The body took its time.
        firstAttemptAgeMs:
          firstAttemptAgeMs === undefined ? undefined : firstAttemptAgeMs + tookMs + heldMsOf(exchange),
        forwarded: forwardedFrom(exchange, tookMs),
        rights: token?.rule.series,
        allowance: token?.allowance,
        by: token?.rule.name ?? principal?.name,
        client,
      });
    } catch (error) {
      if (exchange.own?.isOvertaken(error) === true)
        return await exchange.own.passOn(body, performance.now() - wholeMs, error);
      throw format === 'text' ? explainMisread(error, body, headers['content-type']) : error;
    } finally {
      received.free();
    }
    // Not where another push follows whose reply would be lost with the connection.
    if (deps.state.stopping && exchange.connection?.isLast(exchange) !== false)
      response.shouldKeepAlive = false;
    const origin = cors.headersFor(headers.origin, 'push');
    if (token !== undefined) deps.telemetry.pushedBy(token.rule.name, 'accepted');
    accepted?.(exchange, outcome);
    if (outcome === 'dropped') sendText(response, 202, { text: NOTHING_ADDED, headers: origin });
    else if (outcome === 'dropped by rules') sendText(response, 202, { text: ALL_DROPPED, headers: origin });
    else if (outcome === 'dropped by limits') sendText(response, 202, { text: ALL_BEYOND, headers: origin });
    else
      sendAccepted(
        exchange,
        isReplay(outcome, exchange, idempotencyKey) ? [...origin, ...replayedHeaders] : origin,
      );
  };
}

export function retireHandler(deps: PushDeps): Handler {
  const { gateway, cors, routes } = deps;
  return async (exchange) => {
    const { principal } = exchange;
    const { origin, host } = exchange.request.headers;
    const origins = principal?.token?.rule.origins;
    cors.check(origin, 'retire', host, origins);
    const rest = routes.restOf(exchange.path);
    if (rest === '') {
      throw new RequestError(
        'invalid_path',
        'DELETE requires a job in the path, as in job/backup after the push path',
      );
    }
    const key = parsePushPath(rest);
    if (principal !== undefined) checkSource(principal, key);
    exchange.request.resume();
    const client = new HttpClient(exchange.request, deps.addressOf);
    const wholeMs = performance.now();
    let isTracked: boolean;
    try {
      isTracked = await gateway.delete(key, client, forwardedFrom(exchange, 0));
    } catch (error) {
      if (exchange.own?.isOvertaken(error) !== true) throw error;
      return exchange.own.passOn(undefined, performance.now() - wholeMs, error);
    }
    const outcome = isTracked ? 'retired' : 'nothing was deleted';
    const who = whoOf(exchange, deps.addressOf(exchange.request));
    gateway.insight.audited({ what: 'delete', who, detail: exchange.path, outcome });
    const headers = cors.headersFor(origin, 'retire', origins);
    const text = gateway.mode === 'mixed' ? NOTHING_DELETED_HERE : NOTHING_DELETED;
    if (isTracked) sendAccepted(exchange, headers);
    else sendText(exchange.response, 202, { text, headers });
  };
}

/** In a cluster, by which it counts once, and for how long the member that took it has had it; `tookMs` is how long it took to get here. */
function forwardedFrom(exchange: Exchange, tookMs: number): ForwardedFrom | undefined {
  const { vouched, own } = exchange;
  if (own !== undefined) return { key: own.key, heldMs: 0 };
  if (typeof vouched !== 'object' || vouched.key === undefined) return undefined;
  return { key: vouched.key, heldMs: vouched.heldMs + Math.floor(tookMs) };
}

function heldMsOf({ vouched }: Exchange): number {
  return typeof vouched === 'object' ? vouched.heldMs : 0;
}

/** One that only another member sent again is none that its sender knows of. */
function isReplay(outcome: PushOutcome, { vouched }: Exchange, idempotencyKey: string | undefined): boolean {
  return outcome === 'replayed' && (vouched === undefined || idempotencyKey !== undefined);
}

/** Answers OPTIONS of any push path, whether a browser asks before a push or a person does. */
export function preflightHandler(deps: PushDeps): Handler {
  const { cors, routes } = deps;
  return async ({ request, response, path }) => {
    const allow = routes.allowed(path).join(', ');
    request.resume();
    response.writeHead(204, [
      'Allow',
      allow,
      ...nosniff,
      ...cors.preflightHeadersFor(request.headers.origin),
    ]);
    response.end();
  };
}

/** Pages of other origins see no more of a reply than they are told they may. */
const replayedHeaders: FlatHeaders = [
  'Idempotency-Replayed',
  'true',
  'Access-Control-Expose-Headers',
  'Idempotency-Replayed',
];

/** What others push under the same key is none of a token's business: it neither stands for its push nor stands in its way. */
function ofSender(key: string | undefined, principal: Principal | undefined): string | undefined {
  // No key has a line break in it.
  return key === undefined || principal?.name === undefined ? key : `${principal.name}\n${key}`;
}

const acceptedMessages: Readonly<Record<PushOutcome, string>> = {
  applied: 'push accepted',
  replayed: 'push accepted',
  dropped: 'push accepted, but all of its samples were ignored',
  'dropped by rules': 'push accepted, but relabelling rules drop all of its samples',
  'dropped by limits': 'push accepted, but all of its series are new and beyond a limit',
  late: 'push accepted, but it is older than the one before it, so it was ignored',
};

/** Undefined where nobody reads it, so that a push pays nothing for it. */
function acceptedLog({
  log,
  addressOf,
}: PushDeps): ((exchange: Exchange, outcome: PushOutcome) => void) | undefined {
  if (log.isDebugEnabled !== true) return undefined;
  return ({ request, path, bodyBytes, principal }, outcome) =>
    log.debug(acceptedMessages[outcome], {
      method: request.method,
      path: shorten(path),
      remote: addressOf(request),
      by: principal?.name,
      bytes: bodyBytes,
      replayed: outcome === 'replayed' ? true : undefined,
    });
}

/** 202, never 200 or 204: some clients take nothing else. */
function sendAccepted(exchange: Exchange, headers: FlatHeaders): void {
  exchange.response.writeHead(202, ['Content-Length', '0', ...nosniff, ...headers]);
  exchange.response.end();
}
