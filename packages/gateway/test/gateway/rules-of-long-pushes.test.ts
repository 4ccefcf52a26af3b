/** A long push goes by the rules that were in force when it began; whoever comes after a change goes by the new ones. */
import { beforeEach, expect, test } from 'vitest';

import { plainText } from '../../src/model/exposition-format.ts';
import { RestartingGateway } from '../support/restarting.ts';
import { shortenSteps } from '../support/short-steps.ts';

/** Few, but longer than what is read in one turn; they have the steps of many. */
const ROWS = 1_200;
const STEPS_TIMES = 20;
const PAD = 'x'.repeat(130);

function counter(i: number, value: number): string {
  return `c{i="${i}",pad="${PAD}"} ${value}\n`;
}

const counters = `# TYPE c counter\n${Array.from({ length: ROWS }, (_, i) => counter(i, 1)).join('')}`;

beforeEach(() => shortenSteps(STEPS_TIMES));

test('rules that change while a long push is read hold for all pushes after the change', async () => {
  const labeldrop = (regex: string): object => ({ metric_relabel_configs: [{ action: 'labeldrop', regex }] });
  const run = await RestartingGateway.start({ rules: labeldrop('pod') });
  // A path whose first push brought something new is read by all rules once more.
  for (let twice = 0; twice < 2; twice += 1) await run.gateway.push(counters);
  const long = run.gateway.push(counters);
  await run.setRules(labeldrop('pad'));
  await run.gateway.push('other 1\n');
  await long;
  await run.gateway.push(`# TYPE c counter\n${counter(5, 100)}`);
  const page = await run.page(plainText);
  expect(page).toContain(counter(5, 3));
  expect(page).toContain('c{i="5"} 100\n');
});

test('where the state goes by other rules meanwhile, a long push is read by them whole', async () => {
  const rules = (regex: string, policy: string): object => ({
    metric_relabel_configs: [{ action: 'labeldrop', regex }],
    metrics: [{ match: 'g', gauge: policy }],
  });
  const run = await RestartingGateway.start({ rules: rules('pod', 'max') });
  const gauges = `# TYPE g gauge\n${Array.from({ length: ROWS }, (_, i) => `g{i="${i}",pad="${PAD}"} 1\n`).join('')}`;
  const long = run.gateway.push(gauges);
  await run.setRules(rules('pad', 'min'));
  await long;
  // In add mode gauges that came before the change would be gone.
  expect(await run.page(plainText)).not.toContain('pad=');
});

test.each([
  ['discard', 'sum-and-count'],
  ['sum-and-count', 'discard'],
])('a long push of summaries is read whole by %s or by %s', async (before, after) => {
  const rules = (summary: string): object => ({ metrics: [{ match: 's', summary }] });
  const run = await RestartingGateway.start({ rules: rules(before) });
  const summaries = `# TYPE s summary\n${Array.from({ length: ROWS }, (_, i) => `s_sum{i="${i}",pad="${PAD}"} 1\ns_count{i="${i}",pad="${PAD}"} 1\n`).join('')}`;
  for (let twice = 0; twice < 2; twice += 1) await run.gateway.push(summaries);
  const long = run.gateway.push(summaries);
  await run.setRules(rules(after));
  await run.gateway.push('other 1\n');
  await long;
  const counts = [...(await run.page(plainText)).matchAll(/^s_count\{.*\} (\d+)$/gm)].map(([, n]) => n);
  // What came before the change is gone.
  expect([0, ROWS]).toContain(counts.length);
  expect(new Set(counts).size).toBeLessThanOrEqual(1);
  if (after === 'discard') expect(counts).toEqual([]);
  await run.gateway.push(summaries);
  const again = [...(await run.page(plainText)).matchAll(/^s_count\{/gm)].length;
  expect(again).toBe(after === 'discard' ? 0 : ROWS);
});
