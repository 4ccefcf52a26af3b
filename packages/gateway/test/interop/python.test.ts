/** The Python client, as Debian ships it. */
import { expect, test } from 'vitest';

import { samplesOf, scrapeSamples } from '../support/http.ts';
import { startGateway } from '../support/process.ts';
import { program, run } from '../support/programs.ts';

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
  const path = program('python3', 'python3');
  const debianPython = path.startsWith('/usr/bin/') ? path : '/usr/bin/python3';
  const known = await run(debianPython, ['-c', 'import prometheus_client']);
  if (known.code !== 0) {
    throw new Error('prometheus_client is not installed: apt-get install python3-prometheus-client');
  }
  const outcome = await run(debianPython, ['-', url], { input: head + script });
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

// Newer clients do this themselves, when told `compression='gzip'`; Debian's leaves it to a handler.
test('a push compressed with gzip', async () => {
  const { url } = await startGateway();
  await python(
    url,
    `${work}
import gzip
from prometheus_client.exposition import default_handler
def compressed(url, method, timeout, headers, data):
    return default_handler(url, method, timeout, headers + [('Content-Encoding', 'gzip')], gzip.compress(data))
push_to_gateway(gateway, job='reader', registry=registry, handler=compressed)
`,
  );
  expect((await scrapeSamples(url)).get('files_total{kind="text"}')).toBe(3);
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
