/** What changes of contributions have in common: what may be taken back, and columns to put together what a source will have. */
import type { Accumulators } from '../store/accumulators.ts';
import { LeftOutTimes } from './left-out.ts';
import { OwnSeries } from './own-series.ts';
import type { Pace } from '../primitives/pace.ts';
import { isCounted, isDerived, isGrouped, isNewest, isRemovable, policyOf } from '../store/policies.ts';
import { DerivedTotals } from './derived-totals.ts';

/** Scratch grown past this by a source with many series is let go. */
const KEPT_LENGTH = 1 << 16;

/** What is asked of the state. */
export interface AccumulatorOwner {
  readonly pace: Pace;
  /** Called when no source has a gauge, an untyped series or a native bucket any more. */
  free(accumulator: number): void;
  /** Whether the family with this id says how things are, though its accumulators are like those of histograms that count. */
  isGauge(family: number): boolean;
  /** Whether gauge histograms go that no source has any more, and has them go. */
  dropsWithdrawn(): boolean;
  /** See AggregationConfig.groups. */
  areGroups(): boolean;
  /** Whether the family with this id tells when sources pushed. */
  isPushTime(family: number): boolean;
  dropComposite(composite: number): Generator<void, void>;
}

export class SourceChanges {
  readonly pace: Pace;
  readonly next: NextColumns = new NextColumns();
  readonly derived: DerivedTotals;
  /** When sources last named what they left out. */
  readonly leftOut: LeftOutTimes = new LeftOutTimes();
  /** When the source pushed before whose push is taken. */
  pushedBeforeMs = 0;
  /** The number of the newest push: what is newer has a larger one. */
  order = 0;
  readonly #accumulators: Accumulators;
  readonly #owner: AccumulatorOwner;
  readonly #own: OwnSeries;
  /** Gauge histograms that no source had any more when their count was withdrawn. */
  readonly #withdrawn: number[] = [];
  /** By accumulator; all zero between changes. */
  #position = new Uint32Array(0);

  constructor(accumulators: Accumulators, owner: AccumulatorOwner) {
    this.#accumulators = accumulators;
    this.#owner = owner;
    this.#own = new OwnSeries(accumulators);
    this.derived = new DerivedTotals(accumulators);
    this.pace = owner.pace;
  }

