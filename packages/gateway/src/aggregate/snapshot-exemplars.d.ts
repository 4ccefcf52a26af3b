import type { Cells } from './cells.ts';
import type { PartReader } from './snapshot-parts.ts';
type ExemplarColumns = readonly [Float64Array, Float64Array, Float64Array, Uint8Array];
/** Of the cells from `from` up to `to` that are not free by `kind`. */
export declare function exemplarColumns(
  { exemplars }: Cells,
  kind: Uint8Array,
  from: number,
  to: number,
): ExemplarColumns | [];
export declare function restoreExemplars(part: PartReader, cells: Cells): void;
export {};
