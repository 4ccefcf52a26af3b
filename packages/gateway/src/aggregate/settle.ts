/**
 * Turns the cumulative buckets of a push into one count per bucket, and refuses histograms that contradict themselves.
 * Buckets of different histograms may stand mixed and anywhere in the body; only those of one histogram that are out of
 * order among themselves cost a sort.
 */
import { PushProblem } from '../model/errors.ts';
import { formatFloat64 } from '../primitives/float.ts';
import { shorten } from '../primitives/quote.ts';
import { appendEntry, boundAt, groupAt, kindAt } from './batch.ts';
import type { Batch } from './batch.ts';
import { CellKind, isGrouped } from './cells.ts';
import type { Cells } from './cells.ts';

/** Works on one batch at a time, with columns that are used again. */
export class HistogramSettler {
  readonly #batch: Batch;
  readonly #cells: Cells;
  /** By group (see `#groupNumber`): its place in the columns below, if that place names the group too. */
  #places = new Uint32Array(64);
  /** Groups of the batch in order of their first entry. */
  #count = 0;
  #groups = new Uint32Array(64);
  #first = new Uint32Array(64);
  #lastBound = new Float64Array(64);
  #cumulative = new Float64Array(64);
  /** Value of the `+Inf` bucket and of the count; NaN until they come. */
  #infinities = new Float64Array(64);
  #counts = new Float64Array(64);

  constructor(batch: Batch, cells: Cells) {
    this.#batch = batch;
    this.#cells = cells;
  }

  /** Throws a PushProblem for the first histogram that is wrong. */
  settle(): void {
    const batch = this.#batch;
    if (!batch.grouped) return;
    const order = this.#isInOrder() ? undefined : this.#ordered();
    const { length } = batch;
    this.#count = 0;
    for (let i = 0; i < length; i += 1) {
      const entry = order === undefined ? i : order[i]!;
      const kind = this.#kindAt(entry);
      if (!isGrouped(kind)) continue;
      const place = this.#placeOf(this.#groupAt(entry), entry);
      const value = batch.values[entry]!;
      if (kind === CellKind.COUNT) this.#counts[place] = value;
      else if (kind === CellKind.BUCKET) this.#addBucket(place, entry, value);
    }
    for (let place = 0; place < this.#count; place += 1) this.#close(place);
  }

  #addBucket(place: number, entry: number, value: number): void {
    const below = this.#cumulative[place]!;
    if (value < below) {
      throw this.#problemAt(
        entry,
        `holds ${formatFloat64(value)}, less than the bucket below it (${formatFloat64(below)}); buckets are cumulative`,
      );
    }
    this.#batch.values[entry] = value - below;
    this.#cumulative[place] = value;
    if (this.#boundAt(entry) === Number.POSITIVE_INFINITY) this.#infinities[place] = value;
  }

