import type { SeriesRights } from '../rules/access.ts';
import type { SeriesAllowance } from '../rules/series-limit.ts';
import type { GroupingKey, Label } from '../model/labels.ts';
import type { ExpositionFormat } from '../model/exposition-format.ts';
import type { PushFormat, PushOutcome } from '../model/push-outcome.ts';
import type { SendersMode } from '../store/aggregation-config.ts';
import type { Command } from '../wal/commands.ts';
import type { ForwardedFrom } from '../wal/forwarded-command.ts';
import type { InsightApi, Validated } from './insight-api.ts';

export type { PushFormat, PushOutcome } from '../model/push-outcome.ts';

/**
 * What the HTTP layer (and an embedder) asks of the gateway. All sizes are bytes, all times milliseconds.
 */
export interface GatewayApi {
  /**
   * Applies one push whole, or throws a RequestError and leaves no trace of it. Resolves once it is committed. The body is the decompressed text;
   * the gateway reads it until the promise settles and keeps no reference afterwards.
   */
  push(request: PushRequest): Promise<PushOutcome>;
  /** Says what a push would do, and leaves no trace of it. Rejects where that cannot be said; what is wrong with the push itself is in the answer. */
  validate(request: PushRequest): Promise<Validated>;
  /** How senders count by the rules in force. */
  readonly mode: SendersMode;
  /** Retires the source of the grouping key. False, and nothing is done, where the sender adds: it has no source. */
  delete(key: GroupingKey, client?: Client, forwarded?: ForwardedFrom): Promise<boolean>;
  /**
   * Has series go, or sources, or everything, or says what would. Resolves once all of it is committed; rejects with a RequestError, when a part
   * of it may have gone already.
   */
  deleteMany(request: DeleteRequest): Promise<Deleted>;
  /** Applies a command, and resolves with what it says once it is committed; rejects as `push` does. The way of all verbs of an operator. */
  commit<Result>(command: Command<Result>, client?: Client): Promise<Result>;
  /**
   * The aggregate at one point in time, which shows every push that was answered before. It waits for its turn with the first slice, and rejects
   * there with a RequestError when that does not come.
   */
  scrape(request?: ScrapeRequest): Scrape;
  /** Who has how many series, for an operator. Looks through all of them; rejects with a RequestError, or ClientGone. */
  statistics(client?: Pick<Client, 'isGone'>): Promise<SeriesStatistics>;
  /** What metrics, labels or series there are. Looks through them; rejects with a RequestError, or ClientGone. */
  list(request: ListRequest): Promise<Listed>;
  /** What it holds now, cheap to ask. */
  holdings(): Holdings;
  /** What it knows of itself beside that. */
  readonly insight: InsightApi;
}

/** Who waits for the answer, as far as pushes that have to wait are concerned. */
export interface Client {
  /** Senders take turns, however much each of them sends. */
  readonly sender: string;
  /** There is nobody to answer any more. */
  readonly isGone: boolean;
}

export interface DeleteRequest {
  readonly what: 'series' | 'sources' | 'all';
  /** Series selectors of PromQL, of which one must match; none for `all`. */
  readonly match: readonly string[];
  /** Nothing goes; what would is counted. */
  readonly isDryRun: boolean;
  readonly client?: Client | undefined;
  /** Who asks, for the log. */
  readonly remote?: string | undefined;
}

export interface Deleted {
  /** A histogram or summary is one. */
  readonly series: number;
  readonly sources: number;
  /** The first of them, as text. */
  readonly firstSeries: readonly string[];
  readonly firstSources: readonly string[];
}

/** A name, and how many or how much there is of it. */
export interface Statistic {
  readonly name: string;
  readonly value: number;
}

/** Series as Prometheus counts them after a scrape, by their names and labels. The largest of each list, those first. */
export interface SeriesStatistics {
  readonly series: number;
  /** Different pairs of a label and its value, the name of a metric among them. */
  readonly labelPairs: number;
  readonly seriesByName: readonly Statistic[];
  readonly valuesByLabel: readonly Statistic[];
  readonly bytesByLabel: readonly Statistic[];
  /** As `name=value`. */
  readonly seriesByPair: readonly Statistic[];
  /** What is not exact. */
  readonly warnings: readonly string[];
}

