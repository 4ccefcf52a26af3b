/** What only some formats say of series: since when they count, and exemplars. */
import type { Pace } from '../primitives/pace.ts';
import type { Accumulators } from '../store/accumulators.ts';
import type { Batch } from '../store/batch.ts';

export function* applyDetails(
  { starts, exemplars }: Batch,
  accumulators: Accumulators,
  { wallMs, pace }: { readonly wallMs: number; readonly pace: Pace },
): Generator<void, void> {
  for (const { accumulator, startMs } of starts) {
    accumulators.startEarlier(accumulator, startMs);
    if (pace.isFull(1)) yield;
  }
  for (const { accumulator, exemplar } of exemplars) {
    accumulators.offerExemplar(accumulator, exemplar, wallMs);
    if (pace.isFull(2)) yield;
  }
}
