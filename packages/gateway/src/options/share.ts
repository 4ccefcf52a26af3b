/**
 * How much memory each part may take, as shares of the memory there is. All shares together leave room for the runtime
 * itself, for its garbage and for what lies between a limit and the bytes that keep it: the process must not be killed while
 * every budget is used up at once. With all of them used up by hostile senders, what is resident beside them was measured to be
 * about 200 MiB. A test adds them up.
 */
export interface Share {
  /** Of the memory, in parts of 64. */
  readonly of64: number;
  /** Bytes; no less, however little memory there is. */
  readonly min: number;
  readonly max: number;
}

/** Whole bytes. */
export function shareOf(memoryBytes: number, { of64, min, max }: Share): number {
  return Math.floor(Math.min(Math.max((memoryBytes / 64) * of64, min), max));
}
