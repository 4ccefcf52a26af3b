/** The newest exemplar of each counter and bucket that had one. */
import type { Exemplar } from '../model/exemplar.ts';

/** An exemplar that is kept always has a time. */
export interface KeptExemplar extends Exemplar {
  readonly timestampMs: number;
}

export class Exemplars {
  /** Not kept because there was no room, since the start. */
  dropped = 0;
  readonly #byCell = new Map<number, KeptExemplar>();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#byCell.size;
  }

  get(cell: number): KeptExemplar | undefined {
    return this.#byCell.get(cell);
  }

  /**
   * Keeps an exemplar unless there is a newer one. One without a time, or from the future, is of `nowMs`: a sender whose clock is
   * wrong must not keep all others out. Returns whether it is kept.
   */
  offer(cell: number, exemplar: Exemplar, nowMs: number): boolean {
    const timestampMs = Math.min(exemplar.timestampMs ?? nowMs, nowMs);
    const known = this.#byCell.get(cell);
    if (known !== undefined && known.timestampMs > timestampMs) return false;
    if (known === undefined && this.#byCell.size >= this.#most) {
      this.dropped += 1;
      return false;
    }
    this.#byCell.set(cell, { labels: exemplar.labels, value: exemplar.value, timestampMs });
    return true;
  }

  delete(cell: number): void {
    if (this.#byCell.size > 0) this.#byCell.delete(cell);
  }
}
