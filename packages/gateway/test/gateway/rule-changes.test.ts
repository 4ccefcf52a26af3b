/** Restarts by other rules: what goes with the old ones must leave a store that can be read again. */
import { describe, expect, test } from 'vitest';

import * as pb from '../support/protobuf.ts';
import { RestartingGateway } from '../support/restarting.ts';
import type { EmbeddedOptions } from '../../src/index.ts';
import { plainText } from '../../src/model/exposition-format.ts';

const native = pb.family(
  'gh',
  { type: 'gaugeHistogram' },
  pb.bytes(
    7,
    pb.number(1, 3),
    pb.double(2, 4),
    ...pb.nativeFields({
      schema: 0,
      zeroThreshold: 0,
      zeroCount: 1,
      positive: [[0, 2]],
      negative: [],
      packed: false,
    }),
  ),
);
const classic = pb.family(
  'gh',
  { type: 'gaugeHistogram' },
  pb.histogram({}, { count: 3, sum: 4, buckets: [[1, 2]] }),
);
const summary = pb.family('s', { type: 'summary' }, pb.summary({}, { count: 3, sum: 4, quantiles: [] }));
const later = pb.family(
  'later',
  { type: 'histogram' },
  pb.histogram({}, { count: 1, sum: 1, buckets: [[1, 1]] }),
);

const accumulated = { summaries: 'sum-and-count' } as const;
const changes: readonly (readonly [string, Buffer, EmbeddedOptions, EmbeddedOptions])[] = [
  ['a native gauge histogram, to by-job', native, {}, { byJob: true }],
  ['a native gauge histogram, from by-job', native, { byJob: true }, {}],
  ['a classic gauge histogram, to by-job', classic, {}, { byJob: true }],
  ['a classic gauge histogram, from by-job', classic, { byJob: true }, {}],
  ['a summary that is no longer kept', summary, accumulated, {}],
  ['a summary that is no longer kept, from by-job', summary, { ...accumulated, byJob: true }, {}],
];

describe.each(changes)('%s', (_name, body, before, after) => {
  test.each([false, true])('with a snapshot before: %s', async (isSaved) => {
    const path = 'job/a';
    const run = await RestartingGateway.start(before);
    await run.gateway.push(body, { format: 'protobuf', path });
    await run.gateway.push('# TYPE kept counter\nkept 2\n', { path });
    if (isSaved) await run.takeSnapshot();
    await run.restart(after);
    await run.gateway.push(later, { format: 'protobuf', path });
    const expected = await run.page(plainText);
    expect(expected).toContain('kept 2\n');
    expect(expected).toContain('later_count 1\n');
    expect(expected).not.toMatch(/^(?:gh|s)_/m);
    await run.takeSnapshot();
    await run.restart();
    expect(await run.page(plainText)).toBe(expected);
    await run.gateway.push(body, { format: 'protobuf', path });
    const again = await run.page(plainText);
    await run.takeSnapshot();
    await run.restart();
    expect(await run.page(plainText)).toBe(again);
  });

  test('what its source has taken away before', async () => {
    const run = await RestartingGateway.start(before);
    await run.gateway.push(body, { format: 'protobuf', path: 'job/a' });
    await run.gateway.delete('job/a');
    await run.restart(after);
    await run.takeSnapshot();
    await run.restart();
    expect(await run.page(plainText)).not.toMatch(/^gh_/m);
  });
});

test('numbers that go with the old rules are used again in one order, wherever recovery begins', async () => {
  const run = await RestartingGateway.start(accumulated);
  const series = Array.from({ length: 3000 }, (_, i) => i);
  const sums = series.map((i) => `s_sum{i="${i}"} 1\n`).join('');
  const counts = series.map((i) => `s_count{i="${2999 - i}"} 1\n`).join('');
  await run.gateway.push(`# TYPE s summary\n${sums}${counts}`);
  await run.takeSnapshot();
  await run.restart({});
  await run.gateway.push('x 1\n');
  const counters = `# TYPE c counter\n${series.map((i) => `c{i="${i}"} ${i}\n`).join('')}`;
  for (let twice = 0; twice < 2; twice += 1) await run.gateway.push(counters);
  const page = await run.page(plainText);
  expect(page).toContain('c{i="1000"} 2000\n');
  run.loseSnapshot();
  await run.restart();
  expect(await run.page(plainText)).toBe(page);
});

test('a gauge of start times cannot be told to be something else', async () => {
  const run = await RestartingGateway.start({});
  await run.gateway.push(
    '# TYPE x histogram\nx_bucket{le="+Inf"} 1\nx_count 1\n# TYPE x_created gauge\nx_created 1.7e9\n',
  );
  const stateset = '# TYPE x_created stateset\nx_created{x_created="a"} 1\n# EOF\n';
  await expect(run.gateway.push(stateset, { format: 'openmetrics' })).rejects.toThrow(
    'x_created is pushed as a stateset, but it is known as a gauge; rename one of the two metrics',
  );
  await run.takeSnapshot();
  await run.restart();
  expect(await run.page(plainText)).toContain('x_created 1700000000\n');
});
