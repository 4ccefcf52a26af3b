/**
 * Replies to requests that are refused: one line of text for people, RFC 9457 problem details for programs that ask. A
 * refusal often comes before the body has: see `finishUnread`.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';

import { errorTable, RequestError } from '../../model/errors.ts';
import type { ErrorCode } from '../../model/errors.ts';
import type { Log } from '../../primitives/log.ts';
import { preferredMediaType } from './accept.ts';
import type { FlatHeaders } from './cors.ts';
import { nosniff } from './headers.ts';

const TEXT = 'text/plain';
const PROBLEM = 'application/problem+json';
const RETRY_AFTER_SECONDS = '1';

/** Bodies announced no larger than this are read and dropped, so that the connection can be used again. */
const DROPPED_BYTES_MAX = 64 * 1024;

/** How long a sender of more may go on, so that it gets to read the reply, before the connection is closed. */
const LINGER_MS = 1_000;

/** Errors after which no further request of the connection is read. */
const endsConnection: ReadonlySet<ErrorCode> = new Set(['shutting_down', 'invalid_host']);

interface ErrorBody {
  readonly contentType: string;
  readonly body: string;
}

/** What any thrown thing is answered with. What is not a RequestError is our mistake: it is logged, and not shown. */
export function asRequestError(error: unknown, log: Log): RequestError {
  if (error instanceof RequestError) return error;
  log.error('request failed', {
    error: error instanceof Error ? (error.stack ?? error.message) : String(error),
  });
  return new RequestError('internal', 'internal error; see the log of the gateway');
}

/** Answers a request with an error. Does nothing but close the connection when a reply has already begun. */
export function sendError(
  request: IncomingMessage,
  response: ServerResponse,
  error: RequestError,
  headers: FlatHeaders = [],
  { contentType, body }: ErrorBody = problemBody(error, request.headers.accept),
): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const all = [
    'Content-Type',
    contentType,
    'Content-Length',
    String(Buffer.byteLength(body)),
    ...nosniff,
    ...headers,
  ];
  if (error.status === 503 || error.status === 429) {
    all.push('Retry-After', RETRY_AFTER_SECONDS);
    // Pages of other origins see no more of a reply than they are told they may.
    if (headers.includes('Access-Control-Allow-Origin'))
      all.push('Access-Control-Expose-Headers', 'Retry-After');
  }
  if (error.status === 401)
    all.push(
      'WWW-Authenticate',
      // For what a script asks, the browser would put up a dialog of its own, in front of the page that has one.
      `${isOfScript(request) ? '' : 'Basic realm="prom-aggregation-gateway", '}Bearer realm="prom-aggregation-gateway"`,
    );
  const unread = !request.complete && !isSmall(request);
  if (unread || endsConnection.has(error.code)) response.shouldKeepAlive = false;
  response.writeHead(error.status, all);
  if (unread) finishUnread(request, response, body);
  else {
    request.resume();
    response.end(body);
  }
}

function isOfScript({ headers }: IncomingMessage): boolean {
  return headers['sec-fetch-dest'] === 'empty' || headers['x-requested-with'] === 'fetch';
}

/** The body of a reply, and the type of it that an Accept header prefers. */
export function problemBody(error: RequestError, accept: string | undefined): ErrorBody {
  const preferred = preferredMediaType(accept, [TEXT, PROBLEM, 'application/json']);
  if (preferred === TEXT) return { contentType: 'text/plain; charset=utf-8', body: `${error.text}\n` };
  const problem = {
    type: `urn:prom-aggregation-gateway:problem:${error.code}`,
    title: errorTable[error.code].title,
    status: error.status,
    detail: error.message,
    code: error.code,
    line: error.location?.line,
    column: error.location?.column,
  };
  return { contentType: PROBLEM, body: `${JSON.stringify(problem)}\n` };
}

function isSmall(request: IncomingMessage): boolean {
  if (request.headers['transfer-encoding'] !== undefined) return false;
  if (request.headers.expect !== undefined) return false;
  return Number(request.headers['content-length'] ?? 0) <= DROPPED_BYTES_MAX;
}

/**
 * Closing a socket while unread bytes lie in it resets the connection, and the sender loses the reply with it. So the
 * reply goes out whole, and the connection is closed only when the sender has stopped or its time is up.
 */
function finishUnread(request: IncomingMessage, response: ServerResponse, body: string): void {
  // A HEAD reply has no body to write, and then headers must be pushed out.
  if (request.method === 'HEAD') response.flushHeaders();
  else response.write(body);
  const end = (): void => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(end, LINGER_MS);
  request.once('end', end);
  request.once('close', end);
  request.resume();
}
