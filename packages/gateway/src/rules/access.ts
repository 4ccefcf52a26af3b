/** Who may do what, as a configuration file says it. */
import type { Label } from '../model/labels.ts';
import type { Role } from '../model/roles.ts';
import type { Selector } from './selector.ts';
import type { OnLimit } from './series-limit.ts';

export interface AccessRules {
  /** What those may do who say nothing of themselves; undefined: as without rules, unless users are asked for passwords. */
  readonly anonymous: ReadonlySet<Role> | undefined;
  /** What users of a web configuration file may do who are named here; all others may do everything. */
  readonly users: ReadonlyMap<string, ReadonlySet<Role>>;
  readonly tokens: readonly TokenRule[];
}

export interface TokenRule {
  /** For logs and metrics; the token itself is not known. */
  readonly name: string;
  /** Of the token, in lower-case hexadecimal. */
  readonly sha256: string;
  readonly may: ReadonlySet<Role>;
  /** Grouping keys that it may use; undefined: all. `__name__` is empty. */
  readonly sources: Selector | undefined;
  /** Whose pages may use it; undefined: as the flag says. */
  readonly origins: readonly string[] | undefined;
  /** It may come as a parameter of the URL. */
  readonly inUrl: boolean;
  /** Which series may be pushed, and which labels they get; undefined: all, and none. */
  readonly series: SeriesRights | undefined;
  readonly limits: TokenLimits;
  /** Milliseconds since the Unix epoch; undefined: never. */
  readonly expiresMs: number | undefined;
}

/** Undefined: none. */
interface TokenLimits {
  readonly pushesPerSecond: number | undefined;
  /** Pushes at once after a while without any. */
  readonly burst: number | undefined;
  /** Of bodies, decompressed. */
  readonly bytesPerSecond: number | undefined;
  /** Bytes of one body, as sent and decompressed. */
  readonly body: number | undefined;
  /** Numbers of series that were brought with it and are still there, and of new ones in an hour. */
  readonly seriesMax: number | undefined;
  readonly newSeriesPerHour: number | undefined;
  readonly onLimit: OnLimit;
}

/** Of one object for tokens with the same rights, so that what is learnt of series serves all of them. */
export interface SeriesRights {
  /** The same for the same rights, and for no others. */
  readonly id: string;
  /** Labels that all series get, in the place of their own. */
  readonly setLabels: readonly Label[];
  /** With the labels set, and those of the path that are added; `__name__` of a histogram or summary is its base name. Undefined: all. */
  readonly metrics: Selector | undefined;
  /** What becomes of a push with others. */
  readonly onRefused: 'refuse' | 'drop';
}

/** A limit of a token that is one of time: what is used of what may come at once. */
export interface TokenRate {
  readonly token: string;
  readonly name: 'pushes_per_second' | 'bytes_per_second' | 'new_series_per_hour';
  readonly used: number;
  readonly max: number;
  readonly onLimit: OnLimit;
}
