/** The Go client, as Debian ships it, in its default format: protobuf. */
import { beforeAll, expect, test } from 'vitest';

import { clientPath, compileGo, programFolder } from '../support/clients.ts';
import { push, scrapeOpenMetrics, scrapeSamples, send } from '../support/http.ts';
import { startGateway } from '../support/process.ts';
import { run } from '../support/programs.ts';

const folder = programFolder();
let everyType = '';
beforeAll(async () => {
  everyType = await compileGo(clientPath('every_type.go'), folder);
});

async function pushes(url: string, shift: string, ...verbs: readonly string[]): Promise<void> {
  const outcome = await run(everyType, [url, shift, ...verbs]);
  expect(outcome).toEqual({ code: 0, stdout: '', stderr: '' });
}

test('without modes, Push and Add of two processes add up', async () => {
  const { url } = await startGateway(['--push.summaries=sum-and-count']);
  await pushes(url, 'early morning', 'push');
  await pushes(url, 'late/night', 'add');
  expect(Object.fromEntries(await scrapeSamples(url))).toEqual({
    answer: 84,
    'files_total{kind="te\\"xt\\\\"}': 6,
    'files_left{kind="text"}': 8,
    'read_seconds_bucket{kind="text",le="0.5"}': 2,
    'read_seconds_bucket{kind="text",le="1"}': 4,
    'read_seconds_bucket{kind="text",le="5"}': 4,
    'read_seconds_bucket{kind="text",le="+Inf"}': 6,
    'read_seconds_sum{kind="text"}': 20,
    'read_seconds_count{kind="text"}': 6,
    'read_bytes_sum{kind="text"}': 20,
    'read_bytes_count{kind="text"}': 6,
  });
});

test('it adds up with text and OpenMetrics', async () => {
  const { url } = await startGateway();
  await push(
    url,
    '# TYPE read_seconds histogram\nread_seconds_bucket{kind="text",le="1.0"} 1\nread_seconds_bucket{kind="text",le="+Inf"} 1\n' +
      'read_seconds_sum{kind="text"} 0.5\nread_seconds_count{kind="text"} 1',
  );
  const openmetrics = '# TYPE files counter\nfiles_total{kind="te\\"xt\\\\"} 4\n# EOF\n';
  const headers = { 'content-type': 'application/openmetrics-text; version=1.0.0' };
  expect((await send(url, openmetrics, { headers })).status).toBe(202);
  await pushes(url, 'late', 'push');
  const page = await scrapeSamples(url);
  expect(page.get('files_total{kind="te\\"xt\\\\"}')).toBe(7);
  expect(page.get('read_seconds_bucket{kind="text",le="0.5"}')).toBe(1);
  expect(page.get('read_seconds_bucket{kind="text",le="1"}')).toBe(3);
  expect(page.get('read_seconds_count{kind="text"}')).toBe(4);
});

