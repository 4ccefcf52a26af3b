/**
 * What metrics, labels and series there are, as Prometheus' HTTP API says it: https://prometheus.io/docs/prometheus/latest/querying/api/.
 * What is wrong with a request is said in its format as well. Times are not read, as there is only now.
 */
import type { Exchange } from '../connections/exchange.ts';
import type { GatewayApi, Listed, ListRequest } from '../../gateway/api.ts';
import { RequestError } from '../../model/errors.ts';
import type { Log } from '../../primitives/log.ts';
import { quote } from '../../primitives/quote.ts';
import type { CorsPolicy } from '../replies/cors.ts';
import type { AddressOf } from '../senders/client-address.ts';
import { HttpClient } from '../senders/http-client.ts';
import { answeredAsJson, beginJson, replyTo } from './json.ts';
import { FormReader, queryOf } from './parameters.ts';
import type { Parameters } from './parameters.ts';
import { unescapeName } from './push-path.ts';
import { labelInPath } from './routes.ts';
import type { Handler } from './routes.ts';
import { Waiting } from './slow-reply.ts';

/** Requests of which the answer is looked for or not taken yet: each may have some megabytes. */
const ANSWERS_MAX = 4;
/** Those that wait until they may begin. */
const WAITING_MAX = 32;

interface ListingDeps {
  readonly gateway: Pick<GatewayApi, 'list'>;
  readonly log: Log;
  readonly cors: CorsPolicy;
  readonly addressOf: AddressOf;
  readonly build: { readonly version: string; readonly revision: string };
}

type HandlerNames = 'listMetadata' | 'listLabels' | 'listValues' | 'listSeries' | 'buildInfo';
/** Reads what is asked for, all but who asks. Throws RequestError. */
type ReadRequest = (parameters: Parameters, path: string) => ListRequest;

export function listingHandlers(deps: ListingDeps): Readonly<Record<HandlerNames, Handler>> {
  const forms = new FormReader();
  const places = new Places();
  const answered = (answer: Handler): Handler => answeredAsJson(deps, answer);
  const listed = (read: ReadRequest): Handler =>
    answered(async (exchange) => {
      const { request, path } = exchange;
      // As Go has it, what is in the body comes first.
      const form = await forms.read(exchange, new HttpClient(request, deps.addressOf));
      const asked = read([...form, ...queryOf(request)], path);
      request.resume();
      if (request.method === 'HEAD') beginJson(exchange, deps.cors).end();
      else await list(exchange, asked, places, deps);
    });
  return {
    listMetadata: listed((parameters) => {
      numberIn(parameters, 'limit_per_metric');
      const limit = numberIn(parameters, 'limit');
      const metric = valueOf(parameters, 'metric');
      return {
        what: 'metadata',
        limit: limit === undefined || limit < 0 ? Infinity : limit,
        metric: metric === '' ? undefined : metric,
      };
    }),
    listLabels: listed((parameters) => ({ what: 'labels', ...filterOf(parameters) })),
    listValues: listed((parameters, path) => ({
      what: 'values',
      label: labelOf(path),
      ...filterOf(parameters),
    })),
    listSeries: listed((parameters) => {
      const filter = filterOf(parameters);
      if (filter.match.length === 0)
        throw invalid('match[] is missing; say which series, as in match[]=up{job="x"}');
      return { what: 'series', ...filter };
    }),
    buildInfo: answered(async (exchange) => {
      exchange.request.resume();
      beginJson(exchange, deps.cors).end(
        exchange.request.method === 'HEAD' ? '' : replyTo(JSON.stringify(buildInfo(deps.build))),
      );
    }),
  };
}

async function list(
  exchange: Exchange,
  asked: ListRequest,
  places: Places,
  { gateway, cors }: ListingDeps,
): Promise<void> {
  const waiting = new Waiting(exchange.request, exchange.response);
  try {
    await places.enter();
    try {
      const found = await gateway.list({ ...asked, client: waiting });
      beginJson(exchange, cors);
      await waiting.write(slicesOf(found));
    } finally {
      places.leave();
    }
  } catch (error) {
    if (!waiting.isGone) throw error;
  } finally {
    waiting.end();
  }
}

function* slicesOf({ data, warnings }: Listed): Generator<string | Uint8Array, void> {
  yield '{"status":"success","data":';
  yield* data;
  yield warnings.length === 0 ? '}\n' : `,"warnings":${JSON.stringify(warnings)}}\n`;
}

/** Tools ask for it to learn what they may ask for; what is not of Go is left empty. */
function buildInfo(build: ListingDeps['build']): object {
  return {
    ...build,
    branch: '',
    buildUser: '',
    buildDate: '',
    goVersion: '',
    application: 'prom-aggregation-gateway',
  };
}

function filterOf(parameters: Parameters): { readonly match: readonly string[]; readonly limit: number } {
  const match = parameters.filter(([name]) => name === 'match[]').map(([, value]) => value);
  const limit = numberIn(parameters, 'limit') ?? 0;
  if (limit < 0) throw invalid(`limit is ${limit}; it must not be negative`);
  return { match, limit: limit === 0 ? Infinity : limit };
}

/** The first one counts, and an empty one is none. */
function valueOf(parameters: Parameters, wanted: string): string {
  return parameters.find(([name]) => name === wanted)?.[1] ?? '';
}

function numberIn(parameters: Parameters, name: string): number | undefined {
  const text = valueOf(parameters, name);
  if (text === '') return undefined;
  if (/^[+-]?\d{1,15}$/.test(text)) return Number(text);
  throw invalid(`${name} is ${quote(text)}; it must be a whole number`);
}

/** As in the path, or escaped as Prometheus 3 has it: `U__a_2e_b` is `a.b`. */
function labelOf(path: string): string {
  const raw = labelInPath(path) ?? '';
  let name: string;
  try {
    name = unescapeName(decodeURIComponent(raw));
  } catch {
    throw invalid(`the label name ${quote(raw)} is not valid percent-encoded UTF-8`);
  }
  if (name === '') throw invalid('the label name is empty');
  return name;
}

function invalid(message: string): RequestError {
  return new RequestError('invalid_parameter', message);
}

/** Few at a time, the others in the order in which they came. */
class Places {
  #open = 0;
  readonly #waiting: (() => void)[] = [];

  /** Rejects with RequestError `overloaded` where too many wait. */
  async enter(): Promise<void> {
    if (this.#open < ANSWERS_MAX) {
      this.#open += 1;
      return;
    }
    if (this.#waiting.length >= WAITING_MAX)
      throw new RequestError('overloaded', 'too many requests of this kind are in progress; retry later');
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** The place goes to who waited longest, if there is one. */
  leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#open -= 1;
    else next();
  }
}
