/** Looks through the state as it is: a short time in each turn of the event loop, and never while it is being changed. */
import { setImmediate } from 'node:timers/promises';

import { TURN_MS } from '../../primitives/turns.ts';
import type { Ledger } from '../ledger/ledger.ts';

/** `onTurn` is called at the beginning of each turn, and may throw. A step takes well under a millisecond; the state may be another after each. */
export async function inStillTurns<T>(
  ledger: Pick<Ledger, 'applying'>,
  steps: Iterator<void, T>,
  onTurn: () => void,
): Promise<T> {
  for (;;) {
    await setImmediate();
    while (ledger.applying !== undefined) await ledger.applying;
    onTurn();
    const sinceMs = performance.now();
    do {
      const step = steps.next();
      if (step.done === true) return step.value;
    } while (performance.now() - sinceMs < TURN_MS);
  }
}
