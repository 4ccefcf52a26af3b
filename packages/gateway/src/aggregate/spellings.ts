/**
 * Bytes that led somewhere before: other spellings of a series than its canonical text, and HELP and TYPE lines. Bounded, and
 * never the only way: what is not found here is read in words, and learnt again.
 */
import { metadataKinds } from './batch.ts';
import { ByteTable } from '../primitives/byte-table.ts';

/** Longer spellings are read anew each time, so that a few pushes cannot fill the table. */
const SPELLING_BYTES_MAX = 1024;
/** The table is dropped when it has more keys than this and twice the cells. */
const SPELLINGS_MIN = 1 << 17;

/** Entries are numbered by ByteTable. */
export class Spellings {
  readonly #table: ByteTable;
  #targets = new Int32Array(32);

  constructor(hashSeed: number) {
    this.#table = new ByteTable(hashSeed);
  }

  /** The entry of a spelling, or -1. */
  find(view: DataView, start: number, end: number, hash: number): number {
    return this.#table.find(view, start, end, hash);
  }

  /** See ByteTable.matchLength. Spellings learnt from one push are entries in a row. */
  matchLength(entry: number, view: DataView, start: number, end: number): number {
    return this.#table.matchLength(entry, view, start, end);
  }

  /** Whether an entry is the first `headEnd` bytes of one view and those from `start` to `end` of another. */
  isInTwo(
    entry: number,
    head: DataView,
    headEnd: number,
    view: DataView,
    start: number,
    end: number,
  ): boolean {
    return this.#table.isInTwo(entry, head, headEnd, view, start, end);
  }

  /** What an entry leads to: a cell, or the reference of a line about a family. */
  targetOf(entry: number): number {
    return this.#targets[entry]!;
  }

  learn(view: DataView, start: number, end: number, target: number): void {
    if (end - start > SPELLING_BYTES_MAX) return;
    const hash = this.#table.hash(view, start, end);
    const present = this.#table.find(view, start, end, hash);
    const entry = present >= 0 ? present : this.#table.insert(view, start, end, hash);
    if (entry >= this.#targets.length) {
      const larger = new Int32Array(this.#table.capacity);
      larger.set(this.#targets);
      this.#targets = larger;
    }
    this.#targets[entry] = target;
  }

  /** Keeps the table in proportion to what it leads to. */
  bound(cells: number): void {
    if (this.#table.size > Math.max(SPELLINGS_MIN, 2 * cells)) this.clear();
  }

  clear(): void {
    if (this.#table.size > 0) this.#table.clear();
  }
}

/** References below UNKNOWN are about a family: what its line is, and which family. */
export function metadataReference(family: number, what: (typeof metadataKinds)[number]): number {
  return -2 - (family * metadataKinds.length + metadataKinds.indexOf(what));
}

/** The other way round. */
export function readMetadataReference(reference: number): {
  readonly family: number;
  readonly what: (typeof metadataKinds)[number];
} {
  const code = -2 - reference;
  return {
    family: Math.floor(code / metadataKinds.length),
    what: metadataKinds[code % metadataKinds.length]!,
  };
}
