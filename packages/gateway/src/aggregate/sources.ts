/**
 * By-job mode: what each source last pushed. The total of a cell includes every contribution, so that
 *
 *   a newer value     adds the difference
 *   a withdrawn one   is subtracted
 *   a folded one      is just forgotten: what it added stays
 *
 * and a scrape costs the number of series, however many sources there are. Sums are exact, so differences leave nothing behind.
 *
 * Nearly every push names the same cells as the one before it, in the same order: `#update` takes it in one pass and
 * makes no object. All else goes through `#merge`.
 */
import type { Batch } from './batch.ts';
import { CellKind, isGrouped, isRemovable } from './cells.ts';
import type { Cells } from './cells.ts';
import { isNative } from './native-cells.ts';
import { contributionBytes, Contributions } from './contributions.ts';
import type { StateRules } from './rules.ts';
import { restartedGroups } from './restarts.ts';
import { keyBytesMax, Ring, SourceList } from './source-list.ts';

/** Scratch grown past this by a source with many series is let go. */
const KEPT_LENGTH = 1 << 16;

/** What is asked of the state. */
export interface CellOwner {
  /** Called when no source has a gauge, an untyped series or a native bucket any more. */
  free(cell: number): void;
  /** Whether the family with this id says how things are, though its cells are like those of histograms that count. */
  isGauge(family: number): boolean;
}

export class Sources {
  retired = 0;
  readonly list: SourceList;
  readonly contributions: Contributions = new Contributions();
  readonly #cells: Cells;
  #accumulate = false;
  readonly #owner: CellOwner;
  /** Scratch: by cell, 1 + its place in the columns of the source; all zero between calls. */
  #position = new Uint32Array(0);
  /** Scratch: what the source will have. */
  #nextCells = new Int32Array(256);
  #nextValues = new Float64Array(256);

  constructor(cells: Cells, rules: StateRules, hashSeed: number, owner: CellOwner) {
    this.#cells = cells;
    this.setRules(rules);
    this.list = new SourceList(hashSeed);
    this.#owner = owner;
  }

  setRules(rules: StateRules): void {
    this.#accumulate = rules.counterResets === 'accumulate';
  }

  get liveCount(): number {
    return this.list.sizeOf(Ring.LIVE);
  }

  get prunedCount(): number {
    return this.list.sizeOf(Ring.PRUNED);
  }

  get size(): number {
    return this.liveCount + this.prunedCount;
  }

  /** Of sources, and of what each has. */
  get bytes(): number {
    return this.list.bytes + this.contributions.liveBytes;
  }

  /** By how many bytes a push of so many entries can make all that grow, at the most. */
  mostGrowth(entries: number): number {
    return keyBytesMax + contributionBytes(entries);
  }

