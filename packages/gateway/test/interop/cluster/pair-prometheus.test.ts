/**
 * What Prometheus sees of a pair that it scrapes through one address, while one thing after another breaks: no reset, and increase() is what was
 * pushed. PROMETHEUS_3 names the binary of a later release than the one that is installed.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';

import { onEachEngine } from '../../support/cluster/engines.ts';
import { Service } from '../../support/cluster/gate.ts';
import { Load } from '../../support/cluster/load.ts';
import { expectNoReset } from '../../support/cluster/no-reset.ts';
import { newTable, Pair } from '../../support/cluster/pair.ts';
import { eventually } from '../../support/eventually.ts';
import { push } from '../../support/http.ts';
import { startPrometheus } from '../../support/prometheus.ts';

const binary = process.env['PROMETHEUS_3'];
const SENDERS = 6;

onEachEngine('Prometheus and a pair', (servers, isShort) => {
  test('members and servers of the log fail, one after another: no resets, and increase() is what was pushed', async () => {
    const log = newTable();
    const pair = await Pair.start(servers(), { table: log });
    const service = await Service.before(pair.urls);
    onTestFinished(() => service.close());
    await eventually('both members to be in the Service', () => service.ready === 2);
    const all = Array.from({ length: SENDERS }, (_, i) => `pushed_total{sender="keyed ${i}"}`);
    // A first value of 0 keeps increase() from guessing what was before it.
    for (const series of all) await push(service.url, `# TYPE pushed_total counter\n${series} 0`);
    const prometheus = await startPrometheus(service.url, {
      ...(binary !== undefined && binary !== '' && { binary }),
      // Long enough for a scrape to be held over a takeover.
      jobs: [
        {
          job_name: 'patient',
          scrape_interval: '5s',
          scrape_timeout: '5s',
          static_configs: [{ targets: [new URL(service.url).host] }],
        },
      ],
    });
    for (const job of ['gateway', 'patient'])
      await eventually(
        'a first scrape',
        async () => (await prometheus.value(`count(pushed_total{job="${job}"})`)) === SENDERS,
        30_000,
      );
    const load = new Load({ urls: [service.url, ...pair.urls], keyed: SENDERS, plain: 0, pauseMs: 20 });
    onTestFinished(() => load.abandon());

    const events: Readonly<Record<string, () => Promise<void>>> = {
      'leader killed': async () => {
        const { leader } = pair;
        await leader.kill();
        await pair.leads(pair.other(leader));
        await leader.start();
      },
      'primary killed, standby promoted': async () => {
        await (await servers().writer(log)).kill();
        await servers().replaceWriter();
      },
      'both members killed': async () => {
        await Promise.all(pair.members.map((member) => member.kill()));
        for (const member of pair.members) await member.start();
      },
    };
    // What the engine makes no difference to.
    const others: typeof events = {
      'leader restarted': async () => {
        const { leader } = pair;
        expect(await leader.stop()).toBe(0);
        await pair.leads(pair.other(leader));
        await leader.start();
      },
      'leader stopped for 6 s': async () => {
        const { leader } = pair;
        leader.signal('SIGSTOP');
        await sleep(6_000);
        leader.signal('SIGCONT');
        await leader.joinsAnew();
      },
      'leader cut off': async () => {
        const { leader } = pair;
        leader.cutOff();
        await pair.leads(pair.other(leader));
        await sleep(1_000);
        leader.reconnect();
        await eventually('it to follow', () => !leader.leads, 60_000);
      },
    };
    for (const [what, happens] of Object.entries(isShort ? events : { ...others, ...events })) {
      await load.goesOn();
      load.longestPauseMs();
      await happens();
      await load.goesOn();
      process.stdout.write(`${what}: no push was taken for at most ${load.longestPauseMs()} ms\n`);
      await pair.ready();
    }
    await load.stop();
    await pair.expectAll(load);
    for (const [series, { acknowledged }] of load.expected)
      for (const job of ['gateway', 'patient'])
        await expectNoReset(prometheus, series, { job, acknowledged });
    for (const job of ['gateway', 'patient']) {
      const down = await prometheus.value(`count_over_time((up{job="${job}"} == 0)[10m:1s])`);
      process.stdout.write(`job ${job}: up was 0 for ${down ?? 0} s\n`);
    }
  }, 400_000);
});
