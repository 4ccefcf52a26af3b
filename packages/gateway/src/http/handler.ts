/** From request to reply: finds the handler, runs it, and answers for what it throws. */
import type { IncomingMessage, ServerResponse } from 'node:http';

import type { Access } from '../access/access.ts';
import { checkMay } from '../access/principal.ts';
import type { Principal } from '../access/principal.ts';
import type { GatewayApi } from '../gateway/api.ts';
import type { Who } from '../gateway/insight-api.ts';
import type { Telemetry } from '../gateway/telemetry/telemetry.ts';
import { ClientGone } from '../model/client-gone.ts';
import { RequestError } from '../model/errors.ts';
import type { ErrorCode } from '../model/errors.ts';
import type { Role } from '../model/roles.ts';
import type { Log } from '../primitives/log.ts';
import { hideTokens } from '../primitives/hide-tokens.ts';
import { shorten } from '../primitives/quote.ts';
import { BodyIntake } from './bodies/body.ts';
import { answerHere, forged, isOfMember, memberHeaders, memberRequests, passOn, wayOf } from './cluster.ts';
import type { ClusterDoor, PassDeps } from './cluster.ts';
import { trustedProxies } from './senders/client-address.ts';
import type { AddressOf } from './senders/client-address.ts';
import { RequestBudget } from './connections/connection.ts';
import { Connections, REPLY_STALL_TIMEOUT_MS } from './connections/connections.ts';
import { corsPolicy } from './replies/cors.ts';
import type { CorsPurpose, FlatHeaders } from './replies/cors.ts';
import { pathOf } from './connections/exchange.ts';
import type { Exchange } from './connections/exchange.ts';
import { adminHandlers } from './routes/admin.ts';
import { hostPolicy, isHttp2 } from './routes/hosts.ts';
import { madeOnceATurn } from './routes/once-a-turn.ts';
import { linksOf, outsidePrefix, prefixOf, secureRequests, withoutPrefix } from './routes/prefix.ts';
import type { Links } from './routes/prefix.ts';
import type { HttpOptions } from './options.ts';
import { insightHandlers } from './routes/insight.ts';
import { listingHandlers } from './routes/listings.ts';
import { meHandler } from './routes/me.ts';
import { asksForHtml, pageHandler } from './routes/page.ts';
import { pageFilesHandler } from './routes/page-files.ts';
import { parsePushPath } from './routes/push-path.ts';
import { asRequestError, sendError } from './replies/problem.ts';
import { refusalsHandler, shown } from './routes/refusals.ts';
import { preflightHandler, pushHandler, retireHandler } from './routes/push.ts';
import type { PushDeps } from './routes/push.ts';
import { reloadHandler } from './routes/reload.ts';
import { RecentRefusals } from './replies/recent-refusals.ts';
import { openApiDocument } from './openapi/document.ts';
import { RefusalLog } from './replies/refusal-log.ts';
import { auditedAs, whoOf } from './routes/audited.ts';
import { senderOf } from './senders/sender.ts';
import { checkServed, createRoutes, HEALTHY_PATH, pageFileInPath, READY_PATH } from './routes/routes.ts';
import type { Handler, HandlerName } from './routes/routes.ts';
import { scrapeHandler } from './routes/scrape.ts';
import { tsdbStatusHandler } from './routes/tsdb-status.ts';
import { validateHandler } from './routes/validate.ts';
import { watchHandler } from './routes/watch.ts';
import { sendText } from './replies/send-text.ts';
import type { TextReply } from './replies/send-text.ts';

export interface HandlerDeps {
  readonly gateway: GatewayApi;
  readonly telemetry: Telemetry;
  readonly options: HttpOptions;
  readonly log: Log;
  readonly version: string;
  /** The commit that it was built from, where that is known. */
  readonly revision?: string | undefined;
  /** What is answered to who asks for readiness; it is ready when that is undefined, or this is left out. */
  readonly whyNotReady?: () => RequestError | undefined;
  /** Reloads the configuration file, and resolves with what to answer; left out where that is not enabled. */
  readonly reload?: ((who: Who) => Promise<string>) | undefined;
  /** Left out, everybody may do everything. */
  readonly access?: Access | undefined;
  /** Undefined for a gateway that is no member of a cluster. */
  readonly cluster?: ClusterDoor | undefined;
}

/** What the handler and the servers tell each other. */
export interface ServerState {
  stopping: boolean;
  /** Requests begun and not yet answered. */
  active: number;
  /** Called when it stops, by replies that would go on for ever. */
  readonly onStop: Set<() => void>;
}

