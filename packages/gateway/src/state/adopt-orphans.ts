/**
 * A histogram or summary is declared after lines of it came without a TYPE. What those counted is adopted, as it would have counted had
 * the TYPE line come first: series by series, and in by-job mode source by source, where what was told makes a whole series.
 *
 * It depends on the state alone, so that a record need only say that it is done: records of before this was so drop such lines.
 * First the lines are looked at, before their accumulators are freed; once those of the push are created, the rest follows.
 */
import { hasBuckets } from '../model/metric-type.ts';
import { parseSeriesText } from '../model/series-text.ts';
import { ExactSums } from '../primitives/exact-sums.ts';
import { AdoptedAccumulators } from './adopted-accumulators.ts';
import type { PushFamily } from '../store/batch.ts';
import type { Accumulators } from '../store/accumulators.ts';
import type { Family } from '../store/families.ts';
import { copyColumn, sortNumbers } from '../primitives/pace.ts';
import type { Pace } from '../primitives/pace.ts';
import { slotsOf, OrphanHistograms, wholeOf } from './orphan-histograms.ts';
import type { Slot, OrphanSeries, SlotValue } from './orphan-histograms.ts';
import type { Contribution, Sources } from '../sources/sources.ts';
import { TextScratch } from '../store/text-scratch.ts';
import { AccumulatorKind } from '../store/policies.ts';

/** Of more lines nothing is adopted, as all are in memory at once. Part of what a record means, so no setting. */
const ADOPTED_MAX = 1 << 18;
/** Reading a line is as much work as so many rows. */
const READ_ROWS = 8;
const CREATED_ROWS = 4;

const roles = ['_bucket', '_sum', '_count'] as const;

interface AdoptingState {
  readonly accumulators: Accumulators;
  readonly sources: Sources;
  readonly pace: Pace;
  readonly hashSeed: number;
}

/** Where an untyped accumulator belongs. */
interface Place {
  readonly series: OrphanSeries;
  readonly slot: Slot;
}

export class OrphanAdoption {
  /** Untyped accumulators that became part of a series. */
  adopted = 0;
  readonly #state: AdoptingState;
  readonly #pushed: PushFamily;
  readonly #orphans: OrphanHistograms;
  readonly #withBuckets: boolean;
  /** Families of which everything was looked at. */
  readonly #taken = new Set<Family>();
  /** Their accumulators. Some belong nowhere. */
  readonly #places = new Map<number, Place | undefined>();
  /** By slot: what nobody holds, as the total of all. */
  readonly #totals = new ExactSums();
  #isHeld = false;
  /** Series of which some source holds something. */
  readonly #held = new Set<OrphanSeries>();
  /** What senders that add have had. */
  readonly #common = new Set<Slot>();
  readonly #created = new Map<OrphanSeries, AdoptedAccumulators>();
  readonly #scratch: TextScratch;
  #quotedNames = false;

  constructor(state: AdoptingState, pushed: PushFamily) {
    this.#state = state;
    this.#pushed = pushed;
    this.#withBuckets = hasBuckets(pushed.type);
    this.#orphans = new OrphanHistograms(pushed.name, this.#withBuckets);
    this.#scratch = new TextScratch(state.hashSeed);
  }

  /** Whether `carryOut` will see to what sources have in a family. */
  hasTaken(family: Family): boolean {
    return this.#taken.has(family);
  }

