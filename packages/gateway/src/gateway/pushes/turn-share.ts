/**
 * What short pushes may do in one turn of the event loop, all together. Each is short, but a turn may bring thousands of them, from
 * many connections at once. It goes by what is read, as looking at the clock for each would cost more than many of them.
 */
/** Some milliseconds where the series are known. */
const TURN_BYTES = 512 * 1024;
/** A push costs as much as so many bytes, however short it is. */
const PUSH_BYTES = 2 * 1024;

export class TurnShare {
  #leftBytes = TURN_BYTES;
  /** Resolves in the next turn; there once it has been asked for. */
  #next: Promise<void> | undefined;

  /** A promise of the next turn where this one has had its share. */
  get over(): Promise<void> | undefined {
    return this.#leftBytes > 0 ? undefined : this.#next;
  }

  /** To be called for each push that is read. */
  spend(bodyBytes: number): void {
    this.#leftBytes -= bodyBytes + PUSH_BYTES;
    // Not for every little: a callback in each turn costs the loop a round.
    if (this.#leftBytes < TURN_BYTES / 2) this.#next ??= this.#nextTurn();
  }

  #nextTurn(): Promise<void> {
    return new Promise((resolve) => {
      setImmediate(() => {
        this.#leftBytes = TURN_BYTES;
        this.#next = undefined;
        resolve();
      });
    });
  }
}
