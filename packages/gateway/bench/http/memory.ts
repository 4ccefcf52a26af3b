/** What series and contributions take in memory, as the machine sees it: resident memory over that of a warm gateway. */
import { setTimeout as sleep } from 'node:timers/promises';

import { shortSeriesPush, smallPush, sourcePush } from '../data.ts';
import { countSamples, pushAll } from './client.ts';
import type { Push } from './client.ts';
import type { Sizes } from './options.ts';
import { startGateway } from './processes.ts';
import type { Server } from './processes.ts';
import type { Finding } from './report.ts';
import { median } from './statistics.ts';
import { rssBytes } from './usage.ts';

const SERIES_PER_PUSH = 10_000;
const SERIES_PER_SOURCE = 20;
const WARM_UP_PUSHES = 5_000;
/** For what the collector of garbage does at once after the last push. */
const SETTLE_MS = 1_000;
/** Sources push more than once, as they do in life. */
const SOURCE_ROUNDS = 3;

export async function measureMemory({ memorySeries }: Sizes): Promise<readonly Finding[]> {
  const gateway = await startGateway();
  await warmUp(gateway);
  const empty = await settledRss(gateway);
  await pushAll(seriesPushes(gateway, memorySeries));
  const full = await settledRss(gateway);
  const samples = await countSamples(gateway.url);
  const scraped = await settledRss(gateway);
  await gateway.stop();
  if (samples < memorySeries)
    throw new Error(`the page has ${samples} samples, ${memorySeries} series were pushed`);
  const perSeries = (full - empty) / memorySeries;
  const count = memorySeries.toLocaleString('en').replaceAll(',', ' ');
  return [
    {
      work: `memory at ${count} series (3 labels, 70 B)`,
      reach: '≤ 220 B a series',
      measured: `${perSeries.toFixed(0)} B (RSS ${megabytes(full)}, empty ${megabytes(empty)})`,
      met: perSeries <= 220,
    },
    {
      work: 'the same, after a scrape',
      reach: '',
      measured: `${((scraped - empty) / memorySeries).toFixed(0)} B (RSS ${megabytes(scraped)})`,
    },
  ];
}

/**
 * By-job mode over add mode, after the same pushes. What the collector happens to leave differs by megabytes from process to
 * process, so the median of several pairs counts.
 */
export async function measureSourceMemory({ sources, processes }: Sizes): Promise<readonly Finding[]> {
  const contributions = sources * SERIES_PER_SOURCE;
  const onTop: number[] = [];
  for (let pair = 0; pair < processes; pair += 1) {
    const rss: number[] = [];
    for (const byJob of [false, true]) {
      const gateway = await startGateway({ byJob });
      await warmUp(gateway);
      for (let round = 0; round < SOURCE_ROUNDS; round += 1)
        await pushAll(sourcePushes(gateway, sources, round));
      rss.push(await settledRss(gateway));
      await gateway.stop();
    }
    onTop.push((rss[1]! - rss[0]!) / contributions);
  }
  const bytes = median(onTop);
  return [
    {
      work: `by-job, ${sources} sources × ${SERIES_PER_SOURCE} series, on top of add mode`,
      reach: '≤ 20 B a contribution',
      measured: `${bytes.toFixed(0)} B (${onTop.map((each) => each.toFixed(0)).join(', ')})`,
      met: bytes <= 20,
    },
  ];
}

/** Small pushes, until what Node itself takes under load has been taken. */
async function warmUp(gateway: Server): Promise<void> {
  const body = Buffer.from(smallPush());
  await pushAll(Array.from({ length: WARM_UP_PUSHES }, () => ({ url: gateway.pushUrl(0), body })));
}

function* seriesPushes(gateway: Server, series: number): Generator<Push> {
  for (let from = 0; from < series; from += SERIES_PER_PUSH) {
    const body = Buffer.from(shortSeriesPush({ series: Math.min(SERIES_PER_PUSH, series - from), from }));
    yield { url: gateway.pushUrl(0), body };
  }
}

function* sourcePushes(gateway: Server, sources: number, round: number): Generator<Push> {
  const body = Buffer.from(sourcePush(round));
  for (let source = 0; source < sources; source += 1) yield { url: gateway.pushUrl(source), body };
}

async function settledRss(gateway: Server): Promise<number> {
  await sleep(SETTLE_MS);
  return rssBytes(gateway.pid);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}
