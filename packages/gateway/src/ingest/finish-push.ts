/**
 * What comes between the last line of a push and its application: the batch is completed and checked as a whole. That takes as long as
 * the batch is, so for a long push it goes in steps, between which others may add to totals and do nothing else.
 */
import { signsAsBefore } from '../store/batch.ts';
import type { Batch } from '../store/batch.ts';
import { checkLimitsAtFirst } from './check-limits.ts';
import { checkGauges, mayNeedSources } from './gauge-kinds.ts';
import type { PushDetails } from './push-details.ts';
import type { PushFamilies } from './push-families.ts';
import { Decumulator } from './decumulate.ts';
import type { StartJudge } from './start-judge.ts';
import type { State } from '../state/state.ts';
import { StrictHistograms } from './strict-histograms.ts';

export class PushFinish {
  readonly #state: State;
  readonly #batch: Batch;
  readonly #asking: { readonly state: State; readonly batch: Batch };
  readonly #families: PushFamilies;
  readonly #details: PushDetails;
  readonly #starts: StartJudge;
  readonly #decumulator: Decumulator;
  readonly #strict: StrictHistograms;

  constructor(
    state: State,
    batch: Batch,
    parts: {
      readonly families: PushFamilies;
      readonly details: PushDetails;
      readonly starts: StartJudge;
    },
  ) {
    this.#state = state;
    this.#batch = batch;
    this.#asking = { state, batch };
    this.#families = parts.families;
    this.#details = parts.details;
    this.#starts = parts.starts;
    this.#decumulator = new Decumulator(batch, state);
    this.#strict = new StrictHistograms(batch, state);
  }

  /** Throws a PushProblem when the batch contradicts itself, the state or a limit. */
  atOnce(isStrict: boolean): void {
    if (isStrict) this.#strict.check();
    this.#decumulator.decumulate();
    this.#families.finish();
    this.#starts.judge();
    if (mayNeedSources(this.#asking)) checkGauges(this.#asking, 0, this.#batch.length);
    this.#details.finish();
    checkLimitsAtFirst(this.#state, this.#batch);
  }

  *inSteps(isStrict: boolean): Generator<void, void> {
    const { rows } = this.#state.pace;
    if (isStrict) yield* this.#strict.checkInSteps();
    yield* this.#decumulator.decumulateInSteps();
    yield* this.#families.finishInSteps(rows);
    yield* this.#starts.judgeInSteps(rows);
    if (mayNeedSources(this.#asking)) yield* this.#checkGauges(rows);
    yield* this.#details.finishInSteps(rows);
    checkLimitsAtFirst(this.#state, this.#batch);
  }

  *#checkGauges(rows: number): Generator<void, void> {
    const { length } = this.#batch;
    for (let from = 0; from < length; from += rows) {
      checkGauges(this.#asking, from, Math.min(from + rows, length));
      yield;
    }
  }

  /** Whether the totals that something was decided by would have it decided in the same way now. */
  *hasSignsAsBefore(): Generator<void, boolean> {
    const { length } = this.#batch.signDependent;
    const { accumulators, pace } = this.#state;
    for (let from = 0; from < length; from += pace.rows) {
      if (!signsAsBefore(this.#batch, accumulators, from, Math.min(from + pace.rows, length))) return false;
      yield;
    }
    return true;
  }
}