test('its exemplars stand on the page of OpenMetrics', async () => {
  const { url } = await startGateway();
  await pushes(url, 'early', 'push');
  const lines = await scrapeOpenMetrics(url);
  const buckets = lines.filter((line) => line.startsWith('read_seconds_bucket'));
  expect(buckets.map((line) => line.replace(/( # .*) [\d.e+]+$/, '$1'))).toEqual([
    'read_seconds_bucket{kind="text",le="0.5"} 1 # {trace_id="abc"} 0.25',
    'read_seconds_bucket{kind="text",le="1.0"} 2 # {trace_id="abc"} 0.75',
    'read_seconds_bucket{kind="text",le="5.0"} 2',
    'read_seconds_bucket{kind="text",le="+Inf"} 3 # {trace_id="abc"} 9',
  ]);
});

test('by job, the newest push of a source counts, sources add up, and Delete takes the gauges', async () => {
  const { url } = await startGateway(['--by-job']);
  await pushes(url, 'early', 'push', 'push', 'add');
  await pushes(url, '', 'add');
  const both = await scrapeSamples(url);
  expect(both.get('files_total{kind="te\\"xt\\\\"}')).toBe(6);
  expect(both.get('files_left{kind="text"}')).toBe(8);
  expect(both.get('read_seconds_count{kind="text"}')).toBe(6);
  await pushes(url, 'early', 'delete');
  const one = await scrapeSamples(url);
  expect(one.get('files_left{kind="text"}')).toBe(4);
  expect(one.get('files_total{kind="te\\"xt\\\\"}')).toBe(6);
});

test('with path labels added, a slash of the grouping arrives as it was, and a space as a plus', async () => {
  const { url } = await startGateway(['--push.path-labels=add']);
  await pushes(url, 'early morning', 'push');
  expect((await scrapeSamples(url)).get('answer{job="reader",path="/var/spool",shift="early+morning"}')).toBe(
    42,
  );
});

test('native histograms without classic buckets, of two resolutions', async () => {
  const { url } = await startGateway();
  const native = await compileGo(clientPath('native.go'), folder);
  for (const factor of ['2', '1.1']) {
    const outcome = await run(native, [url, factor, '0', '0.75', '1.5', '1.5', '6']);
    expect(outcome).toEqual({ code: 0, stdout: '', stderr: '' });
  }
  expect(Object.fromEntries(await scrapeSamples(url))).toEqual({
    'latency_seconds_bucket{le="+Inf"}': 10,
    latency_seconds_sum: 19.5,
    latency_seconds_count: 10,
  });
});

/** As the Go client reads it; `histogram` has what the page says of native buckets as well. */
interface ReadFamily {
  readonly name: string;
  readonly type?: number;
  readonly metric: readonly {
    readonly label?: readonly { readonly name: string; readonly value: string }[];
    readonly counter?: { readonly value: number };
    readonly gauge?: { readonly value: number };
    readonly untyped?: { readonly value: number };
    readonly summary?: { readonly sample_count: number; readonly sample_sum: number };
    readonly histogram?: ReadHistogram;
  }[];
}

interface ReadHistogram {
  readonly sample_count: number;
  readonly sample_sum: number;
  readonly bucket?: readonly {
    readonly upper_bound: number;
    readonly cumulative_count: number;
    readonly exemplar?: { readonly value: number; readonly label: readonly object[] };
  }[];
  readonly schema?: number;
  readonly zero_count?: number;
  readonly positive_span?: readonly { readonly offset?: number; readonly length: number }[];
  readonly positive_delta?: readonly number[];
}

async function readByClient(url: string): Promise<ReadonlyMap<string, ReadFamily>> {
  const reader = await compileGo(clientPath('read_page.go'), folder);
  const { code, stdout, stderr } = await run(reader, [`${url}/metrics`]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const families = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as ReadFamily);
  return new Map(families.map((family) => [family.name, family]));
}

/** Index and count of the buckets that hold something. */
function nativeBuckets({ positive_span = [], positive_delta = [] }: ReadHistogram): readonly number[][] {
  const buckets: number[][] = [];
  const deltas = positive_delta.values();
  let index = 0;
  let count = 0;
  for (const { offset = 0, length } of positive_span) {
    index += offset;
    for (let i = 0; i < length; i += 1) {
      count += deltas.next().value ?? Number.NaN;
      buckets.push([index, count]);
      index += 1;
    }
  }
  return buckets.filter(([, held]) => held !== 0);
}

test('the client reads the page in its own format', async () => {
  const { url } = await startGateway(['--push.summaries=sum-and-count']);
  await pushes(url, 'early', 'push', 'add');
  const native = await compileGo(clientPath('native.go'), folder);
  for (const factor of ['2', '1.1']) await run(native, [url, factor, '0', '0.75', '1.5', '1.5', '6']);
  const page = await readByClient(url);
  const only = (name: string): ReadFamily['metric'][number] | undefined => page.get(name)?.metric[0];
  expect(only('files_total')).toMatchObject({
    label: [{ name: 'kind', value: 'te"xt\\' }],
    counter: { value: 6 },
  });
  expect(only('files_left')?.gauge?.value).toBe(8);
  expect(only('answer')?.untyped?.value).toBe(84);
  expect(only('read_bytes')?.summary).toMatchObject({ sample_count: 6, sample_sum: 20 });
  const seconds = only('read_seconds')?.histogram;
  expect(seconds).toMatchObject({ sample_count: 6, sample_sum: 20 });
  const exemplar = { label: [{ name: 'trace_id', value: 'abc' }] };
  expect(seconds?.bucket?.slice(0, 2)).toMatchObject([
    { upper_bound: 0.5, cumulative_count: 2, exemplar: { ...exemplar, value: 0.25 } },
    { upper_bound: 1, cumulative_count: 4, exemplar: { ...exemplar, value: 0.75 } },
  ]);
  const latency = only('latency_seconds')?.histogram;
  expect(latency).toMatchObject({ sample_count: 10, sample_sum: 19.5, schema: 0, zero_count: 2 });
  expect(latency && nativeBuckets(latency)).toEqual([
    [0, 2],
    [1, 4],
    [3, 2],
  ]);
});
