/** What is at `/`: the page for browsers, and for all others what this is, how to push to it and what it holds, as text or JSON. */
import type { IncomingMessage } from 'node:http';

import type { GatewayApi, Holdings, Suspect } from '../../gateway/api.ts';
import { labelPath } from '../../gateway/insight/path-of-key.ts';
import type { SendersMode } from '../../store/aggregation-config.ts';
import { shorten } from '../../primitives/quote.ts';
import { preferredMediaType } from '../replies/accept.ts';
import { nosniff } from '../replies/headers.ts';
import { pageFiles } from './page-files.ts';
import { HEALTHY_PATH, READY_PATH, SCRAPE_PATH, TSDB_STATUS_PATH } from './routes.ts';
import type { Links } from './prefix.ts';
import type { Handler } from './routes.ts';

interface PageDeps {
  readonly gateway: GatewayApi;
  readonly pushPath: string;
  readonly telemetryPath: string;
  readonly version: string;
  readonly links: Links;
}

const TEXT = 'text/plain';
const HTML = 'text/html';
const JSON_TYPE = 'application/json';

/** No code, style or request but those of the page's own files, and no code out of a text. */
const htmlHeaders: readonly string[] = [
  'Content-Security-Policy',
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; " +
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  'Cross-Origin-Opener-Policy',
  'same-origin',
  'Referrer-Policy',
  'no-referrer',
];

/** Browsers get a page without any data, which then asks for these with the token that it is given: everybody may have it. */
export function asksForHtml({ method, headers }: IncomingMessage): boolean {
  return (method === 'GET' || method === 'HEAD') && typeOf(headers.accept) === HTML;
}

function typeOf(accept: string | undefined): string {
  const type = preferredMediaType(accept, [TEXT, HTML, JSON_TYPE]);
  return type === HTML && pageFiles() === undefined ? TEXT : type;
}

export function pageHandler(deps: PageDeps): Handler {
  // Relative where nothing is said of the path, as the handler may have been put below one.
  const html = pageFiles()?.html.replaceAll('{{path}}', escapeHtml(deps.links.path || '.')) ?? '';
  return async ({ request, response }) => {
    const type = typeOf(request.headers.accept);
    const body = type === HTML ? html : dataOf(deps, request, type);
    request.resume();
    response.writeHead(200, [
      'Content-Type',
      type === JSON_TYPE ? type : `${type}; charset=utf-8`,
      'Content-Length',
      String(Buffer.byteLength(body)),
      'Cache-Control',
      'no-store',
      'Vary',
      'Accept',
      ...(type === HTML ? htmlHeaders : []),
      ...nosniff,
    ]);
    response.end(body);
  };
}

function dataOf(deps: PageDeps, request: IncomingMessage, type: string): string {
  const content = pageContent(deps, deps.links.origin(request, safeHost(request.headers.host)));
  return type === JSON_TYPE ? pageJson(content) : pageText(content);
}

const leads: Readonly<Record<SendersMode, string>> = {
  add: 'Push metrics here. They are added up for Prometheus to scrape.',
  'by-job':
    'Push metrics here, each sender under its job. Prometheus scrapes the sum of their latest pushes.',
  mixed:
    'Push metrics here, each sender under its job. Prometheus scrapes the sum of the latest pushes of some senders and of all pushes of the others, as the rules say.',
};

interface PageContent {
  readonly version: string;
  readonly mode: SendersMode;
  /** Push path of this gateway, as its senders reach it. */
  readonly pushUrl: string;
  readonly holdings: Holdings;
  readonly lead: string;
  readonly curl: string;
  /** Sentences; none where all looks right. */
  readonly warnings: readonly string[];
  readonly facts: readonly (readonly [string, string])[];
  readonly links: readonly (readonly [string, string])[];
}

function pageContent(deps: PageDeps, origin: string): PageContent {
  const { mode } = deps.gateway;
  const { path } = deps.links;
  const url = `${origin}${deps.pushPath}${mode === 'add' ? '' : 'job/example'}`;
  const holdings = deps.gateway.holdings();
  return {
    version: deps.version,
    mode,
    pushUrl: `${origin}${deps.pushPath}`,
    holdings,
    lead: leads[mode],
    curl: `echo 'http_requests_total{method="post",code="200"} 1027' | curl --data-binary @- ${url}`,
    warnings: holdings.suspects.map((suspect) => warningOf(suspect, deps.pushPath)),
    facts: describe(holdings, mode),
    links: [
      [`${path}${SCRAPE_PATH}`, 'the aggregated metrics, for Prometheus to scrape'],
      [`${path}${deps.telemetryPath}`, "the gateway's own metrics"],
      [`${path}${TSDB_STATUS_PATH}`, 'which metrics and labels have the most series, as JSON'],
      [`${path}${HEALTHY_PATH}`, '200 while the process is running'],
      [`${path}${READY_PATH}`, '200 while pushes are accepted, 503 when starting or shutting down'],
    ],
  };
}

function describe(holdings: Holdings, mode: SendersMode): [string, string][] {
  const last = holdings.lastPushMs;
  const facts: [string, string][] = [
    ['Families', String(holdings.families)],
    ['Series', String(holdings.series)],
    ['Pushes', `${holdings.pushes} since start`],
    ['Last push', last === undefined ? 'none yet' : new Date(last).toISOString()],
  ];
  if (mode !== 'add') facts.splice(2, 0, ['Sources', String(holdings.sources)]);
  return facts;
}

function warningOf({ remedy, labels, paths }: Suspect, pushPath: string): string {
  const where = shorten(`${pushPath}${labelPath(labels)}`);
  const more = paths > 1 ? ` and ${paths - 1} more` : '';
  return `${remedy.charAt(0).toUpperCase()}${remedy.slice(1)}: ${where}${more}`;
}

/** The Host header comes from outside and ends in a shell line that people copy: letters, digits and `.-_:[]` only. */
export function safeHost(host: string | undefined): string {
  return host !== undefined && /^[A-Za-z0-9.\-_:[\]]{1,255}$/.test(host) ? host : 'localhost:9091';
}

function pageText(content: PageContent): string {
  const column = (rows: readonly (readonly [string, string])[]): string =>
    rows.map(([left, right]) => `  ${left.padEnd(14)} ${right}`).join('\n');
  const lines = content.warnings.map((warning) => `  ${warning}\n`);
  const warnings = lines.length === 0 ? '' : `Looks wrong:\n${lines.join('')}\n`;
  return (
    `prom-aggregation-gateway ${content.version}\n\n${content.lead}\n\n${warnings}Push:\n  ${content.curl}\n\n` +
    `Holds now:\n${column(content.facts)}\n\nSee:\n${column(content.links)}\n`
  );
}

function pageJson({ version, mode, pushUrl, holdings, warnings }: PageContent): string {
  const { families, series, sources, pushes, lastPushMs } = holdings;
  const lastPush = lastPushMs === undefined ? null : lastPushMs / 1000;
  const all = { version, mode, pushUrl, families, series, sources, pushes, lastPush, warnings };
  return `${JSON.stringify(all)}\n`;
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
