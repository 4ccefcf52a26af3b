/**
 * A push of a source, put in the place of what it pushed before. Nearly every push names the same accumulators as the one before it, in the
 * same order: `#update` takes it in one pass and makes no object. All else goes through `#merge`.
 */
import type { Batch } from '../store/batch.ts';
import type { Accumulators } from '../store/accumulators.ts';
import { isWhole } from './contributions.ts';
import type { Contributions } from './contributions.ts';
import { restartedComposites } from './restarts.ts';
import type { SourceChanges } from './source-changes.ts';
import {
  hasSameStarts,
  lengthWithoutStarts,
  orderCount,
  ordersOf,
  readBegan,
  reboundOf,
  startedAccumulator,
  startOf,
} from './source-starts.ts';
import type { Began } from './source-starts.ts';
import {
  isContributed,
  isDerived,
  isGrouped,
  isNative,
  isNewest,
  isValue,
  staysWithoutValue,
  restartsAlone,
  restartsAll,
} from '../store/policies.ts';

/** What began anew; undefined where nobody asks. */
interface Restarts {
  readonly composites: ReadonlySet<number>;
  readonly counters: ReadonlySet<number>;
  /** Groups that went on, as their start times say. */
  readonly same: ReadonlySet<number>;
}
type Restarted = Restarts | undefined;

const noAccumulators: ReadonlySet<number> = new Set();
const noOrders: ReadonlyMap<number, number> = new Map();

interface Merging {
  readonly restarted: Restarted;
  /** What the source had, by accumulator. */
  readonly orders: ReadonlyMap<number, number>;
  /** Takes those of this push. */
  readonly newest: Map<number, number>;
}

/** Takes a part of a batch, where the source has come to an entry of its own. Returns where it is then, or -1 if it does not fit. */
type PartTaker = (batch: Batch, from: number, to: number, at: number) => number;

export class SourcePush {
  /** Whether counters that fall have begun anew. */
  accumulate = false;
  /** Whether there may be totals that are no sums of what sources contribute. */
  derives = false;
  /** How many orders the source has whose push is taken. */
  #ordered = 0;
  readonly #accumulators: Accumulators;
  readonly #contributions: Contributions;
  readonly #changes: SourceChanges;
  readonly #updater: PartTaker = (...part) => this.#update(...part);
  readonly #checker: PartTaker = (...part) => this.#continue(...part);

  constructor(accumulators: Accumulators, contributions: Contributions, changes: SourceChanges) {
    this.#accumulators = accumulators;
    this.#contributions = contributions;
    this.#changes = changes;
  }

