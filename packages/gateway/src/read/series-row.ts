/** One row as a whole, for encoders that need more of it than its lines of text. */
import { reduceForExposition } from '../histogram/resolution.ts';
import { newestExemplars } from '../model/exemplar.ts';
import type { Exemplar } from '../model/exemplar.ts';
import { isDistribution } from '../model/metric-type.ts';
import type { MetricType } from '../model/metric-type.ts';
import type { NativeView, SeriesView } from '../model/read-view.ts';
import { seriesHead, seriesText } from '../model/series-text.ts';
import type { Accumulators } from '../store/accumulators.ts';
import type { ViewUndoLog } from '../store/view-undo-log.ts';
import { hasStartTimes, startTimesName } from '../store/families.ts';
import type { Families } from '../store/families.ts';
import type { KeptExemplar } from '../store/exemplars.ts';
import { assembleNative } from '../store/native-view.ts';
import { TextScratch } from '../store/text-scratch.ts';
import { AccumulatorKind } from '../store/policies.ts';

/**
 * The state that an exposition shows. Of what may change meanwhile, only these are as they were: totals; exemplars, starts and
 * which start times there were, by way of `undoLog`; and the lists of accumulators in a composite series, by way of it where it loses buckets. Of accumulators freed since,
 * texts and bounds are still there, and nothing else.
 */
export interface ViewedState {
  readonly accumulators: Accumulators;
  readonly families: Families;
  readonly hashSeed: number;
  /** Buckets that a native histogram has in the exposition at most. */
  readonly nativeBucketsMax: number;
  /** The total of each accumulator when the view was opened. */
  readonly sums: Float64Array;
  readonly undoLog: ViewUndoLog;
}

/** Reads the rows of one family, one at a time. */
export class SeriesRow implements SeriesView {
  bytes: Uint8Array = new Uint8Array(0);
  labelsStart = 0;
  labelsEnd = 0;
  value = 0;
  sum: number = Number.NaN;
  bucketCount = 0;
  bounds: Float64Array = new Float64Array(16);
  cumulative: Float64Array = new Float64Array(16);
  /** The epoch in which its reader has seen all. */
  seen: number = Number.POSITIVE_INFINITY;
  /** What was read last: an accumulator, of a composite series its count; and the composite series with the accumulators of its buckets. */
  #accumulator = 0;
  #composite = -1;
  readonly #bucketAccumulators: number[] = [];
  readonly #state: ViewedState;
  readonly #counts: boolean;
  readonly #isInfo: boolean;
  /** What stands before the labels of a row: its name, and a brace or comma. */
  readonly #headBytes: number;
  readonly #created: CreatedTimes | undefined;

  /** The type is the one that the family had when the view was opened. */
  constructor({ name, type }: { readonly name: string; readonly type: MetricType }, state: ViewedState) {
    this.#state = state;
    this.#counts = hasStartTimes(type);
    this.#isInfo = type === 'info';
    this.#headBytes = Buffer.byteLength(seriesHead(isDistribution(type) ? `${name}_count` : name));
    this.#created = this.#counts ? createdTimes(name, state) : undefined;
  }

  /** Reads a row that is one accumulator. */
  readAccumulator(accumulator: number): void {
    const value = this.#state.sums[accumulator]!;
    this.#accumulator = accumulator;
    this.#readLabels(accumulator);
    this.value = this.#isInfo ? Math.min(value, 1) : value;
  }

  /** Reads a histogram or summary. */
  readComposite(id: number): void {
    const { accumulators, sums, undoLog } = this.#state;
    const { sum, count, buckets: now } = accumulators.composites[id]!;
    const buckets = undoLog.bucketsOf(id) ?? now;
    this.#composite = id;
    this.#accumulator = count;
    this.#readLabels(count);
    if (buckets.length > this.bounds.length) {
      this.bounds = new Float64Array(buckets.length * 2);
      this.cumulative = new Float64Array(buckets.length * 2);
    }
    let length = 0;
    let cumulative = 0;
    for (const bucket of buckets) {
      if (!isHeld(sums, bucket)) continue;
      cumulative += sums[bucket]!;
      this.bounds[length] = accumulators.bound[bucket]!;
      this.#bucketAccumulators[length] = bucket;
      this.cumulative[length] = cumulative;
      length += 1;
    }
    this.bucketCount = length;
    this.value = length === 0 ? sums[count]! : cumulative;
    this.sum = sum >= 0 && isHeld(sums, sum) ? sums[sum]! : Number.NaN;
  }