/** How a request came in. */
interface Arrival {
  /** The client waits for `100 Continue`. */
  readonly expectsContinue?: boolean;
  /** What is served there; everything when left out. */
  readonly served?: ReadonlySet<Role> | undefined;
}

export interface Dispatcher {
  readonly dispatch: (request: IncomingMessage, response: ServerResponse, how?: Arrival) => void;
  readonly connections: Connections;
}

export function createDispatcher(deps: HandlerDeps, state: ServerState): Dispatcher {
  const { options, cluster } = deps;
  const hosts = hostPolicy(options.allowedHosts);
  const cors = corsPolicy(options.corsOrigins, (origin) => deps.access?.isOriginOfToken(origin) === true);
  const routes = createRoutes(options);
  const { addressOf: directly, isProxied } = trustedProxies(options.trustedProxies);
  const { addressOf, open } = memberRequests(cluster, directly);
  const prefix = prefixOf(options);
  const refusals = new RecentRefusals();
  const { answer, brokenOff } = createRefusals(deps, { cors, routes, addressOf, refusals });
  const intake = new BodyIntake(options);
  const checkAgain = againChecked(deps.access, addressOf);
  const handlers = createHandlers(deps, state, {
    cors,
    routes,
    addressOf,
    refusals,
    intake,
    links: linksOf(options, secureRequests(isProxied)),
    checkAgain,
  });

  const run = createRunner({
    hosts,
    prefix,
    routes,
    handlers,
    state,
    cors,
    identify: identification(deps.access, addressOf),
    cluster: cluster && { ...cluster, intake, addressOf, onStop: state.onStop, checkAgain },
  });
  const begin = createBegin(run, answer, state);
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
    dispatch(request, response, { expectsContinue = false, served } = {}) {
      const connection = isHttp2(request) ? undefined : connections.of(request.socket);
      const path = withoutPrefix(pathOf(request.url ?? '/'), prefix) ?? '';
      if (deps.access !== undefined) setHeaders(response, deps.access.headers);
      const vouched = open(request);
      const exchange: Exchange = {
        request,
        response,
        path,
        served,
        vouched,
        own: undefined,
        principal: undefined,
        isPush: routes.isPush(request.method, path),
        expectsContinue,
        connection,
        budgeted: 0,
        isHandled: false,
        bodyBytes: undefined,
      };
      if (vouched !== undefined) setHeaders(response, memberHeaders(exchange));
      if (connection === undefined) begin(exchange);
      else connection.take(exchange);
    },
  };
}

/** Rejects with RequestError where who reads for long may not any more. Whom another member let in has shown no credentials here. */
function againChecked(access: Access | undefined, addressOf: AddressOf): PassDeps['checkAgain'] {
  return async ({ request, vouched }) => {
    if (vouched !== undefined) return;
    const principal = await access?.identify(request, senderOf(addressOf(request)));
    if (principal !== undefined) checkMay(principal, 'read');
  };
}

