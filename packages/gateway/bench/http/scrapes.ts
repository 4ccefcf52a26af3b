/**
 * Scrapes of a page of many families, and pushes while they run. The scrape's client is curl, which takes little from the
 * server's cores; pushes come at a fixed rate, and their time counts from when they were due: one that waits behind a
 * blocked server makes all after it late, as it is for senders in life.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import { familiesPush, smallPush } from '../data.ts';
import { countSamples, push, pushAll } from './client.ts';
import type { Push } from './client.ts';
import type { Sizes } from './options.ts';
import { runProgram, startGateway } from './processes.ts';
import type { Server } from './processes.ts';
import { times } from './report.ts';
import type { Finding } from './report.ts';
import { median, percentile } from './statistics.ts';

const FAMILIES_PER_PUSH = 2;
const SCRAPE_TIMEOUT_SECONDS = 60;
const WARM_UP_SCRAPES = 20;
const PUSHES_PER_SECOND = 100;
/** How long pushes are timed with no scrape under way, to know what the machine adds by itself. */
const QUIET_MS = 4_000;

interface Scrape {
  readonly firstByteMs: number;
  readonly lastByteMs: number;
}

const scrapeKinds = [
  'first',
  'everything changed',
  'nothing changed',
  'two families changed',
  'gzip',
] as const;
type ScrapeKind = (typeof scrapeKinds)[number];

export async function measureScrapes(sizes: Sizes): Promise<readonly Finding[]> {
  const scrapes = new Map<ScrapeKind, Scrape[]>(scrapeKinds.map((kind) => [kind, []]));
  for (let i = 0; i < sizes.processes; i += 1) {
    const { gateway, refill } = await startFilled(sizes);
    const scrapeAs = async (kind: ScrapeKind): Promise<void> => {
      scrapes.get(kind)!.push(await scrape(gateway, { gzip: kind === 'gzip' }));
    };
    await scrapeAs('first');
    await scrapeAs('nothing changed');
    await refill(1);
    await scrapeAs('everything changed');
    await pushSmall(gateway);
    await scrapeAs('two families changed');
    await refill(2);
    await scrapeAs('gzip');
    await checkExposition(gateway, sizes);
    await gateway.stop();
  }
  const of = (kind: ScrapeKind, figure: keyof Scrape): number =>
    median(scrapes.get(kind)!.map((each) => each[figure]));
  const first = of('first', 'lastByteMs');
  const firstByLater = first / of('everything changed', 'lastByteMs');
  const again = (kind: ScrapeKind): Finding => {
    const ratio = of(kind, 'lastByteMs') / first;
    return {
      work: `scrape again, ${kind}`,
      reach: '≤ 1/4 of the first',
      measured: `${times(ratio)} (${of(kind, 'lastByteMs').toFixed(0)} ms)`,
      met: ratio <= 0.25,
    };
  };
  const unbounded = (kind: ScrapeKind): Finding => ({
    work: kind === 'gzip' ? 'the same with gzip' : `scrape again, ${kind}`,
    reach: '',
    measured: `${of(kind, 'lastByteMs').toFixed(0)} ms, first byte ${of(kind, 'firstByteMs').toFixed(0)} ms`,
  });
  return [
    {
      work: `scrape of ${seriesOf(sizes)} series, first byte`,
      reach: '≤ 50 ms',
      measured: `${of('first', 'firstByteMs').toFixed(0)} ms`,
      met: of('first', 'firstByteMs') <= 50,
    },
    {
      work: `scrape of ${seriesOf(sizes)} series, last byte`,
      reach: '≤ 350 ms',
      measured: `${first.toFixed(0)} ms`,
      met: first <= 350,
    },
    unbounded('everything changed'),
    {
      work: 'first scrape / later one, everything changed',
      reach: '≤ 2 ×',
      measured: times(firstByLater),
      met: firstByLater <= 2,
    },
    again('nothing changed'),
    again('two families changed'),
    unbounded('gzip'),
  ];
}

