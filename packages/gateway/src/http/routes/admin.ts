/**
 * What an operator has go, with the URLs of Prometheus and Pushgateway. None of it is for web pages but the gateway's own: a page may send a POST
 * anywhere without asking, so whatever a browser says that it sends for another page is refused, whichever origins may push.
 */
import type { Deleted, DeleteRequest, GatewayApi } from '../../gateway/api.ts';
import { RequestError } from '../../model/errors.ts';
import { quote } from '../../primitives/quote.ts';
import type { Exchange } from '../connections/exchange.ts';
import { nosniff } from '../replies/headers.ts';
import { sendText } from '../replies/send-text.ts';
import type { AddressOf } from '../senders/client-address.ts';
import { HttpClient } from '../senders/http-client.ts';
import { auditedAs, whoOf } from './audited.ts';
import { isFromOwnPage } from './own-page.ts';
import { FormReader, queryOf } from './parameters.ts';
import type { Parameters } from './parameters.ts';
import { NOTHING_DELETED } from './push.ts';
import type { Handler } from './routes.ts';

interface AdminDeps {
  readonly gateway: GatewayApi;
  readonly isEnabled: boolean;
  readonly allowedHosts: readonly string[];
  readonly addressOf: AddressOf;
}

type What = DeleteRequest['what'];

export function adminHandlers(
  deps: AdminDeps,
): Readonly<Record<'deleteSeries' | 'deleteSources' | 'wipe', Handler>> {
  const forms = new FormReader();
  const handler =
    (what: What, reply: (exchange: Exchange, deleted: Deleted) => void): Handler =>
    async (exchange) => {
      const { request, response } = exchange;
      check(exchange, deps);
      const client = new HttpClient(request, deps.addressOf);
      const remote = deps.addressOf(request);
      const parameters = [...queryOf(request), ...(await forms.read(exchange, client))];
      const { match, isDryRun } = parse(parameters, what);
      const deleted = await deps.gateway.deleteMany({ what, match, isDryRun, client, remote });
      request.resume();
      if (!isDryRun)
        deps.gateway.insight.audited({
          what: auditedAs(exchange),
          who: whoOf(exchange, remote),
          detail: match.join(' '),
          outcome: `${counted(deleted.series, 'series')}, ${counted(deleted.sources, 'source')}`,
        });
      if (isDryRun)
        sendText(response, 200, { text: dryRunReply(deleted, what), contentType: 'application/json' });
      else reply(exchange, deleted);
    };
  return {
    deleteSeries: handler('series', ({ response }) => {
      response.writeHead(204, [...nosniff]);
      response.end();
    }),
    deleteSources: handler('sources', ({ response }, { sources }) =>
      sendText(response, 202, {
        text: deps.gateway.mode !== 'add' ? `${counted(sources, 'source')} deleted\n` : NOTHING_DELETED,
      }),
    ),
    wipe: handler('all', ({ response }, { series, sources }) =>
      sendText(response, 202, { text: `${series} series and ${counted(sources, 'source')} deleted\n` }),
    ),
  };
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 || noun === 'series' ? '' : 's'}`;
}

function check(exchange: Exchange, { isEnabled, allowedHosts }: AdminDeps): void {
  const { headers } = exchange.request;
  if (!isEnabled)
    throw new RequestError(
      'admin_api_disabled',
      'the admin API is disabled; start the gateway with --web.enable-admin-api to delete series and sources',
    );
  const isOfPage = headers.origin !== undefined || headers['sec-fetch-site'] !== undefined;
  if (!isOfPage || isFromOwnPage(exchange, allowedHosts)) return;
  const own =
    "the gateway's own page is, where it is signed in, or its host is an address, localhost or in --web.allowed-hosts";
  throw new RequestError(
    'origin_not_allowed',
    `web pages are not allowed to use the admin API; ${own}. Otherwise send the request with curl or a program, without an Origin header`,
  );
}

/** One that is not known is refused: what was meant to be a dry run must not be none. */
function parse(parameters: Parameters, what: What): Pick<DeleteRequest, 'match' | 'isDryRun'> {
  const match: string[] = [];
  let isDryRun = false;
  for (const [name, value] of parameters) {
    if (name === 'match[]' && what !== 'all') match.push(value);
    else if (name === 'dry_run') isDryRun = parseDryRun(value);
    else throw unknown(name, what);
  }
  return { match, isDryRun };
}

function parseDryRun(value: string): boolean {
  if (value === 'true' || value === '1') return true;
  if (value === 'false' || value === '0') return false;
  throw new RequestError('invalid_parameter', `dry_run is ${quote(value)}; it must be true or false`);
}

function unknown(name: string, what: What): RequestError {
  if (what === 'series' && (name === 'start' || name === 'end'))
    return new RequestError(
      'invalid_parameter',
      `${name} is not supported, as the gateway keeps no history: series are deleted as a whole; remove it`,
    );
  const known = what === 'all' ? 'dry_run is the only one' : 'use match[] and dry_run';
  return new RequestError('invalid_parameter', `the parameter ${quote(name)} is unknown; ${known}`);
}

function dryRunReply({ series, sources, firstSeries, firstSources }: Deleted, what: What): string {
  return `${JSON.stringify({
    ...(what === 'sources' ? {} : { series, first_series: firstSeries }),
    ...(what === 'series' ? {} : { sources, first_sources: firstSources }),
  })}\n`;
}
