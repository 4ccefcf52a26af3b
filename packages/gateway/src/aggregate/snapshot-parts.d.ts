/**
 * The parts of a snapshot as bytes. A part holds some rows of one table of the state, as columns, little endian:
 *
 *   part    [ tag, from, rows, 0 | column | column … ]      what it is of, its first row and their number, 32 bits each
 *   column  [ length, form | number … ]                     padded to 8 bytes, as is all else
 *
 * A column whose numbers are all the same has that number once, as columns often are: no bound, nobody who holds it.
 */
/** What parts are of, in the order in which they come. */
export declare const Tag: {
  /** "PAGS": the first part; in place of rows it has the version. */
  readonly HEAD: 1397178704;
  readonly FAMILIES: 1;
  readonly FREE_FAMILIES: 2;
  readonly SOURCES: 3;
  readonly CONTRIBUTIONS: 4;
  readonly CELLS: 5;
  readonly SPILLED: 6;
  readonly LIMBO: 7;
  readonly FREE_CELLS: 8;
  readonly END: 9;
};
export type Tag = (typeof Tag)[keyof typeof Tag];
export declare const VERSION = 1;
/** The one number of each in the head, in this order. */
export declare const headFields: readonly [
  'epoch',
  'families',
  'familyIds',
  'freeFamilies',
  'sourcesLive',
  'sourcesPruned',
  'cells',
  'cellNumbers',
  'groups',
  'spilled',
  'limbo',
  'freeCells',
];
export type Head = Readonly<Record<(typeof headFields)[number], number>>;
/** Parts are about as long as this, or shorter. One row alone may be longer. */
export declare const PART_BYTES: number;
type Column = Uint8Array | Uint16Array | Uint32Array | Int32Array | Float64Array;
export interface Part {
  readonly tag: Tag;
  readonly from: number;
  readonly rows: number;
  readonly columns: readonly Column[];
}
export declare function encodePart({ tag, from, rows, columns }: Part): Uint8Array;
/** Reads the columns of a part in the order in which they were written. They are valid as long as its bytes. */
export declare class PartReader {
  #private;
  readonly tag: number;
  readonly from: number;
  readonly rows: number;
  constructor(bytes: Uint8Array);
  /** Whether there are columns left: some parts end in columns that are written only when they say something. */
  get hasMore(): boolean;
  /** A column of one number for each row. */
  u8(): Uint8Array;
  u16(): Uint16Array;
  u32(): Uint32Array;
  i32(): Int32Array;
  f64(): Float64Array;
  /** A column of its own length. */
  bytes(): Uint8Array;
  numbers(): Float64Array;
  cells(): Int32Array;
}
/** What restoring throws for a snapshot that it cannot take. */
export declare function broken(what: string): Error;
/** Parts of a table whose rows are whole numbers. */
export declare function numberParts(tag: Tag, numbers: Uint32Array): Generator<Part, void>;
export {};
