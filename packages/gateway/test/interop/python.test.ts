/** The Python client, as Debian ships it. */
import { expect, test } from 'vitest';

import { debianPython } from '../support/clients.ts';
import { samplesOf, scrapeOpenMetrics, scrapeSamples } from '../support/http.ts';
import { startGateway } from '../support/process.ts';
import { run } from '../support/programs.ts';

const head = `
import sys
from prometheus_client import (CollectorRegistry, Counter, Gauge, Histogram, delete_from_gateway, generate_latest,
                               push_to_gateway, pushadd_to_gateway)
gateway = sys.argv[1]
group = {'path': '/var/spool', 'shift': 'early morning'}
registry = CollectorRegistry()
files = Counter('files', 'Files read.', ['kind'], registry=registry)
seconds = Histogram('read_seconds', 'Time to read.', buckets=(0.5, 1, 5), registry=registry)
left = Gauge('files_left', 'Files left to read.', registry=registry)
`;

/** Runs a script after the declarations above and resolves with what it printed. */
async function python(url: string, script: string): Promise<string> {
  const path = await debianPython({
    prometheus_client: 'python3-prometheus-client',
    snappy: 'python3-snappy',
  });
  const outcome = await run(path, ['-', url], { input: head + script });
  expect(outcome).toMatchObject({ code: 0, stderr: '' });
  return outcome.stdout;
}

const work = `
files.labels('text').inc(3)
seconds.observe(0.25)
seconds.observe(0.75)
seconds.observe(9)
left.set(4)
`;

test('without modes, push_to_gateway and pushadd_to_gateway add up', async () => {
  const { url } = await startGateway();
  const sent = samplesOf(
    await python(
      url,
      `${work}
push_to_gateway(gateway, job='reader', registry=registry, grouping_key=group)
pushadd_to_gateway(gateway, job='reader', registry=registry, grouping_key=group)
print(generate_latest(registry).decode())
`,
    ),
  );
  const page = await scrapeSamples(url);
  expect(page.get('files_total{kind="text"}')).toBe(6);
  expect(page.get('files_left')).toBe(8);
  expect(page.get('read_seconds_bucket{le="0.5"}')).toBe(2);
  expect(page.get('read_seconds_bucket{le="1"}')).toBe(4);
  expect(page.get('read_seconds_bucket{le="5"}')).toBe(4);
  expect(page.get('read_seconds_bucket{le="+Inf"}')).toBe(6);
  expect(page.get('read_seconds_count')).toBe(6);
  expect(page.get('read_seconds_sum')).toBe(20);
  // Start times are gauges to this client; their sum would mean nothing.
  for (const created of ['files_created{kind="text"}', 'read_seconds_created']) {
    expect(sent.get(created), created).toBeGreaterThan(1e9);
    expect(page.get(created), created).toBe(sent.get(created));
  }
});

// The checksum of Debian 12's python3-snappy fails on its own Python 3.11; this one takes its place.
const snappyFrames = `
import snappy
def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82f63b78 & -(crc & 1))
    return crc ^ 0xffffffff
snappy.snappy._crc32c = crc32c
`;

// Newer clients do this themselves, when told `compression=`; Debian's leaves it to a handler.
test.each([
  ['gzip', 'import gzip', 'gzip.compress(data)'],
  // The framed stream, as in newer clients.
  ['snappy', snappyFrames, 'snappy.StreamCompressor().compress(data)'],
])('a push compressed with %s', async (encoding, imports, compressed) => {
  const { url } = await startGateway();
  await python(
    url,
    `${work}
${imports}
from prometheus_client.exposition import default_handler
def compressed(url, method, timeout, headers, data):
    return default_handler(url, method, timeout, headers + [('Content-Encoding', '${encoding}')], ${compressed})
push_to_gateway(gateway, job='reader', registry=registry, handler=compressed)
`,
  );
  const page = await scrapeSamples(url);
  expect(page.get('files_total{kind="text"}')).toBe(3);
  expect(page.get('read_seconds_count')).toBe(3);
});

