/** Untyped accumulators that are counters from now on, where there are sources. */
import { sourcelessSums } from './sourceless.ts';
import type { Held } from './sourceless.ts';

/** Leaves a source what `stays` says; returns how many contributions went. */
type Filter = (
  source: number,
  stays: (accumulator: number, value: number) => boolean,
  onGone: (accumulator: number, value: number) => void,
) => Generator<void, number>;

/**
 * Makes counters of accumulators that were untyped. What a source has below zero no counter can have: it is taken out of the total, and
 * so is what sources that are gone and senders that add left there, or the total would fall below zero as soon as others fall. Counts anew who
 * holds them: sources that are forgotten hold untyped accumulators, and no counters. Mostly whoever says what they are has just pushed them.
 * Returns how many numbers below zero were taken out.
 */
export function* becomeCounters(counters: Uint32Array, held: Held, filter: Filter): Generator<void, number> {
  const { accumulators, pace } = held;
  let dropped = 0;
  const rest = yield* sourcelessSums(counters, held, {
    fits: (value) => value >= 0,
    *take(source, isOf) {
      dropped += yield* filter(
        source,
        (accumulator, value) => value >= 0 || !isOf(accumulator),
        (accumulator, value) => accumulators.add(accumulator, -value),
      );
    },
  });
  for (const [at, accumulator] of counters.entries()) {
    accumulators.common.named?.delete(accumulator);
    if (rest.get(at) < 0) {
      for (const part of rest.parts(at)) accumulators.add(accumulator, -part);
      dropped += 1;
    }
    if (pace.isFull(1)) yield;
  }
  return dropped;
}
