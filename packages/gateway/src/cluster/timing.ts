import { setTimeout as timeout } from 'node:timers/promises';

/** How time passes for members: the real time, and another one where tests let it pass. */
export interface Timing {
  /** Milliseconds since any fixed moment; never goes back. */
  nowMs(): number;
  /** Rejects with the reason of `signal` once that is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Between 0 and 1, so that members do not all do the same at the same time. */
  random(): number;
}

export const realTiming: Timing = {
  nowMs: () => performance.now(),
  random: () => Math.random(),
  async sleep(ms, signal) {
    try {
      await timeout(ms, undefined, { signal });
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  },
};

const RETRY_MS = 50;
const RETRY_MS_MAX = 1_000;

/** How long to wait before the next attempt: twice as long each time, up to a second. */
export class Pauses {
  #ms = RETRY_MS;

  next(): number {
    const ms = this.#ms;
    this.#ms = Math.min(ms * 2, RETRY_MS_MAX);
    return ms;
  }

  /** After an attempt that got somewhere. */
  reset(): void {
    this.#ms = RETRY_MS;
  }
}
