import { test } from 'vitest';

import { Paged } from '../../src/primitives/paged.ts';
import { expectSame } from '../support/expect-same.ts';
import { Random } from '../support/random.ts';

test('what was set is there until it is deleted', () => {
  const random = new Random(1);
  const paged = new Paged<number>();
  const map = new Map<number, number>();
  for (let i = 0; i < 50_000; i += 1) {
    const number = random.below(3) * 100_000 + random.below(3000);
    if (random.chance(60)) {
      paged.set(number, i);
      map.set(number, i);
    } else {
      paged.delete(number);
      map.delete(number);
    }
    const other = random.below(300_000);
    expectSame(paged.get(number), map.get(number));
    expectSame(paged.get(other), map.get(other));
    expectSame(paged.size, map.size);
  }
});
