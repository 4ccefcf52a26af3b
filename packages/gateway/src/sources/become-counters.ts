/** Untyped accumulators that are counters from now on, where there are sources. */
import { ExactSums } from '../primitives/exact-sums.ts';
import { copyColumn } from '../primitives/pace.ts';
import type { Pace } from '../primitives/pace.ts';
import type { Accumulators } from '../store/accumulators.ts';
import type { Contributions } from './contributions.ts';
import type { SourceList } from './source-list.ts';
import { isStart } from './source-starts.ts';

interface Held {
  readonly accumulators: Accumulators;
  readonly list: SourceList;
  readonly contributions: Contributions;
  readonly pace: Pace;
  /** A number for each accumulator, all zero. */
  readonly scratch: Uint32Array;
  /** Leaves a source what `stays` says; returns how many contributions went. */
  filter(
    source: number,
    stays: (accumulator: number, value: number) => boolean,
    onGone: (accumulator: number, value: number) => void,
  ): Generator<void, number>;
}

/**
 * Makes counters of accumulators that were untyped. What a source has below zero no counter can have: it is taken out of the total, and
 * so is what sources that are gone and senders that add left there, or the total would fall below zero as soon as others fall. Counts anew who
 * holds them: sources that are forgotten hold untyped accumulators, and no counters. Looks through the sources until all are found; mostly
 * whoever says what they are has just pushed them. Returns how many numbers below zero were taken out.
 */
export function* becomeCounters(
  counters: Uint32Array,
  { accumulators: all, list, contributions: own, pace, scratch: place, ...held }: Held,
): Generator<void, number> {
  const { common, contributors, sums } = all;
  /** By place: what no source holds. */
  const rest = new ExactSums();
  yield* rest.reserve(counters.length + 1, (from, to) => copyColumn(pace, from, to));
  let [left, dropped] = [0, 0];
  for (const [at, accumulator] of counters.entries()) {
    left += all.sourcesOf(accumulator);
    contributors[accumulator] = common.has(accumulator) ? 1 : 0;
    place[accumulator] = at + 1;
    for (const part of sums.parts(accumulator)) rest.add(at + 1, part);
    if (pace.isFull(1)) yield;
  }
  for (const source of list.newestFirst()) {
    if (left <= 0) break;
    let hasNegative = false;
    own.open(source);
    const { accumulators, accumulatorsAt, values, valuesAt, length } = own;
    for (let at = 0; at < length; at += 1) {
      const accumulator = accumulators[accumulatorsAt + at]!;
      if (pace.isFull(1)) yield;
      if (isStart(accumulator) || place[accumulator] === 0) continue;
      const value = values[valuesAt + at]!;
      rest.add(place[accumulator]!, -value);
      left -= 1;
      if (value < 0) hasNegative = true;
      else contributors[accumulator]! += 1;
    }
    if (hasNegative)
      dropped += yield* held.filter(
        source,
        (accumulator, value) => value >= 0 || place[accumulator] === 0,
        (accumulator, value) => all.add(accumulator, -value),
      );
  }
  for (const accumulator of counters) {
    const nobodys = place[accumulator]!;
    if (rest.get(nobodys) < 0) {
      for (const part of rest.parts(nobodys)) all.add(accumulator, -part);
      dropped += 1;
    }
    place[accumulator] = 0;
    if (pace.isFull(1)) yield;
  }
  return dropped;
}
