/** What of totals that are sums no source has: what senders that add and sources that are gone have put there. */
import { ExactSums } from '../primitives/exact-sums.ts';
import { copyColumn } from '../primitives/pace.ts';
import type { Pace } from '../primitives/pace.ts';
import type { Accumulators } from '../store/accumulators.ts';
import type { Contributions } from './contributions.ts';
import type { SourceList } from './source-list.ts';
import { isStart } from './source-starts.ts';

export interface Held {
  readonly accumulators: Accumulators;
  readonly list: SourceList;
  readonly contributions: Contributions;
  readonly pace: Pace;
  /** A number for each accumulator, all zero. */
  readonly scratch: Uint32Array;
}

/** What sources have that is not as it should be. */
interface Unfit {
  fits(value: number): boolean;
  /** Called with each source that has such a thing; `isOf` says what was asked for. */
  take(source: number, isOf: (accumulator: number) => boolean): Generator<void, void>;
}

/**
 * By place in the list. Counts anew who has a part of each: senders that add, and sources, but for what is unfit. Looks through the sources
 * until all are found, from the newest on.
 */
export function* sourcelessSums(
  rows: Uint32Array,
  { accumulators: all, list, contributions: own, pace, scratch: place }: Held,
  unfit?: Unfit,
): Generator<void, ExactSums> {
  const { common, contributors, sums } = all;
  const rest = new ExactSums();
  yield* rest.reserve(rows.length, (from, to) => copyColumn(pace, from, to));
  let left = 0;
  for (const [at, accumulator] of rows.entries()) {
    left += all.sourcesOf(accumulator);
    contributors[accumulator] = common.has(accumulator) ? 1 : 0;
    place[accumulator] = at + 1;
    for (const part of sums.parts(accumulator)) rest.add(at, part);
    if (pace.isFull(1)) yield;
  }
  for (const source of list.newestFirst()) {
    if (left <= 0) break;
    let isUnfit = false;
    own.open(source);
    const { accumulators, accumulatorsAt, values, valuesAt, length } = own;
    for (let at = 0; at < length; at += 1) {
      const accumulator = accumulators[accumulatorsAt + at]!;
      if (pace.isFull(1)) yield;
      if (isStart(accumulator) || place[accumulator] === 0) continue;
      const value = values[valuesAt + at]!;
      rest.add(place[accumulator]! - 1, -value);
      left -= 1;
      if (unfit === undefined || unfit.fits(value)) contributors[accumulator]! += 1;
      else isUnfit = true;
    }
    if (isUnfit) yield* unfit!.take(source, (accumulator) => place[accumulator] !== 0);
  }
  for (const accumulator of rows) {
    place[accumulator] = 0;
    if (pace.isFull(1)) yield;
  }
  return rest;
}
