/**
 * Turns of the event loop for expositions: however many are written at a time, only one works in each turn, so that what else waits
 * is not kept waiting for all of them.
 */
import { TURN_MS } from '../primitives/turns.ts';

/** Of a turn of the event loop, whatever the clock says. */
const TURN_STEPS = 64;

const waiting: (() => void)[] = [];

/** Resolves in a turn of the event loop that no other exposition has. */
export function expositionTurn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (waiting.length === 1) setImmediate(giveTurn);
  });
}

function giveTurn(): void {
  waiting.shift()?.();
  if (waiting.length > 0) setImmediate(giveTurn);
}

/** Does all steps in turns that no exposition has. `onTurn` is called at the beginning of each, and may throw. */
export async function inExpositionTurns<T>(steps: Iterator<void, T>, onTurn: () => void): Promise<T> {
  for (;;) {
    await expositionTurn();
    onTurn();
    const sinceMs = performance.now();
    for (let done = 0; done < TURN_STEPS && performance.now() - sinceMs < TURN_MS; done += 1) {
      const step = steps.next();
      if (step.done === true) return step.value;
    }
  }
}
