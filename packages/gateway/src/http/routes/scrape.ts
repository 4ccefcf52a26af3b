/**
 * Writes the aggregate as slices come, no faster than the reader takes them.
 *
 * Once the headers are out an error can no longer be told, so the connection is reset: a page that breaks off must not
 * pass for a whole one.
 */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';

import type { GatewayApi } from '../../gateway/api.ts';
import type { Telemetry } from '../../gateway/telemetry/telemetry.ts';
import type { Log } from '../../primitives/log.ts';
import { compressionFor } from '../replies/accept-encoding.ts';
import type { ReplyCompression } from '../replies/accept-encoding.ts';
import { negotiate } from '../replies/accept.ts';
import type { AddressOf } from '../senders/client-address.ts';
import { availableCompressions, createCompressor } from '../replies/compress.ts';
import { withVary } from '../replies/cors.ts';
import type { CorsPolicy } from '../replies/cors.ts';
import type { Exchange } from '../connections/exchange.ts';
import { nosniff } from '../replies/headers.ts';
import { RefusalLog } from '../replies/refusal-log.ts';
import type { Handler } from './routes.ts';
import { AHEAD_BYTES_MAX, networkOf, ScrapeReader } from './scrape-reader.ts';

interface ScrapeDeps {
  readonly gateway: GatewayApi;
  readonly telemetry: Telemetry;
  readonly cors: CorsPolicy;
  readonly addressOf: AddressOf;
  readonly log: Log;
}

export function scrapeHandler(deps: ScrapeDeps): Handler {
  const cuts = new RefusalLog(deps.log);
  return async (exchange) => {
    const { request, response, principal } = exchange;
    const { origin } = request.headers;
    const asked = request.headers['accept-encoding'] as string | undefined;
    const compression = compressionFor(asked, availableCompressions);
    const { contentType, ...format } = negotiate(request.headers.accept);
    const headers = [
      'Content-Type',
      contentType,
      ...(compression === undefined ? [] : ['Content-Encoding', compression]),
      ...nosniff,
      ...withVary(
        ['Accept', 'Accept-Encoding'],
        deps.cors.headersFor(origin, 'read', principal?.token?.rule.origins),
      ),
    ];
    request.resume();
    if (request.method === 'HEAD') {
      response.writeHead(200, headers);
      response.end();
      return;
    }
    const remote = deps.addressOf(request) ?? '';
    const onCut = (reason: string): void => cuts.refused('scrape cut off', { reason, remote });
    const reader = new ScrapeReader(exchange, { compression, onCut });
    try {
      await answer(deps, exchange, { reader, headers, compression, format, remote });
    } catch (error) {
      if (!reader.gone.aborted) throw error;
    } finally {
      reader.close();
    }
  };
}

interface Asked {
  readonly reader: ScrapeReader;
  readonly headers: readonly string[];
  readonly compression: ReplyCompression | undefined;
  readonly format: Omit<ReturnType<typeof negotiate>, 'contentType'>;
  readonly remote: string;
}

async function answer(deps: ScrapeDeps, { request, response }: Exchange, asked: Asked): Promise<void> {
  const { reader, format, remote, compression } = asked;
  const { gone } = reader;
  const started = performance.now();
  const timeoutMs = timeoutOf(request);
  const scraper = scraperOf(request, remote);
  const scrape = deps.gateway.scrape({ format, scraper, network: networkOf(remote), timeoutMs, reader });
  const slices = scrape[Symbol.asyncIterator]();
  // At once, so that neither its place nor its view is kept for nobody.
  const close = (): void => scrape.close();
  gone.addEventListener('abort', close);
  try {
    if (gone.aborted) return;
    // The first slice comes before the headers, so that what fails at once is still answered with an error.
    const first = await slices.next();
    if (gone.aborted) return;
    response.writeHead(200, [...asked.headers]);
    const bytes = await writeExposition({ first, slices, compression, reader, response, log: deps.log });
    if (bytes === undefined) return;
    const seconds = (performance.now() - started) / 1_000;
    deps.telemetry.scraped(seconds, bytes);
    const userAgent = request.headers['user-agent'] ?? '';
    const scraped = { target: 'aggregate', address: remote, userAgent, format: format.format } as const;
    deps.gateway.insight.scraped({ ...scraped, bytes, seconds });
  } finally {
    gone.removeEventListener('abort', close);
    scrape.close();
    await slices.return?.();
  }
}

/** By what it calls itself in the query, or else by where it comes from and what it is. */
function scraperOf({ url = '', headers }: IncomingMessage, remote: string): string {
  const query = url.indexOf('?');
  const named = query === -1 ? null : new URLSearchParams(url.slice(query + 1)).get('scraper');
  return named ?? `${remote} ${headers['user-agent'] ?? ''}`;
}

/** Prometheus says how long it waits. What is no such number is as if left out. */
function timeoutOf({ headers }: IncomingMessage): number | undefined {
  const seconds = Number(headers['x-prometheus-scrape-timeout-seconds'] ?? Number.NaN);
  return seconds > 0 ? seconds * 1_000 : undefined;
}

interface Page {
  readonly first: IteratorResult<Uint8Array>;
  readonly slices: AsyncIterator<Uint8Array>;
  readonly compression: ReplyCompression | undefined;
  readonly reader: ScrapeReader;
  readonly response: ServerResponse;
  readonly log: Log;
}

/** Bytes of the page before compression, or undefined when it could not be written to its end. */
async function writeExposition(page: Page): Promise<number | undefined> {
  const { reader, response } = page;
  const { gone } = reader;
  const sink = page.compression === undefined ? response : createCompressor(page.compression);
  const leave = (): void => {
    if (sink !== response) sink.destroy();
  };
  gone.addEventListener('abort', leave);
  if (sink !== response) sink.pipe(response);
  let bytes = 0;
  try {
    for (let next = page.first; !next.done; next = await page.slices.next()) {
      if (response.destroyed || gone.aborted) return undefined;
      bytes += next.value.length;
      await write(sink, next.value, gone);
    }
    sink.end();
    await finished(response, { signal: gone });
    return bytes;
  } catch (error) {
    if (!response.destroyed && !gone.aborted) {
      page.log.error('scrape aborted', { error: error instanceof Error ? error.stack : String(error) });
    }
    leave();
    reader.reset();
    return undefined;
  } finally {
    gone.removeEventListener('abort', leave);
  }
}

async function write(sink: Writable, slice: Uint8Array, gone: AbortSignal): Promise<void> {
  if (sink.write(slice) || sink.writableLength < AHEAD_BYTES_MAX) return;
  await once(sink, 'drain', { signal: gone });
}
