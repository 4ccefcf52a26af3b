import type { Cells } from './cells.ts';
import type { Part } from './snapshot-parts.ts';
export interface FrozenCells {
  readonly kind: Uint8Array;
  readonly holders: Uint32Array;
  readonly hi: Float64Array;
  readonly lo: Float64Array;
}
/** In rows of free cells only the kind means something: the number may be that of a later cell by now. */
export declare function cellParts(
  cells: Cells,
  { kind, holders, hi, lo }: FrozenCells,
): Generator<Part, void>;
