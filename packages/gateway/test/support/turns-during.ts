import { setImmediate } from 'node:timers';

/** How often others had the event loop. */
export async function turnsDuring(work: Promise<unknown>): Promise<number> {
  let turns = 0;
  let isDone = false;
  const count = (): void => {
    turns += 1;
    if (!isDone) setImmediate(count);
  };
  setImmediate(count);
  try {
    await work;
  } finally {
    isDone = true;
  }
  return turns;
}
