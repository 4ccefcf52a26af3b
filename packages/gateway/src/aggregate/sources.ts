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
import { CellKind, isGrouped, isRemovable } from './cells.ts';
import type { Cells } from './cells.ts';
import type { StateRules } from './rules.ts';

interface Source {
  lastPushMs: number;
  /** In the order of its last push that changed the set, which is nearly always the order of the next one. */
  cells: Int32Array;
  values: Float64Array;
}

export class Sources {
  retired = 0;
  /** Both in order of their last push, oldest first. */
  readonly #live = new Map<string, Source>();
  readonly #pruned = new Map<string, Source>();
  readonly #cells: Cells;
  readonly #accumulate: boolean;
  readonly #freeCell: (cell: number) => void;
  /** Scratch: 1 + position in the source's columns, by cell; all zero between calls. */
  #position = new Uint32Array(0);

  /** `freeCell` is called when the last source with a gauge or untyped series has taken it away. */
  constructor(cells: Cells, rules: StateRules, freeCell: (cell: number) => void) {
    this.#cells = cells;
    this.#accumulate = rules.counterResets === 'accumulate';
    this.#freeCell = freeCell;
  }

  get liveCount(): number {
    return this.#live.size;
  }

  get prunedCount(): number {
    return this.#pruned.size;
  }

  get size(): number {
    return this.#live.size + this.#pruned.size;
  }

  has(key: string): boolean {
    return this.#live.has(key) || this.#pruned.has(key);
  }

  /** Replaces what the source contributed to the cells of the batch. With `PUT`, gauges and untyped it left out go. */
  push(
    key: string,
    batch: Batch,
    options: { readonly method: 'PUT' | 'POST'; readonly nowMs: number },
  ): void {
    const source = this.#touch(key, options.nowMs);
    const { length } = batch;
    const previous = this.#previousPositions(source, batch);
    const restarted = this.#accumulate ? this.#restartedGroups(source, batch, previous) : undefined;
    const cells = new Int32Array(length + source.cells.length);
    const values = new Float64Array(length + source.cells.length);
    let kept = 0;
    for (let i = 0; i < length; i += 1) {
      const cell = batch.cells[i]!;
      const value = batch.values[i]!;
      const at = previous[i]!;
      if (this.#cells.kindOf(cell) === CellKind.CREATED) {
        this.#cells.lower(cell, value);
        continue;
      }
      if (Number.isNaN(value)) {
        if (at >= 0) this.#withdraw(cell, source.values[at]!);
        continue;
      }
      this.#replace(cell, value, at < 0 ? undefined : source.values[at]!, restarted);
      cells[kept] = cell;
      values[kept] = value;
      kept += 1;
    }
    kept = this.#carryOver(source, batch, { cells, values, kept, previous, put: options.method === 'PUT' });
    source.cells = cells.slice(0, kept);
    source.values = values.slice(0, kept);
  }

  /** Takes away gauges and untyped series of a source and forgets it; all else that it counted stays. */
  remove(key: string): boolean {
    const source = this.#live.get(key) ?? this.#pruned.get(key);
    if (source === undefined) return false;
    this.#drop(source, isRemovable);
    this.#live.delete(key);
    this.#pruned.delete(key);
    this.retired += 1;
    return true;
  }

  /** Resets the gauges of sources silent since `beforeMs`, at most `most` of them; returns how many. */
  prune(beforeMs: number, most: number): number {
    let done = 0;
    for (const [key, source] of this.#live) {
      if (done === most || source.lastPushMs >= beforeMs) break;
      this.#drop(source, isGauge);
      this.#live.delete(key);
      this.#pruned.set(key, source);
      done += 1;
    }
    return done;
  }

