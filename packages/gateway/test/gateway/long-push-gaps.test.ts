/**
 * What comes in the very turn in which the last line of a long push was read, and before it holds the state still: no turn of
 * the event loop lies there, but others that go on in the same turn may push.
 */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { embed } from '../../src/embed.ts';
import { Ledger } from '../../src/gateway/ledger/ledger.ts';
import { LongRead } from '../../src/gateway/ledger/long-read.ts';
import { createGateway } from '../../src/index.ts';
import { PushBuilder } from '../../src/ingest/push-builder.ts';
import { RewriteSink } from '../../src/ingest/rewrite/rewrite-sink.ts';
import { memoryJournal } from '../../src/journal/memory.ts';
import { plainText } from '../../src/model/exposition-format.ts';
import { Readers } from '../../src/primitives/readers.ts';
import { State } from '../../src/state/state.ts';
import { rulesOf } from '../rules/rules.ts';
import { RestartingGateway } from '../support/restarting.ts';
import { shortenSteps } from '../support/short-steps.ts';

/** Few, but longer than what is read in one turn; they have the steps of many. */
const ROWS = 1_200;
const STEPS_TIMES = 20;
/** See state/usage.ts. */
const RECYCLED_FROM = 5_000;
const PAD = 'x'.repeat(130);

beforeEach(() => shortenSteps(STEPS_TIMES));
afterEach(() => vi.restoreAllMocks());

function rows(name: string, count: number, value = 1): string {
  return Array.from({ length: count }, (_, i) => `${name}{i="${i}",pad="${PAD}"} ${value}\n`).join('');
}

/** Does it once, when the next long push has been read. */
function whenRead(act: () => unknown): void {
  const holdStill = vi.spyOn(LongRead.prototype, 'holdStill');
  holdStill.mockImplementationOnce(function (this: LongRead) {
    void act();
    this.holdStill();
  });
}

/** How often pushes with a body as long as this were begun to be read. */
function readings(body: string): () => number {
  const begin = vi.spyOn(PushBuilder.prototype, 'begin');
  return () => begin.mock.calls.filter(([bytes]) => bytes.length === body.length).length;
}

test.each([
  [-5, 10, 6],
  [5, -10, 1],
])('an untyped total of %d that has another sign after %d more', async (first, more, total) => {
  const gateway = createGateway();
  await gateway.push(`foo_total ${first}\n`);
  whenRead(() => gateway.push(`foo_total ${more}\n`));
  await gateway.push(`# TYPE foo_total counter\nfoo_total 1\n${rows('g', ROWS)}`);
  const page = await gateway.scrape();
  expect(page.match(/^foo_total .*/gm)).toEqual([`foo_total ${total}`]);
});

test('series that another push brings as well do not count twice against the limit', async () => {
  const gateway = createGateway({ limits: { seriesMax: ROWS + 10 } });
  whenRead(() => gateway.push(rows('c', ROWS / 2)));
  await gateway.push(rows('c', ROWS));
  expect((await gateway.scrape()).match(/^c\{/gm)).toHaveLength(ROWS);
});

test('series that another push brings in several turns are there once, and count once against the limit', async () => {
  const gateway = createGateway({ limits: { seriesMax: ROWS + 10 } });
  await gateway.push('c 1\n');
  whenRead(() => gateway.push(rows('c', ROWS / 2)));
  await gateway.push(rows('c', ROWS));
  const page = await gateway.scrape();
  expect(page.match(/^c\{.*/gm)).toHaveLength(ROWS);
  expect(page).toContain(`c{i="5",pad="${PAD}"} 2\n`);
});

test('a family that rules asked for before another push brought it', async () => {
  const rules = rulesOf({
    metric_relabel_configs: [{ action: 'labeldrop', regex: 'pod' }],
    metrics: [{ match: 'g', gauge: 'max' }],
  });
  const { embedded } = embed({}, memoryJournal(), rules);
  const feed = vi.spyOn(RewriteSink.prototype, 'feed');
  feed.mockImplementationOnce(function (this: RewriteSink, builder) {
    void embedded.push('# TYPE g gauge\ng 1\n');
    return this.feed(builder);
  });
  await embedded.push(`g{pod="a"} 3\ng{pod="b"} 4\n${rows('other', ROWS)}`);
  expect(await embedded.scrape()).toContain('\ng 4\n');
});

test('what was read for another state is read again, though others should have waited', async () => {
  const run = await RestartingGateway.start({});
  const ledgers = vi.spyOn(Ledger.prototype, 'beginLongRead').mock.contexts as Ledger[];
  const finishInSteps = vi.spyOn(PushBuilder.prototype, 'finishInSteps');
  finishInSteps.mockImplementationOnce(function* (this: PushBuilder) {
    yield* this.finishInSteps();
    ledgers[0]!.endLongRead();
    void run.gateway.push(rows('c', ROWS / 2));
  });
  await run.gateway.push(rows('c', ROWS));
  const page = await run.page(plainText);
  expect(page.match(/^c\{.*/gm)).toHaveLength(ROWS);
  await run.restart();
  expect(await run.page(plainText)).toBe(page);
});

test('numbers are used again after a long push, not while it refers to some', async () => {
  const hold = vi.spyOn(Readers.prototype, 'hold');
  const recycle = vi.spyOn(State.prototype, 'recycleInSteps');
  const gateway = createGateway({ byJob: true });
  const many = Array.from({ length: RECYCLED_FROM }, (_, i) => `g{i="${i}"} 1\n`);
  await gateway.push(`# TYPE g gauge\n${many.join('')}`, { path: 'job/gone' });
  await gateway.push('other 1\n', { path: 'job/other' });
  const readers = hold.mock.contexts[0] as Readers;
  // As somebody who reads for long, and ends meanwhile.
  readers.hold();
  await gateway.delete('job/gone');
  const long = rows('c', ROWS);
  const count = readings(long);
  let duringIt = Number.NaN;
  whenRead(() => {
    readers.letGo();
    void gateway.push('other 2\n', { path: 'job/other' });
    duringIt = recycle.mock.calls.length;
  });
  await gateway.push(long, { path: 'job/long' });
  expect(duringIt).toBe(0);
  expect(count()).toBe(1);
  expect(recycle).toHaveBeenCalledOnce();
});
