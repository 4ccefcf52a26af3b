/** Series that go because an operator says so: whatever they are, and whoever has a part of them. */
import { NumberList } from '../primitives/number-list.ts';
import type { Pace } from '../primitives/pace.ts';
import type { Accumulators } from '../store/accumulators.ts';
import { AccumulatorKind, isGrouped } from '../store/policies.ts';

/** To free an accumulator is as much work as so many rows. */
const FREED_ROWS = 4;

/** What is asked of the state. */
export interface DroppingState {
  readonly accumulators: Accumulators;
  readonly pace: Pace;
  /** Has sources forget what they have of accumulators that are about to go; undefined where there are none. */
  readonly forget: ((accumulators: Uint32Array) => Generator<void, void>) | undefined;
  /** Takes a series off the page that is one accumulator. */
  readonly free: (accumulator: number) => void;
  readonly dropComposite: (composite: number) => Generator<void, void>;
}

/** Whether a number is that of an accumulator by which a series is named: its only one, or the count of a composite series. */
export function namesSeries({ kind, composite, composites }: Accumulators, accumulator: number): boolean {
  const is = kind[accumulator] ?? AccumulatorKind.FREE;
  if (is === AccumulatorKind.FREE) return false;
  return !isGrouped(is) || composites[composite[accumulator]!]!.count === accumulator;
}

/** Drops the series that these accumulators name; those that are not there are passed over. Returns how many went. */
export function* dropSeries(named: Uint32Array, state: DroppingState): Generator<void, number> {
  const { accumulators, pace } = state;
  if (state.forget !== undefined) yield* state.forget(yield* allOf(named, state));
  let dropped = 0;
  for (const accumulator of named) {
    if (pace.isFull(FREED_ROWS)) yield;
    if (!namesSeries(accumulators, accumulator)) continue;
    dropped += 1;
    if (isGrouped(accumulators.kind[accumulator]!))
      yield* state.dropComposite(accumulators.composite[accumulator]!);
    else state.free(accumulator);
  }
  return dropped;
}

/** All accumulators of the series. */
function* allOf(
  named: Uint32Array,
  { accumulators, pace }: Pick<DroppingState, 'accumulators' | 'pace'>,
): Generator<void, Uint32Array> {
  const all = new NumberList();
  for (const accumulator of named) {
    if (pace.isFull(1)) yield;
    if (!namesSeries(accumulators, accumulator)) continue;
    if (!isGrouped(accumulators.kind[accumulator]!)) all.push(accumulator);
    else for (const member of accumulators.membersOf(accumulators.composite[accumulator]!)) all.push(member);
  }
  return all.between(0, all.length);
}