  /** Folds sources silent since `beforeMs` into the totals and forgets them, at most `most`; returns how many. */
  forget(beforeMs: number, most: number): number {
    let done = 0;
    for (const sources of [this.#pruned, this.#live]) {
      for (const [key, source] of sources) {
        if (done === most || source.lastPushMs >= beforeMs) break;
        this.#drop(source, isGauge);
        sources.delete(key);
        this.retired += 1;
        done += 1;
      }
    }
    return done;
  }

  /** When the oldest live source, or the oldest of all, last pushed; undefined when there is none. */
  oldestPushMs(which: 'live' | 'all'): number | undefined {
    const live = first(this.#live)?.lastPushMs;
    const pruned = which === 'all' ? first(this.#pruned)?.lastPushMs : undefined;
    if (live === undefined || pruned === undefined) return live ?? pruned;
    return Math.min(live, pruned);
  }

  /** Forgets all contributions to cells that are about to go or to change their meaning. Rare, and costs all sources. */
  forgetCells(gone: ReadonlySet<number>): void {
    for (const sources of [this.#live, this.#pruned]) {
      for (const source of sources.values()) {
        this.#filter(source, (cell) => !gone.has(cell));
      }
    }
  }

  #touch(key: string, nowMs: number): Source {
    const source = this.#live.get(key) ??
      this.#pruned.get(key) ?? { lastPushMs: nowMs, cells: new Int32Array(0), values: new Float64Array(0) };
    this.#live.delete(key);
    this.#pruned.delete(key);
    source.lastPushMs = nowMs;
    this.#live.set(key, source);
    return source;
  }

  /** For each entry of the batch: where the source's columns hold its cell, or -1. */
  #previousPositions(source: Source, batch: Batch): Int32Array {
    const positions = new Int32Array(batch.length);
    let same = source.cells.length === batch.length;
    for (let i = 0; same && i < batch.length; i += 1) {
      same = source.cells[i] === batch.cells[i];
      positions[i] = i;
    }
    if (same) return positions;
    if (this.#position.length < this.#cells.kind.length)
      this.#position = new Uint32Array(this.#cells.kind.length);
    const scratch = this.#position;
    for (let i = 0; i < source.cells.length; i += 1) scratch[source.cells[i]!] = i + 1;
    for (let i = 0; i < batch.length; i += 1) positions[i] = scratch[batch.cells[i]!]! - 1;
    for (const cell of source.cells) scratch[cell] = 0;
    return positions;
  }

  /**
   * Histograms and summaries that began anew in the source: a count or a bucket is smaller than it was, or the set of buckets
   * is another one, as bounds do not change while a process runs. Decided once for a whole histogram.
   */
  #restartedGroups(source: Source, batch: Batch, previous: Int32Array): Set<number> {
    const restarted = new Set<number>();
    const { group } = this.#cells;
    const bucketsBefore = this.#bucketCounts(source.cells, source.cells.length);
    const bucketsNow = this.#bucketCounts(batch.cells, batch.length);
    for (const [id, count] of bucketsNow) {
      const before = bucketsBefore.get(id);
      if (before !== undefined && before !== count) restarted.add(id);
    }
    for (let i = 0; i < batch.length; i += 1) {
      const cell = batch.cells[i]!;
      const kind = this.#cells.kindOf(cell);
      if (kind !== CellKind.BUCKET && kind !== CellKind.COUNT) continue;
      const at = previous[i]!;
      const isNewBound = at < 0 && kind === CellKind.BUCKET && bucketsBefore.has(group[cell]!);
      if (isNewBound || (at >= 0 && batch.values[i]! < source.values[at]!)) restarted.add(group[cell]!);
    }
    return restarted;
  }

  #bucketCounts(cells: Int32Array, length: number): Map<number, number> {
    const counts = new Map<number, number>();
    for (let i = 0; i < length; i += 1) {
      const cell = cells[i]!;
      if (this.#cells.kindOf(cell) !== CellKind.BUCKET) continue;
      const group = this.#cells.group[cell]!;
      counts.set(group, (counts.get(group) ?? 0) + 1);
    }
    return counts;
  }

  #replace(
    cell: number,
    value: number,
    before: number | undefined,
    restarted: Set<number> | undefined,
  ): void {
    const { holders } = this.#cells;
    if (before === undefined) {
      holders[cell]! += 1;
      this.#cells.add(cell, value);
      return;
    }
    if (restarted !== undefined) {
      const kind = this.#cells.kindOf(cell);
      const isRestart = isGrouped(kind)
        ? restarted.has(this.#cells.group[cell]!)
        : kind === CellKind.COUNTER && value < before;
      if (isRestart) {
        this.#cells.add(cell, value);
        return;
      }
    }
    if (value === before) return;
    this.#cells.add(cell, value);
    this.#cells.add(cell, -before);
  }

  /** What of the source's earlier contributions goes on although the batch does not name it. Returns the new length. */
  #carryOver(
    source: Source,
    batch: Batch,
    next: {
      readonly cells: Int32Array;
      readonly values: Float64Array;
      readonly kept: number;
      readonly previous: Int32Array;
      readonly put: boolean;
    },
  ): number {
    let { kept } = next;
    const named = new Uint8Array(source.cells.length);
    let unnamed = source.cells.length;
    for (const at of next.previous) {
      if (at < 0) continue;
      named[at] = 1;
      unnamed -= 1;
    }
    if (unnamed === 0) return kept;
    const groups = new Set<number>();
    for (let i = 0; i < batch.length; i += 1) {
      const cell = batch.cells[i]!;
      if (isGrouped(this.#cells.kindOf(cell))) groups.add(this.#cells.group[cell]!);
    }
    for (let at = 0; at < source.cells.length; at += 1) {
      if (named[at] === 1) continue;
      const cell = source.cells[at]!;
      const kind = this.#cells.kindOf(cell);
      const value = source.values[at]!;
      if (isRemovable(kind) && next.put) {
        this.#withdraw(cell, value);
      } else if (isGrouped(kind) && groups.has(this.#cells.group[cell]!)) {
        // The histogram was pushed anew without this bound. When that is a restart, what the bound counted stays.
        if (!this.#accumulate) this.#withdraw(cell, value);
      } else {
        next.cells[kept] = cell;
        next.values[kept] = value;
        kept += 1;
      }
    }
    return kept;
  }

  #withdraw(cell: number, value: number): void {
    const { holders } = this.#cells;
    this.#cells.add(cell, -value);
    holders[cell]! -= 1;
    if (holders[cell] === 0 && isRemovable(this.#cells.kindOf(cell))) this.#freeCell(cell);
  }

  /** Withdraws the contributions of the kinds that `goes` names; what else the source has is left as it is. */
  #drop(source: Source, goes: (kind: CellKind) => boolean): void {
    this.#filter(source, (cell, value) => {
      if (!goes(this.#cells.kindOf(cell))) return true;
      this.#withdraw(cell, value);
      return false;
    });
  }

  #filter(source: Source, stays: (cell: number, value: number) => boolean): void {
    let kept = 0;
    const { cells, values } = source;
    for (let at = 0; at < cells.length; at += 1) {
      const cell = cells[at]!;
      const value = values[at]!;
      if (!stays(cell, value)) continue;
      cells[kept] = cell;
      values[kept] = value;
      kept += 1;
    }
    if (kept === cells.length) return;
    source.cells = cells.slice(0, kept);
    source.values = values.slice(0, kept);
  }
}

function isGauge(kind: CellKind): boolean {
  return kind === CellKind.GAUGE;
}

function first<T>(map: ReadonlyMap<string, T>): T | undefined {
  for (const value of map.values()) return value;
  return undefined;
}
