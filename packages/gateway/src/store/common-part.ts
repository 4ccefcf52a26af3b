/**
 * Where some senders add and others count by job: to which accumulators those that add have added. Together they are one contributor more, which
 * is never silent.
 *
 *   held      a bit for each accumulator                       an eighth of a byte beside all else that a sample takes
 *   numbers   what they have of a total that is no sum         of a sum it is what no source has
 */
import { Paged } from '../primitives/paged.ts';

const WORD_SHIFT = 5;
const WORD_MASK = 31;
const WORDS_MIN = 128;

/** The number that senders which add have together, and the number of the push by which it last changed, where that counts. */
interface CommonNumber {
  value: number;
  order: number;
}

/** What one number takes. */
export const commonNumberBytes = 64;

export class CommonPart {
  /** How many accumulators have a part of it. */
  size = 0;
  #words: Uint32Array = new Uint32Array(0);
  readonly #numbers = new Paged<CommonNumber>();

  /** How many of them have a number. */
  get numbers(): number {
    return this.#numbers.size;
  }

  /** They follow from what is held alone. */
  get bytes(): number {
    return this.#numbers.size * commonNumberBytes;
  }

  has(accumulator: number): boolean {
    const word = accumulator >>> WORD_SHIFT;
    return word < this.#words.length && ((this.#words[word]! >>> (accumulator & WORD_MASK)) & 1) === 1;
  }

  /** Whether it had no part before. */
  add(accumulator: number): boolean {
    const word = accumulator >>> WORD_SHIFT;
    if (word >= this.#words.length) this.#grow(word + 1);
    const bit = 1 << (accumulator & WORD_MASK);
    if ((this.#words[word]! & bit) !== 0) return false;
    this.#words[word]! |= bit;
    this.size += 1;
    return true;
  }

  /** Whether it had a part. */
  delete(accumulator: number): boolean {
    if (!this.has(accumulator)) return false;
    this.#words[accumulator >>> WORD_SHIFT]! &= ~(1 << (accumulator & WORD_MASK));
    this.#numbers.delete(accumulator);
    this.size -= 1;
    return true;
  }

  /** To be changed in place. Undefined where the total is a sum, or there is no part. */
  numberOf(accumulator: number): CommonNumber | undefined {
    return this.#numbers.get(accumulator);
  }

  setNumber(accumulator: number, number: CommonNumber): void {
    this.#numbers.set(accumulator, number);
  }

  /** A copy of the bits of all accumulators below `end`, 32 in a word. */
  wordsUntil(end: number): Uint32Array {
    return this.#words.slice(0, (end + WORD_MASK) >>> WORD_SHIFT);
  }

  #grow(length: number): void {
    const larger = new Uint32Array(Math.max(length, this.#words.length * 2, WORDS_MIN));
    larger.set(this.#words);
    this.#words = larger;
  }
}
