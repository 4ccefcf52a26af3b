/**
 * What metrics, labels and series there are, as Prometheus' HTTP API says it: https://prometheus.io/docs/prometheus/latest/querying/api/.
 * What is wrong with a request is said in its format as well. Times are not read, as there is only now.
 */
import type { GatewayApi, ListRequest } from '../../gateway/api.ts';
import type { Log } from '../../primitives/log.ts';
import { quote } from '../../primitives/quote.ts';
import type { CorsPolicy } from '../replies/cors.ts';
import type { AddressOf } from '../senders/client-address.ts';
import { HttpClient } from '../senders/http-client.ts';
import { answeredAsJson, answerJson, beginJson } from './json.ts';
import { LongAnswers } from './long-answers.ts';
import { FormReader, invalid, matchOf, queryOf, valueOf } from './parameters.ts';
import type { Parameters } from './parameters.ts';
import { unescapeName } from './push-path.ts';
import { labelInPath } from './routes.ts';
import type { Handler } from './routes.ts';

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
  const answers = new LongAnswers();
  const answered = (answer: Handler): Handler => answeredAsJson(deps, answer);
  const listed = (read: ReadRequest): Handler =>
    answered(async (exchange) => {
      const { request, path } = exchange;
      // As Go has it, what is in the body comes first.
      const form = await forms.read(exchange, new HttpClient(request, deps.addressOf));
      const asked = read([...form, ...queryOf(request)], path);
      request.resume();
      if (request.method === 'HEAD') beginJson(exchange, deps.cors).end();
      else await answers.answer(exchange, deps.cors, (client) => deps.gateway.list({ ...asked, client }));
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
    buildInfo: answered(async (exchange) => answerJson(exchange, deps.cors, buildInfo(deps.build))),
  };
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
  const match = matchOf(parameters);
  const limit = numberIn(parameters, 'limit') ?? 0;
  if (limit < 0) throw invalid(`limit is ${limit}; it must not be negative`);
  return { match, limit: limit === 0 ? Infinity : limit };
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
