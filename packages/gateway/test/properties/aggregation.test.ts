import fc from 'fast-check';
import { expect, test } from 'vitest';

import { embed } from '../../src/embed.ts';
import type { DeleteRequest } from '../../src/gateway/api.ts';
import { createGateway, RequestError } from '../../src/index.ts';
import { memoryJournal } from '../../src/journal/memory.ts';
import { NaiveGateway, pushText } from './naive-gateway.ts';
import type { Push } from './naive-gateway.ts';
import { runs } from '../support/runs.ts';

const series = fc.constantFrom('a', 'b', 'c');
const amount = fc.oneof(
  fc.nat(20),
  fc.double({ min: 0, max: 1e15, noNaN: true }),
  fc.constantFrom(0.1, 1e-9, 2 ** 53, 1e290),
);
const reading = fc.oneof(
  amount,
  amount.map((value) => -value),
);
const buckets = fc
  .uniqueArray(fc.constantFrom(0.1, 0.25, 0.5, 1, 2.5, 10), { maxLength: 4 })
  .chain((bounds) =>
    fc
      .array(fc.nat(30), { minLength: bounds.length + 1, maxLength: bounds.length + 1 })
      .map((counts) => new Map([...bounds, Infinity].map((bound, i) => [bound, counts[i]!]))),
  );
const sum = fc.oneof(
  { weight: 4, arbitrary: reading },
  { weight: 1, arbitrary: fc.constantFrom(NaN, Infinity, -Infinity) },
);
const source = fc.constantFrom('x', 'y', 'z');
const push: fc.Arbitrary<Push> = fc.record({
  source,
  method: fc.constantFrom('PUT', 'POST'),
  counters: fc.dictionary(series, amount),
  gauges: fc.dictionary(series, reading),
  untyped: fc.dictionary(series, reading),
  histograms: fc.dictionary(series, fc.record({ buckets, sum })),
});

test('any order of pushes gives the same page', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc
        .array(push, { maxLength: 8 })
        .chain((pushes) =>
          fc.tuple(
            fc.constant(pushes),
            fc.shuffledSubarray(pushes, { minLength: pushes.length, maxLength: pushes.length }),
          ),
        ),
      async ([pushes, shuffled]) => {
        const [one, other] = [createGateway(), createGateway()];
        for (const each of pushes) await one.push(pushText(each));
        for (const each of shuffled) await other.push(pushText(each));
        expect(await other.scrape()).toBe(await one.scrape());
      },
    ),
    { numRuns: runs(200) },
  );
});

test('the page of the sums is the naive one', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(push, { maxLength: 8 }), async (pushes) => {
      const gateway = createGateway();
      const naive = new NaiveGateway('overwrite');
      for (const [index, each] of pushes.entries()) {
        await gateway.push(pushText(each));
        naive.push({ ...each, source: String(index) }, 0);
      }
      expect(await gateway.scrape()).toBe(naive.page());
    }),
    { numRuns: runs(200) },
  );
});

type Step =
  | { readonly push: Push }
  | { readonly again: string; readonly method: 'PUT' | 'POST'; readonly factor: number }
  | { readonly delete: string }
  | { readonly drop: string; readonly series: readonly string[] }
  | { readonly retire: readonly string[] }
  | { readonly wipe: true }
  | { readonly waitMs: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ push }) },
  {
    weight: 5,
    arbitrary: fc.record({
      again: source,
      method: fc.constantFrom('PUT', 'POST'),
      factor: fc.constantFrom(0, 0.1, 1, 1, 2, 3),
    }),
  },
  { weight: 1, arbitrary: fc.record({ delete: source }) },
  {
    weight: 2,
    arbitrary: fc.record({
      drop: fc.constantFrom('c_total', 'g', 'u', 'h', 'h_bucket', 'h_count'),
      series: fc.uniqueArray(series, { minLength: 1 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ retire: fc.uniqueArray(source, { minLength: 1 }) }) },
  { weight: 1, arbitrary: fc.constant({ wipe: true as const }) },
  { weight: 2, arbitrary: fc.record({ waitMs: fc.constantFrom(500, 1000, 1001, 3001) }) },
);

/** The same series with other numbers, as nearly all pushes are. */
function repeated(last: Push, method: 'PUT' | 'POST', factor: number): Push {
  const scaled = (values: Readonly<Record<string, number>>): Record<string, number> =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value * factor]));
  return {
    source: last.source,
    method,
    counters: scaled(last.counters),
    gauges: scaled(last.gauges),
    untyped: scaled(last.untyped),
    histograms: Object.fromEntries(
      Object.entries(last.histograms).map(([name, { buckets: before, sum }]) => [
        name,
        {
          buckets: new Map([...before].map(([bound, count]) => [bound, Math.round(count * factor)])),
          sum: sum * factor,
        },
      ]),
    ),
  };
}

