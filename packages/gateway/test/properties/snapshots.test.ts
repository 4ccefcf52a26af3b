/** A snapshot is the state: what is restored from it is the same, and stays the same whatever comes after. */
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { Course, step, steps } from '../state/course.ts';
import { WorkingState } from '../state/working-state.ts';
import { runs } from '../support/runs.ts';
import { expectSame } from '../support/expect-same.ts';

const modes = [
  { byJob: false },
  { byJob: true, counterResets: 'overwrite' },
  { byJob: true, counterResets: 'accumulate' },
  { byJob: true, counterResets: 'accumulate-by-value' },
  { byJob: true, counterResets: 'overwrite', mixed: true, addsByDefault: true },
] as const;

test.each(modes)(
  'the same steps give the same numbers, whatever the seed, scrapes and spellings (%o)',
  async (aggregation) => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(step, fc.boolean()), { maxLength: 30 }), async (all) => {
        const [one, other] = [new WorkingState(aggregation, 1), new WorkingState(aggregation, 2)];
        const course = new Course();
        for (const [each, disturbed] of all) {
          course.take(each, [one, other]);
          if (!disturbed) continue;
          await other.page();
          for (const seriesCache of Object.values(other.state.seriesCache)) seriesCache.clear();
        }
        expectSame(other.facts(), one.facts());
      }),
      { numRuns: runs(150) },
    );
  },
);

test.each(modes)('a restored state is the same, and goes on the same (%o)', async (aggregation) => {
  await fc.assert(
    fc.asyncProperty(steps, steps, fc.boolean(), async (before, after, scraped) => {
      const one = new WorkingState(aggregation, 1);
      const course = new Course();
      for (const each of before) course.take(each, [one]);
      if (scraped) await one.page();
      const other = await one.restored(2);
      expectSame(other.facts(), one.facts());
      expect(await other.page()).toBe(await one.page());
      for (const each of after) course.take(each, [one, other]);
      expectSame(other.facts(), one.facts());
      expect(await other.page()).toBe(await one.page());
    }),
    { numRuns: runs(200) },
  );
});

test.each(modes)(
  'a snapshot is of one point in time, whatever happens while it is read (%o)',
  async (aggregation) => {
    await fc.assert(
      fc.asyncProperty(steps, fc.array(steps, { maxLength: 12 }), steps, async (before, meanwhile, after) => {
        const [one, unread] = [new WorkingState(aggregation, 1), new WorkingState(aggregation, 2)];
        const course = new Course();
        for (const each of before) course.take(each, [one, unread]);
        const facts = one.facts();
        const other = await one.restored(3, (part) => {
          for (const each of meanwhile[part] ?? [])
            if (!('recycle' in each)) course.take(each, [one, unread]);
        });
        expectSame(other.facts(), facts);
        // Being read has left no trace.
        for (const each of after) course.take(each, [one, unread]);
        expectSame(one.facts(), unread.facts());
        expect(await one.page()).toBe(await unread.page());
      }),
      { numRuns: runs(200) },
    );
  },
);
