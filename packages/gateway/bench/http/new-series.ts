/** What it costs that series are new: pushes of new series only, then the same pushes again. */
import { largePush } from '../data.ts';
import { push } from './client.ts';
import type { Sizes } from './options.ts';
import { startGateway, usageDuring } from './processes.ts';
import type { Server } from './processes.ts';
import { times } from './report.ts';
import type { Finding } from './report.ts';

/** The repeated pushes cost little, and CPU time is told in steps of 10 ms: they are sent more often. */
const REPEATS = 5;

export async function measureNewSeries({ newSeriesPushes, largeSeries }: Sizes): Promise<readonly Finding[]> {
  const gateway = await startGateway();
  const bodies = (from: number): readonly Buffer[] =>
    Array.from({ length: newSeriesPushes }, (_, i) =>
      Buffer.from(largePush({ series: largeSeries, from: (from + i) * largeSeries })),
    );
  // As many others before, so that both find the process warm.
  const others = bodies(0);
  for (let i = 0; i < 2; i += 1) await cpuMsPerPush(gateway, others);
  const measured = bodies(newSeriesPushes);
  const first = await cpuMsPerPush(gateway, measured);
  const repeated: number[] = [];
  for (let i = 0; i < REPEATS; i += 1) repeated.push(await cpuMsPerPush(gateway, measured));
  await gateway.stop();
  const again = repeated.reduce((sum, ms) => sum + ms, 0) / REPEATS;
  return [
    {
      work: `first push of ${largeSeries} new series, CPU`,
      reach: '≤ 8 × a repeated one',
      measured: `${times(first / again)} (${first.toFixed(1)} ms, repeated ${again.toFixed(1)} ms)`,
      met: first / again <= 8,
    },
  ];
}

async function cpuMsPerPush(gateway: Server, bodies: readonly Buffer[]): Promise<number> {
  const { cpuSeconds } = await usageDuring(gateway, async () => {
    for (const body of bodies) await push({ url: gateway.pushUrl(0), body });
  });
  return (cpuSeconds * 1_000) / bodies.length;
}
