/** So many in each second, and no more. */
const SECOND_MS = 1000;

export class PerSecond {
  readonly #now: () => number;
  readonly #max: number;
  #sinceMs = Number.NEGATIVE_INFINITY;
  #taken = 0;

  /** Milliseconds that never go back. */
  constructor(now: () => number, max: number) {
    this.#now = now;
    this.#max = max;
  }

  take(): boolean {
    const nowMs = this.#now();
    if (nowMs - this.#sinceMs >= SECOND_MS) {
      this.#sinceMs = nowMs;
      this.#taken = 0;
    }
    this.#taken += 1;
    return this.#taken <= this.#max;
  }
}
