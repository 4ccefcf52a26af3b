/**
 * Work in steps, in turns of the event loop that are short. A step is to take less than a millisecond (pace.ts), so that a turn takes little
 * more than it may.
 */
import { setImmediate } from 'node:timers/promises';

/** For how long one turn of the event loop may be used by what goes in steps. Then others have theirs. */
export const TURN_MS = 4;
/** And for how many units of work: the clock may stand still, or be looked at too late. */
const TURN_UNITS = 64;

/**
 * The turn of the event loop at hand, for work that goes on through many. Who works for long must do so one at a time, as what is done by
 * many in one turn adds up.
 */
export class Turn {
  #sinceMs = performance.now();
  #units = 0;

  /** After some units of work, each less than a tenth of a millisecond where nothing is dear: a promise of the next turn if this one is over. */
  over(units: number = 1): Promise<void> | undefined {
    this.#units += units;
    if (this.#units < TURN_UNITS && performance.now() - this.#sinceMs < TURN_MS) return undefined;
    return setImmediate().then(() => {
      this.#sinceMs = performance.now();
      this.#units = 0;
    });
  }
}

/** Of a turn, for what looks through much and lets others have theirs between. */
const SHORT_MS = 2;
/** Units of work between two looks at the clock. */
const SHORT_UNITS = 256;

/** The part of a turn that a look through much may have. */
export class ShortTime {
  readonly #untilMs = performance.now() + SHORT_MS;
  #units = 0;

  /** After some more units of work, which may be none. */
  isOver(units: number): boolean {
    this.#units += units;
    if (this.#units < SHORT_UNITS) return false;
    this.#units = 0;
    return performance.now() >= this.#untilMs;
  }
}

/** Does all steps, from a turn on that others may have begun. Returns what the last one says. */
export async function inSteps<T>(steps: Iterator<void, T>, turn: Turn): Promise<T> {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    const next = turn.over();
    if (next !== undefined) await next;
  }
}

/**
 * Goes through the steps of what may take long: in this turn while that is short, and else a few milliseconds in each of the turns
 * that follow. Returns what the steps return, or a promise of it; the promise rejects with what a later step throws.
 */
export function inTurns<T>(steps: Iterator<void, T>): T | Promise<T> {
  let step = steps.next();
  // Nearly always there is one step, and no need to look at the clock.
  if (step.done === true) return step.value;
  const sinceMs = performance.now();
  while (performance.now() - sinceMs < TURN_MS) {
    step = steps.next();
    if (step.done === true) return step.value;
  }
  return inLaterTurns(steps);
}

async function inLaterTurns<T>(steps: Iterator<void, T>): Promise<T> {
  for (;;) {
    await setImmediate();
    const sinceMs = performance.now();
    do {
      const step = steps.next();
      if (step.done === true) return step.value;
    } while (performance.now() - sinceMs < TURN_MS);
  }
}

/** Goes through all steps at once. */
export function atOnce<T>(steps: Iterator<void, T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}
