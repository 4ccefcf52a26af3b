/**
 * Puts entries of a byte table in the order of the exposition, in steps of about a millisecond: by their bytes, but `}` comes
 * before any other, so that a series comes before those that have more labels after the same ones.
 *
 * Series of a family begin alike, and comparing them two by two reads the same bytes again and again. So this is a radix
 * sort from the first byte on: skip what all rows of a range share, read the next four bytes of each as a number, order the
 * range by those, and go on within each run of equal numbers. Each byte is read once or twice, whatever the number of rows.
 */
import { RIGHT_BRACE } from '../primitives/bytes.ts';
import type { ByteTable } from '../primitives/byte-table.ts';
import { prefetchTexts } from './prefetch-texts.ts';

/** Rows looked at in one step. */
const STEP_ROWS = 4096;
/** Rows moved in one step, which costs a few nanoseconds each, and of millions of rows up to a hundred. */
const STEP_MOVES = 16_384;
/** Longer shared beginnings are skipped in several rounds, so that one odd text cannot make all others be read in vain. */
const SHARED_MAX = 64;
/** Up to here insertion is faster than counting. */
const INSERTION_ROWS = 32;
const KEY_BYTES = 4;

/** Order of a byte among its like; the end of the text is 0. Texts are UTF-8, where 0xfe and 0xff do not occur. */
const ranks = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte === RIGHT_BRACE ? 1 : Math.min(byte + 2, 0xff),
);

/** Sorts in place. */
export function* sortTexts(texts: ByteTable, entries: Uint32Array): Generator<void, void> {
  // Most senders send in order.
  let ordered = 1;
  while (ordered < entries.length) {
    const to = Math.min(ordered + STEP_ROWS, entries.length);
    while (ordered < to && compareTexts(texts, entries[ordered - 1]!, entries[ordered]!) < 0) ordered += 1;
    if (ordered < to) break;
    yield;
  }
  if (ordered < entries.length) yield* new RadixSort(texts, entries).run();
}

/** Two sorted lists as one. The second is thought to be the shorter one. */
export function* mergeTexts(
  texts: ByteTable,
  sorted: Uint32Array,
  added: Uint32Array,
): Generator<void, Uint32Array> {
  if (sorted.length === 0) return added;
  const merged = new Uint32Array(sorted.length + added.length);
  let taken = 0;
  for (let i = 0; i < added.length; i += 1) {
    const to = positionOf(texts, sorted, taken, added[i]!);
    merged.set(sorted.subarray(taken, to), taken + i);
    taken = to;
    merged[taken + i] = added[i]!;
    if (i % STEP_ROWS === STEP_ROWS - 1) yield;
  }
  merged.set(sorted.subarray(taken), taken + added.length);
  return merged;
}

