/**
 * The servers: sockets, time limits, and the graceful stop.
 *
 *   close()  ─▶ no new connections ─▶ new requests on old ones get 503 ─▶ what had begun ends ─▶ resolved
 *                                                                      └─ after shutdownTimeoutMs the rest is destroyed
 */
import { createServer as createHttpServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

import { RequestError } from '../model/errors.ts';
import { createDispatch } from './handler.ts';
import type { Dispatch, HandlerDeps, ServerState } from './handler.ts';
import { nosniff } from './headers.ts';
import type { HttpOptions } from './options.ts';
import { problemBody } from './problem.ts';

export interface GatewayServer {
  /** Answers one request of any `node:http` server. */
  readonly handler: (request: IncomingMessage, response: ServerResponse) => void;
  /** May be called several times, for several addresses. Without a host it listens on all, IPv6 and IPv4. */
  listen(address: { readonly host: string | undefined; readonly port: number }): Promise<AddressInfo>;
  /**
   * Stops taking requests, lets those that have begun finish, and resolves when none is left or their time is up. Also
   * turns away what still comes to `handler`.
   */
  close(): Promise<void>;
}

const KEEP_ALIVE_TIMEOUT_MS = 75_000;
const HEADERS_TIMEOUT_MS = 10_000;
const TIMEOUT_CHECK_INTERVAL_MS = 1_000;

/** How often to look for peers that take nothing of their replies. */
const SWEEP_INTERVAL_MS = 5_000;

/** While closing: how often to look for connections that have become idle. */
const CLOSE_CHECK_INTERVAL_MS = 20;

/** While closing: how long a connection that has sent nothing yet may still send a request, to be told 503. */
const SILENT_GRACE_MS = 500;

export function createServer(deps: HandlerDeps): GatewayServer {
  const state: ServerState = { stopping: false, active: 0 };
  const dispatch = createDispatch(deps, state);
  const servers: Server[] = [];
  const sockets = new Set<Socket>();
  const sweeper = setInterval(() => {
    const nowMs = performance.now();
    for (const socket of sockets) dispatch.connectionOf(socket).sweep(nowMs);
  }, SWEEP_INTERVAL_MS).unref();
  let closed: Promise<void> | undefined;
  return {
    handler: (request, response) => dispatch.request(request, response, false),
    async listen({ host, port }) {
      const server = openServer(deps.options, dispatch);
      server.on('connection', (socket: Socket) => {
        sockets.add(socket);
        // Node remembers it then, also for the log of a sender that has gone by the time.
        void socket.remoteAddress;
        socket.once('close', () => sockets.delete(socket));
      });
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(host === undefined ? { port } : { host, port }, () => {
          server.off('error', reject);
          resolve();
        });
      });
      server.on('error', (error) => deps.log.error('server error', { error: error.message }));
      servers.push(server);
      return server.address() as AddressInfo;
    },
    close() {
      clearInterval(sweeper);
      closed ??= closeAll(servers, sockets, { state, timeoutMs: deps.options.shutdownTimeoutMs });
      return closed;
    },
  };
}

function openServer(options: HttpOptions, dispatch: Dispatch): Server {
  const server = createHttpServer({
    headersTimeout: Math.min(HEADERS_TIMEOUT_MS, options.readTimeoutMs),
    requestTimeout: options.readTimeoutMs,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    connectionsCheckingInterval: Math.min(TIMEOUT_CHECK_INTERVAL_MS, Math.max(options.readTimeoutMs, 1)),
  });
  server.maxConnections = options.connectionsMax;
  server.on('request', (request, response) => dispatch.request(request, response, false));
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    dispatch.request(request, response, true);
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    answerClientError(error, socket as Socket, dispatch);
  });
  return server;
}

/** A request that is not HTTP, is too long in its headers, or takes too long. */
function answerClientError(error: NodeJS.ErrnoException, socket: Socket, dispatch: Dispatch): void {
  const reply = clientErrorReply(error.code);
  if (reply === undefined || !socket.writable || socket.destroyed) {
    socket.destroy();
    return;
  }
  const { contentType, body } = problemBody(new RequestError(reply.code, reply.message), undefined);
  dispatch
    .connectionOf(socket)
    .fail(
      reply.code,
      `HTTP/1.1 ${reply.status}\r\nConnection: close\r\nContent-Type: ${contentType}\r\n` +
        `${nosniff.join(': ')}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
}

function clientErrorReply(code: string | undefined) {
  switch (code) {
    case 'ECONNRESET':
    case 'EPIPE':
    case 'HPE_INVALID_EOF_STATE':
      return undefined;
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return {
        code: 'request_timeout',
        status: '408 Request Timeout',
        message: 'the request did not arrive in time; send it faster, or in smaller parts',
      } as const;
    case 'HPE_HEADER_OVERFLOW':
      return {
        code: 'body_unreadable',
        status: '431 Request Header Fields Too Large',
        message: 'path and headers together are too long; the limit is 16 KiB',
      } as const;
    case 'HPE_INVALID_URL':
      return {
        code: 'invalid_path',
        status: '400 Bad Request',
        message: 'the path holds characters that a URL cannot; percent-encode it as UTF-8',
      } as const;
  }
  return {
    code: 'body_unreadable',
    status: '400 Bad Request',
    message: `this is not HTTP/1.1 (${code ?? 'unknown error'})`,
  } as const;
}

async function closeAll(
  servers: readonly Server[],
  sockets: ReadonlySet<Socket>,
  { state, timeoutMs }: { readonly state: ServerState; readonly timeoutMs: number },
): Promise<void> {
  state.stopping = true;
  const started = performance.now();
  const allClosed = Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  let open = true;
  void allClosed.then(() => {
    open = false;
  });
  while (open || state.active > 0) {
    const elapsedMs = performance.now() - started;
    if (elapsedMs >= timeoutMs) {
      for (const server of servers) server.closeAllConnections();
      break;
    }
    for (const server of servers) server.closeIdleConnections();
    // Node takes a connection that never sent a byte for one with a request under way.
    if (elapsedMs >= SILENT_GRACE_MS) {
      for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
    }
    await new Promise((resolve) => setTimeout(resolve, CLOSE_CHECK_INTERVAL_MS));
  }
  await allClosed;
}
