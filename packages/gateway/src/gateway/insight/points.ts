/** The last numbers of something, one for each step of time; NaN where there is none. */

/** An hour. */
export const POINTS = 240;
export const STEP_MS = 15_000;

export class Points {
  readonly #values = new Float64Array(POINTS).fill(Number.NaN);
  /** The step of the newest. */
  #last = -1;

  get last(): number {
    return this.#last < 0 ? Number.NaN : this.#values[this.#last % POINTS]!;
  }

  /** Steps that were passed by have no number. */
  set(step: number, value: number): void {
    if (this.#last >= 0)
      for (let passed = Math.max(this.#last + 1, step - POINTS + 1); passed < step; passed += 1)
        this.#values[passed % POINTS] = Number.NaN;
    this.#values[step % POINTS] = value;
    this.#last = step;
  }

  at(step: number): number {
    if (step > this.#last || step <= this.#last - POINTS || step < 0) return Number.NaN;
    return this.#values[step % POINTS]!;
  }
}
