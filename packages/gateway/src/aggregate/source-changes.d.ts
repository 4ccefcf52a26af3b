import type { Cells } from './cells.ts';
import type { Pace } from './pace.ts';
/** What is asked of the state. */
export interface CellOwner {
  readonly pace: Pace;
  /** Called when no source has a gauge, an untyped series or a native bucket any more. */
  free(cell: number): void;
  /** Whether the family with this id says how things are, though its cells are like those of histograms that count. */
  isGauge(family: number): boolean;
}
export declare class SourceChanges {
  #private;
  readonly pace: Pace;
  readonly next: NextColumns;
  constructor(cells: Cells, owner: CellOwner);
  /** Scratch: a number for each cell, all zero; whoever uses it leaves it so. */
  positions(): Uint32Array;
  withdraw(cell: number, value: number): void;
  /** Whether a cell says how things are, whoever says it last. */
  isGauge(cell: number): boolean;
  /** The same, or untyped. */
  isRemovable(cell: number): boolean;
  isOfGaugeHistogram(cell: number): boolean;
  isGaugeFamily(family: number): boolean;
}
/** What a source will have. */
export declare class NextColumns {
  length: number;
  cells: Int32Array;
  values: Float64Array;
  /** Empties it, and makes room for so many. */
  begin(length: number): void;
  add(cell: number, value: number): void;
  /** To be called when it has been used. */
  end(): void;
}
