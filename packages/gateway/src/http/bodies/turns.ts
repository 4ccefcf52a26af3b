/**
 * Work on the event loop that many requests ask for at once, bounded for each turn of the loop. What does not fit waits for
 * a later turn, fairly between senders.
 */
import { RequestError } from '../../model/errors.ts';
import { FairQueue } from '../../primitives/fair-queue.ts';
import { TURN_MS } from '../../primitives/turns.ts';

export interface TurnBounds {
  /** For all work in one turn; the last piece may go beyond. */
  readonly turnMs: number;
  /** Pieces of work that wait; beyond, one is refused as `overloaded`. */
  readonly waitingMax: number;
  readonly now: () => number;
  /** Calls back in the next turn. */
  readonly nextTurn: (callback: () => void) => void;
}

const defaults: TurnBounds = {
  turnMs: TURN_MS,
  waitingMax: 4096,
  now: () => performance.now(),
  nextTurn: setImmediate,
};

interface Waiting {
  readonly run: () => void;
  readonly refuse: (error: RequestError) => void;
}

export class Turns {
  readonly #bounds: TurnBounds;
  readonly #waiting: FairQueue<Waiting>;
  #leftMs: number;
  #isNextAskedFor = false;

  constructor(bounds: Partial<TurnBounds> = {}) {
    this.#bounds = { ...defaults, ...bounds };
    this.#waiting = new FairQueue(this.#bounds.waitingMax);
    this.#leftMs = this.#bounds.turnMs;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * What `work` returns or throws: at once when this turn has room, otherwise as a promise. Rejects with `overloaded`. What the work costs,
   * well or not, counts.
   */
  run<T>(sender: string, work: () => T): T | Promise<T> {
    if (this.#leftMs > 0 && this.#waiting.size === 0) return this.#measure(work);
    return new Promise<T>((resolve, reject) => {
      const run = (): void => {
        try {
          resolve(this.#measure(work));
        } catch (error) {
          reject(error as Error);
        }
      };
      this.#waiting.push(sender, { run, refuse: reject })?.refuse(tooMuchAtOnce());
      this.#askForNext();
    });
  }

  #measure<T>(work: () => T): T {
    const { now, turnMs } = this.#bounds;
    const started = now();
    try {
      return work();
    } finally {
      this.#leftMs -= now() - started;
      // Not for every little: a callback in each turn costs the loop a round.
      if (this.#leftMs < turnMs / 2) this.#askForNext();
    }
  }

  #askForNext(): void {
    if (this.#isNextAskedFor) return;
    this.#isNextAskedFor = true;
    this.#bounds.nextTurn(() => {
      this.#isNextAskedFor = false;
      this.#leftMs = this.#bounds.turnMs;
      while (this.#leftMs > 0 && this.#waiting.size > 0) this.#waiting.shift()?.run();
      if (this.#waiting.size > 0) this.#askForNext();
    });
  }
}

function tooMuchAtOnce(): RequestError {
  return new RequestError('overloaded', 'too many compressed bodies at once; retry later');
}
