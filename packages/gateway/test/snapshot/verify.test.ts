/** Each contradiction that a state can have is seen. That states have none is looked at after each push of WorkingState. */
import { expect, test } from 'vitest';

import { atOnce } from '../../src/primitives/turns.ts';
import { verifyState } from '../../src/snapshot/verify.ts';
import { AccumulatorKind } from '../../src/store/policies.ts';
import { encodePart, PartReader } from '../../src/snapshot/parts.ts';
import { readWindows, windowParts } from '../../src/snapshot/window-table.ts';
import type { State } from '../../src/state/state.ts';
import type { Writable } from '../../src/primitives/writable.ts';
import { WorkingState } from '../state/working-state.ts';

const body = `# TYPE c_total counter
c_total{a="1"} 1
c_total{a="2"} 2
# TYPE g gauge
g 1
# TYPE gone gauge
gone 1
# TYPE h histogram
h_bucket{le="1"} 1
h_bucket{le="+Inf"} 2
h_sum 1
h_count 2
# TYPE u untyped
u 1e200
`;

/** With an accumulator that is free, and a sum that spilled. */
function state(): State {
  return made().state;
}

function made(): WorkingState {
  const working = new WorkingState({ byJob: true }, 1);
  working.push(body, { source: 'x', method: 'PUT' });
  working.push(body.replace(/# TYPE gone gauge\ngone 1\n/, ''), { source: 'x', method: 'PUT' });
  for (const [i, value] of ['1', '1e-200'].entries()) working.push(`u ${value}\n`, { source: `u${i}` });
  return working;
}

function numberOf({ accumulators }: State, series: string): number {
  const found = Array.from(accumulators.kind.keys()).find(
    (each) =>
      each < accumulators.texts.high &&
      accumulators.kind[each] !== AccumulatorKind.FREE &&
      accumulators.textOf(each) === series,
  );
  if (found === undefined) throw new Error(`no ${series}`);
  return found;
}

const family = (of: State, name: string): Writable<NonNullable<ReturnType<State['families']['find']>>> =>
  of.families.find(name)!;
const composite = (of: State): { count: number; sum: number; buckets: readonly number[] } =>
  of.accumulators.composites[0]!;

const contradictions: Readonly<Record<string, readonly [(of: State) => void, RegExp]>> = {
  'a free number in two lists': [
    ({ accumulators }) => accumulators.pendingFree.push(accumulators.pendingFree.at(0)),
    /is free and is not/,
  ],
  'a free number in no list': [({ accumulators }) => accumulators.pendingFree.clear(), /accumulators of/],
  'a number that is free and has a series': [
    (of) => {
      of.accumulators.pendingFree.clear();
      of.accumulators.pendingFree.push(numberOf(of, 'g'));
    },
    /is free and is not/,
  ],
  'a family id that is free and has a family': [
    (of) => void (of.families.freeIds as number[]).push(0),
    /family 0 is free/,
  ],
  'a family id that is free twice': [(of) => void (of.families.freeIds as number[]).push(7, 7), /free twice/],
  'a kind that the family cannot have': [
    (of) => (of.accumulators.kind[numberOf(of, 'g')] = AccumulatorKind.COUNTER),
    /of kind 1 in family/,
  ],
  'a family that is not there': [(of) => (of.accumulators.family[numberOf(of, 'g')] = 99), /in family 99/],
  'a gauge in a composite series': [
    (of) => (of.accumulators.composite[numberOf(of, 'g')] = 0),
    /in composite series 0/,
  ],
  'a counter below zero': [
    (of) => of.accumulators.sums.set(numberOf(of, 'c_total{a="1"}'), -1),
    /with a total of -1/,
  ],
  'a total that is no number': [
    (of) => of.accumulators.sums.set(numberOf(of, 'g'), Number.NaN),
    /with a total of NaN/,
  ],
  'a sum that spilled and has no parts': [
    (of) => (of.accumulators.sums.rest[numberOf(of, 'g')] = Number.NaN),
    /sums that spilled/,
  ],
  'parts of a sum that did not spill': [
    (of) => (of.accumulators.sums.rest[numberOf(of, 'u')] = 0),
    /no sum that spilled/,
  ],
  'a bucket of another composite series': [
    (of) => (of.accumulators.composite[composite(of).buckets[0]!] = 5),
    /not the bucket of composite series 0/,
  ],
  'a count in the place of a sum': [(of) => (composite(of).sum = composite(of).count), /not the sum/],
  'a bucket that no composite series has': [
    (of) => (composite(of).buckets = composite(of).buckets.slice(1)),
    /of 4 accumulators in composite series/,
  ],
  'a composite series that is free and is not': [
    ({ accumulators }) => accumulators.freeComposites.push(0),
    /composite series 0 is free and is not/,
  ],
  'buckets in disorder': [
    (of) => (of.accumulators.bound[composite(of).buckets[0]!] = Number.POSITIVE_INFINITY),
    /buckets of composite series 0/,
  ],
  'a histogram without +Inf': [
    (of) => (of.accumulators.bound[composite(of).buckets[1]!] = 7),
    /buckets of composite series 0/,
  ],
  'a family that counts too many accumulators': [
    (of) => (family(of, 'h').accumulatorCount += 1),
    /counts 5 accumulators/,
  ],
  'a family that counts a start time': [(of) => (family(of, 'g').startTimeRows = 1), /1 start times/],
  'a family that counts too many rows': [(of) => (family(of, 'c_total').rowCount += 1), /2 of 3 rows/],
  'a row listed twice': [
    (of) => family(of, 'c_total').pending.push(family(of, 'c_total').pending.at(0)),
    /twice/,
  ],
  'a row of another family': [
    (of) => family(of, 'c_total').pending.push(numberOf(of, 'g')),
    /lists a row of family/,
  ],
  'an accumulator with a contributor too many': [
    (of) => (of.accumulators.contributors[numberOf(of, 'c_total{a="1"}')]! += 1),
    /counts 2 contributors and has 1/,
  ],
  'a gauge with a contributor too few': [
    (of) => (of.accumulators.contributors[numberOf(of, 'g')] = 0),
    /counts 0 contributors and has 1/,
  ],
  'a contribution to a number that is free': [
    ({ accumulators, sources: { contributions, list }, pace }) => {
      const source = list.find('x');
      contributions.open(source);
      const columns = {
        accumulators: contributions.accumulators.slice(contributions.accumulatorsAt),
        values: Float64Array.from(contributions.values.subarray(contributions.valuesAt)),
        length: contributions.length,
      };
      columns.accumulators[0] = accumulators.pendingFree.at(0);
      atOnce(contributions.replace(source, columns, pace));
    },
    /which is free/,
  ],
};

test('a state contradicts itself nowhere', () => {
  const one = state();
  expect(one.accumulators.pendingFree.length).toBe(1);
  expect(one.accumulators.sums.spilledCount).toBe(1);
  expect(() => atOnce(verifyState(one))).not.toThrow();
});

test.each(Object.entries(contradictions))('%s is seen', (_, [plant, message]) => {
  const one = state();
  plant(one);
  expect(() => atOnce(verifyState(one))).toThrow(message);
});

/** Of three gauges: one that only a sender that adds has, one that shows the largest, and one that shows how many have it. */
function mixed(): State {
  const gauges = ['max', 'count'].map((gauge) => ({ match: gauge, gauge }));
  const rules = JSON.stringify([...gauges, { ttl: 1000 }]);
  const working = new WorkingState({ byJob: true, mixed: true, metricRules: rules }, 1);
  const text = '# TYPE g gauge\ng 1\n# TYPE max gauge\nmax 3\n';
  working.push(text, { sender: { byJob: false, counterResets: 'overwrite' } });
  working.push('# TYPE max gauge\nmax 2\n# TYPE count gauge\ncount 1\n', { source: 'x' });
  return working.state;
}

const contradictionsOfAdding: Readonly<Record<string, readonly [(of: State) => void, RegExp]>> = {
  'a part that does not count as a contributor': [
    (of) => (of.accumulators.contributors[numberOf(of, 'max')]! -= 1),
    /counts 1 contributors and has 2/,
  ],
  'a contributor that has no part': [
    (of) => of.accumulators.common.delete(numberOf(of, 'max')),
    /counts 2 contributors and has 1/,
  ],
  'a part of what senders that add cannot have': [
    (of) => of.accumulators.common.add(numberOf(of, 'count')),
    /have a part of accumulator \d+ of kind 15/,
  ],
  'a part of what is free': [
    (of) => of.accumulators.common.add(of.accumulators.texts.high),
    /parts of 2 of 3 accumulators/,
  ],
  'a number of a sum': [
    (of) => of.accumulators.common.setNumber(numberOf(of, 'g'), 1, 1),
    /the wrong number of accumulator/,
  ],
  'a number that is newer than the newest': [
    (of) => of.accumulators.common.setNumber(numberOf(of, 'max'), 3, 99),
    /the wrong number of accumulator/,
  ],
  'another number than that which is shown': [
    (of) => of.accumulators.common.setNumber(numberOf(of, 'max'), 4, 1),
    /of kind 11 has a total of 3, not 4/,
  ],
  'a time at which nothing was named': [
    (of) => of.accumulators.common.named!.set(numberOf(of, 'count'), 5),
    /names no series/,
  ],
};

test.each(Object.entries(contradictionsOfAdding))(
  'where some senders add: %s is seen',
  (_, [plant, message]) => {
    const one = mixed();
    expect(() => atOnce(verifyState(one))).not.toThrow();
    plant(one);
    expect(() => atOnce(verifyState(one))).toThrow(message);
  },
);

test('contributions to what is gone, as earlier versions left them, are dropped when a snapshot is read', async () => {
  const one = made();
  const page = await one.page();
  const [plant] = contradictions['a contribution to a number that is free']!;
  plant(one.state);
  const other = await one.restored(2);
  expect(() => atOnce(verifyState(other.state))).not.toThrow();
  const { contributions, list } = other.state.sources;
  contributions.open(list.find('x'));
  const kinds = Array.from({ length: contributions.length }, (_, at) =>
    other.state.accumulators.kindOf(contributions.accumulators[contributions.accumulatorsAt + at]!),
  );
  expect(kinds).not.toContain(AccumulatorKind.FREE);
  expect(await other.page()).toBe(page);
});

const windowContradictions: Readonly<Record<string, readonly [(of: State) => void, RegExp]>> = {
  'a total that is not in the window': [
    (of) => of.accumulators.sums.set(numberOf(of, 'g'), 8),
    /has a total of 8, and its window 7/,
  ],
  'a window that has no value for the total': [
    (of) => void of.accumulators.windows!.put(numberOf(of, 'g'), 9, 1),
    /has a total of 7, and its window 9/,
  ],
  'a sum with a window': [
    (of) => (of.accumulators.kind[numberOf(of, 'g')] = AccumulatorKind.GAUGE),
    /of kind 2 has a window/,
  ],
};

test.each(Object.keys(windowContradictions))('%s', (name) => {
  const [contradict, message] = windowContradictions[name]!;
  const working = new WorkingState({ metricRules: '[{"gauge":"max","window":5000}]' }, 1);
  working.push('# TYPE g gauge\ng 7\n');
  atOnce(verifyState(working.state));
  contradict(working.state);
  expect(() => atOnce(verifyState(working.state))).toThrow(message);
});

test.each([
  ['of a series that has one', { accumulator: 0, slotMs: 417, newest: 0 }],
  ['of no series', { accumulator: 99, slotMs: 417, newest: 0 }],
  ['without a length', { accumulator: 1, slotMs: 0, newest: 0 }],
  ['with half a slot', { accumulator: 1, slotMs: 417, newest: 0.5 }],
])('a window in a snapshot %s', (_, ring) => {
  const working = new WorkingState({ metricRules: '[{"match":"g","gauge":"max","window":5000}]' }, 1);
  working.push('# TYPE g gauge\ng 7\n# TYPE h gauge\nh 7\n');
  const rows = {
    accumulators: Uint32Array.of(ring.accumulator),
    slotsMs: Float64Array.of(ring.slotMs),
    newest: Float64Array.of(ring.newest),
    values: new Float64Array(13).fill(7),
  };
  const [part] = windowParts({ size: 1, rows: () => rows });
  const read = readWindows(new PartReader(encodePart(part!)), working.state);
  expect(() => atOnce(read)).toThrow(/the snapshot cannot be read: accumulator \d+ has a window/);
});
