/** Other rules while the gateway runs: what is kept of them, and when they hold. */
import { expect, test } from 'vitest';

import { embed } from '../../src/embed.ts';
import type { EmbeddedOptions } from '../../src/index.ts';
import { createGateway, RequestError } from '../../src/index.ts';
import { JournalFull } from '../../src/journal/journal.ts';
import { collectingLog } from '../support/collecting-log.ts';
import { HeldJournal } from '../support/held-journal.ts';
import { KeptJournal } from '../support/kept-journal.ts';
import { shortenSteps } from '../support/short-steps.ts';

const max = { metrics: [{ match: 'a', gauge: 'max' }] };
const relabelled = { metric_relabel_configs: [{ action: 'labeldrop', regex: 'pod' }] };

async function opened<Kept extends KeptJournal>(journal: Kept, options: EmbeddedOptions = {}) {
  const { embedded, gateway } = embed(options, journal);
  await gateway.open(60_000);
  return embedded;
}

test('what the state acts upon is a record, and nothing else of the rules is', async () => {
  const journal = new KeptJournal();
  const gateway = await opened(journal);
  const records = async (rules: object): Promise<number> => {
    const before = journal.logIndex;
    await gateway.setRules(rules);
    return journal.logIndex - before;
  };
  expect(await records(relabelled)).toBe(0);
  expect(await records(max)).toBe(1);
  expect(await records({ ...max, ...relabelled })).toBe(0);
  expect(await records({ metrics: [{ match: 'a', type: 'counter' }] })).toBe(1);
  expect(await records({})).toBe(0);
});

test('gauges that go with the rules are logged, at a reload and at a start without the file', async () => {
  const journal = new KeptJournal();
  const { log, lines } = collectingLog();
  const gateway = await opened(journal, { log, rules: max });
  await gateway.push('# TYPE a gauge\na{x="1"} 1\na{x="2"} 1\n# TYPE b gauge\nb 1\n');
  await gateway.setRules({ metrics: [{ match: 'b', gauge: 'last' }, ...max.metrics] });
  const removed = (series: number) => [
    'warn',
    'gauges whose rules changed were removed; they are shown again once they are pushed',
    { series },
  ];
  expect(lines).toEqual([removed(1)]);
  await gateway.setRules(relabelled);
  expect(lines).toEqual([removed(1), removed(2)]);
  await gateway.setRules(max);
  await gateway.push('# TYPE a gauge\na 1\n');
  await opened(journal.reopened(), { log });
  expect(lines).toEqual([removed(1), removed(2), removed(1)]);
});

test('by job, where all gauges go on by other rules, nothing is logged', async () => {
  const { log, lines } = collectingLog();
  const gateway = await opened(new KeptJournal(), { byJob: true, log, rules: max });
  await gateway.push('# TYPE a gauge\na 1\n', { path: 'job/a' });
  await gateway.setRules({});
  expect(lines).toEqual([]);
});

test('a store without rules has no record of them', async () => {
  const journal = new KeptJournal();
  const plain = new KeptJournal();
  const clock = { now: () => 0 };
  await opened(plain, { clock });
  await opened(journal, { clock, rules: relabelled });
  expect(journal.records).toEqual(plain.records);
});

test('rules that are wrong change nothing, and all that is wrong is said', async () => {
  const journal = new KeptJournal();
  const gateway = await opened(journal, { rules: max });
  const before = journal.logIndex;
  const wrong = { metrics: [{ match: 'a{', gauge: 'maxx' }] };
  const messages = /the series selector ends too early[^]*"maxx" is not one of/;
  await expect(gateway.setRules(wrong)).rejects.toThrow(messages);
  expect(() => createGateway({ rules: wrong })).toThrow(messages);
  expect(journal.logIndex).toBe(before);
});

test('rules that are set one right after the other hold in that order', async () => {
  const gateway = createGateway({ byJob: true });
  shortenSteps(10_000);
  const last = { metrics: [{ match: 'a', gauge: 'last' }] };
  await Promise.all([max, last, relabelled].map((rules) => gateway.setRules(rules)));
  for (const [path, value] of [
    ['job/a', 1],
    ['job/b', 2],
  ] as const)
    await gateway.push(`# TYPE a gauge\na{pod="${path}"} ${value}\n`, { path });
  expect(await gateway.scrape()).toBe('# TYPE a gauge\na 3\n');
});

test('rules of another type are refused', () => {
  expect(() => createGateway({ rules: 5 as unknown as string })).toThrow(TypeError);
});

test('they are in force when their record is committed', async () => {
  const journal = new HeldJournal();
  const opening = opened(journal);
  journal.commit();
  const gateway = await opening;
  let isDone = false;
  const done = gateway.setRules(max).then(() => (isDone = true));
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(isDone).toBe(false);
  journal.commit();
  await done;
});

test('without space for their record the previous rules hold on', async () => {
  class FullJournal extends KeptJournal {
    isFull = false;
    override canAppend(): boolean {
      return !this.isFull;
    }
    override async waitForSpace(): Promise<void> {
      if (this.isFull) throw new JournalFull('storage_full', 'the store is full');
    }
  }
  const journal = new FullJournal();
  const gateway = await opened(journal);
  const before = journal.logIndex;
  journal.isFull = true;
  const refusal = await gateway.setRules(max).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(RequestError);
  expect(refusal).toMatchObject({ code: 'storage_full' });
  journal.isFull = false;
  await gateway.setRules(max);
  expect(journal.logIndex).toBe(before + 1);
});
