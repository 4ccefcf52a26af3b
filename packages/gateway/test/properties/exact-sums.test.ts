import fc from 'fast-check';
import { expect, test } from 'vitest';

import { copyColumn, Pace } from '../../src/primitives/pace.ts';
import { ExactSums } from '../../src/primitives/exact-sums.ts';
import { atOnce } from '../../src/primitives/turns.ts';
import { exactSum } from './exact.ts';
import { runs } from '../support/runs.ts';

/** Any finite number; some are so large that sums go beyond what a double holds, on their way or in the end. */
const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
const large = fc.constantFrom(
  1.7976931348623157e308,
  2 ** 1023,
  2 ** 970,
  2 ** 969 + 2 ** 917,
  2 ** 1020,
  5e-324,
);
const number = fc.oneof(
  finite,
  large,
  large.map((value) => -value),
);

function summed(values: readonly number[]): number {
  const sums = new ExactSums();
  atOnce(sums.reserve(1, (from, to) => copyColumn(new Pace(), from, to)));
  for (const value of values) sums.add(0, value);
  return sums.get(0);
}

test('a sum is the correctly rounded real sum', () => {
  fc.assert(
    fc.property(fc.array(number, { maxLength: 60 }), (values) => {
      expect(summed(values) + 0).toBe(exactSum(values) + 0);
    }),
    { numRuns: runs(2000) },
  );
});

test('what is taken back leaves nothing behind', () => {
  fc.assert(
    fc.property(fc.array(number), fc.array(number), fc.boolean(), (kept, taken, keptFirst) => {
      const there = keptFirst ? [...kept, ...taken] : [...taken, ...kept];
      const all = [...there, ...taken.map((value) => -value)];
      expect(summed(all) + 0).toBe(exactSum(kept) + 0);
    }),
    { numRuns: runs(1000) },
  );
});