/** Runs a request to its end, whatever comes of it. */
function createBegin(
  run: (exchange: Exchange) => Promise<void>,
  answer: Refusals['answer'],
  state: ServerState,
): (exchange: Exchange) => void {
  return (exchange) => {
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
}

/** Runs the handler of a request, once it is let in. */
function createRunner({
  hosts,
  prefix,
  routes,
  handlers,
  state,
  identify,
  cors,
  cluster,
}: {
  readonly hosts: ReturnType<typeof hostPolicy>;
  readonly prefix: string;
  readonly routes: PushDeps['routes'];
  readonly handlers: Record<HandlerName, Handler>;
  readonly state: ServerState;
  readonly identify: ReturnType<typeof identification>;
  readonly cors: PushDeps['cors'];
  readonly cluster: (ClusterDoor & PassDeps) | undefined;
}): (exchange: Exchange) => Promise<void> {
  return (exchange) => {
    const { method = 'GET', url = '/' } = exchange.request;
    hosts.check(exchange.request, exchange.path);
    if (exchange.vouched === 'forged') throw forged();
    if (state.stopping) {
      exchange.response.shouldKeepAlive = false;
      // A member of a cluster leads until it has handed over, and then passes on.
      if (exchange.path !== HEALTHY_PATH && exchange.path !== READY_PATH && cluster === undefined)
        throw stopping();
    }
    const handle = (principal: Principal | undefined): Promise<void> => {
      exchange.principal = principal;
      // A stranger learns nothing of what there is.
      if (principal?.may.size === 0) checkMay(principal, 'read');
      if (exchange.path === '') throw outsidePrefix(pathOf(url), prefix);
      const route = routes.find(method, exchange.path);
      // What a member passes on was looked at where it came in.
      if (exchange.served !== undefined && exchange.vouched === undefined)
        checkServed(route, exchange.served);
      // Health is for everybody, and browsers ask without credentials what they may ask with them.
      if (principal !== undefined && route.role !== undefined && route.handler !== 'preflight') {
        checkMay(principal, route.role);
        if (principal.isAmbient) cors.checkAmbient(exchange.request.headers, route.role);
      }
      const kind = wayOf(cluster, exchange, route.handler);
      if (cluster !== undefined && kind !== undefined)
        return passOn(cluster, exchange, { handler: route.handler, kind });
      const handler = handlers[route.handler];
      return cluster === undefined
        ? handler(exchange)
        : answerHere(cluster, exchange, { name: route.handler, handler });
    };
    const principal = identify(exchange);
    return principal instanceof Promise ? principal.then(handle) : handle(principal);
  };
}

/** Who sends a request; undefined where that does not matter. */
function identification(
  access: Access | undefined,
  addressOf: PushDeps['addressOf'],
): (exchange: Exchange) => Principal | undefined | Promise<Principal> {
  if (access === undefined) return () => undefined;
  return ({ request, path, vouched }) => {
    if (path === HEALTHY_PATH || path === READY_PATH) return undefined;
    access.countRequest();
    if (request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined)
      return undefined;
    if (typeof vouched === 'object') return access.vouchedFor(vouched.who);
    if (pageFileInPath(path) !== undefined || (path === '/' && asksForHtml(request))) return undefined;
    return access.identify(request, senderOf(addressOf(request)));
  };
}

function setHeaders(response: ServerResponse, headers: FlatHeaders): void {
  for (let i = 0; i < headers.length; i += 2) response.setHeader(headers[i]!, headers[i + 1]!);
}

interface Refusals {
  /** Answers a request with what its handler threw. */
  readonly answer: (exchange: Exchange, thrown: unknown) => void;
  readonly brokenOff: (exchange: Exchange, code: ErrorCode) => void;
}

function createRefusals(
  { gateway, telemetry, log }: HandlerDeps,
  {
    cors,
    routes,
    addressOf,
    refusals,
  }: Pick<PushDeps, 'cors' | 'routes' | 'addressOf'> & { readonly refusals: RecentRefusals },
): Refusals {
  const logged = new RefusalLog(log);
  const countRefusal = (exchange: Exchange, error: RequestError): void => {
    const { request } = exchange;
    const { code, status, message, location, excerpt } = error;
    const isAdmin = routes.isAdmin(request.method, exchange.path);
    if (isAdmin) {
      // Neither a push nor the DELETE of one source.
    } else if (exchange.isPush && code !== 'not_found' && code !== 'method_not_allowed') {
      const announced = Number(request.headers['content-length'] ?? 0);
      telemetry.pushRefused(code, exchange.bodyBytes ?? announced);
    } else if (request.method !== 'DELETE') return;
    const remote = addressOf(request);
    const path = shorten(hideTokens(exchange.path));
    const { method = '' } = request;
    const what = isAdmin ? 'admin' : method === 'DELETE' ? 'delete' : 'push';
    const by = exchange.principal?.name;
    const sender = senderOf(remote);
    const line = isAdmin ? 'admin request refused' : `${what} refused`;
    logged.refused(line, { code, path, remote, by, message: error.text }, { path, sender });
    const timeMs = Date.now();
    const said = { code, status, message, location, excerpt };
    const refusal = { timeMs, what, method, path, remote, by, ...said } as const;
    refusals.add(sender, refusal);
    gateway.insight.refused(() => shown(refusal));
    if (what === 'push') notePath(exchange, sender);
    else
      gateway.insight.audited({
        what: auditedAs(exchange),
        who: whoOf(exchange, remote),
        detail: path,
        outcome: code,
      });
    const token = exchange.principal?.token?.rule.name;
    if (token !== undefined && exchange.isPush) telemetry.pushedBy(token, 'refused');
  };
  const notePath = ({ path, principal }: Exchange, address: string): void => {
    try {
      const key = parsePushPath(routes.restOf(path));
      gateway.insight.pushRefused({ key, by: principal?.token?.rule.name ?? principal?.name, address });
    } catch {
      // It is no path that anybody can push to.
    }
  };
  const brokenOff = (exchange: Exchange, code: ErrorCode): void =>
    countRefusal(exchange, new RequestError(code, 'the body is incomplete'));
  const answer = (exchange: Exchange, thrown: unknown): void => {
    const { request, response } = exchange;
    if (thrown instanceof ClientGone) {
      const code = exchange.connection?.failureCode;
      if (code !== undefined) brokenOff(exchange, code);
      response.destroy();
      return;
    }
    const error = asRequestError(thrown, log);
    if (!isOfMember(exchange, error)) countRefusal(exchange, error);
    const headers = routes.isAdmin(request.method, exchange.path)
      ? []
      : cors.headersFor(request.headers.origin, purposeOf(exchange), exchange.principal?.token?.rule.origins);
    const allow = error.status === 405 ? ['Allow', routes.allowed(exchange.path).join(', ')] : [];
    sendError(request, response, error, [...headers, ...allow, ...memberHeaders(exchange, error)]);
  };
  return { answer, brokenOff };
}

function createHandlers(
  deps: HandlerDeps,
  state: ServerState,
  {
    links,
    refusals,
    ...shared
  }: Pick<PushDeps, 'intake' | 'cors' | 'routes' | 'addressOf'> & {
    readonly links: Links;
    readonly refusals: RecentRefusals;
    readonly checkAgain: (exchange: Exchange) => Promise<void>;
  },
): Record<HandlerName, Handler> {
  const { gateway, telemetry, options, log, cluster } = deps;
  const pushDeps: PushDeps = { gateway, telemetry, state, log, ...shared };
  const telemetryPage = madeOnceATurn(() => telemetry.page());
  return {
    push: pushHandler(pushDeps),
    retire: retireHandler(pushDeps),
    preflight: preflightHandler(pushDeps),
    scrape: scrapeHandler({ gateway, telemetry, log, cors: shared.cors, addressOf: shared.addressOf }),
    telemetry: async (exchange) => {
      const started = performance.now();
      const page = await telemetryPage();
      answerText(exchange, { text: page.body, contentType: page.contentType });
      gateway.insight.scraped({
        target: 'own',
        address: shared.addressOf(exchange.request),
        userAgent: exchange.request.headers['user-agent'] ?? '',
        bytes: Buffer.byteLength(page.body),
        format: 'text',
        seconds: (performance.now() - started) / 1_000,
      });
    },
    ...listingHandlers({
      gateway,
      log,
      cors: shared.cors,
      addressOf: shared.addressOf,
      build: { version: deps.version, revision: deps.revision ?? '' },
    }),
    tsdbStatus: tsdbStatusHandler({ gateway, cors: shared.cors }),
    refusals: refusalsHandler({ refusals, cors: shared.cors }),
    me: meHandler({
      gateway,
      log,
      cors: shared.cors,
      links,
      pushPath: options.pushPath,
      version: deps.version,
      adminApi: options.enableAdminApi,
      member: cluster && (() => ({ name: cluster.name, leads: cluster.leads() })),
    }),
    watch: watchHandler({
      gateway,
      log,
      cors: shared.cors,
      version: deps.version,
      member: deps.cluster?.name,
      onStop: state.onStop,
      addressOf: shared.addressOf,
      checkAgain: shared.checkAgain,
    }),
    validate: validateHandler({ ...pushDeps, pushPath: options.pushPath }),
    openapi: openApiHandler(deps, shared.cors),
    ...insightHandlers({ gateway, log, cors: shared.cors, access: deps.access }),
    healthy: async (exchange) => answerText(exchange, { text: 'OK\n' }),
    ready: async (exchange) => {
      const why = state.stopping ? stopping() : deps.whyNotReady?.();
      if (why !== undefined) throw why;
      answerText(exchange, { text: 'OK\n' });
    },
    reload: reloadHandler({ reload: deps.reload, cors: shared.cors, addressOf: shared.addressOf }),
    ...adminHandlers({
      gateway,
      isEnabled: options.enableAdminApi,
      allowedHosts: options.allowedHosts,
      addressOf: shared.addressOf,
    }),
    ...pageHandlers(deps, links),
  };
}

function pageHandlers(
  { gateway, options, version }: HandlerDeps,
  links: Links,
): Record<'page' | 'pageFiles', Handler> {
  const { pushPath, telemetryPath } = options;
  return {
    page: pageHandler({ gateway, pushPath, telemetryPath, version, links }),
    pageFiles: pageFilesHandler(pageFileInPath),
  };
}

/** Made when it is asked for. */
function openApiHandler({ options, version }: HandlerDeps, cors: PushDeps['cors']): Handler {
  const { pushPath, telemetryPath } = options;
  return async (exchange) => {
    const { request, principal } = exchange;
    const document = openApiDocument({ pushPath, telemetryPath, prefix: prefixOf(options), version });
    answerText(exchange, {
      text: `${JSON.stringify(document)}\n`,
      contentType: 'application/json',
      headers: cors.headersFor(request.headers.origin, 'read', principal?.token?.rule.origins),
    });
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
