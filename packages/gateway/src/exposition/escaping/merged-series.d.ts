import type { Exemplar } from '../../model/exemplar.ts';
import type { NativeView, SeriesView } from '../../model/page-view.ts';
import type { MergedRow } from './merged-rows.ts';
/** A row that was added up, as views have it. */
export declare class MergedSeries implements SeriesView {
  #private;
  bytes: Uint8Array;
  readonly labelsStart: number;
  labelsEnd: number;
  value: number;
  sum: number;
  bucketCount: number;
  bounds: Float64Array;
  cumulative: Float64Array;
  startMs: number;
  read(row: MergedRow): void;
  exemplar(bucket: number): Exemplar | undefined;
  native(): NativeView | undefined;
}
