/** The page at `/`: what this is, how to push to it, what it holds. HTML for browsers, text for curl. */
import { createHash } from 'node:crypto';

import type { GatewayApi, Holdings, Suspect } from '../../gateway/api.ts';
import { labelPath } from '../../gateway/insight/path-of-key.ts';
import type { SendersMode } from '../../store/aggregation-config.ts';
import { shorten } from '../../primitives/quote.ts';
import { preferredMediaType } from '../replies/accept.ts';
import { nosniff } from '../replies/headers.ts';
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

const style = `
:root{color-scheme:light dark;--line:light-dark(#d8dee4,#3d444d);--soft:light-dark(#f6f8fa,#151b23);--dim:light-dark(#59636e,#9198a1)}
body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:3rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}
p{margin:.5rem 0}.dim{color:var(--dim)}
pre{background:var(--soft);border:1px solid var(--line);border-radius:6px;padding:.75rem 1rem;overflow-x:auto;user-select:all}
dl{display:grid;grid-template-columns:max-content auto;gap:.25rem 1.5rem}ul{padding-left:1.25rem;overflow-wrap:anywhere}dd{margin:0;font-variant-numeric:tabular-nums}
`;

const htmlHeaders: readonly string[] = [
  'Content-Security-Policy',
  `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; base-uri 'none'; ` +
    "form-action 'none'; frame-ancestors 'none'",
  'Content-Type',
  'text/html; charset=utf-8',
];

export function pageHandler(deps: PageDeps): Handler {
  return async ({ request, response }) => {
    const content = pageContent(deps, deps.links.origin(request, safeHost(request.headers.host)));
    const html = preferredMediaType(request.headers.accept, ['text/plain', 'text/html']) === 'text/html';
    const body = html ? pageHtml(content) : pageText(content);
    request.resume();
    response.writeHead(200, [
      ...(html ? htmlHeaders : ['Content-Type', 'text/plain; charset=utf-8']),
      'Content-Length',
      String(Buffer.byteLength(body)),
      'Cache-Control',
      'no-store',
      'Vary',
      'Accept',
      ...nosniff,
    ]);
    response.end(body);
  };
}

const leads: Readonly<Record<SendersMode, string>> = {
  add: 'Push metrics here. They are added up for Prometheus to scrape.',
  'by-job':
    'Push metrics here, each sender under its job. Prometheus scrapes the sum of their latest pushes.',
  mixed:
    'Push metrics here, each sender under its job. Prometheus scrapes the sum of the latest pushes of some senders and of all pushes of the others, as the rules say.',
};

interface PageContent {
  readonly title: string;
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
    title: `prom-aggregation-gateway ${deps.version}`,
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
    `${content.title}\n\n${content.lead}\n\n${warnings}Push:\n  ${content.curl}\n\n` +
    `Holds now:\n${column(content.facts)}\n\nSee:\n${column(content.links)}\n`
  );
}

function pageHtml(content: PageContent): string {
  const facts = content.facts.map(
    ([name, value]) => `<dt class="dim">${escape(name)}</dt><dd>${escape(value)}</dd>`,
  );
  const links = content.links.map(
    ([path, what]) => `<dt><a href="${escape(path)}">${escape(path)}</a></dt><dd>${escape(what)}</dd>`,
  );
  const items = content.warnings.map((warning) => `<li>${escape(warning)}</li>`);
  const warnings = items.length === 0 ? '' : `<h2>Looks wrong</h2>\n<ul>${items.join('')}</ul>\n`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>${escape(content.title)}</title>
<style>${style}</style>
</head>
<body>
<h1>${escape(content.title)}</h1>
<p>${escape(content.lead)}</p>
${warnings}<h2>Push</h2>
<p class="dim">One click selects the line.</p>
<pre>${escape(content.curl)}</pre>
<h2>Holds now</h2>
<dl>${facts.join('')}</dl>
<h2>See</h2>
<dl>${links.join('')}</dl>
</body>
</html>
`;
}

function escape(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
