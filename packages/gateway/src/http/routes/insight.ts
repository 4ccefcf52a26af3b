/** What the gateway knows of families and senders: docs/reference/api.md. */
import type { Access } from '../../access/access.ts';
import type { GatewayApi } from '../../gateway/api.ts';
import { familySorts } from '../../gateway/insight-api.ts';
import type { FamilySort, InsightAnswer, PageRequest } from '../../gateway/insight-api.ts';
import type { Log } from '../../primitives/log.ts';
import { quote } from '../../primitives/quote.ts';
import type { Exchange } from '../connections/exchange.ts';
import type { CorsPolicy } from '../replies/cors.ts';
import { answeredAsJson, answerJson, beginJson } from './json.ts';
import { LongAnswers } from './long-answers.ts';
import { invalid, limitOf, matchOf, queryOf, valueOf } from './parameters.ts';
import type { Parameters } from './parameters.ts';
import { familyInPath } from './routes.ts';
import type { Handler } from './routes.ts';

/** Entries of one answer. */
const PAGE_MAX = 1000;
/** Series that are explained, where no limit is given, and at the most. */
const EXPLAINED = 20;
const EXPLAINED_MAX = 100;

interface InsightDeps {
  readonly gateway: Pick<GatewayApi, 'insight'>;
  readonly log: Log;
  readonly cors: CorsPolicy;
  readonly access: Pick<Access, 'tokenRates'> | undefined;
}

type HandlerNames =
  | 'families'
  | 'family'
  | 'listSources'
  | 'explain'
  | 'watchSenders'
  | 'history'
  | 'scrapers'
  | 'audit'
  | 'limits'
  | 'rules'
  | 'pushedMetrics';
/** Asks what a request is for. Throws RequestError at once for parameters that are wrong. */
type Ask = (parameters: Parameters, page: PageRequest, exchange: Exchange) => Promise<InsightAnswer>;

export function insightHandlers(deps: InsightDeps): Readonly<Record<HandlerNames, Handler>> {
  // Asked for each time: that of a member of a cluster is another one after it was overtaken.
  const insight = (): GatewayApi['insight'] => deps.gateway.insight;
  const answers = new LongAnswers();
  const answered = (ask: Ask): Handler =>
    answeredAsJson(deps, async (exchange) => {
      const { request } = exchange;
      const parameters = queryOf(request);
      const limit = limitOf(request, { otherwise: PAGE_MAX, most: PAGE_MAX });
      const after = valueOf(parameters, 'after');
      request.resume();
      if (request.method === 'HEAD') {
        beginJson(exchange, deps.cors).end();
        return;
      }
      await answers.answer(exchange, deps.cors, (client) =>
        ask(parameters, { limit, after: after === '' ? undefined : after, client }, exchange),
      );
    });
  const shown = (what: () => object): Handler =>
    answeredAsJson(deps, async (exchange) => answerJson(exchange, deps.cors, what()));
  return {
    families: answered((parameters, page) =>
      insight().families({
        ...page,
        match: matchOf(parameters),
        search: valueOf(parameters, 'search'),
        sort: sortOf(parameters),
      }),
    ),
    family: answered((parameters, page, { path }) => {
      const selector = valueOf(parameters, 'selector');
      const match = [...matchOf(parameters), ...(selector === '' ? [] : [selector])];
      return insight().family({ ...page, name: nameOf(path), match });
    }),
    explain: answered((parameters, { client, limit }) => {
      const match = matchOf(parameters);
      if (match.length === 0)
        throw invalid('match[] is missing; say which series, as in match[]=up{job="x"}');
      const isGiven = valueOf(parameters, 'limit') !== '';
      return insight().explain({
        match,
        limit: Math.min(isGiven ? limit : EXPLAINED, EXPLAINED_MAX),
        client,
      });
    }),
    watchSenders: answeredAsJson(deps, async (exchange) => {
      const family = valueOf(queryOf(exchange.request), 'family');
      answerJson(exchange, deps.cors, { until: insight().watchSenders(family) });
    }),
    history: answeredAsJson(deps, async (exchange) => {
      const parameters = queryOf(exchange.request);
      const [family, series] = [valueOf(parameters, 'family'), valueOf(parameters, 'series')];
      if (family === '' && series === '') throw invalid('family is missing; say of which, as in family=up');
      const client = { isGone: false };
      exchange.response.once('close', () => (client.isGone = true));
      answerJson(exchange, deps.cors, await insight().history({ family, series, client }));
    }),
    scrapers: shown(() => ({ scrapers: insight().scrapers() })),
    audit: shown(() => ({ entries: insight().audit() })),
    limits: answered((_, { client }) => insight().limits({ rates: deps.access?.tokenRates() ?? [], client })),
    rules: answered((_, { client }) => insight().rules(client)),
    pushedMetrics: answered((_, { client }) => insight().pushedMetrics(client)),
    listSources: answered((parameters, page) =>
      insight().sources({ ...page, search: valueOf(parameters, 'search') }),
    ),
  };
}

function sortOf(parameters: Parameters): FamilySort {
  const text = valueOf(parameters, 'sort');
  if (text === '') return 'name';
  const sort = familySorts.find((each) => each === text);
  if (sort !== undefined) return sort;
  throw invalid(`sort is ${quote(text)}; it must be one of ${familySorts.join(', ')}`);
}

function nameOf(path: string): string {
  const raw = familyInPath(path) ?? '';
  try {
    return decodeURIComponent(raw);
  } catch {
    throw invalid(`the name ${quote(raw)} is not valid percent-encoded UTF-8`);
  }
}
