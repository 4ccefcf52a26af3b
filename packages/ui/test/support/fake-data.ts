/** Data of a gateway that has seen a working day. */
import type { Answers } from './fake-api.ts';

const now = (): number => Date.now() / 1000;

const wave = (i: number): number => 40 + 25 * Math.sin(i / 17) + 6 * Math.sin(i / 3);

export function familyOf(i: number): object {
  const names = [
    'http_requests_total',
    'http_request_duration_seconds',
    'queue_depth',
    'jobs_processed_total',
    'memory_bytes',
    'web_vitals_lcp_seconds',
  ];
  const types = ['counter', 'histogram', 'gauge', 'counter', 'gauge', 'histogram'];
  return {
    name: i < names.length ? names[i] : `service_${String(i).padStart(4, '0')}_operations_total`,
    type: types[i % types.length],
    help: i % 4 === 3 ? '' : 'Requests that were served, by method, status code and handler.',
    unit: i === 4 ? 'bytes' : '',
    series: [412, 12_480, 16, 96, 240_100, 1_204_000][i % 6],
    senders: 4 + i,
    pushes: 1_200 * (i + 1),
    lastChange: now() - 7 * i * i,
    rate: i % 6 === 2 ? null : 1.37 * 10 ** (i % 5),
  };
}

const labelsOf = (i: number): Record<string, string> => ({
  code: ['200', '404', '500'][i % 3]!,
  handler: `/api/v1/${['orders', 'carts', 'users'][i % 3]}`,
  instance: `worker-${i}`,
  job: 'api',
});

export function samplesOf(count: number, from = 0): object[] {
  return Array.from({ length: count }, (_, i) => ({
    labels: labelsOf(from + i),
    value: String(10_270 * (from + i) + 0.5 * i),
  }));
}

const senders = [
  {
    path: '/metrics/job/api/instance/worker-7',
    token: 'ci',
    address: '10.0.3.7',
    share: 91_240,
    pushes: 340,
    lastPush: now() - 3,
  },
  {
    path: '/metrics/job/api/instance/worker-1',
    token: 'ci',
    address: '10.0.3.1',
    share: 8_020,
    pushes: 338,
    lastPush: now() - 4,
  },
  {
    path: '/metrics/job/api/instance/worker-2',
    token: null,
    address: '10.0.3.2',
    share: 740,
    pushes: 12,
    lastPush: now() - 1_800,
  },
];

export function pushOf(i: number): object {
  return {
    time: now() - i * 3.2,
    path: `/metrics/job/api/instance/worker-${i}`,
    method: i % 3 === 0 ? 'PUT' : 'POST',
    outcome: i === 4 ? 'dropped' : 'applied',
    samples: i === 4 ? 0 : 42 + i,
    newSeries: i % 4 === 0 ? 3 : 0,
    token: i % 2 === 0 ? 'ci' : null,
    address: `10.0.3.${i}`,
    changes:
      i === 4
        ? []
        : [
            {
              series: 'http_requests_total{code="200",handler="/api/v1/orders"}',
              before: '1027',
              after: '1069',
            },
            {
              series: 'http_request_duration_seconds_count{handler="/api/v1/orders"}',
              before: i % 4 === 0 ? null : '12840212',
              after: '12840254',
            },
          ],
    more: 38,
  };
}

const ofGateway = { scope: 'gateway', of: null, onLimit: null };
const ofOthers = { perHour: null, secondsUntilFull: null };

