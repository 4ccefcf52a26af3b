/** Brings back cells, and finds what follows from them: groups, rows of families, counts. */
import { hasBuckets } from '../model/metric-type.ts';
import type { MetricType } from '../model/metric-type.ts';
import { viewOf } from '../primitives/bytes.ts';
import { CellKind, isCounted, isGrouped } from '../store/cells.ts';
import type { Cells } from '../store/cells.ts';
import type { Family } from '../store/families.ts';
import { isNative } from '../store/native-cells.ts';
import { restoreExemplars } from './snapshot-exemplars.ts';
import { broken } from './snapshot-parts.ts';
import type { Head, PartReader } from './snapshot-parts.ts';
import type { State } from '../state/state.ts';

/** Bringing back a cell is as much work as so many rows of others. */
const RESTORED_ROWS = 2;

export class CellRestorer {
  readonly #state: State;
  readonly #cells: Cells;
  readonly #head: Head;
  /** By cell: sources that contribute to it. */
  readonly #contributors: Uint32Array;
  /** Numbers of free cells that are in a list. */
  readonly #listed: Uint8Array;
  /** By group; each is the list of its group, too. */
  readonly #buckets: number[][] = [];
  readonly #native: number[][] = [];
  #spilled = 0;

  constructor(state: State, head: Head) {
    this.#state = state;
    this.#cells = state.cells;
    this.#head = head;
    this.#contributors = new Uint32Array(head.cellNumbers);
    this.#listed = new Uint8Array(head.cellNumbers);
    state.cells.texts.restoreNumbering(head.cellNumbers);
    state.cells.restoreFamilyColumns(head.familyIds);
  }

