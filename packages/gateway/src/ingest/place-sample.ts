/** Enters a sample whose canonical text was made or recognised, whatever the state has of it. */
import { appendEntry, noteSignDependent } from '../store/batch.ts';
import type { Batch, PushFamily } from '../store/batch.ts';
import type { TextAt } from '../store/accumulators.ts';
import { NO_COMPOSITE } from '../store/pending-series.ts';
import type { PendingShape } from '../store/pending-series.ts';
import type { Writable } from '../primitives/writable.ts';
import type { State } from '../state/state.ts';
import { checkPending } from './check-limits.ts';
import type { Cursor } from './expected-run.ts';
import { gaugeKindOf } from './gauge-kinds.ts';
import { duplicateSeries } from './sample-kinds.ts';
import { SeriesAdmission } from './series-admission.ts';
import type { ValueCheck } from './value-check.ts';
import { AccumulatorKind, isExtreme, policyOf } from '../store/policies.ts';

export class SamplePlacer {
  /** Whether new series may come. */
  readonly admission: SeriesAdmission;
  readonly #state: State;
  readonly #batch: Batch;
  readonly #cursor: Cursor;
  readonly #values: ValueCheck;
  /** Filled anew for each sample: with a million new series, an object each would keep the garbage collector busy. */
  readonly #shape: Writable<PendingShape> = {
    kind: AccumulatorKind.COUNTER,
    family: 0,
    composite: NO_COMPOSITE,
    bound: Number.NaN,
  };

  constructor(state: State, batch: Batch, cursor: Cursor, values: ValueCheck) {
    this.admission = new SeriesAdmission(state, batch);
    this.#state = state;
    this.#batch = batch;
    this.#cursor = cursor;
    this.#values = values;
  }

  /** What is known of a sample besides its text and its value. Valid until the next call. */
  shaped(
    kind: AccumulatorKind,
    family: PushFamily,
    composite: number,
    bound: number,
  ): Writable<PendingShape> {
    const shape = this.#shape;
    shape.kind = kind;
    shape.family = family.index;
    shape.composite = composite;
    shape.bound = bound;
    return shape;
  }

  /**
   * Returns the accumulator of a series that is known, or `~k` for the number of one that is new; undefined for one that may not come. Throws a PushProblem
   * for a duplicate, or where the push is refused for it.
   */
  place(text: TextAt, shape: Writable<PendingShape>, value: number, offset: number): number | undefined {
    const { view, start, end, hash } = text;
    const { accumulators } = this.#state;
    const family = this.#batch.families[shape.family]!;
    let accumulator = accumulators.texts.find(view, start, end, hash);
    // In a push that changes types, an accumulator of the same text may be an orphan that is about to go.
    const isKnown = accumulator >= 0 && accumulators.family[accumulator] === family.known?.id;
    if (shape.kind === AccumulatorKind.GAUGE)
      shape.kind = gaugeKindOf(
        { state: this.#state, batch: this.#batch },
        family,
        text,
        isKnown ? accumulator : -1,
        offset,
      );
    const { kind } = shape;
    const stays = isKnown && this.#state.survives(accumulator, family, kind);
    if (isKnown && policyOf(kind).fromUntyped === 'unless negative')
      noteSignDependent(this.#batch, accumulators, { accumulator, stays });
    if (stays) {
      const { seen, serial } = this.#cursor;
      if (seen[accumulator] === serial) throw duplicateSeries(accumulators.textOf(accumulator), offset);
      seen[accumulator] = serial;
    } else {
      const index = this.#pending(text, shape, {
        isInstead: isKnown,
        isNothing: this.#values.isNothing(kind, value),
        offset,
      });
      if (index === undefined) return undefined;
      accumulator = ~index;
    }
    appendEntry(this.#batch, accumulator, this.#values.checked(kind, value, accumulator, offset), offset);
    return accumulator;
  }

  #admits({ family, composite }: PendingShape, numbers: 0 | 1, offset: number): boolean {
    const of = this.#batch.families[family]!;
    if (composite === NO_COMPOSITE) return this.admission.admits(of, numbers, offset);
    if (numbers > 0) this.admission.admitsPart(of, offset);
    return true;
  }

  #mayHaveWindow({ family }: PendingShape): boolean {
    const { accumulators, gaugeRules } = this.#state;
    return accumulators.windows !== undefined && gaugeRules.mayHaveWindow(this.#batch.families[family]!.name);
  }

  #pending(
    text: TextAt,
    shape: PendingShape,
    {
      isInstead,
      isNothing,
      offset,
    }: { readonly isInstead: boolean; readonly isNothing: boolean; readonly offset: number },
  ): number | undefined {
    const { view, start, end, hash } = text;
    const { pendingSeries } = this.#batch;
    let index = pendingSeries.texts.find(view, start, end, hash);
    if (index < 0) {
      // What takes the place of another is nothing more.
      if (!isInstead && !this.#admits(shape, isNothing ? 0 : 1, offset)) return undefined;
      index = pendingSeries.add(view, start, end, hash, shape);
      if (isExtreme(shape.kind) && this.#mayHaveWindow(shape)) this.#batch.pendingWindows += 1;
      checkPending(this.#state, this.#batch, offset);
    } else if (pendingSeries.given[index] === 1) {
      throw duplicateSeries(pendingSeries.texts.textOf(index), offset);
    }
    pendingSeries.given[index] = 1;
    return index;
  }
}
