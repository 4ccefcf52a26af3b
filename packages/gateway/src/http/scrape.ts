/**
 * Writes the aggregate as slices come, no faster than the reader takes them.
 *
 * Once the headers are out an error can no longer be told, so the connection is reset: a page that breaks off must not
 * pass for a whole one, not even with HTTP/1.0, where the end of the connection is the end of the page.
 */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';

import type { GatewayApi } from '../gateway/api.ts';
import type { Telemetry } from '../gateway/telemetry.ts';
import type { Log } from '../primitives/log.ts';
import { compressionFor } from './accept-encoding.ts';
import type { ReplyCompression } from './accept-encoding.ts';
import { negotiate } from './accept.ts';
import { availableCompressions, createCompressor } from './compress.ts';
import { withVary } from './cors.ts';
import type { CorsPolicy } from './cors.ts';
import { nosniff } from './headers.ts';
import type { Handler } from './routes.ts';

export interface ScrapeDeps {
  readonly gateway: GatewayApi;
  readonly telemetry: Telemetry;
  readonly cors: CorsPolicy;
  readonly log: Log;
  /** A reader that takes nothing for so long is cut off. */
  readonly stallTimeoutMs: number;
}

export const SCRAPE_STALL_TIMEOUT_MS = 60_000;

/** Written ahead of the reader. A stream asks for a pause much earlier, and each pause costs as much as copying a slice. */
const AHEAD_BYTES_MAX = 512 * 1024;

export function scrapeHandler(deps: ScrapeDeps): Handler {
  return async ({ request, response }) => {
    const asked = request.headers['accept-encoding'] as string | undefined;
    const compression = compressionFor(asked, availableCompressions);
    const { contentType, ...format } = negotiate(request.headers.accept);
    const headers = [
      'Content-Type',
      contentType,
      ...nosniff,
      ...(compression === undefined ? [] : ['Content-Encoding', compression]),
      ...withVary(['Accept', 'Accept-Encoding'], deps.cors.headersFor(request.headers.origin)),
    ];
    request.resume();
    if (request.method === 'HEAD') {
      response.writeHead(200, headers);
      response.end();
      return;
    }
    const started = performance.now();
    const slices = deps.gateway.scrape({ format, scraper: scraperOf(request) })[Symbol.asyncIterator]();
    try {
      // The first slice comes before the headers, so that what fails at once is still answered with an error.
      const first = await slices.next();
      response.setTimeout(deps.stallTimeoutMs, () => cut(request, response));
      response.writeHead(200, headers);
      const bytes = await writePage({ first, slices, compression, request, response, log: deps.log });
      if (bytes !== undefined) deps.telemetry.scraped((performance.now() - started) / 1_000, bytes);
    } finally {
      await slices.return?.();
    }
  };
}

/** By what it calls itself in the query, or else by where it comes from and what it is. */
function scraperOf({ url = '', socket, headers }: IncomingMessage): string {
  const query = url.indexOf('?');
  const named = query === -1 ? null : new URLSearchParams(url.slice(query + 1)).get('scraper');
  return named ?? `${socket.remoteAddress ?? ''} ${headers['user-agent'] ?? ''}`;
}

interface Page {
  readonly first: IteratorResult<Uint8Array>;
  readonly slices: AsyncIterator<Uint8Array>;
  readonly compression: ReplyCompression | undefined;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly log: Log;
}

/** Bytes of the page before compression, or undefined when it could not be written to its end. */
async function writePage(page: Page): Promise<number | undefined> {
  const { request, response } = page;
  const { socket } = request;
  const sink = page.compression === undefined ? response : createCompressor(page.compression);
  const gone = new AbortController();
  const { signal } = gone;
  const leave = (): void => {
    if (response.writableFinished) return;
    gone.abort();
    if (sink !== response) sink.destroy();
  };
  response.once('close', leave);
  // A response that waits for another one on its connection is not told when that is closed.
  socket.once('close', leave);
  if (socket.destroyed) leave();
  if (sink !== response) sink.pipe(response);
  let bytes = 0;
  try {
    for (let next = page.first; !next.done; next = await page.slices.next()) {
      if (response.destroyed || signal.aborted) return undefined;
      bytes += next.value.length;
      await write(sink, next.value, signal);
    }
    sink.end();
    await finished(response, { signal });
    return bytes;
  } catch (error) {
    if (!response.destroyed && !signal.aborted) {
      page.log.error('scrape broke off', { error: error instanceof Error ? error.stack : String(error) });
    }
    cut(request, response);
    return undefined;
  } finally {
    socket.off('close', leave);
  }
}

async function write(sink: Writable, slice: Uint8Array, gone: AbortSignal): Promise<void> {
  if (sink.write(slice) || sink.writableLength < AHEAD_BYTES_MAX) return;
  await once(sink, 'drain', { signal: gone });
}

function cut(request: IncomingMessage, response: ServerResponse): void {
  request.socket.resetAndDestroy();
  response.destroy();
}