  /** Looked up only where it is asked for, which text does not. */
  get startMs(): number {
    if (!this.#counts) return Number.NaN;
    const { accumulators, undoLog } = this.#state;
    const counted = undoLog.startOf(this.#accumulator) ?? accumulators.startMs[this.#accumulator]!;
    const told = this.#created?.of(this) ?? Number.NaN;
    // A sender that does not know says 0.
    return told > 0 && told < counted ? told : counted;
  }

  get isNew(): boolean {
    if (this.seen === Number.POSITIVE_INFINITY || !this.#counts) return false;
    return this.#state.accumulators.createdEpoch[this.#accumulator]! >= this.seen;
  }

  exemplar(bucket: number): Exemplar | undefined {
    const accumulator = this.#composite < 0 ? this.#accumulator : this.#bucketAccumulators[bucket];
    return accumulator === undefined ? undefined : this.#exemplarOf(accumulator);
  }

  native(): NativeView | undefined {
    if (this.#composite < 0) return undefined;
    const { accumulators, sums, nativeBucketsMax } = this.#state;
    const own = accumulators.composites[this.#composite]!.native.filter((accumulator) =>
      isHeld(sums, accumulator),
    );
    const whole = assembleNative(
      accumulators,
      own.map((accumulator) => [accumulator, sums[accumulator]!] as const),
    );
    if (whole === undefined) return undefined;
    const shown = reduceForExposition(whole, nativeBucketsMax);
    return { ...shown, sum: this.sum, exemplars: this.#exemplarsOf(own) };
  }

  #exemplarsOf(natives: readonly number[]): readonly Exemplar[] {
    const { accumulators, undoLog } = this.#state;
    if (accumulators.exemplars.size === 0 && !undoLog.hasExemplars) return [];
    // Of one moment they come by number: their list is in the order of creation, which a snapshot does not keep.
    return newestExemplars(
      natives
        .toSorted((a, b) => a - b)
        .map((accumulator) => this.#exemplarOf(accumulator))
        .filter((exemplar) => exemplar !== undefined),
    );
  }

  #exemplarOf(accumulator: number): KeptExemplar | undefined {
    const { accumulators, undoLog } = this.#state;
    return undoLog.exemplarOf(accumulator, accumulators.exemplars.get(accumulator));
  }

  #readLabels(accumulator: number): void {
    const { texts } = this.#state.accumulators;
    this.bytes = texts.chunkOf(accumulator);
    const start = texts.offsetOf(accumulator);
    const end = start + texts.lengthOf(accumulator);
    this.labelsStart = Math.min(start + this.#headBytes, end);
    this.labelsEnd = Math.max(end - 1, this.labelsStart);
  }
}

/** Accumulators that came after a view was opened have no total in it, or NaN where a free number was used again. */
export function isHeld(sums: Float64Array, accumulator: number): boolean {
  return accumulator < sums.length && !Number.isNaN(sums[accumulator]);
}

/** Start times that senders of text gave, in a family of their own. */
interface CreatedTimes {
  /** Of the series with these labels, in milliseconds; NaN where none is known. */
  of(series: Pick<SeriesView, 'bytes' | 'labelsStart' | 'labelsEnd'>): number;
}

function createdTimes(
  name: string,
  { accumulators, families, sums, undoLog, hashSeed }: ViewedState,
): CreatedTimes | undefined {
  const created = startTimesName(name);
  if (families.find(created)?.type !== 'gauge' && !undoLog.hasFreedStarts) return undefined;
  const { texts } = accumulators;
  const scratch = new TextScratch(hashSeed);
  const head = seriesHead(created);
  const bare = seriesText(created, []);
  return {
    of({ bytes, labelsStart, labelsEnd }) {
      const labels = Buffer.from(bytes.buffer, bytes.byteOffset + labelsStart, labelsEnd - labelsStart);
      const text = labels.length === 0 ? bare : `${head}${labels.toString('utf8')}}`;
      const { view, start, end, hash } = scratch.write(text);
      const accumulator = undoLog.freedStart(text) ?? texts.find(view, start, end, hash);
      if (accumulator < 0 || !isHeld(sums, accumulator)) return Number.NaN;
      const isTime =
        undoLog.kindOf(accumulator, accumulators.kindOf(accumulator)) === AccumulatorKind.CREATED;
      return isTime ? sums[accumulator]! * 1_000 : Number.NaN;
    },
  };
}
