import { setImmediate } from 'node:timers/promises';

/** How long one turn of the event loop may be used, and for how much: the clock may stand still, or be looked at too late. */
const TURN_MS = 5;
const TURN_UNITS = 64;

/**
 * Shares the event loop: to be called after some units of work (each less than a tenth of a millisecond where nothing is dear), and
 * awaited when there is something to await. Who works for long must do so one at a time, as what is done by many in one turn adds up.
 */
export type Pause = (units?: number) => Promise<void> | undefined;

export function pauses(): Pause {
  let since = performance.now();
  let done = 0;
  return (units = 1) => {
    done += units;
    if (done < TURN_UNITS && performance.now() - since < TURN_MS) return undefined;
    return setImmediate().then(() => {
      since = performance.now();
      done = 0;
    });
  };
}

/** Does all steps, with pauses. Returns what the last one says. */
export async function inSteps<T>(steps: Generator<void, T>, pause: Pause): Promise<T> {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
    const turn = pause();
    if (turn !== undefined) await turn;
  }
}
