/**
 * About how many different things there are, in 4 KiB however many there are, by their hashes: HyperLogLog (Flajolet, Fusy, Gandouet,
 * Meunier, 2007). Two of three times it is wrong by less than 2 %.
 */
const INDEX_BITS = 12;
const REGISTERS = 1 << INDEX_BITS;
const RANK_MAX = 32 - INDEX_BITS + 1;
const ALPHA = 0.7213 / (1 + 1.079 / REGISTERS);

export class Distinct {
  readonly #registers = new Uint8Array(REGISTERS);

  /** An even hash of 32 bits. The same one again changes nothing. */
  add(hash: number): void {
    const index = hash >>> (32 - INDEX_BITS);
    const rank = Math.min(Math.clz32(hash << INDEX_BITS) + 1, RANK_MAX);
    if (rank > this.#registers[index]!) this.#registers[index] = rank;
  }

  estimate(): number {
    let sum = 0;
    let empty = 0;
    for (const rank of this.#registers) {
      sum += 2 ** -rank;
      if (rank === 0) empty += 1;
    }
    const raw = (ALPHA * REGISTERS * REGISTERS) / sum;
    // Of few, what is empty says more.
    const isFew = raw <= 2.5 * REGISTERS && empty > 0;
    return Math.round(isFew ? REGISTERS * Math.log(REGISTERS / empty) : raw);
  }
}
