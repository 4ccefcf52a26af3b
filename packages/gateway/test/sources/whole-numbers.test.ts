/** What a source has is narrow as long as all of it is whole numbers; what comes next may be anything. */
import { expect, test } from 'vitest';

import { defaultLimits } from '../../src/store/limits.ts';
import { WorkingState } from '../state/working-state.ts';

const types = '# TYPE c counter\n# TYPE g gauge\n# TYPE h histogram\n';
const values = [0.5, -1, 2 ** 32, 2 ** 53, 0, -0, 2 ** 32 - 1, 1e300, 3];

function push({ counter, gauge }: { readonly counter: number; readonly gauge: number }): string {
  const buckets = `h_bucket{le="1"} 4\nh_bucket{le="+Inf"} 5\nh_sum 6\nh_count 5\n`;
  return `${types}c ${counter}\n${buckets}g ${gauge}\n`;
}

function valueOf(page: string, name: string): number {
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(page)![1]!);
}

test.each([
  ['overwrite', 1],
  ['overwrite', 4096],
  ['accumulate', 1],
  ['accumulate', 4096],
] as const)(
  'any value comes in the place of a whole number, and back (%s, %i rows a step)',
  async (counterResets, stepRows) => {
    for (const value of values) {
      const one = new WorkingState({ byJob: true, counterResets }, 1, defaultLimits, stepRows);
      one.push(push({ counter: 10, gauge: 7 }), { source: 'a' });
      one.push(push({ counter: 20, gauge: 8 }), { source: 'b' });
      // The counter begins anew in a push of which the last value does not fit.
      one.push(push({ counter: 3, gauge: value }), { source: 'a' });
      const page = await one.page();
      expect(valueOf(page, 'g')).toBe(value + 8);
      const total = counterResets === 'accumulate' ? 10 + 20 + 3 : 20 + 3;
      expect(valueOf(page, 'c')).toBe(total);
      expect(valueOf(page, 'h_count')).toBe(10);
      const restored = await one.restored(2);
      expect(await restored.page()).toBe(page);
      for (const each of [one, restored]) {
        each.push(push({ counter: 4, gauge: 1 }), { source: 'a' });
        expect(valueOf(await each.page(), 'g')).toBe(9);
        expect(valueOf(await each.page(), 'c')).toBe(total + 1);
      }
    }
  },
);
