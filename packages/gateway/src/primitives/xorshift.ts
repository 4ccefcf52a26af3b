/** Numbers as if by chance, the same for each run (Marsaglia's xorshift of 32 bits). Not for anything that must not be guessed. */
export class Xorshift {
  #state = 1;

  /** From 0 to 2^32 - 1. */
  next(): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return this.#state >>> 0;
  }
}