  /** By how many bytes a push that is not yet applied would make it grow; less than that at times, never more. */
  growthOf(key: string, batch: Batch, put: boolean): number {
    const source = this.list.find(key);
    let before = 0;
    let after = 0;
    const position = this.#positionScratch();
    const own = this.contributions;
    if (source >= 0) {
      own.open(source);
      before = own.length;
      after = before;
      for (let at = 0; at < before; at += 1) position[own.cells[own.cellsAt + at]!] = 1;
    }
    for (let i = 0; i < batch.length; i += 1) {
      const cell = batch.cells[i]!;
      if (cell >= 0 && position[cell] === 1) position[cell] = 0;
      else if (!Number.isNaN(batch.values[i]!) && (cell < 0 || this.#cells.kind[cell] !== CellKind.CREATED))
        after += 1;
    }
    for (let at = 0; at < before; at += 1) {
      const cell = own.cells[own.cellsAt + at]!;
      if (put && position[cell] === 1 && this.#isRemovable(cell)) after -= 1;
      position[cell] = 0;
    }
    return (source < 0 ? this.list.bytesOf(key) : 0) + contributionBytes(after) - contributionBytes(before);
  }

  has(key: string): boolean {
    return this.list.find(key) >= 0;
  }

  /** Replaces what the source contributed to the cells of the batch. With `PUT`, gauges and untyped it left out go. */
  push(
    key: string,
    batch: Batch,
    options: { readonly method: 'PUT' | 'POST'; readonly nowMs: number },
  ): void {
    const source = this.list.touch(key, options.nowMs);
    this.contributions.openToWrite(source);
    if (this.#accumulate && !this.#continues(batch)) this.#merge(source, batch, options.method === 'PUT');
    else if (!this.#update(batch)) this.#merge(source, batch, options.method === 'PUT');
  }

  /** Takes away gauges and untyped series of a source and forgets it; all else that it counted stays. */
  remove(key: string): boolean {
    const source = this.list.find(key);
    if (source < 0) return false;
    this.#retire(source, (cell) => this.#isRemovable(cell));
    return true;
  }

  /** Resets the gauges of sources silent since `beforeMs`, at most `most` of them; returns how many. */
  prune(beforeMs: number, most: number): number {
    for (let done = 0; done < most; done += 1) {
      const source = this.list.oldest(Ring.LIVE);
      if (source < 0 || this.list.lastPushMs(source) >= beforeMs) return done;
      this.#drop(source, (cell) => this.#isGauge(cell));
      this.list.prune(source);
    }
    return most;
  }

  /** Folds sources silent since `beforeMs` into the totals and forgets them, at most `most`; returns how many. */
  forget(beforeMs: number, most: number): number {
    let done = 0;
    for (const ring of [Ring.PRUNED, Ring.LIVE]) {
      for (; done < most; done += 1) {
        const source = this.list.oldest(ring);
        if (source < 0 || this.list.lastPushMs(source) >= beforeMs) break;
        this.#retire(source, (cell) => this.#isGauge(cell));
      }
    }
    return done;
  }

  /** When the oldest live source, or the oldest of all, last pushed; undefined when there is none. */
  oldestPushMs(which: 'live' | 'all'): number | undefined {
    const live = this.list.oldest(Ring.LIVE);
    const pruned = which === 'all' ? this.list.oldest(Ring.PRUNED) : -1;
    if (live < 0 && pruned < 0) return undefined;
    return Math.min(
      live < 0 ? Infinity : this.list.lastPushMs(live),
      pruned < 0 ? Infinity : this.list.lastPushMs(pruned),
    );
  }

  /**
   * Forgets all contributions to cells that are about to go or to change their meaning. Rare, and looks through the sources
   * until every contribution is found; from the newest on, as those who hold what is now retyped have mostly just pushed it.
   */
  forgetCells(gone: ReadonlySet<number>): void {
    const { holders } = this.#cells;
    const position = this.#positionScratch();
    let left = 0;
    for (const cell of gone) {
      left += holders[cell]!;
      holders[cell] = 0;
      position[cell] = 1;
    }
    for (const ring of [Ring.LIVE, Ring.PRUNED]) {
      for (
        let source = this.list.newest(ring);
        source >= 0 && left > 0;
        source = this.list.olderThan(source)
      ) {
        left -= this.#filter(source, (cell) => position[cell] === 0);
      }
    }
    for (const cell of gone) position[cell] = 0;
  }

  /**
   * Takes a batch that names what the source has, in the same order, and takes none of it away; start times may stand among
   * it. Returns false where it finds that this is not so: then the part it has taken is as it should be, and may be taken again.
   */
  #update(batch: Batch): boolean {
    const { cells: batchCells, values: batchValues, length: batchLength } = batch;
    const { values, valuesAt, cells, cellsAt, length } = this.contributions;
    let at = 0;
    for (let i = 0; i < batchLength; i += 1) {
      const cell = batchCells[i]!;
      const value = batchValues[i]!;
      if (at < length && cells[cellsAt + at] === cell) {
        const before = values[valuesAt + at]!;
        if (value !== before) {
          if (Number.isNaN(value)) return false;
          this.#exchange(cell, before, value);
          values[valuesAt + at] = value;
        }
        at += 1;
      } else if (this.#cells.kind[cell] === CellKind.CREATED) {
        this.#cells.lower(cell, value);
      } else {
        return false;
      }
    }
    return at === length;
  }

  /** With `accumulate`: whether `#update` would take the whole batch, and no histogram or summary of it began anew. */
  #continues(batch: Batch): boolean {
    const { values, valuesAt, cells, cellsAt, length } = this.contributions;
    let at = 0;
    for (let i = 0; i < batch.length; i += 1) {
      const cell = batch.cells[i]!;
      if (at < length && cells[cellsAt + at] === cell) {
        if (!(batch.values[i]! >= values[valuesAt + at]!)) {
          if (Number.isNaN(batch.values[i]) || this.#mayNotFall(cell)) return false;
        }
        at += 1;
      } else if (this.#cells.kind[cell] !== CellKind.CREATED) {
        return false;
      }
    }
    return at === length;
  }

  /** Puts a value in the place of an earlier one, in a total. A counter that fell is a restart where that is the rule. */
  #exchange(cell: number, before: number, value: number): void {
    if (this.#accumulate && value < before && this.#cells.kind[cell] === CellKind.COUNTER) {
      this.#cells.add(cell, value);
      return;
    }
    // The difference is nearly always a double; otherwise two doubles make it up exactly (two-sum, see ExactSums).
    const difference = value - before;
    const taken = difference - value;
    const rest = value - (difference - taken) - (before + taken);
    this.#cells.add(cell, difference);
    if (rest !== 0) this.#cells.add(cell, rest);
  }

  /** Takes any batch: what the source has becomes what the batch says, and what it leaves as it is. */
  #merge(source: number, batch: Batch, put: boolean): void {
    const { values, valuesAt, cells, cellsAt, length } = this.contributions;
    const { kind, holders } = this.#cells;
    const position = this.#positionScratch();
    for (let at = 0; at < length; at += 1) position[cells[cellsAt + at]!] = at + 1;
    const restarted = this.#accumulate && length > 0 ? this.#restartedGroups(batch) : undefined;
    this.#reserveNext(batch.length + length);
    let kept = 0;
    for (let i = 0; i < batch.length; i += 1) {
      const cell = batch.cells[i]!;
      const value = batch.values[i]!;
      const at = position[cell]! - 1;
      position[cell] = 0;
      if (kind[cell] === CellKind.CREATED) {
        this.#cells.lower(cell, value);
        continue;
      }
      if (Number.isNaN(value)) {
        if (at >= 0) this.#withdraw(cell, values[valuesAt + at]!);
        continue;
      }
      if (at < 0) {
        holders[cell]! += 1;
        this.#cells.add(cell, value);
      } else if (restarted?.has(this.#cells.group[cell]!) === true) {
        this.#cells.add(cell, value);
      } else if (value !== values[valuesAt + at]) {
        this.#exchange(cell, values[valuesAt + at]!, value);
      }
      this.#nextCells[kept] = cell;
      this.#nextValues[kept] = value;
      kept += 1;
    }
    kept = this.#carryOver(batch, { put, restarted }, kept);
    this.contributions.replace(source, this.#nextCells, this.#nextValues, kept);
    this.#trimNext();
  }

  /**
   * What goes on of what the source has although the batch does not name it: those are the cells that still have a position.
   * Returns the new length.
   */
  #carryOver(
    batch: Batch,
    { put, restarted }: { readonly put: boolean; readonly restarted: ReadonlySet<number> | undefined },
    length: number,
  ): number {
    const own = this.contributions;
    const position = this.#position;
    let kept = length;
    let groups: ReadonlySet<number> | undefined;
    for (let at = 0; at < own.length; at += 1) {
      const cell = own.cells[own.cellsAt + at]!;
      if (position[cell] === 0) continue;
      position[cell] = 0;
      const kind = this.#cells.kindOf(cell);
      const value = own.values[own.valuesAt + at]!;
      if (put && this.#isRemovable(cell)) {
        this.#withdraw(cell, value);
        continue;
      }
      if (isGrouped(kind)) groups ??= this.#groupsOf(batch);
      if (isGrouped(kind) && groups?.has(this.#cells.group[cell]!) === true) {
        // The histogram was pushed anew without this bound. When that is a restart, what the bound counted stays.
        if (!this.#accumulate || this.#goesOn(cell, restarted)) this.#withdraw(cell, value);
        continue;
      }
      this.#nextCells[kept] = cell;
      this.#nextValues[kept] = value;
      kept += 1;
    }
    return kept;
  }

  #groupsOf(batch: Batch): ReadonlySet<number> {
    const groups = new Set<number>();
    for (let i = 0; i < batch.length; i += 1) {
      const cell = batch.cells[i]!;
      if (isGrouped(this.#cells.kindOf(cell))) groups.add(this.#cells.group[cell]!);
    }
    return groups;
  }

  #restartedGroups(batch: Batch): ReadonlySet<number> {
    const { cells, cellsAt, values, valuesAt, length } = this.contributions;
    return restartedGroups({
      cells: this.#cells,
      before: { length, cellAt: (i) => cells[cellsAt + i]!, valueAt: (i) => values[valuesAt + i]! },
      batch,
      position: this.#position,
      isGauge: (family) => this.#owner.isGauge(family),
    });
  }

  /** Whether the histogram that a native bucket is of did not begin anew, so that the bucket is another one now. */
  #goesOn(cell: number, restarted: ReadonlySet<number> | undefined): boolean {
    if (this.#isOfGaugeHistogram(cell)) return true;
    return isNative(this.#cells.kindOf(cell)) && restarted?.has(this.#cells.group[cell]!) !== true;
  }

  #withdraw(cell: number, value: number): void {
    const { holders } = this.#cells;
    this.#cells.add(cell, -value);
    holders[cell]! -= 1;
    if (holders[cell] !== 0) return;
    const kind = this.#cells.kindOf(cell);
    // Of a native bucket, what sources counted that are forgotten stays.
    const isLast = isNative(kind) ? this.#cells.sums.get(cell) === 0 : isRemovable(kind);
    if (isLast) this.#owner.free(cell);
  }

  /** Forgets a source. What it has of the kinds that `goes` names is withdrawn; all else stays in the totals. */
  #retire(source: number, goes: (cell: number) => boolean): void {
    this.#drop(source, goes);
    this.contributions.replace(source, this.#nextCells, this.#nextValues, 0);
    this.list.remove(source);
    this.retired += 1;
  }

  /** Withdraws the contributions of the kinds that `goes` names; what else the source has is left as it is. */
  #drop(source: number, goes: (cell: number) => boolean): void {
    this.#filter(source, (cell, value) => {
      if (!goes(cell)) return true;
      this.#withdraw(cell, value);
      return false;
    });
  }

  /** Leaves a source what `stays` says; returns how many contributions went. */
  #filter(source: number, stays: (cell: number, value: number) => boolean): number {
    const own = this.contributions;
    own.open(source);
    const { length } = own;
    this.#reserveNext(length);
    let kept = 0;
    for (let at = 0; at < length; at += 1) {
      const cell = own.cells[own.cellsAt + at]!;
      const value = own.values[own.valuesAt + at]!;
      if (!stays(cell, value)) continue;
      this.#nextCells[kept] = cell;
      this.#nextValues[kept] = value;
      kept += 1;
    }
    if (kept < length) own.replace(source, this.#nextCells, this.#nextValues, kept);
    this.#trimNext();
    return length - kept;
  }

  #isGauge(cell: number): boolean {
    return this.#cells.kind[cell] === CellKind.GAUGE || this.#isOfGaugeHistogram(cell);
  }

  #isRemovable(cell: number): boolean {
    return isRemovable(this.#cells.kindOf(cell)) || this.#isOfGaugeHistogram(cell);
  }

  #isOfGaugeHistogram(cell: number): boolean {
    return isGrouped(this.#cells.kindOf(cell)) && this.#owner.isGauge(this.#cells.family[cell]!);
  }

  /** Buckets and counts fall only when their histogram or summary begins anew, or has its native buckets at another resolution. */
  #mayNotFall(cell: number): boolean {
    const kind = this.#cells.kindOf(cell);
    return isGrouped(kind) && kind !== CellKind.SUM && !this.#owner.isGauge(this.#cells.family[cell]!);
  }

  #positionScratch(): Uint32Array {
    if (this.#position.length < this.#cells.kind.length)
      this.#position = new Uint32Array(this.#cells.kind.length);
    return this.#position;
  }

  #reserveNext(length: number): void {
    if (length <= this.#nextCells.length) return;
    const capacity = Math.max(length, this.#nextCells.length * 2);
    this.#nextCells = new Int32Array(capacity);
    this.#nextValues = new Float64Array(capacity);
  }

  #trimNext(): void {
    if (this.#nextCells.length <= KEPT_LENGTH) return;
    this.#nextCells = new Int32Array(256);
    this.#nextValues = new Float64Array(256);
  }
}
