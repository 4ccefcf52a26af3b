/** Answers in the format of Prometheus' HTTP API: what is wrong with a request is said in it as well. */
import { ClientGone } from '../../model/client-gone.ts';
import type { RequestError } from '../../model/errors.ts';
import type { Log } from '../../primitives/log.ts';
import type { Exchange } from '../connections/exchange.ts';
import type { CorsPolicy } from '../replies/cors.ts';
import { nosniff } from '../replies/headers.ts';
import { asRequestError, sendError } from '../replies/problem.ts';
import type { Handler } from './routes.ts';

const JSON_TYPE = 'application/json';

interface JsonDeps {
  readonly log: Log;
  readonly cors: CorsPolicy;
}

/** Answers for what a handler throws. */
export function answeredAsJson({ log, cors }: JsonDeps, answer: Handler): Handler {
  return async (exchange) => {
    try {
      await answer(exchange);
    } catch (error) {
      if (error instanceof ClientGone) throw error;
      const { request, response } = exchange;
      const problem = asRequestError(error, log);
      sendError(request, response, problem, originHeaders(exchange, cors), problemOf(problem));
    }
  };
}

/** Writes the head of an answer. */
export function beginJson(exchange: Exchange, cors: CorsPolicy): Exchange['response'] {
  return exchange.response.writeHead(200, [
    'Content-Type',
    JSON_TYPE,
    ...nosniff,
    ...originHeaders(exchange, cors),
  ]);
}

/** For all that reads. */
export function originHeaders({ request, principal }: Exchange, cors: CorsPolicy): readonly string[] {
  return cors.headersFor(request.headers.origin, 'read', principal?.token?.rule.origins);
}

/** `data` is JSON. */
export function replyTo(data: string): string {
  return `{"status":"success","data":${data}}\n`;
}

/** Answers with a small object. */
export function answerJson(exchange: Exchange, cors: CorsPolicy, data: object): void {
  exchange.request.resume();
  const response = beginJson(exchange, cors);
  response.end(exchange.request.method === 'HEAD' ? '' : replyTo(JSON.stringify(data)));
}

function problemOf(error: RequestError): { readonly contentType: string; readonly body: string } {
  const problem = { status: 'error', errorType: errorTypeOf(error.status), error: error.text };
  return { contentType: JSON_TYPE, body: `${JSON.stringify(problem)}\n` };
}

function errorTypeOf(status: number): string {
  if (status === 503) return 'unavailable';
  return status >= 500 ? 'internal' : 'bad_data';
}
