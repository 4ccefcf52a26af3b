/**
 * What decides how an exposition shows the state. It is part of the state, so that all who have the same records show the same, whatever the
 * flags of each: those of whoever writes records get there by a record.
 */
export interface ExpositionConfig {
  /** Buckets that a native histogram has in the exposition at most, and in a push of each resolution. */
  readonly nativeBucketsMax: number;
  /** In text and OpenMetrics, histograms without classic buckets are shown with their native ones as such. */
  readonly nativeAsClassic: boolean;
  /** OpenMetrics has a line `_created` for each series with a start time. */
  readonly created: boolean;
  /** In text, what a scraper has not seen before is shown to it as 0 once. */
  readonly zeroFirst: boolean;
}

/** Before any record says otherwise. Stores depend on it. */
export const initialExposition: ExpositionConfig = {
  nativeBucketsMax: 160,
  nativeAsClassic: false,
  created: false,
  zeroFirst: false,
};

export function isSameExposition(one: ExpositionConfig, other: ExpositionConfig): boolean {
  return (
    one.nativeBucketsMax === other.nativeBucketsMax &&
    one.nativeAsClassic === other.nativeAsClassic &&
    one.created === other.created &&
    one.zeroFirst === other.zeroFirst
  );
}
