/**
 * Lists of numbers that mostly follow one another, as accumulators do that one push brought.
 *
 *   20 21 22 23 7   →   [ 20 | run ] [ 4 ] [ 7 ]    the first with the lowest bit set, and how many; what stands alone is one word
 *
 * So a list is never longer than it was. Numbers have 31 bits: there is no memory for so many accumulators.
 */

const RUN = 1;

/** Writes the first `length` numbers to the beginning of `words`; returns how many words they take. */
export function pack(numbers: Int32Array, length: number, words: Int32Array): number {
  let to = 0;
  for (let i = 0; i < length;) {
    const first = numbers[i]!;
    let count = 1;
    while (i + count < length && numbers[i + count] === first + count) count += 1;
    words[to] = (first << 1) | (count > 1 ? RUN : 0);
    to += 1;
    if (count > 1) {
      words[to] = count;
      to += 1;
    }
    i += count;
  }
  return to;
}

/** Reads the first `length` numbers from `words` from `at` on. */
export function unpack(words: Int32Array, at: number, numbers: Int32Array, length: number): void {
  let from = at;
  for (let i = 0; i < length;) {
    const word = words[from]!;
    const first = word >> 1;
    from += 1;
    if ((word & RUN) === 0) {
      numbers[i] = first;
      i += 1;
      continue;
    }
    const count = words[from]!;
    from += 1;
    for (let k = 0; k < count; k += 1) numbers[i + k] = first + k;
    i += count;
  }
}
