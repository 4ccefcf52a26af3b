/**
 * What is served where. One path may be several places: by default `/metrics/` is where to push and, for GET, the
 * scrape. The table below is also the one in docs/reference/http.md; a test compares them.
 */
import { RequestError } from '../../model/errors.ts';
import type { Role } from '../../model/roles.ts';
import { quote, shorten } from '../../primitives/quote.ts';
import type { Exchange } from '../connections/exchange.ts';

type Place =
  | 'push'
  | 'scrape'
  | 'telemetry'
  | 'delete_series'
  | 'sources'
  | 'wipe'
  | 'metadata'
  | 'labels'
  | 'label_values'
  | 'series'
  | 'buildinfo'
  | 'tsdb_status'
  | 'refusals'
  | 'me'
  | 'watch'
  | 'families'
  | 'family'
  | 'validate'
  | 'explain'
  | 'explain_watch'
  | 'history'
  | 'scrapers'
  | 'audit'
  | 'limits'
  | 'rules'
  | 'metrics'
  | 'openapi'
  | 'healthy'
  | 'ready'
  | 'reload'
  | 'page'
  | 'page_files';
export type HandlerName =
  | 'push'
  | 'retire'
  | 'preflight'
  | 'scrape'
  | 'telemetry'
  | 'deleteSeries'
  | 'deleteSources'
  | 'wipe'
  | 'listMetadata'
  | 'listLabels'
  | 'listValues'
  | 'listSeries'
  | 'buildInfo'
  | 'tsdbStatus'
  | 'refusals'
  | 'me'
  | 'watch'
  | 'families'
  | 'family'
  | 'listSources'
  | 'validate'
  | 'explain'
  | 'watchSenders'
  | 'history'
  | 'scrapers'
  | 'audit'
  | 'limits'
  | 'rules'
  | 'pushedMetrics'
  | 'openapi'
  | 'healthy'
  | 'ready'
  | 'reload'
  | 'page'
  | 'pageFiles';

/** Rejections and throws are answered by whoever dispatches. */
export type Handler = (exchange: Exchange) => Promise<void>;

interface Route {
  readonly place: Place;
  readonly methods: readonly string[];
  readonly handler: HandlerName;
  /** Undefined for health and files of the page, which are for all but senders. */
  readonly role: Role | undefined;
}

export const routeTable: readonly Route[] = [
  { place: 'push', methods: ['POST', 'PUT'], handler: 'push', role: 'push' },
  { place: 'push', methods: ['DELETE'], handler: 'retire', role: 'delete' },
  { place: 'push', methods: ['OPTIONS'], handler: 'preflight', role: 'push' },
  { place: 'scrape', methods: ['GET', 'HEAD'], handler: 'scrape', role: 'scrape' },
  { place: 'telemetry', methods: ['GET', 'HEAD'], handler: 'telemetry', role: 'scrape' },
  { place: 'delete_series', methods: ['POST', 'PUT'], handler: 'deleteSeries', role: 'admin' },
  { place: 'sources', methods: ['DELETE'], handler: 'deleteSources', role: 'admin' },
  { place: 'wipe', methods: ['POST', 'PUT'], handler: 'wipe', role: 'admin' },
  { place: 'metadata', methods: ['GET', 'HEAD'], handler: 'listMetadata', role: 'read' },
  { place: 'labels', methods: ['GET', 'HEAD', 'POST'], handler: 'listLabels', role: 'read' },
  { place: 'label_values', methods: ['GET', 'HEAD'], handler: 'listValues', role: 'read' },
  { place: 'series', methods: ['GET', 'HEAD', 'POST'], handler: 'listSeries', role: 'read' },
  { place: 'buildinfo', methods: ['GET', 'HEAD'], handler: 'buildInfo', role: 'read' },
  { place: 'tsdb_status', methods: ['GET', 'HEAD'], handler: 'tsdbStatus', role: 'read' },
  { place: 'refusals', methods: ['GET', 'HEAD'], handler: 'refusals', role: 'read' },
  { place: 'me', methods: ['GET', 'HEAD'], handler: 'me', role: 'read' },
  { place: 'watch', methods: ['GET'], handler: 'watch', role: 'read' },
  { place: 'families', methods: ['GET', 'HEAD'], handler: 'families', role: 'read' },
  { place: 'family', methods: ['GET', 'HEAD'], handler: 'family', role: 'read' },
  { place: 'sources', methods: ['GET', 'HEAD'], handler: 'listSources', role: 'read' },
  { place: 'validate', methods: ['POST', 'PUT'], handler: 'validate', role: 'push' },
  { place: 'explain', methods: ['GET', 'HEAD'], handler: 'explain', role: 'read' },
  { place: 'explain_watch', methods: ['POST', 'PUT'], handler: 'watchSenders', role: 'read' },
  { place: 'history', methods: ['GET', 'HEAD'], handler: 'history', role: 'read' },
  { place: 'scrapers', methods: ['GET', 'HEAD'], handler: 'scrapers', role: 'read' },
  { place: 'audit', methods: ['GET', 'HEAD'], handler: 'audit', role: 'read' },
  { place: 'limits', methods: ['GET', 'HEAD'], handler: 'limits', role: 'read' },
  { place: 'rules', methods: ['GET', 'HEAD'], handler: 'rules', role: 'read' },
  { place: 'metrics', methods: ['GET', 'HEAD'], handler: 'pushedMetrics', role: 'read' },
  { place: 'openapi', methods: ['GET', 'HEAD'], handler: 'openapi', role: 'read' },
  { place: 'healthy', methods: ['GET', 'HEAD'], handler: 'healthy', role: undefined },
  { place: 'ready', methods: ['GET', 'HEAD'], handler: 'ready', role: undefined },
  { place: 'reload', methods: ['POST', 'PUT'], handler: 'reload', role: 'lifecycle' },
  { place: 'page', methods: ['GET', 'HEAD'], handler: 'page', role: 'read' },
  { place: 'page_files', methods: ['GET', 'HEAD'], handler: 'pageFiles', role: undefined },
];

