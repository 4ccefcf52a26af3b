/** Histograms that go on with other bounds; see test/properties/bucket-rules.test.ts for what they count. */
import { describe, expect, test } from 'vitest';

import { plainText } from '../../src/model/exposition-format.ts';
import { atOnce } from '../../src/primitives/turns.ts';
import { viewOf } from '../../src/read/view.ts';
import { verifyState } from '../../src/snapshot/verify.ts';
import type { AggregationConfig } from '../../src/store/aggregation-config.ts';
import { family, histogram, nativeFields } from '../support/protobuf.ts';
import { expectSame } from '../support/expect-same.ts';
import { WorkingState } from './working-state.ts';

const openMetrics = { ...plainText, format: 'openmetrics' } as const;

function setRules({ state }: WorkingState, rules: object | undefined): void {
  const { metricRules: _, ...others } = state.aggregation;
  state.setAggregation(
    rules === undefined ? others : { ...others, metricRules: JSON.stringify(rules) },
    1_000,
  );
  atOnce(verifyState(state));
}

const h = (...buckets: readonly (readonly [le: string, count: number])[]): string =>
  [
    '# TYPE h histogram',
    ...buckets.map(([le, count]) => `h_bucket{le="${le}"} ${count}`),
    `h_sum 7`,
    `h_count ${buckets.at(-1)![1]}`,
    '',
  ].join('\n');
const pushed = h(['0.1', 1], ['0.5', 3], ['2.5', 4], ['+Inf', 6]);
const folded = h(['0.1', 1], ['1', 3], ['+Inf', 6]);
const toTwo = [{ buckets: [0.1, 1] }];

const modes: readonly Partial<AggregationConfig>[] = [
  { byJob: false },
  { byJob: true, counterResets: 'overwrite' },
  { byJob: true, counterResets: 'accumulate' },
];

describe.each(modes)('%o', (mode) => {
  test('pages and snapshots of before have nothing of it', async () => {
    const one = new WorkingState(mode, 1);
    one.push(pushed);
    const view = viewOf(one.state);
    const [inOpenMetrics, expected] = [
      viewOf(one.state),
      await one.page(viewOf(one.state), { format: openMetrics }),
    ];
    setRules(one, toTwo);
    expect(await one.page(view)).toBe(pushed);
    expect(await one.page(inOpenMetrics, { format: openMetrics })).toBe(expected);
    expect(await one.page()).toBe(folded);
  });

  test('by the same rules nothing is folded, and what was folded is kept', async () => {
    const one = new WorkingState(mode, 1);
    one.push(pushed);
    setRules(one, toTwo);
    const { epoch } = one.state;
    setRules(one, toTwo);
    expect(one.state.epoch).toBe(epoch);
    const again = await one.restored(2);
    expectSame(again.facts(), one.facts());
    setRules(one, undefined);
    expect(await one.page()).toBe(folded);
  });

  test('a bucket takes the newest exemplar of those that go', async () => {
    const one = new WorkingState(mode, 1);
    one.push(
      [
        '# TYPE h histogram',
        'h_bucket{le="0.1"} 1 # {t="a"} 0.1 1.1e9',
        'h_bucket{le="0.2"} 2 # {t="b"} 0.2 1.3e9',
        'h_bucket{le="0.3"} 3 # {t="c"} 0.3 1.2e9',
        'h_bucket{le="0.5"} 4 # {t="d"} 0.5 1.1e9',
        'h_bucket{le="2"} 5 # {t="e"} 2 1.1e9',
        'h_bucket{le="+Inf"} 6',
        'h_sum 7',
        'h_count 6',
        '# EOF',
        '',
      ].join('\n'),
      { openMetricsSlice: 1000 },
    );
    setRules(one, [{ buckets: [0.1, 0.5] }]);
    const page = await one.page(viewOf(one.state), { format: openMetrics });
    expect(page.match(/^h_bucket.*$/gm)).toEqual([
      'h_bucket{le="0.1"} 1 # {t="a"} 0.1 1100000000',
      'h_bucket{le="0.5"} 4 # {t="b"} 0.2 1300000000',
      'h_bucket{le="+Inf"} 6 # {t="e"} 2 1100000000',
    ]);
    expect(one.state.accumulators.exemplars.size).toBe(3);
  });

  test('native buckets stay as they are', async () => {
    const one = new WorkingState(mode, 1);
    const native = nativeFields({
      schema: 0,
      zeroThreshold: 0,
      zeroCount: 0,
      positive: [[0, 3]],
      negative: [],
    });
    one.push(
      family(
        'h',
        { type: 'histogram' },
        histogram(
          {},
          {
            count: 3,
            sum: 2,
            buckets: [
              [0.5, 1],
              [1, 3],
            ],
          },
          ...native,
        ),
      ),
    );
    const { accumulators } = one.state;
    const before = accumulators.composites[0]!.native.map((each) => accumulators.sums.get(each));
    setRules(one, [{ buckets: [1] }]);
    expect(accumulators.composites[0]!.native.map((each) => accumulators.sums.get(each))).toEqual(before);
    expect(await one.page()).toContain('h_bucket{le="1"} 3\n');
  });

  test('what was counted with fractions leaves nothing behind', async () => {
    const one = new WorkingState(mode, 1);
    const source = 'a';
    one.push(h(['0.1', 0.1], ['0.5', 0.30000000000000004], ['1', 0.7], ['+Inf', 0.7]), { source });
    one.push(h(['1', 1e-9], ['+Inf', 1e-9]), { source: 'b' });
    setRules(one, [{ buckets: [1] }]);
    one.push(h(['1', 0], ['+Inf', 0]), { source });
    one.push(h(['1', 0], ['+Inf', 0]), { source: 'b' });
    atOnce(verifyState(one.state));
    if (mode.counterResets === 'overwrite')
      expect(await one.page()).toBe(h(['1', 0], ['+Inf', 0]).replace('h_sum 7', 'h_sum 14'));
  });
});

