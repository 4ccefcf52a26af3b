/**
 * A long push has many turns of the event loop, each of a bounded number of bytes, lines and series. The clock stands still here, so
 * that it is not the clock that ends a turn.
 */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { PushBuilder } from '../../src/ingest/push-builder.ts';
import { located } from '../../src/gateway/pushes/located.ts';
import { createGateway } from '../../src/index.ts';
import type { EmbeddedGateway } from '../../src/index.ts';
import { PushProblem, RequestError } from '../../src/model/errors.ts';
import { bytes, family, varint } from '../support/protobuf.ts';
import { turnsDuring } from '../support/turns-during.ts';

beforeEach(() => {
  vi.spyOn(performance, 'now').mockReturnValue(0);
});
afterEach(() => vi.restoreAllMocks());

const MIB = 1024 * 1024;
/** A turn may read 64 times 8 KiB. */
const TURN_BYTES = MIB / 2;

interface Counted {
  readonly turns: number;
  readonly error: unknown;
}

async function countTurns(work: Promise<unknown>): Promise<Counted> {
  const failure = work.then(
    () => undefined,
    (error: unknown) => error,
  );
  // And the one in which it began.
  const turns = 1 + (await turnsDuring(failure));
  return { turns, error: await failure };
}

function lines(count: number, line: (i: number) => string): string {
  return Array.from({ length: count }, (_, i) => line(i)).join('');
}

test.each([
  ['line feeds', '\n'.repeat(2 * MIB), 2 * MIB + 1, 1],
  ['comments', '# a\n'.repeat(MIB / 2), MIB / 2 + 1, 1],
])('an error behind many %s is looked for in turns', async (_name, before, line, column) => {
  const { turns, error } = await countTurns(createGateway().push(`${before}!`));
  expect(error).toMatchObject({ code: 'invalid_name', location: { line, column } });
  expect(turns).toBeGreaterThanOrEqual(before.length / TURN_BYTES);
});

test('an error behind many messages of protobuf is looked for in steps', () => {
  const families = Buffer.concat(Array.from({ length: 40_000 }, () => family('a', {})));
  const metrics = family('b', { type: 'counter' }, ...Array.from({ length: 40_000 }, () => bytes(3)));
  const problem = (offset: number): PushProblem => new PushProblem('syntax', 'no', offset);
  const body = Buffer.concat([families, metrics, varint(7)]);
  for (const [offset, place] of [
    [families.length - 1, `message 40000 (a), byte ${families.length - 1}`],
    [
      families.length + metrics.length - 1,
      `message 40001 (b), metric 40000, byte ${families.length + metrics.length - 1}`,
    ],
  ] as const) {
    const steps = located(problem(offset), body, 'protobuf');
    let count = 0;
    for (let step = steps.next(); ; step = steps.next()) {
      count += 1;
      if (step.done !== true) continue;
      expect(step.value).toMatchObject({ message: `${place}: no` });
      break;
    }
    expect(count).toBeGreaterThan(4);
  }
});

test('errors of many long bodies are looked for one after the other', async () => {
  const gateway = createGateway();
  const body = `${'\n'.repeat(MIB)}!`;
  const one = await countTurns(gateway.push(body));
  const many = Array.from({ length: 3 }, () => gateway.push(body));
  const all = await countTurns(Promise.allSettled(many));
  expect(all.turns).toBeGreaterThanOrEqual(3 * (one.turns - 1));
  for (const push of many) await expect(push).rejects.toMatchObject({ location: { line: MIB + 1 } });
});

test.each([
  ['blanks', ' '],
  ['a name', 'a'],
  ['a comment', '# a'],
  ['a label', 'a{b="c'],
])('a line longer than it may be is refused without looking for its end: %s', async (_name, head) => {
  const gateway = createGateway();
  const line = head + head.at(-1)!.repeat(3 * MIB);
  for (const format of ['text', 'openmetrics'] as const) {
    const start = format === 'text' ? 'ok 1\n' : '# TYPE ok gauge\nok 1\n';
    const { turns, error } = await countTurns(gateway.push(`${start}${line}\n# EOF\n`, { format }));
    expect(error).toMatchObject({ code: 'syntax', location: { line: format === 'text' ? 2 : 3, column: 1 } });
    expect((error as RequestError).message).toContain('262144 bytes');
    expect(turns).toBeLessThan(4);
    // What comes before it is told first.
    await expect(gateway.push(`!\n${line}`, { format })).rejects.toMatchObject({ location: { line: 1 } });
  }
});

