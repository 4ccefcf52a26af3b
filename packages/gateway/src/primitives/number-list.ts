/** A list of numbers of 32 bits, four bytes each, whatever their number. */

const NOTHING = new Uint32Array(0);
const LENGTH_MIN = 8;

export class NumberList {
  length = 0;
  #numbers: Uint32Array<ArrayBuffer> = NOTHING;

  at(index: number): number {
    return this.#numbers[index]!;
  }

  push(number: number): void {
    if (this.length === this.#numbers.length) {
      const larger = new Uint32Array(Math.max(LENGTH_MIN, this.length * 2));
      larger.set(this.#numbers);
      this.#numbers = larger;
    }
    this.#numbers[this.length] = number;
    this.length += 1;
  }

  pop(): number | undefined {
    if (this.length === 0) return undefined;
    this.length -= 1;
    return this.#numbers[this.length];
  }

  clear(): void {
    this.length = 0;
    this.#numbers = NOTHING;
  }

  /** The numbers from one place to another, not copied: they hold as long as the list is only added to. */
  between(from: number, to: number): Uint32Array {
    return this.#numbers.subarray(from, to);
  }

  /** A list of its own with the numbers from a place on. */
  after(from: number): NumberList {
    const rest = new NumberList();
    rest.#numbers = this.#numbers.slice(from, this.length);
    rest.length = rest.#numbers.length;
    return rest;
  }

  *[Symbol.iterator](): Generator<number, void> {
    for (let index = 0; index < this.length; index += 1) yield this.#numbers[index]!;
  }
}
