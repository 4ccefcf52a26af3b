/** What changes of contributions have in common: what may be taken back, and columns to put together what a source will have. */
import { CellKind, isCounted, isGrouped, isRemovable } from '../store/cells.ts';
import type { Cells } from '../store/cells.ts';
import { isNative } from '../store/native-cells.ts';
import { OwnSeries } from './own-series.ts';
import type { Pace } from '../primitives/pace.ts';

/** Scratch grown past this by a source with many series is let go. */
const KEPT_LENGTH = 1 << 16;

/** What is asked of the state. */
export interface CellOwner {
  readonly pace: Pace;
  /** Called when no source has a gauge, an untyped series or a native bucket any more. */
  free(cell: number): void;
  /** Whether the family with this id says how things are, though its cells are like those of histograms that count. */
  isGauge(family: number): boolean;
  /** Whether gauge histograms go that no source has any more, and has them go. */
  dropsWithdrawn(): boolean;
  /** See AggregationConfig.groups. */
  areComposites(): boolean;
  /** Whether the family with this id tells when sources pushed. */
  isPushTime(family: number): boolean;
  dropComposite(composite: number): Generator<void, void>;
}

export class SourceChanges {
  readonly pace: Pace;
  readonly next: NextColumns = new NextColumns();
  readonly #cells: Cells;
  readonly #owner: CellOwner;
  readonly #own: OwnSeries;
  /** Gauge histograms that no source had any more when their count was withdrawn. */
  readonly #withdrawn: number[] = [];
  /** By cell; all zero between changes. */
  #position = new Uint32Array(0);

  constructor(cells: Cells, owner: CellOwner) {
    this.#cells = cells;
    this.#owner = owner;
    this.#own = new OwnSeries(cells);
    this.pace = owner.pace;
  }

  /** Scratch: a number for each cell, all zero; whoever uses it leaves it so. */
  positions(): Uint32Array {
    if (this.#position.length < this.#cells.kind.length)
      this.#position = new Uint32Array(this.#cells.kind.length);
    return this.#position;
  }

  withdraw(cell: number, value: number): void {
    const { contributors } = this.#cells;
    this.#cells.add(cell, -value);
    contributors[cell]! -= 1;
    if (contributors[cell] !== 0) return;
    const kind = this.#cells.kindOf(cell);
    // Whoever has anything of it has the count.
    if (kind === CellKind.COUNT && this.#goesWithLast(cell))
      this.#withdrawn.push(this.#cells.composite[cell]!);
    // Of a native bucket, what sources counted that are forgotten stays.
    const isLast =
      isNative(kind) || (kind === CellKind.COUNTER && this.#owner.areComposites())
        ? this.#cells.sums.get(cell) === 0
        : isRemovable(kind);
    if (isLast) this.#owner.free(cell);
  }

  #goesWithLast(count: number): boolean {
    if (this.isOfGaugeHistogram(count)) return this.#owner.dropsWithdrawn();
    return this.#owner.areComposites() && this.#cells.sums.get(count) === 0;
  }

  /** To be called once all that a source takes back is withdrawn. */
  *dropWithdrawn(): Generator<void, void> {
    if (this.#withdrawn.length === 0) return;
    for (const composite of this.#withdrawn) yield* this.#owner.dropComposite(composite);
    this.#withdrawn.length = 0;
  }

  /** What a source has in a cell stays there, and is nobody's any more. */
  fold(cell: number): void {
    if (isCounted(this.#cells.kindOf(cell))) this.#cells.contributors[cell]! -= 1;
  }

  /** From here on `goes` is about this source. */
  begin(source: string): void {
    if (this.#owner.areComposites()) this.#own.of(source);
  }

  /** Whether what a source has in a cell leaves the total when it takes it back. */
  goes(cell: number): boolean {
    return this.isRemovable(cell) || (this.#owner.areComposites() && this.#own.has(cell));
  }

  get areComposites(): boolean {
    return this.#owner.areComposites();
  }

  /** Whether a cell goes when its source is silent for long. */
  isReset(cell: number): boolean {
    if (!this.isGauge(cell)) return false;
    return !this.#owner.areComposites() || !this.#owner.isPushTime(this.#cells.family[cell]!);
  }

  /** Whether a cell says how things are, whoever says it last. */
  isGauge(cell: number): boolean {
    return this.#cells.kind[cell] === CellKind.GAUGE || this.isOfGaugeHistogram(cell);
  }

  /** The same, or untyped. */
  isRemovable(cell: number): boolean {
    return isRemovable(this.#cells.kindOf(cell)) || this.isOfGaugeHistogram(cell);
  }

  isOfGaugeHistogram(cell: number): boolean {
    return isGrouped(this.#cells.kindOf(cell)) && this.isGaugeFamily(this.#cells.family[cell]!);
  }

  isGaugeFamily(family: number): boolean {
    return this.#owner.isGauge(family);
  }
}

/** What a source will have. */
export class NextColumns {
  length = 0;
  cells: Int32Array = new Int32Array(256);
  values: Float64Array = new Float64Array(256);

  /** Empties it, and makes room for so many. */
  begin(length: number): void {
    this.length = 0;
    if (length <= this.cells.length) return;
    const capacity = Math.max(length, this.cells.length * 2);
    this.cells = new Int32Array(capacity);
    this.values = new Float64Array(capacity);
  }

  add(cell: number, value: number): void {
    this.cells[this.length] = cell;
    this.values[this.length] = value;
    this.length += 1;
  }

  /** To be called when it has been used. */
  end(): void {
    if (this.cells.length <= KEPT_LENGTH) return;
    this.cells = new Int32Array(256);
    this.values = new Float64Array(256);
  }
}
