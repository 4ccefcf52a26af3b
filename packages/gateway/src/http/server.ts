/**
 * The servers: sockets, time limits, and the graceful stop.
 *
 *   close()  ─▶ no new connections ─▶ new requests on old ones get 503 ─▶ what had begun ends ─▶ resolved
 *                                                                      └─ after shutdownTimeoutMs the rest is destroyed
 */
import { createServer as createHttpServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Server as NetServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { clientErrorReply, connectReply } from './replies/client-error.ts';
import type { Access } from '../access/access.ts';
import { DescriptorWatch, meansNoDescriptors } from './connections/descriptors.ts';
import { createDispatcher } from './handler.ts';
import type { Dispatcher, HandlerDeps, ServerState } from './handler.ts';
import type { HttpOptions } from './options.ts';
import { RefusalLog } from './replies/refusal-log.ts';
import { bind } from './listen.ts';
import type { ListenTarget } from './listen.ts';
import { createTlsServer } from './tls-server.ts';

export interface GatewayServer {
  /** Answers one request of any `node:http` server. */
  readonly handler: (request: IncomingMessage, response: ServerResponse) => void;
  /** May be called several times, for several addresses. */
  listen(address: { readonly host: string | undefined; readonly port: number }): Promise<AddressInfo>;
  /** The same for any place. Resolves with where it listens; undefined for a Unix socket. */
  listenOn(target: ListenTarget): Promise<AddressInfo | undefined>;
  /**
   * Stops taking requests, lets those that have begun finish, and resolves when none is left or their time is up. Also
   * turns away what still comes to `handler`.
   */
  close(): Promise<void>;
}

const KEEP_ALIVE_TIMEOUT_MS = 75_000;
const HEADERS_TIMEOUT_MS = 10_000;
const TIMEOUT_CHECK_INTERVAL_MS = 1_000;

/** While closing: how often to look for connections that have become idle. */
const CLOSE_CHECK_INTERVAL_MS = 20;

/** While closing: how long a connection that has sent nothing yet may still send a request, to be told 503. */
const SILENT_GRACE_MS = 500;

export function createServer(deps: HandlerDeps): GatewayServer {
  const state: ServerState = { stopping: false, active: 0, onStop: new Set() };
  const dispatcher = createDispatcher(deps, state);
  const { log, options, access } = deps;
  const servers: Server[] = [];
  const sockets = new Set<Socket>();
  const dropped = new RefusalLog(log);
  let descriptors: DescriptorWatch | undefined;
  let closed: Promise<void> | undefined;
  const listenOn = async (target: ListenTarget): Promise<AddressInfo | undefined> => {
    const server = openServer(options, dispatcher, { access, refusals: dropped, served: target.served });
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      // Node remembers it then, also for the log of a sender that has gone by the time.
      void socket.remoteAddress;
      socket.once('close', () => sockets.delete(socket));
    });
    server.on('drop', () =>
      dropped.refused('connection closed: maximum number of connections reached', {
        connections: options.connectionsMax,
      }),
    );
    await bind(server, target);
    const watch = (descriptors ??= new DescriptorWatch(log));
    server.on('error', (error: NodeJS.ErrnoException) => {
      if (meansNoDescriptors(error.code)) watch.exhausted(error.code);
      else dropped.refused('accepting a connection failed', { error: error.message });
    });
    servers.push(server);
    const address = server.address();
    return typeof address === 'string' || address === null ? undefined : address;
  };
  return {
    handler: (request, response) => dispatcher.dispatch(request, response),
    listen: async (address) => (await listenOn(address))!,
    listenOn,
    close() {
      descriptors?.close();
      closed ??= closeAll(servers, sockets, { state, timeoutMs: options.shutdownTimeoutMs });
      return closed;
    },
  };
}

function openServer(
  options: HttpOptions,
  { dispatch, connections }: Dispatcher,
  {
    access,
    refusals,
    served,
  }: {
    readonly access: Access | undefined;
    readonly refusals: RefusalLog;
    readonly served: ListenTarget['served'];
  },
): Server {
  const serverOptions = {
    headersTimeout: Math.min(HEADERS_TIMEOUT_MS, options.readTimeoutMs),
    requestTimeout: options.readTimeoutMs,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    connectionsCheckingInterval: Math.min(TIMEOUT_CHECK_INTERVAL_MS, Math.max(options.readTimeoutMs, 1)),
    // Node would answer for it without a word, and out of our sight.
    requireHostHeader: false,
  };
  const tls = access?.config.tls;
  const server =
    access === undefined || tls === undefined
      ? createHttpServer(serverOptions)
      : createTlsServer(serverOptions, tls, { access, refusals });
  server.maxConnections = options.connectionsMax;
  // A sender that has closed its side still waits for the replies to what it sent.
  (server as { httpAllowHalfOpen?: boolean }).httpAllowHalfOpen = true;
  // Requests come on what TLS makes of a connection.
  server.on(tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
    socket.once('end', () => connections.of(socket).peerEnded());
  });
  const arrival = { served };
  server.on('request', (request, response) => dispatch(request, response, arrival));
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    dispatch(request, response, { expectsContinue: true, served });
  });
  // Other expectations may be passed over, RFC 9110, section 10.1.1.
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    dispatch(request, response, arrival);
  });
  server.on('clientError', (error: NodeJS.ErrnoException, stream) => {
    const socket = stream as Socket;
    const reply = clientErrorReply(error.code);
    if (reply === undefined || socket.destroyed) socket.destroy();
    else connections.of(socket).fail(reply);
  });
  server.on('connect', (_request, stream) => {
    const socket = stream as Socket;
    // Node has taken its own away.
    socket.on('error', () => socket.destroy());
    connections.of(socket).fail(connectReply());
  });
  return server;
}

async function closeAll(
  servers: readonly Server[],
  sockets: ReadonlySet<Socket>,
  { state, timeoutMs }: { readonly state: ServerState; readonly timeoutMs: number },
): Promise<void> {
  state.stopping = true;
  for (const stop of state.onStop) stop();
  const started = performance.now();
  // That of `node:http` ends connections that have sent nothing yet, from Node 26 on.
  const stopListening = (server: Server): Promise<unknown> =>
    new Promise((resolve) => NetServer.prototype.close.call(server, resolve));
  const allClosed = Promise.all(servers.map(stopListening));
  let open = servers.length > 0;
  void allClosed.then(() => {
    open = false;
  });
  while (open || state.active > 0) {
    const elapsedMs = performance.now() - started;
    if (elapsedMs >= timeoutMs) {
      for (const server of servers) server.closeAllConnections();
      // Also those that have not come to a request: they may be in the middle of a handshake.
      for (const socket of sockets) socket.destroy();
      break;
    }
    const silent = [...sockets].filter((socket) => socket.bytesRead === 0);
    // A connection that never sent a byte is idle or has a request under way, as the version of Node has it.
    if (elapsedMs >= SILENT_GRACE_MS) for (const socket of silent) socket.destroy();
    if (elapsedMs >= SILENT_GRACE_MS || silent.length === 0)
      for (const server of servers) server.closeIdleConnections();
    await (open ? Promise.race([allClosed, sleep(CLOSE_CHECK_INTERVAL_MS)]) : sleep(CLOSE_CHECK_INTERVAL_MS));
  }
  await allClosed;
}
