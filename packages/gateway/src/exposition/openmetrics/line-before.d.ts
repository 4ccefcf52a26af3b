import type { FamilyType } from './family-types.ts';
/** `_created`, `_sum`, and `_total` or `_count`. */
export declare const CREATED_BYTES = 8;
/** A sample by the places in the body where it starts, where its labels start, and where they end. */
export interface SeriesAt {
  readonly start: number;
  readonly labels: number;
  readonly end: number;
}
/** Where name and labels end in a line that ends before `position` in a blank and a plain number. */
export declare function seriesEndBefore(view: DataView, position: number): number;
/**
 * Whether the line whose name and labels end at `seriesEnd` is of the same series as a start time: it has the same labels, and all
 * labels of the series (no `le`, no `quantile`).
 */
export declare function isSameSeries(
  view: DataView,
  seriesEnd: number,
  created: SeriesAt,
  { roles }: FamilyType,
): boolean;
