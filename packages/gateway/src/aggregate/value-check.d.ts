import type { Batch } from './batch.ts';
import { CellKind } from './cells.ts';
import type { Cells } from './cells.ts';
export declare class ValueCheck {
  #private;
  /** Counts in the batch what is ignored. */
  constructor(batch: Batch, cells: Cells);
  /** What of a value is added up, NaN for nothing. Throws when the value cannot stand for its kind. */
  checked(kind: CellKind, value: number, cell: number, offset: number): number;
}
