/** What the API answers with, as far as the page shows it; see docs/reference/http.md. */
import type { Labels } from './names.ts';

export type Mode = 'add' | 'by-job' | 'mixed';
export type Role = 'push' | 'delete' | 'scrape' | 'read' | 'admin' | 'lifecycle';

/** Of `/` as JSON. */
export interface Overview {
  readonly version: string;
  readonly mode: Mode;
  readonly pushUrl: string;
  readonly families: number;
  readonly series: number;
  readonly sources: number;
  readonly pushes: number;
  readonly lastPush: number | null;
  readonly warnings: readonly string[];
}

export interface Me {
  readonly roles: readonly Role[];
  readonly token: string | null;
  readonly adminApi: boolean;
  /** Which member of a cluster answers; null for a gateway by itself. */
  readonly member?: { readonly name: string; readonly leads: boolean } | null;
}

export interface Change {
  readonly series: string;
  readonly before: string | null;
  readonly after: string;
}

export interface PushEvent {
  readonly time: number | string;
  readonly path: string;
  readonly method: string;
  readonly outcome: string;
  readonly code?: string;
  readonly message?: string;
  /** Null for a retry, which is not read again. */
  readonly samples: number | null;
  readonly newSeries: number;
  readonly token: string | null;
  readonly address: string | null;
  readonly changes: readonly Change[];
  readonly more: number;
  /** Pushes since the one before that are not shown. */
  readonly missed?: number;
  readonly past?: boolean;
}

export interface Refusal {
  readonly time: number | string;
  readonly what: string;
  readonly method: string;
  readonly path: string;
  readonly remote?: string;
  readonly by?: string;
  readonly code: string;
  readonly status: number;
  readonly message: string;
  readonly line?: number;
  readonly column?: number;
  readonly excerpt?: string;
  /** Of the place in the excerpt. */
  readonly excerptColumn?: number;
}

export interface Family {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly unit: string;
  readonly series: number;
  readonly senders: number | null;
  readonly pushes: number | null;
  readonly lastChange: number | null;
  readonly rate?: number | null;
}

export interface Page {
  readonly next?: string;
  readonly total?: number;
}

export interface Families extends Page {
  readonly families: readonly Family[];
}

export interface Sender {
  readonly path: string;
  readonly token: string | null;
  readonly address: string | null;
  readonly share: number | string;
  readonly pushes: number;
  readonly lastPush: number | null;
}

export interface Sample {
  readonly labels: Labels;
  readonly value: string;
  /** Of histograms and summaries, of which the value is the count. */
  readonly sum?: string | null;
}

export interface FamilyDetail extends Page {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly unit: string;
  readonly series: number;
  readonly rules: readonly { readonly entry: string; readonly index: number }[];
  readonly samples: readonly Sample[];
  readonly senders: readonly Sender[];
}

type Points = readonly (number | null)[];

export interface History {
  readonly stepSeconds: number;
  readonly begin: number;
  readonly kind: 'rate' | 'value' | 'count_rate';
  readonly points: Points;
  readonly quantiles?: Readonly<Record<string, Points>>;
  readonly buckets?: readonly { readonly le: string; readonly points: Points }[];
}

export interface Source {
  readonly groupingKey: Labels;
  readonly mode: string;
  readonly lastPush: number | null;
  readonly ageSeconds: number | null;
  readonly samples: number | null;
  readonly series: number | null;
  readonly refused: number | null;
  readonly token: string | null;
}

export interface Sources extends Page {
  readonly sources: readonly Source[];
}

/** Who adds to a family, of whatever series. */
interface Adders {
  readonly senders: readonly Sender[];
  /** When it began to count; null where the parts are exact without counting. */
  readonly since: number | null;
  /** The most by which a share is too high. */
  readonly error: number;
}

export interface Explained extends Adders {
  readonly labels: Labels;
  readonly value: string;
  readonly mode: 'by-job' | 'add' | 'mixed';
  /** How many sources have a part, and what those have that are not listed. */
  readonly sources?: number;
  readonly others?: number | string;
  readonly added?: (Adders & { readonly until?: number | null }) | null;
  /** Who added to this very series lately; null where nothing was. */
  readonly recent?: Recent | null;
}

export interface Recent {
  readonly senders: readonly Sender[];
  readonly others: number;
  readonly since: number | null;
  /** Where its metric was counted exactly. */
  readonly until: number | null;
  readonly exact: boolean;
}

export interface Explanation {
  readonly series: readonly Explained[];
  readonly exact: boolean;
  readonly more?: boolean;
}

export interface ValidatedSeries {
  readonly labels: Labels;
  readonly family: string;
  readonly type: string;
  readonly isNew: boolean;
  readonly before: string | null;
  /** Null where it depends on what others have. */
  readonly after: string | null;
  readonly rules: readonly string[];
}

export interface Problem {
  readonly code: string;
  readonly message: string;
  readonly line?: number | null;
  readonly column?: number | null;
  readonly excerpt?: string | null;
  readonly excerptColumn?: number | null;
}

export interface Validation {
  readonly wouldBe: string;
  readonly samples?: number;
  /** How many samples are not kept, by the reason. */
  readonly ignored?: Readonly<Record<string, number>>;
  readonly dropped?: readonly {
    readonly series?: string;
    readonly labels?: Labels;
    readonly family?: string;
    readonly rules: readonly string[];
  }[];
  readonly series: readonly ValidatedSeries[];
  readonly errors: readonly Problem[];
  readonly truncated: boolean;
}

export interface Scraper {
  readonly address: string;
  readonly userAgent: string;
  readonly target: string;
  readonly last: number;
  readonly intervalSeconds: number | null;
  readonly bytes: number;
  readonly format: string;
  readonly seconds: number;
}

export interface AuditEntry {
  readonly time: number | string;
  readonly what: string;
  readonly who: { readonly name: string | null; readonly address: string | null };
  readonly detail: string;
  readonly outcome: string;
}

export interface Limit {
  readonly name: string;
  readonly scope: 'gateway' | 'token' | 'job' | 'source' | 'family';
  /** Whose it is; null for the gateway. */
  readonly of: string | null;
  readonly onLimit: 'refuse' | 'drop' | 'overflow' | null;
  readonly used: number;
  readonly max: number;
  readonly perHour: number | null;
  readonly secondsUntilFull: number | null;
}

export interface Rule {
  readonly text: string;
  readonly kind: string;
  readonly index?: number;
  readonly catches?: readonly string[];
  /** Null for others than metrics. */
  readonly count?: number | null;
}

export interface Statistic {
  readonly name: string;
  readonly value: number;
}

export interface TsdbStatus {
  readonly headStats: { readonly numSeries: number; readonly numLabelPairs: number };
  readonly seriesCountByMetricName: readonly Statistic[];
  readonly labelValueCountByLabelName: readonly Statistic[];
  readonly memoryInBytesByLabelName: readonly Statistic[];
  readonly seriesCountByLabelValuePair: readonly Statistic[];
}
