/**
 * A push of a source, put in the place of what it pushed before. Nearly every push names the same cells as the one before it, in the
 * same order: `#update` takes it in one pass and makes no object. All else goes through `#merge`.
 */
import type { Batch } from '../store/batch.ts';
import { CellKind, isGrouped } from '../store/cells.ts';
import type { Cells } from '../store/cells.ts';
import type { Contributions } from './contributions.ts';
import { isNative } from '../store/native-cells.ts';
import { restartedComposites } from './restarts.ts';
import type { SourceChanges } from './source-changes.ts';
import { hasSameStarts, lengthWithoutStarts, readBegan, startedCell, startOf } from './source-starts.ts';
import type { Began } from './source-starts.ts';

/** What began anew; undefined where nobody asks. */
interface Restarts {
  readonly composites: ReadonlySet<number>;
  readonly counters: ReadonlySet<number>;
  /** Groups that went on, as their start times say. */
  readonly same: ReadonlySet<number>;
}
type Restarted = Restarts | undefined;

const noCells: ReadonlySet<number> = new Set();

/** Takes a part of a batch, where the source has come to an entry of its own. Returns where it is then, or -1 if it does not fit. */
type PartTaker = (batch: Batch, from: number, to: number, at: number) => number;

export class SourcePush {
  /** Whether counters that fall have begun anew. */
  accumulate = false;
  readonly #cells: Cells;
  readonly #contributions: Contributions;
  readonly #changes: SourceChanges;
  readonly #updater: PartTaker = (...part) => this.#update(...part);
  readonly #checker: PartTaker = (...part) => this.#continue(...part);

  constructor(cells: Cells, contributions: Contributions, changes: SourceChanges) {
    this.#cells = cells;
    this.#contributions = contributions;
    this.#changes = changes;
  }