test('a source that pushes something else first has not begun anew with more bounds', async () => {
  const one = new WorkingState({ byJob: true, counterResets: 'accumulate' }, 1);
  setRules(one, [{ buckets: [1] }]);
  const ofA = { source: 'a' };
  one.push(h(['1', 3], ['+Inf', 4]), ofA);
  setRules(one, toTwo);
  one.push('# TYPE c counter\nc 1\n', ofA);
  const again = await one.restored(2);
  for (const each of [one, again]) {
    each.push(h(['0.1', 1], ['1', 3], ['+Inf', 5]), ofA);
    expect(await each.page()).toContain(h(['0.1', 1], ['1', 3], ['+Inf', 5]));
    // From here on other bounds are a restart again.
    each.push(h(['0.5', 3], ['+Inf', 6]), ofA);
    expect(await each.page()).toContain('h_count 11\n');
  }
});

test('a gauge histogram folds as well, and goes with its last source', async () => {
  const one = new WorkingState({ byJob: true }, 1);
  one.push(pushed.replace('histogram', 'gaugehistogram'), { source: 'a' });
  setRules(one, toTwo);
  expect(await one.page()).toContain('h_bucket{le="1"} 3\n');
  setRules(one, [{ buckets: [0.1, 0.5, 1] }]);
  one.push('# TYPE c counter\nc 1\n', { source: 'a', method: 'PUT' });
  expect(await one.page()).toBe('# TYPE c counter\nc 1\n');
  atOnce(verifyState(one.state));
});

test('histograms of groups go with their last source after they were folded', async () => {
  const one = new WorkingState({ byJob: true, groups: true, pathLabels: 'add' }, 1);
  const source = '[["job","a"]]';
  const labelled = pushed.replace(/\{/g, '{job="a",').replace(/_(sum|count) /g, '_$1{job="a"} ');
  one.push(labelled, { source, method: 'PUT' });
  setRules(one, toTwo);
  setRules(one, [{ buckets: [0.5] }]);
  one.push('# TYPE c counter\nc 1\n', { source, method: 'PUT' });
  expect(await one.page()).toBe('# TYPE c counter\nc 1\n');
  one.state.recycle();
  atOnce(verifyState(one.state));
});

test('numbers of what comes and goes do not depend on who reads', async () => {
  const [one, other] = [new WorkingState({}, 1), new WorkingState({}, 2)];
  for (const [at, each] of [one, other].entries()) {
    for (let i = 9; i >= 0; i -= 1) {
      each.push(
        pushed
          .replaceAll('h_', `h${i % 3}_`)
          .replace('TYPE h', `TYPE h${i % 3}`)
          .replace(/\{/g, `{l="${i}",`)
          .replace(/_(sum|count) /g, `_$1{l="${i}"} `),
      );
      if (at === 0) await each.page();
    }
    setRules(each, toTwo);
  }
  expectSame(other.facts(), one.facts());
});
