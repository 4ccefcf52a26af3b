/** By-job with `accumulate`: what looks like a histogram that began anew, and is none. */
import { expect, test } from 'vitest';

import { createGateway } from '../../src/index.ts';
import * as pb from '../support/protobuf.ts';
import { RestartingGateway } from '../support/restarting.ts';
import { WorkingState } from '../state/working-state.ts';

const byJob = { byJob: true, jobCounterResets: 'accumulate' } as const;

function native(fields: Partial<pb.NativeFields>, count: number): Buffer {
  const all = { schema: 8, zeroThreshold: 0, zeroCount: 0, positive: [], negative: [], ...fields };
  const histogram = pb.bytes(7, pb.number(1, count), pb.double(2, 1), ...pb.nativeFields(all));
  return pb.family('h', { type: 'histogram' }, histogram);
}

/** So many buckets from `first` on, with one observation each. */
function buckets(first: number, length: number): Buffer {
  const positive = Array.from({ length }, (_, i) => [i === 0 ? first : 0, 1] as const);
  return native({ positive }, length);
}

async function countOf(gateway: { scrape(): Promise<string> }): Promise<number> {
  return Number(/^h_count (.*)$/m.exec(await gateway.scrape())![1]);
}

test('a resolution that was lowered for want of buckets, and is not any more', async () => {
  const gateway = createGateway({ ...byJob, limits: { nativeBucketsMax: 160 } });
  const push = async (job: string, body: Buffer): Promise<number> => {
    await gateway.push(body, { format: 'protobuf', path: `job/${job}` });
    return countOf(gateway);
  };
  expect(await push('a', buckets(0, 100))).toBe(100);
  expect(await push('b', buckets(1000, 60))).toBe(160);
  expect(await push('a', buckets(0, 101))).toBe(161);
  expect(await push('b', buckets(1000, 161))).toBe(262);
  expect(await push('a', buckets(0, 101))).toBe(262);
  // It has begun anew where counts say so.
  expect(await push('a', buckets(0, 50))).toBe(312);
});

test('a zero bucket that was widened for want of thresholds, and is not any more', async () => {
  const gateway = createGateway(byJob);
  const push = async (job: string, zeroThreshold: number, zeroCount: number): Promise<number> => {
    const body = native({ schema: 0, zeroThreshold, zeroCount, positive: [[20, 1]] }, zeroCount + 1);
    await gateway.push(body, { format: 'protobuf', path: `job/${job}` });
    return countOf(gateway);
  };
  for (let i = 1; i <= 14; i += 1) await push(`s${i}`, 0.001 * i + 0.0001, 1);
  await push('one', 1, 1);
  expect(await push('a', 0.5, 1)).toBe(32);
  for (let again = 0; again < 3; again += 1) expect(await push('a', 0.6, 2)).toBe(33);
});

test('a limit of buckets that is raised', async () => {
  const run = await RestartingGateway.start({ ...byJob, limits: { nativeBucketsMax: 50 } });
  const push = { format: 'protobuf', path: 'job/a' } as const;
  await run.gateway.push(buckets(0, 60), push);
  await run.restart({ ...byJob, limits: { nativeBucketsMax: 160 } });
  await run.gateway.push(buckets(0, 60), push);
  expect(await countOf(run.gateway)).toBe(60);
});

test('fractions that are rounded', async () => {
  const gateway = createGateway(byJob);
  const push = (first: number, all: number): Promise<unknown> =>
    gateway.push(
      `# TYPE h histogram\nh_bucket{le="1"} ${first}\nh_bucket{le="2"} ${all}\nh_bucket{le="+Inf"} ${all}\nh_sum 1\nh_count ${all}\n`,
      { path: 'job/a' },
    );
  await push(0.7, 0.9);
  // One bucket alone has 0.9 - 0.7 before, and 1 - 0.8 now, which is a little less.
  await push(0.8, 1);
  expect(await countOf(gateway)).toBe(1);
  await push(0.5, 0.9);
  expect(await countOf(gateway)).toBe(1.9);
});

test('however large, thresholds of zero buckets do not grow without limit', () => {
  const working = new WorkingState({}, 1);
  const push = (i: number): string =>
    working.push(native({ schema: 0, zeroThreshold: 1.5e308 + i * 1e304, zeroCount: 1 }, 1));
  for (let i = 0; i < 100; i += 1) expect(push(i)).toBe('taken');
  expect(working.state.accumulators.size).toBeLessThan(75);
});

test('an exemplar of a bucket that its own push takes away is none', () => {
  const working = new WorkingState({ byJob: true }, 1);
  working.push(native({ schema: 0, positive: [[1, 1]] }, 1));
  const exemplar = pb.exemplar(16, { trace_id: 'ghost' }, 1.5);
  const fields = pb.nativeFields({
    schema: 0,
    zeroThreshold: 0,
    zeroCount: 0,
    positive: [[3, 2]],
    negative: [],
  });
  const histogram = pb.bytes(7, pb.number(1, 2), pb.double(2, 1), ...fields, exemplar);
  expect(working.push(pb.family('h', { type: 'histogram' }, histogram))).toBe('taken');
  expect(working.state.accumulators.exemplars.size).toBe(0);
});
