/** Rows looked at or changed in one step of a change: well under a millisecond. */
export const STEP_ROWS = 4096;

/**
 * Says where a change that goes in steps ends one: after so many rows, through however many loops. A change with fewer rows has one
 * step. Belongs to one state, and counts for one change at a time.
 */
export class Pace {
  /** Rows that a loop goes through before it asks again. */
  readonly rows: number;
  #done = 0;

  constructor(rows: number = STEP_ROWS) {
    this.rows = rows;
  }

  begin(): void {
    this.#done = 0;
  }

  /** Counts rows; true when it is time for the next step. */
  isFull(rows: number): boolean {
    this.#done += rows;
    if (this.#done < this.rows) return false;
    this.#done = 0;
    return true;
  }
}

/** So many bytes of a text are as much work as a row. */
const TEXT_ROW_BYTES = 512;

/** As how many rows a text counts where it is copied. */
export function rowsOfText(bytes: number): number {
  return Math.floor(bytes / TEXT_ROW_BYTES);
}

/** To look whether a rule matches is as much work as so many rows, and as many more for each so much of the text that it is held against. */
const RULE_ROWS = 4;
const RULE_BYTES = 64;

/** As how many rows it counts to look which of so many rules match a text; of a name alone `bytes` is left out. */
export function rowsOfRules(rules: number, bytes: number = 0): number {
  return rules * RULE_ROWS * (1 + Math.floor(bytes / RULE_BYTES));
}

/** Rows copied from one column to another are as much work as this share of others. */
const COPIED_ROWS = 16;

type Column = Uint8Array | Uint16Array | Uint32Array | Int32Array | Float64Array;

/** And so many of them where each is looked at. */
const SPARSE_ROWS = 4;

/** Copies the first `length` numbers of a column to the beginning of another; returns that. */
export function* copyColumn<T extends Column>(
  pace: Pace,
  from: T,
  to: T,
  length: number = from.length,
): Generator<void, T> {
  const rows = pace.rows * COPIED_ROWS;
  for (let at = 0; at < length; at += rows) {
    const end = Math.min(at + rows, length);
    to.set(from.subarray(at, end), at);
    if (pace.isFull((end - at) / COPIED_ROWS)) yield;
  }
  return to;
}

/** The same by `copyNonZero`. */
export function* copySparseColumn<T extends Column>(pace: Pace, from: T, to: T): Generator<void, T> {
  const { rows } = pace;
  for (let at = 0; at < from.length; at += rows) {
    const end = Math.min(at + rows, from.length);
    copyNonZero(from.subarray(at, end), to, at);
    if (pace.isFull((end - at) / SPARSE_ROWS)) yield;
  }
  return to;
}

/**
 * Copies numbers to a place in a column where nothing but 0 stands. What is 0 is not written: a page that nobody has written to takes no
 * memory, and most numbers of some columns are 0.
 */
export function copyNonZero(from: Column, to: Column, at: number): void {
  for (let i = 0; i < from.length; i += 1) if (from[i] !== 0) to[at + i] = from[i]!;
}

const DIGIT_BITS = 11;
const DIGITS = 1 << DIGIT_BITS;

/** Numbers by size, by radix; many are not sorted in place. */
export function* sortNumbers(pace: Pace, numbers: Uint32Array): Generator<void, Uint32Array> {
  if (numbers.length <= pace.rows) return numbers.sort();
  let from = numbers;
  let to: Uint32Array = new Uint32Array(numbers.length);
  for (let shift = 0; shift < 32; shift += DIGIT_BITS) {
    const ends = new Uint32Array(DIGITS + 1);
    for (let at = 0; at < from.length; at += pace.rows) {
      const end = Math.min(at + pace.rows, from.length);
      for (let i = at; i < end; i += 1) ends[((from[i]! >>> shift) & (DIGITS - 1)) + 1]! += 1;
      if (pace.isFull(end - at)) yield;
    }
    for (let digit = 0; digit < DIGITS; digit += 1) ends[digit + 1]! += ends[digit]!;
    for (let at = 0; at < from.length; at += pace.rows) {
      const end = Math.min(at + pace.rows, from.length);
      for (let i = at; i < end; i += 1) {
        const digit = (from[i]! >>> shift) & (DIGITS - 1);
        to[ends[digit]!] = from[i]!;
        ends[digit]! += 1;
      }
      if (pace.isFull(end - at)) yield;
    }
    [from, to] = [to, from];
  }
  return from;
}
