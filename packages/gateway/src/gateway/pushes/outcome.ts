import type { PushOutcome } from '../../model/push-outcome.ts';
import type { Batch } from '../../store/batch.ts';

/** Samples of a push, and what became of them. */
export interface SampleCounts {
  readonly samples: number;
  readonly nonFinite: number;
  readonly sums: number;
  readonly summary: number;
  readonly byRule: number;
  readonly byLimit: number;
}

export function countsIn(batch: Batch): SampleCounts {
  return {
    samples: batch.samples,
    nonFinite: batch.ignoredNonFinite,
    sums: batch.ignoredSums,
    summary: batch.ignoredSummary,
    byRule: batch.ignoredByRule,
    byLimit: batch.ignoredByLimit,
  };
}

/** What is said of a push that was not refused, or is not going to be. */
export function outcomeOf(read: SampleCounts, isLate: boolean): PushOutcome {
  if (isLate) return 'late';
  const ignored = read.nonFinite + read.sums + read.summary + read.byRule + read.byLimit;
  if (read.samples === 0 || read.samples > ignored) return 'applied';
  if (read.byLimit > 0) return 'dropped by limits';
  return read.byRule > 0 ? 'dropped by rules' : 'dropped';
}
