/**
 * Lists of numbers that mostly follow one another, as accumulators do that one push brought.
 *
 *   20 21 22 23 7   →   [ 20 | run ] [ 4 ] [ 7 ]    the first with the lowest bit set, and how many; what stands alone is one word
 *
 * So a list is never longer than it was. Numbers have 31 bits: there is no memory for so many accumulators.
 */

const RUN = 1;

/** How many words the first `length` numbers take. */
export function packedLength(numbers: Int32Array, length: number): number {
  let words = 0;
  for (let i = 0; i < length;) {
    const end = endOfRun(numbers, i, length);
    words += end - i > 1 ? 2 : 1;
    i = end;
  }
  return words;
}

/** Writes the first `length` numbers to `words` from `at` on. */
export function pack(numbers: Int32Array, length: number, words: Int32Array, at: number): void {
  let to = at;
  for (let i = 0; i < length;) {
    const end = endOfRun(numbers, i, length);
    const isRun = end - i > 1;
    words[to] = (numbers[i]! << 1) | (isRun ? RUN : 0);
    if (isRun) words[to + 1] = end - i;
    to += isRun ? 2 : 1;
    i = end;
  }
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

function endOfRun(numbers: Int32Array, start: number, length: number): number {
  let end = start + 1;
  while (end < length && numbers[end] === numbers[start]! + end - start) end += 1;
  return end;
}
