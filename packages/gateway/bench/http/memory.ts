/**
 * What series and contributions take in memory, told three times: resident memory as it is after the load, garbage and
 * all; the same after garbage was collected, which still has the holes between what is left; and what is alive.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import { familiesPush, largePush, shortSeriesPush, smallPush, sourcePush, unsortedPush } from '../data.ts';
import type { SeriesRange } from '../data.ts';
import { countSamples, pushAll, readText } from './client.ts';
import type { Push } from './client.ts';
import type { Sizes } from './options.ts';
import { startGateway } from './processes.ts';
import type { Server } from './processes.ts';
import { times } from './report.ts';
import type { Finding } from './report.ts';
import { median } from './statistics.ts';
import { rssBytes } from './usage.ts';

const SERIES_PER_PUSH = 10_000;
const SERIES_PER_SOURCE = 20;
const FEW_FAMILIES = 100;
const FEW_SERIES_PER_FAMILY = 100;
const FAMILIES_PER_PUSH = 2;
const collectFlags = ['--expose-gc', '--import', new URL('collect-on-signal.js', import.meta.url).href];
const WARM_UP_PUSHES = 4_000;
/** For what the collector of garbage does by itself after the last push, and for what it is told to do. */
const SETTLE_MS = 1_000;
/** Sources push more than once, as they do in life. */
const SOURCE_ROUNDS = 2;

interface Memory {
  readonly rss: number;
  readonly rssCollected: number;
  /** What JavaScript holds, in its heap and outside of it, after the collection. */
  readonly live: number;
}

/** Series are of 3 labels, and in pushes of 10 000. */
const kinds: readonly {
  readonly what: string;
  readonly push: (range: SeriesRange) => string;
  readonly bytesMax: number;
}[] = [
  { what: '70 B', push: shortSeriesPush, bytesMax: 220 },
  { what: '95 B', push: largePush, bytesMax: 200 },
  { what: '95 B, labels not sorted', push: unsortedPush, bytesMax: 200 },
];

export async function measureMemory(sizes: Sizes): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const kind of kinds) findings.push(...(await measureKind(sizes, kind)));
  return findings;
}

async function measureKind(
  { memorySeries }: Sizes,
  { what, push, bytesMax }: (typeof kinds)[number],
): Promise<readonly Finding[]> {
  const gateway = await startGateway({ nodeFlags: collectFlags });
  await warmUp(gateway);
  const empty = await settled(gateway);
  await pushAll(seriesPushes(gateway, memorySeries, push));
  const full = await settled(gateway);
  const samples = await countSamples(gateway.url);
  const scraped = await settled(gateway);
  await gateway.stop();
  if (samples < memorySeries) {
    throw new Error(`the page has ${samples} samples, ${memorySeries} series were pushed`);
  }
  const work = `memory at ${grouped(memorySeries)} series (3 labels, ${what}), RSS`;
  const perSeries = (full.rss - empty.rss) / memorySeries;
  const measured = (state: Memory, kind: keyof Memory): string =>
    `${((state[kind] - empty[kind]) / memorySeries).toFixed(0)} B (${megabytes(state[kind])}, empty ${megabytes(empty[kind])})`;
  return [
    {
      work,
      reach: `≤ ${bytesMax} B a series`,
      measured: measured(full, 'rss'),
      met: perSeries <= bytesMax,
    },
    { work: '… garbage collected', reach: '', measured: measured(full, 'rssCollected') },
    { work: '… what is alive', reach: '', measured: measured(full, 'live') },
    { work: '… RSS after a scrape', reach: '', measured: measured(scraped, 'rss') },
    { work: '… garbage collected', reach: '', measured: measured(scraped, 'rssCollected') },
  ];
}

/** What the series of a small installation add to a gateway that is warm. The median of several processes counts. */
export async function measureFewSeriesMemory({ processes }: Sizes): Promise<readonly Finding[]> {
  const pairs: { readonly empty: Memory; readonly full: Memory }[] = [];
  for (let i = 0; i < processes; i += 1) {
    const gateway = await startGateway({ nodeFlags: collectFlags });
    await warmUp(gateway);
    const empty = await settled(gateway);
    await pushAll(fewSeriesPushes(gateway));
    pairs.push({ empty, full: await settled(gateway) });
    await gateway.stop();
  }
  const ratioOf = (kind: keyof Memory): number =>
    median(pairs.map(({ empty, full }) => full[kind] / empty[kind]));
  const measured = (kind: keyof Memory): string => {
    const [empty, full] = (['empty', 'full'] as const).map((state) =>
      median(pairs.map((pair) => pair[state][kind])),
    );
    return `${times(ratioOf(kind))} (${megabytes(full!)}, empty ${megabytes(empty!)})`;
  };
  const series = grouped(FEW_FAMILIES * FEW_SERIES_PER_FAMILY);
  return [
    {
      work: `memory, ${series} series of ${FEW_FAMILIES} families, RSS`,
      reach: '≤ 1.2 × of an empty gateway',
      measured: measured('rss'),
      met: ratioOf('rss') <= 1.2,
    },
    { work: '… garbage collected', reach: '', measured: measured('rssCollected') },
    { work: '… what is alive', reach: '', measured: measured('live') },
  ];
}

