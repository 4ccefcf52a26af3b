/**
 * Turns the cumulative buckets of a push into one count per bucket, and refuses histograms that contradict themselves, or would have
 * more buckets than they may. Buckets of different histograms may stand mixed and anywhere in the body; only where those of one
 * histogram are out of order among themselves are they put in order, histogram by histogram.
 */
import { PushProblem } from '../model/errors.ts';
import { formatFloat64 } from '../primitives/float.ts';
import { shorten } from '../primitives/quote.ts';
import { appendEntry, boundAt, compositeAt, kindAt } from '../store/batch.ts';
import type { Batch } from '../store/batch.ts';
import type { Accumulators } from '../store/accumulators.ts';
import type { State } from '../state/state.ts';
import { AccumulatorKind, isGrouped } from '../store/policies.ts';

/** Sorting a bucket is as much work as so many rows of others. */
const SORTED_ROWS = 4;

/** Works on one batch at a time, with columns that are used again. */
export class Decumulator {
  readonly #batch: Batch;
  readonly #accumulators: Accumulators;
  readonly #bucketsMax: number;
  readonly #state: Pick<State, 'aggregation'>;
  /** Entries or groups looked at in one step. */
  readonly #rows: number;
  /** By group (see `#compositeNumber`): its place in the columns below, if that place names the group too. */
  #places = new Uint32Array(64);
  /** Groups of the batch in order of their first entry. */
  #count = 0;
  #composites = new Uint32Array(64);
  #first = new Uint32Array(64);
  #lastBound = new Float64Array(64);
  #cumulative = new Float64Array(64);
  /** Value of the `+Inf` bucket and of the count; NaN until they come. */
  #infinities = new Float64Array(64);
  #counts = new Float64Array(64);
  /** Buckets that the state does not have. */
  #pendingSeries = new Uint32Array(64);

  constructor(batch: Batch, state: Pick<State, 'accumulators' | 'aggregation' | 'limits' | 'pace'>) {
    const { accumulators, limits, pace } = state;
    this.#state = state;
    this.#batch = batch;
    this.#accumulators = accumulators;
    this.#bucketsMax = limits.bucketsMax;
    this.#rows = pace.rows;
  }