test('its OpenMetrics and its text add up', async () => {
  const { url } = await startGateway(['--push.summaries=sum-and-count', '--scrape.openmetrics-created']);
  await python(
    url,
    `${work}
from prometheus_client import Enum, Info, Summary
from prometheus_client.exposition import default_handler
from prometheus_client.openmetrics import exposition as openmetrics
Summary('read_bytes', 'Bytes read.', registry=registry).observe(7)
Info('reader', 'What reads.', registry=registry).info({'version': '2.1'})
Enum('phase', 'What it does.', states=['reading', 'idle'], registry=registry).state('idle')
Gauge('level', 'How full.', unit='ratio', registry=registry).set(0.5)
files.labels('text').inc(2, exemplar={'trace_id': 'abc'})
seconds.observe(0.75, exemplar={'trace_id': 'def'})
def as_openmetrics(url, method, timeout, headers, data):
    headers = [('Content-Type', openmetrics.CONTENT_TYPE_LATEST)]
    return default_handler(url, method, timeout, headers, openmetrics.generate_latest(registry))
push_to_gateway(gateway, job='reader', registry=registry, handler=as_openmetrics)
push_to_gateway(gateway, job='reader', registry=registry)
`,
  );
  const page = await scrapeSamples(url);
  expect(page.get('files_total{kind="text"}')).toBe(10);
  expect(page.get('files_left')).toBe(8);
  expect(page.get('read_seconds_bucket{le="0.5"}')).toBe(2);
  expect(page.get('read_seconds_bucket{le="1"}')).toBe(6);
  expect(page.get('read_seconds_count')).toBe(8);
  expect(page.get('read_seconds_sum')).toBe(21.5);
  expect(page.get('read_bytes_sum')).toBe(14);
  expect(page.get('level_ratio')).toBe(1);
  expect(page.get('phase{phase="idle"}')).toBe(2);
  expect(page.get('phase{phase="reading"}')).toBe(0);
  expect(page.get('reader_info{version="2.1"}')).toBe(1);
  const lines = await scrapeOpenMetrics(url);
  expect(lines).toEqual(
    expect.arrayContaining([
      '# TYPE reader info',
      'reader_info{version="2.1"} 1',
      '# UNIT level_ratio ratio',
      expect.stringMatching(/^files_total\{kind="text"\} 10 # \{trace_id="abc"\} 2 /),
      expect.stringMatching(/^read_seconds_bucket\{le="1\.0"\} 6 # \{trace_id="def"\} 0\.75 /),
      expect.stringMatching(/^files_created\{kind="text"\} \d{10}/),
    ]),
  );
});

test('without modes, delete_from_gateway is taken and changes nothing', async () => {
  const { url } = await startGateway();
  await python(
    url,
    `${work}
push_to_gateway(gateway, job='reader', registry=registry, grouping_key=group)
delete_from_gateway(gateway, job='reader', grouping_key=group)
`,
  );
  expect((await scrapeSamples(url)).get('files_left')).toBe(4);
});

test('by job, the newest push of a source counts, and sources add up', async () => {
  const { url } = await startGateway(['--by-job']);
  await python(
    url,
    `${work}
push_to_gateway(gateway, job='reader', registry=registry, grouping_key=group)
files.labels('text').inc(2)
left.set(2)
pushadd_to_gateway(gateway, job='reader', registry=registry, grouping_key=group)
push_to_gateway(gateway, job='reader', registry=registry, grouping_key={'path': '', 'shift': 'late/night'})
`,
  );
  const page = await scrapeSamples(url);
  expect(page.get('files_total{kind="text"}')).toBe(10);
  expect(page.get('files_left')).toBe(4);
  expect(page.get('read_seconds_bucket{le="1"}')).toBe(4);
  expect(page.get('read_seconds_count')).toBe(6);
});

test('by job, push_to_gateway takes away a gauge that the source no longer has, pushadd_to_gateway does not', async () => {
  const { url } = await startGateway(['--by-job']);
  const without = (verb: string): string => `${work}
push_to_gateway(gateway, job='reader', registry=registry)
registry.unregister(left)
${verb}(gateway, job='reader', registry=registry)
`;
  await python(url, without('pushadd_to_gateway'));
  expect((await scrapeSamples(url)).get('files_left')).toBe(4);
  await python(url, without('push_to_gateway'));
  const page = await scrapeSamples(url);
  expect(page.has('files_left')).toBe(false);
  expect(page.get('files_total{kind="text"}')).toBe(3);
});

test('by job, delete_from_gateway takes the gauges of that source and leaves what it counted', async () => {
  const { url } = await startGateway(['--by-job']);
  await python(
    url,
    `${work}
push_to_gateway(gateway, job='reader', registry=registry, grouping_key=group)
push_to_gateway(gateway, job='other', registry=registry)
delete_from_gateway(gateway, job='reader', grouping_key=group)
`,
  );
  const one = await scrapeSamples(url);
  expect(one.get('files_left')).toBe(4);
  expect(one.get('files_total{kind="text"}')).toBe(6);
  await python(url, `delete_from_gateway(gateway, job='other')`);
  const none = await scrapeSamples(url);
  expect(none.has('files_left')).toBe(false);
  expect(none.get('files_total{kind="text"}')).toBe(6);
  expect(none.get('read_seconds_count')).toBe(6);
});

test('with path labels added, a slash and a space of the grouping key arrive as they were', async () => {
  const { url } = await startGateway(['--push.path-labels=add']);
  await python(
    url,
    `${work}
push_to_gateway(gateway, job='reader', registry=registry, grouping_key=group)
`,
  );
  // This client writes a space as a plus, and a plus stays what it is, as in the Pushgateway.
  expect(
    (await scrapeSamples(url)).get('files_left{job="reader",path="/var/spool",shift="early+morning"}'),
  ).toBe(4);
});
