/** Replies to what the parser of HTTP does not take: no HTTP, headers that are too long, requests that take too long. */
import { RequestError } from '../../model/errors.ts';
import type { ErrorCode } from '../../model/errors.ts';
import { nosniff } from './headers.ts';
import { problemBody } from './problem.ts';

/** `reply` is all that is to be sent, and empty where nobody would read it. */
export interface ClientErrorReply {
  readonly code: ErrorCode | undefined;
  readonly reply: string;
}

/** The sender left in the middle of a request, and does not read why. */
export const brokenOff: ClientErrorReply = { code: undefined, reply: '' };

/** For the code of an error that comes with `clientError`; undefined where the connection is broken. */
export function clientErrorReply(errorCode: string | undefined): ClientErrorReply | undefined {
  switch (errorCode) {
    case 'ECONNRESET':
    case 'EPIPE':
      return undefined;
    case 'HPE_INVALID_EOF_STATE':
      return brokenOff;
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return written(
        '408 Request Timeout',
        'request_timeout',
        'reading the request timed out; send it faster, or in smaller parts',
      );
    case 'HPE_HEADER_OVERFLOW':
      return written(
        '431 Request Header Fields Too Large',
        'body_unreadable',
        'path and headers are too long; the limit is 16 KiB in total',
      );
    case 'HPE_INVALID_URL':
      return written(
        '400 Bad Request',
        'invalid_path',
        'the path contains characters that are not allowed in a URL; percent-encode it as UTF-8',
      );
  }
  return written(
    '400 Bad Request',
    'body_unreadable',
    `this is not HTTP/1.1 (${errorCode ?? 'unknown error'})`,
  );
}

/** Who asks for a tunnel takes this for a proxy. */
export function connectReply(): ClientErrorReply {
  return written(
    '405 Method Not Allowed',
    'method_not_allowed',
    'CONNECT is not supported: this is not a proxy; send requests to the gateway directly',
  );
}

function written(status: string, code: ErrorCode, message: string): ClientErrorReply {
  const { contentType, body } = problemBody(new RequestError(code, message), undefined);
  const reply =
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: ${contentType}\r\n${nosniff.join(': ')}\r\n` +
    `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  return { code, reply };
}
