/**
 * What it costs to keep every push on disk: CPU time and rate, the size of records, how long a start takes, and what snapshots do to
 * pushes.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import { largePush, shortSeriesPush, smallPush } from '../data.ts';
import { push, pushAll, readSample } from './client.ts';
import { measureDurableCost } from './durable-cost.ts';
import type { Options, Sizes } from './options.ts';
import { startGateway, storageFolder } from './processes.ts';
import type { Server } from './processes.ts';
import type { Finding } from './report.ts';
import { latenciesWhile } from './scrapes.ts';
import { median, percentile } from './statistics.ts';

const CONNECTIONS = 64;
const SERIES_PER_PUSH = 10_000;
const TIMED_SNAPSHOTS = 4;
const SNAPSHOT_ROUNDS_MAX = 40;
const SNAPSHOT_WAIT_MS = 3_000;
/** Asking for the own metrics takes the gateway several milliseconds, which pushes then wait. */
const POLL_MS = 500;
const NEVER = '--storage.snapshot-interval=1h';

export async function measureDurable(options: Options): Promise<readonly Finding[]> {
  const { sizes } = options;
  return [
    ...(await measureDurableCost(options)),
    await measureRecordSize(sizes),
    await measureReplay(sizes),
    ...(await measureSnapshots(sizes)),
  ];
}

async function measureRecordSize({ largeSeries }: Sizes): Promise<Finding> {
  const gateway = await startGateway({ storage: storageFolder('size') });
  const body = (round: number): Buffer => Buffer.from(largePush({ series: largeSeries, round }));
  await push({ url: gateway.pushUrl(0), body: body(0) });
  const before = await recordBytes(gateway);
  let text = 0;
  for (let round = 1; round <= 10; round += 1) {
    text += body(round).length;
    await push({ url: gateway.pushUrl(0), body: body(round) });
  }
  const share = ((await recordBytes(gateway)) - before) / text;
  await gateway.stop();
  return {
    work: 'durable: record of a large push, of the size of its text',
    reach: '≤ 1/3',
    measured: `${share.toFixed(3)}; ${(before / body(0).length).toFixed(2)} where all series are new`,
    met: share <= 1 / 3,
  };
}

async function measureReplay({ replayedRecords }: Sizes): Promise<Finding> {
  const storage = storageFolder('replay');
  const gateway = await startGateway({ storage, flags: [NEVER] });
  const bodies = [smallPush(0), smallPush(1)].map((text) => Buffer.from(text));
  await pushAll(
    Array.from({ length: replayedRecords }, (_, i) => ({ url: gateway.pushUrl(0), body: bodies[i % 2]! })),
    CONNECTIONS,
  );
  await gateway.stop();
  const again = await startGateway({ storage, flags: [NEVER] });
  const records = await ownMetric(again, 'storage_replayed_records');
  const seconds = await ownMetric(again, 'storage_replay_duration_seconds');
  await again.stop();
  if (records < replayedRecords)
    throw new Error(`${records} records came back, ${replayedRecords} were pushed`);
  return {
    work: `durable: replay of ${replayedRecords} records`,
    reach: '≤ 2 s',
    measured: `${seconds.toFixed(2)} s`,
    met: seconds <= 2,
  };
}

async function measureSnapshots({ memorySeries }: Sizes): Promise<readonly Finding[]> {
  const storage = storageFolder('snapshots');
  const gateway = await startGateway({ storage, flags: ['--storage.snapshot-interval=1s'] });
  const pushes = function* () {
    for (let from = 0; from < memorySeries; from += SERIES_PER_PUSH) {
      const series = Math.min(SERIES_PER_PUSH, memorySeries - from);
      yield { url: gateway.pushUrl(0), body: Buffer.from(shortSeriesPush({ series, from })) };
    }
  };
  await pushAll(pushes());
  const quiet = percentile(await latenciesWhile(gateway, () => sleep(SNAPSHOT_WAIT_MS)), 0.99);
  const latencies = await latenciesDuringSnapshots(gateway, () => pushAll(pushes()));
  const bytes = await ownMetric(gateway, 'storage_last_snapshot_size_bytes');
  const took = await ownMetric(gateway, 'storage_last_snapshot_duration_seconds');
  await gateway.stop();
  const begun = performance.now();
  const again = await startGateway({ storage });
  const seconds = (performance.now() - begun) / 1000;
  const series = await ownMetric(again, 'series{type="counter"}');
  await again.stop();
  if (series < memorySeries) throw new Error(`${series} series came back, ${memorySeries} were pushed`);
  const p99 = percentile(latencies, 0.99);
  return [
    {
      work: `durable: start with ${memorySeries} series, until it takes pushes`,
      reach: '≤ 3 s',
      measured: `${seconds.toFixed(2)} s (snapshot of ${(bytes / 1e6).toFixed(0)} MB, written in ${took.toFixed(2)} s)`,
      met: seconds <= 3,
    },
    {
      work: `durable: pushes during snapshots of ${memorySeries} series, p99`,
      reach: '≤ 25 ms',
      measured: `${p99.toFixed(1)} ms of ${latencies.length} (p50 ${median(latencies).toFixed(1)} ms; no snapshot: p99 ${quiet.toFixed(1)} ms)`,
      met: p99 <= 25,
    },
  ];
}

/** `change` changes all values, so that a snapshot is worth its while; pushes are timed afterwards, and count if one was taken then. */
async function latenciesDuringSnapshots(
  gateway: Server,
  change: () => Promise<void>,
): Promise<readonly number[]> {
  const lastSnapshot = (): Promise<number> => ownMetric(gateway, 'storage_last_snapshot_timestamp_seconds');
  const latencies: number[] = [];
  let snapshots = 0;
  for (let round = 0; snapshots < TIMED_SNAPSHOTS; round += 1) {
    if (round === SNAPSHOT_ROUNDS_MAX)
      throw new Error(`${snapshots} snapshots were taken in ${round} rounds`);
    await change();
    const before = await lastSnapshot();
    const end = performance.now() + SNAPSHOT_WAIT_MS;
    const timed = await latenciesWhile(gateway, async () => {
      while (performance.now() < end && (await lastSnapshot()) === before) await sleep(POLL_MS);
    });
    if ((await lastSnapshot()) === before) continue;
    snapshots += 1;
    latencies.push(...timed);
  }
  return latencies;
}

function recordBytes(gateway: Server): Promise<number> {
  return ownMetric(gateway, 'storage_record_bytes_total');
}

function ownMetric(gateway: Server, name: string): Promise<number> {
  return readSample(`${gateway.url}/-/metrics`, `prom_aggregation_gateway_${name}`);
}
