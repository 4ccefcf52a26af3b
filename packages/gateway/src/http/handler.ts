/** From request to reply: finds the handler, runs it, and answers for what it throws. */
import type { IncomingMessage, ServerResponse } from 'node:http';

import type { GatewayApi } from '../gateway/api.ts';
import type { Telemetry } from '../gateway/telemetry/telemetry.ts';
import { ClientGone } from '../model/client-gone.ts';
import { RequestError } from '../model/errors.ts';
import type { ErrorCode } from '../model/errors.ts';
import type { Log } from '../primitives/log.ts';
import { shorten } from '../primitives/quote.ts';
import { BodyIntake } from './bodies/body.ts';
import { clientAddresses } from './senders/client-address.ts';
import { RequestBudget } from './connections/connection.ts';
import { Connections, REPLY_STALL_TIMEOUT_MS } from './connections/connections.ts';
import { corsPolicy } from './replies/cors.ts';
import type { CorsPurpose } from './replies/cors.ts';
import { pathOf } from './connections/exchange.ts';
import type { Exchange } from './connections/exchange.ts';
import { adminHandlers } from './routes/admin.ts';
import { hostPolicy, isHttp2 } from './routes/hosts.ts';
import { madeOnceATurn } from './routes/once-a-turn.ts';
import type { HttpOptions } from './options.ts';
import { pageHandler } from './routes/page.ts';
import { asRequestError, sendError } from './replies/problem.ts';
import { preflightHandler, pushHandler, retireHandler } from './routes/push.ts';
import type { PushDeps } from './routes/push.ts';
import { reloadHandler } from './routes/reload.ts';
import { RefusalLog } from './replies/refusal-log.ts';
import { senderOf } from './senders/sender.ts';
import { createRoutes, isPush, HEALTHY_PATH, READY_PATH } from './routes/routes.ts';
import type { Handler, HandlerName } from './routes/routes.ts';
import { scrapeHandler } from './routes/scrape.ts';
import { sendText } from './replies/send-text.ts';
import type { TextReply } from './replies/send-text.ts';

export interface HandlerDeps {
  readonly gateway: GatewayApi;
  readonly telemetry: Telemetry;
  readonly options: HttpOptions;
  readonly log: Log;
  readonly version: string;
  /** What is answered to who asks for readiness; it is ready when that is undefined, or this is left out. */
  readonly whyNotReady?: () => RequestError | undefined;
  /** Reloads the configuration file, and resolves with what to answer; left out where that is not enabled. */
  readonly reload?: (() => Promise<string>) | undefined;
}

/** What the handler and the servers tell each other. */
export interface ServerState {
  stopping: boolean;
  /** Requests begun and not yet answered. */
  active: number;
}

export interface Dispatcher {
  readonly dispatch: (request: IncomingMessage, response: ServerResponse, expectsContinue: boolean) => void;
  readonly connections: Connections;
}

export function createDispatcher(deps: HandlerDeps, state: ServerState): Dispatcher {
  const { options } = deps;
  const hosts = hostPolicy(options.allowedHosts);
  const cors = corsPolicy(options.corsOrigins);
  const routes = createRoutes(options);
  const addressOf = clientAddresses(options.trustedProxies);
  const { answer, brokenOff } = createRefusals(deps, { cors, routes, addressOf });
  const handlers = createHandlers(deps, state, {
    cors,
    routes,
    addressOf,
    intake: new BodyIntake(options),
  });

  const run = (exchange: Exchange): Promise<void> => {
    hosts.check(exchange.request, exchange.path);
    if (state.stopping) {
      exchange.response.shouldKeepAlive = false;
      if (exchange.path !== HEALTHY_PATH && exchange.path !== READY_PATH) throw stopping();
    }
    const route = routes.find(exchange.request.method ?? 'GET', exchange.path);
    return handlers[route.handler](exchange);
  };
  const begin = (exchange: Exchange): void => {
    state.active += 1;
    const done = (): void => {
      state.active -= 1;
      exchange.connection?.handled(exchange);
    };
    // Each promise in a chain costs as much as a header: hence one `then` with both.
    const failed = (error: unknown): void => {
      answer(exchange, error);
      done();
    };
    try {
      run(exchange).then(done, failed);
    } catch (error) {
      failed(error);
    }
  };
  const connections = new Connections({
    requestsPerConnectionMax: options.requestsPerConnectionMax,
    stallTimeoutMs: REPLY_STALL_TIMEOUT_MS,
    budget: new RequestBudget(options.requestsMax),
    begin,
    refuse: answer,
    brokenOff,
  });
  return {
    connections,
    dispatch(request, response, expectsContinue) {
      const connection = isHttp2(request) ? undefined : connections.of(request.socket);
      const path = pathOf(request.url ?? '/');
      const exchange: Exchange = {
        request,
        response,
        path,
        isPush: isPush(request.method, path) && !routes.isAdmin(path),
        expectsContinue,
        connection,
        budgeted: 0,
        isHandled: false,
        bodyBytes: undefined,
      };
      if (connection === undefined) begin(exchange);
      else connection.take(exchange);
    },
  };
}