/** By-job mode over add mode, after the same pushes to the same paths. The median of several pairs of processes counts. */
export async function measureSourceMemory({ sources, processes }: Sizes): Promise<readonly Finding[]> {
  const pairs: { readonly add: Memory; readonly byJob: Memory }[] = [];
  for (let i = 0; i < processes; i += 1) {
    pairs.push({
      add: await memoryWithSources(sources, false),
      byJob: await memoryWithSources(sources, true),
    });
  }
  const onTop = (kind: keyof Memory): readonly number[] =>
    pairs.map(({ add, byJob }) => (byJob[kind] - add[kind]) / (sources * SERIES_PER_SOURCE));
  const measured = (kind: keyof Memory): string =>
    `${median(onTop(kind)).toFixed(0)} B (${onTop(kind)
      .map((bytes) => bytes.toFixed(0))
      .join(', ')})`;
  return [
    {
      work: `by-job, ${grouped(sources)} sources × ${SERIES_PER_SOURCE} series, RSS on top of add mode`,
      reach: '≤ 16 B a contribution',
      measured: measured('rss'),
      met: median(onTop('rss')) <= 16,
    },
    { work: '… garbage collected', reach: '', measured: measured('rssCollected') },
    { work: '… what is alive', reach: '', measured: measured('live') },
  ];
}

async function memoryWithSources(sources: number, byJob: boolean): Promise<Memory> {
  const gateway = await startGateway({ byJob, nodeFlags: collectFlags });
  await warmUp(gateway);
  for (let round = 0; round < SOURCE_ROUNDS; round += 1) await pushAll(sourcePushes(gateway, sources, round));
  const memory = await settled(gateway);
  await gateway.stop();
  return memory;
}

/** Small pushes, until what Node itself takes under load has been taken. */
async function warmUp(gateway: Server): Promise<void> {
  const body = Buffer.from(smallPush());
  await pushAll(Array.from({ length: WARM_UP_PUSHES }, () => ({ url: gateway.pushUrl(0), body })));
}

function* seriesPushes(
  gateway: Server,
  series: number,
  push: (range: SeriesRange) => string,
): Generator<Push> {
  for (let from = 0; from < series; from += SERIES_PER_PUSH) {
    const body = Buffer.from(push({ series: Math.min(SERIES_PER_PUSH, series - from), from }));
    yield { url: gateway.pushUrl(0), body };
  }
}

function* fewSeriesPushes(gateway: Server): Generator<Push> {
  for (let first = 0; first < FEW_FAMILIES; first += FAMILIES_PER_PUSH) {
    const text = familiesPush({ first, families: FAMILIES_PER_PUSH, seriesPerFamily: FEW_SERIES_PER_FAMILY });
    yield { url: gateway.pushUrl(0), body: Buffer.from(text) };
  }
}

function* sourcePushes(gateway: Server, sources: number, round: number): Generator<Push> {
  const body = Buffer.from(sourcePush(round));
  for (let source = 0; source < sources; source += 1) {
    // Not `pushUrl`, which in add mode names nobody: what a path costs that both modes read is not what sources cost.
    yield { url: `${gateway.url}/metrics/job/bench/instance/${source}`, body };
  }
}

async function settled(gateway: Server): Promise<Memory> {
  await sleep(SETTLE_MS);
  const rss = rssBytes(gateway.pid);
  process.kill(gateway.pid, 'SIGUSR2');
  await sleep(SETTLE_MS);
  // The collection holds up everything else in the process: an answer means that it is over.
  const own = await readText(`${gateway.url}/-/metrics`);
  const live = ownMetric(own, 'nodejs_heap_size_used_bytes') + ownMetric(own, 'nodejs_external_memory_bytes');
  return { rss, rssCollected: rssBytes(gateway.pid), live };
}

function ownMetric(page: string, name: string): number {
  const value = new RegExp(`^${name} (\\S+)$`, 'm').exec(page)?.[1];
  if (value === undefined) throw new Error(`the gateway's own metrics have no ${name}`);
  return Number(value);
}

function grouped(count: number): string {
  return count.toLocaleString('en').replaceAll(',', ' ');
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}
