/** How the gateway aggregates. Each field is a flag of the command line; docs/reference/flags.md says what it means. */
export interface GatewayOptions {
  readonly byJob: boolean;
  /** 0 means never. */
  readonly jobPruneDurationMs: number;
  readonly jobCounterResets: 'overwrite' | 'accumulate';
  /** 0 means never. */
  readonly jobForgetDurationMs: number;
  readonly pathLabels: 'drop' | 'add';
  readonly summaries: 'discard' | 'sum-and-count';
  readonly limits: Limits;
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
  readonly labelsMax: number;
  /** Bytes of a series as written in the exposition: name and labels. */
  readonly seriesBytesMax: number;
}

export const defaultLimits: Limits = {
  seriesMax: 5_000_000,
  familiesMax: 50_000,
  sourcesMax: 1_000_000,
  bucketsMax: 500,
  labelsMax: 64,
  seriesBytesMax: 16_384,
};

export const defaultGatewayOptions: GatewayOptions = {
  byJob: false,
  jobPruneDurationMs: 0,
  jobCounterResets: 'overwrite',
  jobForgetDurationMs: 0,
  pathLabels: 'drop',
  summaries: 'discard',
  limits: defaultLimits,
};
