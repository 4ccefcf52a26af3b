import { counter, family, gauge, histogram, nativeHistogram } from './protobuf.ts';

/** Made-up but realistic bodies, the same in every run. `round` moves the values on, as totals do from push to push. */

/** 1.6 KB, as a small service pushes: one counter family of 6 series and one histogram of 12 buckets. */
export function smallPush(round = 0): string {
  const lines = ['# HELP http_requests_total Requests served.', '# TYPE http_requests_total counter'];
  for (const code of [200, 201, 204, 400, 404, 500]) {
    lines.push(
      `http_requests_total{code="${code}",handler="/api/v1/orders",method="post"} ${code * 7 + round}`,
    );
  }
  lines.push('# HELP http_request_duration_seconds Time to serve a request.');
  lines.push('# TYPE http_request_duration_seconds histogram');
  let cumulative = 0;
  for (const bound of [
    '0.005',
    '0.01',
    '0.025',
    '0.05',
    '0.1',
    '0.25',
    '0.5',
    '1',
    '2.5',
    '5',
    '10',
    '+Inf',
  ]) {
    cumulative += 13 + round;
    lines.push(`http_request_duration_seconds_bucket{handler="/api/v1/orders",le="${bound}"} ${cumulative}`);
  }
  lines.push(`http_request_duration_seconds_sum{handler="/api/v1/orders"} ${48.153 + round}`);
  lines.push(`http_request_duration_seconds_count{handler="/api/v1/orders"} ${cumulative}`);
  return `${lines.join('\n')}\n`;
}

/** 300 B, as a web page pushes when it goes away. */
export function browserPush(round = 0): string {
  return `${[
    '# HELP page_views_total Pages viewed.',
    '# TYPE page_views_total counter',
    `page_views_total{page="/checkout"} ${1 + round}`,
    `page_views_total{page="/cart"} ${2 + round}`,
    '# TYPE fetch_seconds_total counter',
    `fetch_seconds_total{route="/orders",status="200"} ${0.734 + round}`,
    `fetch_seconds_total{route="/prices",status="200"} ${0.281 + round}`,
  ].join('\n')}\n`;
}

/** The same series as in `largePush`, as a client sends them in protobuf: 95 bytes a series, a start time among it. */
export function largeProtobufPush({ series, from = 0, round = 0 }: SeriesRange): Uint8Array {
  const metrics: Uint8Array[] = [];
  for (let i = from; i < from + series; i += 1) {
    const labels = {
      code: `${200 + (i % 10)}`,
      instance: `host-${i}.eu-west-1.local`,
      path: `/api/v1/things/${i % 100}`,
    };
    metrics.push(counter(labels, i * 3 + round));
  }
  return family('http_requests_total', { help: 'Requests served.', type: 'counter' }, ...metrics);
}

/** Native histograms of 20 buckets each. */
export function nativePush({ histograms }: { readonly histograms: number }): Uint8Array {
  const metrics = Array.from({ length: histograms }, (_, i) =>
    nativeHistogram(
      { instance: `host-${i}.eu-west-1.local`, method: 'get' },
      { schema: 3, from: -10, counts: Array.from({ length: 20 }, (_none, k) => 1 + ((k * 7 + i) % 50)) },
    ),
  );
  return family('http_request_duration_seconds', { help: 'Time.', type: 'histogram' }, ...metrics);
}

/** As a small service of the Go client: the families of `smallPush`, and 20 gauges of the runtime. */
export function smallProtobufPush(round = 0): Uint8Array {
  const codes = ['200', '201', '204', '400', '404', '500'];
  const requests = codes.map((code) =>
    counter({ code, handler: '/api/v1/orders', method: 'post' }, Number(code) * 7 + round),
  );
  const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
  const buckets = bounds.map((bound, i) => [bound, (13 + round) * (i + 1)] as const);
  const seconds = { count: (13 + round) * 12, sum: 48.153 + round, buckets };
  const runtime = Array.from({ length: 20 }, (_, i) =>
    family(
      `go_runtime_part${i}_bytes`,
      { help: `Bytes held by part ${i}.`, type: 'gauge' },
      gauge({}, i * 1024),
    ),
  );
  return Buffer.concat([
    ...runtime,
    family(
      'http_request_duration_seconds',
      { help: 'Time to serve a request.', type: 'histogram' },
      histogram({ handler: '/api/v1/orders' }, seconds),
    ),
    family('http_requests_total', { help: 'Requests served.', type: 'counter' }, ...requests),
  ]);
}

