/** From request to reply: finds the handler, runs it, and answers for what it throws. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

import type { GatewayApi } from '../gateway/api.ts';
import type { Telemetry } from '../gateway/telemetry.ts';
import { RequestError } from '../model/errors.ts';
import type { ErrorCode } from '../model/errors.ts';
import type { Log } from '../primitives/log.ts';
import { shorten } from '../primitives/quote.ts';
import { BodyIntake, ClientGone } from './body.ts';
import { Connection, RequestBudget } from './connection.ts';
import type { ConnectionRules } from './connection.ts';
import { corsPolicy } from './cors.ts';
import type { CorsPurpose } from './cors.ts';
import { pathOf } from './exchange.ts';
import type { Exchange } from './exchange.ts';
import { nosniff } from './headers.ts';
import { hostCheck } from './hosts.ts';
import type { HttpOptions } from './options.ts';
import { pageHandler } from './page.ts';
import { asRequestError, sendError } from './problem.ts';
import { preflightHandler, pushHandler, retireHandler } from './push.ts';
import type { PushDeps } from './push.ts';
import { RefusalLog } from './refusal-log.ts';
import { createRoutes, isPushMethod, HEALTHY_PATH, READY_PATH } from './routes.ts';
import type { Handler, HandlerName } from './routes.ts';
import { scrapeHandler } from './scrape.ts';

export interface HandlerDeps {
  readonly gateway: GatewayApi;
  readonly telemetry: Telemetry;
  readonly options: HttpOptions;
  readonly byJob: boolean;
  readonly log: Log;
  readonly version: string;
  /** False while what was kept is still being read in; true when left out. */
  readonly isReady?: () => boolean;
}

/** What the handler and the servers tell each other. */
export interface ServerState {
  stopping: boolean;
  /** Requests begun and not yet answered. */
  active: number;
}

