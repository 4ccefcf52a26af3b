import type { Pace } from '../primitives/pace.ts';
import type { Batch } from '../store/batch.ts';
import type { Families } from '../store/families.ts';

/** Removes families of a push of which nothing came to be: a gauge that is NaN, or lines that the type does not allow. `onRemoved` comes for each. */
export function* removeEmpty(
  { families: pushed }: Batch,
  { families, pace }: { readonly families: Families; readonly pace: Pace },
  onRemoved: () => void,
): Generator<void, void> {
  for (const { known } of pushed) {
    if (pace.isFull(1)) yield;
    const isEmpty = known !== undefined && known.rowCount === 0 && !known.discarded;
    if (!isEmpty || families.find(known.name) !== known) continue;
    families.remove(known);
    onRemoved();
  }
}
