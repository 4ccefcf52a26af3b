import type { NativeHistogram } from '../model/native-histogram.ts';
import type { Batch } from './batch.ts';
import type { State } from './state.ts';
import type { ValueCheck } from './value-check.ts';
/** The histogram that native buckets are of. */
export interface NativeOwner {
  /** A group of the state, or `~g` for one of the batch. */
  readonly group: number;
  /** The index of its family in Batch.families. */
  family(): number;
}
export declare class PushNative {
  #private;
  constructor(state: State, batch: Batch, values: ValueCheck);
  add(histogram: NativeHistogram, owner: NativeOwner, offset: number): void;
  /**
   * The cell of the bucket that a value falls into, of the histogram added last: as in Batch.cells, undefined when it counted
   * nothing there.
   */
  bucketOf(value: number): number | undefined;
}