  /** With `put`, gauges and untyped series that the batch left out go. Returns the steps that are left to take. */
  take(source: number, batch: Batch, put: boolean): Generator<void, void> | undefined {
    const own = this.#contributions;
    if (batch.length + own.lengthOf(source) > this.#changes.pace.rows)
      return this.#takeLong(source, batch, put);
    own.openToWrite(source);
    this.#ordered = this.derives ? orderCount(own, this.#accumulators) : 0;
    const mayUpdate = !this.accumulate || this.#isAll(batch, this.#continue(batch, 0, batch.length, 0));
    if (mayUpdate && this.#isAll(batch, this.#update(batch, 0, batch.length, 0))) {
      this.#namesAll(source);
      return this.#ordered === 0 ? undefined : this.#renew();
    }
    return this.#merge(source, batch, put);
  }

  *#takeLong(source: number, batch: Batch, put: boolean): Generator<void, void> {
    yield* this.#contributions.openToWriteInSteps(source, this.#changes.pace);
    this.#ordered = this.derives ? orderCount(this.#contributions, this.#accumulators) : 0;
    const mayUpdate = !this.accumulate || (yield* this.#each(batch, this.#checker));
    if (!mayUpdate || !(yield* this.#each(batch, this.#updater))) yield* this.#merge(source, batch, put);
    else {
      this.#namesAll(source);
      if (this.#ordered > 0) yield* this.#renew();
    }
  }

  #namesAll(source: number): void {
    if (this.#changes.leftOut.areSome) this.#changes.leftOut.delete(source);
  }

  /** Whether all parts fit, and the source has nothing else. */
  *#each(batch: Batch, take: PartTaker): Generator<void, boolean> {
    const { pace } = this.#changes;
    let at = 0;
    for (let from = 0; from < batch.length; from += pace.rows) {
      const to = Math.min(from + pace.rows, batch.length);
      at = take(batch, from, to, at);
      if (at < 0) return false;
      if (pace.isFull(to - from)) yield;
    }
    return this.#isAll(batch, at);
  }

  /** Whether what is left of what the source has, from an entry on, is the same start times as those of the batch, and orders. */
  #isAll(batch: Batch, at: number): boolean {
    const own = this.#contributions;
    if (at < 0 || at + batch.began.length + this.#ordered !== own.length) return false;
    if (this.#ordered > 0 && own.isNarrow && !isWhole(this.#changes.order)) return false;
    return batch.began.length === 0 || hasSameStarts(own, at, batch);
  }

  /** After an update: what the source has of the newest came with this push. Orders are in the order of what they are of. */
  *#renew(): Generator<void, void> {
    const { accumulators, accumulatorsAt, values, valuesAt, length } = this.#contributions;
    const { derived, order, pace } = this.#changes;
    let at = 0;
    for (let i = length - this.#ordered; i < length; i += 1) {
      const accumulator = startedAccumulator(accumulators[accumulatorsAt + i]!);
      for (; accumulators[accumulatorsAt + at] !== accumulator; at += 1) if (pace.isFull(1)) yield;
      derived.renew(accumulator, values[valuesAt + i]!, values[valuesAt + at]!, order);
      values[valuesAt + i] = order;
      if (pace.isFull(1)) yield;
    }
  }

  /**
   * Takes a batch that names what the source has, in the same order, takes none of it away, and has no value for which there is no
   * room; start times may stand among it. Where it finds that this is not so, the part it has taken is as it should be, and may be taken again.
   */
  #update(batch: Batch, from: number, to: number, startAt: number): number {
    const { accumulators: batchAccumulators, values: batchValues } = batch;
    const { values, valuesAt, accumulators, accumulatorsAt, length, isNarrow } = this.#contributions;
    let at = startAt;
    for (let i = from; i < to; i += 1) {
      const accumulator = batchAccumulators[i]!;
      const value = batchValues[i]!;
      if (at < length && accumulators[accumulatorsAt + at] === accumulator) {
        const before = values[valuesAt + at]!;
        if (value !== before) {
          if (!Number.isNaN(value)) {
            if (isNarrow && !isWhole(value)) return -1;
            this.#exchange(accumulator, before, value);
            values[valuesAt + at] = value;
          } else if (!staysWithoutValue(this.#accumulators.kind[accumulator]!)) return -1;
        }
        at += 1;
      } else if (!isContributed(this.#accumulators.kind[accumulator]!)) {
        this.#accumulators.combine(accumulator, value);
      } else {
        return -1;
      }
    }
    return at;
  }

  /** With `accumulate`: whether `#update` would take the batch, and no histogram or summary of it began anew. */
  #continue(batch: Batch, from: number, to: number, startAt: number): number {
    const { values, valuesAt, accumulators, accumulatorsAt, length } = this.#contributions;
    let at = startAt;
    for (let i = from; i < to; i += 1) {
      const accumulator = batch.accumulators[i]!;
      if (at < length && accumulators[accumulatorsAt + at] === accumulator) {
        if (!(batch.values[i]! >= values[valuesAt + at]!)) {
          const isGauge =
            Number.isNaN(batch.values[i]) && !staysWithoutValue(this.#accumulators.kind[accumulator]!);
          if (isGauge || this.#mayNotFall(accumulator)) return -1;
        }
        at += 1;
      } else if (isContributed(this.#accumulators.kind[accumulator]!)) {
        return -1;
      }
    }
    return at;
  }

  /** Puts a value in the place of an earlier one, in a total. A counter that fell is a restart where that is the rule. */
  #exchange(accumulator: number, before: number, value: number): void {
    if (this.derives && isDerived(this.#accumulators.kind[accumulator]!)) {
      // The newest is told by its order, which changes after all values.
      if (!isNewest(this.#accumulators.kind[accumulator]!))
        this.#changes.derived.exchange(accumulator, before, value);
      return;
    }
    if (this.accumulate && value < before && restartsAlone(this.#accumulators.kind[accumulator]!)) {
      this.#accumulators.add(accumulator, value);
      return;
    }
    // The difference is nearly always a double; otherwise two doubles make it up exactly (two-sum, see ExactSums).
    const difference = value - before;
    const taken = difference - value;
    const rest = value - (difference - taken) - (before + taken);
    if (Number.isNaN(rest)) {
      // The difference is beyond the largest double.
      this.#accumulators.add(accumulator, value);
      this.#accumulators.add(accumulator, -before);
      return;
    }
    this.#accumulators.add(accumulator, difference);
    if (rest !== 0) this.#accumulators.add(accumulator, rest);
  }

  /** Takes any batch: what the source has becomes what the batch says, and what it leaves as it is. */
  *#merge(source: number, batch: Batch, put: boolean): Generator<void, void> {
    const { pace, next } = this.#changes;
    const { accumulators, accumulatorsAt } = this.#contributions;
    const length = lengthWithoutStarts(this.#contributions);
    const position = this.#changes.positions();
    for (let at = 0; at < length; at += 1) {
      position[accumulators[accumulatorsAt + at]!] = at + 1;
      if (pace.isFull(1)) yield;
    }
    const began = yield* readBegan(this.#contributions, batch, pace);
    const restarted =
      this.accumulate && length > 0 ? yield* this.#restarts(batch, { length, began }) : undefined;
    const orders = this.derives ? yield* ordersOf(this.#contributions, this.#accumulators, pace) : noOrders;
    const newest = new Map<number, number>();
    next.begin(batch.length * (this.derives ? 2 : 1) + this.#contributions.length + began.startMs.size);
    for (let from = 0; from < batch.length; from += pace.rows) {
      const to = Math.min(from + pace.rows, batch.length);
      this.#mergePart(batch, from, to, { restarted, orders, newest });
      if (pace.isFull(to - from)) yield;
    }
    const starts = yield* this.#carryStarts(length, began);
    const leftOut = new Map<number, number>();
    const carried = yield* this.#carryOver(batch, { put, restarted, length, orders, leftOut, starts });
    for (const beside of [starts, newest, carried]) {
      for (const [accumulator, value] of beside) {
        next.add(startOf(accumulator), value);
        if (pace.isFull(1)) yield;
      }
    }
    yield* this.#contributions.replace(source, next, pace);
    next.end();
    if (leftOut.size > 0) yield* this.#noteLeftOut(source, leftOut);
    else this.#namesAll(source);
    yield* this.#changes.dropWithdrawn();
  }

  #mergePart(batch: Batch, from: number, to: number, { restarted, orders, newest }: Merging): void {
    const { values, valuesAt } = this.#contributions;
    const { kind } = this.#accumulators;
    const { next } = this.#changes;
    const position = this.#changes.positions();
    for (let i = from; i < to; i += 1) {
      const accumulator = batch.accumulators[i]!;
      const value = batch.values[i]!;
      const at = position[accumulator]! - 1;
      position[accumulator] = 0;
      if (!isContributed(kind[accumulator]!)) {
        this.#accumulators.combine(accumulator, value);
        continue;
      }
      if (!isValue(kind[accumulator]!, value)) {
        if (at < 0) continue;
        const before = values[valuesAt + at]!;
        if (!staysWithoutValue(kind[accumulator]!)) this.#changes.withdraw(accumulator, before);
        // To withdraw the last sum known would look like a restart. Of a run that begins, none is known.
        else
          next.add(
            accumulator,
            restarted !== undefined && this.#beganAnew(accumulator, restarted) ? 0 : before,
          );
        continue;
      }
      if (isNewest(kind[accumulator]!)) newest.set(accumulator, this.#changes.order);
      if (at < 0) {
        this.#changes.gain(accumulator, value);
      } else if (isNewest(kind[accumulator]!)) {
        this.#changes.derived.renew(accumulator, orders.get(accumulator)!, value, this.#changes.order);
      } else if (restarted !== undefined && this.#beganAnew(accumulator, restarted)) {
        this.#accumulators.add(accumulator, value);
      } else if (value !== values[valuesAt + at]) {
        this.#exchange(accumulator, values[valuesAt + at]!, value);
      }
      next.add(accumulator, value);
    }
  }

  /**
   * What goes on of what the source has although the batch does not name it: those are the accumulators that still have a position. Returns
   * their orders, puts what may expire into `leftOut`, and takes out of `starts` what is the source's no more.
   */
  *#carryOver(
    batch: Batch,
    {
      put,
      restarted,
      length,
      orders,
      leftOut,
      starts,
    }: {
      readonly put: boolean;
      readonly restarted: Restarted;
      readonly length: number;
      readonly orders: ReadonlyMap<number, number>;
      readonly leftOut: Map<number, number>;
      readonly starts: Map<number, number>;
    },
  ): Generator<void, ReadonlyMap<number, number>> {
    const { accumulators, accumulatorsAt, values, valuesAt } = this.#contributions;
    const { pace, next } = this.#changes;
    const position = this.#changes.positions();
    const carried = new Map<number, number>();
    let composites: ReadonlySet<number> | undefined;
    const replaced = this.#changes.areGroups && !put ? yield* this.#familiesOf(batch) : undefined;
    for (let at = 0; at < length; at += 1) {
      if (pace.isFull(1)) yield;
      const accumulator = accumulators[accumulatorsAt + at]!;
      if (position[accumulator] === 0) continue;
      position[accumulator] = 0;
      const kind = this.#accumulators.kindOf(accumulator);
      const value = values[valuesAt + at]!;
      const order = orders.get(accumulator);
      if (
        (put || replaced?.has(this.#accumulators.family[accumulator]!) === true) &&
        this.#changes.goes(accumulator)
      ) {
        starts.delete(accumulator);
        this.#changes.withdraw(accumulator, value);
        if (order !== undefined) this.#changes.withdrawOrder(accumulator, order);
        continue;
      }
      if (isGrouped(kind)) composites ??= yield* this.#compositesOf(batch);
      if (isGrouped(kind) && composites?.has(this.#accumulators.composite[accumulator]!) === true) {
        starts.delete(accumulator);
        // The histogram was pushed anew without this bound. When that is a restart, what the bound counted stays.
        if (!this.accumulate || this.#goesOn(accumulator, restarted))
          this.#changes.withdraw(accumulator, value);
        else this.#changes.fold(accumulator);
        continue;
      }
      next.add(accumulator, value);
      if (order !== undefined) carried.set(accumulator, order);
      if (this.#accumulators.lastNamed === undefined) continue;
      const naming = this.#changes.expiring(accumulator);
      if (naming >= 0) leftOut.set(naming, this.#changes.pushedBeforeMs);
    }
    return carried;
  }

  /** Notes what a push leaves out. If the push before that left it out as well, it was named earlier. */
  *#noteLeftOut(source: number, leftOut: Map<number, number>): Generator<void, void> {
    const earlier = this.#changes.leftOut.get(source);
    for (const [i, naming] of (earlier?.named ?? []).entries()) {
      if (leftOut.has(naming)) leftOut.set(naming, earlier!.timesMs[i]!);
      if (this.#changes.pace.isFull(1)) yield;
    }
    this.#changes.leftOut.setTimes(source, leftOut);
  }

  *#familiesOf(batch: Batch): Generator<void, ReadonlySet<number>> {
    const families = new Set<number>();
    for (let i = 0; i < batch.length; i += 1) {
      families.add(this.#accumulators.family[batch.accumulators[i]!]!);
      if (this.#changes.pace.isFull(1)) yield;
    }
    return families;
  }

  *#compositesOf(batch: Batch): Generator<void, ReadonlySet<number>> {
    const composites = new Set<number>();
    for (let i = 0; i < batch.length; i += 1) {
      const accumulator = batch.accumulators[i]!;
      if (isGrouped(this.#accumulators.kindOf(accumulator)))
        composites.add(this.#accumulators.composite[accumulator]!);
      if (this.#changes.pace.isFull(1)) yield;
    }
    return composites;
  }

  /** Start times that the batch tells, and those of what it does not name: that has still a position. */
  *#carryStarts(from: number, { startMs }: Began): Generator<void, Map<number, number>> {
    const { accumulators, accumulatorsAt, values, valuesAt, length } = this.#contributions;
    const position = this.#changes.positions();
    const starts = new Map(startMs);
    for (let at = from; at < length; at += 1) {
      const accumulator = startedAccumulator(accumulators[accumulatorsAt + at]!);
      if (position[accumulator] !== 0 && !isNewest(this.#accumulators.kind[accumulator]!))
        starts.set(accumulator, values[valuesAt + at]!);
      if (this.#changes.pace.isFull(1)) yield;
    }
    return starts;
  }

  /** By their values, and where start times are told, by those. */
  *#restarts(
    batch: Batch,
    { length, began }: { readonly length: number; readonly began: Began },
  ): Generator<void, Restarts> {
    const { accumulators, accumulatorsAt, values, valuesAt } = this.#contributions;
    const { pace } = this.#changes;
    const { restarted, goOn: same } = yield* restartedComposites({
      accumulators: this.#accumulators,
      before: {
        length,
        accumulatorAt: (i) => accumulators[accumulatorsAt + i]!,
        valueAt: (i) => values[valuesAt + i]!,
      },
      batch,
      position: this.#changes.positions(),
      pace,
      rebound: yield* reboundOf(this.#contributions, this.#accumulators, pace),
      isGauge: (family) => this.#changes.isGaugeFamily(family),
    });
    if (began.startMs.size === 0) return { composites: restarted, counters: noAccumulators, same };
    const composites = restarted;
    const counters = new Set<number>();
    for (const accumulator of began.same) {
      if (isGrouped(this.#accumulators.kind[accumulator]!))
        same.add(this.#accumulators.composite[accumulator]!);
      if (pace.isFull(1)) yield;
    }
    for (const composite of same) composites.delete(composite);
    for (const accumulator of began.anew) {
      if (!isGrouped(this.#accumulators.kind[accumulator]!)) counters.add(accumulator);
      else if (!this.#changes.isOfGaugeHistogram(accumulator)) {
        composites.add(this.#accumulators.composite[accumulator]!);
        same.delete(this.#accumulators.composite[accumulator]!);
      }
      if (pace.isFull(1)) yield;
    }
    return { composites, counters, same };
  }

  #beganAnew(accumulator: number, { composites, counters }: Restarts): boolean {
    const composite = this.#accumulators.composite[accumulator]!;
    return composite < 0 ? counters.has(accumulator) : composites.has(composite);
  }

  /** Whether the histogram that a bucket is of did not begin anew, so that the bucket is another one now. */
  #goesOn(accumulator: number, restarted: Restarted): boolean {
    if (this.#changes.isOfGaugeHistogram(accumulator)) return true;
    const composite = this.#accumulators.composite[accumulator]!;
    if (restarted?.same.has(composite) === true) return true;
    return isNative(this.#accumulators.kindOf(accumulator)) && restarted?.composites.has(composite) !== true;
  }

  /** Buckets and counts fall only when their histogram or summary begins anew, or has its native buckets at another resolution. */
  #mayNotFall(accumulator: number): boolean {
    return (
      restartsAll(this.#accumulators.kind[accumulator]!) &&
      !this.#changes.isGaugeFamily(this.#accumulators.family[accumulator]!)
    );
  }
}
