/** What docs/guides/scaling.md shows, held against nginx and Prometheus themselves, in front of and behind three gateways. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { temporaryFolder } from '../support/folders.ts';
import { scrapeSamples, send } from '../support/http.ts';
import { replaceAllOnce, startNginx, withNginx } from '../support/nginx.ts';
import { startGateway } from '../support/process.ts';
import type { GatewayProcess } from '../support/process.ts';
import { repository } from '../support/programs.ts';
import { freePort, runPrometheus } from '../support/prometheus.ts';

const page = readFileSync(join(repository, 'docs/guides/scaling.md'), 'utf8');
const blocks = [...page.matchAll(/^```(\w+)\n([^]*?)^```$/gm)];
const shown = (language: string): readonly string[] =>
  blocks.flatMap(([, its, text = '']) => (its === language ? [text] : []));
const [byJob = '', ofThoseThatAdd = ''] = shown('nginx');
const server = byJob.slice(byJob.indexOf('server {'));

interface Side {
  readonly gateways: GatewayProcess[];
  readonly flags: readonly (readonly string[])[];
  /** Of nginx. */
  readonly url: string;
}

/** Three gateways, and nginx with this before them. */
async function startSide(nginx: string, flags: readonly string[] = []): Promise<Side> {
  const ports = [await freePort(), await freePort(), await freePort()];
  const folder = temporaryFolder();
  const own = ports.map((port) => [
    `--web.listen-address=127.0.0.1:${port}`,
    `--storage.path=${join(folder, String(port))}`,
    ...flags,
  ]);
  const gateways: GatewayProcess[] = [];
  for (const each of own) gateways.push(await startGateway(each));
  const port = await freePort();
  const text = replaceAllOnce(nginx, [
    ['listen 9091', `listen 127.0.0.1:${port}`],
    ...ports.map((each, i) => [`gateway-${i + 1}:9091`, `127.0.0.1:${each}`] as const),
  ]);
  const url = `http://127.0.0.1:${port}`;
  await startNginx(text, async () => (await fetch(url)).status > 0);
  return { gateways, flags: own, url };
}

const sum = (values: readonly number[]): number => values.reduce((before, value) => before + value, 0);

/** Of a series in each gateway, in order. */
function values({ gateways }: Side, series: string): Promise<readonly number[]> {
  return Promise.all(gateways.map(async ({ url }) => (await scrapeSamples(url)).get(series) ?? 0));
}

const SOURCES = 30;
const jobs = Array.from({ length: SOURCES }, (_, i) => `job/worker/instance/${i}`);

/** Each source pushes its total, and says what it was answered. */
function pushTotals({ url }: Side, total: number): Promise<readonly number[]> {
  const text = `# TYPE shop_requests_total counter\nshop_requests_total ${total}\n# TYPE shop_queued gauge\nshop_queued 1\n`;
  return Promise.all(jobs.map(async (path) => (await send(url, text, { path })).status));
}

test('each source has one gateway, also while another one is down', async (context) => {
  context.skip(withNginx !== '', withNginx);
  const side = await startSide(byJob, ['--by-job']);
  for (const total of [1, 5, 10]) expect(await pushTotals(side, total)).toEqual(jobs.map(() => 202));
  const own = await values(side, 'shop_queued');
  expect(Math.min(...own)).toBeGreaterThan(0);
  expect(sum(own)).toBe(SOURCES);
  expect(sum(await values(side, 'shop_requests_total'))).toBe(10 * SOURCES);

  expect(await side.gateways[0]!.stop()).toBe(0);
  const answered = await pushTotals(side, 20);
  expect(answered.filter((status) => status === 502)).toHaveLength(own[0]!);
  expect(answered.filter((status) => status === 202)).toHaveLength(SOURCES - own[0]!);
  side.gateways[0] = await startGateway(side.flags[0]);
  expect(await values(side, 'shop_queued')).toEqual(own);
  expect(await pushTotals(side, 20)).toEqual(jobs.map(() => 202));
  expect(sum(await values(side, 'shop_requests_total'))).toBe(20 * SOURCES);

  for (const path of jobs) await fetch(`${side.url}/metrics/${path}`, { method: 'DELETE' });
  expect(sum(await values(side, 'shop_queued'))).toBe(0);
  // A scrape by way of nginx would show a part.
  expect((await fetch(`${side.url}/metrics`)).status).toBe(403);
});

test('what adds goes anywhere, and a retry with a key where that is known', async (context) => {
  context.skip(withNginx !== '', withNginx);
  const side = await startSide(`${ofThoseThatAdd}${server}`);
  const text = '# TYPE added_total counter\nadded_total 1\n';
  const pushes = 60;
  for (let i = 0; i < pushes; i++)
    expect((await send(side.url, text, { path: 'job/shop' })).status).toBe(202);
  const plain = await values(side, 'added_total');
  expect(Math.min(...plain)).toBeGreaterThan(0);
  expect(sum(plain)).toBe(pushes);
  for (let i = 0; i < 10; i++)
    for (let retry = 0; retry < 4; retry++) {
      const age = retry === 0 ? '' : `&first-attempt-age=${retry}`;
      const inUrl = await send(side.url, text, { path: `job/shop?idempotency-key=url-${i}${age}` });
      const inHeader = await send(side.url, text, {
        path: 'job/shop',
        headers: { 'idempotency-key': `header-${i}` },
      });
      expect([inUrl.status, inHeader.status]).toEqual([202, 202]);
    }
  expect(sum(await values(side, 'added_total'))).toBe(pushes + 20);
});

test('Prometheus has each part, and PromQL the whole', async (context) => {
  context.skip(withNginx !== '', withNginx);
  const side = await startSide(byJob, ['--by-job']);
  expect(await pushTotals(side, 1)).toEqual(jobs.map(() => 202));
  const [config = '', rules = ''] = shown('yaml');
  const folder = temporaryFolder();
  const targets = side.gateways.map(({ url }) => new URL(url).host);
  const scraped = targets.reduce(
    (text, target, i) => text.replaceAll(`gateway-${i + 1}:9091`, target),
    config,
  );
  const path = join(folder, 'prometheus.yml');
  writeFileSync(
    path,
    `global: { scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }\n${scraped}`,
  );
  writeFileSync(join(folder, 'gateways.yaml'), rules);
  const prometheus = await runPrometheus(path);
  const seen = (query: string): ReturnType<typeof expect.poll> =>
    expect.poll(() => prometheus.value(query), { timeout: 30_000 });
  await seen('count(up == 1)').toBe(6);
  // Equal series of three gateways, told apart by one label.
  await seen('count(shop_requests_total)').toBe(3);
  await seen('sum without (gateway) (shop_queued)').toBe(SOURCES);
  const [whole, ...more] = await prometheus.query('sum without (gateway) (shop_requests_total)');
  expect([whole?.metric, more]).toEqual([{ instance: 'gateways', job: 'aggregation-gateway' }, []]);
  expect(whole?.value?.[1]).toBe(String(SOURCES));

  expect(await pushTotals(side, 101)).toEqual(jobs.map(() => 202));
  await seen('sum without (gateway) (shop_requests_total)').toBe(101 * SOURCES);
  await seen('gateways:shop_requests:rate5m > bool 0').toBe(1);
  // Each query of the page is PromQL.
  const queries = [...page.matchAll(/`((?:sum|max|histogram_quantile)\b[^`]*\))`/g)].map(
    ([, query = '']) => query,
  );
  expect(queries.length).toBeGreaterThan(3);
  for (const query of queries) await prometheus.query(query);
  expect(queries).toContain('sum without (gateway) (rate(shop_requests_total[5m]))');
});
