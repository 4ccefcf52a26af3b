import type { MetricType } from '../model/metric-type.ts';
import { NumberList } from '../primitives/number-list.ts';
/**
 * A family and its rows in page order. A row is a cell, or the number of a group where the family is a histogram or
 * summary. New rows wait in `pending` until a scrape sorts them in.
 */
export interface Family {
  readonly id: number;
  readonly name: string;
  type: MetricType;
  help: string | undefined;
  unit: string | undefined;
  /** Summaries that are discarded have a family only for the sake of its type. It gives way to any other. */
  discarded: boolean;
  /** A gauge `<x>_created` beside its x: holds start times, of which the minimum is kept. */
  startTimes: boolean;
  /** The value of Cells.tick when that was found; 0 in an earlier run. */
  startTimesSince: number;
  quotedNames: boolean;
  /** Some histogram of it has, or had, native buckets. */
  hasNative: boolean;
  /** Sorted. Replaced, never changed, so that a view may keep it. */
  sorted: Uint32Array;
  /** Replaced when rows go, or are sorted in. */
  pending: NumberList;
  rowCount: number;
  /** The value of Cells.tick when a row was last added; 0 for those of an earlier run. */
  bornAt: number;
  /** Cells of its rows: as many samples as the page shows of it. */
  cellCount: number;
}
export declare class Families {
  #private;
  readonly byId: (Family | undefined)[];
  get size(): number;
  find(name: string): Family | undefined;
  get(id: number): Family;
  create(name: string, type: MetricType): Family;
  /** Ids that are to be given out again, the next one last. */
  get freeIds(): readonly number[];
  /** Gives an empty list as many ids as another has. Each must then come through `createAt` or `restoreFreeId`. */
  restoreIds(count: number): void;
  /** False where the id is not one that is free. Those to be given out first come last. */
  restoreFreeId(id: number): boolean;
  /** Creates a family with an id that nothing has. */
  createAt(id: number, name: string, type: MetricType): Family;
  /** Forgets an empty family. Its id is used again, so no reference to it may be left. */
  remove(family: Family): void;
  /** All families: those that `keepOrder` has seen in that order, newer ones after them. The list may be added to. */
  list(): readonly Family[];
  /** Keeps the order into which a list was put, unless it is out of date. `sorted` has its first families. */
  keepOrder(listed: readonly Family[], sorted: readonly Family[]): void;
  [Symbol.iterator](): IterableIterator<Family>;
}
/** Names that a family of this type takes for its samples, besides its own. */
export declare function sampleSuffixes(type: MetricType): readonly string[];
/** The family whose start times a gauge of this name would hold: `x` or `x_total` of `x_created`. */
export declare function startTimesOf(name: string): readonly string[];
/** The other way round: what the family that holds the start times of this one is called. */
export declare function startTimesName(name: string): string;
export declare function hasStartTimes(type: MetricType): boolean;
/** How many families of each type there are, and samples in them. */
export declare function countsByType(families: Iterable<Family>): {
  readonly series: Record<MetricType, number>;
  readonly families: Record<MetricType, number>;
};
