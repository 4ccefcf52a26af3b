/**
 * A change that goes in steps is the same change, and nobody sees half of it: views and snapshots that were opened before show what
 * was there then, whenever between its steps they are read.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { restoreState } from '../../src/snapshot/restore-state.ts';
import { takeSnapshotInSteps } from '../../src/snapshot/take-snapshot.ts';
import { defaultLimits } from '../../src/store/limits.ts';
import { atOnce } from '../../src/primitives/turns.ts';
import { Course, step, steps } from '../state/course.ts';
import { inTurn, WorkingState } from '../state/working-state.ts';
import { runs } from '../support/runs.ts';
import { viewOf } from '../../src/read/view.ts';
import { expectSame } from '../support/expect-same.ts';

const modes = [
  { byJob: false },
  { byJob: true, counterResets: 'overwrite' },
  { byJob: true, counterResets: 'accumulate' },
  { byJob: true, counterResets: 'overwrite', mixed: true, addsByDefault: true },
] as const;

const small = (aggregation: (typeof modes)[number]): WorkingState =>
  new WorkingState(aggregation, 2, defaultLimits, 1);

test.each(modes)('in steps of one row or at once, all numbers are the same (%o)', async (aggregation) => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(step, fc.boolean()), { maxLength: 30 }), async (all) => {
      const [one, other] = [new WorkingState(aggregation, 1), small(aggregation)];
      const course = new Course();
      for (const [each, seen] of all) {
        course.take(each, [one, other]);
        expectSame(other.facts(), one.facts());
        if (seen) expect(await other.page()).toBe(await one.page());
      }
      const rulesToCome = {
        byJob: !aggregation.byJob,
        counterResets: 'overwrite',
        summaries: 'discard',
      } as const;
      for (const { state } of [one, other]) state.setAggregation(rulesToCome);
      expectSame(other.facts(), one.facts());
    }),
    { numRuns: runs(150) },
  );
});

test.each(modes)(
  'a page that is written between the steps of a change has nothing of it (%o)',
  async (aggregation) => {
    await fc.assert(
      fc.asyncProperty(steps, step, fc.nat(12), async (before, change, at) => {
        fc.pre(!('recycle' in change));
        const [changed, unchanged] = [small(aggregation), small(aggregation)];
        const course = new Course();
        for (const each of before) course.take(each, [changed, unchanged]);
        const view = viewOf(changed.state);
        const expected = await unchanged.page();
        let left = at;
        let page: string | undefined;
        await course.takeInSteps(change, changed, async () => {
          left -= 1;
          if (left < 0) page ??= await changed.page(view);
        });
        expect(page ?? (await changed.page(view))).toBe(expected);
      }),
      { numRuns: runs(400) },
    );
  },
);

test.each(modes)(
  'a snapshot that is read between the steps of a change has nothing of it (%o)',
  async (aggregation) => {
    await fc.assert(
      fc.asyncProperty(steps, step, fc.nat(12), async (before, change, at) => {
        fc.pre(!('recycle' in change));
        const one = small(aggregation);
        const course = new Course();
        for (const each of before) course.take(each, [one]);
        const facts = one.facts();
        const snapshot = atOnce(takeSnapshotInSteps(one.state));
        const parts = snapshot.parts[Symbol.asyncIterator]();
        const restored = small(aggregation);
        restored.state.setAggregation(one.state.aggregation);
        const kept: Uint8Array[] = [];
        const read = async (most: number): Promise<void> => {
          for (let left = most; left > 0; left -= 1) {
            const { done, value } = await parts.next();
            if (done === true) return;
            kept.push(value);
          }
        };
        let left = at;
        await course.takeInSteps(change, one, async () => {
          left -= 1;
          if (left < 0) await read(1);
        });
        await read(Infinity);
        snapshot.close();
        await restoreState(inTurn(kept), restored.state);
        expectSame(restored.facts(), facts);
      }),
      { numRuns: runs(150) },
    );
  },
);
