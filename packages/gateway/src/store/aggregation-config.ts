/** How the state aggregates, and how much to hold. Fixed for its life. */
export interface AggregationConfig {
  readonly byJob: boolean;
  /**
   * In by-job mode: a smaller counter replaces the larger one, or is a restart after which the sum goes on. With `accumulate`, start
   * times say what is a restart where a source gives them.
   */
  readonly counterResets: 'overwrite' | 'accumulate' | 'accumulate-by-value';
  readonly summaries: 'discard' | 'sum-and-count';
  /**
   * Gauge histograms go when no source has them any more. They stayed, as zeros, in earlier versions, whose records are read again in that
   * way.
   */
  readonly dropsWithdrawn?: true;
  /** Start times that were pushed as gauges go with the series that they are of. They stayed in earlier versions. */
  readonly dropsStartTimes?: true;
  /**
   * By job, sources are as groups of Pushgateway: PUT replaces all that a source has, POST the families it names, and what a source takes
   * back leaves the exposition, counters as well, where the series has the labels of its grouping key.
   */
  readonly groups?: true;
  /**
   * Whether series have the labels of the push path. The state does not act on it: it is kept so that a start with another setting is
   * noticed. Undefined for a store of a version that did not keep it.
   */
  readonly pathLabels?: 'drop' | 'add' | undefined;
}

/** Whether what a push says about start times decides what becomes of its values. */
export function usesStartTimes({ byJob, counterResets }: AggregationConfig): boolean {
  return byJob && counterResets === 'accumulate';
}

/** Bounds of what is kept. A push that would go past one is refused whole. */
export interface Limits {
  /** Samples held: a counter or gauge series is one, a histogram series one per bucket plus two. */
  readonly seriesMax: number;
  readonly familiesMax: number;
  /** Sources remembered in by-job mode. */
  readonly sourcesMax: number;
  /** Buckets of one histogram series, `+Inf` included. */
  readonly bucketsMax: number;
  /** Native buckets of one histogram series in the exposition; of each resolution among its senders, in the state. */
  readonly nativeBucketsMax: number;
  /** Exemplars kept in all. */
  readonly exemplarsMax: number;
  readonly labelsMax: number;
  /** Bytes of a series as written in the exposition: name and labels. */
  readonly seriesBytesMax: number;
  /** Bytes of all series: their text and what goes with each sample. */
  readonly seriesBytesTotalMax: number;
  /** Bytes of one HELP text. */
  readonly helpBytesMax: number;
  /** Bytes of the names, help and units of all families. */
  readonly metadataBytesTotalMax: number;
  /** In by-job mode: bytes of all sources and of what each pushed last. */
  readonly sourceBytesTotalMax: number;
  /** Bytes of other series keys of known series; past it they are forgotten and learnt again, and nothing is refused. */
  readonly otherSpellingsBytesMax: number;
}
