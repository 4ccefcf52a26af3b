/**
 * Many rules only take labels away, or add some: each series of a push becomes another, and no two of them the same. Where all are known,
 * by their bytes and as what they become, samples go straight to the builder. Whatever else there is ends the attempt with a PushProblem.
 */
import { PushProblem } from '../../model/errors.ts';
import { UNKNOWN } from '../../model/known-series.ts';
import type { SeriesKey } from '../../model/sample-sink.ts';
import { HASH } from '../../primitives/bytes.ts';
import type { State } from '../../state/state.ts';
import { sampleSuffixes } from '../../store/families.ts';
import { isGrouped } from '../../store/policies.ts';
import type { PushFamily } from '../../store/batch.ts';
import { discardedText } from '../../store/series-cache.ts';
import { TextScratch } from '../../store/text-scratch.ts';
import type { PushBuilder } from '../push-builder.ts';
import { KeyedSink } from './keyed-sink.ts';
import { NOT_LEARNT } from './placement-memo.ts';
import type { Placement, PlacementMemo } from './placement-memo.ts';
import { mayComeLate } from './fixed-series.ts';
import type { PushRules } from './push-rules.ts';
import { areAllowed } from './series-rules.ts';
import { SingleGroups } from './single-groups.ts';

export class RenamedSeries extends KeyedSink {
  readonly #scratch: TextScratch;
  protected override readonly singles: SingleGroups = new SingleGroups();

  constructor(state: State, builder: PushBuilder, memo: PlacementMemo) {
    super(state, builder, memo);
    this.#scratch = new TextScratch(state.hashSeed);
  }

  /** The builder must have been begun without labels of the path. */
  begin(rules: PushRules): void {
    this.singles.begin();
    this.beginPush(rules);
  }

  /** Whether what was read is all that there is to it. */
  *isWhole(): Generator<void, boolean> {
    const { pendingSeries, families } = this.builder.batch;
    const isOtherwise = (family: PushFamily): boolean =>
      (family.changed && (family.sampled || this.#takesNames(family))) || mayComeLate(family);
    if (!(yield* areAllowed(families, this.rules))) return false;
    return pendingSeries.length === 0 && !families.some(isOtherwise);
  }

  /** Whether lines that are known may be of a family that the push declares. */
  #takesNames({ name, type }: PushFamily): boolean {
    const { families } = this.state;
    return sampleSuffixes(type).some((suffix) => families.find(name + suffix) !== undefined);
  }

  /** What a family is called stays as it is, so that its lines mean what they do without rules. */
  find(view: DataView, start: number, end: number, hash: number): number {
    if (view.getUint8(start) === HASH) {
      const metadata = this.builder.find(view, start, end, hash);
      return metadata < 0 ? metadata : UNKNOWN;
    }
    const key = this.keys.table.keys.find(view, start, end, hash);
    return key < 0 ? UNKNOWN : this.met(key);
  }

  guessKey(head: DataView, headEnd: number, view: DataView, start: number, end: number): number {
    const { next } = this.keys;
    if (this.keys.isInTwo(head, headEnd, view, start, end)) return this.#metWhole(next);
    const metadata = this.builder.guessKey(head, headEnd, view, start, end);
    return isMetadata(metadata) ? metadata : UNKNOWN;
  }

  findKey(view: DataView, start: number, end: number, hash: number): number {
    const key = this.keys.table.keys.find(view, start, end, hash);
    if (key >= 0) return this.#metWhole(key);
    const metadata = this.builder.findKey(view, start, end, hash);
    return isMetadata(metadata) ? metadata : UNKNOWN;
  }

  addSample(_name: string, _labels: unknown, _value: number, { start }: SeriesKey): void {
    throw otherwise(start);
  }

  addStartOf(): void {
    throw otherwise(0);
  }

  protected override met(key: number): number {
    if (this.builder.expected.families.meaningsChanged) return UNKNOWN;
    const { table } = this.keys;
    const learnt = table.accumulators[key]!;
    const accumulator = learnt === NOT_LEARNT ? this.#learn(key) : learnt;
    if (accumulator === UNKNOWN) return UNKNOWN;
    const { accumulators } = this.state;
    const isPart = isGrouped(accumulators.kindOf(accumulator));
    if (isPart && !this.singles.isOnly(accumulators.composite[accumulator]!, table.groups[key]!))
      return UNKNOWN;
    this.keys.pass(key);
    return accumulator;
  }

  /** The same for a key of a whole histogram or summary: rules that look at more than its labels may tell its parts apart. */
  #metWhole(key: number): number {
    const isPart = this.keys.table.groups[key]! >= 0;
    return isPart && !addsAlike(this.rules) ? UNKNOWN : this.met(key);
  }

  #learn(key: number): number {
    const { table } = this.keys;
    const placement = table.get(key);
    if (placement === undefined || !isPlain(placement)) return UNKNOWN;
    const { view, start, end, hash } = this.#scratch.write(placement.text);
    const { accumulators, families } = this.state;
    const accumulator = accumulators.texts.find(view, start, end, hash);
    if (accumulator < 0) return UNKNOWN;
    const { name, type } = families.get(accumulators.family[accumulator]!);
    const isPart = isGrouped(accumulators.kindOf(accumulator));
    // It may have become a part of something since, or the other way round.
    if (isPart !== (placement.role !== '') || name !== placement.base) return UNKNOWN;
    // Where others have declared a type, the rule says nothing.
    if (placement.typeByRule !== undefined && type === 'untyped') return UNKNOWN;
    // Parts that belong together must stay so.
    if (isPart && !table.joins(key, accumulators.composite[accumulator]!)) return UNKNOWN;
    table.accumulators[key] = accumulator;
    return accumulator;
  }
}

/** A series of the same name, of which it is plain what it becomes. */
function isPlain({ droppedBy, role, name, becomes, bound, pushedBound, buckets }: Placement): boolean {
  if (droppedBy !== undefined || becomes !== name || role === 'quantile') return false;
  return role === '' || (buckets === undefined && (role !== '_bucket' || bound === pushedBound));
}

/** Whether the rules do nothing but to add labels to all samples of a series alike. */
function addsAlike({ onlyAdds, added }: PushRules): boolean {
  return onlyAdds && added.labels.every(({ name }) => name !== 'le' && name !== 'quantile');
}

/** Whether a key leads to a line about a family, and not to one that is thrown away. */
function isMetadata(reference: number): boolean {
  return reference < UNKNOWN && discardedText(reference) < 0;
}

/** Never seen by anybody. */
function otherwise(offset: number): PushProblem {
  return new PushProblem('internal', 'the push has to be read otherwise', offset);
}
