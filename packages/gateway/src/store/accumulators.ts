/**
 * The numbers of the state, as columns addressed by an accumulator: one number of one series (a histogram series has an accumulator for each
 * bucket, its sum and its count). An accumulator's number is also its entry in the table of series texts, so that the bytes of a
 * sample line lead to its number with one look-up.
 *
 *   texts      entry ─ `http_requests_total{code="200"}`            key, and what the exposition shows
 *   kind       what adding to it means                              family             the id of its family
 *   composite  the histogram or summary series it is part of, or -1 bound              upper bound, for buckets, else 0
 *   sums       its exact total                                      contributors       who has a part of it, where there are sources
 *   startMs    when it began to count                               createdEpoch       the epoch in which it was created
 *
 * Totals are changed through `add`, `combine`, `show`, `turn`, `create` and `free` alone, which note the family as changed.
 */
import type { Exemplar } from '../model/exemplar.ts';
import { AccumulatorKind, isSummed, policyOf } from './policies.ts';
import { ByteTable } from '../primitives/byte-table.ts';
import { ExactSums } from '../primitives/exact-sums.ts';
import { NumberList } from '../primitives/number-list.ts';
import { atOnce } from '../primitives/turns.ts';
import { CommonPart } from './common-part.ts';
import { Exemplars } from './exemplars.ts';
import type { KeptExemplar } from './exemplars.ts';
import type { LastNamed } from './last-named.ts';
import { OverflowSeries } from './overflow-series.ts';
import { Owners } from './owners.ts';
import type { Windows } from './windows.ts';
import { copyColumn, copySparseColumn, Pace } from '../primitives/pace.ts';

/** One histogram or summary series. `buckets` is replaced, never changed, so that a view may keep it. */
interface Composite {
  /** -1 only while the composite series is being created. */
  count: number;
  /** -1 until a sender gives a sum. */
  sum: number;
  /** Accumulators in order of their bounds, `+Inf` last; empty for a summary. */
  buckets: readonly number[];
  /** All accumulators of its native buckets, in any order (native-accumulators.ts). Replaced as well. */
  native: readonly number[];
}

/** A composite series whose accumulators are gone. */
const GONE: Composite = { count: -1, sum: -1, buckets: [], native: [] };

/** Of one accumulator in all columns, and in the table of texts. */
const COLUMN_BYTES = 80;
/** From here on nothing is new to anybody: after years of new series in each millisecond. */
const SHOWN_EPOCH_MAX: number = 2 ** 32 - 1;

/** So many numbers are sorted in less than a millisecond. */
const SORTED_AT_ONCE_MAX = 4096;

export class Accumulators {
  readonly texts: ByteTable;
  readonly sums: ExactSums = new ExactSums();
  readonly composites: Composite[] = [];
  /** Numbers of those that are gone, to be given out again, the next one last. */
  readonly freeComposites: NumberList = new NumberList();
  kind: Uint8Array = new Uint8Array(0);
  family: Uint32Array = new Uint32Array(0);
  composite: Int32Array = new Int32Array(0);
  bound: Float64Array = new Float64Array(0);
  contributors: Uint32Array = new Uint32Array(0);
  /** Wall-clock time at which the accumulator was created, or an earlier one that a sender gave as its start. */
  startMs: Float64Array = new Float64Array(0);
  /** State.epoch when the accumulator was created, since when `zeroFirst` is in force; 0 for those before. */
  createdEpoch: Uint32Array = new Uint32Array(0);
  readonly exemplars: Exemplars = new Exemplars();
  /** One of the contributors. */
  readonly common: CommonPart = new CommonPart();
  readonly owners: Owners = new Owners();
  readonly overflow: OverflowSeries = new OverflowSeries();
  /** Undefined where nothing expires. */
  lastNamed: LastNamed | undefined;
  /** Undefined where no gauge has a window. */
  windows: Windows | undefined;
  /** By family id: the value of `generation` when one of its totals last changed. */
  changedAt: Uint32Array = new Uint32Array(64);
  /** Whether `createdEpoch` is kept. */
  notesCreation = false;
  /** Grows with every view, so that a view can tell which families have changed since an earlier one. */
  generation = 1;
  /** Freed accumulators whose numbers may still be held by a reader. */
  readonly pendingFree: NumberList = new NumberList();
  /** About what freed accumulators take: their texts and columns. */
  pendingFreeBytes = 0;
  readonly #watching = new Set<ChangeNotes>();
  readonly #epoch: () => number;

  constructor(hashSeed: number, epoch: () => number = () => 0) {
    this.texts = new ByteTable(hashSeed);
    this.#epoch = epoch;
  }

