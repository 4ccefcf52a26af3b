import { expect } from 'vitest';

import { eventually } from '../eventually.ts';
import type { Prometheus } from '../prometheus.ts';

/** Waits until Prometheus has the value that a series must have, and holds against it that the series was never reset and all of it is increase(). */
export async function expectNoReset(
  prometheus: Prometheus,
  series: string,
  { job, acknowledged }: { readonly job: string; readonly acknowledged: number },
): Promise<void> {
  const scraped = series.replace('{', `{job="${job}",`);
  await eventually(
    `${scraped} to be ${acknowledged}`,
    async () => (await prometheus.value(scraped)) === acknowledged,
    30_000,
  );
  const [raw] = await prometheus.query(`${scraped}[10m]`);
  const last = raw?.values?.at(-1)?.[0] ?? 0;
  expect(await prometheus.value(`resets(${scraped}[10m])`, last)).toBe(0);
  // Asked at the moment of the last sample; the first one is 0, below which nothing is extrapolated.
  expect(await prometheus.value(`increase(${scraped}[10m])`, last)).toBeCloseTo(acknowledged, 6);
}