export const HEALTHY_PATH = '/-/healthy';
export const READY_PATH = '/-/ready';
const RELOAD_PATH = '/-/reload';
export const SCRAPE_PATH = '/metrics';
/** As in Prometheus. */
export const TSDB_STATUS_PATH = '/api/v1/status/tsdb';
const REFUSALS_PATH = '/api/v1/refusals';

/** Prometheus' own URL, one beside it, and Pushgateway's. */
const adminPaths: ReadonlyMap<string, Place> = new Map([
  ['/api/v1/admin/tsdb/delete_series', 'delete_series'],
  ['/api/v1/sources', 'sources'],
  ['/api/v1/admin/wipe', 'wipe'],
]);

/** Those of Prometheus' HTTP API that only read. */
const readPaths: ReadonlyMap<string, Place> = new Map([
  ['/api/v1/metadata', 'metadata'],
  ['/api/v1/labels', 'labels'],
  ['/api/v1/series', 'series'],
  ['/api/v1/status/buildinfo', 'buildinfo'],
  [TSDB_STATUS_PATH, 'tsdb_status'],
  [REFUSALS_PATH, 'refusals'],
  ['/api/v1/status/me', 'me'],
  ['/api/v1/watch', 'watch'],
  ['/api/v1/families', 'families'],
  ['/api/v1/explain', 'explain'],
  ['/api/v1/explain/watch', 'explain_watch'],
  ['/api/v1/history', 'history'],
  ['/api/v1/scrapers', 'scrapers'],
  ['/api/v1/audit', 'audit'],
  ['/api/v1/limits', 'limits'],
  ['/api/v1/rules', 'rules'],
  ['/api/v1/metrics', 'metrics'],
  ['/api/v1/openapi.json', 'openapi'],
  ['/api/v1/validate', 'validate'],
]);
const FAMILY_PATH = '/api/v1/families/';
const labelValuesPath = /^\/api\/v1\/label\/([^/]*)\/values$/;

/** The raw name in the path of a label's values. */
export function labelInPath(path: string): string | undefined {
  return labelValuesPath.exec(path)?.[1];
}

const pageFilePath = /^\/-\/page\/([\w.-]+)$/;

/** The name in the path of a file of the page. */
export function pageFileInPath(path: string): string | undefined {
  return pageFilePath.exec(path)?.[1];
}

/** The raw name in the path of a family; it may have slashes. */
export function familyInPath(path: string): string | undefined {
  return path.length > FAMILY_PATH.length && path.startsWith(FAMILY_PATH)
    ? path.slice(FAMILY_PATH.length)
    : undefined;
}

interface PathOptions {
  readonly pushPath: string;
  readonly telemetryPath: string;
}

export interface Routes {
  /** Whether a request is one to the admin API, which neither pushes nor is for web pages. */
  isAdmin(method: string | undefined, path: string): boolean;
  /** Whether a request means to be a push, so that its refusal counts as one. */
  isPush(method: string | undefined, path: string): boolean;
  /** The route for a request; throws RequestError `not_found`, `method_not_allowed` or `invalid_path`. */
  find(method: string, path: string): Route;
  /** Methods that any place at this path takes, in the order of the table. */
  allowed(path: string): readonly string[];
  /** What follows the push path; empty for the bare one. */
  restOf(path: string): string;
}

