/** How many read something at the moment. */
export class Readers {
  #count = 0;
  #none: Promise<void> | undefined;
  #resolve: (() => void) | undefined;

  get count(): number {
    return this.#count;
  }

  hold(): void {
    this.#count += 1;
  }

  letGo(): void {
    this.#count -= 1;
    if (this.#count > 0) return;
    this.#resolve?.();
    this.#none = this.#resolve = undefined;
  }

  /** Resolves when nobody reads any more; undefined where nobody does. Whoever waits sees to it that nobody else begins to. */
  whenNone(): Promise<void> | undefined {
    if (this.#count === 0) return undefined;
    this.#none ??= new Promise((resolve) => {
      this.#resolve = resolve;
    });
    return this.#none;
  }
}
