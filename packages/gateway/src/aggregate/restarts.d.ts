import type { Batch } from './batch.ts';
import type { Cells } from './cells.ts';
import type { Pace } from './pace.ts';
/** Cells and what a source has, or now says, of each. */
interface Numbers {
  readonly length: number;
  cellAt(i: number): number;
  valueAt(i: number): number;
}
export interface Replacement {
  readonly cells: Cells;
  readonly before: Numbers;
  readonly batch: Batch;
  /** By cell: 1 + its place in `before`; 0 for none. */
  readonly position: Uint32Array;
  readonly pace: Pace;
  /** Whether a family with this id may fall without having begun anew. */
  isGauge(family: number): boolean;
}
/**
 * Groups of which a count or a bucket is smaller than it was, or the set of classic buckets is another one, as bounds do not
 * change while a process runs. Decided once for a whole histogram. Native buckets change with the resolution, so they are
 * looked at as Prometheus does.
 */
export declare function restartedGroups(replacement: Replacement): Generator<void, ReadonlySet<number>>;
export {};