export function createRoutes(options: PathOptions): Routes {
  const { pushPath, telemetryPath } = options;
  const barePushPath = pushPath.slice(0, -1);
  const isPushPath = (path: string): boolean => path.startsWith(pushPath) || path === barePushPath;
  const shared = (place: Place, path: string): [string, readonly Place[]] => [
    path,
    isPushPath(path) ? [place, 'push'] : [place],
  ];
  const exact = new Map<string, readonly Place[]>([
    shared('page', '/'),
    shared('scrape', SCRAPE_PATH),
    shared('scrape', `${SCRAPE_PATH}/`),
    ...[...adminPaths, ...readPaths].map(([path, place]): [string, readonly Place[]] => [path, [place]]),
    [telemetryPath, ['telemetry']],
    [HEALTHY_PATH, ['healthy']],
    [READY_PATH, ['ready']],
    [RELOAD_PATH, ['reload']],
  ]);
  const pushOnly: readonly Place[] = ['push'];
  const labelValues: readonly Place[] = ['label_values'];
  const files: readonly Place[] = ['page_files'];
  const family: readonly Place[] = ['family'];
  const nowhere: readonly Place[] = [];
  const placesOf = (path: string): readonly Place[] => {
    const places = exact.get(path);
    if (places !== undefined) return places;
    if (labelInPath(path) !== undefined) return labelValues;
    if (pageFileInPath(path) !== undefined) return files;
    if (familyInPath(path) !== undefined) return family;
    return isPushPath(path) ? pushOnly : nowhere;
  };
  const allowed = (path: string): readonly string[] => {
    const places = placesOf(path);
    return routeTable.filter((route) => places.includes(route.place)).flatMap((route) => route.methods);
  };
  return {
    isAdmin: (method, path) => adminPaths.has(path) && method !== 'GET' && method !== 'HEAD',
    isPush: (method, path) =>
      isPushMethod(method) && path !== RELOAD_PATH && !adminPaths.has(path) && !readPaths.has(path),
    find(method, path) {
      const places = placesOf(path);
      for (const route of routeTable) {
        if (places.includes(route.place) && route.methods.includes(method)) return route;
      }
      throw places.length === 0
        ? unknownPath(method, path, options)
        : wrongMethod(method, path, { places, allowed: allowed(path) });
    },
    allowed,
    restOf: (path) => (path.length <= pushPath.length ? '' : path.slice(pushPath.length)),
  };
}

/** Throws RequestError `not_found` for a route that a listener does not serve. */
export function checkServed(route: Route, served: ReadonlySet<Role>): void {
  if (isServed(route, served)) return;
  throw new RequestError('not_found', `not served on this address, which is for ${[...served].join(', ')}`);
}

/** Whether a listener answers health checks. */
export function servesHealth(served: ReadonlySet<Role> | undefined): boolean {
  // Who comes to push has no need of it.
  return served === undefined || [...served].some((each) => each !== 'push' && each !== 'delete');
}

function isServed({ role, handler }: Route, served: ReadonlySet<Role>): boolean {
  if (role === undefined) return servesHealth(served);
  return served.has(role) || (handler === 'preflight' && served.has('delete'));
}

function isPushMethod(method: string | undefined): boolean {
  return method === 'POST' || method === 'PUT';
}

function unknownPath(method: string, path: string, options: PathOptions): RequestError {
  const { pushPath, telemetryPath } = options;
  // Senders whose base URL ends in a slash. A redirect would lose the body of most of them.
  if (path.includes('//') && (isPushMethod(method) || method === 'DELETE')) {
    return new RequestError(
      'invalid_path',
      `the path ${quote(path)} contains an empty segment (//); push to ${pushPath}, with no slash at the end of the base URL`,
    );
  }
  return new RequestError(
    'not_found',
    `not found: ${quote(path)}; push to ${pushPath} (POST or PUT), scrape ${SCRAPE_PATH}, ` +
      `see the gateway's own metrics at ${telemetryPath} and its health at ${HEALTHY_PATH} and ${READY_PATH}`,
  );
}

function wrongMethod(
  method: string,
  path: string,
  at: { readonly places: readonly Place[]; readonly allowed: readonly string[] },
): RequestError {
  const reads = method === 'GET' || method === 'HEAD';
  const advice = at.places.includes('push')
    ? reads
      ? `this path accepts pushes (POST, PUT, DELETE); to read metrics, use ${SCRAPE_PATH}`
      : 'push with POST or PUT'
    : at.places.includes('reload')
      ? 'reload with POST or PUT'
      : at.allowed.includes('GET')
        ? 'read it with GET'
        : 'this path deletes';
  return new RequestError(
    'method_not_allowed',
    `${shorten(method)} does not work at ${quote(path)}: ${advice}. Allowed here: ${at.allowed.join(', ')}`,
  );
}
