/** What a restart looks like to a Prometheus that goes on scraping: like nothing. */
import { expect, test } from 'vitest';

import { createSenders, pushUntilAcknowledged } from '../crash/senders.ts';
import { eventually } from '../support/eventually.ts';
import { temporaryFolder } from '../support/folders.ts';
import { push } from '../support/http.ts';
import { startGateway } from '../support/process.ts';
import { freePort, startPrometheus } from '../support/prometheus.ts';
import { setTimeout as sleep } from 'node:timers/promises';

test('three restarts, two of them kill -9: no resets, and increase() is what was pushed', async () => {
  const flags = [`--web.listen-address=127.0.0.1:${await freePort()}`, `--storage.path=${temporaryFolder()}`];
  const senders = createSenders(4);
  let gateway = await startGateway(flags);
  const { url } = gateway;
  // A first value of 0 keeps increase() from guessing what was before it.
  for (const { series } of senders) await push(url, `# TYPE pushed_total counter\n${series} 0`);
  const prometheus = await startPrometheus(url);
  await eventually(
    'a first scrape',
    async () => (await prometheus.value('count(pushed_total)')) === 4,
    15_000,
  );
  const load = pushUntilAcknowledged(senders, () => url);
  for (const signal of ['SIGKILL', 'SIGTERM', 'SIGKILL'] as const) {
    await sleep(2_500);
    await gateway.stop(signal);
    gateway = await startGateway(flags);
  }
  await sleep(2_500);
  await load.stop();
  for (const { series, acknowledged } of senders) {
    await eventually(
      `${series} to be ${acknowledged}`,
      async () => (await prometheus.value(series)) === acknowledged,
      15_000,
    );
    const [raw] = await prometheus.query(`${series}[5m]`);
    const last = raw?.values?.at(-1)?.[0] ?? 0;
    expect(await prometheus.value(`resets(${series}[5m])`, last)).toBe(0);
    // Asked at the moment of the last sample; the first one is 0, below which nothing is extrapolated.
    expect(await prometheus.value(`increase(${series}[5m])`, last)).toBeCloseTo(acknowledged, 6);
  }
});
