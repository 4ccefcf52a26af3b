/** How time passes for members: the real time, and another one where tests let it pass. */
export interface Timing {
  /** Milliseconds since any fixed moment; never goes back. */
  nowMs(): number;
  /** Rejects with the reason of `signal` once that is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Between 0 and 1, so that members do not all do the same at the same time. */
  random(): number;
}

/** Timers that are set for longer end at once. */
const SLEEP_MS_MAX = 2 ** 31 - 1;

export const realTiming: Timing = {
  nowMs: () => performance.now(),
  random: () => Math.random(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      const abort = (): void => {
        clearTimeout(timer);
        reject(signal!.reason as Error);
      };
      const timer = setTimeout(
        () => {
          signal?.removeEventListener('abort', abort);
          resolve();
        },
        Math.min(ms, SLEEP_MS_MAX),
      );
      if (signal?.aborted === true) abort();
      else signal?.addEventListener('abort', abort, { once: true });
    }),
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

/** The reason of whoever waits no more, as what it waited for is there: made once, as errors are dear, and this one is never seen. */
export const waitedEnough: Error = new Error('what was waited for is there');
