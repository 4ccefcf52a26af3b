/**
 * In-process figures: what a push and a scrape cost without HTTP. `npm run bench`, a minute; `npm run bench -- --smoke`, a few
 * seconds, to see that it runs.
 */
import { bench, run, summary } from 'mitata';
import { createGateway } from 'prom-aggregation-gateway';

import { largePush, smallPush } from './data.ts';

const smoke = process.argv.includes('--smoke');
const largeSeries = smoke ? 1_000 : 10_000;
const encoder = new TextEncoder();
const small = encoder.encode(smallPush());
const large = encoder.encode(largePush(largeSeries));

summary(() => {
  const add = createGateway();
  bench(`small push (${small.length} B), add`, () => add.push(small));
  const byJob = createGateway({ byJob: true });
  bench(`small push (${small.length} B), by job`, () =>
    byJob.push(small, { path: 'job/bench', method: 'PUT' }));
});

summary(() => {
  const repeated = createGateway();
  bench(`large push (${large.length} B, ${largeSeries} series), repeated`, () => repeated.push(large));
  bench(`large push (${large.length} B, ${largeSeries} series), first`, () => createGateway().push(large));
});

const held = createGateway();
await held.push(large);
bench(`scrape of ${largeSeries} series`, () => held.scrape());

await run({ format: 'mitata' });
