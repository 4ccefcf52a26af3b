/**
 * By-job mode: what each source last pushed. The total of a cell includes every contribution, so that
 *
 *   a newer value     adds the difference
 *   a withdrawn one   is subtracted
 *   a folded one      is just forgotten: what it added stays
 *
 * and a scrape costs the number of series, however many sources there are. Sums are exact, so differences leave nothing behind.
 */
import type { Batch } from './batch.ts';
import type { Cells } from './cells.ts';
import { Contributions } from './contributions.ts';
import type { StateRules } from './rules.ts';
import type { CellOwner } from './source-changes.ts';
import { SourceList } from './source-list.ts';
export declare class Sources {
  #private;
  retired: number;
  readonly list: SourceList;
  readonly contributions: Contributions;
  constructor(cells: Cells, rules: StateRules, hashSeed: number, owner: CellOwner);
  setRules(rules: StateRules): void;
  get liveCount(): number;
  get prunedCount(): number;
  get size(): number;
  has(key: string): boolean;
  /**
   * Replaces what the source contributed to the cells of the batch. With `PUT`, gauges and untyped it left out go. Returns the steps
   * that are left to take; mostly none are.
   */
  push(
    key: string,
    batch: Batch,
    options: {
      readonly method: 'PUT' | 'POST';
      readonly nowMs: number;
    },
  ): Generator<void, void> | undefined;
  /** Takes away gauges and untyped series of a source and forgets it; all else that it counted stays. */
  remove(key: string): Generator<void, boolean>;
  /** Resets the gauges of sources silent since `beforeMs`, at most `most` of them; returns how many. */
  prune(beforeMs: number, most: number): Generator<void, number>;
  /** Folds sources silent since `beforeMs` into the totals and forgets them, at most `most`; returns how many. */
  forget(beforeMs: number, most: number): Generator<void, number>;
  /** When the oldest live source, or the oldest of all, last pushed; undefined when there is none. */
  oldestPushMs(which: 'live' | 'all'): number | undefined;
  /**
   * Forgets all contributions to cells that are gone or have changed their meaning. Rare, and looks through the sources
   * until every contribution is found; from the newest on, as those who hold what is now retyped have mostly just pushed it.
   */
  forgetCells(gone: readonly Uint32Array[]): Generator<void, void>;
}
