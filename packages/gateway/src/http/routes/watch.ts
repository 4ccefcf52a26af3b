/**
 * What happens, as server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html). A reader that does not take them in time is
 * cut off: it may come back, and sees what was pushed last.
 */
import type { ServerResponse } from 'node:http';

import type { GatewayApi } from '../../gateway/api.ts';
import type { EventReader } from '../../gateway/insight-api.ts';
import { eventText } from '../../gateway/insight/event-hub.ts';
import type { Log } from '../../primitives/log.ts';
import { quote } from '../../primitives/quote.ts';
import type { Exchange } from '../connections/exchange.ts';
import type { CorsPolicy } from '../replies/cors.ts';
import { nosniff } from '../replies/headers.ts';
import type { AddressOf } from '../senders/client-address.ts';
import { senderOf } from '../senders/sender.ts';
import { answeredAsJson, originHeaders } from './json.ts';
import { invalid, queryOf, valueOf } from './parameters.ts';
import type { Handler } from './routes.ts';

/** Not taken yet, beside what the kernel has of it. */
const BEHIND_BYTES_MAX = 512 * 1024;
/** Proxies close what is silent, mostly after a minute. */
const COMMENT_EVERY_MS = 15_000;
const SECONDS_MAX = 86_400;

interface WatchDeps {
  readonly gateway: Pick<GatewayApi, 'insight' | 'mode'>;
  readonly version: string;
  /** The name of this member of a cluster. */
  readonly member: string | undefined;
  readonly log: Log;
  readonly cors: CorsPolicy;
  readonly addressOf: AddressOf;
  /** Called when the server stops. */
  readonly onStop: Set<() => void>;
  /** Rejects or throws where who asks may not watch any more. */
  readonly checkAgain: (exchange: Exchange) => Promise<void>;
}

export function watchHandler(deps: WatchDeps): Handler {
  const { gateway, version, member, addressOf } = deps;
  return answeredAsJson(deps, async (exchange) => {
    const { response } = exchange;
    const seconds = secondsOf(exchange);
    const reader = new ResponseReader(response, senderOf(addressOf(exchange.request)));
    const end = gateway.insight.watch(reader);
    try {
      exchange.request.resume();
      response.writeHead(200, [
        'Content-Type',
        'text/event-stream',
        'Cache-Control',
        'no-store',
        // nginx would collect them.
        'X-Accel-Buffering',
        'no',
        ...nosniff,
        ...originHeaders(exchange, deps.cors),
      ]);
      response.write(eventText('hello', { version, mode: gateway.mode, member }));
      reader.begin();
      await untilOver(deps, exchange, seconds);
    } finally {
      end();
    }
  });
}

/** Resolves when the reader has gone, its time is over, its rights have, or the server stops. */
function untilOver(
  { onStop, checkAgain }: WatchDeps,
  exchange: Exchange,
  seconds: number | undefined,
): Promise<void> {
  const { response } = exchange;
  return new Promise((resolve) => {
    const stop = (): void => {
      response.end();
    };
    const comment = setInterval(() => {
      response.write(': \n\n');
      checkAgain(exchange).catch(stop);
    }, COMMENT_EVERY_MS).unref();
    const timer = seconds === undefined ? undefined : setTimeout(stop, seconds * 1000).unref();
    onStop.add(stop);
    const over = (): void => {
      clearInterval(comment);
      clearTimeout(timer);
      onStop.delete(stop);
      resolve();
    };
    response.once('close', over);
    if (response.destroyed) over();
  });
}

/** Holds back what comes before the head is written. */
class ResponseReader implements EventReader {
  readonly sender: string;
  readonly #response: ServerResponse;
  #before: string | undefined = '';

  constructor(response: ServerResponse, sender: string) {
    this.#response = response;
    this.sender = sender;
  }

  begin(): void {
    const text = this.#before ?? '';
    this.#before = undefined;
    if (text !== '') this.take(text);
  }

  end(): void {
    this.#response.end();
  }

  take(text: string): void {
    if (this.#before !== undefined) {
      this.#before += text;
      return;
    }
    const response = this.#response;
    if (response.destroyed || response.writableEnded) return;
    response.write(text);
    if (response.writableLength > BEHIND_BYTES_MAX) response.destroy();
  }
}

function secondsOf({ request }: Exchange): number | undefined {
  const text = valueOf(queryOf(request), 'seconds');
  if (text === '') return undefined;
  const seconds = /^\d{1,6}$/.test(text) ? Number(text) : Infinity;
  if (seconds <= SECONDS_MAX) return seconds;
  throw invalid(`seconds is ${quote(text)}; it must be a whole number from 0 to ${SECONDS_MAX}`);
}
