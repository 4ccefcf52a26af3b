import type { Batch } from './batch.ts';
import type { Cells } from './cells.ts';
import type { Pace } from './pace.ts';
/**
 * Creates the cells that get a number, and those that complete a group; the others are -1 in the result, which is by the
 * number of the fresh cell. Cells come in the order of the body, so that the next push of the same series finds each
 * after its predecessor.
 */
export declare function createNeeded(
  batch: Batch,
  cells: Cells,
  {
    startMs,
    pace,
  }: {
    readonly startMs: number;
    readonly pace: Pace;
  },
): Generator<void, Int32Array>;
/** Puts the numbers of cells that were fresh in their place in a batch. */
export declare function nameCreated(batch: Batch, created: Int32Array, pace: Pace): Generator<void, void>;
