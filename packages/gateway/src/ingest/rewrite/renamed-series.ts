/**
 * Many rules only take labels away, or add some: each series of a push becomes another, and no two of them the same. Where all are known,
 * by their bytes and as what they become, samples go straight to the builder. Whatever else there is ends the attempt with a PushProblem.
 */
import type { Exemplar } from '../../model/exemplar.ts';
import { PushProblem } from '../../model/errors.ts';
import { UNKNOWN } from '../../model/known-series.ts';
import type { KnownSeries } from '../../model/known-series.ts';
import type { MetricType } from '../../model/metric-type.ts';
import type { Dialect, SampleSink, SeriesKey } from '../../model/sample-sink.ts';
import { HASH } from '../../primitives/bytes.ts';
import type { State } from '../../state/state.ts';
import type { PushFamily } from '../../store/batch.ts';
import { sampleSuffixes } from '../../store/families.ts';
import { TextScratch } from '../../store/text-scratch.ts';
import type { PushBuilder } from '../push-builder.ts';
import type { Placement, PlacementMemo, PlacementTable } from './placement-memo.ts';
import type { PushRules } from './push-rules.ts';

export class RenamedSeries implements SampleSink, KnownSeries {
  readonly known: KnownSeries = this;
  readonly hashSeed: number;
  readonly guessed: number = UNKNOWN;
  readonly #state: State;
  readonly #builder: PushBuilder;
  readonly #memo: PlacementMemo;
  readonly #scratch: TextScratch;
  #rules!: PushRules;
  #table!: PlacementTable;

  constructor(state: State, builder: PushBuilder, memo: PlacementMemo) {
    this.hashSeed = state.hashSeed;
    this.#state = state;
    this.#builder = builder;
    this.#memo = memo;
    this.#scratch = new TextScratch(state.hashSeed);
  }

  /** The builder must have been begun without labels of the path. */
  begin(rules: PushRules): void {
    this.#rules = rules;
    this.#table = this.#memo.tableFor(rules, 'text');
  }

  get newSeries(): number {
    return this.#builder.newSeries;
  }

  /** Whether what was read is all that there is to it. */
  isWhole(): boolean {
    const { pendingSeries, families } = this.#builder.batch;
    return (
      pendingSeries.length === 0 &&
      families.every((family) => !family.changed || (!family.sampled && !this.#takesNames(family)))
    );
  }

  /** Whether lines that are known may be of a family that the push declares. */
  #takesNames({ name, type }: PushFamily): boolean {
    const { families } = this.#state;
    return sampleSuffixes(type).some((suffix) => families.find(name + suffix) !== undefined);
  }

  readAs(dialect: Dialect, options: { readonly strict: boolean }): void {
    this.#table = this.#memo.tableFor(this.#rules, dialect);
    this.#builder.readAs(dialect, options);
  }

  addExpected(_view: DataView, start: number): number {
    return start;
  }

  guess(): number {
    return UNKNOWN;
  }

  /** What a family is called stays as it is, so that its lines mean what they do without rules. */
  find(view: DataView, start: number, end: number, hash: number): number {
    if (view.getUint8(start) === HASH) {
      const metadata = this.#builder.find(view, start, end, hash);
      return metadata < 0 ? metadata : UNKNOWN;
    }
    const number = this.#table.find(view, start, end, hash);
    return number < 0 ? UNKNOWN : this.#accumulatorOf(number);
  }

  addKnown(reference: number, value: number, offset: number): void {
    this.#builder.addKnown(reference, value, offset);
  }

  guessKey(): number {
    return UNKNOWN;
  }

  findKey(): number {
    return UNKNOWN;
  }

  findSum(): number {
    return UNKNOWN;
  }

  findBucket(): number {
    return UNKNOWN;
  }

  addDiscarded(): void {
    throw otherwise(0);
  }

  addPlain(): boolean {
    return false;
  }

  addSample(_name: string, _labels: unknown, _value: number, { start }: SeriesKey): void {
    throw otherwise(start);
  }

  addType(name: string, type: MetricType, seriesKey: SeriesKey): void {
    this.#builder.addType(name, type, seriesKey);
  }

  addHelp(name: string, help: string, seriesKey: SeriesKey): void {
    this.#builder.addHelp(name, help, seriesKey);
  }

  addFamily(
    name: string,
    is: { readonly type: MetricType; readonly help: string | undefined },
    seriesKey: SeriesKey,
  ): void {
    this.#builder.addFamily(name, is, seriesKey);
  }

  returnTo(name: string): void {
    this.#builder.returnTo(name);
  }

  addUnit(name: string, unit: string): void {
    this.#builder.addUnit(name, unit);
  }

  addStart(startMs: number): void {
    this.#builder.addStart(startMs);
  }

  addStartOf(): void {
    throw otherwise(0);
  }

  addExemplar(exemplar: Exemplar): void {
    this.#builder.addExemplar(exemplar);
  }

  addNative(): void {
    throw otherwise(0);
  }

  #accumulatorOf(number: number): number {
    const table = this.#table;
    const known = table.accumulatorOf(number, this.#state.losses);
    if (known !== undefined) return known;
    const placement = table.get(number);
    if (!isPlain(placement, this.#rules)) return UNKNOWN;
    const { view, start, end, hash } = this.#scratch.write(placement.text);
    const { texts } = this.#state.accumulators;
    const accumulator = texts.find(view, start, end, hash);
    if (accumulator < 0) return UNKNOWN;
    table.learn(number, accumulator);
    return accumulator;
  }
}

/** A series of the same name, of which it is plain that no others become part of it without being the same. */
function isPlain(placement: Placement, { onlyAdds }: PushRules): boolean {
  const { droppedBy, role, name, becomes, typeByRule } = placement;
  if (droppedBy !== undefined || becomes !== name || typeByRule !== undefined || role === 'quantile')
    return false;
  if (role === '') return true;
  const { group, composite, bound, pushedBound, buckets } = placement;
  if (buckets !== undefined || (role === '_bucket' && bound !== pushedBound)) return false;
  return onlyAdds || group === composite;
}

/** Never seen by anybody. */
function otherwise(offset: number): PushProblem {
  return new PushProblem('internal', 'the push has to be read otherwise', offset);
}
