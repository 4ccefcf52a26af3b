/** Start times that come as gauges, in protobuf, where `test/cases/created.md` has no words for them. */
import { describe, expect, test } from 'vitest';

import { plainText } from '../../src/model/exposition-format.ts';
import { counter, family, gauge, histogram, timestamp } from '../support/protobuf.ts';
import { RestartingGateway } from '../support/restarting.ts';

const format = 'protobuf';
const labels = { l: 'é "1"' };

function pushOf(created: number, name = 'rooms_total'): Buffer {
  return Buffer.concat([
    family('rooms_created', { type: 'gauge' }, gauge(labels, created)),
    family(name, { type: 'counter' }, counter(labels, 1)),
  ]);
}

test.each([
  ['of a time, the earliest is kept', [1.6e9, 1.5e9, 1.65e9], 1_500_000_000],
  ['a number that is no time adds up', [5, 7, 1], 13],
])('a gauge x_created in protobuf: %s', async (_, values, expected) => {
  const run = await RestartingGateway.start({});
  for (const value of values) await run.gateway.push(pushOf(value), { format });
  await run.restart();
  expect(await run.page(plainText)).toContain(`rooms_created{l="é \\"1\\""} ${expected}\n`);
});

test('a gauge x_created in protobuf is the start time of no other counter', async () => {
  const run = await RestartingGateway.start({});
  for (let twice = 0; twice < 2; twice += 1)
    await run.gateway.push(pushOf(1.5e9, 'rooms_x_total'), { format });
  expect(await run.page(plainText)).toContain('} 3000000000\n');
});

const accumulate = { byJob: true, jobCounterResets: 'accumulate' } as const;

function runOf(total: number, startSeconds: number): Buffer {
  return Buffer.concat([
    family('c_total', { type: 'counter' }, counter({}, total, timestamp(3, startSeconds))),
    family(
      'h',
      { type: 'histogram' },
      histogram({}, { count: total, sum: total, buckets: [[1, total]] }, timestamp(15, startSeconds)),
    ),
  ]);
}

test('start times of protobuf tell a restart from a late push', async () => {
  const run = await RestartingGateway.start(accumulate);
  const push = (total: number, start: number): Promise<unknown> =>
    run.gateway.push(runOf(total, start), { format, path: 'job/a' });
  await push(100, 1_600_000_000);
  await push(100, 1_600_000_002);
  await run.restart();
  expect(await run.page(plainText)).toContain('c_total 200\n');
  await push(150, 1_600_000_000);
  await push(99, 1_600_000_002);
  const page = await run.page(plainText);
  expect(page).toContain('c_total 200\n');
  expect(page).toContain('h_bucket{le="1"} 200\n');
  expect(page).toContain('h_count 200\n');
});

test('a long push may be a restart, or come late', async () => {
  const run = await RestartingGateway.start(accumulate);
  const bodyOf = (value: number, start: number): string => {
    const numbers = Array.from({ length: 4000 }, (_, i) => i);
    const totals = numbers.map((i) => `c_total{i="${i}"} ${value}\n`).join('');
    const starts = numbers.map((i) => `c_created{i="${i}"} ${start}\n`).join('');
    return `# TYPE c_total counter\n${totals}# TYPE c_created gauge\n${starts}`;
  };
  const push = (value: number, start: number): Promise<unknown> =>
    run.gateway.push(bodyOf(value, start), { path: 'job/a', method: 'PUT' });
  await push(10, 1.6e9);
  await Promise.all([push(11, 1.6e9), push(20, 1.6e9 + 5), push(12, 1.6e9)]);
  await run.restart();
  await push(19, 1.6e9 + 5);
  const page = await run.page(plainText);
  expect(page).toContain('c_total{i="0"} 31\n');
  expect(page).toContain('c_total{i="3999"} 31\n');
});

describe('who pushes late is told so', () => {
  const told = (total: number, startSeconds: number): string =>
    `# TYPE c counter\nc_total ${total}\nc_created ${startSeconds}\n`;
  const end = '# EOF\n';
  /** More than is read in one turn. */
  const many = Array.from({ length: 5000 }, (_, i) => `# TYPE gauge_${i} gauge\ngauge_${i} 1\n`).join('');

  test.each([
    ['a short push', end],
    ['a long push', many + end],
  ])('%s', async (_, rest) => {
    const run = await RestartingGateway.start(accumulate);
    const push = (text: string): Promise<unknown> =>
      run.gateway.push(text + rest, { format: 'openmetrics', path: 'job/a', idempotencyKey: text });
    expect(await push(told(100, 1_600_000_000))).toBe('applied');
    expect(await push(told(10, 1_600_000_002))).toBe('applied');
    expect(await push(told(150, 1_600_000_000))).toBe('late');
    expect(await push(told(9, 1_600_000_002))).toBe('late');
    await run.restart();
    expect(await push(told(150, 1_600_000_000))).toBe('late');
    expect(await push(told(10, 1_600_000_002))).toBe('replayed');
    expect(await push(told(11, 1_600_000_002))).toBe('applied');
    expect(await run.page(plainText)).toContain('c_total 111\n');
    await run.gateway.close();
  });
});
