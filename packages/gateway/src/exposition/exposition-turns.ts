/**
 * Turns of the event loop for expositions: however many are written at a time, only one works in each turn, so that what else waits
 * is not kept waiting for all of them.
 */
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