  /** Notes that a source contributes to a cell that is still to come. */
  countHolder(cell: number): void {
    if (cell < 0 || cell >= this.#contributors.length) throw broken(`a contribution to cell ${cell}`);
    this.#contributors[cell]! += 1;
  }

  *take(part: PartReader): Generator<void, void> {
    yield* this.#makeComposites();
    const { from, rows } = part;
    const cells = this.#cells;
    const { pace } = this.#state;
    cells.kind.set(part.u8(), from);
    cells.family.set(part.u32(), from);
    cells.composite.set(part.i32(), from);
    cells.bound.set(part.f64(), from);
    cells.contributors.set(part.u32(), from);
    cells.startMs.set(part.f64(), from);
    cells.sums.restore(from, part.f64(), part.f64());
    const lengths = part.u16();
    const bytes = part.bytes();
    const view = viewOf(bytes);
    let at = 0;
    for (let cell = from; cell < from + rows; cell += 1) {
      const end = at + lengths[cell - from]!;
      if (end > bytes.length) throw broken('texts of cells are cut off');
      if (this.#contributors[cell]! > cells.contributors[cell]!)
        throw broken(`cell ${cell} has too many holders`);
      // Earlier versions counted sources that are gone.
      if (isCounted(cells.kindOf(cell))) cells.contributors[cell] = this.#contributors[cell]!;
      if (cells.kind[cell] !== CellKind.FREE) this.#takeCell(cell, view, at, end);
      at = end;
      if (pace.isFull(RESTORED_ROWS)) yield;
    }
    if (at !== bytes.length) throw broken('texts of cells are cut off');
    restoreExemplars(part, cells);
  }

  *takeSpilled(part: PartReader): Generator<void, void> {
    const cells = part.u32();
    const lengths = part.u32();
    const numbers = part.numbers();
    let at = 0;
    for (const [row, cell] of cells.entries()) {
      const end = at + lengths[row]!;
      if (
        cell >= this.#head.cellNumbers ||
        !this.#cells.sums.restoreSpilled(cell, [...numbers.subarray(at, end)])
      )
        throw broken(`cell ${cell} has no sum that spilled`);
      at = end;
      if (this.#state.pace.isFull(1)) yield;
    }
    if (at !== numbers.length) throw broken('sums are cut off');
  }

  *takePendingFree(pendingFree: Uint32Array): Generator<void, void> {
    for (const cell of pendingFree) {
      this.#list(cell);
      this.#cells.pendingFree.push(cell);
      if (this.#state.pace.isFull(1)) yield;
    }
  }

  *takeFree(free: Uint32Array): Generator<void, void> {
    for (const cell of free) {
      this.#list(cell);
      this.#cells.texts.release(cell);
      if (this.#state.pace.isFull(1)) yield;
    }
  }

  /** Call when all has come. */
  *finish(): Generator<void, void> {
    const { texts, composites } = this.#cells;
    if (texts.size !== this.#head.cells) throw broken(`${texts.size} of ${this.#head.cells} cells`);
    yield* this.#makeComposites();
    if (this.#spilled !== this.#head.spilled)
      throw broken(`${this.#head.spilled} of ${this.#spilled} sums that spilled`);
    for (let composite = 0; composite < composites.length; composite += 1) {
      this.#closeComposite(composite);
      if (this.#state.pace.isFull(1 + composites[composite]!.buckets.length)) yield;
    }
  }

  #takeCell(cell: number, view: DataView, start: number, end: number): void {
    const { texts, family: families, composite, sums } = this.#cells;
    const hash = texts.hash(view, start, end);
    if (start === end || texts.find(view, start, end, hash) >= 0)
      throw broken(`a second cell of the series of cell ${cell}`);
    texts.insertAt(cell, view, start, end, hash);
    const kind = this.#cells.kindOf(cell);
    const family = this.#state.families.byId[families[cell]!];
    if (family === undefined || !fits(kind, family.type))
      throw broken(`cell ${cell} of kind ${kind} in family ${families[cell]} (${family?.type})`);
    if (sums.isSpilled(cell)) this.#spilled += 1;
    family.cellCount += 1;
    if (isGrouped(kind)) {
      this.#join(composite[cell]!, cell, kind, family);
      return;
    }
    if (composite[cell] !== -1) throw broken(`cell ${cell} in group ${composite[cell]}`);
    family.rowCount += 1;
    if (kind === CellKind.CREATED) family.startTimeRows += 1;
    family.pending.push(cell);
  }

  #join(id: number, cell: number, kind: CellKind, family: Family): void {
    const { composites } = this.#cells;
    if (id < 0 || id >= this.#head.composites) throw broken(`cell ${cell} in group ${id}`);
    const composite = composites[id]!;
    if (isNative(kind)) {
      family.hasNative = true;
      this.#native[id]!.push(cell);
    } else if (kind === CellKind.BUCKET) {
      this.#buckets[id]!.push(cell);
    } else if (kind === CellKind.SUM) {
      if (composite.sum !== -1) throw broken(`group ${id} has a second sum`);
      composite.sum = cell;
    } else {
      if (composite.count !== -1) throw broken(`group ${id} has a second count`);
      composite.count = cell;
      family.rowCount += 1;
      family.pending.push(id);
    }
  }

  *#makeComposites(): Generator<void, void> {
    const { composites } = this.#cells;
    while (composites.length < this.#head.composites) {
      const buckets: number[] = [];
      this.#buckets.push(buckets);
      const native: number[] = [];
      this.#native.push(native);
      composites.push({ count: -1, sum: -1, buckets, native });
      if (this.#state.pace.isFull(1)) yield;
    }
  }

  #closeComposite(id: number): void {
    const { composites, family, bound } = this.#cells;
    const { count, sum } = composites[id]!;
    const buckets = this.#buckets[id]!;
    const hasNone = count < 0 && sum < 0 && buckets.length === 0 && this.#native[id]!.length === 0;
    // It was dropped when the rules changed.
    if (hasNone) return;
    if (count < 0) throw broken(`group ${id} has no count`);
    buckets.sort((a, b) => bound[a]! - bound[b]!);
    const own = family[count]!;
    const isHistogram = hasBuckets(this.#state.families.get(own).type);
    const last = buckets.at(-1);
    const isWhole = isHistogram
      ? last !== undefined && bound[last] === Number.POSITIVE_INFINITY
      : last === undefined;
    const parts = [...buckets, ...this.#native[id]!];
    if (!isWhole || (sum >= 0 && family[sum] !== own) || parts.some((cell) => family[cell] !== own))
      throw broken(`group ${id} is not one of family ${own}`);
  }

  /** Enters a number that no cell has into one of the two lists of such numbers. */
  #list(cell: number): void {
    if (
      cell >= this.#head.cellNumbers ||
      this.#cells.kind[cell] !== CellKind.FREE ||
      this.#listed[cell] === 1
    )
      throw broken(`cell ${cell} is free and is not`);
    this.#listed[cell] = 1;
  }
}

/** Whether a cell of a kind may be in a family of a type. */
function fits(kind: CellKind, type: MetricType): boolean {
  switch (type) {
    case 'counter':
      return kind === CellKind.COUNTER;
    case 'info':
    case 'stateset':
      return kind === CellKind.GAUGE;
    case 'gauge':
      return kind === CellKind.GAUGE || kind === CellKind.CREATED;
    case 'untyped':
      return kind === CellKind.UNTYPED;
    case 'histogram':
    case 'gaugehistogram':
      return isNative(kind) || kind === CellKind.BUCKET || kind === CellKind.COUNT || kind === CellKind.SUM;
    case 'summary':
      return kind === CellKind.COUNT || kind === CellKind.SUM;
  }
}
