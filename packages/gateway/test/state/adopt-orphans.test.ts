/** Lines of a histogram count the same, whether its TYPE line came before them or after. */
import fc from 'fast-check';
import { expect, test } from 'vitest';

import type { PushFormat } from '../../src/gateway/api.ts';
import { defaultLimits } from '../../src/store/limits.ts';
import * as pb from '../support/protobuf.ts';
import { RestartingGateway } from '../support/restarting.ts';
import { runs } from '../support/runs.ts';
import { WorkingState } from './working-state.ts';
import { viewOf } from '../../src/read/view.ts';
import { expectSame } from '../support/expect-same.ts';

const lines = 'h_bucket{le="1"} 3\nh_bucket{le="+Inf"} 9\nh_sum 4.5\nh_count 9\n';
const bodies: Readonly<Record<'text' | 'openmetrics' | 'protobuf', Record<'untyped' | 'typed', Uint8Array>>> =
  {
    text: { untyped: Buffer.from(lines), typed: Buffer.from(`# TYPE h histogram\n${lines}`) },
    openmetrics: {
      untyped: Buffer.from(`${lines}# EOF\n`),
      typed: Buffer.from(`# TYPE h histogram\n${lines}# EOF\n`),
    },
    protobuf: {
      untyped: Buffer.concat([
        pb.family('h_bucket', { type: 'untyped' }, pb.untyped({ le: '1' }, 3), pb.untyped({ le: '+Inf' }, 9)),
        pb.family('h_sum', { type: 'untyped' }, pb.untyped({}, 4.5)),
        pb.family('h_count', { type: 'untyped' }, pb.untyped({}, 9)),
      ]),
      typed: pb.family(
        'h',
        { type: 'histogram' },
        pb.histogram(
          {},
          {
            count: 9,
            sum: 4.5,
            buckets: [
              [1, 3],
              [Infinity, 9],
            ],
          },
        ),
      ),
    },
  };
const page = (low: number, all: number, sum: number): string =>
  `# TYPE h histogram\nh_bucket{le="1"} ${low}\nh_bucket{le="+Inf"} ${all}\nh_sum ${sum}\nh_count ${all}\n`;
const twice = page(6, 18, 9);

const formats = ['text', 'openmetrics', 'protobuf'] as const;
const ways = formats.flatMap((first) =>
  formats.flatMap((second) => [false, true].map((byJob) => [first, second, byJob] as const)),
);

test.each(ways)('untyped lines in %s, then a histogram in %s (by-job: %s)', async (first, second, byJob) => {
  const running = await RestartingGateway.start({ byJob });
  const push = (format: PushFormat, body: Uint8Array, source: string): Promise<unknown> =>
    running.gateway.push(body, { format, path: `job/${source}` });
  await push(first, bodies[first].untyped, 'a');
  await running.restart();
  await push(second, bodies[second].typed, 'b');
  expect(await running.gateway.scrape()).toBe(twice);
  await running.restart();
  expect(await running.gateway.scrape()).toBe(twice);
  await push(second, bodies[second].typed, 'a');
  const again = byJob ? twice : page(9, 27, 13.5);
  expect(await running.gateway.scrape()).toBe(again);
  void running.gateway.close();
});

/** Of one source: how much is in each bucket, by bound, and the labels. Each source writes whole histograms of its own bounds. */
const told = fc.record({
  source: fc.constantFrom('a', 'b', 'c'),
  series: fc.uniqueArray(
    fc.record({
      labels: fc.constantFrom('', 'a="1",', 'a="\\"\\\\\\n",z="é",'),
      counts: fc.dictionary(fc.constantFrom('0.5', '1', '2.5', '1e+06'), fc.nat(9), {
        noNullPrototype: true,
      }),
      infinite: fc.nat(3),
    }),
    { selector: ({ labels }) => labels, minLength: 1 },
  ),
});

interface Told {
  readonly series: readonly {
    readonly labels: string;
    readonly counts: Readonly<Record<string, number>>;
    readonly infinite: number;
  }[];
}

