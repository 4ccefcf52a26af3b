/** Where the gateway gets the time from; tests hand in their own. */
export interface Clock {
  /** Wall-clock time, milliseconds since the Unix epoch. It may be set, and so jump either way. */
  now(): number;
  /** Milliseconds since any fixed moment, passing evenly whatever is done to the wall clock. `now` serves where it is left out. */
  elapsed?(): number;
}

export const systemClock: Clock = { now: () => Date.now(), elapsed: () => performance.now() };
