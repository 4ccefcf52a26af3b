import type { Exemplar } from '../../model/exemplar.ts';
import type { FamilyView, NativeView, SeriesView } from '../../model/page-view.ts';
/** A copy of one row, or the sum of several. */
export interface MergedRow {
  readonly labels: Uint8Array;
  value: number;
  sum: number;
  startMs: number;
  /** By ascending bound. */
  buckets: readonly Bucket[];
  exemplar: Exemplar | undefined;
  native: NativeView | undefined;
}
export interface Bucket {
  readonly bound: number;
  /** Observations in this bucket alone. */
  readonly count: number;
  readonly exemplar: Exemplar | undefined;
}
/** The row as it is now, with the labels in canonical form. */
export declare function copyRow(series: SeriesView, labels: Uint8Array): MergedRow;
/** The family of the rows. */
export interface Merging extends Pick<FamilyView, 'type' | 'startTimes'> {
  /** Of one native histogram. */
  readonly nativeBucketsMax: number;
}
/** Adds `more` to `row`. */
export declare function mergeInto(
  row: MergedRow,
  more: MergedRow,
  { type, startTimes, nativeBucketsMax }: Merging,
): void;
