/** How much the state may hold: a field and a row for each limit. All else about it, flags to the own metric `limit`, follows from the row. */
import { count, shareOfMemory, size } from '../options/kinds.ts';
import { withDefaults } from '../options/option.ts';
import type { OptionTable } from '../options/option.ts';

const KIB = 2 ** 10;
const MIB = 2 ** 20;
const GIB = 2 ** 30;

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

export const limitTable: OptionTable<Limits> = {
  seriesMax: count({
    flag: 'limit.series',
    default: 5_000_000,
    help: 'Maximum number of series. A histogram counts as one series per bucket plus two.',
    limitOf: 'series',
  }),
  familiesMax: count({
    flag: 'limit.families',
    default: 50_000,
    help: 'Maximum number of metric families.',
    limitOf: 'families',
  }),
  sourcesMax: count({
    flag: 'limit.sources',
    default: 1_000_000,
    help: 'Maximum number of sources in by-job mode.',
    limitOf: 'sources',
  }),
  bucketsMax: count({
    flag: 'limit.buckets',
    default: 500,
    help: 'Maximum number of buckets per histogram series, combined over all senders.',
    limitOf: 'histogram_buckets',
  }),
  nativeBucketsMax: count({
    flag: 'limit.native-buckets',
    default: 160,
    help: 'Maximum number of buckets per native histogram. Beyond it, the resolution is reduced.',
    limitOf: 'native_histogram_buckets',
  }),
  exemplarsMax: count({
    flag: 'limit.exemplars',
    default: 100_000,
    allowZero: true,
    help: 'Maximum number of exemplars. Beyond it, series without an exemplar do not get one. 0 disables exemplars.',
    limitOf: 'exemplars',
  }),
  labelsMax: count({
    flag: 'limit.labels',
    default: 64,
    help: 'Maximum number of labels per series.',
    limitOf: 'series_labels',
  }),
  // Addresses and lengths of what is kept have so many bits, of which the largest sizes leave half.
  seriesBytesMax: size({
    flag: 'limit.series-bytes',
    default: 16 * KIB,
    max: 60 * KIB,
    help: 'Maximum size of the name and labels of a series, up to 60KiB.',
    limitOf: 'one_series_bytes',
  }),
  seriesBytesTotalMax: shareOfMemory({
    flag: 'limit.series-bytes-total',
    share: { of64: 10, min: 16 * MIB, max: 2048 * MIB },
    max: 8 * GIB,
    help: 'Maximum total size of all series: names, labels and per-sample data.',
    limitOf: 'series_bytes',
  }),
  helpBytesMax: size({
    flag: 'limit.help-bytes',
    default: 16 * KIB,
    help: 'Maximum size of the HELP text of a family.',
    limitOf: 'help_bytes',
  }),
  metadataBytesTotalMax: shareOfMemory({
    flag: 'limit.metadata-bytes-total',
    share: { of64: 2, min: 4 * MIB, max: 128 * MIB },
    help: 'Maximum total size of the names, HELP texts and units of all families.',
    limitOf: 'metadata_bytes',
  }),
  sourceBytesTotalMax: shareOfMemory({
    flag: 'limit.source-bytes-total',
    share: { of64: 6, min: 16 * MIB, max: 2048 * MIB },
    help: 'Maximum total size of all sources in by-job mode, including what each pushed last.',
    limitOf: 'source_bytes',
  }),
  otherSpellingsBytesMax: shareOfMemory({
    share: { of64: 2, min: 4 * MIB, max: 256 * MIB },
    limitOf: 'other_spellings_bytes',
  }),
};

export const defaultLimits: Limits = withDefaults(limitTable);
