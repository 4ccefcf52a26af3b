/** The OpenAPI document: made from the table of routes, so that it has each of them. */
import { roles } from '../../model/roles.ts';
import { routeTable } from '../routes/routes.ts';
import { answerOf, dataSchemas, errorSchema } from './schemas.ts';
import type { Schema } from './schemas.ts';

interface DocumentOptions {
  readonly pushPath: string;
  readonly telemetryPath: string;
  /** Before all paths. */
  readonly prefix: string;
  readonly version: string;
}

interface Described {
  readonly path: string;
  readonly summary: string;
  /** Of the query, by name. */
  readonly query?: readonly QueryName[];
  /** Media types of a successful answer that is no JSON of the API. */
  readonly types?: readonly string[];
  readonly status?: number;
  readonly hasBody?: boolean;
}

const TEXT = 'text/plain';

const queryParameters = {
  'match[]': [
    'A series selector of PromQL; may be given several times.',
    { type: 'array', items: { type: 'string' } },
  ],
  limit: ['Entries.', { type: 'integer', minimum: 0 }],
  member: [
    'In a cluster: of the member that is asked, and not of the leader.',
    { type: 'string', enum: ['self'] },
  ],
  after: ['What next was in the answer before.', { type: 'string' }],
  search: ['Words to be found; label=value finds by label.', { type: 'string' }],
  sort: ['The order of the list.', { type: 'string', enum: ['name', 'series', 'pushes', 'last_change'] }],
  selector: ['As match[].', { type: 'string' }],
  metric: ['Only this metric.', { type: 'string' }],
  family: ['The name of a family.', { type: 'string' }],
  series: ['A series selector of PromQL.', { type: 'string' }],
  path: ['Where the push would go.', { type: 'string' }],
  method: ['How it would be pushed.', { type: 'string', enum: ['POST', 'PUT'] }],
  seconds: ['When the stream ends.', { type: 'integer', minimum: 0, maximum: 86_400 }],
  scraper: ['The name of the scraper.', { type: 'string' }],
  dry_run: ['Only count what would be deleted.', { type: 'boolean' }],
  'idempotency-key': ['A push with the same key is applied once.', { type: 'string' }],
} as const satisfies Readonly<Record<string, readonly [description: string, schema: Schema]>>;

type QueryName = keyof typeof queryParameters;

const list = ['limit', 'after'] as const;

/** By place; what is undefined is left out. Those without a path have it from the options. */
const described: Readonly<Record<string, Described | undefined>> = {
  push: {
    path: '',
    summary: 'Pushes, or retires the source of the path',
    query: ['idempotency-key'],
    types: [TEXT],
    status: 202,
    hasBody: true,
  },
  scrape: {
    path: '/metrics',
    summary: 'The aggregate, for Prometheus to scrape',
    query: ['scraper'],
    types: [TEXT, 'application/openmetrics-text', 'application/vnd.google.protobuf'],
  },
  telemetry: { path: '', summary: "The gateway's own metrics", types: [TEXT] },
  delete_series: {
    path: '/api/v1/admin/tsdb/delete_series',
    summary: 'Deletes series',
    query: ['match[]', 'dry_run'],
    types: [],
    status: 204,
  },
  sources: {
    path: '/api/v1/sources',
    summary: 'Who pushes; DELETE retires the sources that match',
    query: ['search', ...list, 'match[]', 'dry_run'],
  },
  wipe: {
    path: '/api/v1/admin/wipe',
    summary: 'Deletes everything',
    query: ['dry_run'],
    types: [TEXT],
    status: 202,
  },
  metadata: {
    path: '/api/v1/metadata',
    summary: 'Type, help and unit of metrics',
    query: ['metric', 'limit'],
  },
  labels: { path: '/api/v1/labels', summary: 'Names of labels', query: ['match[]', 'limit'] },
  label_values: {
    path: '/api/v1/label/{name}/values',
    summary: 'Values of a label',
    query: ['match[]', 'limit'],
  },
  series: { path: '/api/v1/series', summary: 'Series that match', query: ['match[]', 'limit'] },
  buildinfo: { path: '/api/v1/status/buildinfo', summary: 'The version of the gateway' },
  tsdb_status: {
    path: '/api/v1/status/tsdb',
    summary: 'Which metrics and labels have the most series',
    query: ['limit'],
  },
  refusals: { path: '/api/v1/refusals', summary: 'The last refused requests', query: ['limit', 'member'] },
  me: { path: '/api/v1/status/me', summary: 'What the sender of the request may do' },
  watch: {
    path: '/api/v1/watch',
    summary: 'Pushes and refusals as they happen',
    query: ['seconds'],
    types: ['text/event-stream'],
  },
  families: {
    path: '/api/v1/families',
    summary: 'The families, with who pushes them',
    query: ['search', 'match[]', 'sort', ...list],
  },
  family: {
    path: '/api/v1/families/{name}',
    summary: 'The series of a family with their values',
    query: ['selector', 'match[]', ...list],
  },
  validate: {
    path: '/api/v1/validate',
    summary: 'What a push would do',
    query: ['path', 'method'],
    hasBody: true,
  },
  explain: {
    path: '/api/v1/explain',
    summary: 'Who makes up the numbers of series',
    query: ['match[]', 'limit'],
  },
  explain_watch: {
    path: '/api/v1/explain/watch',
    summary: 'Counts exactly for some time who adds to a family',
    query: ['family'],
  },
  history: { path: '/api/v1/history', summary: 'The last hour', query: ['family', 'series'] },
  scrapers: { path: '/api/v1/scrapers', summary: 'Who scrapes', query: ['member'] },
  audit: { path: '/api/v1/audit', summary: 'Deletions and reloads, with who asked', query: ['member'] },
  limits: {
    path: '/api/v1/limits',
    summary: 'What is used of the limits, also of those of tokens and rules',
  },
  rules: { path: '/api/v1/rules', summary: 'The rules in force' },
  metrics: { path: '/api/v1/metrics', summary: 'All metrics, as Pushgateway has them' },
  openapi: { path: '/api/v1/openapi.json', summary: 'This document', types: ['application/json'] },
  healthy: { path: '/-/healthy', summary: 'Whether the process is running', types: [TEXT] },
  ready: { path: '/-/ready', summary: 'Whether pushes and scrapes are accepted', types: [TEXT] },
  reload: { path: '/-/reload', summary: 'Reloads the configuration file', types: [TEXT] },
  page: undefined,
};