  /** Scratch: a number for each accumulator, all zero; whoever uses it leaves it so. */
  positions(): Uint32Array {
    if (this.#position.length < this.#accumulators.kind.length)
      this.#position = new Uint32Array(this.#accumulators.kind.length);
    return this.#position;
  }

  /** What a source had nothing in before is its as well. */
  gain(accumulator: number, value: number): void {
    this.#accumulators.contributors[accumulator]! += 1;
    if (isDerived(this.#accumulators.kind[accumulator]!)) this.derived.gain(accumulator, value, this.order);
    else this.#accumulators.add(accumulator, value);
  }

  /** Where it may be the newest, `withdrawOrder` is to follow. */
  withdraw(accumulator: number, value: number): void {
    const { contributors } = this.#accumulators;
    const kind = this.#accumulators.kind[accumulator]!;
    contributors[accumulator]! -= 1;
    if (!isDerived(kind)) this.#accumulators.add(accumulator, -value);
    else if (!isNewest(kind)) this.derived.lose(accumulator, value);
    if (contributors[accumulator] !== 0) return;
    if (isDerived(kind)) this.derived.drop(accumulator);
    if (!this.goesWithLast(accumulator, this.#accumulators.sums.get(accumulator) === 0)) return;
    // Whoever has anything of a histogram or summary has the count, which takes all of it away.
    if (this.isCount(accumulator)) this.#withdrawn.push(this.#accumulators.composite[accumulator]!);
    else this.#owner.free(accumulator);
  }

  /** What was withdrawn was the newest when this push came. */
  withdrawOrder(accumulator: number, order: number): void {
    if (isNewest(this.#accumulators.kind[accumulator]!)) this.derived.loseNewest(accumulator, order);
  }

  /** Whether an accumulator goes once no source has it, or all of the histogram or summary of a count. */
  goesWithLast(accumulator: number, isZero: boolean): boolean {
    if (this.isCount(accumulator) && this.isOfGaugeHistogram(accumulator))
      return this.#owner.dropsWithdrawn();
    switch (policyOf(this.#accumulators.kindOf(accumulator)).unheld) {
      case 'goes':
        return true;
      case 'goes at zero':
        return isZero;
      case 'series at zero':
        return this.#owner.areGroups() && isZero;
      case 'stays':
        return false;
    }
  }

  isCount(accumulator: number): boolean {
    return policyOf(this.#accumulators.kindOf(accumulator)).part === 'count';
  }

  /** To be called once all that a source takes back is withdrawn. */
  *dropWithdrawn(): Generator<void, void> {
    if (this.#withdrawn.length === 0) return;
    for (const composite of this.#withdrawn) yield* this.#owner.dropComposite(composite);
    this.#withdrawn.length = 0;
  }

  /** What a source has in an accumulator stays there, and is nobody's any more. */
  fold(accumulator: number): void {
    if (isCounted(this.#accumulators.kindOf(accumulator))) this.#accumulators.contributors[accumulator]! -= 1;
  }

  /** From here on `goes` is about this source. */
  begin(source: string): void {
    if (this.#owner.areGroups()) this.#own.of(source);
  }

  /** Whether what a source has in an accumulator leaves the total when it takes it back. */
  goes(accumulator: number): boolean {
    return this.isRemovable(accumulator) || this.goesAsCounter(accumulator);
  }

  /** The same, were it a counter. */
  goesAsCounter(accumulator: number): boolean {
    return this.#owner.areGroups() && this.#own.has(accumulator);
  }

  get areGroups(): boolean {
    return this.#owner.areGroups();
  }

  /** Whether an accumulator goes when its source is silent for long. */
  isReset(accumulator: number): boolean {
    if (!this.isGauge(accumulator)) return false;
    return !this.#owner.areGroups() || !this.#owner.isPushTime(this.#accumulators.family[accumulator]!);
  }

  /** Whether an accumulator says how things are, whoever says it last. */
  isGauge(accumulator: number): boolean {
    return (
      policyOf(this.#accumulators.kindOf(accumulator)).expires === true ||
      this.isOfGaugeHistogram(accumulator)
    );
  }

  /** The same, or untyped. */
  isRemovable(accumulator: number): boolean {
    return isRemovable(this.#accumulators.kindOf(accumulator)) || this.isOfGaugeHistogram(accumulator);
  }

  /** What of a series a source may take back that is named by an accumulator: all of it or nothing. */
  removableOf(naming: number): readonly number[] {
    const { kind, composite } = this.#accumulators;
    if (!this.isRemovable(naming)) return [];
    return isGrouped(kind[naming]!) ? this.#accumulators.membersOf(composite[naming]!) : [naming];
  }

  /** The accumulator that names a series that may expire for a source that does not name it; -1 for all others. */
  expiring(accumulator: number): number {
    const { lastNamed, composites, composite, kind } = this.#accumulators;
    if (lastNamed === undefined || !this.isRemovable(accumulator)) return -1;
    const naming = isGrouped(kind[accumulator]!) ? composites[composite[accumulator]!]!.count : accumulator;
    return lastNamed.timeMsOf(naming) > 0 ? naming : -1;
  }

  isOfGaugeHistogram(accumulator: number): boolean {
    return (
      isGrouped(this.#accumulators.kindOf(accumulator)) &&
      this.isGaugeFamily(this.#accumulators.family[accumulator]!)
    );
  }

  isGaugeFamily(family: number): boolean {
    return this.#owner.isGauge(family);
  }
}

/** What a source will have. */
class NextColumns {
  length = 0;
  accumulators: Int32Array = new Int32Array(256);
  values: Float64Array = new Float64Array(256);

  /** Empties it, and makes room for so many. */
  begin(length: number): void {
    this.length = 0;
    if (length <= this.accumulators.length) return;
    const capacity = Math.max(length, this.accumulators.length * 2);
    this.accumulators = new Int32Array(capacity);
    this.values = new Float64Array(capacity);
  }

  add(accumulator: number, value: number): void {
    this.accumulators[this.length] = accumulator;
    this.values[this.length] = value;
    this.length += 1;
  }

  /** To be called when it has been used. */
  end(): void {
    if (this.accumulators.length <= KEPT_LENGTH) return;
    this.accumulators = new Int32Array(256);
    this.values = new Float64Array(256);
  }
}
