/** The mixed fleet at full load for a long time, scraped now and then: memory and latency must not creep. */
import { countSamples, pushAll } from './client.ts';
import type { Sizes } from './options.ts';
import { startGateway } from './processes.ts';
import { oneRound } from './pushes.ts';
import type { PushFigures } from './pushes.ts';
import { mean } from './statistics.ts';
import { createWorkload, pushesTo } from './workloads.ts';
import { prepareLoad } from './wrk.ts';

/** As Prometheus does by default, four times a minute. */
const SCRAPES_PER_INTERVAL = 4;

/** More than this between the start and the end of the second half is called a drift. */
const RSS_DRIFT_MAX = 0.05;
const LATENCY_DRIFT_MAX = 0.25;

export async function soak(seconds: number, sizes: Sizes): Promise<void> {
  const intervalSeconds = Math.min(sizes.soakIntervalSeconds, Math.max(1, Math.floor(seconds / 4)));
  const intervals = Math.max(4, Math.round(seconds / intervalSeconds));
  const gateway = await startGateway();
  const workload = createWorkload('fleet', sizes);
  const pushes = pushesTo(gateway, workload);
  await pushAll(pushes);
  const load = prepareLoad(pushes, workload.connections);
  const measured: PushFigures[] = [];
  console.log(`soak: ${workload.what}, ${intervals} intervals of ${intervalSeconds} s`);
  for (let i = 1; i <= intervals; i += 1) {
    const scraping = scrapeEvery((intervalSeconds * 1_000) / SCRAPES_PER_INTERVAL, gateway.url);
    const figures = await oneRound(gateway, load, intervalSeconds);
    await scraping.stop();
    measured.push(figures);
    console.log(
      `${String(i * intervalSeconds).padStart(5)} s  RSS ${figures.rssMegabytes.toFixed(0)} MB  ` +
        `${figures.pushesPerSecond.toFixed(0)} pushes/s  CPU ${figures.cpuMicros.toFixed(1)} µs/push  ` +
        `p50 ${figures.p50Ms.toFixed(2)} ms  p99 ${figures.p99Ms.toFixed(2)} ms`,
    );
  }
  await gateway.stop();
  console.log(verdict(measured));
}

/** Compares the first intervals of the second half with its last ones. */
function verdict(measured: readonly PushFigures[]): string {
  const half = measured.slice(Math.floor(measured.length / 2));
  const window = Math.max(1, Math.floor(half.length / 3));
  const change = (figure: keyof PushFigures): number => {
    const start = mean(half.slice(0, window).map((each) => each[figure]));
    const end = mean(half.slice(-window).map((each) => each[figure]));
    return end / start - 1;
  };
  const say = (what: string, figure: keyof PushFigures, driftMax: number): string => {
    const drift = change(figure);
    const percent = `${drift < 0 ? '−' : '+'}${(Math.abs(drift) * 100).toFixed(1)} %`;
    return `${what} ${drift > driftMax ? 'GROWS' : 'flat'} (${percent})`;
  };
  return `second half, end against start: ${[
    say('RSS', 'rssMegabytes', RSS_DRIFT_MAX),
    say('CPU per push', 'cpuMicros', LATENCY_DRIFT_MAX),
    say('p50', 'p50Ms', LATENCY_DRIFT_MAX),
    say('p99', 'p99Ms', LATENCY_DRIFT_MAX),
  ].join(', ')}`;
}

function scrapeEvery(intervalMs: number, url: string): { stop(): Promise<void> } {
  let last: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    last = last.then(() => countSamples(url));
    last.catch(() => {});
  }, intervalMs);
  return {
    async stop() {
      clearInterval(timer);
      await last;
    },
  };
}