  /** With `put`, gauges and untyped series that the batch left out go. Returns the steps that are left to take. */
  take(source: number, batch: Batch, put: boolean): Generator<void, void> | undefined {
    const own = this.#contributions;
    own.open(source);
    if (batch.length + own.length > this.#changes.pace.rows) return this.#takeLong(source, batch, put);
    own.openToWrite(source);
    const mayUpdate = !this.accumulate || this.#isAll(batch, this.#continue(batch, 0, batch.length, 0));
    if (mayUpdate && this.#isAll(batch, this.#update(batch, 0, batch.length, 0))) return undefined;
    return this.#merge(source, batch, put);
  }

  *#takeLong(source: number, batch: Batch, put: boolean): Generator<void, void> {
    yield* this.#contributions.openToWriteInSteps(source, this.#changes.pace);
    const mayUpdate = !this.accumulate || (yield* this.#each(batch, this.#checker));
    if (!mayUpdate || !(yield* this.#each(batch, this.#updater))) yield* this.#merge(source, batch, put);
  }

  /** Whether all parts fit, and the source has nothing else. */
  *#each(batch: Batch, take: PartTaker): Generator<void, boolean> {
    const { pace } = this.#changes;
    let at = 0;
    for (let from = 0; from < batch.length; from += pace.rows) {
      const to = Math.min(from + pace.rows, batch.length);
      at = take(batch, from, to, at);
      if (at < 0) return false;
      if (pace.isFull(to - from)) yield;
    }
    return this.#isAll(batch, at);
  }

  /** Whether what is left of what the source has, from an entry on, is the same start times as those of the batch. */
  #isAll(batch: Batch, at: number): boolean {
    const own = this.#contributions;
    if (at < 0 || at + batch.began.length !== own.length) return false;
    return batch.began.length === 0 || hasSameStarts(own, at, batch);
  }

  /**
   * Takes a batch that names what the source has, in the same order, and takes none of it away; start times may stand among
   * it. Where it finds that this is not so, the part it has taken is as it should be, and may be taken again.
   */
  #update(batch: Batch, from: number, to: number, startAt: number): number {
    const { cells: batchCells, values: batchValues } = batch;
    const { values, valuesAt, cells, cellsAt, length } = this.#contributions;
    let at = startAt;
    for (let i = from; i < to; i += 1) {
      const cell = batchCells[i]!;
      const value = batchValues[i]!;
      if (at < length && cells[cellsAt + at] === cell) {
        const before = values[valuesAt + at]!;
        if (value !== before) {
          if (!Number.isNaN(value)) {
            this.#exchange(cell, before, value);
            values[valuesAt + at] = value;
          } else if (this.#cells.kind[cell] !== CellKind.SUM) return -1;
        }
        at += 1;
      } else if (this.#cells.kind[cell] === CellKind.CREATED) {
        this.#cells.lower(cell, value);
      } else {
        return -1;
      }
    }
    return at;
  }

  /** With `accumulate`: whether `#update` would take the batch, and no histogram or summary of it began anew. */
  #continue(batch: Batch, from: number, to: number, startAt: number): number {
    const { values, valuesAt, cells, cellsAt, length } = this.#contributions;
    let at = startAt;
    for (let i = from; i < to; i += 1) {
      const cell = batch.cells[i]!;
      if (at < length && cells[cellsAt + at] === cell) {
        if (!(batch.values[i]! >= values[valuesAt + at]!)) {
          const isGauge = Number.isNaN(batch.values[i]) && this.#cells.kind[cell] !== CellKind.SUM;
          if (isGauge || this.#mayNotFall(cell)) return -1;
        }
        at += 1;
      } else if (this.#cells.kind[cell] !== CellKind.CREATED) {
        return -1;
      }
    }
    return at;
  }

  /** Puts a value in the place of an earlier one, in a total. A counter that fell is a restart where that is the rule. */
  #exchange(cell: number, before: number, value: number): void {
    if (this.accumulate && value < before && this.#cells.kind[cell] === CellKind.COUNTER) {
      this.#cells.add(cell, value);
      return;
    }
    // The difference is nearly always a double; otherwise two doubles make it up exactly (two-sum, see ExactSums).
    const difference = value - before;
    const taken = difference - value;
    const rest = value - (difference - taken) - (before + taken);
    if (Number.isNaN(rest)) {
      // The difference is beyond the largest double.
      this.#cells.add(cell, value);
      this.#cells.add(cell, -before);
      return;
    }
    this.#cells.add(cell, difference);
    if (rest !== 0) this.#cells.add(cell, rest);
  }

  /** Takes any batch: what the source has becomes what the batch says, and what it leaves as it is. */
  *#merge(source: number, batch: Batch, put: boolean): Generator<void, void> {
    const { pace, next } = this.#changes;
    const { cells, cellsAt } = this.#contributions;
    const length = lengthWithoutStarts(this.#contributions);
    const position = this.#changes.positions();
    for (let at = 0; at < length; at += 1) {
      position[cells[cellsAt + at]!] = at + 1;
      if (pace.isFull(1)) yield;
    }
    const began = yield* readBegan(this.#contributions, batch, pace);
    const restarted =
      this.accumulate && length > 0 ? yield* this.#restarts(batch, { length, began }) : undefined;
    next.begin(batch.length + this.#contributions.length + began.startMs.size);
    for (let from = 0; from < batch.length; from += pace.rows) {
      const to = Math.min(from + pace.rows, batch.length);
      this.#mergePart(batch, from, to, restarted);
      if (pace.isFull(to - from)) yield;
    }
    const starts = yield* this.#carryStarts(length, began);
    yield* this.#carryOver(batch, { put, restarted, length });
    for (const [cell, startMs] of starts) {
      next.add(startOf(cell), startMs);
      if (pace.isFull(1)) yield;
    }
    yield* this.#contributions.replace(source, next, pace);
    next.end();
    yield* this.#changes.dropWithdrawn();
  }

  #mergePart(batch: Batch, from: number, to: number, restarted: Restarted): void {
    const { values, valuesAt } = this.#contributions;
    const { kind, contributors } = this.#cells;
    const { next } = this.#changes;
    const position = this.#changes.positions();
    for (let i = from; i < to; i += 1) {
      const cell = batch.cells[i]!;
      const value = batch.values[i]!;
      const at = position[cell]! - 1;
      position[cell] = 0;
      if (kind[cell] === CellKind.CREATED) {
        this.#cells.lower(cell, value);
        continue;
      }
      if (Number.isNaN(value)) {
        if (at < 0) continue;
        const before = values[valuesAt + at]!;
        if (kind[cell] !== CellKind.SUM) this.#changes.withdraw(cell, before);
        // To withdraw the last sum known would look like a restart. Of a run that begins, none is known.
        else next.add(cell, restarted !== undefined && this.#beganAnew(cell, restarted) ? 0 : before);
        continue;
      }
      if (at < 0) {
        contributors[cell]! += 1;
        this.#cells.add(cell, value);
      } else if (restarted !== undefined && this.#beganAnew(cell, restarted)) {
        this.#cells.add(cell, value);
      } else if (value !== values[valuesAt + at]) {
        this.#exchange(cell, values[valuesAt + at]!, value);
      }
      next.add(cell, value);
    }
  }

  /** What goes on of what the source has although the batch does not name it: those are the cells that still have a position. */
  *#carryOver(
    batch: Batch,
    {
      put,
      restarted,
      length,
    }: { readonly put: boolean; readonly restarted: Restarted; readonly length: number },
  ): Generator<void, void> {
    const own = this.#contributions;
    const { pace, next } = this.#changes;
    const position = this.#changes.positions();
    let composites: ReadonlySet<number> | undefined;
    const replaced = this.#changes.areComposites && !put ? yield* this.#familiesOf(batch) : undefined;
    for (let at = 0; at < length; at += 1) {
      if (pace.isFull(1)) yield;
      const cell = own.cells[own.cellsAt + at]!;
      if (position[cell] === 0) continue;
      position[cell] = 0;
      const kind = this.#cells.kindOf(cell);
      const value = own.values[own.valuesAt + at]!;
      if ((put || replaced?.has(this.#cells.family[cell]!) === true) && this.#changes.goes(cell)) {
        this.#changes.withdraw(cell, value);
        continue;
      }
      if (isGrouped(kind)) composites ??= yield* this.#compositesOf(batch);
      if (isGrouped(kind) && composites?.has(this.#cells.composite[cell]!) === true) {
        // The histogram was pushed anew without this bound. When that is a restart, what the bound counted stays.
        if (!this.accumulate || this.#goesOn(cell, restarted)) this.#changes.withdraw(cell, value);
        else this.#changes.fold(cell);
        continue;
      }
      next.add(cell, value);
    }
  }

  *#familiesOf(batch: Batch): Generator<void, ReadonlySet<number>> {
    const families = new Set<number>();
    for (let i = 0; i < batch.length; i += 1) {
      families.add(this.#cells.family[batch.cells[i]!]!);
      if (this.#changes.pace.isFull(1)) yield;
    }
    return families;
  }

  *#compositesOf(batch: Batch): Generator<void, ReadonlySet<number>> {
    const composites = new Set<number>();
    for (let i = 0; i < batch.length; i += 1) {
      const cell = batch.cells[i]!;
      if (isGrouped(this.#cells.kindOf(cell))) composites.add(this.#cells.composite[cell]!);
      if (this.#changes.pace.isFull(1)) yield;
    }
    return composites;
  }

  /** Start times that the batch tells, and those of what it does not name: that has still a position. */
  *#carryStarts(from: number, { startMs }: Began): Generator<void, ReadonlyMap<number, number>> {
    const { cells, cellsAt, values, valuesAt, length } = this.#contributions;
    const position = this.#changes.positions();
    const starts = new Map(startMs);
    for (let at = from; at < length; at += 1) {
      const cell = startedCell(cells[cellsAt + at]!);
      if (position[cell] !== 0) starts.set(cell, values[valuesAt + at]!);
      if (this.#changes.pace.isFull(1)) yield;
    }
    return starts;
  }

  /** By their values, and where start times are told, by those. */
  *#restarts(
    batch: Batch,
    { length, began }: { readonly length: number; readonly began: Began },
  ): Generator<void, Restarts> {
    const { cells, cellsAt, values, valuesAt } = this.#contributions;
    const { pace } = this.#changes;
    const byValue = yield* restartedComposites({
      cells: this.#cells,
      before: { length, cellAt: (i) => cells[cellsAt + i]!, valueAt: (i) => values[valuesAt + i]! },
      batch,
      position: this.#changes.positions(),
      pace,
      isGauge: (family) => this.#changes.isGaugeFamily(family),
    });
    if (began.startMs.size === 0) return { composites: byValue, counters: noCells, same: noCells };
    const composites = new Set(byValue);
    const same = new Set<number>();
    const counters = new Set<number>();
    for (const cell of began.same) {
      if (this.#cells.kind[cell] !== CellKind.COUNTER) same.add(this.#cells.composite[cell]!);
      if (pace.isFull(1)) yield;
    }
    for (const composite of same) composites.delete(composite);
    for (const cell of began.anew) {
      if (this.#cells.kind[cell] === CellKind.COUNTER) counters.add(cell);
      else if (!this.#changes.isOfGaugeHistogram(cell)) composites.add(this.#cells.composite[cell]!);
      if (pace.isFull(1)) yield;
    }
    return { composites, counters, same };
  }

  #beganAnew(cell: number, { composites, counters }: Restarts): boolean {
    const composite = this.#cells.composite[cell]!;
    return composite < 0 ? counters.has(cell) : composites.has(composite);
  }

  /** Whether the histogram that a bucket is of did not begin anew, so that the bucket is another one now. */
  #goesOn(cell: number, restarted: Restarted): boolean {
    if (this.#changes.isOfGaugeHistogram(cell)) return true;
    const composite = this.#cells.composite[cell]!;
    if (restarted?.same.has(composite) === true) return true;
    return isNative(this.#cells.kindOf(cell)) && restarted?.composites.has(composite) !== true;
  }

  /** Buckets and counts fall only when their histogram or summary begins anew, or has its native buckets at another resolution. */
  #mayNotFall(cell: number): boolean {
    const kind = this.#cells.kindOf(cell);
    return (
      isGrouped(kind) && kind !== CellKind.SUM && !this.#changes.isGaugeFamily(this.#cells.family[cell]!)
    );
  }
}