interface Refusals {
  /** Answers a request with what its handler threw. */
  readonly answer: (exchange: Exchange, thrown: unknown) => void;
  readonly brokenOff: (exchange: Exchange, code: ErrorCode) => void;
}

function createRefusals(
  { telemetry, log }: HandlerDeps,
  { cors, routes, addressOf }: Pick<PushDeps, 'cors' | 'routes' | 'addressOf'>,
): Refusals {
  const refusals = new RefusalLog(log);
  const countRefusal = (exchange: Exchange, code: ErrorCode, message: string): void => {
    const { request } = exchange;
    const isAdmin = routes.isAdmin(exchange.path);
    if (isAdmin) {
      // Neither a push nor the DELETE of one source.
    } else if (exchange.isPush && code !== 'not_found' && code !== 'method_not_allowed') {
      const announced = Number(request.headers['content-length'] ?? 0);
      telemetry.pushRefused(code, exchange.bodyBytes ?? announced);
    } else if (request.method !== 'DELETE') return;
    const remote = addressOf(request);
    const path = shorten(exchange.path);
    const what = isAdmin
      ? 'admin request refused'
      : request.method === 'DELETE'
        ? 'delete refused'
        : 'push refused';
    refusals.refused(what, { code, path, remote, message }, { path, sender: senderOf(remote) });
  };
  const brokenOff = (exchange: Exchange, code: ErrorCode): void =>
    countRefusal(exchange, code, 'the body is incomplete');
  const answer = (exchange: Exchange, thrown: unknown): void => {
    const { request, response } = exchange;
    if (thrown instanceof ClientGone) {
      const code = exchange.connection?.failureCode;
      if (code !== undefined) brokenOff(exchange, code);
      response.destroy();
      return;
    }
    const error = asRequestError(thrown, log);
    countRefusal(exchange, error.code, error.text);
    const headers = routes.isAdmin(exchange.path)
      ? []
      : cors.headersFor(request.headers.origin, purposeOf(exchange));
    const allow = error.status === 405 ? ['Allow', routes.allowed(exchange.path).join(', ')] : [];
    sendError(request, response, error, [...headers, ...allow]);
  };
  return { answer, brokenOff };
}

function createHandlers(
  deps: HandlerDeps,
  state: ServerState,
  shared: Pick<PushDeps, 'intake' | 'cors' | 'routes' | 'addressOf'>,
): Record<HandlerName, Handler> {
  const { gateway, telemetry, options, log } = deps;
  const pushDeps: PushDeps = { gateway, state, log, ...shared };
  const telemetryPage = madeOnceATurn(() => telemetry.page());
  return {
    push: pushHandler(pushDeps),
    retire: retireHandler(pushDeps),
    preflight: preflightHandler(pushDeps),
    scrape: scrapeHandler({ gateway, telemetry, log, cors: shared.cors, addressOf: shared.addressOf }),
    telemetry: async (exchange) => {
      const page = await telemetryPage();
      answerText(exchange, { text: page.body, contentType: page.contentType });
    },
    healthy: async (exchange) => answerText(exchange, { text: 'OK\n' }),
    ready: async (exchange) => {
      const why = state.stopping ? stopping() : deps.whyNotReady?.();
      if (why !== undefined) throw why;
      answerText(exchange, { text: 'OK\n' });
    },
    reload: reloadHandler({ reload: deps.reload, cors: shared.cors }),
    ...adminHandlers({ gateway, isEnabled: options.enableAdminApi, addressOf: shared.addressOf }),
    page: pageHandler({
      gateway,
      pushPath: options.pushPath,
      telemetryPath: options.telemetryPath,
      version: deps.version,
    }),
  };
}

function purposeOf({ request: { method }, isPush: pushes }: Exchange): CorsPurpose {
  if (method === 'DELETE') return 'retire';
  return pushes || method === 'OPTIONS' ? 'push' : 'read';
}

function answerText({ request, response }: Exchange, reply: TextReply): void {
  request.resume();
  sendText(response, 200, reply);
}

function stopping(): RequestError {
  return new RequestError('shutting_down', 'the gateway is shutting down; retry later');
}
