import fc from 'fast-check';
import { expect, test } from 'vitest';

import { Top } from '../../src/primitives/top.ts';
import { atOnce } from '../../src/primitives/turns.ts';

test('the largest come first, and of equal ones those at lower places', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.nat(5), fc.nat(2 ** 31)), { maxLength: 100 }),
      fc.integer({ min: 1, max: 20 }),
      (values, max) => {
        const top = new Top(max);
        for (const [place, value] of values.entries()) top.offer(place, value);
        const places = values.map((_, place) => place).toSorted((a, b) => values[b]! - values[a]! || a - b);
        expect(atOnce(top.take())).toEqual(places.slice(0, max));
        expect(atOnce(top.take())).toEqual([]);
      },
    ),
  );
});