export interface SeriesRange {
  readonly series: number;
  /** Number of the first series. Other numbers are other series. */
  readonly from?: number;
  readonly round?: number;
}

/** About 100 bytes a series: one counter family, 3 labels. 10 000 series are 1 MB. */
export function largePush(range: SeriesRange): string {
  return largeLines(range, (code, instance, path) => `${code},${instance},${path}`);
}

/** The same series, with labels in the order in which a program names them rather than sorted. */
export function unsortedPush(range: SeriesRange): string {
  return largeLines(range, (code, instance, path) => `${path},${code},${instance}`);
}

function largeLines(
  { series, from = 0, round = 0 }: SeriesRange,
  labelsOf: (code: string, instance: string, path: string) => string,
): string {
  const lines = ['# TYPE http_requests_total counter'];
  for (let i = from; i < from + series; i += 1) {
    const labels = labelsOf(
      `code="${200 + (i % 10)}"`,
      `instance="host-${i}.eu-west-1.local"`,
      `path="/api/v1/things/${i % 100}"`,
    );
    lines.push(`http_requests_total{${labels}} ${i * 3 + round}`);
  }
  return `${lines.join('\n')}\n`;
}

/** One counter family of 3 labels, 70 bytes a series without its value, for the memory that series take. */
export function shortSeriesPush({ series, from = 0, round = 0 }: SeriesRange): string {
  const lines = ['# TYPE rpc_calls_total counter'];
  for (let i = from; i < from + series; i += 1) {
    const host = String(i).padStart(7, '0');
    lines.push(
      `rpc_calls_total{code="${i % 10}",host="node-${host}.eu-west",method="Method${10 + (i % 90)}"} ${1 + round}`,
    );
  }
  return `${lines.join('\n')}\n`;
}

/** Counter families of equal size, for pages of many families. `first` is the number of the first family. */
export function familiesPush(options: {
  readonly first: number;
  readonly families: number;
  readonly seriesPerFamily: number;
  readonly round?: number;
}): string {
  const { first, families, seriesPerFamily, round = 0 } = options;
  const lines: string[] = [];
  for (let family = first; family < first + families; family += 1) {
    const name = `app_part${String(family).padStart(3, '0')}_total`;
    lines.push(`# HELP ${name} Work done by part ${family}.`, `# TYPE ${name} counter`);
    for (let i = 0; i < seriesPerFamily; i += 1) {
      lines.push(
        `${name}{code="${i % 10}",host="node-${i}.eu-west",method="Method${10 + (i % 90)}"} ${i + round}`,
      );
    }
  }
  return `${lines.join('\n')}\n`;
}

/** 20 series, as each of many processes of one program pushes them: only the path tells them apart. */
export function sourcePush(round = 0): string {
  const lines: string[] = [];
  for (const name of ['jobs_done_total', 'jobs_failed_total', 'bytes_read_total', 'bytes_written_total']) {
    lines.push(`# TYPE ${name} counter`);
    for (const queue of ['mail', 'image', 'video', 'index', 'report']) {
      lines.push(`${name}{queue="${queue}",version="1.4.2"} ${queue.length * 17 + round}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

/** The same push in OpenMetrics, as far as it is made of counters, gauges and histograms with bounds. */
export function asOpenMetrics(text: string): string {
  return `${text.replaceAll(/^(# (?:HELP|TYPE) \w+?)_total /gm, '$1 ')}# EOF\n`;
}
