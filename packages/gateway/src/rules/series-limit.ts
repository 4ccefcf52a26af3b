/** How many series somebody may have, as a configuration file says it. */
export const onLimitWords = ['refuse', 'drop', 'overflow'] as const;

/**
 * What becomes of a push with new series beyond a limit: it is refused, or they are left out and counted, or added to one series of their family that
 * stands for them.
 */
export type OnLimit = (typeof onLimitWords)[number];

/** What a token may bring that is new. What it brings is its own until it goes, with limits or without. */
export interface SeriesAllowance {
  /** The name of the token. */
  readonly token: string;
  /** Of series as `--limit.series` counts them: a histogram is one for each bucket, and two. */
  readonly seriesMax: number | undefined;
  readonly newPerHour: number | undefined;
  /** How many of these are left; undefined without such a limit. */
  readonly newLeft: { readonly left: number; overdraw(count: number): void } | undefined;
  readonly onLimit: OnLimit;
}
