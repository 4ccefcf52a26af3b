import type { State } from '../../state/state.ts';
import { holdsOnlyStartTimes } from '../../store/families.ts';
import type { Family } from '../../store/families.ts';
import { AccumulatorKind, isAverage } from '../../store/policies.ts';

/** What the exposition shows for an accumulator, were it made now; of a histogram's count all that its buckets hold. */
export function shownValue({ accumulators, families }: State, accumulator: number): number {
  const kind = accumulators.kindOf(accumulator);
  if (isAverage(kind)) return accumulators.averageOf(accumulator);
  const value = accumulators.sums.get(accumulator);
  if (kind !== AccumulatorKind.COUNT)
    return families.byId[accumulators.family[accumulator]!]?.type === 'info' ? Math.min(value, 1) : value;
  let count = 0;
  let hasBuckets = false;
  for (const bucket of accumulators.composites[accumulators.composite[accumulator]!]?.buckets ?? []) {
    if (accumulators.kindOf(bucket) === AccumulatorKind.FREE) continue;
    hasBuckets = true;
    count += accumulators.sums.get(bucket);
  }
  return hasBuckets ? count : value;
}

/** Whether a family is one that the exposition has by its own name. */
export function isShown(family: Family): boolean {
  return !family.discarded && family.rowCount > 0 && !holdsOnlyStartTimes(family);
}
