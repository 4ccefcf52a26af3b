import { isDistribution } from '../model/metric-type.ts';
import { NumberList } from '../primitives/number-list.ts';
import type { Accumulators } from '../store/accumulators.ts';
import type { Family } from '../store/families.ts';
import type { Pace } from '../primitives/pace.ts';
import { AccumulatorKind } from '../store/policies.ts';

/** Takes freed rows out of the lists of a family. Views keep the lists as they were. */
export function* cleanRows(
  family: Family,
  { kind, composites }: Pick<Accumulators, 'kind' | 'composites'>,
  pace: Pace,
): Generator<void, void> {
  const { sorted, pending } = family;
  const areComposites = isDistribution(family.type);
  const isLive = (row: number): boolean =>
    kind[areComposites ? composites[row]!.count : row] !== AccumulatorKind.FREE;
  const [live, livePending] = [new NumberList(), new NumberList()];
  for (const row of sorted) {
    if (isLive(row)) live.push(row);
    if (pace.isFull(1)) yield;
  }
  for (const row of pending.between(0, pending.length)) {
    if (isLive(row)) livePending.push(row);
    if (pace.isFull(1)) yield;
  }
  family.sorted = live.between(0, live.length);
  family.pending = livePending;
}
