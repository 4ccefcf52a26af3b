/**
 * In-process figures: what a push and a scrape cost without HTTP. `npm run bench`, a minute; `npm run bench -- --smoke`, a few
 * seconds, to see that it runs. The gateway as a process under load is `npm run bench:http`.
 */
import { bench, run, summary } from 'mitata';
import { createGateway } from 'prom-aggregation-gateway';
import type { PushOptions } from 'prom-aggregation-gateway';

import { clusterLines, digestLines } from './cluster.ts';
import {
  asOpenMetrics,
  browserPush,
  largeProtobufPush,
  largePush,
  nativePush,
  smallProtobufPush,
  smallPush,
} from './data.ts';
import { fleetDefaults, fleetPushes } from './fleet.ts';
import { gaugeLines, ruleLines, windowLines } from './gauges.ts';
import { insightLines } from './insight.ts';
import { expositionLines } from './pages.ts';
import { rulesLines } from './rules.ts';
import { snapshotLines } from './snapshot.ts';
import { suspectLines } from './suspects.ts';
import { unsortedLines } from './unsorted.ts';

const smoke = process.argv.includes('--smoke');
const largeSeries = smoke ? 1_000 : 10_000;
const encoder = new TextEncoder();
const large = encoder.encode(largePush({ series: largeSeries }));

const fleet = smoke ? { ...fleetDefaults, senders: 100, series: 2_000 } : fleetDefaults;

/** The same as OpenMetrics, each beside its text in the report. */
const openMetrics: readonly { readonly name: string; readonly body: Uint8Array }[] = [
  { name: 'small push', body: encoder.encode(asOpenMetrics(smallPush())) },
  { name: 'browser push', body: encoder.encode(asOpenMetrics(browserPush())) },
  { name: 'large push', body: encoder.encode(asOpenMetrics(largePush({ series: largeSeries }))) },
];

/** Each is pushed in turn, over and over. By-job, each body is a source of its own. */
const workloads: readonly {
  readonly name: string;
  readonly bodies: readonly Uint8Array[];
  readonly format?: PushOptions['format'];
}[] = [
  { name: 'small push', bodies: [encoder.encode(smallPush())] },
  { name: 'browser push', bodies: [encoder.encode(browserPush())] },
  { name: 'large push', bodies: [large] },
  { name: 'small protobuf push', bodies: [smallProtobufPush()], format: 'protobuf' },
  { name: 'large protobuf push', bodies: [largeProtobufPush({ series: largeSeries })], format: 'protobuf' },
  { name: 'native histograms', bodies: [nativePush({ histograms: largeSeries / 10 })], format: 'protobuf' },
  { name: 'mixed fleet', bodies: fleetPushes(fleet).map((body) => encoder.encode(body)) },
];

const repeatedName = 'large push, add';
const firstName = 'large push, first';

for (const { name, bodies, format = 'text' } of workloads) {
  summary(() => {
    const add = createGateway();
    const byJob = createGateway({ byJob: true });
    let nextAdd = 0;
    let nextByJob = 0;
    bench(`${name}, add`, () => add.push(bodies[nextAdd++ % bodies.length]!, { format }));
    const same = openMetrics.find((each) => each.name === name);
    if (same !== undefined) {
      const gateway = createGateway();
      bench(`${name}, OpenMetrics`, () => gateway.push(same.body, { format: 'openmetrics' }));
    }
    bench(`${name}, by-job`, () => {
      const sender = nextByJob++ % bodies.length;
      return byJob.push(bodies[sender]!, { path: `job/bench/instance/${sender}`, method: 'PUT', format });
    });
  });
}

// A gateway of its own for each push: making one is a thousandth of it.
bench(firstName, () => createGateway().push(large));

const held = createGateway();
await held.push(large);
bench(`scrape of ${largeSeries} series`, () => held.scrape());

const { benchmarks } = await run({ format: 'mitata', throw: true });

for (const { name, bodies } of workloads) {
  const bytes = bodies.reduce((sum, body) => sum + body.length, 0) / bodies.length;
  const micros = nanosOf(`${name}, add`) / 1_000;
  console.log(`${name}: ${Math.round(bytes)} B, decode and apply ${(bytes / micros).toFixed(0)} MB/s`);
}
for (const { name } of openMetrics) {
  const ratio = nanosOf(`${name}, add`) / nanosOf(`${name}, OpenMetrics`);
  console.log(`${name}: OpenMetrics ${ratio.toFixed(2)} × the speed of text`);
}
console.log(
  `large push of ${largeSeries} series: the first costs ${(nanosOf(firstName) / nanosOf(repeatedName)).toFixed(1)} × a repeated one`,
);
for (const { name, bodies } of workloads.slice(0, 2))
  for (const line of await suspectLines(name, bodies[0]!, smoke ? 2_000 : 40_000)) console.log(line);
for (const { name, bodies } of workloads.slice(0, 2))
  for (const line of await insightLines(name, bodies[0]!, smoke ? 500 : 10_000)) console.log(line);
for (const line of await gaugeLines(smoke ? 1_000 : 10_000, smoke ? 2_000 : 20_000)) console.log(line);
for (const line of await windowLines({ smoke })) console.log(line);
for (const line of await ruleLines(200, { smoke })) console.log(line);
for (const line of await rulesLines(smoke)) console.log(line);
for (const line of await unsortedLines(smoke)) console.log(line);
for (const line of await expositionLines(smoke ? 20_000 : 500_000)) console.log(line);
for (const line of await clusterLines({ smoke })) console.log(line);
for (const line of await digestLines(smoke ? 2_000 : 1_000_000)) console.log(line);
for (const line of await snapshotLines(smoke ? 20_000 : 1_000_000)) console.log(line);

/** The median: neither a collection of garbage nor a neighbour on the machine moves it. */
function nanosOf(name: string): number {
  const stats = benchmarks.find(({ alias }) => alias === name)?.runs[0]?.stats;
  if (stats === undefined) throw new Error(`no figure for ${name}`);
  return stats.p50;
}