/** The first position at or after `from` whose entry comes after `entry`: near to `from`, mostly. */
function positionOf(texts: ByteTable, sorted: Uint32Array, from: number, entry: number): number {
  let low = from;
  let high = from;
  for (let stride = 1; high < sorted.length && compareTexts(texts, sorted[high]!, entry) < 0; stride *= 2) {
    low = high + 1;
    high += stride;
  }
  high = Math.min(high, sorted.length);
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareTexts(texts, sorted[middle]!, entry) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function compareTexts(texts: ByteTable, left: number, right: number): number {
  const a = texts.chunkOf(left);
  const b = texts.chunkOf(right);
  const aStart = texts.offsetOf(left);
  const bStart = texts.offsetOf(right);
  const aLength = texts.lengthOf(left);
  const bLength = texts.lengthOf(right);
  const shared = Math.min(aLength, bLength);
  for (let i = 0; i < shared; i += 1) {
    const aByte = a[aStart + i]!;
    const bByte = b[bStart + i]!;
    if (aByte !== bByte) return ranks[aByte]! - ranks[bByte]!;
  }
  return aLength - bLength;
}

interface Columns {
  readonly keys: Uint32Array;
  readonly entries: Uint32Array;
}

class RadixSort {
  readonly #texts: ByteTable;
  readonly #entries: Uint32Array;
  readonly #keys: Uint32Array;
  readonly #spareEntries: Uint32Array;
  readonly #spareKeys: Uint32Array;
  readonly #counts = new Uint32Array(256);
  /** Ranges still to sort, three numbers each: from, to, and how many bytes their rows share. */
  readonly #ranges: number[];
  /** Rows looked at since the last step. */
  #looked = 0;

  constructor(texts: ByteTable, entries: Uint32Array) {
    this.#texts = texts;
    this.#entries = entries;
    this.#keys = new Uint32Array(entries.length);
    this.#spareEntries = new Uint32Array(entries.length);
    this.#spareKeys = new Uint32Array(entries.length);
    this.#ranges = [0, entries.length, 0];
  }

  *run(): Generator<void, void> {
    const ranges = this.#ranges;
    while (ranges.length > 0) {
      let depth = ranges.pop()!;
      const to = ranges.pop()!;
      const from = ranges.pop()!;
      if (to - from > STEP_ROWS) {
        depth = yield* this.#readLongRange(from, to, depth);
        yield* this.#countingSort(from, to);
      } else {
        prefetchTexts(this.#texts, this.#entries, from, to);
        depth += this.#sharedBytes(from, from, to, depth, SHARED_MAX);
        this.#readKeys(from, to, depth);
        if (to - from <= INSERTION_ROWS) this.#insertionSort(from, to);
        else for (const _ of this.#countingSort(from, to));
      }
      this.#pushEqualRuns(from, to, depth + KEY_BYTES);
      this.#looked += to - from;
      if (this.#looked < STEP_ROWS) continue;
      this.#looked = 0;
      yield;
    }
  }

  /** Reads the keys of a range in steps; returns how many bytes come before them. */
  *#readLongRange(from: number, to: number, depth: number): Generator<void, number> {
    let shared = SHARED_MAX;
    for (let at = from; at < to && shared > 0; at += STEP_ROWS) {
      prefetchTexts(this.#texts, this.#entries, at, Math.min(at + STEP_ROWS, to));
      shared = this.#sharedBytes(from, at, Math.min(at + STEP_ROWS, to), depth, shared);
      yield;
    }
    for (let at = from; at < to; at += STEP_ROWS) {
      prefetchTexts(this.#texts, this.#entries, at, Math.min(at + STEP_ROWS, to));
      this.#readKeys(at, Math.min(at + STEP_ROWS, to), depth + shared);
      yield;
    }
    return depth + shared;
  }

  /** How many bytes after the first `depth` the rows from `from` to `to` share with row `first`, `most` at most. */
  #sharedBytes(first: number, from: number, to: number, depth: number, most: number): number {
    const texts = this.#texts;
    const entries = this.#entries;
    const model = entries[first]!;
    const a = texts.viewOf(model);
    const aStart = texts.offsetOf(model) + depth;
    let shared = Math.min(most, texts.lengthOf(model) - depth);
    for (let row = from; row < to && shared > 0; row += 1) {
      const entry = entries[row]!;
      const b = texts.viewOf(entry);
      const bStart = texts.offsetOf(entry) + depth;
      const longest = Math.min(shared, texts.lengthOf(entry) - depth);
      shared = 0;
      while (shared + 4 <= longest && a.getInt32(aStart + shared) === b.getInt32(bStart + shared))
        shared += 4;
      while (shared < longest && a.getUint8(aStart + shared) === b.getUint8(bStart + shared)) shared += 1;
    }
    return Math.max(shared, 0);
  }

  /** Keys compare as numbers the way the four bytes at `depth` compare. */
  #readKeys(from: number, to: number, depth: number): void {
    const texts = this.#texts;
    const keys = this.#keys;
    const entries = this.#entries;
    for (let row = from; row < to; row += 1) {
      const entry = entries[row]!;
      const bytes = texts.chunkOf(entry);
      const start = texts.offsetOf(entry);
      const end = start + texts.lengthOf(entry);
      let at = start + depth;
      let key = 0;
      if (at + KEY_BYTES <= end) {
        key =
          (ranks[bytes[at]!]! << 24) |
          (ranks[bytes[at + 1]!]! << 16) |
          (ranks[bytes[at + 2]!]! << 8) |
          ranks[bytes[at + 3]!]!;
      } else {
        for (const keyEnd = at + KEY_BYTES; at < keyEnd; at += 1) {
          key = (key << 8) | (at < end ? ranks[bytes[at]!]! : 0);
        }
      }
      keys[row] = key;
    }
  }

  #insertionSort(from: number, to: number): void {
    const keys = this.#keys;
    const entries = this.#entries;
    for (let row = from + 1; row < to; row += 1) {
      const key = keys[row]!;
      const entry = entries[row]!;
      let hole = row;
      for (; hole > from && keys[hole - 1]! > key; hole -= 1) {
        keys[hole] = keys[hole - 1]!;
        entries[hole] = entries[hole - 1]!;
      }
      keys[hole] = key;
      entries[hole] = entry;
    }
  }

  /** By the last byte of the key first, keeping the order among equals. */
  *#countingSort(from: number, to: number): Generator<void, void> {
    let now: Columns = { keys: this.#keys, entries: this.#entries };
    let next: Columns = { keys: this.#spareKeys, entries: this.#spareEntries };
    const differing = this.#differingBits(from, to);
    for (let shift = 0; shift < 32; shift += 8) {
      if (((differing >>> shift) & 0xff) === 0) continue;
      this.#count(now.keys, from, to, shift);
      for (let at = from; at < to; at += STEP_MOVES) {
        const until = Math.min(at + STEP_MOVES, to);
        this.#move(now, next, { from: at, to: until, shift });
        if (until < to) yield;
      }
      [now, next] = [next, now];
    }
    if (now.keys === this.#keys) return;
    this.#keys.set(now.keys.subarray(from, to), from);
    this.#entries.set(now.entries.subarray(from, to), from);
  }

  /** Those that not all keys share. */
  #differingBits(from: number, to: number): number {
    const keys = this.#keys;
    const first = keys[from]!;
    let differing = 0;
    for (let row = from + 1; row < to; row += 1) differing |= keys[row]! ^ first;
    return differing;
  }

  /** Finds where the rows with each byte go. */
  #count(keys: Uint32Array, from: number, to: number, shift: number): void {
    const counts = this.#counts;
    counts.fill(0);
    for (let row = from; row < to; row += 1) counts[(keys[row]! >>> shift) & 0xff]! += 1;
    for (let byte = 0, start = from; byte < 256; byte += 1) {
      const count = counts[byte]!;
      counts[byte] = start;
      start += count;
    }
  }

  #move(
    now: Columns,
    next: Columns,
    rows: { readonly from: number; readonly to: number; readonly shift: number },
  ): void {
    const { from, to, shift } = rows;
    const places = this.#counts;
    for (let row = from; row < to; row += 1) {
      const key = now.keys[row]!;
      const byte = (key >>> shift) & 0xff;
      const place = places[byte]!;
      places[byte] = place + 1;
      next.keys[place] = key;
      next.entries[place] = now.entries[row]!;
    }
  }

  #pushEqualRuns(from: number, to: number, depth: number): void {
    const keys = this.#keys;
    for (let start = from; start < to;) {
      const key = keys[start]!;
      let end = start + 1;
      while (end < to && keys[end] === key) end += 1;
      // A key that ends in 0 reached the end of the text.
      if (end - start > 1 && (key & 0xff) !== 0) this.#ranges.push(start, end, depth);
      start = end;
    }
  }
}
