import type { ServerResponse } from 'node:http';

import type { FlatHeaders } from './cors.ts';
import { nosniff } from './headers.ts';

const PLAIN_TEXT = 'text/plain; charset=utf-8';

export interface TextReply {
  readonly text: string;
  /** Plain text when left out. */
  readonly contentType?: string;
  readonly headers?: FlatHeaders;
}

/** A whole reply with a text. The body of the request must have been read, or be dropped. */
export function sendText(
  response: ServerResponse,
  status: number,
  { text, contentType = PLAIN_TEXT, headers = [] }: TextReply,
): void {
  response.writeHead(status, [
    'Content-Type',
    contentType,
    'Content-Length',
    String(Buffer.byteLength(text)),
    ...nosniff,
    ...headers,
  ]);
  response.end(text);
}