test('a body that brings more than fits into a turn has several, however short it is', async () => {
  const { turns, error } = await countTurns(
    createGateway().push(lines(12_000, (i) => `a${i.toString(36)} 1\n`)),
  );
  expect(error).toBeUndefined();
  expect(turns).toBeGreaterThan(1);
});

/** Rules that go through a label, and a short body of series that have much in it. */
const thorough = {
  metric_relabel_configs: Array.from({ length: 8 }, (_, i) => ({
    action: 'drop',
    source_labels: ['path'],
    regex: `.*[0-9]${i}x`,
  })),
};
const longSeries = lines(300, (i) => `a{path="${'/a'.repeat(150)}${i}"} 1\n`);

test('series that rules have to look at are read in turns where they are long, however short the body is', async () => {
  const gateway = createGateway({ rules: thorough });
  let nowMs = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => (nowMs += 10));
  const { turns, error } = await countTurns(gateway.push(longSeries));
  expect(error).toBeUndefined();
  expect(turns).toBeGreaterThanOrEqual(20);
});

test('whether other rules leave long series as they are is looked at a few at a time', async () => {
  const gateway = createGateway({ rules: thorough });
  await gateway.push(longSeries);
  await gateway.setRules(thorough);
  let nowMs = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => (nowMs += 10));
  const { turns } = await countTurns(gateway.push(longSeries));
  expect(turns).toBeGreaterThanOrEqual(20);
});

test('a body of more new families than there may be is not read to its end', async () => {
  const gateway = createGateway({ limits: { familiesMax: 1_000 } });
  const declared = vi.spyOn(PushBuilder.prototype, 'addType');
  const body = lines(30_000, (i) => `# TYPE a${i} gauge\n`);
  await expect(gateway.push(body)).rejects.toMatchObject({
    code: 'families_limit',
    location: { line: 11_001 },
  });
  expect(declared.mock.calls.length).toBeLessThan(11_100);
});

test('comments of any length between the lines of a family are read in turns', async () => {
  const gateway = createGateway({ openmetrics: 'lenient' });
  const body = `# HELP a b\n${'# c\n'.repeat(MIB / 2)}# TYPE a counter\na_total 1\n# EOF\n`;
  const { turns, error } = await countTurns(gateway.push(body, { format: 'openmetrics' }));
  expect(error).toBeUndefined();
  expect(turns).toBeGreaterThan(body.length / TURN_BYTES - 2);
  expect(await gateway.scrape()).toBe('# HELP a_total b\n# TYPE a_total counter\na_total 1\n');
});

test('samples with timestamps of one metric are held only so many', async () => {
  const body = (count: number): string =>
    `# TYPE a summary\n${lines(count, (i) => `a{quantile="0.${10_000 + i}"} 1 1\n`)}# EOF\n`;
  const gateway = createGateway();
  await gateway.push(body(4096), { format: 'openmetrics' });
  await expect(gateway.push(body(4097), { format: 'openmetrics' })).rejects.toMatchObject({
    code: 'buckets_limit',
  });
});

/** Something that happens in each turn until the work is done. */
async function whileTurning(work: Promise<unknown>, each: (turn: number) => void): Promise<void> {
  let isOver = false;
  const turn = (count: number): void => {
    if (isOver) return;
    each(count);
    setImmediate(turn, count + 1);
  };
  setImmediate(turn, 0);
  try {
    await work;
  } finally {
    isOver = true;
  }
}

/** How often bodies as long as this were begun to be read. */
function spyOnReads(): (length: number) => number {
  const begun = vi.spyOn(PushBuilder.prototype, 'begin');
  return (length) => begun.mock.calls.filter(([body]) => body.length === length).length;
}

const long = (i: number): string => `g{aaaaaaaaaaaaaaaa="${i}"} 1\n`;