export async function measurePushesDuringScrapes(sizes: Sizes): Promise<readonly Finding[]> {
  const { gateway, refill } = await startFilled(sizes);
  const quiet = await latenciesWhile(gateway, () => sleep(sizes.timedScrapes * (QUIET_MS / 10)));
  const findings: Finding[] = [];
  for (const gzip of [false, true]) {
    const latencies: number[] = [];
    for (let i = 0; i < sizes.timedScrapes; i += 1) {
      // Everything has changed, so that no scrape is cheaper than the first; these pushes are not timed.
      await refill(findings.length * sizes.timedScrapes + i + 1);
      latencies.push(...(await latenciesWhile(gateway, () => scrape(gateway, { gzip }))));
    }
    const p99 = percentile(latencies, 0.99);
    const quietP99 = percentile(quiet, 0.99);
    findings.push({
      work: `pushes during ${gzip ? 'gzip scrapes' : 'scrapes'} of ${seriesOf(sizes)} series, p99`,
      reach: '≤ 25 ms',
      measured: `${p99.toFixed(1)} ms of ${latencies.length} (p50 ${median(latencies).toFixed(1)} ms; no scrape: p99 ${quietP99.toFixed(1)} ms)`,
      met: p99 <= 25,
    });
  }
  await checkExposition(gateway, sizes);
  await gateway.stop();
  return findings;
}

/** A gateway that has been scraped before, when it held little, and now holds the page. */
async function startFilled(
  sizes: Sizes,
): Promise<{ readonly gateway: Server; readonly refill: (round: number) => Promise<void> }> {
  const gateway = await startGateway();
  await pushSmall(gateway);
  for (let i = 0; i < WARM_UP_SCRAPES; i += 1) await countSamples(gateway.url);
  const refill = (round: number): Promise<void> => pushAll(expositionPushes(gateway, sizes, round));
  await refill(0);
  return { gateway, refill };
}

function* expositionPushes(gateway: Server, sizes: Sizes, round: number): Generator<Push> {
  const { scrapeFamilies, scrapeSeriesPerFamily: seriesPerFamily } = sizes;
  for (let first = 0; first < scrapeFamilies; first += FAMILIES_PER_PUSH) {
    const body = Buffer.from(familiesPush({ first, families: FAMILIES_PER_PUSH, seriesPerFamily, round }));
    yield { url: gateway.pushUrl(0), body };
  }
}

/** Two families, which are on the page besides the many. */
function pushSmall(gateway: Server): Promise<void> {
  return push({ url: gateway.pushUrl(0), body: Buffer.from(smallPush()) });
}

async function scrape(gateway: Server, { gzip }: { readonly gzip: boolean }): Promise<Scrape> {
  const figures = '%{http_code} %{size_download} %{time_starttransfer} %{time_total}';
  const flags = ['-sS', '--fail', '-o', '/dev/null', '-m', String(SCRAPE_TIMEOUT_SECONDS), '-w', figures];
  // Asked for by hand, since curl would unpack what it asks for itself.
  if (gzip) flags.push('-H', 'Accept-Encoding: gzip');
  const out = await runProgram('curl', [...flags, `${gateway.url}/metrics`], {
    timeoutMs: (SCRAPE_TIMEOUT_SECONDS + 5) * 1_000,
    debianPackage: 'curl',
  });
  const [status, bytes, firstByte, lastByte] = out.split(' ').map(Number);
  if (status !== 200 || !(bytes! > 0)) throw new Error(`the scrape came to nothing: ${out}`);
  return { firstByteMs: firstByte! * 1_000, lastByteMs: lastByte! * 1_000 };
}

/** Sends small pushes at a fixed rate until `work` is done; resolves with their times in ms, from when they were due. */
export async function latenciesWhile(
  gateway: Server,
  work: () => Promise<unknown>,
): Promise<readonly number[]> {
  const body = Buffer.from(smallPush());
  const url = gateway.pushUrl(0);
  const latencies: number[] = [];
  const sent: Promise<void>[] = [];
  let working = true;
  const worked = work().finally(() => (working = false));
  const started = performance.now();
  for (let i = 0; working; i += 1) {
    const due = started + (i * 1_000) / PUSHES_PER_SECOND;
    const wait = due - performance.now();
    if (wait > 0) await sleep(wait);
    if (!working) break;
    sent.push(push({ url, body }).then(() => void latencies.push(performance.now() - due)));
  }
  await Promise.all([worked, ...sent]);
  return latencies;
}

async function checkExposition(gateway: Server, sizes: Sizes): Promise<void> {
  const samples = await countSamples(gateway.url);
  if (samples < seriesOf(sizes))
    throw new Error(`the page has ${samples} samples, ${seriesOf(sizes)} were pushed`);
}

function seriesOf({ scrapeFamilies, scrapeSeriesPerFamily }: Sizes): number {
  return scrapeFamilies * scrapeSeriesPerFamily;
}
