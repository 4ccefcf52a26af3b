/**
 * How much memory each part may take, as shares of the memory there is. All shares together leave room for the runtime
 * itself, for its garbage and for what lies between a limit and the bytes that keep it: the process must not be killed while
 * every budget is used up at once. With all of them used up by hostile senders, what is resident beside them was measured to be
 * about 200 MiB.
 */

const MIB = 2 ** 20;

/** Bytes each, but for `requestsMax`. */
export interface Budgets {
  /** All bodies being received or worked on. */
  readonly bodiesBytesMax: number;
  /** All decoders of compressed bodies, their windows included. */
  readonly decodersBytesMax: number;
  /** Copies of the sums that open scrapes read. */
  readonly viewsBytesMax: number;
  /** Text kept of families that do not change, all formats together. */
  readonly scrapeCacheBytesMax: number;
  /** All series: their text and what goes with each sample. */
  readonly seriesBytesTotalMax: number;
  /** Names, help and units of all families. */
  readonly metadataBytesTotalMax: number;
  /** By-job mode: all sources, and what each pushed last. */
  readonly sourceBytesTotalMax: number;
  /** Other ways in which senders spell known series. */
  readonly otherSpellingsBytesMax: number;
  /** Records that wait to be written. */
  readonly waitingBytesMax: number;
  /** Requests that came before the one before them on their connection was answered. */
  readonly requestsMax: number;
}

interface Share {
  /** Of the memory, in parts of 64. */
  readonly of64: number;
  /** No less, however little memory there is. */
  readonly min: number;
  readonly max: number;
}

/** About what a request takes while it waits: its objects, headers, and what of its body has come. */
const REQUEST_BYTES = 32 * 1024;

export const budgetShares: Readonly<Record<keyof Budgets, Share>> = {
  bodiesBytesMax: { of64: 6, min: 32 * MIB, max: 256 * MIB },
  decodersBytesMax: { of64: 4, min: 32 * MIB, max: 128 * MIB },
  viewsBytesMax: { of64: 3, min: 16 * MIB, max: 1024 * MIB },
  scrapeCacheBytesMax: { of64: 1, min: 4 * MIB, max: 64 * MIB },
  seriesBytesTotalMax: { of64: 10, min: 16 * MIB, max: 2048 * MIB },
  metadataBytesTotalMax: { of64: 2, min: 4 * MIB, max: 128 * MIB },
  sourceBytesTotalMax: { of64: 6, min: 16 * MIB, max: 2048 * MIB },
  otherSpellingsBytesMax: { of64: 2, min: 4 * MIB, max: 256 * MIB },
  waitingBytesMax: { of64: 2, min: 16 * MIB, max: 64 * MIB },
  requestsMax: { of64: 2, min: 256 * REQUEST_BYTES, max: 16_384 * REQUEST_BYTES },
};

/** Grouped as the options are. */
export interface BudgetedOptions {
  readonly http: Pick<Budgets, 'bodiesBytesMax' | 'decodersBytesMax' | 'viewsBytesMax' | 'requestsMax'>;
  readonly gateway: Pick<Budgets, 'scrapeCacheBytesMax'>;
  readonly limits: Pick<
    Budgets,
    'seriesBytesTotalMax' | 'metadataBytesTotalMax' | 'sourceBytesTotalMax' | 'otherSpellingsBytesMax'
  >;
  readonly storage: Pick<Budgets, 'waitingBytesMax'>;
}

export function budgetsFor(memoryBytes: number): BudgetedOptions {
  const of = (name: keyof Budgets): number => {
    const { of64, min, max } = budgetShares[name];
    return Math.floor(Math.min(Math.max((memoryBytes / 64) * of64, min), max));
  };
  return {
    http: {
      bodiesBytesMax: of('bodiesBytesMax'),
      decodersBytesMax: of('decodersBytesMax'),
      viewsBytesMax: of('viewsBytesMax'),
      requestsMax: Math.floor(of('requestsMax') / REQUEST_BYTES),
    },
    gateway: { scrapeCacheBytesMax: of('scrapeCacheBytesMax') },
    limits: {
      seriesBytesTotalMax: of('seriesBytesTotalMax'),
      metadataBytesTotalMax: of('metadataBytesTotalMax'),
      sourceBytesTotalMax: of('sourceBytesTotalMax'),
      otherSpellingsBytesMax: of('otherSpellingsBytesMax'),
    },
    storage: { waitingBytesMax: of('waitingBytesMax') },
  };
}

/** Those of a machine with so much memory that no share of it decides. */
export const largestBudgets: BudgetedOptions = budgetsFor(Number.MAX_SAFE_INTEGER);