export interface Dispatch {
  request(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void;
  /** What is known of a connection; made when first asked for. */
  connectionOf(socket: Socket): Connection;
}

/** A peer that takes nothing of its replies for so long is cut off. */
const STALL_TIMEOUT_MS = 60_000;

export function createDispatch(deps: HandlerDeps, state: ServerState): Dispatch {
  const { options, telemetry, log } = deps;
  const cors = corsPolicy(options.corsOrigins);
  const routes = createRoutes(options);
  const handlers = createHandlers(deps, state, { cors, routes, intake: new BodyIntake(options) });

  const checkHost = hostCheck(options.allowedHosts);

  const run = (exchange: Exchange): Promise<void> => {
    checkHost(exchange.request, exchange.path);
    if (state.stopping) {
      exchange.response.shouldKeepAlive = false;
      if (exchange.path !== HEALTHY_PATH && exchange.path !== READY_PATH) throw stopping();
    }
    const route = routes.find(exchange.request.method ?? 'GET', exchange.path);
    return handlers[route.handler](exchange);
  };
  const countRefusal = refusalCounter(telemetry, new RefusalLog(log));
  const answer = (exchange: Exchange, thrown: unknown): void => {
    const { request, response } = exchange;
    if (thrown instanceof ClientGone) {
      const code = exchange.connection.failureCode;
      if (code !== undefined) countRefusal(exchange, code, 'the body did not arrive whole');
      response.destroy();
      return;
    }
    const error = asRequestError(thrown, log);
    countRefusal(exchange, error.code, error.text);
    const headers = cors.headersFor(request.headers.origin, purposeOf(request.method));
    const allow = error.status === 405 ? ['Allow', routes.allowed(exchange.path).join(', ')] : [];
    sendError(request, response, error, [...headers, ...allow]);
  };
  const begin = (exchange: Exchange): void => {
    state.active += 1;
    // Each promise in a chain costs as much as a header: hence one `then` with both.
    const failed = (error: unknown): void => {
      state.active -= 1;
      answer(exchange, error);
      exchange.connection.handled();
    };
    try {
      run(exchange).then(() => {
        state.active -= 1;
        exchange.connection.handled();
      }, failed);
    } catch (error) {
      failed(error);
    }
  };
  const connectionOf = connectionsFor({
    requestsPerConnectionMax: options.requestsPerConnectionMax,
    stallTimeoutMs: STALL_TIMEOUT_MS,
    budget: new RequestBudget(options.requestsMax),
    begin,
    refuse: answer,
    brokenOff: (exchange, code) => countRefusal(exchange, code, 'the request did not arrive whole'),
  });
  return {
    connectionOf,
    request(request, response, expectsContinue) {
      const connection = connectionOf(request.socket);
      connection.take(exchangeOf(request, response, { expectsContinue, connection }));
    },
  };
}

function exchangeOf(
  request: IncomingMessage,
  response: ServerResponse,
  of: Pick<Exchange, 'expectsContinue' | 'connection'>,
): Exchange {
  const { expectsContinue, connection } = of;
  const path = pathOf(request.url ?? '/');
  const isPush = isPushMethod(request.method);
  return { request, response, path, isPush, expectsContinue, connection, budgeted: 0, bodyBytes: undefined };
}

type CountRefusal = (exchange: Exchange, code: ErrorCode, message: string) => void;

function refusalCounter(telemetry: Telemetry, refusals: RefusalLog): CountRefusal {
  return (exchange, code, message) => {
    const { request } = exchange;
    if (isPushMethod(request.method) && code !== 'not_found' && code !== 'method_not_allowed') {
      const announced = Number(request.headers['content-length'] ?? 0);
      telemetry.pushRefused(code, exchange.bodyBytes ?? announced);
    } else if (request.method !== 'DELETE') return;
    const remote = request.socket.remoteAddress;
    refusals.refused('push refused', { code, path: shorten(exchange.path), remote, message });
  };
}

function connectionsFor(rules: ConnectionRules): (socket: Socket) => Connection {
  const connections = new WeakMap<Socket, Connection>();
  return (socket) => {
    let connection = connections.get(socket);
    if (connection === undefined) {
      connection = new Connection(socket, rules);
      connections.set(socket, connection);
    }
    return connection;
  };
}

function createHandlers(
  deps: HandlerDeps,
  state: ServerState,
  shared: Omit<PushDeps, 'gateway' | 'state'>,
): Record<HandlerName, Handler> {
  const { gateway, telemetry, options, log } = deps;
  const pushDeps: PushDeps = { gateway, state, ...shared };
  return {
    push: pushHandler(pushDeps),
    retire: retireHandler(pushDeps),
    preflight: preflightHandler(pushDeps),
    scrape: scrapeHandler({ gateway, telemetry, log, cors: shared.cors }),
    telemetry: async (exchange) => {
      const page = await telemetry.page();
      sendText(exchange, page.body, page.contentType);
    },
    healthy: async (exchange) => sendText(exchange, 'OK\n'),
    ready: async (exchange) => {
      if (state.stopping || deps.isReady?.() === false) throw stopping();
      sendText(exchange, 'OK\n');
    },
    page: pageHandler({
      gateway,
      pushPath: options.pushPath,
      telemetryPath: options.telemetryPath,
      byJob: deps.byJob,
      version: deps.version,
    }),
  };
}

function purposeOf(method: string | undefined): CorsPurpose {
  if (method === 'DELETE') return 'retire';
  return isPushMethod(method) || method === 'OPTIONS' ? 'push' : 'read';
}

function sendText(exchange: Exchange, body: string, contentType = 'text/plain; charset=utf-8'): void {
  exchange.request.resume();
  exchange.response.writeHead(200, [
    'Content-Type',
    contentType,
    'Content-Length',
    String(Buffer.byteLength(body)),
    ...nosniff,
  ]);
  exchange.response.end(body);
}

function stopping(): RequestError {
  return new RequestError(
    'shutting_down',
    'the gateway is starting or stopping; send this again a little later',
  );
}