export const refusals = [
  {
    time: new Date(Date.now() - 12_000).toISOString(),
    what: 'push',
    method: 'POST',
    path: '/metrics/job/batch',
    remote: '10.0.3.9',
    code: 'syntax',
    status: 400,
    message: 'no line feed at the end of the body; the last line may be cut',
    line: 3,
    column: 22,
    excerpt: 'rows_total{table="a"} 12',
  },
  {
    time: new Date(Date.now() - 95_000).toISOString(),
    what: 'push',
    method: 'PUT',
    path: '/metrics/job/api',
    remote: '10.0.3.1',
    by: 'token ci',
    code: 'type_conflict',
    status: 400,
    message: 'metric "queue_depth" is a gauge here, and this push declares it as counter',
    line: 2,
    column: 8,
    excerpt: '# TYPE queue_depth counter',
  },
  {
    time: new Date(Date.now() - 4_000_000).toISOString(),
    what: 'push',
    method: 'POST',
    path: '/metrics/',
    remote: '10.0.4.77',
    code: 'job_missing',
    status: 400,
    message: 'the path has no job',
  },
];

function history(url: URL): object {
  const name = url.searchParams.get('family') ?? '';
  const points = Array.from({ length: 240 }, (_, i) => (i < 30 ? null : wave(i)));
  const base = {
    stepSeconds: 15,
    begin: now() - 3_600,
    kind: name.endsWith('_total') ? 'rate' : /seconds/.test(name) ? 'count_rate' : 'value',
    points,
  };
  if (!/seconds/.test(name)) return base;
  const les = ['0.005', '0.01', '0.025', '0.05', '0.1', '0.25', '0.5', '1', '2.5', '+Inf'];
  return {
    ...base,
    quantiles: {
      '0.5': points.map((p) => p && p / 900),
      '0.9': points.map((p) => p && p / 400),
      '0.99': points.map((p) => p && p / 150),
    },
    buckets: les.map((le, i) => ({ le, points: points.map((p) => p && p * i * Math.exp((-i * i) / 12)) })),
  };
}

