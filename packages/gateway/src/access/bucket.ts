/** A bucket of tokens: so many a second come into it, up to as many as it holds. */
export class Bucket {
  readonly #now: () => number;
  readonly #perSecond: number;
  readonly most: number;
  /** When it was last looked at, and what was in it; below zero where more was taken than there was. */
  #atMs: number;
  #left: number;

  /** Milliseconds that never go back. */
  constructor(now: () => number, perSecond: number, most: number) {
    this.#now = now;
    this.#perSecond = perSecond;
    this.most = most;
    this.#atMs = now();
    this.#left = most;
  }

  has(perSecond: number, most: number): boolean {
    return perSecond === this.#perSecond && most === this.most;
  }

  /** Whether there were so many. */
  take(count: number): boolean {
    this.#fill();
    if (this.#left < count) return false;
    this.#left -= count;
    return true;
  }

  /** How many there are; below zero where more was taken than there was. */
  get left(): number {
    this.#fill();
    return this.#left;
  }

  /** Takes so many, whether they are there or not. */
  overdraw(count: number): void {
    this.#fill();
    this.#left -= count;
  }

  #fill(): void {
    const nowMs = this.#now();
    this.#left = Math.min(this.#left + ((nowMs - this.#atMs) * this.#perSecond) / 1000, this.most);
    this.#atMs = nowMs;
  }
}
