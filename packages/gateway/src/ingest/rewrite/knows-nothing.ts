/** Has every line parsed. */
import { UNKNOWN } from '../../model/known-series.ts';
import type { KnownSeries } from '../../model/known-series.ts';

export function knowsNothing(hashSeed: number): KnownSeries {
  const never = (): never => {
    throw new Error('BUG: nothing is known here');
  };
  return {
    hashSeed,
    guessed: UNKNOWN,
    addExpected: (_view, start) => start,
    guess: () => UNKNOWN,
    find: () => UNKNOWN,
    guessKey: () => UNKNOWN,
    findKey: () => UNKNOWN,
    findSum: () => UNKNOWN,
    findBucket: () => UNKNOWN,
    addKnown: never,
    addDiscarded: never,
    addPlain: () => false,
  };
}