  /** Adds the `+Inf` bucket or the count where one of them is missing. */
  #close(place: number): void {
    const batch = this.#batch;
    const infinityCell = this.#infinityOf(place);
    if (infinityCell === undefined) return;
    const first = this.#first[place]!;
    const infinity = this.#infinities[place]!;
    const count = this.#counts[place]!;
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
      appendEntry(batch, infinityCell, count - cumulative, batch.offsets[first]!);
    } else if (Number.isNaN(count)) {
      appendEntry(batch, this.#countOf(place), infinity, batch.offsets[first]!);
    } else if (count !== infinity) {
      throw this.#problemAt(
        first,
        `belongs to a histogram whose bucket le="+Inf" (${formatFloat64(infinity)}) is not its _count (${formatFloat64(count)})`,
      );
    }
  }

  /** Whether the buckets of each group come by ascending bound. */
  #isInOrder(): boolean {
    const { length } = this.#batch;
    this.#count = 0;
    for (let entry = 0; entry < length; entry += 1) {
      if (this.#kindAt(entry) !== CellKind.BUCKET) continue;
      const place = this.#placeOf(this.#groupAt(entry), entry);
      const bound = this.#boundAt(entry);
      if (bound < this.#lastBound[place]!) return false;
      this.#lastBound[place] = bound;
    }
    return true;
  }

  /** All entries, with the buckets of each group by ascending bound. */
  #ordered(): Uint32Array {
    const order = new Uint32Array(this.#batch.length).map((_, entry) => entry);
    return order.sort((a, b) => {
      const byGroup = this.#groupOrNone(a) - this.#groupOrNone(b);
      if (byGroup !== 0) return byGroup;
      const aBound = this.#boundAt(a);
      const bBound = this.#boundAt(b);
      // Sums and counts have no bound (NaN); where they stand among the buckets means nothing, but it must be one place.
      if (Number.isNaN(aBound) || Number.isNaN(bBound)) {
        return (Number.isNaN(bBound) ? 1 : 0) - (Number.isNaN(aBound) ? 1 : 0) || a - b;
      }
      return aBound < bBound ? -1 : aBound > bBound ? 1 : 0;
    });
  }

  /** The place of a group in the columns, begun at `entry` when it has none yet. */
  #placeOf(group: number, entry: number): number {
    if (group >= this.#places.length) this.#growPlaces(group);
    const known = this.#places[group]!;
    if (known < this.#count && this.#groups[known] === group) return known;
    const place = this.#count;
    if (place === this.#groups.length) this.#growColumns();
    this.#count += 1;
    this.#places[group] = place;
    this.#groups[place] = group;
    this.#first[place] = entry;
    this.#lastBound[place] = Number.NEGATIVE_INFINITY;
    this.#cumulative[place] = 0;
    this.#infinities[place] = Number.NaN;
    this.#counts[place] = Number.NaN;
    return place;
  }

  #growPlaces(group: number): void {
    const larger = new Uint32Array(Math.max(group + 1, this.#places.length * 2));
    larger.set(this.#places);
    this.#places = larger;
  }

  #growColumns(): void {
    const capacity = this.#groups.length * 2;
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
    this.#groups = whole(this.#groups);
    this.#first = whole(this.#first);
    this.#lastBound = float(this.#lastBound);
    this.#cumulative = float(this.#cumulative);
    this.#infinities = float(this.#infinities);
    this.#counts = float(this.#counts);
  }

  /** The cell of the group's `+Inf` bucket, or undefined for a summary. */
  #infinityOf(place: number): number | undefined {
    const group = this.#groups[place]!;
    const known = this.#cells.groups.length;
    if (group < known) return this.#cells.groups[group]!.buckets.at(-1);
    const { infinity } = this.#batch.freshGroups[group - known]!;
    return infinity < 0 ? undefined : ~infinity;
  }

  #countOf(place: number): number {
    const group = this.#groups[place]!;
    const known = this.#cells.groups.length;
    return group < known ? this.#cells.groups[group]!.count : ~this.#batch.freshGroups[group - known]!.count;
  }

  #kindAt(entry: number): CellKind {
    return kindAt(this.#batch, this.#cells, entry);
  }

  #groupAt(entry: number): number {
    return groupAt(this.#batch, this.#cells, entry);
  }

  #groupOrNone(entry: number): number {
    return isGrouped(this.#kindAt(entry)) ? this.#groupAt(entry) : -1;
  }

  #boundAt(entry: number): number {
    return boundAt(this.#batch, this.#cells, entry);
  }

  #problemAt(entry: number, message: string): PushProblem {
    const batch = this.#batch;
    const series = shownText(batch, this.#cells, batch.cells[entry]!);
    return new PushProblem('invalid_histogram', `${series} ${message}`, batch.offsets[entry]!);
  }
}

/** The series of a cell as shown in a message: cut where it is long. */
export function shownText(batch: Batch, cells: Cells, cell: number): string {
  return shorten(cell < 0 ? batch.fresh.texts.textOf(~cell) : cells.textOf(cell));
}
