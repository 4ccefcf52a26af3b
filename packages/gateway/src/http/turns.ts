/**
 * Work on the event loop that many requests ask for at once, bounded for each turn of the loop. What does not fit waits for
 * a later turn, fairly between senders. The work says itself what it has cost, in units of about two nanoseconds.
 */
import { RequestError } from '../model/errors.ts';
import { FairQueue } from './fair-queue.ts';

export interface TurnBounds {
  /** One piece of work may go beyond what is left. */
  readonly unitsMax: number;
  /** Pieces of work that wait; beyond, one is refused as `overloaded`. */
  readonly waitingMax: number;
  /** Calls back in the next turn. */
  readonly nextTurn: (callback: () => void) => void;
}

const defaults: TurnBounds = { unitsMax: 512 * 1024, waitingMax: 4096, nextTurn: setImmediate };

interface Waiting {
  readonly run: () => void;
  readonly refuse: (error: RequestError) => void;
}

export class Turns {
  readonly #bounds: TurnBounds;
  readonly #waiting: FairQueue<Waiting>;
  #unitsLeft: number;
  #isNextAskedFor = false;

  constructor(bounds: Partial<TurnBounds> = {}) {
    this.#bounds = { ...defaults, ...bounds };
    this.#waiting = new FairQueue(this.#bounds.waitingMax);
    this.#unitsLeft = this.#bounds.unitsMax;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Called by work while it runs, also by work that fails then. */
  spend(units: number): void {
    this.#unitsLeft -= units;
    // Not for every little: a callback in each turn costs the loop a round.
    if (this.#unitsLeft < this.#bounds.unitsMax / 2) this.#askForNext();
  }

  /** What `work` returns or throws: at once when this turn has room, otherwise as a promise. Rejects with `overloaded`. */
  run<T>(sender: string, work: () => T): T | Promise<T> {
    if (this.#unitsLeft > 0 && this.#waiting.size === 0) return work();
    return new Promise<T>((resolve, reject) => {
      const run = (): void => {
        try {
          resolve(work());
        } catch (error) {
          reject(error as Error);
        }
      };
      this.#waiting.push(sender, { run, refuse: reject })?.refuse(tooMuchAtOnce());
      this.#askForNext();
    });
  }

  #askForNext(): void {
    if (this.#isNextAskedFor) return;
    this.#isNextAskedFor = true;
    this.#bounds.nextTurn(() => {
      this.#isNextAskedFor = false;
      this.#unitsLeft = this.#bounds.unitsMax;
      while (this.#unitsLeft > 0 && this.#waiting.size > 0) this.#waiting.shift()?.run();
      if (this.#waiting.size > 0) this.#askForNext();
    });
  }
}

function tooMuchAtOnce(): RequestError {
  return new RequestError(
    'overloaded',
    'too many compressed bodies came at once; send this push again a little later',
  );
}