test.each(['overwrite', 'accumulate'] as const)('by job (%s) is a naive recount', async (resets) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25, size: 'max' }), async (steps) => {
      let nowMs = 1_000_000;
      const clock = { now: () => nowMs };
      const options = { byJob: true, jobCounterResets: resets, clock } as const;
      const times = { jobPruneDurationMs: 1000, jobForgetDurationMs: 3000 };
      const { gateway: deleting, embedded: gateway } = embed({ ...options, ...times }, memoryJournal());
      const remove = (what: DeleteRequest['what'], match: readonly string[]): Promise<unknown> =>
        deleting.deleteMany({ what, match, isDryRun: false });
      const naive = new NaiveGateway(resets);
      const last = new Map<string, Push>();
      for (const each of steps) {
        if ('waitMs' in each) nowMs += each.waitMs;
        naive.expire(nowMs, 1000, 3000);
        // The clock is the test's; looking at the page makes the gateway look at it.
        expect(await gateway.scrape()).toBe(naive.page());
        const again = 'again' in each ? last.get(each.again) : undefined;
        const next =
          'push' in each
            ? each.push
            : 'again' in each && again !== undefined
              ? repeated(again, each.method, each.factor)
              : undefined;
        if (next !== undefined) {
          last.set(next.source, next);
          await gateway.push(pushText(next), { method: next.method, path: `job/${next.source}` });
          naive.push(next, nowMs);
        } else if ('delete' in each) {
          await gateway.delete(`job/${each.delete}`);
          naive.delete(each.delete);
        } else if ('drop' in each) {
          await remove('series', [`${each.drop}{s=~"${each.series.join('|')}"}`]);
          for (const one of each.series) naive.drop(each.drop[0]!, one);
        } else if ('retire' in each) {
          await remove(
            'sources',
            each.retire.map((job) => `{job="${job}"}`),
          );
          for (const one of each.retire) naive.delete(one);
        } else if ('wipe' in each) {
          await remove('all', []);
          naive.wipe();
        }
        expect(await gateway.scrape()).toBe(naive.page());
      }
      await gateway.close();
    }),
    { numRuns: runs(80) },
  );
});

test('the page pushed to an empty gateway gives the page', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(push, { maxLength: 5 }), async (pushes) => {
      const [one, other] = [createGateway(), createGateway()];
      for (const each of pushes) await one.push(pushText(each));
      const page = await one.scrape();
      await other.push(page);
      expect(await other.scrape()).toBe(page);
    }),
    { numRuns: runs(200) },
  );
});

/** A valid push with a few bytes changed, lost or doubled: most are refused, and some mean something else. */
const mutated = fc
  .tuple(
    push,
    fc.array(fc.tuple(fc.nat(), fc.nat(255), fc.constantFrom('set', 'cut', 'double')), { maxLength: 4 }),
  )
  .map(([valid, changes]) => {
    let bytes = Buffer.from(pushText(valid));
    for (const [at, byte, change] of changes) {
      const position = at % bytes.length;
      if (change === 'set') bytes[position] = byte;
      else if (change === 'cut')
        bytes = Buffer.concat([bytes.subarray(0, position), bytes.subarray(position + 9)]);
      else bytes = Buffer.concat([bytes, bytes.subarray(position)]);
      if (bytes.length === 0) break;
    }
    return bytes;
  });

test.each([false, true])('any bytes: no crash, and no trace when refused (by job: %s)', async (byJob) => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(mutated, fc.uint8Array()), { maxLength: 6 }), async (bodies) => {
      const gateway = createGateway({ byJob });
      await gateway.push('# TYPE c_total counter\nc_total{s="a"} 1\ng{s="a"} 2\n', { path: 'job/x' });
      for (const body of bodies) {
        const before = await gateway.scrape();
        try {
          await gateway.push(body, { path: 'job/y', method: 'PUT' });
          // What was taken can be read again: no push makes the page invalid.
          await createGateway().push(await gateway.scrape());
        } catch (error) {
          expect(error).toBeInstanceOf(RequestError);
          expect(await gateway.scrape()).toBe(before);
        }
      }
    }),
    { numRuns: runs(200) },
  );
});
