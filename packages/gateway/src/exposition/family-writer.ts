import type { FamilyView } from '../model/read-view.ts';

/**
 * Writes the families of one exposition in one format, into the ExpositionWriter that its constructor is given. For each family come
 * `begin`, `rows` for all of its rows in order and a few at a time, and `end`; after the last family comes `finish`. The bytes from
 * the `begin` of a family to its `end` must depend on nothing but the family and its variant (scrape-cache.ts), as they may be
 * shown again on a later page.
 */
export interface FamilyWriter {
  /** The rows of the family are not sorted yet, so they may be counted but not visited. */
  begin(family: FamilyView): void;
  /** Comes once the rows are sorted, before the first of them; for what must be known of all of them. Steps of a millisecond. */
  prepare?(family: FamilyView): Iterable<void>;
  /** The rows from `from` up to `to`. */
  rows(family: FamilyView, from: number, to: number): void;
  end(family: FamilyView): void;
  finish(): void;
}

/** What an operator may choose about expositions. */
export interface ExpositionOptions {
  /** OpenMetrics has a line `_created` for each series with a start time. */
  readonly created: boolean;
  /** In text and OpenMetrics, histograms without classic buckets are shown with their native ones as such. */
  readonly nativeAsClassic: boolean;
}

export const defaultExpositionOptions: ExpositionOptions = { created: true, nativeAsClassic: false };