export function openApiDocument(options: DocumentOptions): object {
  const paths: Record<string, Record<string, object>> = {};
  const { pushPath, telemetryPath } = options;
  const configured: Readonly<Record<string, string>> = {
    push: `${pushPath}{labels}`,
    telemetry: telemetryPath,
  };
  for (const { place, methods, handler, role } of routeTable) {
    const known = described[place];
    if (known === undefined) continue;
    const is = { ...known, path: configured[place] ?? known.path };
    const path = (paths[is.path] ??= pathItem(is));
    for (const method of methods)
      path[method.toLowerCase()] = operation(place, is, { method, handler, role });
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'prom-aggregation-gateway',
      version: options.version,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: options.prefix === '' ? '/' : options.prefix }],
    security: [{}, { token: [] }, { password: [] }],
    paths,
    components: {
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description: `A token of the configuration file, which may ${roles.join(', ')}.`,
        },
        password: { type: 'http', scheme: 'basic' },
      },
      schemas: { Error: errorSchema },
    },
  };
}

function pathItem({ path }: Described): Record<string, object> {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
  if (names.length === 0) return {};
  const parameters = names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } }));
  return { parameters };
}

function operation(
  place: string,
  is: Described,
  {
    method,
    handler,
    role,
  }: { readonly method: string; readonly handler: string; readonly role: string | undefined },
): object {
  const parameters = (is.query ?? []).map((name) => {
    const [description, schema] = queryParameters[name];
    return { name, in: 'query', description, schema };
  });
  const hasBody = is.hasBody === true && (method === 'POST' || method === 'PUT');
  return {
    operationId: `${handler}_${method.toLowerCase()}`,
    summary: is.summary,
    ...(role !== undefined && { description: `Needs the right ${role}.` }),
    parameters,
    ...(hasBody && { requestBody: { content: { [TEXT]: {}, 'application/openmetrics-text': {} } } }),
    responses: responses(place, is, method),
  };
}

function responses(place: string, { types, status = 200 }: Described, method: string): object {
  const data = dataSchemas[place];
  const isOfApi = data !== undefined && method !== 'DELETE';
  const error = { $ref: '#/components/schemas/Error' };
  const content = isOfApi
    ? { 'application/json': { schema: answerOf(data) } }
    : Object.fromEntries((types ?? [TEXT]).map((type) => [type, {}]));
  const answer = method === 'HEAD' || Object.keys(content).length === 0 ? {} : { content };
  return {
    [method === 'OPTIONS' ? 204 : method === 'DELETE' ? 202 : status]: {
      description: 'As asked for',
      ...answer,
    },
    default: {
      description: 'An error',
      content: isOfApi
        ? { 'application/json': { schema: error }, [TEXT]: {} }
        : { [TEXT]: {}, 'application/problem+json': {} },
    },
  };
}
