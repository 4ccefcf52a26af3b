import { expect, test } from 'vitest';

import { atOnce } from '../../src/primitives/turns.ts';
import { restoreState } from '../../src/snapshot/restore-state.ts';
import { inTurn, partsOf, WorkingState } from '../state/working-state.ts';
import { expectSame } from '../support/expect-same.ts';
import * as pb from '../support/protobuf.ts';

const aggregation = { byJob: true, counterResets: 'overwrite' } as const;

/** Counters, gauges that come and go, and a histogram, in parts of their own for each of the larger tables. */
function body(rows: number, factor: number): string {
  const lines = ['# TYPE a_total counter'];
  for (let i = 0; i < rows; i += 1) lines.push(`a_total{i="${i}"} ${i * factor}`);
  lines.push('# TYPE g gauge');
  for (let i = 0; i < rows; i += 1) lines.push(`g{i="${i}",f="${factor}"} ${i - factor}`);
  lines.push('# TYPE h histogram', `h_bucket{le="1"} ${factor}`, `h_bucket{le="+Inf"} ${factor * 2}`);
  return `${lines.join('\n')}\nh_sum 0.1\nh_count ${factor * 2}\n`;
}

test('a snapshot of many parts is of one point in time, while every number changes', async () => {
  const one = new WorkingState(aggregation, 1);
  for (let s = 0; s < 12; s += 1) one.push(body(4000, s + 1), { source: `s${s}`, method: 'PUT', nowMs: s });
  one.push('u 1\nb 1e200\nb_spills 1\n', { source: 'spills' });
  const facts = one.facts();
  let pushes = 0;
  const other = await one.restored(2, (part) => {
    const s = (part * 5) % 12;
    // Longer, shorter and equal contributions by turns; sources that go and come; gauges with new numbers.
    if (part % 7 === 3) one.state.remove(`s${s}`);
    one.push(body(4000 - (part % 3), part + 20), { source: `s${s}`, method: 'PUT', nowMs: 100 + part });
    one.push('# TYPE u counter\n# HELP u Now a counter.\nu 2\n', { source: `new${part}` });
    expect(one.state.wantsRecycling).toBe(false);
    pushes += 1;
  });
  expect(pushes).toBeGreaterThan(10);
  expectSame(other.facts(), facts);
  expect(one.state.wantsRecycling).toBe(true);
  one.state.recycle();
  const later = await one.restored(3);
  expectSame(later.facts(), one.facts());
  for (const each of [one, later]) each.push(body(300, 1000), { source: 'last' });
  expectSame(later.facts(), one.facts());
});

test('sums that two doubles do not hold are saved, and stay as they were', async () => {
  const one = new WorkingState({}, 1);
  for (const value of [1e200, 1, 1e-200]) one.push(`u{l="a"} ${value}\nu{l="b"} ${value}\n`);
  const facts = one.facts();
  const other = await one.restored(2, () => one.push('u{l="a"} 1e-300\nu{l="b"} -1e200\n'));
  expectSame(other.facts(), facts);
  for (const value of [-1e200, -1]) other.push(`u{l="a"} ${value}\n`);
  expect(await other.page()).toContain('u{l="a"} 1e-200\n');
});

test('a source with more contributions than fit into a part', async () => {
  const one = new WorkingState(aggregation, 1);
  const lines = Array.from({ length: 70_000 }, (_, i) => `u{i="${i}"} ${i}`);
  for (const source of ['x', 'y']) one.push(`${lines.join('\n')}\n`, { source });
  const parts = await partsOf(one.state);
  expect(Math.max(...parts.map(({ length }) => length))).toBeLessThan(1.01 * 2 ** 20);
  const other = new WorkingState(aggregation, 2);
  // As a store may give them back: not aligned.
  const moved = parts.map((part) => Buffer.concat([Buffer.alloc(1), part]).subarray(1));
  await restoreState(inTurn(moved), other.state);
  expectSame(other.facts(), one.facts());
});

async function saved(): Promise<{ one: WorkingState; parts: Uint8Array[] }> {
  const one = new WorkingState(aggregation, 1);
  one.push(body(10, 1), { source: 's', method: 'PUT' });
  one.push('# TYPE g gauge\n', { source: 's', method: 'PUT' });
  return { one, parts: await partsOf(one.state) };
}