  /** Looks at untyped families that are about to go. */
  *look(families: Iterable<Family>): Generator<void, void> {
    const all = [...families].filter((family) => this.#roleOf(family) !== undefined);
    if (all.reduce((rows, { rowCount }) => rows + rowCount, 0) > ADOPTED_MAX) return;
    for (const family of all) yield* this.#lookAt(family, this.#roleOf(family)!);
    const { accumulators, pace } = this.#state;
    yield* this.#totals.reserve(this.#orphans.slotCount, (from, to) => copyColumn(pace, from, to));
    for (const [accumulator, place] of this.#places) {
      const isHeld = accumulators.sourcesOf(accumulator) > 0;
      this.#isHeld ||= isHeld;
      if (pace.isFull(1)) yield;
      if (place === undefined) continue;
      for (const part of accumulators.sums.parts(accumulator)) this.#totals.add(place.slot.index, part);
      if (isHeld) this.#held.add(place.series);
      if (accumulators.common.has(accumulator)) this.#common.add(place.slot);
    }
  }

  /** Makes series of what was looked at. The accumulators of the push are there by now, those of the lines are free. */
  *carryOut(): Generator<void, void> {
    if (this.#places.size === 0) return;
    const { accumulators, pace, sources } = this.#state;
    // A line is an accumulator at most, and a series may lack its count or its last bucket.
    yield* accumulators.reserveInSteps(this.#places.size * 2, pace);
    if (this.#isHeld)
      yield* sources.replaceContributions([...this.#places.keys()], (slotValues) => this.#moved(slotValues));
    for (const series of this.#orphans) {
      yield* this.#addRest(series);
      if (pace.isFull(1)) yield;
    }
    for (const series of this.#created.values()) {
      if (pace.isFull(series.settle())) yield;
    }
    if (this.#created.size > 0) this.#pushed.known!.quotedNames ||= this.#quotedNames;
  }

  #roleOf({ name, type }: Family): Slot['role'] | undefined {
    if (type !== 'untyped') return undefined;
    return roles.find(
      (role) => name === this.#pushed.name + role && (this.#withBuckets || role !== '_bucket'),
    );
  }

  *#lookAt(family: Family, role: Slot['role']): Generator<void, void> {
    const { accumulators, pace } = this.#state;
    const { sorted, pending } = family;
    this.#taken.add(family);
    this.#quotedNames ||= family.quotedNames;
    // The order of rows depends on scrapes, and accumulators are created in the order in which series come.
    const rows = new Uint32Array(sorted.length + pending.length);
    rows.set(sorted);
    rows.set(pending.between(0, pending.length), sorted.length);
    for (const accumulator of yield* sortNumbers(pace, rows)) {
      if (pace.isFull(READ_ROWS)) yield;
      if (accumulators.kind[accumulator] === AccumulatorKind.FREE) continue;
      const { labels } = parseSeriesText(accumulators.textOf(accumulator));
      this.#places.set(accumulator, this.#orphans.add(role, labels, accumulators.startMs[accumulator]!));
    }
  }

  /** What a source has instead of its untyped accumulators. */
  *#moved(slotValues: readonly Contribution[]): Generator<void, readonly Contribution[]> {
    const { pace } = this.#state;
    const bySeries = new Map<OrphanSeries, SlotValue[]>();
    for (const { accumulator, value } of slotValues) {
      const place = this.#places.get(accumulator);
      if (place === undefined) continue;
      const { series, slot } = place;
      this.#totals.add(slot.index, -value);
      const own = bySeries.get(series);
      if (own === undefined) bySeries.set(series, [{ slot, value }]);
      else own.push({ slot, value });
      if (pace.isFull(1)) yield;
    }
    const moved: Contribution[] = [];
    for (const [series, own] of bySeries) {
      const whole = wholeOf(own, { withBuckets: this.#withBuckets, ofMany: false });
      if (whole === undefined) continue;
      const accumulators = this.#accumulatorsOf(series);
      for (const { bound, value } of whole.buckets) {
        moved.push({ accumulator: accumulators.bucket(bound), value });
        if (pace.isFull(CREATED_ROWS)) yield;
      }
      moved.push({ accumulator: accumulators.count(), value: whole.count });
      if (whole.sum !== undefined) moved.push({ accumulator: accumulators.sum(), value: whole.sum });
    }
    for (const { accumulator, value } of moved) {
      this.#state.accumulators.add(accumulator, value);
      if (pace.isFull(1)) yield;
    }
    return moved;
  }

  /** Adds what no source holds. A bound that nobody else told has nothing left, and says nothing. */
  *#addRest(series: OrphanSeries): Generator<void, void> {
    const slotValues: SlotValue[] = [];
    const isHeld = this.#held.has(series);
    let isCommon = false;
    for (const slot of slotsOf(series)) {
      const value = this.#totals.get(slot.index);
      const isOfAdding = this.#common.has(slot);
      isCommon ||= isOfAdding;
      if (!isHeld || isOfAdding || value !== 0) slotValues.push({ slot, value });
      if (this.#state.pace.isFull(1)) yield;
    }
    const whole = wholeOf(slotValues, { withBuckets: this.#withBuckets, ofMany: true });
    if (whole === undefined) return;
    const into = this.#accumulatorsOf(series);
    for (const { bound, value } of whole.buckets) {
      this.#add(into.bucket(bound), [value], isCommon);
      if (this.#state.pace.isFull(CREATED_ROWS)) yield;
    }
    this.#add(into.count(), [whole.count], isCommon);
    if (series.sum !== undefined)
      this.#add(into.sum(), this.#totals.parts(series.sum.index), this.#common.has(series.sum));
  }

  /** `isCommon`: senders that add have a part of it. */
  #add(accumulator: number, parts: Iterable<number>, isCommon: boolean): void {
    const { accumulators, sources } = this.#state;
    for (const part of parts) accumulators.add(accumulator, part);
    if (isCommon) sources.common.join(accumulator);
  }

  #accumulatorsOf(series: OrphanSeries): AdoptedAccumulators {
    const known = this.#created.get(series);
    if (known !== undefined) return known;
    this.adopted += series.accumulators;
    const { accumulators } = this.#state;
    const created = new AdoptedAccumulators(
      { accumulators, family: this.#pushed.known!, scratch: this.#scratch },
      series,
    );
    this.#created.set(series, created);
    return created;
  }
}
