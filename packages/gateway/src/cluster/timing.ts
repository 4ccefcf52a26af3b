/** How time passes for members: the real time, and another one where tests let it pass. */
export interface Timing {
  /** Milliseconds since any fixed moment; never goes back. */
  nowMs(): number;
  /** Rejects with the reason of `signal` once that is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Between 0 and 1, so that members do not all do the same at the same time. */
  random(): number;
}
