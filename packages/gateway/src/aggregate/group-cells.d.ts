import type { Cells } from './cells.ts';
export declare class GroupCells {
  #private;
  constructor(cells: Cells);
  /** The sum beside a count, or UNKNOWN. */
  sumOf(count: number): number;
  /** The bucket with an upper bound beside a count, or UNKNOWN. */
  bucketOf(count: number, bound: number): number;
}