  /** Throws a PushProblem for a histogram that is wrong. */
  decumulate(): void {
    const { grouped, length } = this.#batch;
    if (!grouped) return;
    this.#count = 0;
    if (this.#areInOrder(0, length)) {
      this.#count = 0;
      this.#take(0, length);
      this.#closeAll(0, this.#count);
    } else for (const _ of this.#decumulateDisordered());
  }

  /** The same in steps. The state must stay as it is meanwhile, but for its totals. */
  *decumulateInSteps(): Generator<void, void> {
    const { grouped, length } = this.#batch;
    if (!grouped) return;
    this.#count = 0;
    for (let from = 0; from < length; from += this.#rows) {
      if (!this.#areInOrder(from, Math.min(from + this.#rows, length))) {
        yield* this.#decumulateDisordered();
        return;
      }
      yield;
    }
    this.#count = 0;
    for (let from = 0; from < length; from += this.#rows) {
      this.#take(from, Math.min(from + this.#rows, length));
      yield;
    }
    yield* this.#closeInSteps();
  }

  /** Counts the buckets of each group first, so that each has a stretch of its own in which its few are sorted. */
  *#decumulateDisordered(): Generator<void, void> {
    const batch = this.#batch;
    const { length } = batch;
    this.#count = 0;
    // By place, of which there are no more than entries: however many groups there are, a short push is short.
    const sizes = new Uint32Array(length);
    for (let from = 0; from < length; from += this.#rows) {
      for (let entry = from; entry < Math.min(from + this.#rows, length); entry += 1) {
        const kind = this.#kindAt(entry);
        if (!isGrouped(kind)) continue;
        const place = this.#placeOf(this.#compositeAt(entry), entry);
        if (kind === AccumulatorKind.COUNT) this.#counts[place] = batch.values[entry]!;
        else if (kind === AccumulatorKind.BUCKET) sizes[place]! += 1;
      }
      yield;
    }
    const ends = new Uint32Array(this.#count);
    for (let place = 0, end = 0; place < this.#count; place += 1) {
      ends[place] = end;
      end += sizes[place]!;
      if (place % this.#rows === this.#rows - 1) yield;
    }
    const order = new Uint32Array(length);
    for (let from = 0; from < length; from += this.#rows) {
      for (let entry = from; entry < Math.min(from + this.#rows, length); entry += 1) {
        if (this.#kindAt(entry) !== AccumulatorKind.BUCKET) continue;
        const place = this.#placeOf(this.#compositeAt(entry), entry);
        order[ends[place]!] = entry;
        ends[place]! += 1;
      }
      yield;
    }
    let left = this.#rows;
    for (let place = 0; place < this.#count; place += 1) {
      const end = ends[place]!;
      const size = sizes[place]!;
      // So that no more are sorted than one histogram may have.
      this.#checkSize(place, size - Math.min(size, this.#bucketsKnown(place)));
      this.#addSorted(place, order.subarray(end - size, end));
      left -= 1 + size * SORTED_ROWS;
      if (left > 0) continue;
      left = this.#rows;
      yield;
    }
    yield* this.#closeInSteps();
  }

  #addSorted(place: number, entries: Uint32Array): void {
    entries.sort((a, b) => (this.#boundAt(a) < this.#boundAt(b) ? -1 : 1));
    for (const entry of entries) this.#addBucket(place, entry, this.#batch.values[entry]!);
  }

  #take(from: number, to: number): void {
    const batch = this.#batch;
    for (let entry = from; entry < to; entry += 1) {
      const kind = this.#kindAt(entry);
      if (!isGrouped(kind)) continue;
      const place = this.#placeOf(this.#compositeAt(entry), entry);
      const value = batch.values[entry]!;
      if (kind === AccumulatorKind.COUNT) this.#counts[place] = value;
      else if (kind === AccumulatorKind.BUCKET) this.#addBucket(place, entry, value);
    }
  }

  *#closeInSteps(): Generator<void, void> {
    for (let from = 0; from < this.#count; from += this.#rows) {
      this.#closeAll(from, Math.min(from + this.#rows, this.#count));
      yield;
    }
  }

  #closeAll(from: number, to: number): void {
    for (let place = from; place < to; place += 1) this.#close(place);
  }

  #addBucket(place: number, entry: number, value: number): void {
    const below = this.#cumulative[place]!;
    if (value < below) {
      throw this.#problemAt(
        entry,
        `is ${formatFloat64(value)}, less than the bucket below it (${formatFloat64(below)}); buckets must be cumulative`,
      );
    }
    if (this.#batch.accumulators[entry]! < 0) this.#pendingSeries[place]! += 1;
    this.#batch.values[entry] = value - below;
    this.#cumulative[place] = value;
    if (this.#boundAt(entry) === Number.POSITIVE_INFINITY) this.#infinities[place] = value;
  }

  /** Adds the `+Inf` bucket or the count where one of them is missing. */
  #close(place: number): void {
    const batch = this.#batch;
    const infinityAccumulator = this.#infinityOf(place);
    const first = this.#first[place]!;
    const count = this.#counts[place]!;
    if (infinityAccumulator === undefined) {
      // In a group of Pushgateway a summary goes with the last count, so who has a sum must have a count as well.
      if (Number.isNaN(count) && this.#state.aggregation.groups === true)
        appendEntry(batch, this.#countOf(place), 0, batch.offsets[first]!);
      return;
    }
    const infinity = this.#infinities[place]!;
    const cumulative = this.#cumulative[place]!;
    if (Number.isNaN(infinity)) {
      if (Number.isNaN(count)) {
        throw this.#problemAt(first, 'belongs to a histogram with neither a bucket le="+Inf" nor a _count');
      }
      if (count < cumulative) {
        throw this.#problemAt(
          first,
          `belongs to a histogram whose _count (${formatFloat64(count)}) is less than its last bucket (${formatFloat64(cumulative)})`,
        );
      }
      if (infinityAccumulator < 0) this.#pendingSeries[place]! += 1;
      appendEntry(batch, infinityAccumulator, count - cumulative, batch.offsets[first]!);
    } else if (Number.isNaN(count)) {
      appendEntry(batch, this.#countOf(place), infinity, batch.offsets[first]!);
    } else if (count !== infinity) {
      throw this.#problemAt(
        first,
        `belongs to a histogram whose bucket le="+Inf" (${formatFloat64(infinity)}) is not its _count (${formatFloat64(count)})`,
      );
    }
    this.#checkSize(place, this.#pendingSeries[place]!);
  }

  /** Throws a PushProblem when the group would have too many buckets with so many that the state does not have. */
  #checkSize(place: number, pendingSeries: number): void {
    const known = this.#bucketsKnown(place);
    if (pendingSeries === 0 || known + pendingSeries <= this.#bucketsMax) return;
    const first = this.#first[place]!;
    throw new PushProblem(
      'buckets_limit',
      `the histogram of ${shownText(this.#batch, this.#accumulators, this.#batch.accumulators[first]!)} would have more than ${this.#bucketsMax} buckets (--limit.buckets); use the same boundaries in all senders`,
      this.#batch.offsets[first]!,
    );
  }

  /** Whether the buckets of each group come by ascending bound, as far as was looked. */
  #areInOrder(from: number, to: number): boolean {
    for (let entry = from; entry < to; entry += 1) {
      if (this.#kindAt(entry) !== AccumulatorKind.BUCKET) continue;
      const place = this.#placeOf(this.#compositeAt(entry), entry);
      const bound = this.#boundAt(entry);
      if (bound < this.#lastBound[place]!) return false;
      this.#lastBound[place] = bound;
    }
    return true;
  }

  /** The place of a group in the columns, begun at `entry` when it has none yet. */
  #placeOf(composite: number, entry: number): number {
    if (composite >= this.#places.length) this.#growPlaces(composite);
    const known = this.#places[composite]!;
    if (known < this.#count && this.#composites[known] === composite) return known;
    const place = this.#count;
    if (place === this.#composites.length) this.#growColumns();
    this.#count += 1;
    this.#places[composite] = place;
    this.#composites[place] = composite;
    this.#first[place] = entry;
    this.#lastBound[place] = Number.NEGATIVE_INFINITY;
    this.#cumulative[place] = 0;
    this.#infinities[place] = Number.NaN;
    this.#counts[place] = Number.NaN;
    this.#pendingSeries[place] = 0;
    return place;
  }

  #growPlaces(composite: number): void {
    const larger = new Uint32Array(Math.max(composite + 1, this.#places.length * 2));
    larger.set(this.#places);
    this.#places = larger;
  }

  #growColumns(): void {
    const capacity = this.#composites.length * 2;
    const float = (column: Float64Array): Float64Array<ArrayBuffer> => {
      const larger = new Float64Array(capacity);
      larger.set(column);
      return larger;
    };
    const whole = (column: Uint32Array): Uint32Array<ArrayBuffer> => {
      const larger = new Uint32Array(capacity);
      larger.set(column);
      return larger;
    };
    this.#composites = whole(this.#composites);
    this.#first = whole(this.#first);
    this.#pendingSeries = whole(this.#pendingSeries);
    this.#lastBound = float(this.#lastBound);
    this.#cumulative = float(this.#cumulative);
    this.#infinities = float(this.#infinities);
    this.#counts = float(this.#counts);
  }

  /** The accumulator of the group's `+Inf` bucket, or undefined for a summary. */
  #infinityOf(place: number): number | undefined {
    const composite = this.#composites[place]!;
    const known = this.#accumulators.composites.length;
    if (composite < known) return this.#accumulators.composites[composite]!.buckets.at(-1);
    const { infinity } = this.#batch.pendingComposites[composite - known]!;
    return infinity < 0 ? undefined : ~infinity;
  }

  #bucketsKnown(place: number): number {
    const composite = this.#composites[place]!;
    return composite < this.#accumulators.composites.length
      ? this.#accumulators.composites[composite]!.buckets.length
      : 0;
  }

  #countOf(place: number): number {
    const composite = this.#composites[place]!;
    const known = this.#accumulators.composites.length;
    return composite < known
      ? this.#accumulators.composites[composite]!.count
      : ~this.#batch.pendingComposites[composite - known]!.count;
  }

  #kindAt(entry: number): AccumulatorKind {
    return kindAt(this.#batch, this.#accumulators, entry);
  }

  #compositeAt(entry: number): number {
    return compositeAt(this.#batch, this.#accumulators, entry);
  }

  #boundAt(entry: number): number {
    return boundAt(this.#batch, this.#accumulators, entry);
  }

  #problemAt(entry: number, message: string): PushProblem {
    const batch = this.#batch;
    const series = shownText(batch, this.#accumulators, batch.accumulators[entry]!);
    return new PushProblem('invalid_histogram', `${series} ${message}`, batch.offsets[entry]!);
  }
}

/** The series of an accumulator as shown in a message: cut where it is long. */
export function shownText(batch: Batch, accumulators: Accumulators, accumulator: number): string {
  return shorten(
    accumulator < 0 ? batch.pendingSeries.texts.textOf(~accumulator) : accumulators.textOf(accumulator),
  );
}
