/** Work in steps, in turns of the event loop that are short. */
import { setImmediate } from 'node:timers/promises';

/** Others have their turn after so long. A step is to take less than a millisecond, so that a turn takes little more. */
const TURN_MS = 4;

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
