import type { Batch } from './batch.ts';
import type { Cells } from './cells.ts';
import type { Families } from './families.ts';
export declare class StrictHistograms {
  #private;
  constructor(batch: Batch, cells: Cells, families: Families);
  /** Throws a PushProblem for the first histogram or summary that is not as it should be. */
  check(): void;
}
