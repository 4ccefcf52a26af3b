/** Numbers of composite series that are gone are used again, so that series that come and go leave nothing. */
import { expect, test } from 'vitest';

import { ByteReader } from '../../src/primitives/byte-writer.ts';
import { atOnce } from '../../src/primitives/turns.ts';
import { viewOf } from '../../src/read/view.ts';
import { seriesBytes } from '../../src/state/usage.ts';
import { commandClasses, RecordCode } from '../../src/wal/commands.ts';
import { family, histogram, nativeFields } from '../support/protobuf.ts';
import { targetOf } from './target.ts';
import { WorkingState } from './working-state.ts';
import { expectSame } from '../support/expect-same.ts';

const groups = { byJob: true, groups: true } as const;
const source = '[["job","a"]]';
const put = { method: 'PUT', source } as const;

const classic = (...labels: readonly number[]): string =>
  `# TYPE h histogram\n${labels
    .map((l) => `h_bucket{job="a",l="${l}",le="1"} 1\nh_bucket{job="a",l="${l}",le="+Inf"} 2\n`)
    .join('')}`;
const native = (...labels: readonly number[]): Buffer =>
  family(
    'n',
    { type: 'histogram' },
    ...labels.map((l) =>
      histogram(
        { job: 'a', l: `${l}` },
        { count: 3, sum: 1, buckets: [] },
        ...nativeFields({ schema: 0, zeroThreshold: 0, zeroCount: 0, positive: [[0, 3]], negative: [] }),
      ),
    ),
  );

function highest({ state: { accumulators } }: WorkingState): number {
  return accumulators.composites.length;
}

test('histograms that come and go need no more numbers than there are at one time', async () => {
  const one = new WorkingState(groups, 1);
  let again: WorkingState | undefined;
  let bytes = 0;
  for (let i = 0; i < 300; i += 3) {
    for (const each of again === undefined ? [one] : [one, again]) {
      each.push(i % 2 === 0 ? classic(i, i + 1, i + 2) : native(i, i + 1), put);
      each.state.recycle();
    }
    if (i === 0) bytes = seriesBytes(one.state.accumulators);
    if (i % 60 === 30) again = await one.restored(2);
    if (again !== undefined) expectSame(again.facts(), one.facts());
  }
  expect(highest(one)).toBeLessThanOrEqual(6);
  one.push('', put);
  one.state.recycle();
  one.push(classic(0, 1, 2), put);
  expect(seriesBytes(one.state.accumulators)).toBe(bytes);
  expect(await one.page()).toContain('h_bucket{job="a",l="2",le="+Inf"} 2\n');
});

test('a number is used again only when no view holds it', async () => {
  const one = new WorkingState(groups, 1);
  one.push(classic(1, 2), put);
  const view = viewOf(one.state);
  const before = await one.page(view);
  one.push(classic(3), put);
  expect(one.state.wantsRecycling).toBe(false);
  expect(highest(one)).toBe(3);
  expect(await one.page(view)).toBe(before);
  view.close();
  one.state.recycle();
  one.push(classic(3, 4, 5), put);
  expect(highest(one)).toBe(3);
});

test('as earlier versions recorded it, they are not, and what comes after is numbered as it was', async () => {
  const one = new WorkingState(groups, 1);
  const earlier = commandClasses[RecordCode.EARLIER_RECYCLE]!.decode(new ByteReader());
  one.push(classic(1, 2), put);
  one.push(classic(3), put);
  atOnce(earlier.apply(targetOf(one.state), { nowMs: 1, wallMs: 1 }));
  one.push(classic(3, 4), put);
  expect(highest(one)).toBe(4);
  const again = await one.restored(2);
  for (const each of [one, again]) {
    each.push(classic(5), put);
    each.state.recycle();
    each.push(classic(5, 6, 7, 8), put);
    expect(highest(each)).toBe(6);
  }
  expectSame(again.facts(), one.facts());
});