export const busyDay: Answers = {
  '/': {
    version: '1.2.3',
    mode: 'by-job',
    pushUrl: 'http://gateway.example:9091/metrics/',
    families: 2_000,
    series: 1_487_212,
    sources: 412,
    pushes: 8_812_231,
    lastPush: now() - 3,
    warnings: [
      'Pushes to this path look like totals, which add mode adds again with each push; run the gateway with --by-job: /metrics/job/api and 3 more',
    ],
  },
  '/api/v1/status/me': {
    roles: ['push', 'delete', 'scrape', 'read', 'admin', 'lifecycle'],
    token: null,
    mode: 'by-job',
    routePrefix: '',
    adminApi: true,
    version: '1.0.0',
  },
  '/past': Array.from({ length: 12 }, (_, i) => ({ ...pushOf(11 - i), past: true })),
  '/api/v1/families': (url: URL) => {
    const from = Number(url.searchParams.get('after') ?? 0);
    const search = url.searchParams.get('search') ?? '';
    const all = Array.from({ length: 2_000 }, (_, i) => familyOf(i) as { name: string }).filter(({ name }) =>
      name.includes(search),
    );
    const limit = Number(url.searchParams.get('limit') ?? 100);
    return {
      families: all.slice(from, from + limit),
      total: all.length,
      ...(from + limit < all.length ? { next: String(from + limit) } : {}),
    };
  },
  '/api/v1/families/*': (url: URL) => {
    const name = decodeURIComponent(url.pathname.split('/').at(-1)!);
    const found =
      Array.from({ length: 6 }, (_, i) => familyOf(i) as { name: string }).find(
        (each) => each.name === name,
      ) ?? familyOf(0);
    const from = Number(url.searchParams.get('after') ?? 0);
    return {
      ...found,
      series: 100_000,
      samples: samplesOf(100, from),
      next: String(from + 100),
      senders,
      rules: [{ index: 2, entry: '- match: http_request_duration_seconds\n  buckets: [0.1, 0.5, 1, 5]' }],
    };
  },
  '/api/v1/history': history,
  '/api/v1/explain': {
    exact: false,
    series: [
      {
        labels: labelsOf(1),
        value: '100000',
        mode: 'add',
        since: now() - 7_000,
        error: 12,
        senders,
        recent: { senders: senders.slice(1), others: 0, since: now() - 3_000, until: null, exact: false },
      },
    ],
  },
  '/api/v1/sources': {
    total: 3,
    sources: [
      {
        groupingKey: { job: 'api', instance: 'worker-7' },
        mode: 'by-job',
        lastPush: now() - 4,
        ageSeconds: 4,
        samples: 1_204,
        series: 612,
        refused: 0,
        token: 'ci',
      },
      {
        groupingKey: {
          job: 'batch',
          run: 'a-very-long-name-of-a-run-that-somebody-has-made-of-a-date-and-a-commit-2026-11-29-4f3b1c9',
        },
        mode: 'by-job',
        lastPush: now() - 8_000,
        ageSeconds: 8_000,
        samples: 1_204_000,
        series: 61_200,
        refused: 14,
        token: null,
      },
      {
        groupingKey: { job: 'cron' },
        mode: 'by-job',
        lastPush: now() - 90_000,
        ageSeconds: 90_000,
        samples: 3,
        series: 3,
        refused: 0,
        token: null,
      },
    ],
  },
  '/api/v1/refusals': { total: 214, refusals },
  '/api/v1/status/tsdb': (url: URL) => {
    const limit = Number(url.searchParams.get('limit'));
    const list = (name: (i: number) => string, most: number): object[] =>
      Array.from({ length: Math.min(limit, 60) }, (_, i) => ({
        name: name(i),
        value: Math.ceil(most / (i + 1) ** 1.3),
      }));
    return {
      headStats: { numSeries: 1_487_212, numLabelPairs: 24_801 },
      seriesCountByMetricName: list((i) => (familyOf(i) as { name: string }).name, 1_204_000),
      labelValueCountByLabelName: list(
        (i) => ['instance', 'handler', 'user_id', 'code', '__name__', 'job'][i] ?? `label_${i}`,
        18_000,
      ),
      memoryInBytesByLabelName: list(
        (i) => ['user_id', 'instance', 'handler', 'code'][i] ?? `label_${i}`,
        61_000_000,
      ),
      seriesCountByLabelValuePair: list(
        (i) =>
          `${['job=api', 'code=200', 'instance=worker-7', 'user_id=8812', 'handler=/api/v1/orders'][i] ?? `user_id=${i}`}`,
        1_100_000,
      ),
    };
  },
  '/api/v1/limits': {
    limits: [
      {
        ...ofGateway,
        name: 'series',
        used: 1_487_212,
        max: 1_500_000,
        perHour: 24_000,
        secondsUntilFull: 1_918,
      },
      { ...ofGateway, name: 'families', used: 2_000, max: 10_000, perHour: 0, secondsUntilFull: null },
      {
        ...ofGateway,
        name: 'series_bytes',
        used: 8.1e8,
        max: 1e9,
        perHour: 2.1e6,
        secondsUntilFull: 325_000,
      },
      {
        ...ofOthers,
        name: 'series_max',
        scope: 'token',
        of: 'web-frontend',
        onLimit: 'drop',
        used: 9_990,
        max: 10_000,
      },
      {
        ...ofOthers,
        name: 'bytes_per_second',
        scope: 'token',
        of: 'ci',
        onLimit: 'refuse',
        used: 2.4e7,
        max: 1e7,
      },
      {
        ...ofOthers,
        name: 'series_max',
        scope: 'family',
        of: `http_request_duration_${'very_'.repeat(20)}long_seconds`,
        onLimit: 'overflow',
        used: 812,
        max: 1_000,
      },
      {
        ...ofOthers,
        name: 'job_series_max',
        scope: 'job',
        of: 'nightly-backup',
        onLimit: 'refuse',
        used: 12,
        max: 50_000,
      },
    ],
  },
  '/api/v1/scrapers': {
    scrapers: [
      {
        address: '10.0.0.5',
        userAgent: 'Prometheus/3.5.0',
        target: 'aggregate',
        last: now() - 6,
        intervalSeconds: 15,
        bytes: 12_400_000,
        format: 'openmetrics',
        seconds: 0.412,
      },
      {
        address: '10.0.0.6',
        userAgent: 'Prometheus/3.5.0',
        target: 'aggregate',
        last: now() - 9,
        intervalSeconds: 15,
        bytes: 12_400_000,
        format: 'openmetrics',
        seconds: 0.398,
      },
      {
        address: '10.0.0.5',
        userAgent: 'Prometheus/3.5.0',
        target: 'own',
        last: now() - 11,
        intervalSeconds: 30,
        bytes: 18_000,
        format: 'text',
        seconds: 0.004,
      },
    ],
  },
  '/api/v1/rules': {
    file: '/etc/gateway.yaml',
    rules: [
      { kind: 'metrics', text: '{ match: queue_depth, gauge: max }', catches: ['queue_depth'], count: 1 },
      {
        kind: 'metrics',
        text: '{ match: \'{__name__=~"service_.*"}\', ttl: 1d }',
        catches: Array.from(
          { length: 20 },
          (_, i) => `service_${String(i + 6).padStart(4, '0')}_operations_total`,
        ),
        count: 1_994,
      },
      { kind: 'sources', text: '- match: \'{job="web"}\'\n  mode: add\n', catches: [], count: null },
    ],
  },
  '/api/v1/audit': {
    entries: [
      {
        time: now() - 320,
        what: 'reload',
        who: { name: null, address: null },
        detail: '3 rules, by SIGHUP',
        outcome: 'in force',
      },
      {
        time: now() - 9_000,
        what: 'delete_series',
        who: { name: 'token admin', address: '10.0.0.9' },
        detail: '{job="old"}',
        outcome: '41 series deleted',
      },
    ],
  },
  '/api/v1/validate': {
    wouldBe: 'refused',
    truncated: false,
    series: [
      {
        labels: { from: 'page' },
        family: 'hello_total',
        type: 'counter',
        isNew: true,
        before: null,
        after: '1',
        rules: [],
      },
      {
        labels: { code: '200', job: 'example' },
        family: 'http_requests_total',
        type: 'counter',
        isNew: false,
        before: '1027',
        after: '1028',
        rules: ['- match: http_requests_total\n  ttl: 1d'],
      },
    ],
    errors: [
      {
        code: 'type_conflict',
        message: 'metric "hello_total" is a gauge here, and this push declares it as counter',
        line: 2,
        column: 8,
        excerpt: '# TYPE hello_total counter',
      },
    ],
  },
  '/api/v1/admin/tsdb/delete_series': {
    series: 412,
    first_series: Array.from(
      { length: 20 },
      (_, i) => `http_requests_total{code="200",handler="/api/v1/orders",instance="worker-${i}"}`,
    ),
  },
};