async function restoring(parts: readonly Uint8Array[]): Promise<WorkingState> {
  const other = new WorkingState(aggregation, 2);
  await restoreState(inTurn(parts), other.state);
  return other;
}

test('an unknown version is refused', async () => {
  const { parts } = await saved();
  const newer = Buffer.from(parts[0]!);
  newer.writeUInt32LE(2, 4);
  await expect(restoring([newer, ...parts.slice(1)])).rejects.toThrow(/version 2, .* knows version 1/);
  await expect(restoring([Buffer.from('something else, and longer')])).rejects.toThrow(
    'does not begin like one',
  );
  await expect(restoring([])).rejects.toThrow('it is empty');
});

test('parts that are missing, doubled, in another order or cut off are refused', async () => {
  const { parts } = await saved();
  for (let i = 1; i < parts.length; i += 1) {
    await expect(restoring(parts.toSpliced(i, 1)), `without ${i}`).rejects.toThrow('cannot be read');
    await expect(restoring(parts.toSpliced(i, 0, parts[i]!)), `twice ${i}`).rejects.toThrow('cannot be read');
    await expect(restoring(parts.with(i, parts[i]!.subarray(0, -8))), `cut ${i}`).rejects.toThrow(/./);
    await expect(restoring(parts.slice(0, i)), `up to ${i}`).rejects.toThrow('cannot be read');
  }
});

test('a snapshot that contradicts itself is refused, or was changed where nothing contradicts it', async () => {
  const { parts, one } = await saved();
  const page = await one.page();
  let refused = 0;
  let taken = 0;
  for (const [index, part] of parts.entries()) {
    for (let at = 16; at < part.length; at += 7) {
      const changed = Buffer.from(part);
      changed[at]! ^= 0x41;
      try {
        // What is taken is a state like any other: it has a page and takes pushes.
        const other = await restoring(parts.with(index, changed));
        await other.page();
        other.push(body(10, 2), { source: 's', method: 'PUT' });
        taken += 1;
      } catch (error) {
        expect(String(error)).toMatch(/the snapshot cannot be read|RangeError/);
        refused += 1;
      }
    }
  }
  expect(refused).toBeGreaterThan(50);
  expect(taken).toBeGreaterThan(0);
  expect(await one.page()).toBe(page);
});

test('one snapshot at a time, and none after it is closed', async () => {
  const { one } = await saved();
  const { takeSnapshot } = await import('../../src/snapshot/take-snapshot.ts');
  const snapshot = takeSnapshot(one.state);
  expect(() => takeSnapshot(one.state)).toThrow('BUG');
  expect(() => one.state.recycle()).toThrow('BUG');
  snapshot.close();
  snapshot.close();
  await expect(snapshot.parts[Symbol.asyncIterator]().next()).rejects.toThrow('closed');
  one.state.recycle();
  await expect(restoreState(inTurn([]), one.state)).rejects.toThrow('not empty');
});

test('exemplars of one moment stay in their order, whatever numbers their buckets have', async () => {
  const one = new WorkingState({}, 1);
  one.push(`# TYPE g gauge\n${Array.from({ length: 20 }, (_, i) => `g{i="${i}"} 1\n`).join('')}`);
  const all = Uint32Array.from({ length: 20 }, (_, accumulator) => accumulator);
  atOnce(one.state.dropSeriesInSteps(all));
  // The largest numbers are given out first now.
  one.state.recycle();
  const fields = pb.nativeFields({
    schema: 0,
    zeroThreshold: 0.001,
    zeroCount: 0,
    positive: [
      [0, 1],
      [0, 1],
      [0, 1],
    ],
    negative: [],
  });
  const exemplars = [0.9, 1.5, 3].map((value) => pb.exemplar(16, { trace_id: String(value) }, value));
  const histogram = pb.bytes(7, pb.number(1, 3), pb.double(2, 5.4), ...fields, ...exemplars);
  one.push(pb.family('h', { type: 'histogram' }, histogram));
  const other = await one.restored(2);
  const format = { format: 'protobuf', escaping: 'allow-utf-8', version: '1.0.0' } as const;
  const page = await one.page(undefined, { format });
  for (const value of ['0.9', '1.5', '3']) expect(page).toContain(value);
  expect(await other.page(undefined, { format })).toBe(page);
});
