/**
 * A push of a source, put in the place of what it pushed before. Nearly every push names the same cells as the one before it, in the
 * same order: `#update` takes it in one pass and makes no object. All else goes through `#merge`.
 */
import type { Batch } from './batch.ts';
import type { Cells } from './cells.ts';
import type { Contributions } from './contributions.ts';
import type { SourceChanges } from './source-changes.ts';
export declare class SourcePush {
  #private;
  /** Whether counters that fall have begun anew. */
  accumulate: boolean;
  constructor(cells: Cells, contributions: Contributions, changes: SourceChanges);
  /** With `put`, gauges and untyped series that the batch left out go. Returns the steps that are left to take. */
  take(source: number, batch: Batch, put: boolean): Generator<void, void> | undefined;
}