/** What a gateway says that has just started. */
export const emptyDay: Answers = {
  ...busyDay,
  '/': {
    ...(busyDay['/'] as object),
    families: 0,
    series: 0,
    sources: 0,
    pushes: 0,
    lastPush: null,
    warnings: [],
  },
  '/past': [],
  '/api/v1/families': { families: [], total: 0 },
  '/api/v1/families/*': new Error('there is no such family'),
  '/api/v1/history': new Error('there is no such family'),
  '/api/v1/explain': { exact: true, series: [] },
  '/api/v1/sources': { sources: [], total: 0 },
  '/api/v1/refusals': { refusals: [], total: 0 },
  '/api/v1/status/tsdb': {
    headStats: { numSeries: 0, numLabelPairs: 0 },
    seriesCountByMetricName: [],
    labelValueCountByLabelName: [],
    memoryInBytesByLabelName: [],
    seriesCountByLabelValuePair: [],
  },
  '/api/v1/limits': { limits: [] },
  '/api/v1/scrapers': { scrapers: [] },
  '/api/v1/rules': { rules: [], file: null },
  '/api/v1/audit': { entries: [] },
  '/api/v1/validate': { wouldBe: 'applied', truncated: false, series: [], errors: [] },
  '/api/v1/admin/tsdb/delete_series': { series: 0 },
};
