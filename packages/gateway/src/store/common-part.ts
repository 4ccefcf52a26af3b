/**
 * Where some senders add and others count by job: to which accumulators those that add have added. Together they are one contributor more, which
 * is never silent.
 *
 *   held      a bit for each accumulator                       an eighth of a byte beside all else that a sample takes
 *   numbers   what they have of a total that is no sum         of a sum it is what no source has
 *
 * A number has its order beside it: that of the push by which it came last. Both are in pages that are there only where there is something.
 */
import type { LastNamed } from './last-named.ts';

const WORD_SHIFT = 5;
const WORD_MASK = 31;
const WORDS_MIN = 128;
const PAGE_BITS = 12;
const PAGE_ROWS = 1 << PAGE_BITS;
/** There is no number. */
const NONE = 0;

/** What one number takes, with its order. */
export const commonNumberBytes = 16;

interface Page {
  readonly values: Float64Array;
  /** Larger than zero where there is a number. */
  readonly orders: Float64Array;
  size: number;
}

export class CommonPart {
  /** How many accumulators have a part of it. */
  size = 0;
  /** How many of them have a number. */
  numbers = 0;
  #words: Uint32Array = new Uint32Array(0);
  readonly #pages: (Page | undefined)[] = [];
  /** When they last named what may expire of it. Undefined where nothing expires. */
  named: LastNamed | undefined;

  /** They follow from what is held alone. */
  get bytes(): number {
    return this.numbers * commonNumberBytes;
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
    this.#deleteNumber(accumulator);
    this.named?.delete(accumulator);
    this.size -= 1;
    return true;
  }

  /** Of an accumulator that has an order. */
  valueOf(accumulator: number): number {
    return this.#pages[accumulator >>> PAGE_BITS]!.values[accumulator & (PAGE_ROWS - 1)]!;
  }

  /** 0 where there is no number: the total is a sum, or there is no part. */
  orderOf(accumulator: number): number {
    return this.#pages[accumulator >>> PAGE_BITS]?.orders[accumulator & (PAGE_ROWS - 1)] ?? NONE;
  }

  setNumber(accumulator: number, value: number, order: number): void {
    const index = accumulator >>> PAGE_BITS;
    while (this.#pages.length <= index) this.#pages.push(undefined);
    const page = (this.#pages[index] ??= {
      values: new Float64Array(PAGE_ROWS),
      orders: new Float64Array(PAGE_ROWS),
      size: 0,
    });
    const row = accumulator & (PAGE_ROWS - 1);
    if (page.orders[row] === NONE) {
      page.size += 1;
      this.numbers += 1;
    }
    page.values[row] = value;
    page.orders[row] = order;
  }

  #deleteNumber(accumulator: number): void {
    const index = accumulator >>> PAGE_BITS;
    const page = this.#pages[index];
    const row = accumulator & (PAGE_ROWS - 1);
    if (page === undefined || page.orders[row] === NONE) return;
    page.orders[row] = NONE;
    page.size -= 1;
    this.numbers -= 1;
    if (page.size === 0) this.#pages[index] = undefined;
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
