/**
 * What only Prometheus 3 reads, scraped by a real one: native histograms and start times by protobuf, exemplars and start times by
 * OpenMetrics. PROMETHEUS_3 names its binary; `.ci/prometheus3` gets one and prints where it is.
 */
import { expect, test } from 'vitest';

import { eventually } from '../support/eventually.ts';
import { send } from '../support/http.ts';
import { startGateway } from '../support/process.ts';
import { startPrometheus } from '../support/prometheus.ts';
import type { Prometheus } from '../support/prometheus.ts';
import * as wire from '../support/protobuf.ts';

const binary = process.env['PROMETHEUS_3'] ?? '';
const reason = 'needs PROMETHEUS_3, the path of a Prometheus 3.5 or later; see .ci/prometheus3';

const features = 'native-histograms,created-timestamp-zero-ingestion,exemplar-storage';
const protocols = ['PrometheusProto', 'OpenMetricsText1.0.0'] as const;

async function scrapedBy(url: string, protocol: (typeof protocols)[number]): Promise<Prometheus> {
  return startPrometheus(url, {
    binary,
    flags: [`--enable-feature=${features}`],
    scrape: [`scrape_protocols: [${protocol}]`],
  });
}

const zigzag = (value: number): number => (value >= 0 ? value * 2 : -value * 2 - 1);

/** A native histogram as client_golang sends it: counts of buckets in a row from `offset` on. */
function nativeHistogram(schema: number, offset: number, counts: readonly number[], sum: number): Buffer {
  const deltas = counts.map((count, i) => wire.number(13, zigzag(count - (counts[i - 1] ?? 0))));
  return wire.bytes(
    7,
    wire.number(
      1,
      counts.reduce((total, count) => total + count, 0),
    ),
    wire.double(2, sum),
    wire.number(5, zigzag(schema)),
    wire.double(6, 2 ** -128),
    wire.number(7, 0),
    wire.bytes(12, wire.number(1, zigzag(offset)), wire.number(2, counts.length)),
    ...deltas,
    wire.timestamp(15, Math.floor(Date.now() / 1_000) - 5),
  );
}

async function pushProtobuf(url: string, path: string, ...families: readonly Buffer[]): Promise<void> {
  const reply = await send(url, Buffer.concat(families), {
    path,
    headers: {
      'content-type':
        'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited',
    },
  });
  expect({ status: reply.status, text: await reply.text() }).toEqual({ status: 202, text: '' });
}

test.skipIf(binary === '')(
  `native histograms of two senders are one, with the quantiles of both (${reason})`,
  async () => {
    const gateway = await startGateway();
    const prometheus = await scrapedBy(gateway.url, 'PrometheusProto');
    const latency = (histogram: Buffer): Buffer =>
      wire.family('latency_seconds', { help: 'Time.', type: 'histogram' }, histogram);
    // 8 observations in (1, 2] at schema 0, and 8 in (4, 8], told at schema 1 as (4, 5.66] and (5.66, 8].
    await pushProtobuf(gateway.url, 'job/a', latency(nativeHistogram(0, 1, [8], 12)));
    await pushProtobuf(gateway.url, 'job/b', latency(nativeHistogram(1, 5, [4, 4], 48)));
    const shows = (query: string, value: number): Promise<boolean> =>
      eventually(
        `${query} to be ${value}`,
        async () => {
          const found = await prometheus.value(query);
          return found !== undefined && Math.abs(found - value) < 1e-9;
        },
        15_000,
      );
    await shows('histogram_count(latency_seconds)', 16);
    await shows('histogram_sum(latency_seconds)', 60);
    // Half of all lie in (1, 2], so that a quarter reaches its middle, by exponents, and three quarters that of (4, 8]. The median is
    // at the end of the one or the beginning of the other, as Prometheus likes.
    await shows('histogram_quantile(0.25, latency_seconds)', 2 ** 0.5);
    await shows('histogram_quantile(0.75, latency_seconds)', 2 ** 2.5);
    await shows('histogram_fraction(0, 2, latency_seconds)', 0.5);
  },
);

test.skipIf(binary === '').each(protocols)(
  `the first increment of a new series is not lost, and exemplars arrive, by %s (${reason})`,
  async (protocol) => {
    const gateway = await startGateway(['--scrape.openmetrics-created']);
    const prometheus = await scrapedBy(gateway.url, protocol);
    await eventually('a first scrape', async () => (await prometheus.value('up')) === 1, 15_000);
    const trace = wire.bytes(
      2,
      wire.labelFields({ trace_id: 'abc' }),
      wire.double(2, 0.7),
      wire.timestamp(3, Math.floor(Date.now() / 1_000)),
    );
    const body = wire.family(
      'orders_total',
      { type: 'counter' },
      wire.counter({ shop: 'x' }, 42, trace, wire.timestamp(3, Math.floor(Date.now() / 1_000) - 3)),
    );
    await pushProtobuf(gateway.url, 'job/a', body);
    await eventually('the counter', async () => (await prometheus.value('orders_total')) === 42, 15_000);
    const [raw] = await prometheus.query('orders_total[5m]');
    const values = (raw?.values ?? []).map(([, value]) => Number(value));
    expect(values[0]).toBe(0);
    // Asked at the moment of the last sample; the first one is 0, below which nothing is extrapolated.
    const last = raw?.values?.at(-1)?.[0] ?? 0;
    expect(await prometheus.value('increase(orders_total[5m])', last)).toBeGreaterThanOrEqual(42);
    await eventually(
      'the exemplar',
      async () => (await prometheus.exemplars('orders_total')).length > 0,
      15_000,
    );
    const [found] = await prometheus.exemplars('orders_total');
    expect(found?.exemplars).toMatchObject([{ labels: { trace_id: 'abc' }, value: '0.7' }]);
  },
);