function body({ series }: Told): string {
  return series
    .map(({ labels, counts, infinite }) => {
      let below = 0;
      const buckets = Object.keys(counts)
        .toSorted((a, b) => Number(a) - Number(b))
        .map((le) => `h_bucket{${labels}le="${le}"} ${(below += counts[le]!)}\n`);
      const count = below + infinite;
      return `${buckets.join('')}h_bucket{${labels}le="+Inf"} ${count}\nh_sum{${labels}} ${count / 8}\nh_count{${labels}} ${count}\n`;
    })
    .join('');
}

const typed = '# TYPE h histogram\nh_bucket{le="+Inf"} 1\nh_sum 0.1\nh_count 1\n';

test('in by-job mode it does not matter when the type comes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(told, { selector: ({ source }) => source }), async (pushes) => {
      const before = new WorkingState({ byJob: true }, 1);
      const after = new WorkingState({ byJob: true }, 2, defaultLimits, 1);
      before.push(typed, { source: 'typed' });
      for (const each of pushes) {
        expect(before.push(body(each), each)).toBe('taken');
        expect(after.push(body(each), each)).toBe('taken');
      }
      after.push(typed, { source: 'typed' });
      expect(await after.page()).toBe(await before.page());
      const restored = await after.restored(3);
      expectSame(restored.facts(), after.facts());
      const { state } = after;
      for (const each of pushes) for (const one of [before, after, restored]) one.push(body(each), each);
      expect(state.droppedOrphans).toBe(0);
      expect(await after.page()).toBe(await before.page());
      expect(await restored.page()).toBe(await before.page());
    }),
    { numRuns: runs(200) },
  );
});

test('in add mode it does not matter for counts, sums and shared bounds when the type comes', async () => {
  const ofSome = /_bucket\{.*le="(?!\+Inf|1e\+06)/;
  const comparable = (page: string): string[] => page.split('\n').filter((line) => !ofSome.test(line));
  await fc.assert(
    fc.asyncProperty(fc.array(told), fc.nat(), async (all, at) => {
      // Buckets of bounds that only some have may lack something; all have this one.
      const pushes = all.map(({ series }) => ({
        series: series.map((one) => ({ ...one, counts: { '1e+06': 0, ...one.counts } })),
      }));
      const before = new WorkingState({}, 1);
      const after = new WorkingState({}, 2, defaultLimits, 1);
      before.push(typed);
      for (const [index, each] of pushes.entries()) {
        if (index === at % pushes.length) after.push(typed);
        expect(before.push(body(each))).toBe('taken');
        expect(after.push(body(each))).toBe('taken');
      }
      if (pushes.length === 0) after.push(typed);
      expect(after.state.droppedOrphans).toBe(0);
      expect(comparable(await after.page())).toEqual(comparable(await before.page()));
      const restored = await after.restored(3);
      expectSame(restored.facts(), after.facts());
    }),
    { numRuns: runs(200) },
  );
});

test('what sources are not there for any more counts on', async () => {
  const one = new WorkingState({ byJob: true }, 1);
  one.push(lines, { source: 'gone' });
  one.push(lines.replace('le="1"', 'le="2"'), { source: 'here', nowMs: 5 });
  one.state.expire({ forgetBeforeMs: 5 }, 10);
  one.push(typed, { source: 'typed', nowMs: 6 });
  expect(await one.page()).toBe(
    '# TYPE h histogram\nh_bucket{le="1"} 3\nh_bucket{le="2"} 6\nh_bucket{le="+Inf"} 19\nh_sum 9.1\nh_count 19\n',
  );
  expect(one.state.droppedOrphans).toBe(0);
});

test('views that are open see nothing of it', async () => {
  const one = new WorkingState({ byJob: true }, 1, defaultLimits, 1);
  one.push(lines, { source: 'a' });
  const before = await one.page();
  const view = viewOf(one.state);
  for (const _ of one.pushInSteps(typed, { source: 'b' })) expect(await one.page(view)).toBe(before);
});
