import { once } from 'node:events';
import { get } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';

import { expect, test } from 'vitest';

import { eventually } from '../support/eventually.ts';
import { push, scrape, scrapeSamples, send } from '../support/http.ts';
import { startGateway } from '../support/process.ts';
import * as pb from '../support/protobuf.ts';
import { readFamilies } from '../support/read-families.ts';
import { snappyStream } from '../support/snappy.ts';

const bucketsOf = (samples: Map<string, number>, name: string): (number | undefined)[][] =>
  [...samples]
    .filter(([series]) => series.startsWith(`${name}_bucket`))
    .map(([series, value]) => [Number(/le="([^"]+)"/.exec(series)?.[1]?.replace('Inf', 'Infinity')), value]);

test('two pushes of one counter add up', async () => {
  const gateway = await startGateway();
  await push(gateway.url, 'http_requests_total{method="post",code="200"} 1027');
  await push(gateway.url, 'http_requests_total{code="200",method="post"} 1027');
  expect([...(await scrapeSamples(gateway.url))]).toEqual([
    ['http_requests_total{code="200",method="post"}', 2054],
  ]);
});

test('by job, the last values are summed, and a silent source loses its gauges and keeps its counters', async () => {
  const gateway = await startGateway(['-by-job', '-job-prune-duration', '2s']);
  const sampleOf = (counter: number, gauge: number): string =>
    `# TYPE done_total counter\ndone_total ${counter}\n# TYPE queue gauge\nqueue ${gauge}`;
  await push(gateway.url, sampleOf(1, 10), { path: 'job/a' });
  await push(gateway.url, sampleOf(2, 20), { path: 'job/b' });
  await push(gateway.url, sampleOf(5, 7), { path: 'job/a' });
  await push(gateway.url, sampleOf(6, 8), { path: 'job/b' });
  const pushed = performance.now();
  const before = await scrapeSamples(gateway.url);
  expect(Object.fromEntries(before)).toEqual({ done_total: 11, queue: 15 });
  const after = await eventually('the gauge to go', async () => {
    const samples = await scrapeSamples(gateway.url);
    return samples.has('queue') ? undefined : samples;
  });
  expect(performance.now() - pushed).toBeGreaterThan(1_900);
  expect(performance.now() - pushed).toBeLessThan(5_000);
  expect(Object.fromEntries(after)).toEqual({ done_total: 11 });
});

test('histograms of different bounds add up to the union', async () => {
  const gateway = await startGateway();
  const head = '# TYPE wait_seconds histogram\n';
  await push(
    gateway.url,
    `${head}wait_seconds_bucket{le="0.1"} 10\nwait_seconds_bucket{le="0.5"} 40\nwait_seconds_bucket{le="1"} 90\n` +
      'wait_seconds_bucket{le="+Inf"} 100\nwait_seconds_sum 70\nwait_seconds_count 100',
  );
  await push(
    gateway.url,
    `${head}wait_seconds_bucket{le="0.25"} 50\nwait_seconds_bucket{le="1.0"} 95\n` +
      'wait_seconds_bucket{le="+Inf"} 100\nwait_seconds_sum 40\nwait_seconds_count 100',
  );
  const samples = await scrapeSamples(gateway.url);
  expect(bucketsOf(samples, 'wait_seconds')).toEqual([
    [0.1, 10],
    [0.25, 60],
    [0.5, 90],
    [1, 185],
    [Infinity, 200],
  ]);
  expect(samples.get('wait_seconds_count')).toBe(200);
  expect(samples.get('wait_seconds_sum')).toBe(110);
});

test('a push whose line 500 is wrong is refused whole', async () => {
  const gateway = await startGateway();
  await push(gateway.url, 'row_total{row="1"} 1\n# TYPE temperature gauge\ntemperature -3.5');
  const before = await scrape(gateway.url);
  const lines = Array.from({ length: 1000 }, (_, i) => `row_total{row="${i + 1}"} ${i}`);
  lines[499] = 'row_total{row="500"} 1.x';
  const reply = await send(gateway.url, `${lines.join('\n')}\n`);
  const text = await reply.text();
  expect(reply.status).toBe(400);
  expect(text).toContain('line 500, column ');
  expect(text).toContain('1.x');
  expect(await scrape(gateway.url)).toBe(before);
});

test('protobuf as the Go client sends it, OpenMetrics, text, and compressed bodies add up', async () => {
  const { url } = await startGateway();
  const body = pb.family(
    'jobs_total',
    { help: 'Jobs.', type: 'counter' },
    pb.counter({ kind: 'mail' }, 2, pb.timestamp(3, 1_700_000_000)),
  );
  const openMetrics = Buffer.from('# TYPE jobs counter\njobs_total{kind="mail"} 3\n# EOF\n');
  const protobufType =
    'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited';
  const pushes: readonly [body: Buffer, type: string, encoding: string][] = [
    [body, protobufType, 'identity'],
    [gzipSync(body), protobufType, 'gzip'],
    [snappyStream(body), protobufType, 'snappy'],
    [openMetrics, 'application/openmetrics-text; version=1.0.0', 'identity'],
  ];
  for (const [sent, type, encoding] of pushes) {
    const headers = { 'Content-Type': type, 'Content-Encoding': encoding };
    const reply = await send(url, new Uint8Array(sent), { path: 'job/x', method: 'PUT', headers });
    expect([reply.status, await reply.text()]).toEqual([202, '']);
  }
  await push(url, '# TYPE jobs_total counter\njobs_total{kind="mail"} 5');
  expect(await scrape(url)).toBe(
    '# HELP jobs_total Jobs.\n# TYPE jobs_total counter\njobs_total{kind="mail"} 14\n',
  );
});

test('a scrape comes in the format and compression that are asked for', async () => {
  const { url } = await startGateway();
  await push(url, '# TYPE jobs_total counter\njobs_total 5');
  const openMetrics = '# TYPE jobs counter\njobs_total 5\n# EOF\n';
  const accept = 'application/openmetrics-text; version=1.0.0';
  const contentType = `${accept}; charset=utf-8; escaping=underscores`;
  const plain = await scrapeAs(url, accept, 'identity');
  expect(plain).toEqual({ contentType, encoding: undefined, body: Buffer.from(openMetrics) });
  const zipped = await scrapeAs(url, accept, 'br;q=0.5, gzip');
  expect([zipped.encoding, gunzipSync(zipped.body).toString()]).toEqual(['gzip', openMetrics]);
  const smaller = await scrapeAs(url, accept, 'br, gzip;q=0.5');
  expect([smaller.encoding, brotliDecompressSync(smaller.body).toString()]).toEqual(['br', openMetrics]);
  const protobuf =
    'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited';
  const families = await scrapeAs(url, `${protobuf}, ${accept};q=0.8, */*;q=0.1`, 'gzip');
  expect([families.contentType, families.encoding]).toEqual([protobuf, 'gzip']);
  expect(readFamilies(gunzipSync(families.body))).toMatchObject([
    { name: 'jobs_total', metric: [{ counter: { value: 5 } }] },
  ]);
});

/** As it is on the wire: fetch would undo the compression. */
async function scrapeAs(
  url: string,
  accept: string,
  encoding: string,
): Promise<{ contentType: string | undefined; encoding: string | undefined; body: Buffer }> {
  const headers = { Accept: accept, 'Accept-Encoding': encoding };
  const [reply] = (await once(get(`${url}/metrics`, { headers }), 'response')) as [IncomingMessage];
  const { 'content-type': contentType, 'content-encoding': contentEncoding } = reply.headers;
  return { contentType, encoding: contentEncoding, body: await buffer(reply) };
}

test('a scraper sees a new counter as 0 once, with --scrape.zero-first', async () => {
  const { url } = await startGateway(['--scrape.zero-first']);
  const page = async (scraper: string): Promise<string> =>
    (await fetch(`${url}/metrics?scraper=${scraper}`)).text();
  expect(await page('a')).toBe('');
  await push(url, '# TYPE jobs_total counter\njobs_total 5');
  expect(await page('a')).toBe('# TYPE jobs_total counter\njobs_total 0\n');
  expect(await page('a')).toBe('# TYPE jobs_total counter\njobs_total 5\n');
  expect(await page('b')).toBe('# TYPE jobs_total counter\njobs_total 5\n');
});

test('the health pages answer', async () => {
  const gateway = await startGateway();
  for (const path of ['/-/healthy', '/-/ready']) {
    expect((await fetch(gateway.url + path)).status, path).toBe(200);
  }
});

test('the front page has a curl line for this host in a terminal, and is the page for a browser', async () => {
  const gateway = await startGateway();
  const text = await fetch(gateway.url);
  expect(text.status).toBe(200);
  expect(text.headers.get('content-type')).toContain('text/plain');
  expect(await text.text()).toMatch(
    new RegExp(`^ *echo '.+' \\| curl --data-binary @- ${gateway.url}/metrics/$`, 'm'),
  );
  const html = await fetch(gateway.url, { headers: { accept: 'text/html,*/*;q=0.8' } });
  expect(html.headers.get('content-type')).toContain('text/html');
  expect(await html.text()).toContain('<script type="module" src="./-/page/page-');
});

test("the gateway's own metrics stand apart from the users'", async () => {
  const gateway = await startGateway();
  await push(gateway.url, 'mine_total 1');
  const own = await (await fetch(`${gateway.url}/-/metrics`)).text();
  expect(own).toContain('process_cpu_seconds_total');
  expect(own).not.toContain('mine_total');
  expect(await scrape(gateway.url)).not.toContain('process_cpu_seconds_total');
});
