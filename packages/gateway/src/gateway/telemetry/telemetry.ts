import type { Usage } from '../../state/usage.ts';
import type { JournalStats } from '../../journal/journal.ts';
import type { ErrorCode } from '../../model/errors.ts';
import type { MetricType } from '../../model/metric-type.ts';
import type { Recovery } from '../ledger/recovery.ts';
import type { CutReason, DeleteRequest } from '../api.ts';
import type { TurnedAwayReason } from '../scrapes/scrape-turn.ts';
import type { ScrapesReport } from '../scrapes/scrapes.ts';
import type { SnapshotReport } from '../ledger/snapshots.ts';
import type { Suspicion } from './suspects.ts';

/**
 * What the layers report about themselves. Called on hot paths: implementations count in plain numbers and build
 * metrics only when asked for the page.
 */
export interface Telemetry {
  pushAccepted(samples: number, bytes: number, seconds: number): void;
  /** A push that was there already, under its idempotency key. */
  pushReplayed(): void;
  /** By name of the token that a push came with. */
  pushedBy(token: string, result: 'accepted' | 'refused'): void;
  /** A push refused by any layer, with its body size as far as known. */
  pushRefused(code: ErrorCode, bytes: number): void;
  samplesIgnored(reason: IgnoredReason, count: number): void;
  /** Samples of new series that were added to others that stand for them. */
  samplesOverflowed(count: number): void;
  /** Series that an operator had go; a histogram or summary is one. */
  seriesDeleted(what: DeletedBy, count: number): void;
  /** A group of records made safe. */
  committed(seconds: number): void;
  scraped(seconds: number, bytes: number): void;
  /** A scrape that was not begun. */
  scrapeTurnedAway(reason: TurnedAwayReason): void;
  /** A scrape that was not finished, for a reason of the gateway. */
  scrapeCut(reason: CutReason): void;
  /** Own metrics as text, with its content type. */
  page(): Promise<{ readonly contentType: string; readonly body: string }>;
}

type DeletedBy = DeleteRequest['what'];

export const ignoredReasons = [
  'non_finite',
  'non_finite_sum',
  'summary',
  'relabel',
  'series_limit',
  'stray_untyped',
  'name_collision',
] as const;

export type IgnoredReason = (typeof ignoredReasons)[number];

/** What is held, for the gateway's own metrics. `series` counts samples as the page shows them. */
export interface HoldingsByType {
  readonly series: Readonly<Record<MetricType, number>>;
  readonly families: Readonly<Record<MetricType, number>>;
  readonly usage: Usage;
  /** Series by the token that they were first pushed with, as `series` counts them. */
  readonly seriesByToken: ReadonlyMap<string, number>;
  readonly sourcesLive: number;
  /** Silent for so long that their gauges were reset. */
  readonly sourcesPruned: number;
  /** Deleted or forgotten since the process started. */
  readonly sourcesRetired: number;
  readonly seriesExpired: number;
  /** Older than what their source had pushed already, since the process started. */
  readonly pushesLate: number;
  /** Paths that look as if the mode of the gateway were wrong for them. */
  readonly suspects: readonly (readonly [reason: Suspicion, paths: number])[];
  readonly exemplars: number;
  /** Not kept because there were as many as may be, since the process started. */
  readonly exemplarsDropped: number;
  readonly idempotencyKeys: number;
  /** Keys that went before their time, since the process started. */
  readonly idempotencyKeysEvicted: number;
  /** Pushes and deletes that have not begun, as others have their turn. */
  readonly pushesWaiting: number;
  /** Time of the newest accepted push, milliseconds since the Unix epoch; undefined when none is known. */
  readonly lastPushMs: number | undefined;
  readonly scrapes: ScrapesReport;
  /** Undefined where everything is kept in memory, and until what was kept has been read. */
  readonly storage: StorageReport | undefined;
}

/** How the last reload of the configuration file went. */
export interface ConfigReport {
  readonly isSuccess: boolean;
  /** When rules were last taken from it, milliseconds since the Unix epoch; 0 without a file. */
  readonly lastSuccessMs: number;
}

export interface StorageReport extends JournalStats {
  /** Of records, since the process started. */
  readonly recordBytes: number;
  readonly snapshots: SnapshotReport;
  readonly recovery: Recovery;
}