test('a long push is read once in turns while others make a series in each of them', async () => {
  const gateway = createGateway();
  const reads = spyOnReads();
  const body = lines(30_000, long);
  const others: Promise<unknown>[] = [];
  let turns = 0;
  await whileTurning(gateway.push(body), (turn) => {
    turns = turn;
    others.push(gateway.push(`other{i="${turn}"} 1\n`));
  });
  expect(turns).toBeGreaterThan(body.length / TURN_BYTES);
  expect(reads(Buffer.byteLength(body))).toBe(1);
  await Promise.all(others);
  const page = await gateway.scrape();
  expect(page.match(/^g\{/gm)).toHaveLength(30_000);
  expect(page.match(/^other\{/gm)).toHaveLength(others.length);
});

test('a long push is read three times at most, though others make series in each turn that it has too', async () => {
  const gateway = createGateway();
  const reads = spyOnReads();
  const body = lines(30_000, long);
  const others: Promise<unknown>[] = [];
  await whileTurning(gateway.push(body), (turn) => void others.push(gateway.push(long(turn))));
  expect(reads(Buffer.byteLength(body))).toBe(3);
  await Promise.all(others);
  const values = [...(await gateway.scrape()).matchAll(/^g\{.* (\d)$/gm)].map(([, value]) => Number(value));
  expect(values).toHaveLength(30_000);
  expect(values.reduce((sum, value) => sum + value, 0)).toBe(30_000 + others.length);
});

test('while a long push insists, others wait that bring the same series or take some back, and nobody else does', async () => {
  const gateway = createGateway({ byJob: true });
  await gateway.push('known 1\n', { path: 'job/a', method: 'PUT' });
  await gateway.push('gone 1\nonly 1\n', { path: 'job/b', method: 'PUT' });
  await gateway.push('gone 1\ngoes 1\n', { path: 'job/c', method: 'PUT' });
  const ended: string[] = [];
  const note = (name: string) => (): void => void ended.push(name);
  await gateway.push('stays 1\n', { path: 'job/e', method: 'PUT' });
  await gateway.push('stays 1\n', { path: 'job/f', method: 'PUT' });
  const reading = gateway.push(lines(30_000, long), { path: 'job/long' });
  void reading.then(note('long'));
  const waiting: Promise<unknown>[] = [];
  await whileTurning(reading, (turn) => {
    // Two attempts are spoilt, and the third one is not to be.
    if (turn === 1 || turn === 3) void gateway.push(long(turn), { path: 'job/d' });
    if (turn !== 5) return;
    void gateway.push('known 2\n', { path: 'job/a', method: 'PUT' }).then(note('known'));
    void gateway.push('new 1\n', { path: 'job/g' }).then(note('new'));
    void gateway.delete('job/e').then(note('delete of what others have'));
    void gateway.scrape().then(note('scrape'));
    waiting.push(gateway.push(long(0), { path: 'job/d' }).then(note('same')));
    waiting.push(gateway.push('gone 1\n', { path: 'job/c', method: 'PUT' }).then(note('shrinks')));
    waiting.push(gateway.delete('job/b').then(note('delete')));
  });
  await Promise.all(waiting);
  expect(ended.slice(0, 4).toSorted()).toEqual(['delete of what others have', 'known', 'new', 'scrape']);
  expect(ended.slice(4).toSorted()).toEqual(['delete', 'long', 'same', 'shrinks']);
  const page = await gateway.scrape();
  expect(page).toContain('\nknown 2\n');
  expect(page).toContain('\nnew 1\n');
  expect(page).toContain('\nstays 1\n');
  expect(page).toContain('\ng{aaaaaaaaaaaaaaaa="0"} 2\n');
  expect(page).toContain('\ngone 1\n');
  expect(page).not.toContain('\ngoes 1\n');
});

test('a total that changes its sign in each turn does not keep a long push from being read', async () => {
  const gateway = createGateway();
  await gateway.push('foo_total -1\n');
  const reads = spyOnReads();
  const body = `# TYPE foo_total counter\nfoo_total 1\n${lines(30_000, (i) => `g{aaaaaaaaaaaaaaaa="${i}"} 1\n`)}`;
  const others: Promise<unknown>[] = [];
  await whileTurning(gateway.push(body), (turn) => {
    others.push(gateway.push(`foo_total ${turn % 2 === 0 ? 3 : -3}\n`).catch(() => {}));
  });
  expect(reads(Buffer.byteLength(body))).toBeLessThanOrEqual(3);
  await Promise.all(others);
});

test('the body of a push with an idempotency key is hashed in turns', async () => {
  const gateway = createGateway();
  const body = '\n'.repeat(4 * MIB);
  const without = await countTurns(gateway.push(body));
  const withKey = await countTurns(gateway.push(body, { idempotencyKey: 'a' }));
  // 128 KiB are a step.
  expect(withKey.turns).toBeGreaterThanOrEqual(without.turns);
  const again = await countTurns(pushes(gateway, body, 4));
  expect(again.turns).toBeGreaterThanOrEqual((4 * (4 * MIB)) / (64 * 128 * 1024));
});

async function pushes(gateway: EmbeddedGateway, body: string, count: number): Promise<void> {
  const all = Array.from({ length: count }, (_, i) => gateway.push(body, { idempotencyKey: `many${i}` }));
  await Promise.all(all);
}
