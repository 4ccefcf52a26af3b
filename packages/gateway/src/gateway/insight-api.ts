/** What the gateway knows of itself beside what it holds, as the HTTP layer asks for it: telemetry, in memory, that begins anew with the process. */
import type { GroupingKey } from '../model/labels.ts';
import type { PushOutcome } from '../model/push-outcome.ts';
import type { TokenRate } from '../rules/access.ts';
import type { OnLimit } from '../rules/series-limit.ts';

/** JSON in UTF-8, in parts. */
export interface InsightAnswer {
  readonly data: readonly Uint8Array[];
  /** What is left out. */
  readonly warnings: readonly string[];
}

export const familySorts = ['name', 'series', 'pushes', 'last_change'] as const;
export type FamilySort = (typeof familySorts)[number];

/** A part of a list. */
export interface PageRequest {
  /** Entries. */
  readonly limit: number;
  /** What `next` was in the answer before; undefined for the first part. */
  readonly after: string | undefined;
  readonly client: { readonly isGone: boolean };
}

export interface FamiliesRequest extends PageRequest {
  /** Series selectors of PromQL, of which one must match some series; none for all. */
  readonly match: readonly string[];
  /** Words that must be in the name, or `label=value`, where the value must be in that of some series. */
  readonly search: string;
  readonly sort: FamilySort;
}

export interface FamilyRequest extends PageRequest {
  readonly name: string;
  readonly match: readonly string[];
}

export interface ExplainRequest {
  /** Series selectors of PromQL, of which one must match. */
  readonly match: readonly string[];
  /** Series. */
  readonly limit: number;
  readonly client: { readonly isGone: boolean };
}

export interface SourcesRequest extends PageRequest {
  /** Words that must be in `label=value` of the path. */
  readonly search: string;
}

/** Who watches. It must not throw, and says for itself when it is too slow. */
export interface EventReader {
  /** Who shares places with whom; see http/senders/sender.ts. */
  readonly sender: string;
  /** Text of `text/event-stream`. */
  take(text: string): void;
  /** Nothing more will come. */
  end(): void;
}

/** One series that a push would change; of a histogram or summary its count. */
export interface ValidatedSeries {
  readonly labels: object;
  readonly family: string;
  readonly type: string;
  readonly isNew: boolean;
  /** Null where it is new. */
  readonly before: string | null;
  /** Null where it would not be there, or that cannot be said without applying the push. */
  readonly after: string | null;
  /** What rules do to it. */
  readonly rules: readonly string[];
}

export interface ValidatedError {
  readonly code: string;
  readonly message: string;
  readonly line: number | null;
  readonly column: number | null;
  /** Of the line, and where in it the place is. */
  readonly excerpt: string | null;
  readonly excerptColumn: number | null;
}

/** What a push would do. */
export interface Validated {
  /** What would be said of it. */
  readonly wouldBe: PushOutcome | 'refused';
  readonly mode: 'add' | 'by-job';
  readonly samples: number;
  readonly series: readonly ValidatedSeries[];
  /** Series that rules drop, as pushed, with the rules. */
  readonly dropped: readonly { readonly series: string; readonly rules: readonly string[] }[];
  readonly ignored: object;
  readonly errors: readonly ValidatedError[];
  /** Not all of it is shown. */
  readonly truncated: boolean;
}

/** A scrape that was answered. */
export interface ScrapeNote {
  /** The aggregate, or the gateway's own metrics. */
  readonly target: 'aggregate' | 'own';
  readonly address: string | undefined;
  readonly userAgent: string;
  /** Before compression. */
  readonly bytes: number;
  readonly format: string;
  readonly seconds: number;
}

export interface ShownScraper extends Omit<ScrapeNote, 'address'> {
  readonly address: string | null;
  /** Seconds since the Unix epoch. */
  readonly last: number;
  /** About; null where it came once. */
  readonly intervalSeconds: number | null;
  readonly scrapes: number;
}

/** Who asked for something: the token or user, and where from. */
export interface Who {
  readonly name: string | null;
  readonly address: string | null;
}

/** What an operator or a sender asked for that takes something away, or changes the rules. */
export interface AuditEntry {
  /** Seconds since the Unix epoch. */
  readonly time: number;
  readonly what: 'delete' | 'delete_series' | 'delete_sources' | 'wipe' | 'reload';
  readonly who: Who;
  readonly detail: string;
  readonly outcome: string;
}

/** Whose limit it is. */
export type LimitScope = 'gateway' | 'token' | 'job' | 'source' | 'family';

export interface LimitsRequest {
  readonly rates: readonly TokenRate[];
  readonly client: { readonly isGone: boolean };
}

export interface ShownLimit {
  readonly name: string;
  readonly scope: LimitScope;
  /** The name of the token, job or family, or the path of the source; null for the gateway. */
  readonly of: string | null;
  /** Null for the gateway. */
  readonly onLimit: OnLimit | null;
  readonly used: number;
  readonly max: number;
  /** How much more there is in an hour; null while that is not known. */
  readonly perHour: number | null;
  /** Null where it does not grow. */
  readonly secondsUntilFull: number | null;
}

/** Of the last hour: of a family, or of the first series that matches. */
export interface HistoryRequest {
  readonly family: string;
  readonly series: string;
  readonly client: { readonly isGone: boolean };
}

/** Who pushes. */
export interface Pusher {
  readonly key: GroupingKey;
  /** The name of a token or user. */
  readonly by: string | undefined;
  readonly address: string | undefined;
}

export interface InsightApi {
  /** Where pushes go to, for the paths that are shown. */
  pushPath: string;
  /** Has a reader see what happens from now on; first what was pushed last. Throws RequestError where there are too many. Returns what ends it. */
  watch(reader: EventReader): () => void;
  /** These reject with RequestError, or with ClientGone where nobody waits any more. */
  families(request: FamiliesRequest): Promise<InsightAnswer>;
  family(request: FamilyRequest): Promise<InsightAnswer>;
  sources(request: SourcesRequest): Promise<InsightAnswer>;
  /** Who makes up the numbers of series. */
  explain(request: ExplainRequest): Promise<InsightAnswer>;
  /** Counts exactly for some time who adds to a family; until when, in seconds since the Unix epoch. Throws RequestError. */
  watchSenders(family: string): number;
  rules(client: { readonly isGone: boolean }): Promise<InsightAnswer>;
  /** All metrics, as Pushgateway's API has them. */
  pushedMetrics(client: { readonly isGone: boolean }): Promise<InsightAnswer>;
  /** Resolves with what is to be answered. */
  history(request: HistoryRequest): Promise<object>;
  scrapers(): readonly ShownScraper[];
  audit(): readonly AuditEntry[];
  limits(request: LimitsRequest): Promise<InsightAnswer>;
  scraped(note: ScrapeNote): void;
  audited(entry: Omit<AuditEntry, 'time'>): void;
  /** Tells those who watch of what was refused, as it is to be shown. */
  refused(shown: () => object): void;
  /** Notes that a push was refused. */
  pushRefused(pusher: Pusher): void;
}
