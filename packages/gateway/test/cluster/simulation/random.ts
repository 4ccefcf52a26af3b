/** Numbers that are the same for each run of a seed (xorshift and a multiplication, after Marsaglia and Vigna). */
export class Random {
  #state: bigint;

  constructor(seed: number) {
    this.#state = ((BigInt(seed) + 1n) * 0x9e3779b97f4a7c15n) & MASK;
  }

  /** From 0 to below 1. */
  next(): number {
    let x = this.#state;
    x ^= x >> 12n;
    x = (x ^ (x << 25n)) & MASK;
    x ^= x >> 27n;
    this.#state = x;
    return Number(((x * 0x2545f4914f6cdd1dn) & MASK) >> 11n) / 2 ** 53;
  }

  /** A whole number below `end`. */
  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(of: readonly T[]): T {
    return of[this.below(of.length)]!;
  }

  bytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.below(256));
  }
}

const MASK = (1n << 64n) - 1n;
