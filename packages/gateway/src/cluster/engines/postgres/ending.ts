/** What waits until one of some signals is aborted, and is done with at once then. */
export class Ending {
  readonly #signals: readonly AbortSignal[];
  readonly #stops = new Set<() => void>();
  readonly #pauses = new Set<() => void>();
  readonly #stop = (): void => {
    for (const stop of this.#stops) stop();
    this.wake();
  };

  constructor(signals: readonly AbortSignal[]) {
    this.#signals = signals;
    for (const signal of signals) signal.addEventListener('abort', this.#stop);
  }

  get isOver(): boolean {
    return this.#signals.some(({ aborted }) => aborted);
  }

  /** The same promise, or undefined as soon as it is over; what comes later is dropped. */
  unlessOver<T>(promise: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      const stop = (): void => resolve(undefined);
      this.#stops.add(stop);
      if (this.isOver) stop();
      promise
        .then(resolve, (error: unknown) => (this.isOver ? stop() : reject(error as Error)))
        .finally(() => this.#stops.delete(stop));
    });
  }

  /** Ends when so long has passed, at `wake`, and when it is over. */
  pause(pauseMs: number): Promise<void> {
    return new Promise((resolve) => {
      const stop = (): void => {
        clearTimeout(timer);
        this.#pauses.delete(stop);
        resolve();
      };
      const timer = setTimeout(stop, pauseMs);
      this.#pauses.add(stop);
      if (this.isOver) stop();
    });
  }

  /** Ends pauses. */
  wake(): void {
    for (const stop of this.#pauses) stop();
  }

  release(): void {
    for (const signal of this.#signals) signal.removeEventListener('abort', this.#stop);
  }
}
