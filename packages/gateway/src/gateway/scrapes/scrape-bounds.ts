/** What scrapes may take of the gateway, and for how long. */
export interface ScrapeBounds {
  /** Scrapes under way at one time. */
  readonly scrapesMax: number;
  /** Of all views, of what readers have not taken yet, and of freed series whose memory views keep from being used again. */
  readonly viewsBytesMax: number;
  /** Scrapes that wait, for each that may be under way. */
  readonly waitingPerPlace: number;
  /** A scrape waits no longer than this for its turn. */
  readonly waitMs: number;
  /** A scrape whose reader does not say how long it waits lives so long. */
  readonly lifetimeMs: number;
  /** What a reader says counts up to here. */
  readonly lifetimeMsMax: number;
  /** A reader that takes nothing for so long is cut off. */
  readonly stallMs: number;
  /** A reader that has kept the gateway waiting for so long may be cut off where others wait for its place. */
  readonly graceMs: number;
  /** The same where very many wait. */
  readonly graceMsMin: number;
  /** Slower readers may be cut off for the sake of anybody, faster ones only for those who have a smaller share. */
  readonly slowBytesPerSecond: number;
  /** Between looks at readers and clocks. */
  readonly checkMs: number;
}

export const defaultScrapeBounds: ScrapeBounds = {
  scrapesMax: 16,
  viewsBytesMax: 1024 * 1024 * 1024,
  waitingPerPlace: 16,
  waitMs: 10_000,
  lifetimeMs: 60_000,
  lifetimeMsMax: 120_000,
  stallMs: 60_000,
  graceMs: 2_000,
  graceMsMin: 250,
  slowBytesPerSecond: 128 * 1024,
  checkMs: 50,
};
