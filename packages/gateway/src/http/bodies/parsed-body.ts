/**
 * Bodies that something before the handler has read, such as a body parser of a framework. Waiting for such a body would be for ever, so what
 * the parser left in `request.body` is used where it is the body as it was sent, and the request is refused otherwise.
 */
import type { IncomingMessage } from 'node:http';

import { RequestError } from '../../model/errors.ts';

/** Undefined when the body is still to come. Parsers undo its Content-Encoding. Throws RequestError. */
export function bodyReadBefore(request: IncomingMessage): Uint8Array | undefined {
  const { readableEnded, readableDidRead } = request;
  // One that broke off on its way is nobody's mistake here.
  if (!readableEnded && (!readableDidRead || request.destroyed)) return undefined;
  const { body } = request as { readonly body?: unknown };
  if (readableEnded && body instanceof Uint8Array) return body;
  if (readableEnded && typeof body === 'string') return Buffer.from(body);
  if (readableEnded && isEmpty(request)) return new Uint8Array(0);
  throw new RequestError(
    'body_already_read',
    'the body of this push was already read, for example by a body parser; ' +
      "put the gateway's handler first, or leave the body in request.body as a Buffer or string",
  );
}

function isEmpty({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0;
}