interface ListBounds {
  /** Entries; Infinity where there is no limit. */
  readonly limit: number;
  readonly client?: Pick<Client, 'isGone'> | undefined;
}

interface SampleFilter {
  /** Series selectors of PromQL, of which one must match; none for all series. */
  readonly match: readonly string[];
}

/** The buckets of a histogram, its sum and its count are a series each, as once they are scraped. */
export type ListRequest = ListBounds &
  (
    | { readonly what: 'metadata'; readonly metric?: string | undefined }
    | ({ readonly what: 'series' | 'labels' } & SampleFilter)
    | ({ readonly what: 'values'; readonly label: string } & SampleFilter)
  );

export interface Listed {
  /** JSON in UTF-8, in parts: of metadata an object, else an array. */
  readonly data: readonly Uint8Array[];
  /** What is left out. */
  readonly warnings: readonly string[];
}

export interface PushRequest {
  readonly method: 'PUT' | 'POST';
  readonly key: GroupingKey;
  /** `text` when left out. */
  readonly format?: PushFormat | undefined;
  readonly body: Uint8Array;
  /** A push with the same key as one before it, and otherwise the same, is not applied again. */
  readonly idempotencyKey?: string | undefined;
  /** At most so long ago it was sent for the first time; left out for a first attempt. One that may have been counted and forgotten is refused. */
  readonly firstAttemptAgeMs?: number | undefined;
  /** From another member of the cluster: it counts once, and not where its source has pushed since it was sent. `heldMs` is by now. */
  readonly forwarded?: ForwardedFrom | undefined;
  /** Which series it may have, and which labels they get. */
  readonly rights?: SeriesRights | undefined;
  /** Whose the new series are that it brings, and how many these may be. */
  readonly allowance?: SeriesAllowance | undefined;
  /** The name of the token or user that it comes with, for those who look at pushes. */
  readonly by?: string | undefined;
  /** Left out where the caller waits for as long as it takes; then the push rejects with ClientGone at no time. */
  readonly client?: Client | undefined;
}

export interface ScrapeRequest {
  /** Text 0.0.4 when left out. */
  readonly format?: ExpositionFormat | undefined;
  /** Who scrapes: any text that is the same for each scrape of one reader, and of no other. */
  readonly scraper?: string | undefined;
  /** Where from: scrapes of one network share the places there are with those of others. */
  readonly network?: string | undefined;
  /** For how long the page is wanted, from now on; it takes a minute at most when left out. */
  readonly timeoutMs?: number | undefined;
  /** Left out where the page is taken at once. */
  readonly reader?: ExpositionReader | undefined;
}

/**
 * A page that is read once, in slices ready to be written, which must not be changed. It has its place among the scrapes under way until its
 * last slice; where it goes to a reader, until it is closed, as that is when all of it has been taken, or nobody wants it any more.
 */
export interface Scrape extends AsyncIterable<Uint8Array> {
  close(): void;
}

export const cutReasons = ['stalled', 'lifetime', 'pressure'] as const;

/** Why a page is not finished: nothing was taken of it, it took too long, or others waited while it was read slowly. */
export type CutReason = (typeof cutReasons)[number];

/** Where a page goes, for telling who reads from who only keeps a place. */
export interface ExpositionReader {
  /** Grows with what is taken. */
  readonly takenBytes: number;
  /** Whether there is something for it that it has not taken yet. */
  readonly isBehind: boolean;
  /** What lies between the page and the reader takes so much memory. */
  readonly bufferBytes: number;
  /** The page will not be finished, and what there is of it must not pass for whole. The next slice rejects. */
  cut(reason: CutReason): void;
}

export interface Holdings {
  readonly families: number;
  readonly series: number;
  readonly sources: number;
  /** Since the process started. */
  readonly pushes: number;
  /** Time of the newest accepted push, milliseconds since the Unix epoch, also before a restart; undefined when none is known. */
  readonly lastPushMs: number | undefined;
  /** One for each reason there is. */
  readonly suspects: readonly Suspect[];
}

/** Paths that look as if the gateway ran in the wrong mode for who pushes to them. */
export interface Suspect {
  /** What it looks like, and what to change. */
  readonly remedy: string;
  /** Of one of the paths. */
  readonly labels: readonly Label[];
  /** How many there are, of those that are watched. */
  readonly paths: number;
}
