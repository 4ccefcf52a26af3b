/** How what a sender pushes counts. */
export interface SenderMode {
  /** It takes the place of what its source pushed before; otherwise it is added to what all have pushed. */
  readonly byJob: boolean;
  /**
   * In by-job mode: a smaller counter replaces the larger one, or is a restart after which the sum goes on. With `accumulate`, start
   * times say what is a restart where a source gives them.
   */
  readonly counterResets: 'overwrite' | 'accumulate' | 'accumulate-by-value';
}

/** How the state aggregates. */
export interface AggregationConfig extends SenderMode {
  /** There are sources: some senders count by job, or all. How one of them counts its batch says. */
  readonly byJob: boolean;
  /** Where there are sources: some senders add nevertheless. */
  readonly mixed?: true | undefined;
  /**
   * And so do all that no entry with a match is for. The state does not act on it: it is kept so that a start with another setting is noticed.
   */
  readonly addsByDefault?: true;
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
  /** What rules say that the state acts upon, see setting-rules.ts; undefined where they say nothing. */
  readonly metricRules?: string | undefined;
}

/** How senders count: all alike, or some so and some so, as rules say. */
export type SendersMode = 'add' | 'by-job' | 'mixed';

/** How senders count. */
export function modeOf({ byJob, mixed }: AggregationConfig): SendersMode {
  if (!byJob) return 'add';
  return mixed === true ? 'mixed' : 'by-job';
}

/** Whether what a push says about start times decides what becomes of its values. */
export function usesStartTimes({ byJob, counterResets }: SenderMode): boolean {
  return byJob && counterResets === 'accumulate';
}
