import { describe, expect, test } from 'vitest';

import { ownMetrics } from '../../src/gateway/telemetry/own-metrics.ts';
import { createTelemetry } from '../../src/gateway/telemetry/prom-telemetry.ts';
import { ignoredReasons } from '../../src/gateway/telemetry/telemetry.ts';
import type { HoldingsByType, Telemetry } from '../../src/gateway/telemetry/telemetry.ts';
import { errorTable } from '../../src/model/errors.ts';
import { metricTypes } from '../../src/model/metric-type.ts';
import type { MetricType } from '../../src/model/metric-type.ts';

const PREFIX = 'prom_aggregation_gateway_';

function perType(value: number): Record<MetricType, number> {
  return Object.fromEntries(metricTypes.map((type) => [type, value])) as Record<MetricType, number>;
}

function held(fields: Partial<HoldingsByType> = {}): HoldingsByType {
  return {
    series: perType(0),
    families: perType(0),
    usage: { seriesBytes: 0, metadataBytes: 0, sourceBytes: 0, seriesCacheBytes: 0 },
    seriesByToken: new Map(),
    sourcesLive: 0,
    sourcesPruned: 0,
    sourcesRetired: 0,
    seriesExpired: 0,
    pushesLate: 0,
    suspects: [],
    idempotencyKeys: 0,
    idempotencyKeysEvicted: 0,
    exemplars: 0,
    exemplarsDropped: 0,
    pushesWaiting: 0,
    lastPushMs: undefined,
    scrapes: { open: 0, waiting: 0, views: 0, bytes: 0 },
    storage: undefined,
    ...fields,
  };
}

function telemetryOf(holdings: () => HoldingsByType = held): Telemetry {
  return createTelemetry({ version: '1.2.3', holdings });
}

/** The samples of own metrics, without the prefix. */
async function samplesOf(telemetry: Telemetry): Promise<readonly string[]> {
  const { body } = await telemetry.page();
  return body.split('\n').flatMap((line) => (line.startsWith(PREFIX) ? [line.slice(PREFIX.length)] : []));
}

describe('what was reported is on the page', () => {
  const cases: readonly (readonly [string, (telemetry: Telemetry) => void, readonly string[]])[] = [
    [
      'nothing yet',
      () => {},
      ['pushes_total{result="accepted",code="ok"} 0', 'last_push_timestamp_seconds 0'],
    ],
    [
      'an accepted push',
      (t) => t.pushAccepted(20, 1600, 0.5),
      ['pushes_total{result="accepted",code="ok"} 1'],
    ],
    ['its samples', (t) => t.pushAccepted(20, 1600, 0.5), ['push_samples_total 20']],
    ['its bytes', (t) => t.pushAccepted(20, 1600, 0.5), ['push_body_bytes_total 1600']],
    [
      'its duration',
      (t) => t.pushAccepted(20, 1600, 0.5),
      [
        'push_duration_seconds_bucket{le="0.3"} 0',
        'push_duration_seconds_bucket{le="1"} 1',
        'push_duration_seconds_bucket{le="+Inf"} 1',
        'push_duration_seconds_sum 0.5',
        'push_duration_seconds_count 1',
      ],
    ],
    [
      'a duration just on a bound',
      (t) => t.pushAccepted(20, 1600, 0.3),
      ['push_duration_seconds_bucket{le="0.1"} 0', 'push_duration_seconds_bucket{le="0.3"} 1'],
    ],
    [
      'a duration above all bounds',
      (t) => t.pushAccepted(20, 1600, 7),
      ['push_duration_seconds_bucket{le="1"} 0', 'push_duration_seconds_bucket{le="+Inf"} 1'],
    ],
    [
      'a refused push',
      (t) => t.pushRefused('syntax', 7),
      ['pushes_total{result="refused",code="syntax"} 1', 'push_body_bytes_total 7', 'push_samples_total 0'],
    ],
    ['ignored samples', (t) => t.samplesIgnored('summary', 3), ['samples_ignored_total{reason="summary"} 3']],
    ['a scrape', (t) => t.scraped(0.002, 99), ['scrape_bytes_total 99', 'scrape_duration_seconds_count 1']],
    ['what runs', () => {}, [`build_info{version="1.2.3",node_version="${process.version}"} 1`]],
  ];
  test.each(cases)('%s', async (_, act, expected) => {
    const telemetry = telemetryOf();
    act(telemetry);
    expect(await samplesOf(telemetry)).toEqual(expect.arrayContaining([...expected]));
  });

  test('every code of a refusal stands from the start, so that increase() sees the first one', async () => {
    const telemetry = telemetryOf();
    telemetry.pushRefused('syntax', 7);
    const samples = await samplesOf(telemetry);
    for (const code of Object.keys(errorTable)) {
      const count = code === 'syntax' ? 1 : 0;
      expect(samples).toContain(`pushes_total{result="refused",code="${code}"} ${count}`);
    }
  });

  test('every reason to ignore a sample stands from the start', async () => {
    const samples = await samplesOf(telemetryOf());
    for (const reason of ignoredReasons)
      expect(samples).toContain(`samples_ignored_total{reason="${reason}"} 0`);
  });
});

test('a page read twice counts nothing twice', async () => {
  const telemetry = telemetryOf(() => held({ sourcesRetired: 4 }));
  telemetry.pushAccepted(1, 1, 0.1);
  expect(await samplesOf(telemetry)).toEqual(await samplesOf(telemetry));
});

test('holdings are those of now, asked for once a page', async () => {
  let asked = 0;
  const telemetry = telemetryOf(() => {
    asked += 1;
    return held({ series: perType(asked), sourcesLive: asked, sourcesRetired: asked });
  });
  for (let page = 1; page <= 2; page += 1) {
    const before = asked;
    const samples = await samplesOf(telemetry);
    expect(asked).toBe(before + 1);
    expect(samples).toContain(`series{type="gauge"} ${asked}`);
    expect(samples).toContain(`sources{state="live"} ${asked}`);
    expect(samples).toContain(`sources_retired_total ${asked}`);
  }
});

test('the time of the last push is that of the holdings', async () => {
  expect(await samplesOf(telemetryOf(() => held({ lastPushMs: 1500 })))).toContain(
    'last_push_timestamp_seconds 1.5',
  );
});

test('several in one process do not know each other', async () => {
  const [one, other] = [telemetryOf(), telemetryOf()];
  one.pushAccepted(1, 1, 0.1);
  expect(await samplesOf(other)).toContain('push_samples_total 0');
});

test('the page has the own metrics of the table and no others, with their types', async () => {
  const { body, contentType } = await telemetryOf().page();
  const types = [...body.matchAll(/^# TYPE prom_aggregation_gateway_(\S+) (\S+)$/gm)];
  const expected = Object.entries(ownMetrics).map(([name, [type]]) => `${name} ${type}`);
  expect(types.map(([, name, type]) => `${name} ${type}`).sort()).toEqual(expected.sort());
  expect(body).toMatch(/^process_cpu_seconds_total /m);
  expect(contentType).toContain('text/plain');
});
