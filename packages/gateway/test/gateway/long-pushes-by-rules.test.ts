/** Bodies that take many turns of the event loop, where rules say which series they are of. */
import { setImmediate } from 'node:timers/promises';

import { expect, test } from 'vitest';

import { embed } from '../../src/embed.ts';
import { memoryJournal } from '../../src/journal/memory.ts';
import { rulesOf } from '../rules/rules.ts';

const HANDLERS = 1500;
const withoutPod = rulesOf({ metric_relabel_configs: [{ action: 'labeldrop', regex: 'pod' }] });
const renamed = rulesOf({
  metric_relabel_configs: [{ source_labels: ['__name__'], target_label: '__name__', replacement: 'x_$1' }],
});

const hits = Array.from(
  { length: HANDLERS },
  (_, i) => `hits_total{pod="a",handler="/${i}"} ${i}\nhits_total{pod="b",handler="/${i}"} 1\n`,
);
const times = Array.from({ length: HANDLERS / 10 }, (_, i) =>
  ['a', 'b'].map(
    (pod) =>
      `h_bucket{pod="${pod}",handler="${i}",le="1"} 1\nh_bucket{pod="${pod}",handler="${i}",le="+Inf"} 2\nh_count{pod="${pod}",handler="${i}"} 2\n`,
  ),
).flat();
const body = `# TYPE hits_total counter\n${hits.join('')}# TYPE h histogram\n${times.join('')}`;

function expectedPage(times: number, others = ''): string {
  const handlers = Array.from({ length: HANDLERS / 10 }, (_, i) => String(i)).toSorted();
  const histograms = handlers.map(
    (handler) =>
      `h_bucket{handler="${handler}",le="1"} ${2 * times}\nh_bucket{handler="${handler}",le="+Inf"} ${4 * times}\nh_count{handler="${handler}"} ${4 * times}\n`,
  );
  const counters = Array.from({ length: HANDLERS }, (_, i) => [`/${i}`, (i + 1) * times] as const)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([handler, value]) => `hits_total{handler="${handler}"} ${value}\n`);
  return `# TYPE h histogram\n${histograms.join('')}# TYPE hits_total counter\n${counters.join('')}${others}`;
}

test('it is rewritten in steps, and others go on meanwhile', async () => {
  expect(body.length).toBeGreaterThan(128 * 1024);
  const { embedded } = embed({}, memoryJournal(), withoutPod);
  for (let round = 1; round <= 2; round += 1) {
    const long = embedded.push(body);
    const order: string[] = [];
    void long.then(() => order.push('long'));
    for (let i = 0; i < 5; i += 1) {
      await setImmediate();
      await embedded.push(`# TYPE other counter\nother{pod="${i}",round="${round}"} 1\n`);
      order.push('other');
    }
    await long;
    expect(order[0]).toBe('other');
    const others = Array.from({ length: round }, (_, i) => `other{round="${i + 1}"} 5\n`).join('');
    expect(await embedded.scrape()).toBe(expectedPage(round, `# TYPE other counter\n${others}`));
  }
  await embedded.close();
});

test('a long push is read by the rules with which it began', async () => {
  const { embedded, gateway } = embed({}, memoryJournal(), withoutPod);
  const long = embedded.push(body);
  for (let i = 0; i < 3; i += 1) await setImmediate();
  await gateway.setRules(renamed);
  await embedded.push('c 1\n');
  await long;
  expect(await embedded.scrape()).toBe(expectedPage(1, '# TYPE x_c untyped\nx_c 1\n'));
  await embedded.close();
});

test('what is wrong in it is told by its line', async () => {
  const { embedded } = embed({}, memoryJournal(), withoutPod);
  await expect(embedded.push(`${body}hits_total{pod="a",handler="/7"} 1\n`)).rejects.toMatchObject({
    text: `line ${body.split('\n').length}, column 1: hits_total{handler="/7",pod="a"} appears twice in this push; send each series once`,
  });
  expect(await embedded.scrape()).toBe('');
  await embedded.close();
});
