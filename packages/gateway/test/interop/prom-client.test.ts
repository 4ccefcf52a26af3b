import { gzipSync } from 'node:zlib';
import { Counter, Gauge, Histogram, Pushgateway, Registry } from 'prom-client';
import { expect, test } from 'vitest';

import { scrapeSamples, send } from '../support/http.ts';
import { startGateway } from '../support/process.ts';

const group = { jobName: 'worker', groupings: { path: '/var/spool', shift: 'early morning', empty: '' } };

function worker(): { registry: Registry; jobs: Counter; seconds: Histogram; left: Gauge } {
  const registry = new Registry();
  const registers = [registry];
  const jobs = new Counter({ name: 'jobs_total', help: 'Jobs done.', labelNames: ['kind'], registers });
  const seconds = new Histogram({ name: 'job_seconds', help: 'Time.', buckets: [0.5, 2], registers });
  const left = new Gauge({ name: 'jobs_left', help: 'Jobs waiting.', registers });
  jobs.inc({ kind: 'a' }, 3);
  for (const value of [0.25, 1, 9]) seconds.observe(value);
  left.set(4);
  return { registry, jobs, seconds, left };
}

test('without modes, push and pushAdd add up, and delete is taken', async () => {
  const { url } = await startGateway();
  const { registry } = worker();
  const client = new Pushgateway(url, {}, registry);
  await client.push(group);
  await client.pushAdd(group);
  await client.delete(group);
  const page = await scrapeSamples(url);
  expect(page.get('jobs_total{kind="a"}')).toBe(6);
  expect(page.get('jobs_left')).toBe(8);
  expect(page.get('job_seconds_bucket{le="0.5"}')).toBe(2);
  expect(page.get('job_seconds_bucket{le="2"}')).toBe(4);
  expect(page.get('job_seconds_bucket{le="+Inf"}')).toBe(6);
  expect(page.get('job_seconds_sum')).toBe(20.5);
});

test('by job, the newest push of a source counts, sources add up, and delete takes the gauges', async () => {
  const { url } = await startGateway(['--by-job']);
  const { registry, jobs, left } = worker();
  const client = new Pushgateway(url, {}, registry);
  await client.push(group);
  jobs.inc({ kind: 'a' }, 2);
  left.set(1);
  await client.pushAdd(group);
  await client.push({ jobName: 'other' });
  const both = await scrapeSamples(url);
  expect(both.get('jobs_total{kind="a"}')).toBe(10);
  expect(both.get('jobs_left')).toBe(2);
  expect(both.get('job_seconds_count')).toBe(6);
  await client.delete(group);
  await client.delete({ jobName: 'other' });
  const page = await scrapeSamples(url);
  expect(page.get('jobs_total{kind="a"}')).toBe(10);
  expect(page.get('job_seconds_count')).toBe(6);
  expect(page.has('jobs_left')).toBe(false);
});

test('with path labels added, a slash, a space and an empty value of the groupings arrive as they were', async () => {
  const { url } = await startGateway(['--push.path-labels=add']);
  await new Pushgateway(url, {}, worker().registry).pushAdd(group);
  // An empty label is no label.
  expect(
    (await scrapeSamples(url)).get('jobs_left{job="worker",path="/var/spool",shift="early morning"}'),
  ).toBe(4);
});

test('without a job name, where none is needed; by job, the refusal says so', async () => {
  const { url } = await startGateway();
  await new Pushgateway(url, { requireJobName: false }, worker().registry).push({ jobName: '' });
  expect((await scrapeSamples(url)).get('jobs_left')).toBe(4);
  const byJob = await startGateway(['--by-job']);
  const client = new Pushgateway(byJob.url, { requireJobName: false }, worker().registry);
  await expect(client.push({ jobName: '' })).rejects.toThrow(/status 400.*job/s);
});

test('gzip by its own header', async () => {
  const { url } = await startGateway();
  const headers = { 'Content-Encoding': 'gzip' };
  await new Pushgateway(url, { headers }, worker().registry).pushAdd(group);
  expect((await scrapeSamples(url)).get('jobs_total{kind="a"}')).toBe(3);
});

test('gzip by hand, in two members; one cut short is refused whole', async () => {
  const { url } = await startGateway();
  const headers = { 'content-encoding': 'gzip' };
  const members = Buffer.concat([gzipSync('a_total 1\n'), gzipSync('b_total 2\n')]);
  expect((await send(url, new Uint8Array(members), { headers })).status).toBe(202);
  const whole = gzipSync(Array.from({ length: 5_000 }, (_, i) => `c_total{row="${i}"} 1\n`).join(''));
  const cut = await send(url, new Uint8Array(whole.subarray(0, whole.length - 20)), { headers });
  expect(cut.status).toBe(400);
  expect(Object.fromEntries(await scrapeSamples(url))).toEqual({ a_total: 1, b_total: 2 });
});
