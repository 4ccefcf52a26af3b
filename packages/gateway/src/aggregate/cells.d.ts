/**
 * The numbers of the state, as columns addressed by a cell: one number of one series (a histogram series has a cell for each
 * bucket, its sum and its count). A cell's number is also its entry in the table of series texts, so that the bytes of a
 * sample line lead to its number with one look-up.
 *
 *   texts   entry ─ `http_requests_total{code="200"}`      key, and what the page shows
 *   kind    what adding to it means                         family  the id of its family
 *   group   the histogram or summary it is part of, or -1   bound   upper bound, for buckets
 *   sums    its exact total                                 holders sources with a contribution to it (by-job only)
 *   startMs when it began to count                           bornAt  since which view it is there
 *
 * Totals are changed through `add`, `lower`, `create` and `free` alone, which note the family as changed.
 */
import type { Exemplar } from '../model/exemplar.ts';
import { ByteTable } from '../primitives/byte-table.ts';
import { ExactSums } from '../primitives/exact-sums.ts';
import { NumberList } from '../primitives/number-list.ts';
import type { EarlierDetails } from './earlier-details.ts';
import { Exemplars } from './exemplars.ts';
import { Pace } from './pace.ts';
/** What a cell is; the order matters to `isGrouped` and `isNative`. Stores keep these numbers: add at the end only. */
export declare const CellKind: {
  readonly FREE: 0;
  readonly COUNTER: 1;
  readonly GAUGE: 2;
  readonly UNTYPED: 3;
  /** A start time: the minimum is kept. */
  readonly CREATED: 4;
  /** Observations in one bucket alone, not cumulative. */
  readonly BUCKET: 5;
  readonly COUNT: 6;
  readonly SUM: 7;
  /** Observations in one native bucket; its `bound` says which (native-cells.ts). */
  readonly NATIVE_BUCKET: 8;
  /** Observations in the zero bucket; its `bound` is the threshold. */
  readonly NATIVE_ZERO: 9;
  /** Observations of senders of native buckets; its `bound` is their schema. */
  readonly NATIVE_COUNT: 10;
};
export type CellKind = (typeof CellKind)[keyof typeof CellKind];
/** Bucket, count and sum cells belong to a histogram or summary series, and so do all native ones. */
export declare function isGrouped(kind: CellKind): boolean;
/** Gauges and untyped series say how things are: their contribution ends when its source takes it away. */
export declare function isRemovable(kind: CellKind): boolean;
/** One histogram or summary series. `buckets` is replaced, never changed, so that a view may keep it. */
export interface Group {
  /** -1 only while the group is being created. */
  count: number;
  /** -1 until a sender gives a sum. */
  sum: number;
  /** Cells in order of their bounds, `+Inf` last; empty for a summary. */
  buckets: readonly number[];
  /** All cells of its native buckets, in any order (native-cells.ts). Replaced as well. */
  native: readonly number[];
}
export declare class Cells {
  #private;
  readonly texts: ByteTable;
  readonly sums: ExactSums;
  readonly groups: Group[];
  kind: Uint8Array;
  family: Uint32Array;
  group: Int32Array;
  bound: Float64Array;
  holders: Uint32Array;
  /** Wall-clock time at which the cell was created, or an earlier one that a sender gave as its start. */
  startMs: Float64Array;
  /** The value of `tick` when the cell was created; 0 for cells of an earlier run. */
  bornAt: Uint32Array;
  readonly exemplars: Exemplars;
  /** By family id: the value of `tick` when one of its totals last changed. */
  changedAt: Uint32Array;
  /** Grows with every view, so that a view can tell which families have changed since an earlier one. */
  tick: number;
  /** Freed cells whose numbers may still be held by a reader. */
  readonly limbo: NumberList;
  constructor(hashSeed: number, exemplarsMax: number);
  get size(): number;
  /** Makes room for so many new cells; to be called before any is created. */
  makeRoom(count: number, pace: Pace): Generator<void, void>;
  /** Creates the cell of a canonical text that has none yet. */
  create(text: TextAt, shape: CellShape): number;
  /** Adds to the total of a cell. */
  add(cell: number, value: number): void;
  /** `add`, or `lower` where that is what a cell wants, for each from one place to another; NaN adds nothing. */
  addAll(cells: Int32Array, values: Float64Array, from: number, to: number): void;
  /** Keeps the smaller of the total and the value: for start times. */
  lower(cell: number, value: number): void;
  /** Notes that a cell has counted since an earlier time than was known. The push that says so may have taken the cell away. */
  startEarlier(cell: number, startMs: number): void;
  /** See Exemplars.offer. The push that brings it may have taken the cell away. */
  offerExemplar(cell: number, exemplar: Exemplar, nowMs: number): void;
  /** From now until `unwatch`, exemplars and starts are noted there before they change. */
  watch(earlier: EarlierDetails): void;
  unwatch(earlier: EarlierDetails): void;
  /** Takes a cell off the page. Its number is used again only after `recycle`. */
  free(cell: number): void;
  /** Notes that something else of a family has changed that the page shows. */
  noteChange(family: number): void;
  /** Takes freed cells out of the lists of native cells. */
  forgetFreedNatives(pace: Pace): Generator<void, void>;
  /** Call when nobody holds the number of a freed cell any more. */
  recycle(pace: Pace): Generator<void, void>;
  /** Gives the columns of an empty state room for the cells and families of a snapshot. */
  restoreRoom(familyIds: number): void;
  /** The canonical text of a cell. */
  textOf(cell: number): string;
  kindOf(cell: number): CellKind;
}
/** A canonical text as bytes, with its hash by the seed of the state. */
export interface TextAt {
  readonly view: DataView;
  readonly start: number;
  readonly end: number;
  readonly hash: number;
}
export interface CellShape {
  readonly kind: CellKind;
  readonly family: number;
  /** -1 for none. */
  readonly group: number;
  /** NaN for all but buckets. */
  readonly bound: number;
  readonly startMs: number;
}
