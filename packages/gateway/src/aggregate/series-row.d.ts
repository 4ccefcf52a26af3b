import type { Exemplar } from '../model/exemplar.ts';
import type { MetricType } from '../model/metric-type.ts';
import type { NativeView, SeriesView } from '../model/page-view.ts';
import type { Cells } from './cells.ts';
import type { EarlierDetails } from './earlier-details.ts';
import type { Families } from './families.ts';
/**
 * The state that a page shows. Of what may change meanwhile, only these are as they were: totals, exemplars and starts by way of
 * `earlier`, and the lists of cells in a group. Of cells freed since, texts and bounds are still there, and nothing else.
 */
export interface ViewedState {
  readonly cells: Cells;
  readonly families: Families;
  readonly hashSeed: number;
  /** Buckets that a native histogram has on the page at most. */
  readonly nativeBucketsMax: number;
  /** The total of each cell when the view was opened. */
  readonly sums: Float64Array;
  readonly earlier: EarlierDetails;
  /** The value of Cells.tick then. */
  readonly tick: number;
}
/** Reads the rows of one family, one at a time. */
export declare class SeriesRow implements SeriesView {
  #private;
  bytes: Uint8Array;
  labelsStart: number;
  labelsEnd: number;
  value: number;
  sum: number;
  bucketCount: number;
  bounds: Float64Array;
  cumulative: Float64Array;
  startMs: number;
  /** The type is the one that the family had when the view was opened. */
  constructor(
    {
      name,
      type,
    }: {
      readonly name: string;
      readonly type: MetricType;
    },
    state: ViewedState,
  );
  /** Reads a row that is one cell. */
  readCell(cell: number): void;
  /** Reads a histogram or summary. */
  readGroup(id: number): void;
  exemplar(bucket: number): Exemplar | undefined;
  native(): NativeView | undefined;
}
/** Cells that came after a view was opened have no total in it, or NaN where a free number was used again. */
export declare function isHeld(sums: Float64Array, cell: number): boolean;
