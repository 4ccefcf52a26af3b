/**
 * Bytes that led somewhere before: other spellings of a series than its canonical text, and HELP and TYPE lines. Bounded, and
 * never the only way: what is not found here is read in words, and learnt again.
 */
import { metadataKinds } from './batch.ts';
/** Entries are numbered by ByteTable. */
export declare class Spellings {
  #private;
  constructor(hashSeed: number);
  /** The entry of a spelling, or -1. */
  find(view: DataView, start: number, end: number, hash: number): number;
  /** See ByteTable.matchLength. Spellings learnt from one push are entries in a row. */
  matchLength(entry: number, view: DataView, start: number, end: number): number;
  /** Whether an entry is the first `headEnd` bytes of one view and those from `start` to `end` of another. */
  isInTwo(
    entry: number,
    head: DataView,
    headEnd: number,
    view: DataView,
    start: number,
    end: number,
  ): boolean;
  /** What an entry leads to: a cell, or the reference of a line about a family. */
  targetOf(entry: number): number;
  learn(view: DataView, start: number, end: number, target: number): void;
  /** Keeps the table in proportion to what it leads to. */
  bound(cells: number): void;
  clear(): void;
}
/** References below UNKNOWN are about a family: what its line is, and which family. */
export declare function metadataReference(family: number, what: (typeof metadataKinds)[number]): number;
/** The other way round. */
export declare function readMetadataReference(reference: number): {
  readonly family: number;
  readonly what: (typeof metadataKinds)[number];
};
