/**
 * Who adds the most to a family: a space-saving sketch (Metwally, Agrawal, El Abbadi 2005). A sender that is not among those kept takes the place of the
 * one with the least, and what that had is the most by which it may be counted too high. So no sender that added more than its share of the places is
 * missing.
 */

export interface Sender {
  /** The path, cut where it is long. */
  readonly path: string;
  readonly token: string | undefined;
  readonly address: string | undefined;
}

export interface SenderShare {
  readonly sender: Sender;
  value: number;
  /** At most so much of the value is of others. */
  error: number;
  pushes: number;
  lastMs: number;
}

export const SENDERS_MAX = 16;

/** Places of all sketches. */
export class Places {
  #left: number;

  constructor(max: number) {
    this.#left = max;
  }

  get isEmpty(): boolean {
    return this.#left === 0;
  }

  take(): boolean {
    if (this.#left === 0) return false;
    this.#left -= 1;
    return true;
  }

  give(places: number): void {
    this.#left += places;
  }
}

export class SenderSketch {
  /** When it began to count. */
  sinceMs: number;
  readonly #places: Places;
  readonly #max: number;
  #shares: SenderShare[] = [];

  constructor(sinceMs: number, places: Places, max: number = SENDERS_MAX) {
    this.sinceMs = sinceMs;
    this.#places = places;
    this.#max = max;
  }

  get shares(): readonly SenderShare[] {
    return this.#shares;
  }

  /** The most by which any of them is counted too high. */
  get error(): number {
    return this.#shares.reduce((most, { error }) => Math.max(most, error), 0);
  }

  add(
    sender: Sender,
    what: { readonly value: number; readonly pushes: number; readonly nowMs: number },
  ): void {
    const { value, pushes, nowMs } = what;
    let least: SenderShare | undefined;
    for (const share of this.#shares) {
      if (isSame(share.sender, sender)) {
        share.value += value;
        share.pushes += pushes;
        share.lastMs = nowMs;
        return;
      }
      if (least === undefined || share.value < least.value) least = share;
    }
    if (this.#shares.length < this.#max && this.#places.take()) {
      this.#shares.push({ sender, value, error: 0, pushes, lastMs: nowMs });
    } else if (least !== undefined) {
      const error = least.value;
      const taken = { sender, value: error + value, error, pushes, lastMs: nowMs };
      this.#shares[this.#shares.indexOf(least)] = taken;
    }
  }

  /** Begins to count anew. */
  clear(nowMs: number): void {
    this.#places.give(this.#shares.length);
    this.#shares = [];
    this.sinceMs = nowMs;
  }
}

function isSame(a: Sender, b: Sender): boolean {
  return a === b || (a.path === b.path && a.token === b.token && a.address === b.address);
}