  get size(): number {
    return this.texts.size;
  }

  /** What is created now has this one: 0 unless somebody is to see it as 0 first, and no more than the column holds. */
  get shownEpoch(): number {
    return this.notesCreation ? Math.min(this.#epoch(), SHOWN_EPOCH_MAX) : 0;
  }

  /** Makes room for so many new accumulators; to be called before any is created. */
  *reserveInSteps(count: number, pace: Pace): Generator<void, void> {
    yield* this.texts.reserveInSteps(count, (from, to) => copyColumn(pace, from, to));
    if (this.texts.capacity > this.kind.length) yield* this.#grow(this.texts.capacity, pace);
  }

  /** Creates the accumulator of a canonical text that has none yet. */
  create(text: TextAt, shape: AccumulatorShape): number {
    const { kind, family, composite, bound, startMs } = shape;
    const accumulator = this.texts.insert(text.view, text.start, text.end, text.hash);
    if (accumulator >= this.kind.length) throw new Error('BUG: there is no space for a new accumulator');
    this.kind[accumulator] = kind;
    this.family[accumulator] = family;
    this.composite[accumulator] = composite;
    write(this.bound, accumulator, Number.isNaN(bound) ? 0 : bound);
    write(this.contributors, accumulator, 0);
    this.owners.forget(accumulator);
    this.startMs[accumulator] = startMs;
    this.createdEpoch[accumulator] = this.shownEpoch;
    this.sums.set(accumulator, policyOf(kind).start);
    if (family >= this.changedAt.length) {
      this.changedAt = copied(new Uint32Array(family * 2), this.changedAt);
    }
    this.changedAt[family] = this.generation;
    return accumulator;
  }

  /** The number of the composite series that comes next, or after so many others. */
  nextComposite(others: number = 0): number {
    const left = this.freeComposites.length - others;
    return left > 0 ? this.freeComposites.at(left - 1) : this.composites.length - left;
  }

  /** Makes a composite series without accumulators; its lists may be added to until somebody else sees it. */
  createComposite(): number {
    const composite = this.nextComposite();
    this.freeComposites.pop();
    this.composites[composite] = { count: -1, sum: -1, buckets: [], native: [] };
    return composite;
  }

  /** The accumulators of a composite series that are not free, its count first. Native buckets that were freed stay in its list for a while. */
  membersOf(id: number): number[] {
    const { count, sum, buckets, native } = this.composites[id]!;
    return [count, sum, ...buckets, ...native].filter(
      (accumulator) => accumulator >= 0 && this.kind[accumulator] !== AccumulatorKind.FREE,
    );
  }

  /** Has a composite series go on with other buckets, in order; those that it loses are to be freed. */
  replaceBuckets(id: number, buckets: readonly number[]): void {
    const composite = this.composites[id]!;
    for (const notes of this.#watching) notes.noteBuckets(id, composite.buckets);
    composite.buckets = buckets;
  }

  /** Adds to the total of an accumulator. */
  add(accumulator: number, value: number): void {
    this.sums.add(accumulator, value);
    this.changedAt[this.family[accumulator]!] = this.generation;
  }

  /** `add`, or `combine` where an accumulator is no sum, for each from one place to another; NaN adds nothing. */
  addAll(accumulators: Int32Array, values: Float64Array, from: number, to: number): void {
    const { kind, family: families, changedAt, sums, generation } = this;
    let noted = -1;
    for (let i = from; i < to; i += 1) {
      const accumulator = accumulators[i]!;
      const value = values[i]!;
      if (!isSummed(kind[accumulator]!)) {
        this.combine(accumulator, value);
      } else if (value === value) {
        sums.add(accumulator, value);
        const family = families[accumulator]!;
        if (family !== noted) {
          noted = family;
          changedAt[family] = generation;
        }
      }
    }
  }

  /** How many of the contributors are sources. */
  sourcesOf(accumulator: number): number {
    return this.contributors[accumulator]! - (this.common.has(accumulator) ? 1 : 0);
  }

  /** Takes a value into a total that is no sum. */
  combine(accumulator: number, value: number): void {
    const before = this.sums.get(accumulator);
    const total = policyOf(this.kindOf(accumulator)).combine!(before, value);
    if (total === before) return;
    this.sums.set(accumulator, total);
    this.changedAt[this.family[accumulator]!] = this.generation;
  }

  /** The total by the number of those who contribute to it; also where the total is larger than a double can be. */
  averageOf(accumulator: number): number {
    const by = this.contributors[accumulator]!;
    const total = this.sums.get(accumulator);
    if (Number.isFinite(total)) return total / by;
    return this.sums.parts(accumulator).reduce((sum, part) => sum + part / by, 0);
  }

  /** Replaces a total. */
  show(accumulator: number, total: number): void {
    if (Object.is(this.sums.get(accumulator), total) && !this.sums.isSpilled(accumulator)) return;
    this.sums.set(accumulator, total);
    this.changedAt[this.family[accumulator]!] = this.generation;
  }

  /** Makes a gauge a start time, or the other way round, or a gauge of another policy; what it held is gone. */
  turn(accumulator: number, kind: AccumulatorKind): void {
    const before = this.kindOf(accumulator);
    if (before === AccumulatorKind.CREATED || kind === AccumulatorKind.CREATED)
      for (const notes of this.#watching) notes.noteKind(accumulator, before);
    if (kind === AccumulatorKind.CREATED) this.lastNamed?.delete(accumulator);
    this.windows?.delete(accumulator);
    this.kind[accumulator] = kind;
    this.sums.set(accumulator, policyOf(kind).start);
    this.changedAt[this.family[accumulator]!] = this.generation;
  }

  /** Notes that an accumulator has counted since an earlier time than was known. The push that says so may have taken the accumulator away. */
  startEarlier(accumulator: number, startMs: number): void {
    if (this.kind[accumulator] === AccumulatorKind.FREE) return;
    const known = this.startMs[accumulator]!;
    if (!(startMs < known)) return;
    for (const notes of this.#watching) notes.noteStart(accumulator, known);
    this.startMs[accumulator] = startMs;
    this.changedAt[this.family[accumulator]!] = this.generation;
  }

  /** See Exemplars.offer. The push that brings it may have taken the accumulator away. */
  offerExemplar(accumulator: number, exemplar: Exemplar, nowMs: number): void {
    if (this.kind[accumulator] === AccumulatorKind.FREE) return;
    const known = this.#watching.size === 0 ? undefined : this.exemplars.get(accumulator);
    if (!this.exemplars.offer(accumulator, exemplar, nowMs)) return;
    for (const notes of this.#watching) notes.noteExemplar(accumulator, known);
    this.changedAt[this.family[accumulator]!] = this.generation;
  }

  /** From now until `unwatch`, what it asks for is noted there before it changes. */
  watch(notes: ChangeNotes): void {
    this.#watching.add(notes);
  }

  unwatch(notes: ChangeNotes): void {
    this.#watching.delete(notes);
  }

  /** Takes an accumulator out of expositions. Its number is used again only after `recycle`. */
  free(accumulator: number): void {
    for (const notes of this.#watching) notes.noteFree(accumulator, this.kindOf(accumulator), this.texts);
    this.texts.remove(accumulator);
    const exemplar = this.exemplars.get(accumulator);
    if (exemplar !== undefined) {
      for (const notes of this.#watching) notes.noteExemplar(accumulator, exemplar);
      this.exemplars.delete(accumulator);
    }
    this.lastNamed?.delete(accumulator);
    if (this.common.delete(accumulator)) this.contributors[accumulator]! -= 1;
    this.windows?.delete(accumulator);
    this.owners.letGo(accumulator);
    this.overflow.delete(accumulator);
    this.kind[accumulator] = AccumulatorKind.FREE;
    // No number, so that a view can tell a total it holds from one that came later and took the accumulator's number.
    this.sums.set(accumulator, Number.NaN);
    this.changedAt[this.family[accumulator]!] = this.generation;
    this.pendingFree.push(accumulator);
    this.pendingFreeBytes += this.texts.lengthOf(accumulator) + COLUMN_BYTES;
  }

  /** Notes that something else of a family has changed that the exposition shows. */
  noteChange(family: number): void {
    // Past the end while it has no accumulator; `create` notes the first one.
    this.changedAt[family] = this.generation;
  }

  /**
   * Puts freed accumulators in the order of their numbers. They were freed in that in which their contributions lie, which is not the same for all who
   * have the same records; the order in which they are used again has to be.
   */
  *sortFreed(pace: Pace): Generator<void, void> {
    const { pendingFree } = this;
    if (pendingFree.length <= SORTED_AT_ONCE_MAX) {
      const numbers = [...pendingFree].toSorted((one, other) => one - other);
      pendingFree.clear();
      for (const accumulator of numbers) pendingFree.push(accumulator);
      return;
    }
    const isFreed = new Uint8Array(this.texts.high);
    for (const accumulator of pendingFree) {
      isFreed[accumulator] = 1;
      if (pace.isFull(1)) yield;
    }
    pendingFree.clear();
    for (let accumulator = 0; accumulator < isFreed.length; accumulator += 1) {
      if (isFreed[accumulator] === 1) pendingFree.push(accumulator);
      if (pace.isFull(1)) yield;
    }
  }

  /** Takes freed accumulators out of the lists of composite series, and lets the numbers of those that are gone be used again, where asked. */
  *forgetFreedMembers(
    pace: Pace,
    { reusesComposites }: { readonly reusesComposites: boolean },
  ): Generator<void, void> {
    const isLive = (accumulator: number): boolean => this.kind[accumulator] !== AccumulatorKind.FREE;
    const isClean = new Uint8Array(this.composites.length);
    for (const accumulator of this.pendingFree) {
      if (pace.isFull(1)) yield;
      const id = this.composite[accumulator]!;
      const composite = this.composites[id];
      if (composite === undefined || isClean[id] === 1) continue;
      isClean[id] = 1;
      const { count, native } = composite;
      // One that was restored has no count when that is gone.
      if (count < 0 || !isLive(count)) {
        this.composites[id] = GONE;
        if (reusesComposites) this.freeComposites.push(id);
        continue;
      }
      if (native.length === 0) continue;
      if (pace.isFull(native.length)) yield;
      composite.native = native.filter(isLive);
    }
  }

  /** Call when nobody holds the number of a freed accumulator any more. */
  *recycle(pace: Pace): Generator<void, void> {
    for (const accumulator of this.pendingFree) {
      this.texts.release(accumulator);
      if (pace.isFull(1)) yield;
    }
    this.pendingFree.clear();
    this.pendingFreeBytes = 0;
  }

  /** Gives the columns of an empty state room for the accumulators and families of a snapshot. */
  restoreFamilyColumns(familyIds: number): void {
    if (this.texts.capacity > this.kind.length) atOnce(this.#grow(this.texts.capacity, new Pace()));
    this.changedAt = new Uint32Array(Math.max(familyIds * 2, 64)).fill(this.generation);
  }

  /** The canonical text of an accumulator. */
  textOf(accumulator: number): string {
    return this.texts.textOf(accumulator);
  }

  kindOf(accumulator: number): AccumulatorKind {
    return this.kind[accumulator] as AccumulatorKind;
  }

  *#grow(capacity: number, pace: Pace): Generator<void, void> {
    this.kind = yield* copyColumn(pace, this.kind, new Uint8Array(capacity));
    this.family = yield* copyColumn(pace, this.family, new Uint32Array(capacity));
    this.composite = yield* copyColumn(pace, this.composite, new Int32Array(capacity));
    this.bound = yield* copySparseColumn(pace, this.bound, new Float64Array(capacity));
    this.contributors = yield* copySparseColumn(pace, this.contributors, new Uint32Array(capacity));
    this.startMs = yield* copyColumn(pace, this.startMs, new Float64Array(capacity));
    this.createdEpoch = yield* copySparseColumn(pace, this.createdEpoch, new Uint32Array(capacity));
    yield* this.sums.reserve(
      capacity,
      (from, to) => copyColumn(pace, from, to),
      (from, to) => copySparseColumn(pace, from, to),
    );
  }
}

/** Takes down what changes while a view is open, before it changes (view-undo-log.ts). */
export interface ChangeNotes {
  noteStart(accumulator: number, startMs: number): void;
  /** It is replaced, or goes. */
  noteExemplar(accumulator: number, exemplar: KeptExemplar | undefined): void;
  /** An accumulator turns from a gauge into a start time, or back. */
  noteKind(accumulator: number, kind: AccumulatorKind): void;
  /** A composite series loses some of its buckets. */
  noteBuckets(composite: number, buckets: readonly number[]): void;
  /** It goes, and is no longer found by its text. */
  noteFree(accumulator: number, kind: AccumulatorKind, texts: ByteTable): void;
}

/** A canonical text as bytes, with its hash by the seed of the state. */
export interface TextAt {
  readonly view: DataView;
  readonly start: number;
  readonly end: number;
  readonly hash: number;
}

export interface AccumulatorShape {
  readonly kind: AccumulatorKind;
  readonly family: number;
  /** -1 for none. */
  readonly composite: number;
  /** NaN for all but buckets. */
  readonly bound: number;
  readonly startMs: number;
}

/** Leaves a 0 alone that is there already: pages of a column that nobody has written to take no memory. */
function write(column: Float64Array | Uint32Array, accumulator: number, value: number): void {
  if (column[accumulator] !== value) column[accumulator] = value;
}

function copied<T extends { set(from: T): void }>(to: T, from: T): T {
  to.set(from);
  return to;
}
